"""Arrays of bounds in extended precision, and functions of them that add their rounding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
Wide = np.longdouble

EXACT = {
    "absolute", "fabs", "sign", "rint", "floor", "ceil", "trunc", "heaviside", "copysign",
    "isfinite", "isinf", "isnan", "signbit", "logical_not", "logical_and", "logical_or",
    "logical_xor", "invert", "bitwise_and", "bitwise_or", "bitwise_xor", "equal", "not_equal",
    "less", "less_equal", "greater", "greater_equal", "where",
}  # fmt: skip
LARGEST_OF = {"maximum", "minimum", "fmax", "fmin", "relu"}
"""Exact as well, but of 0 and −0 either may be taken for the larger (IEEE 754, 9.6)."""
ROUNDED = {"add", "subtract", "divide", "reciprocal", "sqrt", "nextafter", "spacing"}
OTHERS = 4
"""Units in the last place that every other function may be off."""
WAVES = {"sin", "cos", "tan"}
MOVES = {"reshape", "slice", "place", "replace", "concatenate", "take", "alias", "stop_gradient"}


class Undecided(Exception):
    """The bounds do not say which element is meant."""


class Bounds(NamedTuple):
    """The least and the greatest value that an array's elements may have.

    `nan` says whether an element is NaN: 0 never, 1 perhaps, 2 surely. Numbers are in extended
    precision, booleans and whole numbers in their own kind.
    """

    lo: Array
    hi: Array
    nan: Array

    @property
    def are_points(self) -> bool:
        return bool((self.points | (self.nan == 2)).all())

    @property
    def points(self) -> Array:
        return np.asarray((self.lo == self.hi) & (self.nan == 0))

    def map(self, move: Callable[[Array], Array]) -> Bounds:
        return Bounds(*(np.asarray(move(part)) for part in self))


def exactly(array: Array) -> Bounds:
    """An array whose elements are known."""
    values = np.asarray(array)
    is_nan = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
    values = values.astype(Wide) if values.dtype.kind == "f" else values
    return Bounds(values, values, 2 * is_nan.astype(np.int8))


def anything_where(doubt: Array, bounds: Bounds) -> Bounds:
    """All values, infinities and NaN included, where there is doubt."""
    return Bounds(
        np.where(doubt, -Wide(np.inf), bounds.lo),
        np.where(doubt, Wide(np.inf), bounds.hi),
        np.where(doubt, np.int8(1), bounds.nan),
    )


# -- rounding -------------------------------------------------------------------------------------


def spacing(values: Array, dtype: Any) -> Array:
    """The unit in the last place of a dtype at some numbers."""
    half = np.finfo(dtype).max / np.dtype(dtype).type(2)
    size = np.abs(values)
    units = np.spacing(np.minimum(size, Wide(half)).astype(dtype)).astype(Wide)
    return np.where(size > half, 2 * units, units)  # that of the largest number overflows


def rounded(bounds: Bounds, dtype: Any, error: Any, exact: Any = False) -> Bounds:
    """Bounds with an error added, and what lies beyond the dtype's largest number made infinite."""
    lo, hi, nan = bounds
    stays = np.asarray(exact) & (lo == hi) & (lo.astype(dtype) == lo)
    low = np.where(stays | ~np.isfinite(lo), lo, lo - error)
    high = np.where(stays | ~np.isfinite(hi), hi, hi + error)
    low = np.where((lo > 0) & (low < 0), Wide(0), low)
    high = np.where((hi < 0) & (high > 0), -Wide(0), high)
    return Bounds(_overflowed(low, dtype), -_overflowed(-high, dtype), nan)


def _overflowed(least: Array, dtype: Any) -> Array:
    """Lower bounds, infinite where all above them is beyond the dtype's largest number.

    Up to half a unit above it a number is still rounded to it.
    """
    top = Wide(np.finfo(dtype).max)
    beyond = top + 4 * spacing(top, dtype)
    least = np.where(least < -top, -Wide(np.inf), least)
    return np.where(least > beyond, Wide(np.inf), np.minimum(least, top))


def by_units(bounds: Bounds, dtype: Any, units: float, exact: Any = False) -> Bounds:
    """Bounds that are some units in the last place wider."""
    error = units * np.maximum(spacing(bounds.lo, dtype), spacing(bounds.hi, dtype))
    zero = (bounds.lo == 0) & (bounds.hi == 0)
    return rounded(bounds, dtype, np.where(zero, Wide(0), error), exact)


def with_both_zeros(bounds: Bounds) -> Bounds:
    """Zeros whose sign is not told."""
    if bounds.lo.dtype.kind != "f":
        return bounds
    lo = np.where(bounds.lo == 0, -Wide(0), bounds.lo)
    return bounds._replace(lo=lo, hi=np.where(bounds.hi == 0, Wide(0), bounds.hi))


# -- functions of single elements -----------------------------------------------------------------


def corners(function: Callable[..., Array], inputs: Sequence[Bounds]) -> Bounds:
    """A function that is monotone on either side of 0, at all ends of its inputs' bounds.

    Where some of the ends give NaN and others do not, anything is allowed.
    """
    known = [_ends(item) for item in inputs]
    values = np.stack([np.asarray(function(*choice)) for choice in product(*known)])
    if values.dtype.kind != "f":
        perhaps = [[*ends, *_nan_end(item)] for ends, item in zip(known, inputs, strict=True)]
        values = np.stack([np.asarray(function(*choice)) for choice in product(*perhaps)])
        return Bounds(values.min(axis=0), values.max(axis=0), np.zeros(values.shape[1:], np.int8))
    values = values.astype(Wide)
    missing = np.isnan(values)
    mixed = missing.any(axis=0) & ~missing.all(axis=0)
    if any(_nan_end(item) for item in inputs):
        perhaps = [[*ends, *_nan_end(item)] for ends, item in zip(known, inputs, strict=True)]
        values = np.stack([np.asarray(function(*choice)) for choice in product(*perhaps)])
        values = values.astype(Wide)
        missing = np.isnan(values)
    nan = np.where(missing.all(axis=0), 2, missing.any(axis=0)).astype(np.int8)
    zero = values == 0
    lo, hi = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
    negative = (zero & np.signbit(values)).any(axis=0)
    positive = (zero & ~np.signbit(values)).any(axis=0)
    lo = np.where((lo == 0) & negative, -Wide(0), np.where(lo == 0, Wide(0), lo))
    hi = np.where((hi == 0) & positive, Wide(0), np.where(hi == 0, -Wide(0), hi))
    return anything_where(mixed, Bounds(lo, hi, nan))


def _ends(item: Bounds) -> list[Array]:
    lo, hi, _ = item
    if lo is hi or (
        np.array_equal(lo, hi, equal_nan=lo.dtype.kind == "f") and not _two_zeros(item)
    ):
        return [lo]
    if lo.dtype.kind != "f":
        return [lo, hi]
    crosses = (lo < 0) & (hi > 0)
    if not crosses.any():
        return [lo, hi]
    return [lo, hi, np.where(crosses, Wide(0), lo), np.where(crosses, -Wide(0), lo)]


def _two_zeros(item: Bounds) -> bool:
    lo, hi, _ = item
    return lo.dtype.kind == "f" and bool(((lo == 0) & (np.signbit(lo) != np.signbit(hi))).any())


def _nan_end(item: Bounds) -> list[Array]:
    return [np.where(item.nan == 1, Wide(np.nan), item.lo)] if (item.nan == 1).any() else []
