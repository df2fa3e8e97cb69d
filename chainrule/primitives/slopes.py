"""Rows that derivatives of other rows are made of, where plain arithmetic would lose their digits.

1 − y² is 0 where y = tanh x rounds to 1, and (1 + x²)² overflows where its reciprocal is far from
vanishing. Each of these rows has all its digits over the whole range of floating-point numbers, and
so has its derivative, which is made of such rows again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph.node import Array
from chainrule.primitives.elementwise import Elementwise, apply, elementwise
from chainrule.primitives.expression import Expression


def of(row: Elementwise, *operands: Any) -> Expression:
    """A row of expressions and numbers, in a derivative's formula."""
    template = next(item for item in operands if isinstance(item, Expression))
    return template._like(apply(row, *template._nodes(operands)))


def _sech(x: Array) -> Array:
    """2e / (1 + e²) with e = exp(−|x|), which does not overflow."""
    e = np.exp(-np.abs(x))
    return np.asarray((e + e) / (1 + e * e))


def _one_minus_square(x: Array) -> Array:
    """(1 − x)(1 + x): the subtraction is exact near 1, where x² would be rounded."""
    return np.asarray((1 - x) * (1 + x))


def _one_over_one_plus_square(x: Array) -> Array:
    """(1/x) / (x + 1/x) where x² would overflow before its reciprocal vanishes."""
    inverse = 1 / x
    return np.asarray(np.where(np.abs(x) <= 1, 1 / (1 + x * x), inverse / (x + inverse)))


def _ratio(a: Array, b: Array) -> Array:
    """a / b, where a numerator that is exactly zero wins."""
    return np.asarray(np.where(a == 0, np.zeros((), np.result_type(a, b)), a / b))


sech = elementwise(
    _sech, derivative=lambda x, y: (-1, y, np.tanh(x)), domain=(-3, 3), name="sech",
    stands_for=lambda x: 1 / np.cosh(x),
)  # fmt: skip
one_minus_square = elementwise(
    _one_minus_square, derivative=lambda x, y: (-2, x), domain=(-0.8, 0.8),
    name="one_minus_square", stands_for=lambda x: 1 - x * x,
)  # fmt: skip
one_over_one_plus_square = elementwise(
    _one_over_one_plus_square, derivative=lambda x, y: (-2, y, x * y),
    name="one_over_one_plus_square", stands_for=lambda x: 1 / (1 + x * x),
)  # fmt: skip
ratio = elementwise(
    _ratio,
    derivative=(lambda a, b, y: np.reciprocal(b), lambda a, b, y: (-1, of(ratio, y, b))),
    domain=((-2, 2), (0.5, 2)), name="ratio", finite=False,
    stands_for=lambda a, b: a / b,
)  # fmt: skip
