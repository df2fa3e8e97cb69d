"""Hyperbolic functions and the logistic one: exponentials and a quotient with its remainder."""

from __future__ import annotations

import math

from chainrule.native.code.functions import exponential, logarithm
from chainrule.native.code.functions.arithmetic import FLOAT, Arithmetic, Pair
from chainrule.native.code.ir import Value

SMALL = 0.55
"""Below this tanh is a polynomial: 1 − 2e/(1 + e) would cancel."""


def tanh(m: Arithmetic, x: Value) -> Value:
    """1 − 2e/(1 + e) with e = exp(−2|x|), or x + x³q(x²)."""
    f = m.f
    size = f.abs(x)
    doubled = m.at_least(f.mul(size, -2.0), -40.0)
    _, bits, r = exponential.reduced(m, doubled, m.precision.bias)
    power = m.power_of_two(bits)
    e = f.fma(power, exponential.minus_one_rounded(m, r.high), power)
    large = f.sub(1.0, f.div(f.add(e, e), f.add(e, 1.0)))
    t = f.mul(size, size)
    small = f.fma(f.mul(t, size), m.polynomial("tanh", t), size)
    return f.copysign(f.select(f.compare("lt", size, SMALL), small, large), x)


def _tiny(m: Arithmetic) -> float:
    """Below this, x and tanh x are the same number."""
    return float(2.0 ** -(m.precision.fraction // 2 + 2))


def sigmoid(m: Arithmetic, x: Value) -> Value:
    """1/(1 + e) or e/(1 + e) with e = exp(−|x|), so that nothing overflows."""
    f = m.f
    e = exponential.exp_below_one(m, f.neg(f.abs(x)))
    top = f.select(f.compare("lt", x, 0.0), e, 1.0)
    return m.divided(Pair(top), m.ordered_sum(1.0, e))


def logistic_density(m: Arithmetic, x: Value) -> Value:
    """e/(1 + e)² with e = exp(−|x|), so that nothing overflows."""
    return _density(m, x, 1.0)


def sech_squared(m: Arithmetic, x: Value) -> Value:
    """4e/(1 + e)² with e = exp(−2|x|)."""
    return _density(m, m.f.add(x, x), 4.0)


def _density(m: Arithmetic, x: Value, scale: float) -> Value:
    f = m.f
    e = exponential.exp_below_one(m, f.neg(f.abs(x)))
    total = m.ordered_sum(1.0, e)
    return m.divided(Pair(f.mul(e, scale)), m.multiply(total, total))


def cosh(m: Arithmetic, x: Value) -> Value:
    """½e^|x| + 1/(4 · ½e^|x|)."""
    f = m.f
    half = exponential.exp_of_pair(m, Pair(f.abs(x)), offset=-1)
    return f.add(half, f.div(0.25, half))


def sinh(m: Arithmetic, x: Value) -> Value:
    """h + h/(2h + 1) with h = ½ expm1(|x|)."""
    f = m.f
    size = f.abs(x)
    h = exponential.half_expm1(m, size)
    infinite = f.compare("eq", h.high, math.inf)
    h = m.normal(h.high, h.low)
    # Where h is large the quotient is ½, and lost in h.
    limited = m.clamped(h.high, 0.0, 2.0 ** (m.precision.fraction + 8))
    twice = m.sum(f.mul(limited, 2.0), 1.0)
    quotient = m.quotient(Pair(limited, h.low), twice)
    s = m.sum(h.high, m.value(quotient))
    y = m.value(Pair(s.high, m.lows(s.low, h.low)))
    y = f.select(f.bit_or(infinite, f.compare("eq", size, math.inf)), math.inf, y)
    y = f.select(f.compare("lt", size, _tiny(m)), size, y)
    return f.copysign(y, x)


def arcsinh(m: Arithmetic, x: Value) -> Value:
    """log1p(|x| + x²/(1 + √(1 + x²)))."""
    f = m.f
    size = f.abs(x)
    large = f.compare("gt", size, _large(m))
    a = f.select(large, 1.0, size)
    square = m.product(a, a)
    one_more = m.add(Pair(m.number(1.0)), square)
    root = m.add(Pair(m.number(1.0)), m.root(one_more))
    more = m.add(Pair(a), m.quotient(square, root))
    y = _log_of_one_plus(m, large, size, more)
    y = f.select(f.compare("lt", size, _tiny(m)), size, y)
    return f.copysign(y, x)


def arccosh(m: Arithmetic, x: Value) -> Value:
    """log1p(t + √(t(t + 2))) with t = x − 1; NaN below 1."""
    f = m.f
    large = f.compare("gt", x, _large(m))
    a = f.select(large, 2.0, x)
    t = m.sum(a, -1.0)
    product = m.multiply(t, m.add(t, Pair(m.number(2.0))))
    more = m.add(t, m.root(product))
    y = _log_of_one_plus(m, large, x, more)
    return f.select(f.compare("lt", x, 1.0), math.nan, y)


def arctanh(m: Arithmetic, x: Value) -> Value:
    """½ log1p(2|x|/(1 − |x|))."""
    f = m.f
    size = f.abs(x)
    inside = f.compare("lt", size, 1.0)
    a = f.select(inside, size, 0.5)
    ratio = m.quotient(Pair(f.add(a, a)), m.sum(1.0, f.neg(a)))
    y = f.mul(logarithm.log1p_normal(m, ratio), 0.5)
    y = f.select(f.compare("lt", size, _tiny(m)), size, y)
    edge = f.select(f.compare("eq", size, 1.0), math.inf, f.mul(size, math.nan))
    return f.copysign(f.select(inside, y, edge), x)


def _large(m: Arithmetic) -> float:
    """Above this, √(x² ± 1) and x are the same number."""
    return 2.0**14 if m.precision is FLOAT else 2.0**28


def _log_of_one_plus(m: Arithmetic, large: Value, x: Value, more: Pair) -> Value:
    """log(1 + more), or log(2x) where x is large."""
    f = m.f
    s = m.sum(1.0, more.high)
    inside = m.normal(s.high, m.lows(s.low, more.low))
    argument = m.choose(large, Pair(x), inside)
    shift = f.select(large, 1.0, m.number(0.0))
    y = logarithm.log_normal(m, argument, shift)
    return f.select(f.compare("lt", x, math.inf), y, x)
