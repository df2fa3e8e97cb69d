"""Summands of a structured map: terms whose labels have sizes, in one canonical form."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from chainrule.graph.node import Array, Node, constant, is_constant
from chainrule.primitives import contraction
from chainrule.primitives.axes import (
    Affine,
    Axis,
    Gather,
    all_labels,
    kind,
    labels_of,
)
from chainrule.primitives.identities import cast
from chainrule.primitives.terms import Coefficient, Term, identity
from chainrule.shapes import Labels, Shape


class Unstructured(Exception):  # not an error: the caller takes another way
    """A composition that this representation has no compact form for."""


def sized(term: Term, out: Node, into: Node) -> Term:
    """A declared local Jacobian with the sizes of its labels, and in the dtype of its output.

    Masks and whole numbers are cast: a scale of 0.5, or a sum of many, has no room in an int8.
    """
    sizes: dict[int, int] = {}
    for axes, node in ((term.out, out), (term.into, into)):
        for axis, size in zip(axes, node.shape, strict=True):
            sizes.update(axis_sizes(axis, size))
    coefficients = tuple(
        Coefficient(cast(item.node, out.dtype), item.labels)
        if item.node.dtype != out.dtype
        else item
        for item in term.coefficients
    )
    for coefficient in coefficients:
        sizes.update(zip(coefficient.labels, coefficient.node.shape, strict=True))
    for item in term.virtual:
        sizes.update(item.sizes)
    return term._replace(coefficients=coefficients, sizes=sizes)


def axis_sizes(axis: Axis, size: int) -> dict[int, int]:
    """The sizes of an axis' labels; a label that is the axis has the axis' own."""
    return dict(zip(labels_of(axis), kind(axis).label_sizes(size), strict=True))


def identity_on(shape: Shape) -> Term:
    """The identity on arrays of a shape."""
    return identity(len(shape))._replace(sizes=dict(enumerate(shape)))


def dense(node: Node, rank: int) -> Term:
    """An array that is a whole map; its first axes, ``rank`` of them, are the output's."""
    labels = tuple(range(node.ndim))
    sizes = dict(enumerate(node.shape))
    return Term((Coefficient(node, labels),), labels[:rank], labels[rank:], sizes=sizes)


def renamed(summand: Term, names: Mapping[int, int]) -> Term:
    """The same summand with other numbers for its labels."""
    return summand._replace(
        coefficients=tuple(
            Coefficient(item.node, tuple(names[label] for label in item.labels))
            for item in summand.coefficients
        ),
        out=tuple(kind(axis).renamed(names) for axis in summand.out),
        into=tuple(kind(axis).renamed(names) for axis in summand.into),
        virtual=tuple(item.renamed(names) for item in summand.virtual),
        sizes={names[label]: size for label, size in summand.sizes.items()},
    )


def in_order(item: Coefficient) -> Coefficient:
    """A coefficient with its labels in ascending order, each once."""
    labels = tuple(sorted(set(item.labels)))
    if labels == item.labels:
        return item
    sizes = dict(zip(item.labels, item.node.shape, strict=True))
    shape = tuple(sizes[label] for label in labels)
    return Coefficient(contraction.relabel(item.node, item.labels, labels, shape), labels)


def canonical(summand: Term) -> Term:
    """Labels numbered in the order in which they appear, coefficients ordered by their labels."""
    order = [*all_labels(summand.out), *all_labels(summand.into)]
    order += [label for item in summand.virtual for label in item.ends]
    order += [label for item in summand.coefficients for label in item.labels]
    names = {label: k for k, label in enumerate(dict.fromkeys(order))}
    kept = summand._replace(sizes={label: summand.sizes[label] for label in names})
    named = renamed(kept, names)
    coefficients = sorted((in_order(item) for item in named.coefficients), key=lambda c: c.labels)
    return named._replace(coefficients=tuple(coefficients))


def plain_axes(summand: Term, out: Shape, into: Shape) -> Term:
    """Slices that take a whole axis as the label itself."""

    def plain(axis: Axis, size: int) -> Axis:
        if isinstance(axis, Affine) and axis.part(size) == (0, 1, size):
            return axis.label
        return axis

    return summand._replace(
        out=tuple(plain(axis, size) for axis, size in zip(summand.out, out, strict=True)),
        into=tuple(plain(axis, size) for axis, size in zip(summand.into, into, strict=True)),
    )


def as_gather(axis: Axis, sizes: Mapping[int, int]) -> Gather:
    """Any axis as a table of positions over its labels, each once."""
    if isinstance(axis, Gather):
        return _over_distinct(axis)
    labels = labels_of(axis)
    shape = tuple(sizes[label] for label in labels)
    table = np.arange(int(np.prod(shape, dtype=np.int64))).reshape(shape)
    table = on_diagonals(kind(axis).at(table), labels)
    return Gather(constant(table), tuple(dict.fromkeys(labels)))


def _over_distinct(axis: Gather) -> Gather:
    labels = tuple(dict.fromkeys(axis.labels))
    if labels == axis.labels:
        return axis
    if is_constant(axis.positions) and axis.positions.value is not None:
        return Gather(constant(on_diagonals(axis.positions.value, axis.labels)), labels)
    sizes = dict(zip(axis.labels, axis.positions.shape, strict=True))
    shape = tuple(sizes[label] for label in labels)
    return Gather(contraction.relabel(axis.positions, axis.labels, labels, shape), labels)


def on_diagonals(table: Array, labels: Labels) -> Array:
    """The entries of an array where axes with equal labels have equal positions."""
    own = list(labels)
    for label in dict.fromkeys(labels):
        while own.count(label) > 1:
            first = own.index(label)
            second = own.index(label, first + 1)
            table = np.moveaxis(table.diagonal(0, first, second), -1, first)
            del own[second]
    return table
