"""Reverse and forward mode over a graph: cotangents pulled back, tangents pushed forward.

Both ask each primitive for its local Jacobian, and for nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.graph import sweeps
from chainrule.graph.node import Node
from chainrule.jacobian.apply import added, pulled_back, pushed_forward
from chainrule.primitives.contraction import full


def zeros(like: Node) -> Node:
    """Zeros of a node's shape and dtype."""
    return full(like.shape, 0.0, like.dtype)


def ones(like: Node) -> Node:
    """Ones of a node's shape and dtype."""
    return full(like.shape, 1.0, like.dtype)


def reverse(
    outputs: Sequence[Node], cotangents: Sequence[Node], wrt: Sequence[Node]
) -> list[Node | None]:
    """Cotangents of ``wrt``: the sum over outputs of ``cotangent^T J``, as in (5.115)-(5.118).

    Returns
    -------
    list
        One node for each of ``wrt``, of its shape and dtype; None where no output depends on it.
    """
    region = sweeps.between(outputs, wrt)
    found: dict[Node, Node] = {}
    for node, cotangent in zip(outputs, cotangents, strict=True):
        if node in region.active:
            found[node] = added(found.get(node), cotangent)
    sweeps.backward(region, found, pulled_back, added)
    return [found.get(node) for node in wrt]


def forward(
    outputs: Sequence[Node], wrt: Sequence[Node], tangents: Sequence[Node]
) -> list[Node | None]:
    """Tangents of the outputs: the sum over ``wrt`` of ``J tangent``; None where it is zero."""
    found = dict(zip(wrt, tangents, strict=True))
    sweeps.forward(sweeps.between(outputs, wrt), found, pushed_forward, added)
    return [found.get(node) for node in outputs]
