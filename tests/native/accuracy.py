"""Errors in units in the last place, against numbers of 40 digits."""

from __future__ import annotations

import math

import numpy as np
from mpmath import mp, mpf

mp.dps = 40


def unit(number, dtype):
    """The distance between neighbouring numbers of a dtype at a real number."""
    info = np.finfo(dtype)
    size = abs(number)
    if size < mpf(float(info.tiny)):
        return mpf(float(info.smallest_subnormal))
    exponent = int(mp.floor(mp.log(size, 2))) if size else 0
    return mpf(2) ** (exponent - info.nmant)


def error(found, exact, dtype):
    """How many units a value is off; 0 for the same infinity or for NaN where it belongs."""
    if mp.isnan(exact):
        return 0.0 if math.isnan(found) else math.inf
    if math.isnan(found):
        return math.inf
    top = mpf(float(np.finfo(dtype).max))
    if abs(exact) > top:  # rounds to the largest number or to infinity
        if math.isinf(found):
            return 0.0 if (found > 0) == (exact > 0) else math.inf
        return 0.0 if mp.isinf(exact) is False and abs(exact) < top * (1 + mpf(2) ** -20) and (
            float(found) == math.copysign(float(top), exact)) else math.inf  # fmt: skip
    if math.isinf(found):
        # One step beyond the largest number.
        return float((top + unit(top, dtype) - abs(exact)) / unit(top, dtype))
    return float(abs(mpf(float(found)) - exact) / unit(exact, dtype))


def worst(function, call, arrays, dtype):
    """The largest error over an array, and the arguments where it is."""
    found = call(*arrays)
    errors = [
        error(y, function(*map(mpf, map(float, row))), dtype)
        for y, *row in zip(found, *arrays, strict=True)
    ]
    place = int(np.argmax(errors))
    return errors[place], tuple(array[place] for array in arrays), found[place]


def every_exponent(dtype, count, seed=0):
    """Random numbers that are spread evenly over all the bit patterns of finite numbers."""
    rng = np.random.default_rng(seed)
    kind = np.uint32 if dtype == "float32" else np.uint64
    bits = rng.integers(0, np.iinfo(kind).max, count, dtype=kind, endpoint=True)
    numbers = bits.view(dtype)
    return np.where(np.isfinite(numbers), numbers, numbers.dtype.type(1))
