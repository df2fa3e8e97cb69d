"""Walks over a graph, as loops: a graph may be deeper than Python's recursion limit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from chainrule.graph.node import Node, make


def topological(outputs: Iterable[Node], stop: Callable[[Node], bool] | None = None) -> list[Node]:
    """Every node that the outputs need, inputs before their users.

    Parameters
    ----------
    outputs : iterable of Node
        Where to start.
    stop : callable, optional
        Nodes for which it is true are listed, but not what lies behind them.
    """
    order: list[Node] = []
    seen: set[Node] = set()
    stack: list[Node | None] = [*reversed([*outputs])]
    begun: list[Node] = []
    while stack:
        node = stack.pop()
        if node is None:  # all that the latest of those begun needs is in the order
            order.append(begun.pop())
        elif node not in seen:
            seen.add(node)
            if node.inputs and (stop is None or not stop(node)):
                begun.append(node)
                stack.append(None)
                stack += node.inputs[::-1]
            else:
                order.append(node)
    return order


def older_than(sources: Collection[Node]) -> Callable[[Node], bool]:
    """Where a walk back to some nodes may stop: at them, and at what was made before them all."""
    first = min((node.serial for node in sources), default=0)
    wanted = frozenset(sources)
    return lambda node: node.serial < first or node in wanted


def dependents(order: Sequence[Node], sources: Iterable[Node]) -> set[Node]:
    """The nodes of a topological order that depend on one of the sources, these included."""
    found = set(sources)
    for node in order:
        if not found.isdisjoint(node.inputs):
            found.add(node)
    return found


def last_uses(order: Sequence[Node], outputs: Iterable[Node]) -> list[list[Node]]:
    """For each step of an order, the nodes whose value is not needed after it."""
    needed = set(outputs)
    frees: list[list[Node]] = []
    for step in reversed(order):
        done = []
        for node in step.inputs:
            if node not in needed:
                needed.add(node)
                done.append(node)
        frees.append(done)
    return frees[::-1]


def substitute(outputs: Sequence[Node], replaced: dict[Node, Node]) -> dict[Node, Node]:
    """Nodes, each with what it becomes when some are replaced by others of their shape and dtype.

    What lies behind the outputs is there too, as far as it is affected.
    """
    done = dict(replaced)
    if not done:
        return {node: node for node in outputs}
    order = topological(outputs, stop=older_than(replaced))
    affected = dependents(order, replaced)
    for node in order:
        if node in affected and node not in done:
            inputs = tuple(done.get(item, item) for item in node.inputs)
            done[node] = make(node.primitive, inputs, node.params)
    return {**{node: node for node in outputs}, **done}
