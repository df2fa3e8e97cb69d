"""Primitives that move elements: slices, placements, gathers, scatters, reshapes, concatenation.

Each declares its local Jacobian by a virtual coefficient; slices and placements, and gathers and
scatters, are each other's transposes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from math import prod
from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import ShapeError
from chainrule.graph.node import Array, Node, Primitive, Signature, constant, make, register
from chainrule.primitives import contraction
from chainrule.primitives.elementwise import UFUNCS
from chainrule.primitives.terms import (
    OneHot,
    Regroup,
    Select,
    Term,
    Triangle,
    VirtualCoefficient,
    diagonal,
)
from chainrule.shapes import Shape, broadcast_shapes, resolve_reshape


class Range(NamedTuple):
    """Positions ``start + step * k`` for ``k < length`` along an axis."""

    start: int
    step: int
    length: int

    @property
    def slice(self) -> slice:
        stop = self.start + self.step * self.length
        return slice(self.start, None if stop < 0 else stop, self.step)


def whole(size: int) -> Range:
    """All positions of an axis."""
    return Range(0, 1, size)


def _select_term(ranges: Sequence[Range], sizes: Shape, out_is_rows: bool) -> Term:
    """The 0/1 map between the parts of axes (rows) and the whole axes (columns)."""
    rank = len(sizes)
    rows, columns, virtual = [], [], []
    for axis, (part, size) in enumerate(zip(ranges, sizes, strict=True)):
        rows.append(axis)
        if part == whole(size):
            columns.append(axis)
            continue
        columns.append(rank + axis)
        matrix = Select(part.start, part.step, part.length, size)
        virtual.append(VirtualCoefficient(matrix, (axis,), (rank + axis,)))
    out, into = (rows, columns) if out_is_rows else (columns, rows)
    return Term((), tuple(out), tuple(into), 1.0, tuple(virtual))


class Slice(Primitive):
    """Part of each axis; the params are one :class:`Range` an axis."""

    name = "slice"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        shape = tuple(part.length for part in params)
        return Signature(shape, inputs[0].dtype, inputs[0].finite)

    def bind(self, node: Node) -> Callable[..., Array]:
        key = tuple(part.slice for part in node.params)
        return lambda a: a[key]

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        return (_select_term(node.params, node.inputs[0].shape, out_is_rows=True),)

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        return make(self, tuple(inputs), (whole(inputs[0].shape[0]), *node.params))

    def operations(self, node: Node) -> int:
        return 0


class Placement(NamedTuple):
    """Where values are placed: one range an axis, and the whole shape."""

    ranges: tuple[Range, ...]
    shape: Shape


class Place(Primitive):
    """Values at some positions of an array of zeros: the transpose of a slice."""

    name = "place"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        return Signature(params.shape, inputs[0].dtype, inputs[0].finite)

    def bind(self, node: Node) -> Callable[..., Array]:
        key = tuple(part.slice for part in node.params.ranges)
        shape = node.params.shape

        def run(a: Array) -> Array:
            result = np.zeros(shape, a.dtype)
            result[key] = a
            return result

        return run

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        return (_select_term(node.params.ranges, node.shape, out_is_rows=False),)

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        size = inputs[0].shape[0]
        params = Placement((whole(size), *node.params.ranges), (size, *node.params.shape))
        return make(self, tuple(inputs), params)

    def operations(self, node: Node) -> int:
        return 0


class Replace(Primitive):
    """An array with part of it replaced by other values: ``y[key] = v`` without the mutation."""

    name = "replace"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        finite = inputs[0].finite and inputs[1].finite
        return Signature(inputs[0].shape, inputs[0].dtype, finite)

    def bind(self, node: Node) -> Callable[..., Array]:
        key = tuple(part.slice for part in node.params)

        def run(a: Array, values: Array) -> Array:
            result = np.array(a)
            result[key] = values
            return result

        return run

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        if position == 1:
            return (_select_term(node.params, node.shape, out_is_rows=False),)
        inside = contraction.full(node.inputs[1].shape, 1, np.dtype(bool))
        kept = make(PLACE, (inside,), Placement(node.params, node.shape))
        return (diagonal(UFUNCS[np.logical_not](kept)),)

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        size = next(item.shape[0] for item, m in zip(inputs, mapped, strict=True) if m)
        both = (
            contraction.broadcast_to(item, (size, *old.shape))
            for item, old in zip(inputs, node.inputs, strict=True)
        )
        return make(self, tuple(both), (whole(size), *node.params))

    def operations(self, node: Node) -> int:
        return 0


class Take(Primitive):
    """Elements along an axis at given positions; the second input is an array of integers."""

    name = "take"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        array, index = inputs
        shape = (*array.shape[:params], *index.shape, *array.shape[params + 1 :])
        return Signature(shape, array.dtype, array.finite)

    def bind(self, node: Node) -> Callable[..., Array]:
        axis = node.params
        return lambda a, index: np.take(a, index, axis=axis)

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        return () if position else (_one_hot_term(node, node.params, True),)

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        (array, index), axis = inputs, node.params
        if mapped == (True, False):
            return take(array, index, axis + 1)
        if mapped == (False, True):
            rest = [k for k in range(node.ndim + 1) if k != axis]
            return contraction.transpose(take(array, index, axis), [axis, *rest])
        size, length = index.shape[0], array.shape[axis + 1]
        front, flat = _flat_index(array, index, axis, size, length)
        taken = take(front, flat, 0)
        inner = node.inputs[1].ndim
        order = [
            0,
            *range(1 + inner, 1 + inner + axis),
            *range(1, 1 + inner),
            *range(1 + inner + axis, taken.ndim),
        ]
        return contraction.transpose(taken, order)

    def operations(self, node: Node) -> int:
        return 0


def _flat_index(array: Node, index: Node, axis: int, size: int, length: int) -> tuple[Node, Node]:
    """A gather in each of ``size`` arrays as one gather in their concatenation."""
    rest = [k for k in range(1, array.ndim) if k != axis + 1]
    moved = contraction.transpose(array, (0, axis + 1, *rest))
    front = reshape(moved, (size * length, *moved.shape[2:]))
    return front, _offset(index, size, length)


def _offset(index: Node, size: int, length: int) -> Node:
    offsets = np.arange(size, dtype=index.dtype) * length
    shaped = offsets.reshape((size, *[1] * (index.ndim - 1)))
    return UFUNCS[np.add](index, constant(shaped))


class Put(Primitive):
    """Sums of elements at given positions along a new axis: the transpose of :class:`Take`."""

    name = "put"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        (array, index), (axis, size) = inputs, params
        shape = (*array.shape[:axis], size, *array.shape[axis + index.ndim :])
        return Signature(shape, array.dtype, array.finite)

    def bind(self, node: Node) -> Callable[..., Array]:
        shape, axis = node.shape, node.params[0]

        def run(a: Array, index: Array) -> Array:
            result = np.zeros(shape, a.dtype)
            key: Any = (*[slice(None)] * axis, index)
            np.add.at(result, key, a)
            return result

        return run

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        return () if position else (_one_hot_term(node, node.params[0], False),)

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        (array, index), (axis, length) = inputs, node.params
        if mapped == (True, False):
            return make(self, (array, index), (axis + 1, length))
        size = index.shape[0]
        array = contraction.broadcast_to(array, (size, *node.inputs[0].shape))
        inner = index.ndim - 1
        places = range(1 + axis, 1 + axis + inner)
        rest = [k for k in range(1, array.ndim) if k not in places]
        moved = contraction.transpose(array, (0, *places, *rest))
        summed = make(self, (moved, _offset(index, size, length)), (0, size * length))
        split = reshape(summed, (size, length, *summed.shape[1:]))
        order = (0, *range(2, 2 + axis), 1, *range(2 + axis, split.ndim))
        return contraction.transpose(split, order)


def _one_hot_term(node: Node, axis: int, out_is_rows: bool) -> Term:
    array, index = node.inputs
    inner = index.ndim
    picked, whole_array = (node, array) if out_is_rows else (array, node)
    rows = tuple(range(picked.ndim))
    column = picked.ndim
    columns = (*rows[:axis], column, *rows[axis + inner :])
    matrix = OneHot(index, whole_array.shape[axis])
    virtual = VirtualCoefficient(matrix, rows[axis : axis + inner], (column,))
    out, into = (rows, columns) if out_is_rows else (columns, rows)
    return Term((), out, into, 1.0, (virtual,))


class Reshape(Primitive):
    """The same elements in row-major order under another shape, which is the params."""

    name = "reshape"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        return Signature(params, inputs[0].dtype, inputs[0].finite)

    def bind(self, node: Node) -> Callable[..., Array]:
        shape = node.shape
        return lambda a: a.reshape(shape)

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        old = node.inputs[0]
        out = tuple(range(node.ndim))
        into = tuple(range(node.ndim, node.ndim + old.ndim))
        virtual = VirtualCoefficient(Regroup(node.shape, old.shape), out, into)
        return (Term((), out, into, 1.0, (virtual,)),)

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        return reshape(inputs[0], (inputs[0].shape[0], *node.shape))

    def operations(self, node: Node) -> int:
        return 0


class Concatenate(Primitive):
    """Arrays one after the other along an axis, which is the params."""

    name = "concatenate"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        shapes = [node.shape for node in inputs]
        rest = {(*shape[:params], *shape[params + 1 :]) for shape in shapes}
        if len(rest) != 1 or len({len(shape) for shape in shapes}) != 1:
            raise ShapeError(
                "concatenate",
                f"the arrays must have equal sizes on every axis but axis {params}",
                got=" and ".join(str(shape) for shape in shapes),
            )
        total = sum(shape[params] for shape in shapes)
        dtype = np.result_type(*(node.dtype for node in inputs))
        shape = (*shapes[0][:params], total, *shapes[0][params + 1 :])
        return Signature(shape, dtype, all(node.finite for node in inputs))

    def bind(self, node: Node) -> Callable[..., Array]:
        axis = node.params
        return lambda *arrays: np.concatenate(arrays, axis=axis)

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        axis = node.params
        sizes = [item.shape[axis] for item in node.inputs]
        start = [0, *accumulate(sizes)][position]
        ranges = [whole(size) for size in node.shape]
        ranges[axis] = Range(start, 1, sizes[position])
        return (_select_term(ranges, node.shape, out_is_rows=False),)

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        size = next(item.shape[0] for item, m in zip(inputs, mapped, strict=True) if m)
        whole_inputs = (
            contraction.broadcast_to(item, (size, *old.shape))
            for item, old in zip(inputs, node.inputs, strict=True)
        )
        return make(self, tuple(whole_inputs), node.params + 1)

    def operations(self, node: Node) -> int:
        return 0


class Cumulative(NamedTuple):
    """Along which axis to sum, and whether from its end."""

    axis: int
    backwards: bool


class CumulativeSum(Primitive):
    """Sums of all elements up to each, along an axis; its transpose sums from the end."""

    name = "cumsum"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        return Signature(inputs[0].shape, inputs[0].dtype, inputs[0].finite)

    def bind(self, node: Node) -> Callable[..., Array]:
        axis, backwards = node.params
        if not backwards:
            return lambda a: a.cumsum(axis, dtype=a.dtype)
        return lambda a: np.flip(np.flip(a, axis).cumsum(axis, dtype=a.dtype), axis)

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        axis, backwards = node.params
        out = tuple(range(node.ndim))
        into = tuple(node.ndim if k == axis else k for k in out)
        matrix = Triangle(node.shape[axis], upper=backwards)
        virtual = VirtualCoefficient(matrix, (axis,), (node.ndim,))
        return (Term((), out, into, 1.0, (virtual,)),)

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        return cumulative_sum(inputs[0], node.params.axis + 1, node.params.backwards)


def cumulative_sum(node: Node, axis: int, backwards: bool = False) -> Node:
    """Sums of all elements up to each along an axis, or from each to the end."""
    return make(CUMSUM, (node,), Cumulative(axis, backwards))


SLICE, PLACE, REPLACE = register(Slice()), register(Place()), register(Replace())
TAKE, PUT, RESHAPE = register(Take()), register(Put()), register(Reshape())
CONCATENATE, CUMSUM = register(Concatenate()), register(CumulativeSum())


def take_slice(node: Node, ranges: Sequence[Range]) -> Node:
    """Part of each axis; a slice of a slice is one slice."""
    parts = tuple(ranges)
    if all(part == whole(size) for part, size in zip(parts, node.shape, strict=True)):
        return node
    if node.primitive is SLICE:
        parts = tuple(
            Range(old.start + old.step * new.start, old.step * new.step, new.length)
            for old, new in zip(node.params, parts, strict=True)
        )
        return make(SLICE, node.inputs, parts)
    return make(SLICE, (node,), parts)


def place(node: Node, ranges: Sequence[Range], shape: Shape) -> Node:
    """Values at the given positions of zeros."""
    if node.shape == shape and all(
        part == whole(size) for part, size in zip(ranges, shape, strict=True)
    ):
        return node
    return make(PLACE, (node,), Placement(tuple(ranges), shape))


def replace(node: Node, values: Node, ranges: Sequence[Range]) -> Node:
    """The array with the positions' values replaced; ``values`` broadcast to the part's shape."""
    shape = tuple(part.length for part in ranges)
    if broadcast_shapes("assignment", [values.shape, shape]) != shape:
        raise ShapeError(
            "assignment",
            "the values have more elements than the place they go to",
            got=f"values of shape {values.shape} for a place of shape {shape}",
        )
    values = contraction.broadcast_to(values, shape)
    return make(REPLACE, (node, values), tuple(ranges))


def take(node: Node, index: Node, axis: int) -> Node:
    """Elements along an axis; the positions must be from 0 to the axis' size."""
    return make(TAKE, (node, index), axis)


def put(node: Node, index: Node, axis: int, size: int) -> Node:
    """Sums of elements at positions of a new axis of the given size."""
    return make(PUT, (node, index), (axis, size))


def reshape(node: Node, shape: Sequence[int]) -> Node:
    """The elements in row-major order under another shape; one size may be -1."""
    wanted = resolve_reshape(node.shape, shape)
    while node.primitive is RESHAPE:
        node = node.inputs[0]
    if wanted == node.shape:
        return node
    old = [size for size in node.shape if size != 1]
    if old == [size for size in wanted if size != 1] and prod(wanted) > 0:
        return _insert_ones(node, wanted)
    return make(RESHAPE, (node,), wanted)


def _insert_ones(node: Node, wanted: Shape) -> Node:
    """A reshape that only drops or inserts axes of size 1 is a relabelling."""
    labels = tuple(range(node.ndim))
    real = iter([label for label in labels if node.shape[label] != 1])
    fresh = iter(range(node.ndim, node.ndim + len(wanted)))
    out = tuple(next(fresh) if size == 1 else next(real) for size in wanted)
    return contraction.relabel(node, labels, out, wanted)


def concatenate(nodes: Sequence[Node], axis: int) -> Node:
    """Arrays one after the other along an axis."""
    if len(nodes) == 1:
        return nodes[0]
    return make(CONCATENATE, tuple(nodes), axis)
