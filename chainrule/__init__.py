"""chainrule: derivatives of plain NumPy code, how they come about, and networks trained by them."""

from chainrule import starting as starting

# isort: split
import importlib
import typing

from chainrule import forks
from chainrule.differentiate.checking import check_grads
from chainrule.differentiate.gradients import (
    grad,
    hvp,
    jvp,
    stop_gradient,
    value_and_grad,
    vjp,
)
from chainrule.differentiate.jacobians import hessian, jacobian
from chainrule.differentiate.mapping import vmap
from chainrule.differentiate.recording import trace
from chainrule.graph.program import Graph
from chainrule.jacobian.matrix import Jacobian
from chainrule.tracing.activations import log_softmax, logsumexp, relu, sigmoid, softmax
from chainrule.version import __version__

if typing.TYPE_CHECKING:
    from chainrule.checking.judging import check
    from chainrule.checking.report import CheckReport
    from chainrule.derivations.derivation import Derivation
    from chainrule.derivations.deriving import derive
    from chainrule.native.entry.compiled import Compiled, compile
    from chainrule.native.run.threads import get_threads, set_threads
    from chainrule.train import (
        AdaGrad,
        Adam,
        AdamW,
        FitResult,
        GradientDescent,
        Momentum,
        Network,
        RMSProp,
        binary_cross_entropy,
        cross_entropy,
        fit,
        load,
        save,
        squared_cost,
    )

_LATER = {
    "chainrule.checking.judging": ("check",),
    "chainrule.checking.report": ("CheckReport",),
    "chainrule.derivations.derivation": ("Derivation",),
    "chainrule.derivations.deriving": ("derive",),
    "chainrule.native.entry.compiled": ("Compiled", "compile"),
    "chainrule.native.run.threads": ("get_threads", "set_threads"),
    "chainrule.train": (
        "AdaGrad", "Adam", "AdamW", "FitResult", "GradientDescent", "Momentum", "Network",
        "RMSProp", "binary_cross_entropy", "cross_entropy", "fit", "load", "save", "squared_cost",
    ),
}  # fmt: skip
"""Names that are loaded when they are first asked for, so that importing the package is quick."""


def __getattr__(name: str) -> typing.Any:
    for module, names in _LATER.items():
        if name in names:
            with forks.still():
                found = globals()[name] = getattr(importlib.import_module(module), name)
            return found
    raise AttributeError(f"module 'chainrule' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "AdaGrad",
    "Adam",
    "AdamW",
    "CheckReport",
    "Compiled",
    "Derivation",
    "FitResult",
    "GradientDescent",
    "Graph",
    "Jacobian",
    "Momentum",
    "Network",
    "RMSProp",
    "__version__",
    "binary_cross_entropy",
    "check",
    "check_grads",
    "compile",
    "cross_entropy",
    "derive",
    "fit",
    "get_threads",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "load",
    "log_softmax",
    "logsumexp",
    "relu",
    "save",
    "set_threads",
    "sigmoid",
    "softmax",
    "squared_cost",
    "stop_gradient",
    "trace",
    "value_and_grad",
    "vjp",
    "vmap",
]
