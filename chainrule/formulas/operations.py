"""The operations of the language: one row each, with its shape rule and its value.

Functions of elements stand here where the language documents them; the others, and those that a
user adds, are read as their rows state them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import DtypeError
from chainrule.formulas import shape_rules as rules
from chainrule.primitives.elementwise import ROWS, Elementwise
from chainrule.tracing.activations import log_softmax, logsumexp, relu, sigmoid, softmax

REAL = np.dtype(np.float64)


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
    "tr": "trace", "logistic": "sigmoid", "expit": "sigmoid",
    "absolute": "abs", "ln": "log",
    "amax": "max", "amin": "min", "lse": "logsumexp",
}  # fmt: skip
"""What else functions are called, beside the names and the signs that their rows state."""


def spelled(word: str) -> str | None:
    """The operation that a function's name in a formula stands for."""
    return SPELLINGS.get(word) or _of_rows().get(word)


def spellings() -> list[str]:
    """Every name that a function has in a formula."""
    return [*SPELLINGS, *_of_rows()]


def operation(word: str) -> Operation:
    """What an operation is; any row that real numbers are given to is one, with no line here."""
    known = OPERATIONS.get(word)
    if known is not None:
        return known
    row = ROWS[word]
    return Operation(len(row.derivatives), rules.elementwise, row)


def _of_rows() -> dict[str, str]:
    """Functions of elements by their names, and by their letters, such as σ."""
    rows = [row for row in ROWS.values() if _is_function(row)]
    letters = {row.symbol.text: row.name for row in rows if row.symbol is not None}
    return letters | {row.name: row.name for row in rows}


def _is_function(row: Elementwise) -> bool:
    """Whether it has a derivative, and is neither a sign nor a part of another's derivative."""
    return row.varies and row.infix is None and row.stands_for is None and _takes_reals(row)


def _takes_reals(row: Elementwise) -> bool:
    try:
        loop = row.loop((REAL,) * len(row.derivatives))
    except DtypeError:
        return False
    return all(dtype == REAL for dtype in loop)


METHODS = frozenset({"sum", "mean", "max", "min", "trace", "dot", "transpose"})
"""Functions that may follow their first operand, as in ``x.sum()``."""

PREFIXES = {"np", "numpy", "cr", "chainrule", "np.linalg", "numpy.linalg", "scipy.special"}
"""What may stand before a function's name, with a dot."""
