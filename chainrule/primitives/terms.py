"""Structured linear maps as data: the language in which local Jacobians are declared.

A term is a product of coefficients whose axes carry labels, with what the output's and the input's
axes are in terms of those labels. An axis is a label itself, or a function of labels: then the map
selects, places, gathers or regroups entries, and its zeros and ones are never formed. A label on
both sides is a Kronecker delta; a label on neither side is summed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeGuard

from chainrule.graph.node import Node
from chainrule.shapes import Labels, Shape


class Affine(NamedTuple):
    """Positions ``start + step * label`` of an axis, for ``length`` values of the label."""

    label: int
    start: int
    step: int
    length: int


class Gather(NamedTuple):
    """Positions ``positions[labels]`` of an axis, looked up in an array of whole numbers."""

    positions: Node
    labels: Labels


class Group(NamedTuple):
    """Labels of the given sizes together, in row-major order: one axis of a reshaped array."""

    labels: Labels
    sizes: Shape


class Digit(NamedTuple):
    """Positions ``label // stride % size``: an axis of a reshape whose boundaries do not match.

    All axes of the array are digits of the one label, which counts all its elements.
    """

    label: int
    stride: int
    size: int
    length: int


Axis = int | Affine | Gather | Group | Digit
"""What an axis is in terms of labels; a whole number is a label."""

Axes = tuple[Axis, ...]


class Triangle(NamedTuple):
    """``T[row, column] = 1`` where ``column <= row`` (or ``>=``, if upper): a cumulative sum."""

    row: int
    column: int
    size: int
    upper: bool


class Coefficient(NamedTuple):
    """A node of the graph whose axes carry labels."""

    node: Node
    labels: Labels


class Term(NamedTuple):
    """One summand of a structured linear map.

    ``J[out, into] = scale * product of all coefficients``, summed over all labels.
    """

    coefficients: tuple[Coefficient, ...]
    out: Axes
    into: Axes
    scale: float = 1.0
    triangles: tuple[Triangle, ...] = ()
    sizes: Mapping[int, int] = {}
    """The size of every label; a row leaves it to the arrays between which its term stands."""

    @property
    def transposed(self) -> Term:
        """The map from outputs to inputs: pulling back is pushing forward through it."""
        return self._replace(out=self.into, into=self.out)

    @property
    def outer_labels(self) -> set[int]:
        """Labels of the output and of the input; all others are summed."""
        ends = [label for item in self.triangles for label in (item.row, item.column)]
        return {*all_labels(self.out), *all_labels(self.into), *ends}


def labels_of(axis: Axis) -> Labels:
    """The labels that an axis is a function of."""
    if isinstance(axis, int):
        return (axis,)
    return (axis.label,) if isinstance(axis, (Affine, Digit)) else axis.labels


def are_plain(axes: Sequence[Axis]) -> TypeGuard[Labels]:
    """Whether every axis is a label itself."""
    return {*map(type, axes)} <= {int}


def are_digits(axes: Sequence[Axis]) -> bool:
    """Whether the axes together count all elements by one label."""
    return bool(axes) and all(isinstance(axis, Digit) for axis in axes)


def all_labels(axes: Sequence[Axis]) -> Labels:
    """The labels of several axes, one after the other."""
    if are_digits(axes):
        return labels_of(axes[0])
    return tuple(label for axis in axes for label in labels_of(axis))


@lru_cache(maxsize=64)
def identity(rank: int, scale: float = 1.0) -> Term:
    """``scale`` times the identity on an array with ``rank`` axes."""
    labels = tuple(range(rank))
    return Term((), labels, labels, scale)


def diagonal(*coefficients: Node, scale: float = 1.0) -> Term:
    """The diagonal map whose entries are the product of the coefficients, all of one shape."""
    labels = tuple(range(coefficients[0].ndim))
    return Term(tuple(Coefficient(node, labels) for node in coefficients), labels, labels, scale)
