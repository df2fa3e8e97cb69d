"""Logarithms: log, log2, log10, log1p, and the sums of exponentials' logarithms.

x = 2^n·m with √½ ≤ m < √2, and log m = 2 artanh(s) for s = (m − 1)/(m + 1). With z = 2s this is
z + z³q(z²). With z as a quotient and its remainder, the result can be had in more digits than a
number has.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from chainrule.native.code.functions import exponential
from chainrule.native.code.functions.arithmetic import Arithmetic, Pair
from chainrule.native.code.ir import Value

INVERSE_LN2 = (1.4426950408889634, 2.0355273740931033e-17)
INVERSE_LN10 = (0.4342944819032518, 1.098319650216765e-17)
LOG10_2 = (0.3010299956639812, -2.8037281277851704e-18)
TWELFTH = (0.08333333333333333, 4.625929269271485e-18)
"""1/log 2, 1/log 10, log10 2 and 1/12 as doubles, and what is missing in them."""


def separated(m: Arithmetic, x: Value) -> tuple[Value, Value]:
    """n and m of a positive normal x = 2^n·m, the first as a floating-point number."""
    f, p = m.f, m.precision
    one = p.bias << p.fraction
    start = _bits_of_root_half(p.fraction, p.bias)
    shifted = f.add(f.bits(x), one - start)
    exponent = f.shift_right(shifted, p.fraction)  # n + bias
    fraction = f.bit_and(shifted, (1 << p.fraction) - 1)
    mantissa = f.float_of(f.add(fraction, start), m.type)
    # A small whole number in the lowest bits of 2^fraction is that number, added.
    lifted = f.bit_or(exponent, (p.bias + p.fraction) << p.fraction)
    return f.sub(f.float_of(lifted, m.type), 2.0**p.fraction + p.bias), mantissa


def _bits_of_root_half(fraction: int, bias: int) -> int:
    return ((bias - 1) << fraction) + int((math.sqrt(2) - 1) * 2.0**fraction)


def mantissa_log(m: Arithmetic, g: Value) -> tuple[Value, Value]:
    """log(1 + g) of a mantissa 1 + g, as g and what comes to it: −g²/2 + z(g²/4 + z²q(z²)).

    That is the series, since z = g − zg/2. What the quotient was rounded by counts little here;
    where it does not count at all, the parts are z and z³q(z²).
    """
    f = m.f
    half = f.mul(g, 0.5)
    z = f.div(g, f.add(half, 1.0))
    t = f.mul(z, z)
    if not m.precision.paired:
        return z, f.mul(f.mul(t, z), m.polynomial("log", t))
    inner = f.fma(t, m.polynomial("log", t), f.mul(half, half))
    return g, f.fma(z, inner, f.neg(f.mul(g, half)))


def mantissa_log_exact(m: Arithmetic, mantissa: Value) -> Pair:
    """log m right to 2^-65 of it."""
    f = m.f
    g = f.sub(mantissa, 1.0)
    z = m.quotient(Pair(g), m.ordered_sum(1.0, f.mul(g, 0.5)))
    t = f.mul(z.high, z.high)
    square = m.multiply(z, z)
    cube = m.multiply(square, z)
    more = m.add(m.exact(TWELFTH), Pair(f.mul(t, m.polynomial("log_exact", t))))
    product = m.multiply(cube, more)
    s = m.ordered_sum(z.high, product.high)
    return Pair(s.high, m.lows(s.low, z.low, product.low))


def log_exact(m: Arithmetic, x: Value, shift: Value | None = None) -> Pair:
    """log(2^shift · x) for a positive normal x, right to 2^-65 of it."""
    f = m.f
    n, mantissa = separated(m, x)
    if shift is not None:
        n = f.add(n, shift)
    part = mantissa_log_exact(m, mantissa)
    high, low = exponential.split_ln2(m)
    s = m.ordered_sum(f.mul(n, high), part.high)
    return Pair(s.high, m.lows(f.mul(n, low), s.low, part.low))


def log_parts(m: Arithmetic, x: Pair, shift: Value | None = None) -> tuple[Value, Value, Value]:
    """n, g and y, of which n·log 2's upper part + g + y is log(2^shift · x), for normal x > 0."""
    f = m.f
    n, mantissa = separated(m, x.high)
    if shift is not None:
        n = f.add(n, shift)
    g, y = mantissa_log(m, f.sub(mantissa, 1.0))
    y = f.fma(n, exponential.split_ln2(m)[1], y)
    return n, g, y if x.low is None else f.add(y, f.div(x.low, x.high))


def log_normal(m: Arithmetic, x: Pair, shift: Value | None = None) -> Value:
    """log(2^shift · x) for a positive normal x."""
    n, g, y = log_parts(m, x, shift)
    return m.f.fma(n, exponential.split_ln2(m)[0], m.f.add(g, y))


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


def extraordinary(m: Arithmetic, x: Value) -> Value:
    """Where ``x`` is anything but a positive normal number."""
    f, p = m.f, m.precision
    all_ones = (2 * p.bias + 1) << p.fraction
    least = 1 << p.fraction
    # Smaller ones, and those with a sign, are large numbers when the least is taken away.
    return f.compare_unsigned("ge", f.sub(f.bits(x), least), all_ones - least)


def unless(m: Arithmetic, rarely: Value, y: Value, otherwise: Callable[[], Value]) -> Value:
    """``y``, or another value of all lanes if a condition holds in one of them."""
    with m.f.branch(m.f.any(rarely), [y]) as rare:
        rare.carry(otherwise())
    return rare.results[0]


def log(m: Arithmetic, x: Value) -> Value:
    def carefully() -> Value:
        lifted, shift = normalised(m, x)
        return at_the_edges(m, x, log_normal(m, Pair(lifted), shift))

    return unless(m, extraordinary(m, x), log_normal(m, Pair(x)), carefully)


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
    n, mantissa = separated(m, lifted)
    n = f.add(n, shift)
    small = m.multiply(Pair(*mantissa_log(m, f.sub(mantissa, 1.0))), m.exact(factor))
    whole = m.multiply(Pair(n), m.exact(of_two))
    return at_the_edges(m, x, m.value(m.add(whole, small)))


def log1p_normal(m: Arithmetic, x: Pair) -> Value:
    """log(1 + x) where that is a positive normal number."""
    s = m.sum(1.0, x.high)
    return log_normal(m, m.normal(s.high, m.lows(s.low, x.low)))


def log1p_of_fraction(m: Arithmetic, x: Value) -> Pair:
    """log(1 + x) for x from 0 to 1: both (1 + x) − 1 and (1 + x)/2 − 1 are exact."""
    f = m.f
    small = f.compare("lt", x, math.sqrt(2) - 1)
    g, y = mantissa_log(m, f.select(small, x, f.mul(f.sub(x, 1.0), 0.5)))
    high, low = exponential.split_ln2(m)
    zero = m.number(0.0)
    s = m.ordered_sum(f.select(small, zero, high), g)
    return Pair(s.high, m.lows(f.add(f.select(small, zero, low), y), s.low))


def log1p(m: Arithmetic, x: Value) -> Value:
    f = m.f
    s = m.sum(1.0, x)
    y = log_normal(m, s)
    edges = extraordinary(m, s.high)
    return f.copysign(unless(m, edges, y, lambda: at_the_edges(m, x, y, zero=-1.0)), x)  # of −0


def logaddexp(m: Arithmetic, a: Value, b: Value) -> Value:
    """max + log1p(exp(−|a − b|))."""
    return _log_of_sum(m, a, b, exponential.exp_below_one, lambda y: y)


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
    more = rebased(log1p_of_fraction(m, power(m, f.neg(f.abs(f.sub(a, b))))))
    s = m.sum(largest, more.high)
    y = m.value(Pair(s.high, m.lows(s.low, more.low)))
    # Equal infinities have no difference, but a sum.
    infinite = f.compare("eq", f.abs(largest), math.inf)
    return f.select(infinite, largest, y)
