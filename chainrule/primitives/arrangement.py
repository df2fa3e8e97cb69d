"""Reshapes, which keep every element in row-major order, and cumulative sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.examples import Example, Region
from chainrule.graph.node import Array, Node, Primitive, Signature, make, register
from chainrule.primitives import contraction
from chainrule.primitives.axes import Axes, Digit, Group
from chainrule.primitives.terms import Term, Virtual
from chainrule.shapes import Labels, Shape, common_factors, resolve_reshape


class Reshape(Primitive):
    """The same elements in row-major order under another shape, which is the params."""

    name = "reshape"
    source = "a permutation matrix"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        return Signature(params, inputs[0].dtype, inputs[0].finite)

    def bind(self, node: Node) -> Callable[..., Array]:
        shape = node.shape
        return lambda a: a.reshape(shape)

    def continued(self, node: Node) -> Callable[..., Array]:
        return self.bind(node)

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        return (_regrouping(node.shape, node.inputs[0].shape),)

    def examples(self) -> Sequence[Example]:
        shapes = ((6, 4), (3, 2, 4)), ((6, 5), (10, 3))  # the latter have no common factors
        return tuple(Example((Region(old),), new) for old, new in shapes)

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        return reshape(inputs[0], (inputs[0].shape[0], *node.shape))

    def operations(self, node: Node) -> int:
        return 0


@lru_cache(maxsize=1024)
def _regrouping(out: Shape, into: Shape) -> Term:
    """The identity between two shapes: each axis a group of the factors that both are made of."""
    common = common_factors(out, into)
    if common is None:
        return Term((), _digits(out), _digits(into))
    factors, out_groups, into_groups = common

    def axes(groups: Sequence[Labels]) -> Axes:
        return tuple(
            group[0] if len(group) == 1 else Group(group, tuple(factors[n] for n in group))
            for group in groups
        )

    return Term((), axes(out_groups), axes(into_groups))


def _digits(shape: Shape) -> Axes:
    strides = [prod(shape[k + 1 :]) for k in range(len(shape))]
    return tuple(
        Digit(0, max(stride, 1), size, prod(shape))
        for stride, size in zip(strides, shape, strict=True)
    )


class Cumulative(NamedTuple):
    """Along which axis to sum, and whether from its end."""

    axis: int
    backwards: bool


class CumulativeSum(Primitive):
    """Sums of all elements up to each, along an axis; its transpose sums from the end."""

    name = "cumsum"
    source = "linear: a triangle of ones"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        return Signature(inputs[0].shape, inputs[0].dtype, inputs[0].finite)

    def bind(self, node: Node) -> Callable[..., Array]:
        axis, backwards = node.params
        if not backwards:
            return lambda a: a.cumsum(axis, dtype=a.dtype)
        return lambda a: np.flip(np.flip(a, axis).cumsum(axis, dtype=a.dtype), axis)

    def continued(self, node: Node) -> Callable[..., Array]:
        return self.bind(node)

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        axis, backwards = node.params
        out = tuple(range(node.ndim))
        into = tuple(node.ndim if k == axis else k for k in out)
        triangle = Triangle(axis, node.ndim, node.dtype, node.shape[axis], backwards)
        return (Term((), out, into, 1.0, (triangle,)),)

    def examples(self) -> Sequence[Example]:
        return tuple(Example((Region((3, 4)),), Cumulative(1, end)) for end in (False, True))

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        return cumulative_sum(inputs[0], node.params.axis + 1, node.params.backwards)


@dataclass(frozen=True)
class Triangle(Virtual):
    """``T[row, column] = 1`` where ``column <= row`` (or ``>=``, if upper): a cumulative sum."""

    size: int
    upper: bool

    words = ("triangular", "running sums")

    @property
    def shape(self) -> tuple[int, int]:
        return self.size, self.size

    def formed(self) -> Array:
        ones = np.tri(self.size, dtype=np.float32)  # of the narrowest dtype: it widens nothing
        return ones.T if self.upper else ones

    def times(self, node: Node, axis: int, transposed: bool) -> Node:
        return cumulative_sum(node, axis, backwards=transposed != self.upper)

    @property
    def turned(self) -> Triangle:
        return replace(self, upper=not self.upper)

    def on_diagonal(self) -> None:
        return None


def cumulative_sum(node: Node, axis: int, backwards: bool = False) -> Node:
    """Sums of all elements up to each along an axis, or from each to the end."""
    return make(CUMSUM, (node,), Cumulative(axis, backwards))


RESHAPE, CUMSUM = register(Reshape()), register(CumulativeSum())


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
