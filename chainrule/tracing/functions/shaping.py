"""Functions that move, join, split or repeat elements, and those that make arrays like another."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.errors import MissingRuleError, ShapeError
from chainrule.graph.node import Node, constant
from chainrule.primitives import contraction, selections
from chainrule.primitives.identities import cast
from chainrule.primitives.selections import Range
from chainrule.shapes import normalize_axes, normalize_axis
from chainrule.tracing.traced import Traced, as_node, implements


def _row_major(operation: str, order: str) -> None:
    if order not in ("C", "K", "A"):
        raise MissingRuleError(
            operation, "only row-major order is supported on traced values", got=f"order={order!r}",
            remedy="transpose first: x.T.reshape(...)",
        )  # fmt: skip


def _axes_tuple(shape: Any) -> tuple[int, ...]:
    return (
        tuple(operator.index(n) for n in shape) if np.iterable(shape) else (operator.index(shape),)
    )


@implements(np.reshape)
def reshape(a: Any, shape: Any = None, order: str = "C", newshape: Any = None) -> Any:
    _row_major("np.reshape", order)
    return Traced(selections.reshape(as_node(a), _axes_tuple(newshape if shape is None else shape)))


@implements(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    _row_major("np.ravel", order)
    return Traced(selections.reshape(as_node(a), (-1,)))


@implements(np.transpose, np.permute_dims)
def transpose(a: Any, axes: Any = None) -> Any:
    node = as_node(a)
    order = (
        tuple(reversed(range(node.ndim)))
        if axes is None
        else tuple(normalize_axis("transpose", axis, node.ndim) for axis in axes)
    )
    if sorted(order) != list(range(node.ndim)):
        raise ShapeError(
            "transpose", "every axis must be named once", got=f"{axes} for {node.shape}"
        )
    return Traced(contraction.transpose(node, order))


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any) -> Any:
    return swapaxes(x, -1, -2)


@implements(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    node = as_node(a)
    order = list(range(node.ndim))
    one, two = (normalize_axis("swapaxes", axis, node.ndim) for axis in (axis1, axis2))
    order[one], order[two] = two, one
    return Traced(contraction.transpose(node, order))


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    node = as_node(a)
    old = [normalize_axis("moveaxis", axis, node.ndim) for axis in _axes_tuple(source)]
    new = [normalize_axis("moveaxis", axis, node.ndim) for axis in _axes_tuple(destination)]
    order = [axis for axis in range(node.ndim) if axis not in old]
    for place, axis in sorted(zip(new, old, strict=True)):
        order.insert(place, axis)
    return Traced(contraction.transpose(node, order))


@implements(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    node = as_node(a)
    position = normalize_axis("rollaxis", axis, node.ndim)
    return moveaxis(a, position, start - 1 if position < start else start)


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    node = as_node(a)
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    return Traced(
        contraction.insert_axes(node, normalize_axes("expand_dims", axis, node.ndim + count))
    )


@implements(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Any:
    node = as_node(a)
    if axis is None:
        axes = tuple(k for k, size in enumerate(node.shape) if size == 1)
    else:
        axes = normalize_axes("squeeze", axis, node.ndim)
    if any(node.shape[k] != 1 for k in axes):
        raise ShapeError(
            "squeeze", "only axes of size 1 can be dropped", got=f"{node.shape}, axis {axis}"
        )
    return Traced(contraction.drop_axes(node, axes))


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any) -> Any:
    node, wanted = as_node(array), _axes_tuple(shape)
    try:
        fits = np.broadcast_shapes(node.shape, wanted) == wanted
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError("broadcast_to", "the shape does not fit", got=f"{node.shape} to {wanted}")
    return Traced(contraction.broadcast_to(node, wanted))


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*(np.shape(item) for item in args))
    return tuple(broadcast_to(item, shape) for item in args)


@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    results: list[Any] = [
        Traced(as_node(a)) if np.ndim(a) else np.reshape(Traced(as_node(a)), (1,)) for a in arys
    ]
    return results[0] if len(results) == 1 else tuple(results)


@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    rows: list[Any] = []
    for item in arys:
        node = as_node(item)
        rows.append(Traced(selections.reshape(node, (1,) * (2 - node.ndim) + node.shape)))
    return rows[0] if len(rows) == 1 else tuple(rows)


# -- joining and splitting ------------------------------------------------------------------------


@implements(np.concatenate)
def concatenate(arrays: Any, axis: int | None = 0) -> Any:
    nodes = [as_node(item) for item in arrays]
    if axis is None:
        nodes, axis = [selections.reshape(node, (-1,)) for node in nodes], 0
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
            return Traced(selections.reshape(node, (1,) * (rank - node.ndim) + node.shape))
        return concatenate([joined(item, level + 1) for item in part], rank - depth + level)

    return joined(arrays, 0)


def _block_leaves(part: Any) -> list[Node]:
    if isinstance(part, list):
        return [leaf for item in part for leaf in _block_leaves(item)]
    return [as_node(part)]


@implements(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    return concatenate([arr, values], axis)


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    node = as_node(ary)
    place = normalize_axis("split", axis, node.ndim)
    size = node.shape[place]
    if np.ndim(indices_or_sections) == 0:
        count = operator.index(indices_or_sections)
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


# -- repeating and turning ------------------------------------------------------------------------


@implements(np.tile)
def tile(A: Any, reps: Any) -> Any:
    node, times = as_node(A), list(_axes_tuple(reps))
    rank = max(node.ndim, len(times))
    shape = (1,) * (rank - node.ndim) + node.shape
    times = [1] * (rank - len(times)) + times
    node = selections.reshape(node, [n for size in shape for n in (1, size)])
    target = tuple(n for pair in zip(times, shape, strict=True) for n in pair)
    repeated = contraction.broadcast_to(node, target)
    return Traced(selections.reshape(repeated, [t * n for t, n in zip(times, shape, strict=True)]))


@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    node = as_node(a)
    if axis is None:
        node, axis = selections.reshape(node, (-1,)), 0
    place = normalize_axis("repeat", axis, node.ndim)
    positions = np.repeat(np.arange(node.shape[place]), repeats)
    return Traced(selections.take(node, constant(positions), place))


def _reversed(node: Node, axes: Sequence[int]) -> Node:
    ranges = [
        Range(size - 1, -1, size) if axis in axes and size else selections.whole(size)
        for axis, size in enumerate(node.shape)
    ]
    return selections.take_slice(node, ranges)


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    node = as_node(m)
    return Traced(_reversed(node, normalize_axes("flip", axis, node.ndim)))


@implements(np.fliplr)
def fliplr(m: Any) -> Any:
    return flip(m, 1)


@implements(np.flipud)
def flipud(m: Any) -> Any:
    return flip(m, 0)


@implements(np.rot90)
def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    turns = k % 4
    if turns == 0:
        return Traced(as_node(m))
    if turns == 2:
        return flip(flip(m, axes[0]), axes[1])
    turned = swapaxes(m, *axes)
    return flip(turned, axes[0] if turns == 1 else axes[1])


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    node = as_node(a)
    if axis is None:
        flat = roll(Traced(selections.reshape(node, (-1,))), shift, 0)
        return flat.reshape(node.shape)
    shifts, axes = np.broadcast_arrays(shift, _axes_tuple(axis))
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


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Any:
    """Constant padding is a placement; every other mode repeats elements, so it is a gather."""
    node = as_node(array)
    widths = np.broadcast_to(np.asarray(pad_width), (node.ndim, 2)).tolist()
    if mode != "constant":
        for axis, width in enumerate(widths):
            if any(width):
                positions = np.pad(np.arange(node.shape[axis]), width, mode=mode)  # type: ignore[call-overload]
                node = selections.take(node, constant(positions), axis)
        return Traced(node)
    shape = tuple(
        size + before + after for size, (before, after) in zip(node.shape, widths, strict=True)
    )
    ranges = [Range(before, 1, size) for size, (before, _) in zip(node.shape, widths, strict=True)]
    placed = selections.place(node, ranges, shape)
    if np.ndim(constant_values) == 0 and constant_values == 0:
        return Traced(placed)
    border = np.pad(np.zeros(node.shape, node.dtype), widths, constant_values=constant_values)
    return Traced(placed) + border


# -- arrays like another --------------------------------------------------------------------------


def _like(a: Any, value: Any, dtype: Any, shape: Any) -> Any:
    node = as_node(a)
    wanted = node.shape if shape is None else _axes_tuple(shape)
    kind = np.dtype(dtype) if dtype is not None else node.dtype
    return Traced(contraction.broadcast_to(cast(as_node(value), kind), wanted))


@implements(np.zeros_like, np.empty_like)
def zeros_like(
    a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None
) -> Any:
    return _like(a, 0.0, dtype, shape)


@implements(np.ones_like)
def ones_like(
    a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None
) -> Any:
    return _like(a, 1.0, dtype, shape)


@implements(np.full_like)
def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
) -> Any:
    return _like(a, fill_value, dtype, shape)


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    return Traced(as_node(a))


@implements(np.astype)
def astype(x: Any, dtype: Any, copy: bool = True) -> Any:
    return Traced(cast(as_node(x), dtype))


@implements(np.meshgrid)
def meshgrid(*xi: Any, indexing: str = "xy") -> tuple[Any, ...]:
    nodes = [selections.reshape(as_node(item), (-1,)) for item in xi]
    order = list(range(len(nodes)))
    if indexing == "xy" and len(nodes) > 1:
        order[0], order[1] = 1, 0
    sizes = [0] * len(nodes)
    for node, place in zip(nodes, order, strict=True):
        sizes[place] = node.shape[0]
    return tuple(
        Traced(contraction.relabel(node, (place,), tuple(range(len(sizes))), tuple(sizes)))
        for node, place in zip(nodes, order, strict=True)
    )


@implements(np.shape)
def shape(a: Any) -> tuple[int, ...]:
    return as_node(a).shape


@implements(np.ndim)
def ndim(a: Any) -> int:
    return as_node(a).ndim


@implements(np.size)
def size(a: Any, axis: int | None = None) -> int:
    node = as_node(a)
    return node.size if axis is None else node.shape[axis]
