"""Functions that move, turn or repeat elements."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from chainrule.errors import MissingRuleError, ShapeError, TracingError
from chainrule.graph.node import Node, constant
from chainrule.primitives import arrangement, contraction, gathers, selections
from chainrule.primitives.selections import Range
from chainrule.shapes import normalize_axes, normalize_axis
from chainrule.tracing.dispatch import implements
from chainrule.tracing.traced import Traced, as_node, lies_at


def axes_tuple(shape: Any) -> tuple[int, ...]:
    return (
        tuple(operator.index(n) for n in shape) if np.iterable(shape) else (operator.index(shape),)
    )


@implements(np.reshape)
def reshape(a: Any, shape: Any = None, order: str = "C", copy: Any = None) -> Any:
    node, wanted = as_node(a), axes_tuple(shape)
    if order not in ("C", "F", "A"):
        raise ValueError(f"order must be one of 'C', 'F', or 'A' (got {order!r})")
    if copy is not None:
        _refuse_copy("np.reshape")
    rows = Traced(arrangement.reshape(node, wanted))
    if order == "C" or node.ndim + rows.ndim < 2:
        return rows
    if order == "A":
        return _moved("np.reshape", a, lambda x: np.reshape(x, wanted, order="A"))
    turned = arrangement.reshape(_turned(node), rows.shape[::-1])
    return Traced(_turned(turned))


def _refuse_copy(operation: str) -> NoReturn:
    raise MissingRuleError(
        operation, "whether to copy cannot be said on traced values", remedy="leave copy= out"
    )


@implements(np.ravel)
def ravel(a: Any, order: Any = "C") -> Any:
    node = as_node(a)
    if order not in ("C", "F", "A", "K"):
        raise ValueError(f"order must be one of 'C', 'F', 'A', or 'K' (got {order!r})")
    if order in ("A", "K") and node.ndim > 1:
        return _moved("np.ravel", a, lambda x: np.ravel(x, order=order))
    return Traced(arrangement.reshape(_turned(node) if order == "F" else node, (-1,)))


def _turned(node: Node) -> Node:
    return contraction.transpose(node, tuple(reversed(range(node.ndim))))


def _moved(operation: str, a: Any, function: Callable[[Any], Any]) -> Traced:
    """What a function gives that goes by the order in which the elements lie in memory."""
    node = as_node(a)
    places = lies_at(a if type(a) is Traced else Traced(node)).elements(function)
    if places is None:
        raise TracingError(
            operation, "in which order the elements lie in memory is not known",
            got=f"order='K' or 'A' for an array of shape {node.shape}",
            remedy="write order='C' or order='F'",
        )  # fmt: skip
    size = np.arange(node.size)
    rows = arrangement.reshape(node, (-1,))
    if np.array_equal(places.ravel(), size):
        return Traced(arrangement.reshape(rows, places.shape))
    if np.array_equal(places.ravel(), size.reshape(node.shape).ravel(order="F")):
        return Traced(arrangement.reshape(_turned(node), places.shape))
    index = constant(places.ravel().astype(np.intp))
    return Traced(arrangement.reshape(gathers.take(rows, index, 0), places.shape))


@implements(np.transpose, np.permute_dims)
def transpose(a: Any, axes: Any = None) -> Any:
    node = as_node(a)
    order = (
        tuple(reversed(range(node.ndim)))
        if axes is None
        else tuple(normalize_axis("transpose", axis, node.ndim) for axis in axes_tuple(axes))
    )
    if sorted(order) != list(range(node.ndim)):
        raise ShapeError(
            "transpose", "every axis must be named once", got=f"{axes} for {node.shape}"
        )
    return Traced(contraction.transpose(node, order))


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any) -> Any:
    if np.ndim(x) < 2:
        raise ShapeError(
            "matrix_transpose", "an array of two or more axes is needed", got=str(np.shape(x))
        )
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
    old = [normalize_axis("moveaxis", axis, node.ndim) for axis in axes_tuple(source)]
    new = [normalize_axis("moveaxis", axis, node.ndim) for axis in axes_tuple(destination)]
    order = [axis for axis in range(node.ndim) if axis not in old]
    for place, axis in sorted(zip(new, old, strict=True)):
        order.insert(place, axis)
    return Traced(contraction.transpose(node, order))


@implements(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    node = as_node(a)
    position = normalize_axis("rollaxis", axis, node.ndim)
    end = normalize_axis("rollaxis", start, node.ndim) if start < 0 else start
    normalize_axis("rollaxis", end - 1, node.ndim)
    return moveaxis(a, position, end - 1 if position < end else end)


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
    node, wanted = as_node(array), axes_tuple(shape)
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
    return _at_least(1, arys)


@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    return _at_least(2, arys)


def _at_least(rank: int, arrays: Sequence[Any]) -> Any:
    """Arrays with axes of size 1 in front; those that have enough are given back themselves."""
    results: list[Any] = []
    for item in arrays:
        node = as_node(item)
        shape = (1,) * (rank - node.ndim) + node.shape
        has_enough = node.ndim >= rank and type(item) is Traced
        results.append(item if has_enough else Traced(arrangement.reshape(node, shape)))
    return results[0] if len(results) == 1 else tuple(results)


# -- joining and splitting ------------------------------------------------------------------------


# -- repeating and turning ------------------------------------------------------------------------


@implements(np.tile)
def tile(A: Any, reps: Any) -> Any:
    node, times = as_node(A), list(axes_tuple(reps))
    rank = max(node.ndim, len(times))
    shape = (1,) * (rank - node.ndim) + node.shape
    times = [1] * (rank - len(times)) + times
    node = arrangement.reshape(node, [n for size in shape for n in (1, size)])
    target = tuple(n for pair in zip(times, shape, strict=True) for n in pair)
    repeated = contraction.broadcast_to(node, target)
    return Traced(arrangement.reshape(repeated, [t * n for t, n in zip(times, shape, strict=True)]))


@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    node = as_node(a)
    if axis is None:
        node, axis = arrangement.reshape(node, (-1,)), 0
    place = normalize_axis("repeat", axis, node.ndim)
    positions = np.repeat(np.arange(node.shape[place]), repeats)
    return Traced(gathers.take(node, constant(positions), place))


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


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Any:
    """Constant padding is a placement; every other mode repeats elements, so it is a gather."""
    node = as_node(array)
    widths = np.broadcast_to(np.asarray(pad_width), (node.ndim, 2)).tolist()
    if mode != "constant":
        for axis, width in enumerate(widths):
            if any(width):
                positions = np.pad(np.arange(node.shape[axis]), width, mode=mode)  # type: ignore[call-overload]
                node = gathers.take(node, constant(positions), axis)
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
