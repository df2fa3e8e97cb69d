"""The bounds of products and sums: every way to compute them is within these."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.graph.node import Node
from chainrule.primitives.products import Spec
from tests.native.bounds import (
    Array,
    Bounds,
    Undecided,
    Wide,
    anything_where,
    by_units,
    corners,
    rounded,
    with_both_zeros,
)  # fmt: skip

LARGEST = 300_000
"""Terms of a product that are looked at one by one."""


def contraction(node: Node, *inputs: Bounds) -> Bounds:
    spec: Spec = node.params
    distinct = tuple(dict.fromkeys(spec.out))
    summed = tuple(
        dict.fromkeys(k for labels in spec.operands for k in labels if k not in distinct)
    )
    axes = (*distinct, *summed)
    if math.prod(spec.sizes[k] for k in axes) > LARGEST:
        raise Undecided(f"a product of {spec.sizes}")
    shape = tuple(spec.sizes[k] for k in axes)
    ready = [
        item.map(lambda part, labels=labels: _laid_out(part, labels, axes, shape))
        for item, labels in zip(inputs, spec.operands, strict=True)
    ]
    if node.dtype.kind == "b":
        return _embedded(_chosen(ready, tuple(range(len(distinct), len(axes)))), node, distinct)
    terms = corners(_term_of(spec), ready)
    if spec.strong:
        terms = with_both_zeros(terms)
    factors = sum(item.lo.dtype.kind != "b" for item in inputs) + (abs(spec.scale) != 1.0)
    factors += sum(item.dtype.kind == "f" and item.dtype != node.dtype for item in node.inputs)
    doubt = _order_matters(spec, ready, factors)
    exact = _few_digits(ready, factors)
    if summed:
        last = tuple(range(len(distinct), len(axes)))
        is_definite = _is_definite(spec, ready)
        result = sum_of(terms, last, node.dtype, factors, spec.scale, is_definite, exact)
        # A sum of nothing times ∞ is NaN where the sum comes first.
        doubt = doubt.any(axis=last) | (0 in shape and not is_definite)
    else:
        result = _times(terms, spec.scale)
        # A factor of another precision is rounded first, and counts twice.
        units = factors if factors > 1 or abs(spec.scale) != 1.0 else 0
        result = by_units(result, node.dtype, units, exact=terms.points)
    return _embedded(anything_where(doubt, result), node, distinct)


def _chosen(ready: Sequence[Bounds], last: tuple[int, ...]) -> Bounds:
    """Products and sums of booleans: all, and any."""
    both = corners(lambda *values: np.logical_and.reduce(values), ready)
    return both.map(lambda part: part.max(axis=last, initial=0).astype(part.dtype))


def _laid_out(part: Array, labels: Sequence[int], axes: Sequence[int], shape: Any) -> Array:
    """An operand with the product's axes, diagonals taken where a label is repeated."""
    own = tuple(dict.fromkeys(labels))
    part = np.einsum(part, list(labels), list(own)) if len(own) < len(labels) else part
    order = [own.index(k) for k in axes if k in own]
    index = tuple(slice(None) if k in own else None for k in axes)
    return np.broadcast_to(part.transpose(order)[index], shape)


def _term_of(spec: Spec) -> Callable[..., Array]:
    """The product of one element of each operand; booleans select, and zeros may win."""

    def term(*values: Array) -> Array:
        numbers = [v for v in values if v.dtype.kind != "b"]
        masks = [v for v in values if v.dtype.kind == "b"]
        if not numbers:
            numbers, masks = masks, []
        result = numbers[0].astype(Wide)
        for factor in numbers[1:]:
            result = result * factor
        if spec.strong and len(numbers) > 1:
            has_zero = np.logical_or.reduce([v == 0 for v in numbers])
            result = np.where(np.isnan(result) & has_zero, Wide(0), result)
        for mask in masks:
            result = np.where(mask, result, Wide(0))
        return result

    return term


def _times(bounds: Bounds, scale: float) -> Bounds:
    lo, hi = bounds.lo * Wide(scale), bounds.hi * Wide(scale)
    nan = np.where(np.isnan(lo), np.int8(2), bounds.nan)  # the mean of nothing is 0 · ∞
    return Bounds(lo, hi, nan) if scale > 0 else Bounds(hi, lo, nan)


def _is_definite(spec: Spec, ready: Sequence[Bounds]) -> bool:
    """Whether there is but one way to compute it, so that infinities and NaN are told."""
    if len(spec.operands) == 1:
        return True
    summed = {k for labels in spec.operands for k in labels} - set(spec.out)
    in_both = all(summed <= set(labels) for labels in spec.operands)
    has_masks = any(item.lo.dtype.kind == "b" for item in ready)
    return len(spec.operands) == 2 and in_both and not has_masks and not spec.strong


def _order_matters(spec: Spec, ready: Sequence[Bounds], factors: int) -> Array:
    """Where three factors or more may overflow or underflow in one order and not in another."""
    shape = np.broadcast_shapes(*(item.lo.shape for item in ready))
    doubt = np.zeros(shape, bool)
    if factors < 3 and (factors < 2 or _is_definite(spec, ready)):
        return doubt
    large, small = (1e60, 1e-60) if spec.dtype == np.float64 else (1e9, 1e-9)
    for item in ready:
        if item.lo.dtype.kind != "b":
            size = np.maximum(abs(item.lo), abs(item.hi))
            doubt |= (size > large) | ((size < small) & (size > 0)) | (item.nan > 0)
    return doubt


def _few_digits(ready: Sequence[Bounds], factors: int) -> Array:
    """Where all operands are known multiples of 1/4, so that sums of products may be exact."""
    exact = np.ones(np.broadcast_shapes(*(item.lo.shape for item in ready)), bool)
    for item in ready:
        if item.lo.dtype.kind == "b":
            exact &= item.lo == item.hi
        else:
            exact &= item.points & (4 * item.lo == np.floor(4 * item.lo))
    return exact


def _embedded(bounds: Bounds, node: Node, distinct: Sequence[int]) -> Bounds:
    """Values on a diagonal of zeros where the result repeats a label."""
    spec: Spec = node.params
    if len(distinct) == len(spec.out):
        return bounds
    grids = np.ogrid[tuple(slice(0, spec.sizes[k]) for k in distinct)]
    key = tuple(grids[list(distinct).index(k)] for k in spec.out)

    def embed(part: Array) -> Array:
        result = np.zeros(node.shape, part.dtype)
        result[key] = part
        return result

    return bounds.map(embed)


def sum_of(
    terms: Bounds, axes: tuple[int, ...], dtype: Any, factors: int = 1, scale: float = 1.0,
    is_definite: bool = True, exact: Any = False,
) -> Bounds:  # fmt: skip
    """The sum along some axes, in any order, times a number."""
    n = math.prod(terms.lo.shape[axis] for axis in axes)
    info = np.finfo(dtype)
    lo, hi, nan = terms
    finite = np.isfinite(lo) & np.isfinite(hi) & (nan == 0)
    least, most = (np.where(finite, part, Wide(0)).sum(axis=axes) for part in (lo, hi))
    size = np.where(finite, np.maximum(abs(lo), abs(hi)), Wide(0)).sum(axis=axes)
    error = Wide(1.01) * (n + factors + 1) * Wide(info.eps) / 2 * size
    error = error + n * factors * Wide(info.smallest_subnormal) * (factors > 1)
    stays = (np.asarray(exact) | np.zeros(lo.shape, bool)).all(axis=axes)
    stays &= size * 4.0**factors < Wide(2) ** info.nmant
    is_power_of_two = math.frexp(abs(scale))[0] == 0.5
    stays &= is_power_of_two  # another number may multiply each term
    overflows = size > Wide(info.max) / 4
    plus, minus = (hi == np.inf).any(axis=axes), (lo == -np.inf).any(axis=axes)
    surely_plus, surely_minus = (lo == np.inf).any(axis=axes), (hi == -np.inf).any(axis=axes)
    is_nan = (nan == 2).any(axis=axes) | (surely_plus & surely_minus)
    doubt = overflows | (nan == 1).any(axis=axes) | (plus & minus)
    doubt |= (plus & ~surely_plus) | (minus & ~surely_minus)
    if not is_definite:
        doubt |= ~finite.all(axis=axes)
        is_nan = np.zeros(is_nan.shape, bool)
    infinite = np.where(surely_plus, Wide(np.inf), -Wide(np.inf))
    is_infinite = surely_plus | surely_minus
    error = np.where(stays | is_infinite, Wide(0), error)
    low = np.where(is_infinite, infinite, least - error)
    high = np.where(is_infinite, infinite, most + error)
    result = _times(Bounds(low, high, np.zeros(low.shape, np.int8)), scale)
    result = by_units(result, dtype, 0 if is_power_of_two else 2)
    is_nan |= result.nan == 2
    result = anything_where(doubt & ~is_nan, with_both_zeros(result))
    unknown = Wide(np.nan)
    return Bounds(
        np.where(is_nan, unknown, result.lo), np.where(is_nan, unknown, result.hi),
        np.where(is_nan, np.int8(2), result.nan),
    )  # fmt: skip


def cumulative(node: Node, array: Bounds) -> Bounds:
    axis, backwards = node.params
    size = array.lo.shape[axis]
    whole = array.points & (array.lo == np.floor(array.lo))

    def upto(k: int) -> Bounds:
        chosen = range(k, size) if backwards else range(k + 1)
        exact = whole.take(chosen, axis=axis)
        terms = array.map(lambda part: part.take(chosen, axis=axis))
        return sum_of(terms, (axis,), node.dtype, exact=exact)

    sums = [upto(k) for k in range(size)]
    if not sums:
        return array
    return Bounds(*(np.stack(parts, axis=axis) for parts in zip(*sums, strict=True)))


def put(node: Node, array: Bounds, index: Bounds) -> Bounds:
    shape, axis = node.shape, node.params[0]

    def run(a: Array, index: Array) -> Array:
        result = np.zeros(shape, a.dtype)
        np.add.at(result, (*[slice(None)] * axis, index), a)
        return result

    count = run(np.ones(array.lo.shape, Wide), index.lo)
    alone = run(array.lo, index.lo), run(array.hi, index.lo), run(array.nan, index.lo)
    size = run(np.maximum(abs(array.lo), abs(array.hi)), index.lo)
    error = np.where(count > 1, count * Wide(np.finfo(node.dtype).eps) * size, Wide(0))
    whole = run((~(array.points & (array.lo == np.floor(array.lo)))).astype(Wide), index.lo) == 0
    stays = whole & (size < Wide(2) ** np.finfo(node.dtype).nmant)
    result = with_both_zeros(rounded(Bounds(*alone), node.dtype, np.where(stays, Wide(0), error)))
    return anything_where((count > 1) & ~(size < np.finfo(node.dtype).max / 4), result)
