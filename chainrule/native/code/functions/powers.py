"""Powers and roots: x^y = exp(y log x), with a logarithm of 65 digits in base 2."""

from __future__ import annotations

import math

from chainrule.native.code.functions import exponential, logarithm
from chainrule.native.code.functions.arithmetic import Arithmetic, Pair
from chainrule.native.code.ir import Value, number_of

THIRD = (0.3333333333333333, 1.850371707708594e-17)

LARGEST_EXPONENT = 2.0**65
"""Beyond it every power of a number that is not 1 is 0 or infinite."""


def power(m: Arithmetic, x: Value, y: Value) -> Value:
    """As C's pow: 1 for y = 0 and for x = 1, even beside a NaN."""
    f = m.f
    ordinary = f.compare("lt", f.abs(y), LARGEST_EXPONENT)
    rarely = f.bit_or(logarithm.extraordinary(m, x), f.invert(ordinary))
    quick = _exp_of_product(m, logarithm.log_exact(m, x), y)
    return logarithm.unless(m, rarely, quick, lambda: _any_power(m, x, y))


def whole_power(m: Arithmetic, x: Value, y: Value) -> Value:
    """The same for a whole number that is known, also for negative x at once."""
    f = m.f
    exponent = number_of(y)
    assert exponent is not None
    size = f.abs(x)
    quick = _exp_of_product(m, logarithm.log_exact(m, size), y)
    if exponent % 2:
        quick = f.copysign(quick, x)
    return logarithm.unless(m, logarithm.extraordinary(m, size), quick, lambda: _any_power(m, x, y))


def _any_power(m: Arithmetic, x: Value, y: Value) -> Value:
    f = m.f
    size = f.abs(x)
    lifted, shift = logarithm.normalised(m, size)
    limited = m.clamped(y, -LARGEST_EXPONENT, LARGEST_EXPONENT)
    result = _exp_of_product(m, logarithm.log_exact(m, lifted, shift), limited)
    whole, odd = _whole_and_odd(m, y)
    result = _of_zero_and_infinity(m, size, y, result)
    below = f.compare("lt", f.bits(x), 0)
    result = f.select(f.bit_and(below, odd), f.neg(result), result)
    ordinary = f.bit_and(f.compare("lt", x, 0.0), f.compare("ne", x, -math.inf))
    result = f.select(f.bit_and(ordinary, f.invert(whole)), math.nan, result)
    undefined = f.emit(f"fcmp uno {x}, {y.text}", whole.type)
    result = f.select(undefined, f.add(x, y), result)
    one = f.bit_or(f.compare("eq", x, 1.0), f.compare("eq", y, 0.0))
    return f.select(one, 1.0, result)


def _exp_of_product(m: Arithmetic, log: Pair, y: Value) -> Value:
    f = m.f
    product = m.multiply(log, Pair(y))
    limit = exponential.range_of_exp(m)[1] + 40
    inside = f.compare("lt", f.abs(product.high), limit)
    low = None if product.low is None else f.select(inside, product.low, 0.0)
    return exponential.exp_of_pair(m, Pair(product.high, low))


def _whole_and_odd(m: Arithmetic, y: Value) -> tuple[Value, Value]:
    f, p = m.f, m.precision
    size = f.abs(y)
    unit = 2.0**p.fraction
    small = f.compare("lt", size, unit)
    lifted = f.add(size, unit)  # its lowest place is 1
    whole = f.bit_or(f.invert(small), f.compare("eq", f.sub(lifted, unit), size))
    lowest = f.bits(f.select(small, lifted, size))
    odd = f.compare("ne", f.bit_and(lowest, 1), 0)
    odd = f.bit_and(odd, f.compare("lt", size, 2 * unit))
    return whole, f.bit_and(odd, whole)


def _of_zero_and_infinity(m: Arithmetic, size: Value, y: Value, result: Value) -> Value:
    """0 and ∞ to a positive power are themselves; to a negative one, each other."""
    f = m.f
    rises = f.compare("gt", y, 0.0)
    of_zero = f.select(rises, 0.0, m.number(math.inf))
    of_infinity = f.select(rises, math.inf, m.number(0.0))
    result = f.select(f.compare("eq", size, 0.0), of_zero, result)
    return f.select(f.compare("eq", size, math.inf), of_infinity, result)


def cbrt(m: Arithmetic, x: Value) -> Value:
    f = m.f
    size = f.abs(x)
    lifted, shift = logarithm.normalised(m, size)
    log = logarithm.log_exact(m, lifted, shift)
    y = exponential.exp_of_pair(m, m.multiply(log, m.exact(THIRD)))
    inside = f.bit_and(f.compare("gt", size, 0.0), f.compare("lt", size, math.inf))
    return f.copysign(f.select(inside, y, size), x)


def hypot(m: Arithmetic, a: Value, b: Value) -> Value:
    """√(a² + b²), of both over a power of two so that no square leaves the normal numbers."""
    f = m.f
    a, b, up, root = _scaled_root(m, a, b)
    infinite = f.bit_or(f.compare("eq", a, math.inf), f.compare("eq", b, math.inf))
    y = f.mul(root, up)
    return f.select(infinite, math.inf, f.select(f.compare("eq", f.add(a, b), 0.0), 0.0, y))


def component(m: Arithmetic, a: Value, b: Value) -> Value:
    """a/√(a² + b²), where an a that is exactly zero wins."""
    f, p = m.f, m.precision
    own = f.abs(a)
    scaled, other, up, root = _scaled_root(m, a, b)
    length = f.mul(root, up)
    is_normal = f.bit_and(
        f.compare("lt", length, math.inf), f.compare("ge", length, 2.0 ** (1 - p.bias))
    )
    y = f.div(f.select(is_normal, own, scaled), f.select(is_normal, length, root))
    y = f.select(f.compare("eq", other, math.inf), f.div(own, math.inf), y)
    return f.copysign(f.select(f.compare("eq", own, 0.0), 0.0, y), a)


def _scaled_root(m: Arithmetic, a: Value, b: Value) -> tuple[Value, Value, Value, Value]:
    """|a| and |b| over a power of two, that power, and the root of the sum of their squares."""
    f, p = m.f, m.precision
    a, b = f.abs(a), f.abs(b)
    largest = f.select(f.compare("gt", a, b), a, b)
    step = 2.0 ** (p.bias // 2 + p.fraction)
    high = f.compare("gt", largest, 2.0 ** (p.bias // 2 - 2))
    low = f.compare("lt", largest, 2.0 ** (p.fraction - p.bias // 2 + 4))
    down = f.select(high, 1 / step, f.select(low, step, m.number(1.0)))
    up = f.select(high, step, f.select(low, 1 / step, m.number(1.0)))
    a, b = f.mul(a, down), f.mul(b, down)
    root = m.root(m.add(m.product(a, a), m.product(b, b)))
    return a, b, up, m.value(root)
