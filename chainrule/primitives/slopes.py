"""Rows that derivatives of other rows are made of, where plain arithmetic would lose their digits.

1 − y² is 0 where y = tanh x rounds to 1, and (1 + x²)² overflows where its reciprocal is far from
vanishing. Each of these rows has all its digits over the whole range of floating-point numbers, and
so has its derivative, which is made of such rows again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph.node import Array
from chainrule.primitives.elementwise import Elementwise, elementwise


def _sech_squared(x: Array) -> Array:
    """4e / (1 + e)² with e = exp(−2|x|), which does not overflow."""
    e = np.exp(-2 * np.abs(x))
    return np.asarray(4 * e / np.square(1 + e))


def _one_minus_square(x: Array) -> Array:
    """(1 − x)(1 + x): the subtraction is exact near 1, where x² would be rounded."""
    return np.asarray((1 - x) * (1 + x))


def _one_over_one_plus_square(x: Array) -> Array:
    """(1/x) / (x + 1/x) where x² would overflow before its reciprocal vanishes."""
    inverse = 1 / x
    return np.asarray(np.where(np.abs(x) <= 1, 1 / (1 + x * x), inverse / (x + inverse)))


def _component(a: Array, b: Array) -> Array:
    """a / √(a² + b²), scaled by a power of two where the root overflows or loses digits."""
    dtype = np.result_type(a, b)
    small = 2.0 ** (np.finfo(dtype).nmant + 3)
    scale = np.where(np.maximum(np.abs(a), np.abs(b)) > 1, 0.25, small).astype(dtype)
    quotient = (a * scale) / np.hypot(a * scale, b * scale)
    return np.asarray(np.where(a == 0, a, quotient), dtype)


def _component_of_complex(a: Array, b: Array) -> Array:
    return np.where(a == 0, 0, a / np.sqrt(a * a + b * b))


sech_squared = elementwise(
    _sech_squared, derivative=lambda x, y: (-2, y, np.tanh(x)), domain=(-3, 3),
    name="sech_squared", on_complex=lambda z: 1 / np.square(np.cosh(z)),
    stands_for=lambda x: 1 - np.tanh(x) ** 2,
    source="the derivative of tanh",
)  # fmt: skip
one_minus_square = elementwise(
    _one_minus_square, derivative=lambda x, y: (-2, x), domain=(-0.8, 0.8),
    name="one_minus_square", stands_for=lambda x: 1 - x * x,
)  # fmt: skip
one_over_one_plus_square = elementwise(
    _one_over_one_plus_square, derivative=lambda x, y: (-2, y, x * y),
    name="one_over_one_plus_square", stands_for=lambda x: 1 / (1 + x * x),
)  # fmt: skip


def _over_length(a: Any, b: Any) -> Any:
    """a / (a² + b²) as one number: a component's square may vanish before it is divided."""
    return component(a, b) * np.reciprocal(np.hypot(a, b))


component: Elementwise = elementwise(
    _component,
    derivative=(
        lambda a, b, y: (component(b, a), _over_length(b, a)),
        lambda a, b, y: (-1, y, _over_length(b, a)),
    ),
    domain=((0.2, 2), (-2, 2)), name="component", finite=False,
    on_complex=_component_of_complex, stands_for=lambda a, b: a / np.hypot(a, b),
    source="cosine of the angle between (a, b) and the first axis",
)  # fmt: skip
