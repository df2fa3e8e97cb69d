"""chainrule: derivatives of plain NumPy code, how they come about, and networks trained by them."""

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
from chainrule.explain.checking.judging import check
from chainrule.explain.checking.report import CheckReport
from chainrule.explain.derivation import Derivation
from chainrule.explain.deriving import derive
from chainrule.graph.program import Graph
from chainrule.jacobian.matrix import Jacobian
from chainrule.native.compiled import Compiled, compile
from chainrule.tracing.activations import log_softmax, logsumexp, relu, sigmoid, softmax
from chainrule.train import (
    FitResult,
    GradientDescent,
    Network,
    binary_cross_entropy,
    cross_entropy,
    fit,
    load,
    save,
    squared_cost,
)
from chainrule.version import __version__

__all__ = [
    "CheckReport",
    "Compiled",
    "Derivation",
    "FitResult",
    "GradientDescent",
    "Graph",
    "Jacobian",
    "Network",
    "__version__",
    "binary_cross_entropy",
    "check",
    "check_grads",
    "compile",
    "cross_entropy",
    "derive",
    "fit",
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
    "sigmoid",
    "softmax",
    "squared_cost",
    "stop_gradient",
    "trace",
    "value_and_grad",
    "vjp",
    "vmap",
]
