"""Arithmetic with more digits than a number has, and what is particular to each precision.

A :class:`Pair` is a sum of two numbers that is not rounded. In the ``wide`` precision, in which
float32 functions are computed with doubles, the digits suffice as they are: its pairs have no lower
part, and the same formulas cost no more than plain ones.

Sources: T. J. Dekker, A floating-point technique for extending the available precision,
Numerische Mathematik 18 (1971); D. E. Knuth, The Art of Computer Programming 2, 4.2.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np

from chainrule.native.code.builder import Function
from chainrule.native.code.functions.coefficients import POLYNOMIALS
from chainrule.native.code.ir import Operand, Value, vector


@dataclass(frozen=True)
class Precision:
    """A floating-point format as the functions see it."""

    name: str  # of the polynomials
    kind: str  # LLVM's element type
    fraction: int  # stored bits of the significand
    bias: int  # of the exponent
    paired: bool  # results need more digits than the format has

    @property
    def magic(self) -> float:
        """Added to a number, it leaves the nearest whole number in the lowest bits."""
        return 1.5 * 2.0**self.fraction

    @property
    def smallest_normal(self) -> float:
        return float(2.0 ** (1 - self.bias))

    def leading(self, number: float, bits: int) -> float:
        """A number with only its first bits: its products with small whole numbers are exact."""
        mantissa, exponent = np.frexp(number)
        return float(np.ldexp(np.rint(np.ldexp(mantissa, bits)), int(exponent) - bits))


FLOAT = Precision("float", "float", 23, 127, True)
WIDE = Precision("wide", "double", 52, 1023, False)
DOUBLE = Precision("double", "double", 52, 1023, True)


SHORT = 3
"""Polynomials of so few coefficients are computed one power after the other."""


class Pair(NamedTuple):
    """The sum of two numbers of which the second is below the rounding of the first."""

    high: Value
    low: Value | None = None


class Arithmetic:
    """Formulas of one precision, written into a function.

    Parameters
    ----------
    f : Function
        What the instructions are appended to.
    precision : Precision
    count : int
        Lanes.
    """

    def __init__(self, f: Function, precision: Precision, count: int) -> None:
        self.f, self.precision = f, precision
        self.type = vector(precision.kind, count)
        self.lanes = count

    def number(self, value: float) -> Value:
        return self.f.value(value, self.type)

    def exact(self, text: tuple[float, float]) -> Pair:
        """A constant given by a double and what is missing in it."""
        high, low = text
        if self.precision.kind == "float":
            first = float(np.float32(high))
            return Pair(self.number(first), self.number(high - first))
        return Pair(self.number(high), self.number(low) if self.precision.paired else None)

    def polynomial(self, name: str, t: Value) -> Value:
        """One of the minimax polynomials."""
        terms = [self.number(number) for number in POLYNOMIALS[name, self.precision.name]]
        while len(terms) > SHORT:
            # Pairs side by side, which are the coefficients of a polynomial in t² (Estrin).
            pairs = [self.f.fma(b, t, a) for a, b in zip(terms[::2], terms[1::2], strict=False)]
            terms = pairs + terms[2 * len(pairs) :]
            t = self.f.mul(t, t)
        return reduce(lambda total, term: self.f.fma(total, t, term), reversed(terms))

    # -- pairs ------------------------------------------------------------------------------------

    def value(self, pair: Pair) -> Value:
        """A pair rounded to one number."""
        return pair.high if pair.low is None else self.f.add(pair.high, pair.low)

    def lows(self, *parts: Value | None) -> Value | None:
        """The sum of those lower parts that there are."""
        present = [part for part in parts if part is not None]
        if not present:
            return None
        total = present[0]
        for part in present[1:]:
            total = self.f.add(total, part)
        return total

    def sum(self, a: Operand, b: Operand) -> Pair:
        """``a + b`` exactly (Knuth)."""
        f = self.f
        s = f.add(a, b)
        if not self.precision.paired:
            return Pair(s)
        part = f.sub(s, a)
        return Pair(s, f.add(f.sub(a, f.sub(s, part)), f.sub(b, part)))

    def ordered_sum(self, a: Operand, b: Operand) -> Pair:
        """``a + b`` exactly, where ``a`` is not the smaller one or zero (Dekker)."""
        f = self.f
        s = f.add(a, b)
        return Pair(s, f.sub(b, f.sub(s, a))) if self.precision.paired else Pair(s)

    def product(self, a: Value, b: Value) -> Pair:
        """``a * b`` exactly, short of underflow."""
        f = self.f
        p = f.mul(a, b)
        return Pair(p, self.excess(a, b, p)) if self.precision.paired else Pair(p)

    def excess(self, a: Value, b: Value, p: Value) -> Value:
        """``a * b - p`` where p is close to the product."""
        f = self.f
        if f.target.has_fma:
            return f.fma(a, b, f.neg(p))
        (a1, a2), (b1, b2) = self._halves(a), self._halves(b)
        first = f.sub(f.mul(a1, b1), p)
        return f.add(f.add(f.add(first, f.mul(a1, b2)), f.mul(a2, b1)), f.mul(a2, b2))

    def _halves(self, a: Value) -> tuple[Value, Value]:
        """Two numbers of half the digits, whose products are exact: cut off by their bits."""
        keep = -1 << ((self.precision.fraction + 3) // 2)
        bits = self.f.bit_and(self.f.bits(a), keep)
        high = self.f.float_of(bits, self.type)
        return high, self.f.sub(a, high)

    def add(self, a: Pair, b: Pair) -> Pair:
        s = self.sum(a.high, b.high)
        return self.normal(s.high, self.lows(s.low, a.low, b.low))

    def normal(self, high: Value, low: Value | None) -> Pair:
        return Pair(high) if low is None else self.ordered_sum(high, low)

    def multiply(self, a: Pair, b: Pair) -> Pair:
        p = self.product(a.high, b.high)
        cross = [self.f.mul(x, y) for x, y in ((a.high, b.low), (a.low, b.high)) if x and y]
        return self.normal(p.high, self.lows(p.low, *cross))

    def quotient(self, a: Pair, b: Pair) -> Pair:
        """``a / b``, where neither ``1 / b`` nor the products leave the normal numbers."""
        if not self.precision.paired:
            return Pair(self.f.div(a.high, b.high))
        q, rest, inverse = self._division(a, b)
        return Pair(q, self.f.mul(rest, inverse))

    def divided(self, a: Pair, b: Pair) -> Value:
        """``a / b`` as one number, under the same conditions."""
        if not self.precision.paired:
            return self.f.div(a.high, b.high)
        q, rest, inverse = self._division(a, b)
        return self.f.fma(rest, inverse, q)

    def _division(self, a: Pair, b: Pair) -> tuple[Value, Value, Value]:
        """A quotient, what is left of ``a``, and ``1 / b``."""
        f = self.f
        inverse = f.div(1.0, b.high)
        q = f.mul(a.high, inverse)
        rest = self.remainder(a.high, q, b.high)
        if b.low is not None:
            rest = f.fma(f.neg(q), b.low, rest)
        return q, rest if a.low is None else f.add(rest, a.low), inverse

    def remainder(self, a: Value, q: Value, b: Value) -> Value:
        """``a - q * b`` where the two are close."""
        if self.f.target.has_fma:
            return self.f.fma(self.f.neg(q), b, a)
        return self.f.neg(self.excess(q, b, a))

    def root(self, a: Pair) -> Pair:
        """The square root of what is positive."""
        f = self.f
        s = f.sqrt(a.high)
        if not self.precision.paired:
            return Pair(s)
        rest = self.lows(self.remainder(a.high, s, s), a.low)
        assert rest is not None
        zero = f.compare("eq", s, 0.0)
        return Pair(s, f.select(zero, 0.0, f.div(rest, f.add(s, s))))

    def negative(self, a: Pair) -> Pair:
        return Pair(self.f.neg(a.high), None if a.low is None else self.f.neg(a.low))

    def times(self, a: Pair, power_of_two: float) -> Pair:
        low = None if a.low is None else self.f.mul(a.low, power_of_two)
        return Pair(self.f.mul(a.high, power_of_two), low)

    def choose(self, condition: Value, a: Pair, b: Pair) -> Pair:
        high = self.f.select(condition, a.high, b.high)
        if a.low is None and b.low is None:
            return Pair(high)
        return Pair(high, self.f.select(condition, a.low or 0.0, b.low or self.number(0.0)))

    # -- exponents --------------------------------------------------------------------------------

    def nearest(self, x: Value, factor: float = 1.0, ahead: int = 0) -> tuple[Value, Value]:
        """The whole number n nearest to a moderate ``x * factor``; bits ending in n + ahead."""
        magic = self.precision.magic + ahead
        shifted = self.f.fma(x, factor, magic)
        return self.f.sub(shifted, magic), self.f.bits(shifted)

    def power_of_two(self, exponent: Value) -> Value:
        """2^(exponent − bias) where that is a normal number; only the lowest bits matter."""
        return self.f.float_of(self.f.shift_left(exponent, self.precision.fraction), self.type)

    def scaled(self, y: Value, n: Value, exponent: Value) -> Value:
        """``(1 + y) * 2^n`` for a whole number n, with ``exponent`` = n + 2 bias as bits."""
        f = self.f
        if f.scales(self.type):
            return f.scaled(f.add(1.0, y), n)
        first, second = self.factors(exponent)
        return f.mul(f.fma(first, y, first), second)

    def factors(self, exponent: Value) -> tuple[Value, Value]:
        """Two normal numbers whose product is 2^(exponent − 2 bias).

        A number near 1 times the one and then the other is rounded only in the end. Products are
        needed, since adding to its exponent would make a number of a NaN.
        """
        half = self.f.shift_right(exponent, 1)
        return self.power_of_two(half), self.power_of_two(self.f.sub(exponent, half))

    def clamped(self, x: Value, low: float, high: float) -> Value:
        """``x`` within bounds; NaN stays."""
        return self.at_least(self.f.select(self.f.compare("gt", x, high), high, x), low)

    def at_least(self, x: Value, low: float) -> Value:
        """``x``, or the bound where that is larger; NaN stays."""
        return self.f.select(self.f.compare("lt", x, low), low, x)
