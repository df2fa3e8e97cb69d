"""Applying a structured map to an array: pulling cotangents back, pushing tangents forward.

Both are one piece of code. A cotangent is read at the output's axes, joins a term's coefficients,
and what remains is written at the input's axes; a tangent is pushed through the transposed term.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.graph.node import Node
from chainrule.primitives.arithmetic import sum_of
from chainrule.primitives.arrangement import reshape
from chainrule.primitives.axes import (
    Axes,
    Axis,
    all_labels,
    are_digits,
    are_plain,
    kind,
    sizes_of_axes,
    sizes_of_labels,
)
from chainrule.primitives.contraction import contract
from chainrule.primitives.gathers import put, take
from chainrule.primitives.linear_algebra import is_inverse_factor, solve_along, transposed
from chainrule.primitives.selections import Range, place, take_slice
from chainrule.primitives.terms import Coefficient, Term, Virtual, identity
from chainrule.shapes import Labels, Shape


def pull_back(terms: Sequence[Term], cotangent: Node, target: Node) -> Node | None:
    """The cotangent of an input, ``u^T J``, in its shape and dtype; None where J is zero."""
    total: Node | None = None
    for term in terms:
        total = added(total, _pull_through(term, cotangent, target))
    return total


def push_forward(terms: Sequence[Term], tangent: Node, target: Node) -> Node | None:
    """The tangent of an output, ``J v``, in its shape and dtype; None where J is zero."""
    return pull_back([term.transposed for term in terms], tangent, target)


def pulled_back(node: Node, position: int, cotangent: Node) -> Node | None:
    """What a node's cotangent adds to that of one of its inputs."""
    terms = node.primitive.jacobian(node, position)
    return pull_back(terms, cotangent, node.inputs[position])


def pushed_forward(node: Node, position: int, tangent: Node) -> Node | None:
    """What the tangent of one of a node's inputs adds to its own."""
    return push_forward(node.primitive.jacobian(node, position), tangent, node)


def added(total: Node | None, part: Node) -> Node:
    """A cotangent or tangent with one more part; None is what has none yet."""
    return part if total is None else sum_of(total, part)


def _pull_through(term: Term, cotangent: Node, target: Node) -> Node:
    if term == identity(target.ndim) and cotangent.dtype == target.dtype:
        return cotangent
    if not term.virtual and are_plain(term.out) and are_plain(term.into):
        return _product(term, cotangent, term.out, term.into, target.shape, target.dtype)
    node, labels = read(cotangent, term.out)
    coefficients: Sequence[Coefficient] = term.coefficients
    wanted = all_labels(term.into)
    for item in term.virtual:
        node, labels, coefficients = _through_virtual(item, node, labels, coefficients, wanted)
    term = term._replace(coefficients=tuple(coefficients))
    shape = sizes_of_labels(term.into, target.shape)
    product = _product(term, node, labels, wanted, shape, target.dtype)
    return write(product, term.into, target.shape)


def _through_virtual(
    item: Virtual, node: Node, labels: Labels, coefficients: Sequence[Coefficient], wanted: Labels
) -> tuple[Node, Labels, Sequence[Coefficient]]:
    """An array times a virtual coefficient, and what is yet to be multiplied with."""
    here, there = item.ends if item.row in labels else item.ends[::-1]
    joining = [other for other in coefficients if here in other.labels]
    everything = tuple(dict.fromkeys([*labels, *(n for c in joining for n in c.labels)]))
    if here not in labels or here in wanted or there in everything:
        return node, labels, [*coefficients, item.written()]  # no plain product along one axis
    if joining:
        node, labels = _joined(node, labels, joining, everything)
    rest = [other for other in coefficients if here not in other.labels]
    return *item.through(node, labels), rest


def _product(
    term: Term, node: Node, labels: Labels, wanted: Labels, shape: Shape, dtype: np.dtype[Any]
) -> Node:
    """An array times a term's coefficients, in which a zero wins."""
    node, labels, coefficients = _through_inverses(node, labels, term.coefficients, wanted)
    operands = [node, *[item.node for item in coefficients]]
    lists = [labels, *[item.labels for item in coefficients]]
    return contract(operands, lists, wanted, shape, scale=term.scale, dtype=dtype, strong=True)


def read(node: Node, axes: Axes) -> tuple[Node, Labels]:
    """The entries of an array at axes that are functions of labels, with those labels."""
    if are_plain(axes):
        return node, axes
    if are_digits(axes):
        return reshape(node, (-1,)), all_labels(axes)
    return looked_up(node, axes)


def looked_up(node: Node, axes: Sequence[Axis]) -> tuple[Node, Labels]:
    """The same, one axis after the other: each is sliced, looked up, and split into its labels."""
    kinds = [kind(axis) for axis in axes]
    sizes = sizes_of_axes(axes, node.shape)
    node = take_slice(node, [Range(*k.part(n)) for k, n in zip(kinds, node.shape, strict=True)])
    for place_of, axis in reversed(list(enumerate(kinds))):
        if axis.lookup is not None:
            node = take(node, axis.lookup, place_of)
    return reshape(node, sizes), tuple(label for axis in kinds for label in axis.labels)


def write(node: Node, axes: Axes, shape: Shape) -> Node:
    """An array of zeros with entries added at axes that are functions of the node's labels."""
    if are_plain(axes):
        return node
    if are_digits(axes):
        return reshape(node, shape)
    kinds = [kind(axis) for axis in axes]
    parts = [Range(*k.part(size)) for k, size in zip(kinds, shape, strict=True)]
    tables = [axis.table for axis in kinds]
    node = reshape(node, [
        size
        for table, part in zip(tables, parts, strict=True)
        for size in ((part.length,) if table is None else table.shape)
    ])  # fmt: skip
    for place_of, (table, part) in enumerate(zip(tables, parts, strict=True)):
        if table is not None:
            node = put(node, table, place_of, part.length)
    return place(node, parts, shape)


def _through_inverses(
    node: Node, labels: Labels, coefficients: Sequence[Coefficient], wanted: Labels
) -> tuple[Node, Labels, Sequence[Coefficient]]:
    """Inverses among the coefficients are multiplied with by solving, where that can be done."""
    for inverse in [item for item in coefficients if is_inverse_factor(item.node)]:
        others = [item for item in coefficients if item is not inverse]
        *stack, row, column = inverse.labels
        if (row in labels) == (column in labels) or not set(stack) <= set(labels):
            continue  # it is a plain coefficient
        node, labels, others = _smaller(node, labels, others, {*wanted, *inverse.labels})
        (matrix,) = inverse.node.inputs
        if column in labels:
            node, labels = solve_along(matrix, node, labels, inverse.labels)
        else:
            turned = (*stack, column, row)
            node, labels = solve_along(transposed(matrix), node, labels, turned)
        coefficients = others
    return node, labels, coefficients


def _smaller(
    node: Node, labels: Labels, others: list[Coefficient], kept: set[int]
) -> tuple[Node, Labels, list[Coefficient]]:
    """The array times those coefficients that sum labels away, if that leaves less to solve for."""
    summed = set(labels) - kept
    joining = [item for item in others if summed & set(item.labels)]
    if not joining:
        return node, labels, others
    rest = [item for item in others if item not in joining]
    needed = kept.union(*(item.labels for item in rest))
    found = dict.fromkeys([*labels, *(n for item in joining for n in item.labels)])
    smaller, out = _joined(node, labels, joining, tuple(n for n in found if n in needed))
    return (smaller, out, rest) if smaller.size < node.size else (node, labels, others)


def _joined(
    node: Node, labels: Labels, joining: Sequence[Coefficient], out: Labels
) -> tuple[Node, Labels]:
    """An array times some coefficients, with the labels that are wanted of it."""
    sizes = dict(zip(labels, node.shape, strict=True))
    for item in joining:
        sizes.update(zip(item.labels, item.node.shape, strict=True))
    operands = [node, *(item.node for item in joining)]
    lists = [labels, *(item.labels for item in joining)]
    shape = tuple(sizes[label] for label in out)
    return contract(operands, lists, out, shape, dtype=node.dtype, strong=True), out
