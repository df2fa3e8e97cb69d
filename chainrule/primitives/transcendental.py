"""Rows: exponentials and logarithms, trigonometric and hyperbolic functions, activations."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph.node import Array
from chainrule.primitives.arithmetic import choose
from chainrule.primitives.elementwise import Elementwise, elementwise
from chainrule.primitives.slopes import (
    component,
    one_minus_square,
    one_over_one_plus_square,
    sech_squared,
)
from chainrule.primitives.stated import ONE_INSTRUCTION, PRIME, Written, at_zero

LN2 = float(np.log(2.0))
LN10 = float(np.log(10.0))

# -- exponentials and logarithms ------------------------------------------------------------------

exp = elementwise(np.exp, derivative=lambda x, y: y, finite=False)
exp2 = elementwise(np.exp2, derivative=lambda x, y: (LN2, y), finite=False)
expm1 = elementwise(np.expm1, derivative=lambda x, y: np.exp(x), finite=False)
log = elementwise(np.log, derivative=lambda x, y: np.reciprocal(x), domain=(0.2, 3), finite=False)
log2 = elementwise(
    np.log2, derivative=lambda x, y: (1 / LN2, np.reciprocal(x)), domain=(0.2, 3), finite=False
)
log10 = elementwise(
    np.log10, derivative=lambda x, y: (1 / LN10, np.reciprocal(x)), domain=(0.2, 3), finite=False
)
log1p = elementwise(
    np.log1p, derivative=lambda x, y: np.reciprocal(1 + x), domain=(-0.8, 3), finite=False
)

# -- circular -------------------------------------------------------------------------------------

sin = elementwise(np.sin, derivative=lambda x, y: np.cos(x))
cos = elementwise(np.cos, derivative=lambda x, y: -np.sin(x))
tan = elementwise(np.tan, derivative=lambda x, y: 1 + y * y, domain=(-1, 1))
arcsin = elementwise(
    np.arcsin,
    derivative=lambda x, y: np.reciprocal(np.sqrt(one_minus_square(x))),
    domain=(-0.8, 0.8),
    finite=False,
)
arccos = elementwise(
    np.arccos,
    derivative=lambda x, y: (-1, np.reciprocal(np.sqrt(one_minus_square(x)))),
    domain=(-0.8, 0.8),
    finite=False,
)
arctan = elementwise(np.arctan, derivative=lambda x, y: one_over_one_plus_square(x))
arctan2 = elementwise(
    np.arctan2,
    derivative=(
        lambda a, b, y: (component(b, a), np.reciprocal(np.hypot(a, b))),
        lambda a, b, y: (-1, component(a, b), np.reciprocal(np.hypot(a, b))),
    ),
    domain=((0.2, 2), (-2, 2)),
)
hypot = elementwise(
    np.hypot,
    derivative=(
        lambda a, b, y: component(a, b),
        lambda a, b, y: component(b, a),
    ),
    domain=((0.2, 2), (-2, 2)),
    on_complex=lambda a, b: np.sqrt(a * a + b * b),
    square=lambda a, b: a * a + b * b,
)
degrees = elementwise(np.degrees, derivative=180 / np.pi)
rad2deg = elementwise(np.rad2deg, derivative=180 / np.pi)
radians = elementwise(np.radians, derivative=np.pi / 180)
deg2rad = elementwise(np.deg2rad, derivative=np.pi / 180)

# -- hyperbolic -----------------------------------------------------------------------------------

sinh = elementwise(np.sinh, derivative=lambda x, y: np.cosh(x), finite=False)
cosh = elementwise(np.cosh, derivative=lambda x, y: np.sinh(x), finite=False)
tanh = elementwise(np.tanh, derivative=lambda x, y: sech_squared(x), domain=(-3, 3), slopes=PRIME)
arcsinh = elementwise(np.arcsinh, derivative=lambda x, y: np.reciprocal(np.hypot(1.0, x)))
arccosh = elementwise(
    np.arccosh,
    derivative=lambda x, y: np.reciprocal(np.sqrt(x - 1) * np.sqrt(x + 1)),
    domain=(1.3, 3),
    finite=False,
)
arctanh = elementwise(
    np.arctanh,
    derivative=lambda x, y: np.reciprocal(one_minus_square(x)),
    domain=(-0.8, 0.8),
    finite=False,
)

# -- activations ----------------------------------------------------------------------------------


def _sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) without overflow: exp is only taken of what is not positive."""
    e = np.exp(-np.abs(x))
    one = x.dtype.type(1)
    return np.asarray(np.where(x >= 0, one, e) / (one + e))


def _sigmoid_of_complex(z: Array) -> Array:
    """1 / (1 + exp(−z)), with exp taken of what has no positive real part."""
    negative = z.real < 0
    e = np.exp(np.where(negative, z, -z))
    return np.asarray(np.where(negative, e, 1) / (1 + e))


def _relu(x: Array) -> Array:
    return np.asarray(np.maximum(x, x.dtype.type(0)))


def _logistic_density(x: Array) -> Array:
    """e / (1 + e)² with e = exp(−|x|), which does not overflow."""
    e = np.exp(-np.abs(x))
    return np.asarray(e / np.square(1 + e))


logistic_density: Elementwise = elementwise(
    _logistic_density, derivative=lambda x, y: (-1, y, np.tanh(0.5 * x)), domain=(-3, 3),
    name="logistic_density",
    on_complex=lambda z: 0.25 / np.square(np.cosh(z / 2)),
    stands_for=lambda x: sigmoid(x) * (1 - sigmoid(x)),
    source="the derivative of the logistic function, sigma(x) sigma(-x) = sech(x/2)^2 / 4",
)  # fmt: skip
sigmoid: Elementwise = elementwise(
    _sigmoid, derivative=lambda x, y: logistic_density(x), domain=(-3, 3), name="sigmoid",
    source="the logistic function of (5.113); its derivative is sigma(x) sigma(-x)",
    symbol=Written("σ", r"\sigma"), slopes=PRIME, on_complex=_sigmoid_of_complex,
)  # fmt: skip
relu = elementwise(
    _relu, derivative=lambda x, y: x > 0, domain=(0.2, 2), name="relu",
    slopes=PRIME, kink=at_zero("relu′(0) = 0"), cost=ONE_INSTRUCTION,
    on_complex=lambda z: np.where(np.real(z) > 0, z, 0),
)  # fmt: skip


def _softer(a: Any, b: Any) -> Any:
    """The weight of ``a`` in logaddexp(a, b): exp(a) / (exp(a) + exp(b)); equal ones share."""
    if a.node.finite and b.node.finite:
        return sigmoid(a - b)
    return sigmoid(choose((a == b) & np.isinf(a), 0.0, a - b))


logaddexp = elementwise(
    np.logaddexp, derivative=(lambda a, b, y: _softer(a, b), lambda a, b, y: _softer(b, a))
)
logaddexp2 = elementwise(
    np.logaddexp2,
    derivative=(
        lambda a, b, y: _softer(a * LN2, b * LN2),
        lambda a, b, y: _softer(b * LN2, a * LN2),
    ),
)
