"""Points at which a function has no derivative, and the convention that its row states there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chainrule.graph.node import Array, Node


@dataclass(frozen=True)
class Kink:
    """A function met where it has no derivative.

    Attributes
    ----------
    node : Node
        The operation.
    function : str
        Its name.
    entries : int
        How many entries of its input are at such a point.
    convention : str
        What is used for the derivative there, in words.
    """

    node: Node
    function: str
    entries: int
    convention: str


def kinks(nodes: Iterable[Node], values: Mapping[Node, Array]) -> list[Kink]:
    """The operations among some nodes that meet a point without a derivative."""
    found = []
    for node in nodes:
        row = node.primitive
        inputs = [values[item] for item in node.inputs]
        entries = row.entries_at_kinks(node, inputs, values[node])
        if entries:
            found.append(Kink(node, row.name, entries, row.convention))
    return found
