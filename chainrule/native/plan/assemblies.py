"""Arrays put together from parts, each of which is computed where it belongs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.node import Array, Node, Primitive, Signature, make
from chainrule.native.plan.loops import Access
from chainrule.native.plan.views import row_major
from chainrule.primitives.selections import Range
from chainrule.shapes import Shape

Ranges = tuple[Range, ...]


class Assembly(NamedTuple):
    """Where the parts go, which do not overlap, and the whole shape; the rest is zeros."""

    ranges: tuple[Ranges, ...]
    shape: Shape

    @property
    def covers(self) -> bool:
        """Whether nothing is left to be zero."""
        return sum(prod(r.length for r in each) for each in self.ranges) == prod(self.shape)


class Assemble(Primitive):
    """Parts at their places; the params are an :class:`Assembly`."""

    name = "assemble"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        return Signature(params.shape, inputs[0].dtype, all(node.finite for node in inputs))

    def bind(self, node: Node) -> Callable[..., Array]:
        keys = [tuple(part.slice for part in each) for each in node.params.ranges]

        def run(*parts: Array) -> Array:
            result = np.zeros(node.shape, node.dtype)
            for key, part in zip(keys, parts, strict=True):
                result[key] = part
            return result

        return run

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        raise NotImplementedError("graphs are lowered after they are batched")


class Assembled(Primitive):
    """A part of one assembly: its input, written where it belongs."""

    name = "part"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        return Signature(inputs[0].shape, inputs[0].dtype, inputs[0].finite)

    def bind(self, node: Node) -> Callable[..., Array]:
        return lambda a: a

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        raise NotImplementedError("graphs are lowered after they are batched")


ASSEMBLE, PART = Assemble(), Assembled()
_serial = itertools.count()


def assembled(parts: Sequence[tuple[Node, Ranges]], shape: Shape) -> Node:
    """An array of the given shape with these parts."""
    kept = [(node, ranges) for node, ranges in parts if node.size] or list(parts[:1])
    own = tuple(make(PART, (node,), next(_serial)) for node, _ in kept)
    return make(ASSEMBLE, own, Assembly(tuple(ranges for _, ranges in kept), shape))


def parts_of(node: Node) -> list[tuple[Node, Ranges]]:
    """What an assembly consists of."""
    return [
        (part.inputs[0], ranges)
        for part, ranges in zip(node.inputs, node.params.ranges, strict=True)
    ]


def places_of(node: Node) -> list[Access]:
    """Where in its array each part of an assembly goes, along the part's own axes."""
    steps = row_major(node.shape)
    return [
        Access(
            node,
            tuple(step * part.step for step, part in zip(steps, ranges, strict=True)),
            sum(step * part.start for step, part in zip(steps, ranges, strict=True)),
        )
        for ranges in node.params.ranges
    ]


def are_apart(one: Ranges, other: Ranges) -> bool:
    """Whether two parts have no element in common."""
    return any(_apart(a, b) for a, b in zip(one, other, strict=True))


def _apart(a: Range, b: Range) -> bool:
    if not a.length or not b.length:
        return True
    (low, high), (begin, end) = _ends(a), _ends(b)
    if high < begin or end < low:
        return True
    return abs(a.step) == abs(b.step) and (a.start - b.start) % abs(a.step) != 0


def _ends(part: Range) -> tuple[int, int]:
    ends = part.start, part.start + part.step * (part.length - 1)
    return min(ends), max(ends)
