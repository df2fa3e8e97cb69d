"""Applying a structured map to an array: pulling cotangents back, pushing tangents forward.

Both are one piece of code. A cotangent joins a term's coefficients under the labels of the output
and what remains are the labels of the input; a tangent is pushed through the transposed term.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from chainrule.graph.node import Node
from chainrule.primitives.arithmetic import sum_of
from chainrule.primitives.arrangement import cumulative_sum, reshape
from chainrule.primitives.contraction import contract
from chainrule.primitives.gathers import put, take
from chainrule.primitives.selections import Range, place, take_slice
from chainrule.primitives.terms import (
    OneHot,
    Regroup,
    Select,
    Term,
    Triangle,
    Virtual,
    VirtualCoefficient,
    identity,
)
from chainrule.shapes import Labels


def pull_back(terms: Sequence[Term], cotangent: Node, target: Node) -> Node | None:
    """The cotangent of an input, ``u^T J``, in its shape and dtype; None where J is zero."""
    total: Node | None = None
    for term in terms:
        part = _pull_through(term, cotangent, target)
        total = part if total is None else sum_of(total, part)
    return total


def push_forward(terms: Sequence[Term], tangent: Node, target: Node) -> Node | None:
    """The tangent of an output: ``J v``, in the output's shape and dtype."""
    return pull_back([term.transposed for term in terms], tangent, target)


def _pull_through(term: Term, cotangent: Node, target: Node) -> Node:
    node, labels = cotangent, term.out
    if term == identity(target.ndim) and cotangent.dtype == target.dtype:
        return cotangent
    if term.virtual:
        node, labels = _through_virtual(term.virtual, node, labels)
    operands = [node, *(item.node for item in term.coefficients)]
    lists = [labels, *(item.labels for item in term.coefficients)]
    return contract(
        operands, lists, term.into, target.shape,
        scale=term.scale, dtype=target.dtype, strong=True,
    )  # fmt: skip


def _through_virtual(
    virtual: Sequence[VirtualCoefficient[Virtual]], node: Node, labels: Labels
) -> tuple[Node, Labels]:
    """Contract with virtual coefficients: slices, placements, gathers, scatters, reshapes."""
    selects = [item for item in virtual if isinstance(item.matrix, Select)]
    if selects:
        slices = cast(list[VirtualCoefficient[Select]], selects)
        node, labels = _through_selects(slices, node, labels)
    for item in virtual:
        if isinstance(item.matrix, OneHot):
            node, labels = _through_one_hot(item, item.matrix, node, labels)
        elif isinstance(item.matrix, Triangle):
            from_rows = item.rows[0] in labels
            here, there = (item.rows, item.columns) if from_rows else (item.columns, item.rows)
            axis = labels.index(here[0])
            node = cumulative_sum(node, axis, backwards=from_rows != item.matrix.upper)
            labels = (*labels[:axis], *there, *labels[axis + 1 :])
        elif isinstance(item.matrix, Regroup):
            from_rows = labels == item.rows
            shape = item.matrix.columns if from_rows else item.matrix.rows
            node, labels = reshape(node, shape), item.columns if from_rows else item.rows
    return node, labels


def _through_selects(
    selects: Sequence[VirtualCoefficient[Select]], node: Node, labels: Labels
) -> tuple[Node, Labels]:
    """Every axis of one direction at once: a placement from rows, a slice from columns."""
    from_rows = {item.rows[0]: item for item in selects if item.rows[0] in labels}
    from_columns = {item.columns[0]: item for item in selects if item.columns[0] in labels}
    if from_rows:
        parts = _ranges(from_rows, node, labels)
        shape = tuple(
            from_rows[label].matrix.columns if label in from_rows else size
            for label, size in zip(labels, node.shape, strict=True)
        )
        node = place(node, parts, shape)
        labels = tuple(from_rows[n].columns[0] if n in from_rows else n for n in labels)
    if from_columns:
        node = take_slice(node, _ranges(from_columns, node, labels))
        labels = tuple(from_columns[n].rows[0] if n in from_columns else n for n in labels)
    return node, labels


def _ranges(
    selected: dict[int, VirtualCoefficient[Select]], node: Node, labels: Labels
) -> list[Range]:
    """One range an axis: what is selected, or the whole axis."""
    ranges = []
    for label, size in zip(labels, node.shape, strict=True):
        matrix = selected[label].matrix if label in selected else Select(0, 1, size, size)
        ranges.append(Range(matrix.start, matrix.step, matrix.rows))
    return ranges


def _through_one_hot(
    item: VirtualCoefficient[Virtual], matrix: OneHot, node: Node, labels: Labels
) -> tuple[Node, Labels]:
    if item.columns[0] in labels:
        axis = labels.index(item.columns[0])
        taken = take(node, matrix.positions, axis)
        return taken, (*labels[:axis], *item.rows, *labels[axis + 1 :])
    axis = labels.index(item.rows[0]) if item.rows else 0  # the labels say where it belongs
    summed = put(node, matrix.positions, axis, matrix.columns)
    return summed, (*labels[:axis], *item.columns, *labels[axis + len(item.rows) :])
