"""Arithmetic on shapes, axes and labels: plain tuples of integers, no arrays."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from math import prod
from typing import Any

from chainrule.arguments import whole
from chainrule.errors import AxisError, ShapeError

Shape = tuple[int, ...]
Labels = tuple[int, ...]


def broadcast_shapes(operation: str, shapes: Sequence[Shape]) -> Shape:
    """The shape that NumPy's broadcasting gives, or an error that names every shape.

    >>> broadcast_shapes("add", [(3, 1), (4,)])
    (3, 4)
    """
    if shapes and shapes.count(shapes[0]) == len(shapes):
        return shapes[0]
    result = _broadcast(tuple(shapes))
    if result is None:
        raise ShapeError(
            operation,
            "shapes do not broadcast together",
            got=" and ".join(str(shape) for shape in shapes),
            remedy="make trailing axes equal or 1, for instance with x[:, None] or x.T",
        )
    return result


@lru_cache(maxsize=2048)
def _broadcast(shapes: tuple[Shape, ...]) -> Shape | None:
    """The common shape, or None where there is none."""
    rank = max((len(shape) for shape in shapes), default=0)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    sizes = [_common(each) for each in zip(*padded, strict=True)]
    found = tuple([size for size in sizes if size is not None])
    return found if len(found) == rank else None


def _common(sizes: Iterable[int]) -> int | None:
    larger = {size for size in sizes if size != 1}
    return None if len(larger) > 1 else (larger.pop() if larger else 1)


def normalize_axis(operation: str, axis: Any, rank: int) -> int:
    """One axis counted from the front."""
    position = whole(operation, "an axis", axis)
    if not -rank <= position < rank:
        raise AxisError(
            operation,
            f"axis {position} does not exist",
            got=f"an array with {rank} axes",
            remedy=f"give an axis from {-rank} to {rank - 1}" if rank else "leave axis out",
        )
    return position % rank


def normalize_axes(operation: str, axis: Any, rank: int) -> tuple[int, ...]:
    """Axes as a sorted tuple counted from the front; ``None`` means all of them."""
    if axis is None:
        return tuple(range(rank))
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = [normalize_axis(operation, item, rank) for item in given]
    if len(set(axes)) != len(axes):
        raise ShapeError(operation, "an axis is named twice", got=f"axis={axis}")
    return tuple(sorted(axes))


def without(shape: Shape, axes: Sequence[int]) -> Shape:
    """The shape that is left when axes are removed."""
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)


def common_factors(old: Shape, new: Shape) -> tuple[Shape, list[Labels], list[Labels]] | None:
    """Factors from which both shapes are grouped in row-major order, or None if there are none.

    Returns the factors, and for each axis of both shapes the numbers of its factors.

    >>> common_factors((2, 6), (4, 3))
    ((2, 2, 3), [(0,), (1, 2)], [(0, 1), (2,)])
    """
    if 0 in old or 0 in new:
        return None
    ends = [list(accumulate(shape, operator.mul)) for shape in (old, new)]
    marks = sorted({1, *ends[0], *ends[1]})
    if any(after % before for before, after in pairwise(marks)):
        return None
    factors = tuple(after // before for before, after in pairwise(marks))
    groups = []
    for side in ends:
        starts = [marks.index(mark) for mark in [1, *side]]
        groups.append([tuple(range(a, b)) for a, b in pairwise(starts)])
    return factors, groups[0], groups[1]


def resolve_reshape(shape: Shape, wanted: Sequence[int]) -> Shape:
    """A wanted shape with its one ``-1`` filled in."""
    size = prod(shape)
    known = prod(n for n in wanted if n != -1)
    unknowns = sum(1 for n in wanted if n == -1)
    if unknowns == 1 and known and size % known == 0:
        return tuple(size // known if n == -1 else n for n in wanted)
    if unknowns == 0 and known == size and all(n >= 0 for n in wanted):
        return tuple(wanted)
    raise ShapeError(
        "reshape", f"{size} elements do not fit the new shape", got=f"{shape} and {tuple(wanted)}"
    )
