"""Right calls of every public function and method, of which one argument or two are made wrong."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from tempfile import gettempdir
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse.linalg import aslinearoperator

import chainrule as cr
from tests.fuzz.traced_calls import PAIRS, traced_calls

X = np.array([0.5, -1.0, 2.0])


def cost(x, scale=1.0):
    return np.sum(np.tanh(x * scale) ** 2)


def slopes(x, scale=1.0):
    return np.tanh(x * scale)


class Call(NamedTuple):
    """A call and its right arguments by name; ``data`` are those that only the user's f judges."""

    run: Callable[..., Any]
    arguments: dict[str, Any]
    owner: str = "objects"
    plain: Callable[..., Any] | None = None
    """The user's own code with the same arguments: what it raises is its own affair."""
    elsewhere: frozenset[str] = frozenset()
    """Values that the code of other packages meets, with errors of its own."""


@lru_cache(maxsize=1)
def _result() -> cr.FitResult:
    return cr.fit(_network(), PAIRS, PAIRS[:, :1], **QUIET)


QUIET: dict[str, Any] = {"epochs": 2, "progress": False, "cost": "squared"}


def _network() -> cr.Network:
    return cr.Network([2, 3, 1], activation="tanh")


def _params() -> dict[str, Any]:
    return _network().init(0)


def _load(path: Any) -> Any:
    cr.save(_result(), SAVED)
    return cr.load(path)


def _fit(**options: Any) -> Any:
    network, X, Y = (options.pop(name) for name in ("network", "X", "Y"))
    return cr.fit(network, X, Y, **options)


def _optimised(make: type) -> dict[str, Call]:
    one = make(0.1)
    name = make.__name__
    theta = {"b0": np.ones(2)}
    options = {item: getattr(one, item) for item in one.__dataclass_fields__}
    return {
        name: Call(make, options, "tables"),
        f"{name}.init": Call(one.init, {"params": theta}, "tables"),
        f"{name}.update": Call(
            one.update, {"params": theta, "gradient": theta, "state": one.init(theta)}, "tables"
        ),
    }


J = cr.jacobian(slopes)(X)
DENSE = cr.jacobian(lambda A: A @ A)(np.eye(2) * 2)
PLAN = cr.jacobian(slopes).plan(X)
COMPILED = cr.compile(cost)
DERIVED = cr.derive(cost)(X)
PULLBACK = cr.vjp(slopes, X)[1]
RIGHT = object()
"""Stands for a result of training, which is made when it is needed."""
SAVED = str(Path(gettempdir()) / "wrong-calls.safetensors")

MAKERS = {
    "grad": (cr.grad, cost), "value_and_grad": (cr.value_and_grad, cost),
    "jacobian": (cr.jacobian, slopes), "hessian": (cr.hessian, cost),
    "derive": (cr.derive, cost),
}  # fmt: skip

CALLS: dict[str, Call] = {
    **{
        name: Call(lambda f, wrt, x, make=make: make(f, wrt)(x), {"f": f, "wrt": 0, "x": X},
                   plain=lambda f, wrt, x: f(x))
        for name, (make, f) in MAKERS.items()
    },
    **{
        f"{name} with a keyword": Call(
            lambda x, scale, make=make, f=f: make(f)(x, scale=scale), {"x": X, "scale": 2.0},
            plain=f,
        )
        for name, (make, f) in MAKERS.items()
    },
    "jacobian's options": Call(
        lambda order, sparsity: cr.jacobian(slopes, order=order, sparsity=sparsity)(X).toarray(),
        {"order": "auto", "sparsity": np.eye(3)},
    ),
    "hessian's options": Call(
        lambda order, sparsity: cr.hessian(cost, order=order, sparsity=sparsity)(X).toarray(),
        {"order": "forward", "sparsity": "detect"},
    ),
    "derive's options": Call(
        lambda expanded, letters: cr.derive(cost, expanded=expanded, letters=letters)(X).text(),
        {"expanded": True, "letters": {3: "m"}},
    ),
    "jvp": Call(
        cr.jvp, {"f": slopes, "primals": (X,), "tangents": (X,)},
        plain=lambda f, primals, tangents: f(*primals),
    ),
    "jvp of values": Call(
        lambda x, v: cr.jvp(slopes, (x,), (v,)), {"x": X, "v": X}, plain=lambda x, v: slopes(x)
    ),
    "vjp": Call(
        lambda f, x, u: cr.vjp(f, x)[1](u), {"f": slopes, "x": X, "u": X},
        plain=lambda f, x, u: f(x),
    ),
    "pullback": Call(PULLBACK, {"cotangent": X}),
    "hvp": Call(
        lambda f, x, v: cr.hvp(f, x, v), {"f": cost, "x": X, "v": X}, plain=lambda f, x, v: f(x)
    ),
    "vmap": Call(
        lambda f, in_axes, x: cr.vmap(f, in_axes)(x), {"f": slopes, "in_axes": 0, "x": PAIRS},
        plain=lambda f, in_axes, x: f(x),
    ),
    "vmap of two": Call(
        lambda first, second, x, y: cr.vmap(np.multiply, (first, second))(x, y),
        {"first": None, "second": 0, "x": X, "y": PAIRS[:, :1]},
        plain=lambda first, second, x, y: np.multiply(x, y), elsewhere=frozenset({"frame"}),
    ),
    "compile": Call(
        lambda f, when, x: cr.compile(f, when=when)(x),
        {"f": cost, "when": "first call", "x": X}, plain=lambda f, when, x: f(x),
    ),
    "compiled": Call(
        lambda x, scale: COMPILED(x, scale), {"x": X, "scale": 2.0}, plain=cost
    ),
    "compiled with a keyword": Call(
        lambda x, scale: COMPILED(x, scale=scale), {"x": X, "scale": 2.0}, plain=cost
    ),
    "compiled gradient": Call(
        lambda x: cr.compile(cr.grad(cost))(x), {"x": X}, plain=cost
    ),
    "trace": Call(lambda f, x: str(cr.trace(f, x)), {"f": cost, "x": X}, plain=lambda f, x: f(x)),
    "check_grads": Call(
        cr.check_grads,
        {"f": cost, "args": (X,), "order": 1, "modes": ("forward",), "rtol": 1e-6, "atol": 1e-6,
         "seed": 0},
        "check", plain=lambda f, args, **_: f(*args),
    ),
    "check": Call(
        lambda f, gradient, x, wrt: cr.check(f, gradient, x, wrt=wrt),
        {"f": cost, "gradient": cr.grad(cost), "x": X, "wrt": 0}, "check",
        plain=lambda f, gradient, x, wrt: f(x),
    ),
    "stop_gradient": Call(cr.stop_gradient, {"x": X}),
    "sigmoid": Call(cr.sigmoid, {"x": X}),
    "relu": Call(cr.relu, {"x": X}),
    "softmax": Call(cr.softmax, {"x": PAIRS, "axis": 0}),
    "log_softmax": Call(cr.log_softmax, {"x": PAIRS, "axis": 0}),
    "logsumexp": Call(cr.logsumexp, {"x": PAIRS, "axis": (0, 1), "keepdims": True}),
    "traced softmax": Call(
        lambda axis: cr.grad(lambda x: np.sum(cr.softmax(x, axis) ** 2))(PAIRS), {"axis": 0}
    ),
    "traced logsumexp": Call(
        lambda axis, keepdims: cr.grad(lambda x: np.sum(cr.logsumexp(x, axis, keepdims)))(PAIRS),
        {"axis": 0, "keepdims": False},
    ),
    # -- NumPy's functions while they are traced
    **{
        f"{name} in a trace": Call(call.run, arguments, "tracing", plain=call.plain)
        for name, call, arguments in traced_calls()
    },
    # -- Jacobians
    "J @ v": Call(lambda v: J @ v, {"v": X}),
    "u @ J": Call(lambda u: u @ J, {"u": X}, plain=lambda u: u @ np.eye(3)),
    "dense @ v": Call(lambda v: DENSE @ v, {"v": PAIRS}),
    "J * number": Call(lambda s: (J * s).toarray(), {"s": 2.0}),
    "number * J": Call(lambda s: (s * J).toarray(), {"s": 2.0}),
    "J / number": Call(lambda s: (J / s).toarray(), {"s": 2.0}),
    "J + J": Call(lambda other: (J + other).toarray(), {"other": J}),
    "J - J": Call(lambda other: (J - other).toarray(), {"other": J}),
    "J[key]": Call(lambda key: J[key].toarray(), {"key": 0}),
    "J[i, j]": Call(lambda i, j: J[i, j].toarray(), {"i": slice(0, 2), "j": 1}),
    "dense[key]": Call(lambda key: DENSE[key].toarray(), {"key": 0}),
    "J.solve": Call(J.solve, {"b": X}),
    "dense.solve": Call(DENSE.solve, {"b": PAIRS}),
    "np.asarray(J)": Call(
        lambda dtype: np.asarray(J, dtype=dtype), {"dtype": float},
        plain=lambda dtype: np.asarray(np.eye(3), dtype=dtype),
    ),
    "J.aslinearoperator() @ v": Call(
        lambda v: J.aslinearoperator() @ v, {"v": X},
        plain=lambda v: aslinearoperator(np.eye(3)) @ v, elsewhere=frozenset({"sparse"}),
    ),
    "plan": Call(PLAN, {"x": X}),
    "planning": Call(lambda x: str(cr.jacobian(slopes).plan(x)), {"x": X}, plain=slopes),
    # -- what is shown
    "Derivation.text": Call(DERIVED.text, {"ascii": False}, "explain"),
    "Derivation.latex": Call(DERIVED.latex, {"standalone": False}, "explain"),
    # -- training
    "Network": Call(
        cr.Network, {"sizes": [2, 1], "activation": "tanh", "output": "linear"}, "tables"
    ),
    "Network.init": Call(_network().init, {"seed": 0, "dtype": np.float32}, "tables"),
    "Network()": Call(_network(), {"params": _params(), "x": PAIRS}, "tables"),
    "squared_cost": Call(cr.squared_cost, {"output": X, "target": X}, "tables"),
    "cross_entropy": Call(cr.cross_entropy, {"output": X**2 / 5.25, "target": X**2}, "tables"),
    "binary_cross_entropy": Call(
        cr.binary_cross_entropy, {"output": X**2 / 5, "target": X**2 / 5}, "tables"
    ),
    "fit": Call(
        _fit,
        {
            "network": _network(), "X": PAIRS, "Y": PAIRS[:, :1], "cost": "squared",
            "optimiser": cr.GradientDescent(0.1), "epochs": 1, "batch_size": 2, "seed": 0,
            "reduction": "mean", "validation": (PAIRS, PAIRS[:, :1]), "params": _params(),
            "progress": False, "callback": print, "compile": False,
        },
        "tables", elsewhere=frozenset({"function that fails", "class", "Network"}),
    ),
    "FitResult.predict": Call(lambda X: _result().predict(X), {"X": PAIRS}, "tables"),
    "save": Call(
        lambda result, path, preprocessing: cr.save(
            _result() if result is RIGHT else result, path, preprocessing
        ),
        {"result": RIGHT, "path": SAVED, "preprocessing": None}, "tables",
    ),
    "load": Call(_load, {"path": SAVED}, "tables"),
    "set_threads": Call(cr.set_threads, {"count": 1}, "tables"),
    **_optimised(cr.GradientDescent), **_optimised(cr.Momentum), **_optimised(cr.AdaGrad),
    **_optimised(cr.RMSProp), **_optimised(cr.Adam), **_optimised(cr.AdamW),
}  # fmt: skip
"""By name."""
