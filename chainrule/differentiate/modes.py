"""Reverse and forward mode over a graph: cotangents pulled back, tangents pushed forward.

Both ask each primitive for its local Jacobian, and for nothing else. All walks are loops.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.graph.node import Node
from chainrule.graph.walk import dependents, older_than, topological
from chainrule.jacobian.apply import pull_back, push_forward
from chainrule.primitives.arithmetic import sum_of
from chainrule.primitives.contraction import full


def zeros(like: Node) -> Node:
    """Zeros of a node's shape and dtype."""
    return full(like.shape, 0.0, like.dtype)


def ones(like: Node) -> Node:
    """Ones of a node's shape and dtype."""
    return full(like.shape, 1.0, like.dtype)


def _added(total: Node | None, part: Node | None) -> Node | None:
    if total is None or part is None:
        return part if total is None else total
    return sum_of(total, part)


def reverse(
    outputs: Sequence[Node], cotangents: Sequence[Node], wrt: Sequence[Node]
) -> list[Node | None]:
    """Cotangents of ``wrt``: the sum over outputs of ``cotangent^T J``, as in (5.115)-(5.118).

    Returns
    -------
    list
        One node for each of ``wrt``, of its shape and dtype; None where no output depends on it.
    """
    sources = set(wrt)
    order = topological(outputs, stop=older_than(sources))
    active = dependents(order, sources)
    found: dict[Node, Node] = {}
    for node, cotangent in zip(outputs, cotangents, strict=True):
        if node in active and node.differentiable:
            total = _added(found.get(node), cotangent)
            if total is not None:
                found[node] = total
    for node in reversed(order):
        if node not in found or node in sources:
            continue
        cotangent = found.pop(node)
        for position, item in enumerate(node.inputs):
            if item in active and item.differentiable:
                terms = node.primitive.jacobian(node, position)
                part = _added(found.get(item), pull_back(terms, cotangent, item))
                if part is not None:
                    found[item] = part
    return [found.get(node) for node in wrt]


def forward(
    outputs: Sequence[Node], wrt: Sequence[Node], tangents: Sequence[Node]
) -> list[Node | None]:
    """Tangents of the outputs: the sum over ``wrt`` of ``J tangent``; None where it is zero."""
    found: dict[Node, Node] = dict(zip(wrt, tangents, strict=True))
    sources = set(wrt)
    for node in topological(outputs, stop=older_than(sources)):
        if node in sources or not node.differentiable:
            continue
        total: Node | None = None
        for position, item in enumerate(node.inputs):
            if item in found:
                terms = node.primitive.jacobian(node, position)
                total = _added(total, push_forward(terms, found[item], node))
        if total is not None:
            found[node] = total
    return [found.get(node) for node in outputs]
