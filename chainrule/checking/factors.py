"""Constant factors and what they may stand for: 2, a sign, the number of examples, a rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import log2

LARGEST = 64
"""Numerators and denominators up to here are taken for simple numbers."""

TWO, SIGN, SIZE, NUMBER, JOINED = 0.2, 0.3, 0.4, 0.5, 0.2
"""How unlikely a factor is, as the length of its description: a 2, a sign, the size of an axis, a
number of the program; what is put together costs the sum of its parts and the joint. Other whole
numbers cost as much as they are long, so that 3 is rather 3 than half of 6 rows."""


@dataclass(frozen=True)
class Surroundings:
    """Numbers of the problem that a factor may be.

    Attributes
    ----------
    sizes : mapping from int to str
        Sizes of axes, with what they count: ``{5: "rows of X"}``.
    numbers : mapping from float to str
        Constants and scalar arguments, with their names: ``{0.1: "eta"}``.
    """

    sizes: Mapping[int, str]
    numbers: Mapping[float, str]


@dataclass(frozen=True)
class NamedFactor:
    """What a factor is taken for: a kind, a clause, and how unlikely it is."""

    kind: str
    says: str
    cost: float


def named(factor: float, around: Surroundings) -> NamedFactor | None:
    """What a factor most likely is, or None for a number that means nothing."""
    found = readings(factor, around)
    return found[0] if found else None


def readings(factor: float, around: Surroundings) -> list[NamedFactor]:
    """Everything that a factor may be, the likeliest first."""
    if _is(factor, -1.0):
        says = "has the wrong sign: it is −1 times the right one"
        return [NamedFactor("wrong sign", says, SIGN)]
    tried = (
        _simple(factor) or _rational(factor), _of_size(factor, around),
        _of_number(factor, around), _of_rate(factor),
    )  # fmt: skip
    return sorted((item for item in tried if item is not None), key=lambda item: item.cost)


def _simple(factor: float) -> NamedFactor | None:
    if not any(_is(abs(factor), value) for value in (2.0, 0.5)):
        return None
    sign = " and the sign is wrong" if factor < 0 else ""
    if _is(abs(factor), 2.0):
        return NamedFactor(
            "constant factor", f"is twice the right one: a factor 2 is one too many{sign}", TWO
        )
    return NamedFactor(
        "constant factor", f"is half the right one: a factor 2 is missing{sign}", TWO
    )


def _of_size(factor: float, around: Surroundings) -> NamedFactor | None:
    """The size that is the likeliest to be the factor: alone before together with a 2."""
    sign = " with the wrong sign" if factor < 0 else ""
    for extra, more in ((1.0, ""), (2.0, ", and a factor 2"), (0.5, ", and a factor ½")):
        cost = SIZE + (0.0 if extra == 1.0 else TWO + JOINED)
        for size, what in around.sizes.items():
            if size < 2:
                continue
            if _is(abs(factor) * size, extra):
                return NamedFactor(
                    "sum against mean",
                    f"is {_shown(factor)} times the right one{sign}: it is divided by {size}, the "
                    f"number of {what}, as a mean would be{more}",
                    cost,
                )
            if _is(abs(factor), extra * size):
                return NamedFactor(
                    "sum against mean",
                    f"is {_shown(factor)} times the right one{sign}: it is multiplied by {size}, "
                    f"the number of {what}, as if summed where a mean is taken{more}",
                    cost,
                )
    return None


def _of_number(factor: float, around: Surroundings) -> NamedFactor | None:
    """A number of the program: alone before together with a sign or a 2."""
    for extra in (1.0, -1.0, 2.0, 0.5):
        sign = ", with the wrong sign" if extra < 0 else ""
        also = f", and a factor {extra:g}" if extra in (2.0, 0.5) else ""
        cost = NUMBER + (0.0 if extra == 1.0 else JOINED + (SIGN if extra < 0 else TWO))
        for value, name in around.numbers.items():
            if not value or abs(value) in (0.5, 1.0, 2.0):
                continue
            if _is(factor * value, extra):
                return NamedFactor("missing factor", f"lacks the factor {name}{sign}{also}", cost)
            if _is(factor, extra * value):
                return NamedFactor("extra factor", f"has an extra factor {name}{sign}{also}", cost)
    return None


def _of_rate(factor: float) -> NamedFactor | None:
    """A power of ten below 1: a learning rate, with its sign where a whole step was given."""
    if not any(_is(abs(factor), 10.0**-k) for k in (1, 2, 3, 4)):
        return None
    rate = abs(factor)
    if factor < 0:
        says = (
            f"is −{rate:g} times the right one: a step of gradient descent with the rate {rate:g}"
        )
    else:
        says = f"is {rate:g} times the right one: a rate has been multiplied in"
    return NamedFactor("constant factor", says, 0.8)


def _rational(factor: float) -> NamedFactor | None:
    near = Fraction(factor).limit_denominator(LARGEST)
    if near in (0, 1) or abs(near.numerator) > LARGEST or not _is(factor, float(near)):
        return None
    cost = _length(abs(near.numerator)) + _length(near.denominator) + JOINED * (
        near.numerator not in (1, -1) and near.denominator != 1
    )  # fmt: skip
    says = f"is {_shown(factor)} times the right one, in every entry"
    return NamedFactor("constant factor", says, cost)


def _length(n: int) -> float:
    """What a whole number takes to tell: as many digits as it has in base 2, and that it is one."""
    return 0.0 if n == 1 else TWO if n == 2 else 0.4 + 0.15 * log2(n)


def _shown(factor: float) -> str:
    near = Fraction(factor).limit_denominator(10 * LARGEST)
    return str(near).replace("-", "−") if _is(factor, float(near)) else f"{factor:.6g}"


def _is(value: float, wanted: float) -> bool:
    # the factor is a quotient of sums of rounded entries: far better than 1e-6 in float64, and
    # about 1e-6 in float32
    return abs(value - wanted) <= 2e-6 * abs(wanted)
