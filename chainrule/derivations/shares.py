"""The sum over examples, E = Σ_r E^r: each example's share of the cost and of its gradients."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from chainrule.derivations.steps import Shares
from chainrule.differentiate.entries import dense_jacobian
from chainrule.graph.node import Array, Node
from chainrule.interpret.run import evaluate
from chainrule.notation.reading import TakenApart
from chainrule.primitives.contraction import CONTRACT, contract
from chainrule.shapes import Labels

MOST = 10**5
"""Gradients of all examples together are not computed beyond as many numbers."""


def shares_of(output: Node, wrt: Mapping[Node, str]) -> Shares | None:
    """Each example's share, where a cost is a sum over the rows of its data.

    Parameters
    ----------
    output : Node
        The cost.
    wrt : mapping from Node to str
        What is differentiated by, with its names: examples are rows of anything but these.

    Returns
    -------
    Shares or None
        None where the cost is no such sum.
    """
    if output.ndim or output.primitive is not CONTRACT:
        return None
    parts = TakenApart({}, output, {}, ())
    parts.add(output, ())
    label = _example_label(parts.leaves, parts.sizes, wrt)
    if label is None or parts.deltas:
        return None
    nodes, labels = [node for node, _ in parts.leaves], [item for _, item in parts.leaves]
    size = parts.sizes[label]
    each = contract(nodes, labels, (label,), (size,), scale=parts.scale, dtype=output.dtype)
    (values,) = evaluate([each])
    return Shares(values, _gradients(each, wrt))


def _gradients(each: Node, wrt: Mapping[Node, str]) -> dict[str, Array]:
    """For each argument, one gradient an example, along a new axis in front."""
    wanted = {node: name for node, name in wrt.items() if each.size * node.size <= MOST}
    found = evaluate([dense_jacobian(each, node) for node in wanted])
    return dict(zip(wanted.values(), map(np.asarray, found), strict=True))


def _example_label(
    leaves: Sequence[tuple[Node, Labels]], sizes: Mapping[int, int], wrt: Collection[Node]
) -> int | None:
    """A summed label that runs over the rows of data and of no argument to differentiate by."""
    for label, size in sizes.items():
        everywhere = all(mine.count(label) == 1 for _, mine in leaves)
        if size > 1 and leaves and everywhere:
            places = [(node, mine.index(label)) for node, mine in leaves]
            if _runs_over_rows(places, wrt):
                return label
    return None


def _runs_over_rows(places: Sequence[tuple[Node, int]], wrt: Collection[Node]) -> bool:
    """Whether axes lead back to rows of two-dimensional data, and to no axis of the arguments.

    The rows of a matrix that multiplies a column are examples only where the column is what is
    differentiated by, as in Φθ: those of a layer's A f are its outputs.
    """
    pending, seen = list(places), set(places)
    is_batch = all(node.ndim > 1 for node, _ in places)
    rows = False
    while pending:
        node, axis = pending.pop()
        if node in wrt:
            return False
        behind = _behind(node, axis)
        if is_batch or any(item in wrt for item in node.inputs):
            rows = rows or any(k == 0 and i.ndim > 1 and not i.inputs for i, k in behind)
        new = [place for place in behind if place not in seen]
        seen.update(new)
        pending += new
    return rows


def _behind(node: Node, axis: int) -> list[tuple[Node, int]]:
    """The axes of a node's inputs along which it is a Kronecker delta."""
    found = []
    for position, item in enumerate(node.inputs):
        if not (node.differentiable and item.differentiable):
            continue
        for term in node.primitive.jacobian(node, position):
            label = term.out[axis]
            found += [(item, k) for k, into in enumerate(term.into) if into == label]
    return found
