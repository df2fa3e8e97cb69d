"""Functions that join arrays, split one, or roll it around."""

from __future__ import annotations

import operator
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.errors import MissingRuleError, ShapeError
from chainrule.graph.node import Node
from chainrule.primitives import arrangement, contraction, selections
from chainrule.primitives.identities import cast
from chainrule.shapes import normalize_axis
from chainrule.tracing.dispatch import implements
from chainrule.tracing.functions.shaping import atleast_1d, atleast_2d, axes_tuple
from chainrule.tracing.traced import Traced, as_node


@implements(np.concatenate)
def concatenate(arrays: Any, axis: int | None = 0) -> Any:
    nodes = [as_node(item) for item in arrays]
    if axis is None:
        nodes, axis = [arrangement.reshape(node, (-1,)) for node in nodes], 0
    if any(node.ndim == 0 for node in nodes):
        raise ShapeError("concatenate", "numbers have no axis to join along", remedy="use np.stack")
    dtype = np.result_type(*(node.dtype for node in nodes))
    nodes = [cast(node, dtype) for node in nodes]
    return Traced(selections.concatenate(nodes, normalize_axis("concatenate", axis, nodes[0].ndim)))


@implements(np.stack)
def stack(arrays: Any, axis: int = 0) -> Any:
    nodes = [as_node(item) for item in arrays]
    if len({node.shape for node in nodes}) > 1:
        raise ShapeError(
            "stack", "the arrays must have one shape", got=" and ".join(str(n.shape) for n in nodes)
        )
    place = normalize_axis("stack", axis, nodes[0].ndim + 1)
    return concatenate([Traced(contraction.insert_axes(node, (place,))) for node in nodes], place)


def _at_least(arrays: Any, rank: int) -> list[Any]:
    return [atleast_1d(item) if rank == 1 else atleast_2d(item) for item in arrays]


@implements(np.hstack)
def hstack(tup: Any) -> Any:
    arrays = _at_least(tup, 1)
    return concatenate(arrays, 0 if arrays[0].ndim == 1 else 1)


@implements(np.vstack)
def vstack(tup: Any) -> Any:
    return concatenate(_at_least(tup, 2), 0)


@implements(np.dstack)
def dstack(tup: Any) -> Any:
    arrays = _at_least(tup, 2)
    return concatenate([a[..., None] if a.ndim == 2 else a for a in arrays], 2)


@implements(np.column_stack)
def column_stack(tup: Any) -> Any:
    arrays = [Traced(as_node(item)) for item in tup]
    return concatenate([a[:, None] if a.ndim == 1 else a for a in arrays], 1)


@implements(np.block)
def block(arrays: Any) -> Any:
    """Nested lists, the innermost joined along the last axis, as np.block does."""
    depth, inner = 0, arrays
    while isinstance(inner, list):
        depth, inner = depth + 1, inner[0]
    rank = max(depth, *(leaf.ndim for leaf in _block_leaves(arrays)))

    def joined(part: Any, level: int) -> Any:
        if not isinstance(part, list):
            node = as_node(part)
            return Traced(arrangement.reshape(node, (1,) * (rank - node.ndim) + node.shape))
        return concatenate([joined(item, level + 1) for item in part], rank - depth + level)

    return joined(arrays, 0)


def _block_leaves(part: Any) -> list[Node]:
    if isinstance(part, list):
        return [leaf for item in part for leaf in _block_leaves(item)]
    return [as_node(part)]


@implements(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    return concatenate([arr, values], axis)


MOST_PARTS = 1 << 20
"""An array is split into no more parts, each of which is an array of its own."""


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    node = as_node(ary)
    place = normalize_axis("split", axis, node.ndim)
    size = node.shape[place]
    if np.ndim(indices_or_sections) == 0:
        count = operator.index(indices_or_sections)
        if count > MOST_PARTS:
            raise MissingRuleError("split", "there are too many parts", got=f"{count} parts")
        each, extra = divmod(size, count)
        inner = [k * each + min(k, extra) for k in range(1, count)]
    else:
        inner = [operator.index(k) for k in indices_or_sections]
    head = (slice(None),) * place
    array = ary if isinstance(ary, Traced) else Traced(node)
    return [array[(*head, slice(a, b))] for a, b in pairwise([0, *inner, size])]


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    size = np.shape(ary)[axis]
    if np.ndim(indices_or_sections) == 0 and size % operator.index(indices_or_sections):
        raise ShapeError(
            "split", f"an axis of size {size} has no {indices_or_sections} equal parts",
            remedy="use np.array_split",
        )  # fmt: skip
    return list(array_split(ary, indices_or_sections, axis))


@implements(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return list(split(ary, indices_or_sections, 0 if np.ndim(ary) == 1 else 1))


@implements(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return list(split(ary, indices_or_sections, 0))


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    node = as_node(a)
    if axis is None:
        flat = roll(Traced(arrangement.reshape(node, (-1,))), shift, 0)
        return flat.reshape(node.shape)
    shifts, axes = np.broadcast_arrays(shift, axes_tuple(axis))
    result: Any = Traced(node)
    for amount, place in zip(shifts.ravel().tolist(), axes.ravel().tolist(), strict=True):
        place = normalize_axis("roll", place, node.ndim)
        size = node.shape[place]
        cut = -amount % size if size else 0
        head = (slice(None),) * place
        if cut:
            parts = [result[(*head, slice(cut, None))], result[(*head, slice(None, cut))]]
            result = concatenate(parts, place)
    return result
