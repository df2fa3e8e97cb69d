"""From local Jacobians to the Jacobian of a whole graph, as a sum of structured summands.

Reverse accumulation starts at the output and composes towards the input, as in (5.118); forward
accumulation starts at the input. Maps are merged at every node, so that paths are never enumerated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from chainrule.graph.node import Node
from chainrule.graph.walk import dependents, older_than, topological
from chainrule.jacobian.composing import compose
from chainrule.jacobian.merging import merged, simplified
from chainrule.jacobian.summands import (
    Summand,
    Unstructured,
    canonical,
    from_term,
    identity_summand,
    plain_axes,
)
from chainrule.primitives.contraction import CONTRACT
from chainrule.primitives.products import is_sum_of_products

Order = Literal["forward", "reverse", "mixed"]
MOST = 16
"""More summands than this at one node are no structure worth keeping."""


class Accumulated(NamedTuple):
    """The Jacobian of an output by an input, and what it takes to compute its coefficients."""

    order: Order
    summands: tuple[Summand, ...]
    operations: int
    has_products: bool = True
    """Whether sums of products were formed on the way: else every order takes the same work."""


def accumulate(output: Node, leaf: Node, order: Order) -> Accumulated:
    """The sum of all paths from the input to the output.

    Raises
    ------
    Unstructured
        Where the graph has a composition without a compact form.
    """
    nodes = topological([output], stop=older_than([leaf]))
    active = dependents(nodes, [leaf])
    summands = _backwards(nodes, active, output, leaf, order) if order != "forward" else (
        _forwards(nodes, active, output, leaf)
    )  # fmt: skip
    whole = [plain_axes(simplified(s, eager=True), output.shape, leaf.shape) for s in summands]
    finished = merged([canonical(item) for item in whole])
    coefficients = [item.node for summand in finished for item in summand.coefficients]
    extra = beyond(coefficients, output)
    has_products = any(
        node.primitive is CONTRACT and is_sum_of_products(node.params) for node in extra
    )
    return Accumulated(order, tuple(finished), operations_of(extra), has_products)


def _backwards(
    nodes: Sequence[Node], active: set[Node], output: Node, leaf: Node, order: Order
) -> list[Summand]:
    found: dict[Node, list[Summand]] = {output: [identity_summand(output.shape)]}
    for node in reversed(nodes):
        if node not in active or node is leaf or node not in found:
            continue
        outer = found.pop(node)
        for position, item in enumerate(node.inputs):
            if item in active and item.differentiable:
                inner = _local(node, position, item)
                known = found.get(item, [])
                found[item] = _combined(known, outer, inner, order == "reverse")
    return found.get(leaf, [])


def _forwards(nodes: Sequence[Node], active: set[Node], output: Node, leaf: Node) -> list[Summand]:
    found: dict[Node, list[Summand]] = {leaf: [identity_summand(leaf.shape)]}
    for node in nodes:
        if node not in active or node is leaf or not node.differentiable:
            continue
        total: list[Summand] = []
        for position, item in enumerate(node.inputs):
            if item in found:
                total = _combined(total, _local(node, position, item), found[item], True)
        found[node] = total
    return found.get(output, [])


def _local(node: Node, position: int, item: Node) -> list[Summand]:
    terms = node.primitive.jacobian(node, position)
    return [from_term(term, node, item) for term in terms]


def _combined(
    known: Sequence[Summand], outer: Sequence[Summand], inner: Sequence[Summand], eager: bool
) -> list[Summand]:
    """What is known plus all compositions of two sums, like terms merged."""
    made = [compose(one, two) for one in outer for two in inner]
    new = [canonical(simplified(item, eager)) for item in made if item is not None]
    total = merged([*known, *new])
    if not eager and len(total) > 1:  # several paths: their components can be added once formed
        total = merged([canonical(simplified(item, eager=True)) for item in total])
    if len(total) > MOST:
        raise Unstructured("too many summands at one node")
    return total


def beyond(nodes: Sequence[Node], output: Node) -> list[Node]:
    """Everything that the nodes need and the output does not."""
    primal = set(topological([output]))
    order = topological(nodes, stop=primal.__contains__)
    return [node for node in order if node not in primal]


def operations_of(nodes: Sequence[Node]) -> int:
    """Floating-point operations of nodes, each on its own."""
    return sum(node.primitive.operations(node) for node in nodes)
