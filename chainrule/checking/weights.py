"""Weights that are taken to sum to 1: p − y, where it is (Σ y) p − y.

Seen in the program, so that it is told of weights from outside the function too, and of a gradient
that is known at one point only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from chainrule.checking.backward import Step
from chainrule.checking.segments import is_diagonal
from chainrule.checking.slips import Edge, Slip, Workshop
from chainrule.graph.node import Node
from chainrule.graph.walk import substitute, topological
from chainrule.jacobian.apply import pull_back
from chainrule.primitives.arithmetic import divide, sum_of
from chainrule.primitives.contraction import broadcast_to, drop_axes, insert_axes, scaled
from chainrule.primitives.elementwise import apply
from chainrule.primitives.gathers import PUT, TAKE
from chainrule.primitives.terms import Term


def assumed_sums(shop: Workshop) -> Iterator[Slip]:
    """Steps that sum over weights, with weights there that sum to 1."""
    backward, words = shop.backward, shop.words
    for edge in shop.edges:
        cotangent = backward.cotangents.get(edge.node)
        crossing = [term for term in edge.terms if not is_diagonal(term)]
        if cotangent is None or not crossing:
            continue
        for weights in _weights(shop, cotangent):
            for axis in range(weights.ndim):
                what = f"along axis {axis}" if weights.ndim > 1 else "in all"
                one = "−1" if _is_negative(weights) else "1"
                yield Slip(
                    "sums to one",
                    f"is right only if {words.of(weights)} sums to {one} {what}: it takes that sum "
                    f"for {one}",
                    shop.named_first([weights], 2.1),
                    _with_sums_of_one(shop, edge, weights, axis),
                )


def _weights(shop: Workshop, cotangent: Node) -> list[Node]:
    """Arrays that do not vary, with entries of one sign, which a cotangent was made with.

    Positions in another array are none: they are no numbers to be multiplied.
    """
    order = topological([cotangent])
    positions = {node.inputs[1] for node in order if node.primitive in (TAKE, PUT)}
    return [
        node
        for node in order
        if not node.inputs and node not in shop.backward.active and node.value is not None
        and node.size > 1 and node.ndim in (1, 2) and node.dtype.kind in "fiu"
        and node not in positions and (bool(np.all(node.value >= 0)) or _is_negative(node))
    ]  # fmt: skip


def _is_negative(weights: Node) -> bool:
    """Whether it is the negative of weights, as of ``-y`` in ``-y @ np.log(p)``."""
    return bool(np.all(np.asarray(weights.value) <= 0))


def _with_sums_of_one(shop: Workshop, edge: Edge, weights: Node, axis: int) -> dict[Node, Step]:
    """The step with the weights over their sum wherever it sums over them."""
    sums = insert_axes(drop_axes(weights, (axis,)), (axis,))
    sums = scaled(sums, -1.0) if _is_negative(weights) else sums
    normal = apply(divide, weights, broadcast_to(sums, weights.shape))

    def make(cotangent: Node) -> Node | None:
        changed = substitute([cotangent], {weights: normal})[cotangent]
        return _mixed(edge.terms, cotangent, changed, edge.item)

    return shop.replaced(edge, make)


def _mixed(terms: Sequence[Term], cotangent: Node, changed: Node, item: Node) -> Node | None:
    """What diagonal terms hand on from the one cotangent, and the others from the other."""
    straight = [term for term in terms if is_diagonal(term)]
    across = [term for term in terms if not is_diagonal(term)]
    parts = (pull_back(straight, cotangent, item), pull_back(across, changed, item))
    known = [part for part in parts if part is not None]
    return sum_of(*known) if len(known) == 2 else known[0] if known else None
