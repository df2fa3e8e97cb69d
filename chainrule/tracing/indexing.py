"""``x[key]`` and ``x[key] = v`` for every key that NumPy knows."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import MissingRuleError, PositionError, ShapeError, TracingError
from chainrule.graph.node import Array, Node, constant
from chainrule.interpret.run import missing_inputs
from chainrule.primitives import contraction
from chainrule.primitives.arithmetic import where
from chainrule.primitives.arrangement import reshape
from chainrule.primitives.elementwise import apply
from chainrule.primitives.expression import UFUNCS, Expression
from chainrule.primitives.gathers import put, take
from chainrule.primitives.selections import Range, replace, take_slice
from chainrule.shapes import Shape
from chainrule.tracing.session import ask

Item = Any
"""One part of a key: a slice, a whole number, None, an array of positions, or an expression."""


class Basic(NamedTuple):
    """A key of slices and whole numbers: what is taken of every axis, and the result's shape."""

    ranges: tuple[Range, ...]
    dropped: tuple[int, ...]
    inserted: tuple[int, ...]
    shape: Shape


def plain_key(key: Any) -> tuple[Item, ...]:
    """A key as a tuple of its parts, with lists as arrays."""
    items = key if isinstance(key, tuple) else (key,)
    return tuple(_plain_item(item) for item in items)


def _plain_item(item: Any) -> Item:
    if item is None or item is Ellipsis or isinstance(item, (slice, Expression)):
        return item if not isinstance(item, Expression) else _expression(item)
    if isinstance(item, (list, np.ndarray)):
        array = np.asarray(item)
        if array.size == 0 and array.dtype.kind == "f" and isinstance(item, list):
            array = array.astype(np.intp)
        if array.dtype.kind not in "iub":
            raise IndexError(f"an index must be whole numbers or booleans; got {array.dtype}")
        return array
    if isinstance(item, (bool, np.bool_)):
        return np.asarray(item)
    if type(item) is tuple and not item:
        return np.empty(0, np.intp)
    try:
        return operator.index(item)
    except TypeError:
        raise IndexError(
            f"an index must be whole numbers, slices, None, ... or arrays; got {item!r}"
        ) from None


def _expression(item: Expression) -> Item:
    """A traced index: positions stay traced; a mask's size depends on its value, so it is asked."""
    if item.node.dtype.kind == "b":
        if missing_inputs([item.node]):
            raise TracingError(
                "indexing",
                "how many elements a mask selects is not known while tracing",
                got=f"a traced mask of shape {item.node.shape}",
                remedy="write np.where(mask, x, 0) instead of x[mask]",
            )
        return ask(item.node)
    if item.node.dtype.kind not in "iu":
        raise PositionError(
            "x[...]", "an index must be whole numbers or booleans", got=str(item.node.dtype)
        )
    return item


def copies(key: tuple[Item, ...]) -> bool:
    """Whether the key has arrays in it, so that NumPy copies instead of giving a view."""
    return any(isinstance(item, (np.ndarray, Expression)) for item in key)


def get(node: Node, key: tuple[Item, ...]) -> Node:
    """``x[key]``."""
    items = _expanded(key, node.shape)
    if copies(key):
        return _advanced(node, items)
    basic = _basic(items, node.shape)
    part = take_slice(node, basic.ranges)
    kept = contraction.drop_axes(part, basic.dropped) if basic.dropped else part
    return contraction.insert_axes(kept, basic.inserted) if basic.inserted else kept


def assign(node: Node, key: tuple[Item, ...], values: Node) -> Node:
    """The array after ``x[key] = values``."""
    items = _expanded(key, node.shape)
    if copies(key):
        return _assign_advanced(node, items, values)
    basic = _basic(items, node.shape)
    fitted = _fit(values, basic.shape)
    return replace(node, reshape(fitted, tuple(r.length for r in basic.ranges)), basic.ranges)


def _fit(values: Node, shape: Shape) -> Node:
    """Values broadcast to the place they go to; extra axes of size 1 in front are dropped."""
    while values.ndim > len(shape) and values.shape[0] == 1:
        values = contraction.drop_axes(values, (0,))
    try:
        fits = np.broadcast_shapes(values.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(
            "assignment",
            "the values do not fit the place they go to",
            got=f"values of shape {values.shape} for a place of shape {shape}",
        )
    return contraction.broadcast_to(values, shape)


# -- keys of slices and whole numbers -------------------------------------------------------------


def _uses(item: Item) -> int:
    """How many axes of the array one part of a key takes."""
    if item is None:
        return 0
    return item.ndim if isinstance(item, np.ndarray) and item.dtype.kind == "b" else 1


def _expanded(key: tuple[Item, ...], shape: Shape) -> list[Item]:
    """The key with its ellipsis, or its missing end, written out as whole slices."""
    used = sum(_uses(item) for item in key if item is not Ellipsis)
    if used > len(shape):
        raise IndexError(f"too many indices: {used} for an array of shape {shape}")
    rest = [slice(None)] * (len(shape) - used)
    dots = [k for k, item in enumerate(key) if item is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can have one ellipsis ('...') only")
    at = dots[0] if dots else len(key)
    return [*key[:at], *rest, *key[at + 1 :]]


def _range(item: slice | int, size: int, axis: int) -> Range:
    if isinstance(item, slice):
        start, stop, step = item.indices(size)
        length = len(range(start, stop, step))
        return Range(start, step, length) if length else Range(0, 1, 0)
    if not -size <= item < size:
        raise IndexError(f"index {item} is out of bounds for axis {axis} with size {size}")
    return Range(item % size, 1, 1)


def _basic(items: Sequence[Item], shape: Shape) -> Basic:
    ranges: list[Range] = []
    dropped: list[int] = []
    inserted: list[int] = []
    result: list[int] = []
    for item in items:
        if item is None:
            inserted.append(len(result))
            result.append(1)
            continue
        axis = len(ranges)
        ranges.append(_range(item, shape[axis], axis))
        if isinstance(item, slice):
            result.append(ranges[-1].length)
        else:
            dropped.append(axis)
    return Basic(tuple(ranges), tuple(dropped), tuple(inserted), tuple(result))


# -- keys with arrays -----------------------------------------------------------------------------


def _advanced(node: Node, items: list[Item]) -> Node:
    """Slices first, then one gather along the merged axes of the index arrays."""
    items = _without_masks(items, node.shape)
    sliced = [
        item if isinstance(item, slice) else slice(None) for item in items if item is not None
    ]
    ranges = [
        _range(item, size, k) for k, (item, size) in enumerate(zip(sliced, node.shape, strict=True))
    ]
    node = take_slice(node, ranges)
    inserted = tuple(k for k, item in enumerate(items) if item is None)
    if inserted:
        node = contraction.insert_axes(node, inserted)
    axes = [k for k, item in enumerate(items) if item is not None and not isinstance(item, slice)]
    adjacent = axes == list(range(axes[0], axes[0] + len(axes)))
    sizes = [node.shape[axis] for axis in axes]
    index = _merged([items[axis] for axis in axes], sizes, axes)
    if len(axes) == 1:
        return take(node, index, axes[0])
    first = axes[0] if adjacent else 0
    if not adjacent:
        node = contraction.transpose(node, [*axes, *(k for k in range(node.ndim) if k not in axes)])
    shape = (*node.shape[:first], prod(sizes), *node.shape[first + len(axes) :])
    return take(reshape(node, shape), index, first)


def _without_masks(items: list[Item], shape: Shape) -> list[Item]:
    """Masks as the positions where they are true; a mask must have the axes' sizes."""
    result: list[Item] = []
    axis = 0
    for item in items:
        if isinstance(item, np.ndarray) and item.dtype.kind == "b":
            wanted = shape[axis : axis + item.ndim]
            if item.shape != wanted:
                raise IndexError(
                    f"a mask of shape {item.shape} cannot index axes of shape {wanted}"
                )
            if item.ndim == 0:
                raise MissingRuleError(
                    "x[...]", "a single truth value as an index is not supported on traced values",
                    got=str(item), remedy="write np.where(condition, x, y), or if condition:",
                )  # fmt: skip
            result.extend(np.nonzero(item))
        else:
            result.append(item)
        axis += _uses(item)
    return result


def _merged(indices: Sequence[Item], sizes: Sequence[int], axes: Sequence[int]) -> Node:
    """Positions along several axes as positions along the one axis that they merge into."""
    total: Any = 0
    for item, size, axis in zip(indices, sizes, axes, strict=True):
        total = total * size + _checked(item, size, axis)
    if isinstance(total, Expression):
        return total.node
    return constant(np.asarray(total, np.intp))


def _checked(item: Item, size: int, axis: int) -> Any:
    """Positions from 0 to size; negative ones count from the end."""
    if isinstance(item, Expression):
        node = item.node
        wrapped = apply(where, (item < 0).node, (item + size).node, node)
        return Expression(wrapped)
    array: Array = np.asarray(item)
    if array.size and not (array.min() >= -size and array.max() < size):
        worst = array.max() if array.max() >= size else array.min()
        raise IndexError(f"index {worst} is out of bounds for axis {axis} with size {size}")
    return np.where(array < 0, array + size, array)


def _assign_advanced(node: Node, items: list[Item], values: Node) -> Node:
    """Each element either stays or comes from the last of the values assigned to it."""
    traced = [item.node for item in items if isinstance(item, Expression)]
    if missing_inputs(traced):
        return _assign_traced(node, items, values)
    key = tuple(ask(item.node) if isinstance(item, Expression) else item for item in items)
    places = np.arange(node.size).reshape(node.shape)[key]
    fitted = reshape(_fit(values, places.shape), (places.size,))
    source = np.full(node.size, -1, np.intp)
    source[places.ravel()] = np.arange(places.size)
    if places.size == 0:
        return node
    changed = constant((source >= 0).reshape(node.shape))
    moved = reshape(take(fitted, constant(np.maximum(source, 0)), 0), node.shape)
    return apply(where, changed, moved, node)


def _assign_traced(node: Node, items: list[Item], values: Node) -> Node:
    """As above where positions are not known yet: they go the way of the values, by a scatter."""
    for item in items:
        if isinstance(item, np.ndarray) or (isinstance(item, Expression) and item.node.ndim):
            raise TracingError(
                "assignment",
                "which of several values assigned to one place is the last is not known while "
                "tracing",
                got="an array of traced positions",
                remedy="assign at one traced position at a time, or write np.where(mask, a, b)",
            )
    every = constant(np.arange(node.size).reshape(node.shape))
    places = _advanced(every, [_as_array(item) for item in items])
    fitted = _fit(values, places.shape)
    marked = put(contraction.full(places.shape, 1.0, node.dtype), places, 0, node.size)
    moved = put(fitted, places, 0, node.size)
    changed = UFUNCS[np.greater](marked, contraction.full(marked.shape, 0.0, node.dtype))
    return reshape(apply(where, changed, moved, reshape(node, (-1,))), node.shape)


def _as_array(item: Item) -> Item:
    return np.asarray(item) if isinstance(item, int) else item


def assign_where(node: Node, mask: Expression, values: Node) -> Node:
    """The array after ``x[mask] = values`` for a traced mask."""
    if values.ndim == 0 and mask.node.ndim <= node.ndim:
        rest = (1,) * (node.ndim - mask.node.ndim)
        return apply(where, reshape(mask.node, (*mask.node.shape, *rest)), values, node)
    return assign(node, plain_key(mask), values)
