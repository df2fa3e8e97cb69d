"""Nodes as a table, for pickles: flat, for a graph may be deeper than the recursion limit."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from chainrule.graph.node import Array, Node, Primitive, restored
from chainrule.graph.walk import topological


class Row(NamedTuple):
    """One node; its inputs are numbers of rows above."""

    primitive: Primitive
    inputs: tuple[int, ...]
    params: Hashable
    value: Array | None
    """Of an argument or a constant: all else can be computed again."""
    finite: bool


class Table(NamedTuple):
    """Some nodes with all that they need."""

    rows: tuple[Row, ...]
    places: tuple[int, ...]
    """The rows of the nodes themselves."""


def packed(nodes: Sequence[Node]) -> Table:
    """The table of some nodes."""
    order = topological(nodes)
    place = {node: k for k, node in enumerate(order)}
    rows = tuple(
        Row(
            node.primitive,
            tuple(place[item] for item in node.inputs),
            node.params,
            None if node.inputs else node.value,
            node.finite,
        )
        for node in order
    )
    return Table(rows, tuple(place[node] for node in nodes))


def unpacked(table: Table) -> list[Node]:
    """The nodes of a table: those that there are already where there are equal ones."""
    made: list[Node] = []
    for row in table.rows:
        inputs = tuple(made[k] for k in row.inputs)
        made.append(restored(row.primitive, inputs, row.params, row.value, row.finite))
    return [made[k] for k in table.places]
