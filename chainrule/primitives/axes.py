"""What an axis of an array is in terms of labels, and all that each kind of axis can do.

An axis is a label itself, or a function of labels: then a map selects, places, gathers or regroups
entries, and its zeros and ones are never formed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import NamedTuple, TypeGuard

import numpy as np

from chainrule.graph.node import Array, Node, constant
from chainrule.shapes import Labels, Shape

Straight = tuple[int, tuple[tuple[int, int], ...]]
"""A start, and each label with its step: positions are the start plus all steps times labels."""


class Line(NamedTuple):
    """Positions ``start + step * label``."""

    label: int
    start: int
    step: int


class Kind:
    """A kind of axis: here is what a label itself does, and most others for the most part.

    An array is read at an axis by a slice, then a look-up, then a split into the axis' labels, and
    written by the same backwards. Most kinds need one of these only.
    """

    __slots__ = ()

    @property
    def labels(self) -> Labels:
        """The labels that it is a function of."""
        raise NotImplementedError

    def label_sizes(self, size: int) -> Shape:
        """The sizes of the labels, where it is an axis of the given size."""
        return (size,)

    def part(self, size: int) -> tuple[int, int, int]:
        """Start, step and length of the slice that it takes of an axis of the given size."""
        return 0, 1, size

    @property
    def table(self) -> Node | None:
        """The array that it holds, if any: positions to look up."""
        return None

    @property
    def lookup(self) -> Node | None:
        """The positions that it looks up, if any, held or not."""
        return self.table

    def with_table(self, table: Node) -> Axis:
        """The same axis with another array to hold; only for those that hold one."""
        raise NotImplementedError

    @property
    def straight(self) -> Straight | None:
        """Its positions as a start and steps; None where they are no such sum."""
        return None

    @property
    def line(self) -> Line | None:
        """Its positions as a straight function of one label, where they are that."""
        if self.straight is None or len(self.straight[1]) != 1:
            return None
        start, ((label, step),) = self.straight
        return Line(label, start, step)

    def at(self, count: Array) -> Array:
        """Where it is when all its labels, in row-major order, have counted so far."""
        return count

    def span(self, sizes: Mapping[int, int]) -> int | None:
        """How many positions there are, as far as its own labels tell."""
        return None

    def renamed(self, names: Mapping[int, int]) -> Axis:
        """The same axis with other numbers for its labels."""
        raise NotImplementedError

    def replaced(self, label: int, by: Axis, size: int) -> Axis | None:
        """With a label, of a size, replaced by what it is of others; None if only a table can."""
        return None


class Plain(NamedTuple("Plain", [("label", int)]), Kind):
    """A label itself, which stands as a whole number where axes are listed."""

    __slots__ = ()

    @property
    def labels(self) -> Labels:
        return (self.label,)

    @property
    def straight(self) -> Straight:
        return 0, ((self.label, 1),)

    def span(self, sizes: Mapping[int, int]) -> int:
        return sizes[self.label]

    def renamed(self, names: Mapping[int, int]) -> Axis:
        return names[self.label]

    def replaced(self, label: int, by: Axis, size: int) -> Axis:
        return by


class _OfOne(NamedTuple):
    label: int
    start: int
    step: int
    length: int


class Affine(_OfOne, Kind):
    """Positions ``start + step * label`` of an axis, for ``length`` values of the label."""

    __slots__ = ()

    @property
    def labels(self) -> Labels:
        return (self.label,)

    def label_sizes(self, size: int) -> Shape:
        return (self.length,)

    def part(self, size: int) -> tuple[int, int, int]:
        return self.start, self.step, self.length

    @property
    def straight(self) -> Straight:
        return self.start, ((self.label, self.step),)

    def at(self, count: Array) -> Array:
        return self.start + self.step * count

    def renamed(self, names: Mapping[int, int]) -> Affine:
        return self._replace(label=names[self.label])

    def replaced(self, label: int, by: Axis, size: int) -> Affine | None:
        if isinstance(by, int):
            return self._replace(label=by)
        if isinstance(by, Affine):
            start = self.start + self.step * by.start
            return Affine(by.label, start, self.step * by.step, by.length)
        return None


class _OfTable(NamedTuple):
    positions: Node
    labels: Labels


class Gather(_OfTable, Kind):
    """Positions ``positions[labels]`` of an axis, looked up in an array of whole numbers."""

    __slots__ = ()

    @property
    def table(self) -> Node:
        return self.positions

    def with_table(self, table: Node) -> Gather:
        return self._replace(positions=table)

    def label_sizes(self, size: int) -> Shape:
        return self.positions.shape

    def renamed(self, names: Mapping[int, int]) -> Gather:
        return self._replace(labels=tuple(names[label] for label in self.labels))


class _OfSeveral(NamedTuple):
    labels: Labels
    sizes: Shape


class Group(_OfSeveral, Kind):
    """Labels of the given sizes together, in row-major order: one axis of a reshaped array."""

    __slots__ = ()

    @property
    def is_diagonal(self) -> bool:
        """Whether a label stands there twice, so that not every position is taken."""
        return len(set(self.labels)) < len(self.labels)

    def label_sizes(self, size: int) -> Shape:
        return self.sizes

    @property
    def straight(self) -> Straight:
        return 0, tuple((n, prod(self.sizes[k + 1 :])) for k, n in enumerate(self.labels))

    def span(self, sizes: Mapping[int, int]) -> int:
        return prod(self.sizes)

    def renamed(self, names: Mapping[int, int]) -> Group:
        return self._replace(labels=tuple(names[label] for label in self.labels))

    def replaced(self, label: int, by: Axis, size: int) -> Group | None:
        if isinstance(by, int):
            by = Group((by,), (size,))
        if not isinstance(by, Group):
            return None
        at = self.labels.index(label)
        return Group(
            (*self.labels[:at], *by.labels, *self.labels[at + 1 :]),
            (*self.sizes[:at], *by.sizes, *self.sizes[at + 1 :]),
        )


class _OfAll(NamedTuple):
    label: int
    stride: int
    size: int
    length: int


class Digit(_OfAll, Kind):
    """Positions ``label // stride % size``: an axis of a reshape whose boundaries do not match.

    All axes of the array are digits of the one label, which counts all its elements.
    """

    __slots__ = ()

    @property
    def labels(self) -> Labels:
        return (self.label,)

    def label_sizes(self, size: int) -> Shape:
        return (self.length,)

    @property
    def lookup(self) -> Node:
        return constant(self.at(np.arange(self.length)))

    def at(self, count: Array) -> Array:
        return count // self.stride % self.size

    def span(self, sizes: Mapping[int, int]) -> int:
        return self.size

    def renamed(self, names: Mapping[int, int]) -> Digit:
        return self._replace(label=names[self.label])

    def replaced(self, label: int, by: Axis, size: int) -> Digit | None:
        return self._replace(label=by) if isinstance(by, int) else None


Axis = int | Affine | Gather | Group | Digit
"""What an axis is in terms of labels; a whole number is a label."""

Axes = tuple[Axis, ...]


def kind(axis: Axis) -> Kind:
    """An axis with all that it can do."""
    return Plain(axis) if isinstance(axis, int) else axis


def labels_of(axis: Axis) -> Labels:
    """The labels that an axis is a function of."""
    return (axis,) if isinstance(axis, int) else axis.labels


def are_plain(axes: Sequence[Axis]) -> TypeGuard[Labels]:
    """Whether every axis is a label itself."""
    return {*map(type, axes)} <= {int}


def are_digits(axes: Sequence[Axis]) -> bool:
    """Whether the axes together count all elements by one label."""
    return bool(axes) and all(isinstance(axis, Digit) for axis in axes)


def are_straight(axes: Sequence[Axis]) -> bool:
    """Whether positions along all axes are sums of labels times steps."""
    return all(kind(axis).straight is not None for axis in axes)


def all_labels(axes: Sequence[Axis]) -> Labels:
    """The labels of several axes, one after the other."""
    if are_digits(axes):
        return labels_of(axes[0])
    return tuple(label for axis in axes for label in labels_of(axis))


def sizes_of_labels(axes: Sequence[Axis], shape: Shape) -> Shape:
    """The sizes of all labels of the axes of an array of this shape, one after the other."""
    return (prod(shape),) if are_digits(axes) else sizes_of_axes(axes, shape)


def sizes_of_axes(axes: Sequence[Axis], shape: Shape) -> Shape:
    """The same with the labels of every axis, also where axes have them together."""
    pairs = zip(axes, shape, strict=True)
    return tuple(size for axis, whole in pairs for size in kind(axis).label_sizes(whole))
