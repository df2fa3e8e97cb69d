"""Exponentials: exp, exp2, expm1, and what is made of them in one step.

x = n·log 2 + r with |r| ≤ ½ log 2, and e^r = 1 + r + r²q(r) by a minimax polynomial; 2^n goes into
the exponent. log 2 is subtracted in two parts, the first of so few digits that its product with n
is exact (W. J. Cody, W. Waite, Software Manual for the Elementary Functions, 1980).
"""

from __future__ import annotations

import math

from chainrule.native.code.functions.arithmetic import FLOAT, Arithmetic, Pair
from chainrule.native.code.ir import Value

LN2 = (0.6931471805599453, 2.3190468138462996e-17)
"""log 2 as a double, and what is missing in it."""


def split_ln2(m: Arithmetic) -> tuple[float, float]:
    """log 2 as a number of few digits, whose product with an exponent is exact, and the rest."""
    high = m.precision.leading(LN2[0], 13 if m.precision is FLOAT else 40)
    return high, (LN2[0] - high) + LN2[1]


def reduced(m: Arithmetic, x: Value, ahead: int) -> tuple[Value, Value, Pair]:
    """n, bits that end in n + ahead, and r."""
    f = m.f
    n, bits = m.nearest(x, 1 / math.log(2), ahead)
    high, low = split_ln2(m)
    exact = f.fma(n, -high, x)
    r = f.fma(n, -low, exact)
    if not m.precision.paired:
        return n, bits, Pair(r)
    return n, bits, Pair(r, f.fma(n, -low, f.sub(exact, r)))


def minus_one(m: Arithmetic, r: Pair) -> Pair:
    """e^r − 1 for a reduced r."""
    f = m.f
    tail = f.mul(f.mul(r.high, r.high), m.polynomial("exp", r.high))
    s = m.ordered_sum(r.high, tail)
    return Pair(s.high, m.lows(s.low, r.low))


def minus_one_rounded(m: Arithmetic, r: Value) -> Value:
    """e^r − 1 for a reduced r, as one number."""
    f = m.f
    return f.fma(f.mul(r, r), m.polynomial("exp_value", r), r)


def exp_reduced_pair(m: Arithmetic, r: Pair) -> Value:
    """e^r for a reduced r, to little more than half a unit."""
    p = minus_one(m, r)
    s = m.ordered_sum(1.0, p.high)
    return m.value(Pair(s.high, m.lows(s.low, p.low)))


def range_of_exp(m: Arithmetic) -> tuple[float, float]:
    """Below and above, exp is 0 and infinite; and above, so is sinh."""
    return (-105.0, 89.5) if m.precision is FLOAT else (-747.0, 710.5)


def exp(m: Arithmetic, x: Value) -> Value:
    return exp_moderate(m, m.clamped(x, *range_of_exp(m)))


def exp_below_one(m: Arithmetic, x: Value) -> Value:
    """e^x for x ≤ 0."""
    return exp_moderate(m, m.at_least(x, range_of_exp(m)[0]))


def exp_moderate(m: Arithmetic, x: Value) -> Value:
    """e^x within `range_of_exp`."""
    n, bits, r = reduced(m, x, 2 * m.precision.bias)
    return m.scaled(minus_one_rounded(m, r.high), n, bits)


def exp_of_pair(m: Arithmetic, x: Pair, offset: int = 0) -> Value:
    """2^offset times e^x, to little more than half a unit in the last place."""
    _, bits, r = reduced(m, m.clamped(x.high, *range_of_exp(m)), 2 * m.precision.bias + offset)
    if x.low is not None:
        # Where x is large its lower part is not so small that e^r could be left out here.
        r = Pair(r.high, m.lows(r.low, m.f.fma(x.low, minus_one(m, r).high, x.low)))
    first, second = m.factors(bits)
    return m.f.mul(m.f.mul(exp_reduced_pair(m, r), first), second)


def exp2(m: Arithmetic, x: Value) -> Value:
    f = m.f
    low, high = (-152.0, 129.0) if m.precision is FLOAT else (-1077.0, 1025.0)
    x = m.clamped(x, low, high)
    n, bits = m.nearest(x, ahead=2 * m.precision.bias)
    return m.scaled(minus_one_rounded(m, f.mul(f.sub(x, n), LN2[0])), n, bits)


def half_expm1(m: Arithmetic, x: Value) -> Pair:
    """(e^x − 1)/2 for any x, which does not overflow where sinh does not."""
    f = m.f
    limit = range_of_exp(m)[1]
    # A quarter of 2^n, made by one step, is normal for every n that occurs.
    _, bits, r = reduced(m, m.clamped(x, -40.0, limit), m.precision.bias - 2)
    p = minus_one(m, r)
    quarter = m.power_of_two(bits)
    high, low = f.mul(p.high, quarter), f.mul(p.low, quarter) if p.low else None
    less = m.sum(quarter, -0.25)
    s = m.sum(less.high, high)
    return m.times(Pair(s.high, m.lows(s.low, less.low, low)), 2.0)


def expm1(m: Arithmetic, x: Value) -> Value:
    f = m.f
    half = half_expm1(m, x)
    y = m.value(m.times(m.normal(half.high, half.low), 2.0))
    y = f.select(f.compare("gt", x, range_of_exp(m)[1] - 0.5), math.inf, y)
    return f.select(f.compare("lt", f.abs(x), 2.0 ** -(m.precision.fraction + 2)), x, y)
