"""Parts of structured maps: rows and columns by slices and whole numbers, and diagonals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.arguments import shown
from chainrule.errors import ArgumentError, PositionError
from chainrule.graph.node import Array, constant
from chainrule.jacobian.composing import Composition
from chainrule.jacobian.merging import merged, simplified
from chainrule.jacobian.summands import canonical
from chainrule.primitives.axes import Affine, Axis, Gather, kind
from chainrule.primitives.selections import Range, whole
from chainrule.primitives.terms import Term
from chainrule.shapes import Shape

KEY = "Jacobian[...]"
Taken = Range | Array
"""What is taken of an axis: a range, or an array of positions."""


def parts_of_axes(key: Any, shape: Shape) -> tuple[list[Taken], list[int]]:
    """What a key takes of each axis, and which axes remain."""
    items = list(key) if isinstance(key, tuple) else [key]
    gaps = [k for k, item in enumerate(items) if item is Ellipsis]
    if len(gaps) > 1:
        raise PositionError(KEY, "an index can only have a single ellipsis ('...')")
    for at in gaps:
        items[at : at + 1] = [slice(None)] * (len(shape) - len(items) + 1)
    items += [slice(None)] * (len(shape) - len(items))
    if len(items) > len(shape):
        raise PositionError(KEY, f"too many indices: {len(items)} for a Jacobian of shape {shape}")
    ranges: list[Taken] = []
    kept: list[int] = []
    for axis, (item, size) in enumerate(zip(items, shape, strict=True)):
        if isinstance(item, slice):
            start, stop, step = item.indices(size)
            ranges.append(Range(start, step, len(range(start, stop, step))))
            kept.append(axis)
        elif _is_whole_number(item):
            if not -size <= item < size:
                raise PositionError(
                    KEY, f"index {item} is out of bounds for axis {axis} of size {size}"
                )
            ranges.append(Range(int(item) % size, 1, 1))
        else:
            ranges.append(_positions(item, axis, size))
            kept.append(axis)
    if sum(isinstance(part, np.ndarray) for part in ranges) > (1 if len(kept) == len(shape) else 0):
        raise ArgumentError(
            KEY, "one array of positions goes with slices alone", got=shown(key),
            remedy="select one axis after the other, as in J[rows][:, columns]",
        )  # fmt: skip
    return ranges, kept


def _positions(item: Any, axis: int, size: int) -> Array:
    """A list or array of whole numbers, or a mask, as positions along an axis."""
    try:
        table = np.asarray(item, np.intp if isinstance(item, list) and not item else None)
    except (TypeError, ValueError, RecursionError, OverflowError):
        table = np.asarray(0.5)
    if table.dtype.kind == "b" and table.shape == (size,):
        return np.flatnonzero(table)
    if item is None or table.ndim != 1 or table.dtype.kind not in "iu":
        raise ArgumentError(
            KEY,
            "slices, whole numbers and arrays of them select outputs and inputs",
            got=shown(item), remedy="use J.toarray()[...] for other keys",
        )  # fmt: skip
    if table.size and not (-size <= table.min() and table.max() < size):
        raise PositionError(KEY, f"a position is out of bounds for axis {axis} of size {size}")
    places = table.astype(np.intp)
    return np.where(places < 0, places + size, places)


def _is_whole_number(item: Any) -> bool:
    if isinstance(item, np.ndarray):
        return item.ndim == 0 and item.dtype.kind in "iu"
    return isinstance(item, (int, np.integer)) and not isinstance(item, (bool, np.bool_))


def part(summands: Sequence[Term], ranges: Sequence[Taken], kept: Sequence[int]) -> list[Term]:
    """The summands of the rows and columns that ranges select; axes not kept are dropped."""
    made = []
    for summand in summands:
        state = Composition.of(summand)
        axes = [*summand.out, *summand.into]
        shape = [kind(axis).span(summand.sizes) for axis in axes]
        labels: list[int] = []
        for axis, part_of, size in zip(axes, ranges, shape, strict=True):
            label = state.fresh(len(part_of) if isinstance(part_of, np.ndarray) else part_of.length)
            labels.append(label)
            state.pairs.append((axis, _taken(part_of, label, size)))
        rank = len(summand.out)
        state.out = [labels[k] for k in range(rank) if k in kept]
        state.into = [labels[k] for k in range(rank, len(axes)) if k in kept]
        if state.resolve():
            made.append(canonical(simplified(state.summand(), eager=True)))
    return merged(made)


def _taken(part_of: Taken, label: int, size: int | None) -> Axis:
    if isinstance(part_of, np.ndarray):
        return Gather(constant(part_of), (label,))
    return label if part_of == whole(size or -1) else Affine(label, *part_of)


def diagonal(summands: Sequence[Term]) -> list[Term]:
    """The entries whose output and input positions agree, as maps from nothing."""
    made = []
    for summand in summands:
        state = Composition.of(summand)
        state.pairs = list(zip(summand.out, summand.into, strict=True))
        state.into = []
        if state.resolve():
            made.append(canonical(simplified(state.summand(), eager=True)))
    return merged(made)
