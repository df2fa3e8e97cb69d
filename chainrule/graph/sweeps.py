"""The two sweeps of the chain rule over a graph: local Jacobians accumulated along all paths.

What is carried is the caller's, and so is what an edge makes of it and how two of it are added:
cotangents pulled back and tangents pushed forward, whole maps composed, patterns, bounds of errors.
Both sweeps are loops over the nodes, so that paths are never enumerated and a graph may be deep.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from chainrule.graph.node import Node
from chainrule.graph.walk import last_uses, older_than, topological

Carried = TypeVar("Carried")

Through = Callable[[Node, int, Carried], Carried | None]
"""What the edge from a node to one of its inputs, by position, makes of what one end carries.

None where that is zero: then nothing is added at the other end.
"""

Add = Callable[[Carried | None, Carried], Carried]
"""What a node carries, if anything yet, plus what one more edge brings."""

Handed = Callable[[Carried], Iterable[tuple[Node, Carried | None]]]
"""From what a node carries to what others get of it."""


class Region(NamedTuple):
    """The part of a graph through which derivatives lead.

    Attributes
    ----------
    nodes : sequence of Node
        Those that hand on to inputs, these before their users.
    active : collection of Node
        These nodes, and the sources at which all paths end.
    """

    nodes: Sequence[Node]
    active: Collection[Node]

    def edges(self, node: Node) -> list[tuple[int, Node]]:
        """The inputs of a node that lie in the region, with their positions."""
        return [(k, item) for k, item in enumerate(node.inputs) if item in self.active]


def between(outputs: Iterable[Node], sources: Iterable[Node]) -> Region:
    """What depends on the sources by floating-point numbers all the way, and leads to outputs."""
    ends = set(sources)
    active = {node for node in ends if node.differentiable}
    nodes = []
    for node in topological(outputs, stop=older_than(ends)):
        if node.differentiable and node not in ends and not active.isdisjoint(node.inputs):
            active.add(node)
            nodes.append(node)
    return Region(nodes, active)


def backward(
    region: Region,
    found: dict[Node, Carried],
    through: Through[Carried],
    add: Add[Carried],
    *,
    wanted: Collection[Node] | None = None,
    changed: Mapping[Node, Handed[Carried]] | None = None,
) -> dict[Node, Carried]:
    """From the last nodes to the first, each hands on to its inputs what it carries.

    Parameters
    ----------
    region : Region
        Where.
    found : dict
        What outputs carry; what each other node carries is put there.
    through, add : callable
        The algebra of what is carried.
    wanted : collection of Node, optional
        What others carry is let go of as soon as they have handed it on. Without it nothing is.
    changed : mapping, optional
        Nodes that hand on something else, to whomever they like.
    """
    nodes, active = region
    for node in reversed(nodes):
        carried = found.get(node)
        if carried is None:
            continue
        if wanted is not None and node not in wanted:
            del found[node]
        if changed and node in changed:
            for item, part in changed[node](carried):
                if part is not None:
                    found[item] = add(found.get(item), part)
            continue
        for position, item in enumerate(node.inputs):
            if item in active:
                part = through(node, position, carried)
                if part is not None:
                    found[item] = add(found.get(item), part)
    return found


def forward(
    region: Region,
    found: dict[Node, Carried],
    through: Through[Carried],
    add: Add[Carried],
    *,
    wanted: Collection[Node] | None = None,
) -> dict[Node, Carried]:
    """From the first nodes to the last, each adds up what its inputs carry to it.

    Parameters
    ----------
    region : Region
        Where.
    found : dict
        What sources carry, and what nodes have of their own; what each node carries is put there.
    through, add : callable
        The algebra of what is carried.
    wanted : collection of Node, optional
        What others carry is let go of after its last use. Without it nothing is.
    """
    nodes = region.nodes
    frees = [()] * len(nodes) if wanted is None else last_uses(nodes, wanted)
    for node, done in zip(nodes, frees, strict=True):
        total = found.get(node)
        for position, item in enumerate(node.inputs):
            carried = found.get(item)
            if carried is not None:
                part = through(node, position, carried)
                if part is not None:
                    total = add(total, part)
        if total is not None:
            found[node] = total
        for item in done:
            found.pop(item, None)
    return found
