"""One more axis through a whole graph: what vmap does, primitive by primitive."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.graph.node import Node
from chainrule.graph.walk import dependents, older_than, topological
from chainrule.primitives.contraction import broadcast_to


def batch(outputs: Sequence[Node], mapped: dict[Node, Node], size: int) -> dict[Node, Node]:
    """Nodes, each with what it becomes when nodes of one example are replaced by batches of them.

    Parameters
    ----------
    outputs : sequence of Node
        Of the program for one example.
    mapped : dict
        A node of one example -> a node with one more axis in front, of the given size.
    size : int
        How many examples there are. Outputs that depend on none of them are repeated.
    """
    batched = dict(mapped)
    order = topological(outputs, stop=older_than(mapped))
    affected = dependents(order, mapped)
    for node in order:
        if node in affected and node not in batched:
            inputs = tuple([batched.get(item, item) for item in node.inputs])
            flags = tuple([item in batched for item in node.inputs])
            batched[node] = node.primitive.batch(node, inputs, flags)
    for node in outputs:
        if node not in batched:
            batched[node] = broadcast_to(node, (size, *node.shape))
    return batched
