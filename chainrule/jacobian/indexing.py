"""Parts of structured maps: rows and columns by slices and whole numbers, and diagonals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import ArgumentError
from chainrule.jacobian.summands import Composition, Summand, canonical, merged, simplified
from chainrule.primitives.selections import Range, whole
from chainrule.primitives.terms import Affine
from chainrule.shapes import Shape


def parts_of_axes(key: Any, shape: Shape) -> tuple[list[Range], list[int]]:
    """What a key of slices and whole numbers takes of each axis, and which axes remain."""
    items = list(key) if isinstance(key, tuple) else [key]
    if Ellipsis in items:
        at = items.index(Ellipsis)
        items[at : at + 1] = [slice(None)] * (len(shape) - len(items) + 1)
    items += [slice(None)] * (len(shape) - len(items))
    if len(items) > len(shape):
        raise IndexError(f"too many indices: {len(items)} for a Jacobian of shape {shape}")
    ranges, kept = [], []
    for axis, (item, size) in enumerate(zip(items, shape, strict=True)):
        if isinstance(item, slice):
            start, stop, step = item.indices(size)
            ranges.append(Range(start, step, len(range(start, stop, step))))
            kept.append(axis)
        elif isinstance(item, (int, np.integer)):
            if not -size <= item < size:
                raise IndexError(f"index {item} is out of bounds for axis {axis} of size {size}")
            ranges.append(Range(int(item) % size, 1, 1))
        else:
            raise ArgumentError(
                "Jacobian[...]", "only slices and whole numbers select outputs and inputs",
                got=repr(item), remedy="use J.toarray()[...] for other keys",
            )  # fmt: skip
    return ranges, kept


def part(
    summands: Sequence[Summand], ranges: Sequence[Range], kept: Sequence[int]
) -> list[Summand]:
    """The summands of the rows and columns that ranges select; axes not kept are dropped."""
    made = []
    for summand in summands:
        state = Composition.of(summand)
        axes = [*summand.out, *summand.into]
        shape = [state.axis_length(axis) for axis in axes]
        labels: list[int] = []
        for axis, part_of, size in zip(axes, ranges, shape, strict=True):
            label = state.fresh(part_of.length)
            labels.append(label)
            by = label if part_of == whole(size or -1) else Affine(label, *part_of)
            state.pairs.append((axis, by))
        rank = len(summand.out)
        state.out = [labels[k] for k in range(rank) if k in kept]
        state.into = [labels[k] for k in range(rank, len(axes)) if k in kept]
        if state.resolve():
            made.append(canonical(simplified(state.summand(), eager=True)))
    return merged(made)


def diagonal(summands: Sequence[Summand]) -> list[Summand]:
    """The entries whose output and input positions agree, as maps from nothing."""
    made = []
    for summand in summands:
        state = Composition.of(summand)
        state.pairs = list(zip(summand.out, summand.into, strict=True))
        state.into = []
        if state.resolve():
            made.append(canonical(simplified(state.summand(), eager=True)))
    return merged(made)
