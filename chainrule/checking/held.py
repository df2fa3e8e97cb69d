"""Values that depend on the argument and are treated as constants: means, variances, norms."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from chainrule.checking.backward import Part, Step
from chainrule.checking.slips import Slip, Workshop
from chainrule.graph.node import Node

MOST = 8
"""Summaries of which sets are tried."""


def held_constant(shop: Workshop) -> Iterator[Slip]:
    """Two summaries of the argument held constant together, or all of them.

    One alone is a term left out.
    """
    found = _summaries(shop)
    for pair in combinations(found, 2):
        yield _held(shop, pair, 2.25)
    if len(found) > 2:
        yield _held(shop, found, 2.45)


def _summaries(shop: Workshop) -> list[Node]:
    """Values smaller than what they were computed from, the ones with names first."""
    backward = shop.backward
    found = [
        node
        for node in backward.order
        if node not in (backward.output, backward.leaf)
        and any(item.size > node.size for _, item in backward.edges(node))
    ]
    return sorted(found, key=lambda node: not shop.words.has_name(node))[:MOST]


def _held(shop: Workshop, nodes: tuple[Node, ...] | list[Node], cost: float) -> Slip:
    nothing: dict[Node, Step] = dict.fromkeys(nodes, _nothing)
    names = [shop.words.of(node) for node in nodes]
    shown = f"{', '.join(names[:-1])} and {names[-1]}"
    says = f"takes {shown} for constants: the terms that lead through them are missing"
    return Slip("dropped term", says, shop.named_first(nodes, cost, 0.1), nothing)


def _nothing(cotangent: Node) -> list[Part]:
    return []
