"""The operations of the language: one row each, with its shape rule and its value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from chainrule.explain.formula import shape_rules as rules
from chainrule.tracing.activations import log_softmax, logsumexp, relu, sigmoid, softmax


class Operation(NamedTuple):
    """What an operation takes, what shape it gives, and its value on arrays or traced values."""

    operands: int
    shape: rules.Rule
    value: Callable[..., Any]
    takes_axis: bool = False


def _logdet(matrix: Any) -> Any:
    """log |det A|."""
    return np.linalg.slogdet(matrix)[1]


def _dot(a: Any, b: Any) -> Any:
    """A number keeps the other's dtype, which np.dot does not let it."""
    return np.dot(a, b) if np.ndim(a) and np.ndim(b) else np.multiply(a, b)


def _size(a: Any) -> Any:
    """|a|: the determinant of a matrix, the size of every entry of anything else."""
    return np.abs(a) if np.ndim(a) < 2 else np.linalg.det(a)


def _raised(a: Any, exponent: float) -> Any:
    """a², and A⁻¹ for the inverse of a matrix."""
    return np.power(a, exponent) if np.ndim(a) < 2 else np.linalg.inv(a)


def _elementwise(count: int, **values: Callable[..., Any]) -> dict[str, Operation]:
    return {name: Operation(count, rules.elementwise, value) for name, value in values.items()}


def _reductions(**values: Callable[..., Any]) -> dict[str, Operation]:
    return {name: Operation(1, rules.reduction, value, True) for name, value in values.items()}


OPERATIONS: dict[str, Operation] = {
    **_elementwise(
        2, add=np.add, subtract=np.subtract, multiply=np.multiply, divide=np.true_divide,
        power=np.power, maximum=np.maximum, minimum=np.minimum,
    ),
    **_elementwise(
        1, negative=np.negative, exp=np.exp, expm1=np.expm1, log=np.log, log1p=np.log1p,
        sqrt=np.sqrt, square=np.square, sin=np.sin, cos=np.cos, tan=np.tan, arctan=np.arctan,
        sinh=np.sinh, cosh=np.cosh, tanh=np.tanh, abs=np.abs, sigmoid=sigmoid, relu=relu,
    ),
    **_reductions(
        sum=np.sum, mean=np.mean, max=np.max, min=np.min, logsumexp=logsumexp, norm=np.linalg.norm
    ),
    "softmax": Operation(1, rules.along, softmax, True),
    "log_softmax": Operation(1, rules.along, log_softmax, True),
    "matmul": Operation(2, rules.matmul, np.matmul),
    "dot": Operation(2, rules.dot, _dot),
    "outer": Operation(2, rules.outer, np.outer),
    "kron": Operation(2, rules.kron, np.kron),
    "transpose": Operation(1, rules.transpose, np.transpose),
    "diag": Operation(1, rules.diag, np.diag),
    "trace": Operation(1, rules.trace, np.trace),
    "size": Operation(1, rules.size, _size),
    "raised": Operation(2, rules.raised, _raised),
    "det": Operation(1, rules.determinant, np.linalg.det),
    "logdet": Operation(1, rules.determinant, _logdet),
    "inv": Operation(1, rules.inverse, np.linalg.inv),
    "solve": Operation(2, rules.solve, np.linalg.solve),
}  # fmt: skip

SPELLINGS = {
    **{name: name for name in OPERATIONS if name not in ("size", "raised")},
    "tr": "trace", "σ": "sigmoid", "logistic": "sigmoid", "expit": "sigmoid",
    "absolute": "abs", "ln": "log",
    "amax": "max", "amin": "min", "lse": "logsumexp",
}  # fmt: skip
"""Every name that a function has in a formula."""

METHODS = frozenset({"sum", "mean", "max", "min", "trace", "dot", "transpose"})
"""Functions that may follow their first operand, as in ``x.sum()``."""

PREFIXES = {"np", "numpy", "cr", "chainrule", "np.linalg", "numpy.linalg", "scipy.special"}
"""What may stand before a function's name, with a dot."""
