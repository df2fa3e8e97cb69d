"""Angles of any size as quarter turns and a remainder.

Moderate angles: π/2 in parts of so few digits that their products with the number of quarter turns
are exact (Cody and Waite); where products are fused with sums, the first part may have all its
digits. Large ones, one at a time: the digits of 2/π that matter for the exponent, times the
whole-number significand, in 256-bit integers (M. H. Payne, R. N. Hanek, Radian reduction for
trigonometric functions, SIGNUM 18, 1983).
"""

from __future__ import annotations

from functools import lru_cache

from chainrule.native.code.builder import Function
from chainrule.native.code.functions.arithmetic import DOUBLE, FLOAT, WIDE, Arithmetic, Pair
from chainrule.native.code.ir import Module, Value

FUSED_PARTS = (1.5707963267948966, 6.12323399538461e-17, 3.5215598651832e-27)
"""π/2: a double, 33 digits in base 2, and the rest."""

FLOAT_PARTS = (1.5707963705062866, -4.3711224861908704e-08, -1.6513995574653217e-13)
"""The same in single precision, with 16 digits."""

PARTS = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, 8.4784276603689e-32)
"""π/2: three parts of 33 digits in base 2, and the rest."""

HALF_PI = (1.5707963267948966, 6.123233995736766e-17)

MODERATE = 2.0**19
MODERATE_FLOAT = 2.0**7
"""The largest angles for which products of their quarter turns with 33 or 16 digits are exact."""

_WIDTH = 256
_PADDING = 64  # zeros before the binary point, for exponents whose window begins there
_NAME = "chainrule_reduce_angles"


def reduced(m: Arithmetic, x: Value) -> tuple[Value, Pair]:
    """Bits with the number of quarter turns in the lowest two, and what is left, up to ±π/4.

    ``x`` is not negative. Of the remainder's two parts, the second one is below the rounding of
    the first, except where both are tiny.
    """
    return m.f.once(("quarter turns", m.precision, x), lambda: _reduced(m, x))


def _reduced(m: Arithmetic, x: Value) -> tuple[Value, Pair]:
    f = m.f
    large = f.compare("gt", x, MODERATE_FLOAT if m.precision is FLOAT else MODERATE)
    turns, bits = m.nearest(x, 1 / HALF_PI[0])
    r = _fused(m, x, turns) if f.target.has_fma else _moderate(m, x, turns)
    parts = [bits, r.high] if r.low is None else [bits, r.high, r.low]
    with f.branch(f.any(large), parts) as slow:
        if m.precision is FLOAT:
            found = _by_doubles(m, x)
            slow.carry(*(f.select(large, a, b) for a, b in zip(found, parts, strict=True)))
        else:
            slow.carry(*_with_large_ones(m, x, slow.values))
    bits, high, *low = slow.results
    return bits, Pair(high, *low)


def _fused(m: Arithmetic, x: Value, turns: Value) -> Pair:
    """Each difference is exact, short of the last one's lower digits.

    ``x`` less the first product has no digit below 2^-53 and is below 1. The second product has
    none below 2^-86 and is below 2^-35: what it is subtracted from is either more than twice as
    large, or has so few digits that nothing is rounded. In single precision these are 2^-24, 2^-40
    and 2^-18.
    """
    f = m.f
    back = f.neg(turns)
    parts = FLOAT_PARTS if m.precision is FLOAT else FUSED_PARTS
    first = f.fma(back, parts[0], x)
    if not m.precision.paired:
        return Pair(f.fma(back, HALF_PI[1], first))
    high = f.fma(back, parts[1], first)
    lost = f.fma(back, parts[1], f.sub(first, high))
    return Pair(high, f.fma(back, parts[2], lost))


def _by_doubles(m: Arithmetic, x: Value) -> tuple[Value, Value, Value]:
    """Quarter turns and remainder of single-precision angles of any size."""
    f = m.f
    bits, r = reduced(Arithmetic(f, WIDE, m.lanes), f.convert(x, "double"))
    high = f.convert(r.high, "float")
    low = f.convert(f.sub(r.high, f.convert(high, "double")), "float")
    return f.cast("trunc", bits, "i32"), high, low


def _moderate(m: Arithmetic, x: Value, turns: Value) -> Pair:
    f = m.f
    back = f.neg(turns)
    r = f.fma(back, PARTS[0], x)
    if not m.precision.paired:
        return Pair(f.fma(back, PARTS[2], f.fma(back, PARTS[1], r)))
    first = m.sum(r, f.mul(back, PARTS[1]))
    second = m.sum(first.high, f.mul(back, PARTS[2]))
    low = m.lows(first.low, second.low)
    assert low is not None
    return m.ordered_sum(second.high, f.fma(back, PARTS[3], low))


def _with_large_ones(m: Arithmetic, x: Value, parts: tuple[Value, ...]) -> list[Value]:
    """The same values with those of the large angles replaced."""
    f = m.f
    define(f.module)
    room = f.scratch("double", 4 * m.lanes)
    places = [f.at(room, k * m.lanes, "double") for k in range(len(parts) + 1)]
    for value, place in zip([x, *parts], places, strict=True):
        f.store(value, place)
    f.call(_NAME, "void", room, f.value(m.lanes, "i64"))
    return [f.load(place, value.type) for value, place in zip(parts, places[1:], strict=True)]


def define(module: Module) -> None:
    """Write the function that reduces the large ones of some doubles, once a module.

    It finds the angles and, ``count`` numbers further on each, the quarter turns and the two parts
    of the remainder.
    """
    if _NAME in module.functions:
        return
    f = Function(module, _NAME, [("ptr", "room"), ("i64", "count")], private=True)
    room, count = f.arguments
    with f.loop(0, count) as k:
        x = f.load(f.at(room, k, "double"), "double")
        with f.if_(f.compare("gt", x, MODERATE)):
            turns, r = _large(Arithmetic(f, DOUBLE, 1), x)
            assert r.low is not None
            for value in (turns, r.high, r.low):
                k = f.add(k, count)
                f.store(value, f.at(room, k, value.type))
    f.ret()


def _large(m: Arithmetic, x: Value) -> tuple[Value, Pair]:
    """Quarter turns and remainder of one large angle."""
    f = m.f
    bits = f.bits(x)
    field = f.shift_right(bits, 52)
    significand = f.bit_or(f.bit_and(bits, (1 << 52) - 1), 1 << 52)
    product = f.mul(f.cast("zext", significand, "i256"), _digits(f, f.sub(field, 1075)))
    # The product is x·(2/π)/4 without its whole part. Rounded to quarters, it leaves a fraction
    # of a quarter turn from −½ to ½.
    rounded = f.add(product, 1 << (_WIDTH - 3))
    turns = f.cast("trunc", f.shift_right(rounded, _WIDTH - 2), "i64")
    fraction = f.shift_left(product, 2)
    below = f.compare("lt", fraction, 0)
    size = f.select(below, f.neg(fraction), fraction)
    r = m.multiply(_as_pair(m, size), m.exact(HALF_PI))
    r = m.choose(below, m.negative(r), r)
    undefined = f.compare("eq", field, 0x7FF)
    return turns, Pair(f.select(undefined, float("nan"), r.high), r.low)


def _digits(f: Function, exponent: Value) -> Value:
    """256 digits of 2/π in base 2 for a significand times 2^exponent, as an integer.

    The first of them stands for 2^(1 − exponent) after the binary point: what is before it
    contributes multiples of four quarter turns.
    """
    first = f.add(exponent, _PADDING - 2)  # digits to skip in the table
    table = _table()
    address = f.module.bytes("two_over_pi", table)
    # The table is stored backwards, so that a load in little-endian order reads a window.
    skipped = f.shift_right(first, 3)
    place = f.sub(len(table) - _WIDTH // 8, skipped)
    window = f.load(f.at(address, place, "i8"), f"i{_WIDTH}", align=1)
    more = f.load(f.at(address, f.sub(place, 1), "i8"), "i8")
    shift = f.bit_and(first, 7)
    low = f.shift_right(f.cast("zext", more, "i64"), f.sub(8, shift))
    shifted = f.shift_left(window, f.cast("zext", shift, f"i{_WIDTH}"))
    return f.bit_or(shifted, f.cast("zext", low, f"i{_WIDTH}"))


@lru_cache(maxsize=1)
def _table() -> bytes:
    """2/π from the binary point on, after the padding, backwards."""
    digits = 1024 + _WIDTH + 64
    whole = _two_over_pi(digits)
    size = (digits + _PADDING) // 8
    return whole.to_bytes(size, "big")[::-1]


def _two_over_pi(digits: int) -> int:
    """2/π times 2^digits, by Machin's formula in whole numbers."""
    guard = digits + 32
    pi = 4 * (4 * _arctan_of_inverse(5, guard) - _arctan_of_inverse(239, guard))
    return ((2 << (2 * guard)) // pi) >> (guard - digits)


def _arctan_of_inverse(n: int, digits: int) -> int:
    """arctan(1/n) times 2^digits, by its power series."""
    power, total, k = (1 << digits) // n, 0, 0
    while power:
        total += (-1) ** k * (power // (2 * k + 1))
        power, k = power // (n * n), k + 1
    return total


def _as_pair(m: Arithmetic, size: Value) -> Pair:
    """A 256-bit integer times 2^-256 as two doubles."""
    f = m.f
    zeros = f.emit(f"call i256 @llvm.ctlz.i256({size}, i1 false)", "i256")
    f.module.declare("llvm.ctlz.i256", "i256", ["i256", "i1"])
    lifted = f.shift_left(size, zeros)
    first = f.cast("trunc", f.shift_right(lifted, _WIDTH - 53), "i64")
    rest = f.shift_right(lifted, _WIDTH - 106)
    second = f.bit_and(f.cast("trunc", rest, "i64"), (1 << 53) - 1)
    exponent = f.sub(0, f.cast("trunc", zeros, "i64"))
    high = f.mul(f.cast("uitofp", first, "double"), 2.0**-53)
    low = f.mul(f.cast("uitofp", second, "double"), 2.0**-106)
    scale = m.power_of_two(f.add(exponent, m.precision.bias))
    return Pair(f.mul(high, scale), f.mul(low, scale))
