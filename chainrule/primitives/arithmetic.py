"""Rows: arithmetic, powers, remainders, comparisons, rounding, and what selects between values."""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.node import Array, Node, scalar_value
from chainrule.primitives import contraction
from chainrule.primitives.elementwise import ROWS, Dtypes, Elementwise, apply, elementwise
from chainrule.primitives.expression import UFUNCS, Expression
from chainrule.primitives.stated import (
    AT_TIES,
    COMPARED,
    FIRST_WINS,
    MULTIPLIED,
    ONE_INSTRUCTION,
    SECOND_WINS,
    SUMMED,
    Infix,
    Written,
    at_whole_numbers,
    at_zero,
)

BLOCK = 256
"""Rows of a block of a float32 or float64 matrix of which two fit into the cache."""

# -- sums and products: products are contractions -------------------------------------------------


class Sum(Elementwise):
    """``a + b``; a matrix plus its own transpose is read once, and mirrored."""

    def bind(self, node: Node) -> Callable[..., Array]:
        a, b = node.inputs
        if contraction.is_transpose(b, of=a) or contraction.is_transpose(a, of=b):
            return symmetric_sum
        return super().bind(node)


def symmetric_sum(a: Array, b: Array) -> Array:
    """``a + b`` where b is the transpose of a, in blocks that stay in the cache."""
    size = a.shape[0]
    result = np.empty(a.shape, a.dtype)
    for start in range(0, size, BLOCK):
        rows = slice(start, start + BLOCK)
        for column in range(start, size, BLOCK):
            columns = slice(column, column + BLOCK)
            np.add(a[rows, columns], b[rows, columns], out=result[rows, columns])
            if column > start:
                result[columns, rows] = result[rows, columns].T
    return result


add = elementwise(
    np.add, derivative=(1, 1), kind=Sum,
    infix=Infix("+", SUMMED), by_signs=operator.add, cost=ONE_INSTRUCTION,
)  # fmt: skip
subtract = elementwise(
    np.subtract, derivative=(1, -1),
    infix=Infix("-", SUMMED, False), by_signs=operator.sub, cost=ONE_INSTRUCTION,
)  # fmt: skip


def sum_of(a: Node, b: Node) -> Node:
    """``a + b``, where a node added to itself is twice the node."""
    if a is b and a.differentiable:
        return contraction.scaled(a, 2.0)
    return apply(add, a, b)


UFUNCS[np.add] = sum_of
UFUNCS[np.multiply] = contraction.multiply
UFUNCS[np.negative] = lambda a: contraction.scaled(a, -1.0)
UFUNCS[np.positive] = lambda a: a
UFUNCS[np.conjugate] = lambda a: a
UFUNCS[np.square] = lambda a: contraction.multiply(a, a)

reciprocal = elementwise(
    np.reciprocal, derivative=lambda x, y: (-1, y, y), domain=(0.5, 2), finite=False,
    by_signs=lambda x: x**-1,
)  # fmt: skip
divide = elementwise(
    np.true_divide,
    derivative=(
        lambda a, b, y: np.reciprocal(b),
        lambda a, b, y: (-1, y, np.reciprocal(b)),
    ),
    domain=((-2, 2), (0.5, 2)),
    name="divide",
    finite=False,
    infix=Infix("/", MULTIPLIED, False),
    by_signs=operator.truediv,
)

# -- powers ---------------------------------------------------------------------------------------

sqrt = elementwise(
    np.sqrt, derivative=lambda x, y: (0.5, np.reciprocal(y)), domain=(0.2, 3), finite=False,
    kink=at_zero("√x has no finite derivative at 0; a factor 0 before it wins"),
    on_complex=np.sqrt, square=lambda x: x, by_signs=lambda x: x ** Fraction(1, 2),
)  # fmt: skip
cbrt = elementwise(
    np.cbrt, derivative=lambda x, y: (1 / 3, np.reciprocal(y * y)), domain=(0.2, 3),
    kink=at_zero("∛x has no finite derivative at 0; a factor 0 before it wins"),
    on_complex=lambda z: np.where(np.real(z) < 0, -((-z) ** (1 / 3)), z ** (1 / 3)),
)  # fmt: skip
_POWER_DERIVATIVES = (
    lambda x, p, y: (p, x ** (p - 1)),
    lambda x, p, y: (y, np.log(x)),
)
power = elementwise(
    np.power, derivative=_POWER_DERIVATIVES, domain=((0.5, 2), (-2, 2)), finite=False, raises=True
)
float_power = elementwise(
    np.float_power, derivative=_POWER_DERIVATIVES, domain=((0.5, 2), (-2, 2)), finite=False,
    raises=True,
)  # fmt: skip


def power_of(x: Node, exponent: Node) -> Node:
    """``x ** exponent``; the exponents that NumPy's own operator treats apart are simpler nodes."""
    number = contraction.repeated_scalar(exponent)
    value = None if number is None or exponent.size > x.size else scalar_value(number)
    if x.differentiable and exponent.dtype == x.dtype and value in (0.0, 0.5, 1.0, 2.0, -1.0):
        simple = {
            0.0: lambda: contraction.full(x.shape, 1.0, x.dtype),
            0.5: lambda: apply(sqrt, x),
            1.0: lambda: x,
            2.0: lambda: contraction.multiply(x, x),
            -1.0: lambda: apply(reciprocal, x),
        }
        return simple[value]()
    return apply(power, x, exponent)


UFUNCS[np.power] = power_of

# -- quotients with remainder: steps have derivative 0 --------------------------------------------

floor_divide = elementwise(
    np.floor_divide, derivative=(None, None), domain=((0.1, 0.4), (0.5, 2)), finite=False,
    infix=Infix("//", MULTIPLIED, False),
)  # fmt: skip
remainder = elementwise(
    np.remainder,
    derivative=(1, lambda x, m, y: -np.floor(x / m)),
    domain=((2.1, 2.9), (0.95, 1.04)),
    finite=False,
    infix=Infix("%", MULTIPLIED, False),
    on_complex=lambda z, m: z - m * np.floor(np.real(z) / np.real(m)),
)
fmod = elementwise(
    np.fmod,
    derivative=(1, lambda x, m, y: -np.trunc(x / m)),
    domain=((2.1, 2.9), (0.95, 1.04)),
    finite=False,
    on_complex=lambda z, m: z - m * np.trunc(np.real(z) / np.real(m)),
)

# -- sign, rounding, bits: 0 at every kink --------------------------------------------------------


def _upright(z: Array) -> Array:
    """z or −z, whichever has a positive real part: |x| continued to complex numbers."""
    return np.where(np.real(z) < 0, -z, z)


absolute = elementwise(
    np.absolute, derivative=lambda x, y: np.sign(x), domain=(0.2, 2),
    symbol=Written("abs", r"\operatorname{abs}"), kink=at_zero("|x|′ = 0 at 0"),
    on_complex=_upright, square=lambda x: x * x, cost=ONE_INSTRUCTION,
)  # fmt: skip
fabs = elementwise(
    np.fabs, derivative=lambda x, y: np.sign(x), domain=(-2, -0.2),
    kink=at_zero("|x|′ = 0 at 0"), on_complex=_upright, square=lambda x: x * x,
    cost=ONE_INSTRUCTION,
)  # fmt: skip
sign = elementwise(
    np.sign, derivative=None, domain=(0.2, 2), kink=at_zero("sign′(0) = 0"), cost=ONE_INSTRUCTION
)
floor = elementwise(
    np.floor, derivative=None, domain=(0.1, 0.9),
    kink=at_whole_numbers("the derivative of floor is 0"), cost=ONE_INSTRUCTION,
)  # fmt: skip
ceil = elementwise(
    np.ceil, derivative=None, domain=(0.1, 0.9),
    kink=at_whole_numbers("the derivative of ceil is 0"), cost=ONE_INSTRUCTION,
)  # fmt: skip
trunc = elementwise(np.trunc, derivative=None, domain=(0.1, 0.9), cost=ONE_INSTRUCTION)
rint = elementwise(np.rint, derivative=None, domain=(0.6, 1.4), cost=ONE_INSTRUCTION)
heaviside = elementwise(
    np.heaviside, derivative=(None, None), domain=((0.2, 2), (0, 1)), cost=ONE_INSTRUCTION
)
copysign = elementwise(
    np.copysign,
    derivative=(lambda x, s, y: np.copysign(1.0, x) * np.copysign(1.0, s), None),
    domain=((0.2, 2), (-2, -0.2)),
    cost=ONE_INSTRUCTION,
)
nextafter = elementwise(np.nextafter, derivative=(1, None))
spacing = elementwise(np.spacing, derivative=None, domain=(1.1, 1.9))
ldexp = elementwise(np.ldexp, derivative=(lambda x, n, y: np.exp2(n), None))

binary_exponent = elementwise(
    lambda x: np.frexp(x)[1],
    derivative=None,
    domain=(1.1, 1.9),
    name="binary_exponent",
    loop=lambda dtypes: (*dtypes, np.dtype(np.int32)),
    source="the exponent e of np.frexp: x = m 2^e with 1/2 <= |m| < 1",
)


class Relation(NamedTuple):
    """A comparison: what holds where it doesn't, and its signs in code and in mathematics."""

    function: np.ufunc
    opposite: np.ufunc
    sign: str
    written: Written


_RELATIONS = (
    Relation(np.greater, np.less_equal, ">", Written(">", ">")),
    Relation(np.less, np.greater_equal, "<", Written("<", "<")),
    Relation(np.greater_equal, np.less, ">=", Written("≥", r"\ge")),
    Relation(np.less_equal, np.greater, "<=", Written("≤", r"\le")),
    Relation(np.equal, np.not_equal, "==", Written("=", "=")),
    Relation(np.not_equal, np.equal, "!=", Written("≠", r"\ne")),
)
_APART = (-2, -0.1), (0.1, 2)
for _relation in _RELATIONS:
    elementwise(
        _relation.function, derivative=(None, None), domain=_APART, cost=ONE_INSTRUCTION,
        relation=_relation.written, opposite=_relation.opposite,
        infix=Infix(_relation.sign, COMPARED),
    )  # fmt: skip
for _test in (np.isfinite, np.isinf, np.isnan):
    elementwise(_test, derivative=None, cost=ONE_INSTRUCTION)
elementwise(np.signbit, derivative=None)
elementwise(np.logical_not, derivative=None, by_signs=operator.invert, cost=ONE_INSTRUCTION)
elementwise(np.invert, derivative=None, by_signs=operator.invert)
elementwise(np.logical_and, derivative=(None, None), domain=_APART, cost=ONE_INSTRUCTION)
elementwise(np.logical_or, derivative=(None, None), domain=_APART, cost=ONE_INSTRUCTION)
_bits: tuple[np.ufunc, ...] = (
    np.logical_xor, np.bitwise_and, np.bitwise_or, np.bitwise_xor,
    np.left_shift, np.right_shift, np.gcd, np.lcm,
)  # fmt: skip
for _ufunc in _bits:
    elementwise(_ufunc, derivative=(None, None), domain=_APART)

# -- choosing: booleans select, ties share equally ------------------------------------------------


def _select(dtypes: Dtypes) -> Dtypes:
    common = np.result_type(*dtypes[1:])
    return np.dtype(bool), common, common, common


where = elementwise(
    np.where,
    derivative=(None, lambda c, a, b, y: c, lambda c, a, b, y: ~c),
    domain=((0, 1), (-2, 2), (-2, 2)),
    name="where",
    loop=_select,
    cost=ONE_INSTRUCTION,
    on_complex=lambda c, a, b: np.where(np.real(c) != 0, a, b),
)


def choose(condition: Any, a: Any, b: Any) -> Expression:
    """``np.where`` on expressions and numbers."""
    template = next(item for item in (condition, a, b) if isinstance(item, Expression))
    condition_node = template._nodes([condition])[0]
    return template._like(apply(where, condition_node, *template._nodes([a, b])))


def _share(wins: Any, ties: Any) -> Expression:
    return choose(wins, 1.0, choose(ties, 0.5, 0.0))


def _larger(a: Array, b: Array) -> Array:
    return np.where(np.real(a) >= np.real(b), a, b)


def _smaller(a: Array, b: Array) -> Array:
    return np.where(np.real(a) <= np.real(b), a, b)


_MAX, _MIN = Written("max", r"\max"), Written("min", r"\min")
_OF_LARGER, _OF_SMALLER = (FIRST_WINS, SECOND_WINS), (SECOND_WINS, FIRST_WINS)
maximum = elementwise(
    np.maximum,
    derivative=(lambda a, b, y: _share(a > b, a == b), lambda a, b, y: _share(b > a, a == b)),
    domain=((-2, -0.1), (0.1, 2)),
    symbol=_MAX, slopes=_OF_LARGER, kink=AT_TIES, on_complex=_larger, cost=ONE_INSTRUCTION,
)  # fmt: skip
minimum = elementwise(
    np.minimum,
    derivative=(lambda a, b, y: _share(a < b, a == b), lambda a, b, y: _share(b < a, a == b)),
    domain=((-2, -0.1), (0.1, 2)),
    symbol=_MIN, slopes=_OF_SMALLER, kink=AT_TIES, on_complex=_smaller, cost=ONE_INSTRUCTION,
)  # fmt: skip
fmax = elementwise(
    np.fmax,
    derivative=(
        lambda a, b, y: _share((a > b) | np.isnan(b), a == b),
        lambda a, b, y: _share((b > a) | np.isnan(a), a == b),
    ),
    domain=((-2, -0.1), (0.1, 2)),
    symbol=_MAX, slopes=_OF_LARGER, kink=AT_TIES, on_complex=_larger,
)  # fmt: skip
fmin = elementwise(
    np.fmin,
    derivative=(
        lambda a, b, y: _share((a < b) | np.isnan(b), a == b),
        lambda a, b, y: _share((b < a) | np.isnan(a), a == b),
    ),
    domain=((-2, -0.1), (0.1, 2)),
    symbol=_MIN, slopes=_OF_SMALLER, kink=AT_TIES, on_complex=_smaller,
)  # fmt: skip

__all__ = ["ROWS", "choose", "power_of", "sum_of"]
