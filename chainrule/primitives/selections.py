"""Parts of axes: slices, placements, replacements and concatenation.

Their local Jacobians have axes that are affine functions of labels; slices and placements are each
other's transposes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import ShapeError
from chainrule.graph.examples import Example, Region
from chainrule.graph.node import Array, Node, Primitive, Signature, make, register
from chainrule.primitives import contraction
from chainrule.primitives.axes import Affine, Axes
from chainrule.primitives.expression import UFUNCS
from chainrule.primitives.terms import Term, diagonal
from chainrule.shapes import Shape, broadcast_shapes


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


def _part_of_whole(ranges: Sequence[Range], sizes: Shape) -> tuple[Axes, Axes]:
    """The axes of parts, and what they are in the whole axes."""
    labels = tuple(range(len(sizes)))
    axes = tuple(
        label if part == whole(size) else Affine(label, *part)
        for label, part, size in zip(labels, ranges, sizes, strict=True)
    )
    return labels, axes


class Slice(Primitive):
    """Part of each axis; the params are one :class:`Range` an axis."""

    name = "slice"
    source = "linear: some rows of the identity"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        shape = tuple(part.length for part in params)
        return Signature(shape, inputs[0].dtype, inputs[0].finite)

    def bind(self, node: Node) -> Callable[..., Array]:
        key = tuple(part.slice for part in node.params)
        return lambda a: a[key]

    def continued(self, node: Node) -> Callable[..., Array]:
        return self.bind(node)

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        part, in_whole = _part_of_whole(node.params, node.inputs[0].shape)
        return (Term((), part, in_whole),)

    def examples(self) -> Sequence[Example]:
        return (Example((Region((3, 4)),), (Range(2, -1, 2), Range(0, 2, 2))),)

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
    source = "linear: some columns of the identity"

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

    def continued(self, node: Node) -> Callable[..., Array]:
        return self.bind(node)

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        part, in_whole = _part_of_whole(node.params.ranges, node.shape)
        return (Term((), in_whole, part),)

    def examples(self) -> Sequence[Example]:
        ranges = (Range(2, -1, 2), Range(0, 2, 2))
        return (Example((Region((2, 2)),), Placement(ranges, (3, 4))),)

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        size = inputs[0].shape[0]
        params = Placement((whole(size), *node.params.ranges), (size, *node.params.shape))
        return make(self, tuple(inputs), params)

    def operations(self, node: Node) -> int:
        return 0


class Replace(Primitive):
    """An array with part of it replaced by other values: ``y[key] = v`` without the mutation."""

    name = "replace"
    source = "linear: for the array, the identity without what is replaced"

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

    def continued(self, node: Node) -> Callable[..., Array]:
        return self.bind(node)

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        if position == 1:
            part, in_whole = _part_of_whole(node.params, node.shape)
            return (Term((), in_whole, part),)
        inside = contraction.full(node.inputs[1].shape, 1, np.dtype(bool))
        kept = make(PLACE, (inside,), Placement(node.params, node.shape))
        return (diagonal(UFUNCS[np.logical_not](kept)),)

    def examples(self) -> Sequence[Example]:
        return (Example((Region((3, 4)), Region((2, 2))), (Range(2, -1, 2), Range(0, 2, 2))),)

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        size = next(item.shape[0] for item, m in zip(inputs, mapped, strict=True) if m)
        both = (
            contraction.broadcast_to(item, (size, *old.shape))
            for item, old in zip(inputs, node.inputs, strict=True)
        )
        return make(self, tuple(both), (whole(size), *node.params))

    def operations(self, node: Node) -> int:
        return 0


class Concatenate(Primitive):
    """Arrays one after the other along an axis, which is the params."""

    name = "concatenate"
    source = "linear: some columns of the identity for each input"

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

    def continued(self, node: Node) -> Callable[..., Array]:
        return self.bind(node)

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        axis = node.params
        sizes = [item.shape[axis] for item in node.inputs]
        start = [0, *accumulate(sizes)][position]
        ranges = [whole(size) for size in node.shape]
        ranges[axis] = Range(start, 1, sizes[position])
        part, in_whole = _part_of_whole(ranges, node.shape)
        return (Term((), in_whole, part),)

    def examples(self) -> Sequence[Example]:
        return (Example((Region((3, 2)), Region((3, 4))), 1),)

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        size = next(item.shape[0] for item, m in zip(inputs, mapped, strict=True) if m)
        whole_inputs = (
            contraction.broadcast_to(item, (size, *old.shape))
            for item, old in zip(inputs, node.inputs, strict=True)
        )
        return make(self, tuple(whole_inputs), node.params + 1)

    def operations(self, node: Node) -> int:
        return 0


SLICE, PLACE, REPLACE = register(Slice()), register(Place()), register(Replace())
CONCATENATE = register(Concatenate())


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


def concatenate(nodes: Sequence[Node], axis: int) -> Node:
    """Arrays one after the other along an axis."""
    if len(nodes) == 1:
        return nodes[0]
    return make(CONCATENATE, tuple(nodes), axis)
