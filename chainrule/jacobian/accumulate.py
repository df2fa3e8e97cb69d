"""From local Jacobians to the Jacobian of a whole graph, as a sum of structured summands.

Reverse accumulation starts at the output and composes towards the input, as in (5.118); forward
accumulation starts at the input. Maps are merged at every node, so that paths are never enumerated.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal, NamedTuple

from chainrule.graph.node import Node
from chainrule.graph.sweeps import backward, between, forward
from chainrule.graph.walk import topological
from chainrule.jacobian.composing import compositions
from chainrule.jacobian.merging import merged, simplified
from chainrule.jacobian.summands import Unstructured, canonical, identity_on, plain_axes, sized
from chainrule.primitives.contraction import CONTRACT
from chainrule.primitives.products import is_sum_of_products
from chainrule.primitives.terms import Term

Summands = list[Term]
Order = Literal["forward", "reverse", "mixed"]
MOST = 16
"""More summands than this at one node are no structure worth keeping."""


class Accumulated(NamedTuple):
    """The Jacobian of an output by an input, and what it takes to compute its coefficients."""

    order: Order
    summands: tuple[Term, ...]
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
    summands = _paths(output, leaf, order)
    whole = [plain_axes(simplified(s, eager=True), output.shape, leaf.shape) for s in summands]
    finished = merged([canonical(item) for item in whole])
    coefficients = [item.node for summand in finished for item in summand.coefficients]
    extra = beyond(coefficients, output)
    has_products = any(
        node.primitive is CONTRACT and is_sum_of_products(node.params) for node in extra
    )
    return Accumulated(order, tuple(finished), operations_of(extra), has_products)


def _paths(output: Node, leaf: Node, order: Order) -> Summands:
    """All paths, accumulated from either end; with ``mixed``, products wait until all are there."""
    region = between([output], [leaf])
    add = partial(_added, eager=order != "mixed")
    if order == "forward":
        found = {leaf: [identity_on(leaf.shape)]}
        forward(region, found, _through_inner, add, wanted=[output])
        return found.get(output, [])
    found = {output: [identity_on(output.shape)]}
    backward(region, found, partial(_through_outer, eager=order != "mixed"), add, wanted=[leaf])
    return found.get(leaf, [])


def _through_inner(node: Node, position: int, inner: Summands) -> Summands:
    return composed(_local(node, position), inner, eager=True)


def _through_outer(node: Node, position: int, outer: Summands, eager: bool) -> Summands:
    return composed(outer, _local(node, position), eager)


def _local(node: Node, position: int) -> Summands:
    terms = node.primitive.jacobian(node, position)
    return [sized(term, node, node.inputs[position]) for term in terms]


def composed(outer: Sequence[Term], inner: Sequence[Term], eager: bool) -> Summands:
    """All compositions of two sums, each in its simplest form."""
    return simple(compositions(outer, inner), eager)


def simple(summands: Sequence[Term], eager: bool) -> Summands:
    """Each summand in its simplest form."""
    return [canonical(simplified(item, eager)) for item in summands]


def _added(known: Summands | None, new: Summands, eager: bool) -> Summands:
    """What is known plus what is new, like terms merged."""
    total = merged([*(known or ()), *new])
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
