"""Logarithms: log, log2, log10, log1p, and the sums of exponentials' logarithms.

x = 2^n·m with √½ ≤ m < √2, and log m = 2 artanh(s) for s = (m − 1)/(m + 1). With z = 2s this is
z + z³q(z²), in which z is a quotient with its remainder, so that the result can be had in more
digits than a number has.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from chainrule.native.functions import exponential
from chainrule.native.functions.arithmetic import Arithmetic, Pair
from chainrule.native.ir import Value

INVERSE_LN2 = (1.4426950408889634, 2.0355273740931033e-17)
INVERSE_LN10 = (0.4342944819032518, 1.098319650216765e-17)
LOG10_2 = (0.3010299956639812, -2.8037281277851704e-18)
TWELFTH = (0.08333333333333333, 4.625929269271485e-18)
"""1/log 2, 1/log 10, log10 2 and 1/12 as doubles, and what is missing in them."""


def separated(m: Arithmetic, x: Pair) -> tuple[Value, Pair]:
    """n and m of a positive normal x = 2^n·m, the first as a floating-point number."""
    f, p = m.f, m.precision
    one = p.bias << p.fraction
    start = _bits_of_root_half(p.fraction, p.bias)
    shifted = f.add(f.bits(x.high), one - start)
    exponent = f.shift_right(shifted, p.fraction)  # n + bias
    fraction = f.bit_and(shifted, (1 << p.fraction) - 1)
    mantissa = f.float_of(f.add(fraction, start), m.type)
    # A small whole number in the lowest bits of 2^fraction is that number, added.
    lifted = f.bit_or(exponent, (p.bias + p.fraction) << p.fraction)
    n = f.sub(f.float_of(lifted, m.type), 2.0**p.fraction + p.bias)
    if x.low is None:
        return n, Pair(mantissa)
    # 2^-n, or 0 where that is subnormal: then nothing small was added to x.
    inverse_exponent = f.sub(2 * p.bias, f.minimum(exponent, 2 * p.bias))
    inverse = f.float_of(f.shift_left(inverse_exponent, p.fraction), m.type)
    return n, Pair(mantissa, f.mul(x.low, inverse))


def _bits_of_root_half(fraction: int, bias: int) -> int:
    return ((bias - 1) << fraction) + int((math.sqrt(2) - 1) * 2.0**fraction)


def mantissa_log(m: Arithmetic, mantissa: Pair, exact: bool) -> tuple[Pair, Value]:
    """log m as z and the rest, which is small beside it."""
    f = m.f
    g = Pair(f.sub(mantissa.high, 1.0))
    if mantissa.low is not None:
        g = m.sum(g.high, mantissa.low)
    base = m.ordered_sum(1.0, f.mul(g.high, 0.5))
    low = None if g.low is None else f.mul(g.low, 0.5)
    z = m.quotient(g, Pair(base.high, m.lows(base.low, low)))
    t = f.mul(z.high, z.high)
    if not exact or not m.precision.paired or m.precision.name == "float":
        return z, f.mul(f.mul(t, z.high), m.polynomial("log", t))
    square = m.multiply(z, z)
    cube = m.multiply(square, z)
    more = m.add(m.exact(TWELFTH), Pair(f.mul(t, m.polynomial("log_exact", t))))
    product = m.multiply(cube, more)
    s = m.ordered_sum(z.high, product.high)
    return Pair(s.high, m.lows(s.low, z.low)), product.low or m.number(0.0)


def log_pair(m: Arithmetic, x: Pair, shift: Value | None = None, exact: bool = False) -> Pair:
    """log(2^shift · x) for a positive normal x; ``exact`` is right to 2^-65 of it."""
    f = m.f
    n, mantissa = separated(m, x)
    if shift is not None:
        n = f.add(n, shift)
    z, tail = mantissa_log(m, mantissa, exact)
    high, low = exponential.split_ln2(m)
    s = m.ordered_sum(f.mul(n, high), z.high)
    rest = f.fma(n, low, tail)
    return Pair(s.high, m.lows(s.low, z.low, rest))


def normalised(m: Arithmetic, x: Value) -> tuple[Value, Value]:
    """A subnormal number times a power of two, and the power's exponent to add."""
    f, p = m.f, m.precision
    small = f.compare("lt", x, p.smallest_normal)
    lifted = f.mul(x, 2.0 ** (p.fraction + 1))
    return f.select(small, lifted, x), f.select(small, float(-p.fraction - 1), m.number(0.0))


def at_the_edges(m: Arithmetic, x: Value, y: Value, zero: float = 0.0) -> Value:
    """A logarithm's values where its argument is zero, infinite, negative or undefined."""
    f = m.f
    y = f.select(f.compare("eq", x, math.inf), x, y)
    y = f.select(f.compare("eq", x, zero), -math.inf, y)
    return f.select(f.compare("ge", x, zero), y, f.select(f.is_nan(x), x, math.nan))


def log(m: Arithmetic, x: Value) -> Value:
    lifted, shift = normalised(m, x)
    return at_the_edges(m, x, m.value(log_pair(m, Pair(lifted), shift)))


def log2(m: Arithmetic, x: Value) -> Value:
    return _other_base(m, x, INVERSE_LN2, (1.0, 0.0))


def log10(m: Arithmetic, x: Value) -> Value:
    return _other_base(m, x, INVERSE_LN10, LOG10_2)


def _other_base(
    m: Arithmetic, x: Value, factor: tuple[float, float], of_two: tuple[float, float]
) -> Value:
    """n·log_b(2) + log_b(m): exact where the mantissa is 1 and log_b(2) is."""
    f = m.f
    lifted, shift = normalised(m, x)
    n, mantissa = separated(m, Pair(lifted))
    n = f.add(n, shift)
    z, tail = mantissa_log(m, mantissa, exact=False)
    small = m.multiply(Pair(z.high, m.lows(z.low, tail)), m.exact(factor))
    whole = m.multiply(Pair(n), m.exact(of_two))
    return at_the_edges(m, x, m.value(m.add(whole, small)))


def log1p_pair(m: Arithmetic, x: Pair) -> Pair:
    """log(1 + x) where 1 + x is a positive normal number."""
    s = m.sum(1.0, x.high)
    return log_pair(m, m.normal(s.high, m.lows(s.low, x.low)))


def log1p(m: Arithmetic, x: Value) -> Value:
    f = m.f
    inside = f.compare("lt", f.abs(x), math.inf)
    y = m.value(log1p_pair(m, Pair(f.select(inside, x, 1.0))))
    y = at_the_edges(m, x, y, zero=-1.0)
    return f.select(f.compare("lt", f.abs(x), 2.0 ** -(m.precision.fraction + 2)), x, y)


def logaddexp(m: Arithmetic, a: Value, b: Value) -> Value:
    """max + log1p(exp(−|a − b|))."""
    return _log_of_sum(m, a, b, exponential.exp, lambda y: y)


def logaddexp2(m: Arithmetic, a: Value, b: Value) -> Value:
    return _log_of_sum(m, a, b, exponential.exp2, lambda y: m.multiply(y, m.exact(INVERSE_LN2)))


def _log_of_sum(
    m: Arithmetic,
    a: Value,
    b: Value,
    power: Callable[[Arithmetic, Value], Value],
    rebased: Callable[[Pair], Pair],
) -> Value:
    """The larger argument plus a logarithm of 1 + what the smaller one adds."""
    f = m.f
    largest = f.maximum(a, b)
    # Equal infinities have no difference, but the same sum as any equal numbers.
    distance = f.select(f.compare("eq", a, b), 0.0, f.abs(f.sub(a, b)))
    small = power(m, f.neg(distance))
    more = rebased(log1p_pair(m, Pair(small)))
    s = m.sum(largest, more.high)
    y = m.value(Pair(s.high, m.lows(s.low, more.low)))
    infinite = f.compare("eq", f.abs(largest), math.inf)
    return f.select(infinite, largest, y)
