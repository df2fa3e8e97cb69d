"""Sine, cosine, tangent, and their inverses.

On a reduced angle r, with t = r²: sin r = r + r³q(t), cos r = 1 − t/2 + t²q(t). The inverses reduce
their argument with arctan x = π/4 + arctan((x − 1)/(x + 1)) and arctan x = π/2 − arctan(1/x), and
arcsin x = π/2 − 2 arcsin √((1 − x)/2).
"""

from __future__ import annotations

import math

from chainrule.native.code.functions.arithmetic import Arithmetic, Pair
from chainrule.native.code.functions.reduction import HALF_PI, reduced
from chainrule.native.code.ir import Value

PI = (2 * HALF_PI[0], 2 * HALF_PI[1])
QUARTER_PI = (HALF_PI[0] / 2, HALF_PI[1] / 2)


def _sine(m: Arithmetic, r: Pair) -> tuple[Value, Value]:
    """Two numbers whose sum is sin r, the larger one first."""
    f = m.f
    t = f.mul(r.high, r.high)
    cube, q = f.mul(t, r.high), m.polynomial("sin", t)
    return r.high, f.mul(cube, q) if r.low is None else f.fma(cube, q, r.low)


def _cosine(m: Arithmetic, r: Pair) -> tuple[Value, Value]:
    """Two numbers whose sum is cos r, the larger one first."""
    f = m.f
    t = f.mul(r.high, r.high)
    start = f.fma(t, -0.5, 1.0)
    square, q = f.mul(t, t), m.polynomial("cos", t)
    if r.low is None:
        return start, f.mul(square, q)
    lost = f.fma(f.neg(r.high), r.low, f.fma(t, -0.5, f.sub(1.0, start)))
    return start, f.fma(square, q, lost)


def _odd(m: Arithmetic, turns: Value) -> Value:
    """Whether the number of quarter turns is odd."""
    return m.f.compare("ne", m.f.bit_and(turns, 1), 0)


def _waves(m: Arithmetic, x: Value) -> tuple[Value, Value, Value]:
    """Quarter turns of |x|, and sine and cosine of what is left."""
    turns, r = reduced(m, m.f.abs(x))
    return turns, m.f.add(*_sine(m, r)), m.f.add(*_cosine(m, r))


def _second_bit_as_sign(m: Arithmetic, turns: Value) -> Value:
    """The sign of a half turn, at the place of a number's sign; other bits are left."""
    return m.f.shift_left(turns, m.f.bit_width(m.type) - 2)


def sin(m: Arithmetic, x: Value) -> Value:
    f = m.f
    turns, sine, cosine = _waves(m, x)
    y = f.select(_odd(m, turns), cosine, sine)
    return f.with_sign_changed(y, f.bit_xor(_second_bit_as_sign(m, turns), f.bits(x)))


def cos(m: Arithmetic, x: Value) -> Value:
    f = m.f
    turns, sine, cosine = _waves(m, x)
    y = f.select(_odd(m, turns), sine, cosine)
    return f.with_sign_changed(y, _second_bit_as_sign(m, f.add(turns, 1)))


def tan(m: Arithmetic, x: Value) -> Value:
    """sin/cos, or −cos/sin after an odd number of quarter turns."""
    f = m.f
    turns, r = reduced(m, f.abs(x))
    sine, cosine = m.ordered_sum(*_sine(m, r)), m.ordered_sum(*_cosine(m, r))
    odd = _odd(m, turns)
    top = m.choose(odd, m.negative(cosine), sine)
    y = m.divided(top, m.choose(odd, sine, cosine))
    return f.with_sign_changed(y, f.bits(x))


def _tiny(m: Arithmetic) -> float:
    return float(2.0 ** -(m.precision.fraction // 2 + 2))


# -- inverses -------------------------------------------------------------------------------------


def arctan(m: Arithmetic, x: Value) -> Value:
    f = m.f
    size = f.abs(x)
    # Beyond 2^60 it is π/2 to the last place, and no quotient leaves the normal numbers.
    limited = m.clamped(size, 0.0, 2.0**60)
    y = m.value(_arctan_of_ratio(m, limited, m.number(1.0)))
    y = f.select(f.compare("lt", size, _tiny(m)), size, y)
    return f.copysign(y, x)


def _arctan_of_ratio(m: Arithmetic, a: Value, b: Value) -> Pair:
    """arctan(a/b) for a, b ≥ 0."""
    f = m.f
    middle = f.compare("gt", a, f.mul(b, math.sqrt(2) - 1))
    high = f.compare("gt", a, f.mul(b, math.sqrt(2) + 1))
    zero = m.number(0.0)
    difference, total = m.sum(a, f.neg(b)), m.sum(a, b)
    top = m.choose(middle, difference, Pair(a))
    top = m.choose(high, Pair(f.neg(b)), top)
    base = m.choose(middle, total, Pair(b))
    base = m.choose(high, Pair(a), base)
    z = m.quotient(top, base)
    start = m.choose(middle, m.exact(QUARTER_PI), Pair(zero))
    start = m.choose(high, m.exact(HALF_PI), start)
    t = f.mul(z.high, z.high)
    tail = m.lows(f.mul(f.mul(t, z.high), m.polynomial("arctan", t)), z.low, start.low)
    s = m.ordered_sum(start.high, z.high)
    return m.normal(s.high, m.lows(s.low, tail))


def arctan2(m: Arithmetic, a: Value, b: Value) -> Value:
    """The angle of the point (b, a), whatever its size."""
    f = m.f
    y, x = _comparable(m, f.abs(a), f.abs(b))
    angle = _arctan_of_ratio(m, y, x)
    # The sign bit also of −0, which lies on the other side.
    left = f.compare("lt", f.bits(b), 0)
    angle = m.choose(left, m.add(m.exact(PI), m.negative(angle)), angle)
    result = _steep_or_flat(m, a, b, left, m.value(angle))
    undefined = f.emit(f"fcmp uno {a}, {b.text}", f.is_nan(a).type)
    return f.select(undefined, f.add(a, b), f.copysign(result, a))


def _comparable(m: Arithmetic, a: Value, b: Value) -> tuple[Value, Value]:
    """Both over the same power of two, so that the larger one is near 1; infinities are equal."""
    f, p = m.f, m.precision
    largest = f.select(f.compare("gt", a, b), a, b)
    all_ones = (2 * p.bias + 1) << p.fraction
    field = f.bit_and(f.bits(largest), all_ones)
    infinite = f.compare("eq", largest, math.inf)
    subnormal = f.compare("lt", largest, p.smallest_normal)
    factor = f.float_of(f.sub(all_ones, field), m.type)
    lift = f.select(subnormal, 2.0 ** (p.fraction + 1), m.number(1.0))
    factor = f.select(subnormal, 2.0 ** (p.bias - 2), factor)
    scaled = []
    for item in (a, b):
        whole = f.select(f.compare("eq", item, math.inf), 1.0, m.number(0.0))
        scaled.append(f.select(infinite, whole, f.mul(f.mul(item, lift), factor)))
    y, x = scaled
    both_zero = f.compare("eq", largest, 0.0)
    return y, f.select(both_zero, 1.0, x)


def _steep_or_flat(m: Arithmetic, a: Value, b: Value, left: Value, y: Value) -> Value:
    """A ratio too small to be scaled is itself the angle on the right-hand side."""
    f = m.f
    size, base = f.abs(a), f.abs(b)
    flat = f.compare("lt", size, f.mul(base, 2.0 ** -(m.precision.fraction // 2 + 3)))
    direct = f.select(f.compare("eq", base, math.inf), 0.0, f.div(size, base))
    right = f.select(flat, direct, y)
    return f.select(left, y, right)


def arcsin(m: Arithmetic, x: Value) -> Value:
    f = m.f
    size = f.abs(x)
    z, outer = _folded(m, size)
    part = _arcsin_of(m, z)
    rest = m.add(m.exact(HALF_PI), m.times(part, -2.0))
    y = m.value(m.choose(outer, rest, part))
    y = f.select(f.compare("lt", size, _tiny(m)), size, y)
    return f.copysign(y, x)


def arccos(m: Arithmetic, x: Value) -> Value:
    f = m.f
    size = f.abs(x)
    z, outer = _folded(m, size)
    part = _arcsin_of(m, z)
    negative = f.compare("lt", x, 0.0)
    twice = m.times(part, 2.0)
    far = m.choose(negative, m.add(m.exact(PI), m.negative(twice)), twice)
    signed = m.choose(negative, part, m.negative(part))
    return m.value(m.choose(outer, far, m.add(m.exact(HALF_PI), signed)))


def _folded(m: Arithmetic, size: Value) -> tuple[Pair, Value]:
    """An argument of at most ½: |x|, or √((1 − |x|)/2) in the outer half; NaN above 1."""
    f = m.f
    outer = f.compare("gt", size, 0.5)
    half = f.mul(f.sub(1.0, size), 0.5)
    root = m.root(Pair(f.select(outer, half, 0.25)))
    return m.choose(outer, root, Pair(size)), outer


def _arcsin_of(m: Arithmetic, z: Pair) -> Pair:
    f = m.f
    t = f.mul(z.high, z.high)
    tail = m.lows(f.mul(f.mul(t, z.high), m.polynomial("arcsin", t)), z.low)
    return m.normal(z.high, tail)


def one_over_one_plus_square(m: Arithmetic, x: Value) -> Value:
    """1/(1 + x²) or (1/x)/(x + 1/x): x² overflows before its reciprocal vanishes."""
    f = m.f
    size = f.abs(x)
    is_small = f.compare("le", size, 1.0)
    inverse = f.div(1.0, size)
    larger, smaller = f.select(is_small, 1.0, size), f.select(is_small, f.mul(x, x), inverse)
    y = m.divided(Pair(f.select(is_small, 1.0, inverse)), m.ordered_sum(larger, smaller))
    return f.select(f.compare("eq", size, math.inf), 0.0, y)
