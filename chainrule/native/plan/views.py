"""Where the elements of a value lie: slices, transposes and broadcasts are steps, never copies."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from chainrule.graph.node import Node
from chainrule.primitives.arrangement import RESHAPE
from chainrule.primitives.contraction import CONTRACT, is_relabelling
from chainrule.primitives.identities import ALIAS, DERIVED_AS, STOP_GRADIENT
from chainrule.primitives.selections import SLICE
from chainrule.shapes import Labels, Shape


class View(NamedTuple):
    """A value as elements of another one's array.

    Element ``i`` of the value is at ``offset + sum(i[k] * steps[k])`` of ``base``, which lies in
    row-major order.
    """

    base: Node
    steps: tuple[int, ...]
    offset: int = 0


def row_major(shape: Shape) -> tuple[int, ...]:
    """Steps between neighbours along each axis, in elements."""
    return tuple(prod(shape[k + 1 :]) for k in range(len(shape)))


def view_of(node: Node) -> View:
    """A node as a view of the nearest node that has elements of its own."""
    chain = []
    while _source(node) is not None:
        chain.append(node)
        node = node.inputs[0]
    view = View(node, row_major(node.shape))
    for outer in reversed(chain):
        view = _through(outer, view) or View(outer, row_major(outer.shape))
    return view


def is_view(node: Node) -> bool:
    """Whether the node only says where to find the elements of another."""
    return view_of(node).base is not node


def _source(node: Node) -> Node | None:
    """The input of a node that may be a view of it."""
    same = node.primitive in (SLICE, RESHAPE, ALIAS, DERIVED_AS, STOP_GRADIENT)
    return node.inputs[0] if same or (is_relabelling(node) and node.params.scale == 1.0) else None


def _through(node: Node, view: View) -> View | None:
    """The view of a node through one step; None where elements have to be moved."""
    if node.primitive is SLICE:
        offset = view.offset + sum(
            part.start * step for part, step in zip(node.params, view.steps, strict=True)
        )
        steps = tuple(part.step * step for part, step in zip(node.params, view.steps, strict=True))
        return View(view.base, steps, offset)
    if node.primitive is RESHAPE:
        is_row_major = view.steps == row_major(node.inputs[0].shape)
        return View(view.base, row_major(node.shape), view.offset) if is_row_major else None
    if node.primitive is CONTRACT:
        (labels,), out = node.params.operands, node.params.out
        return View(view.base, steps_along(out, labels, view.steps), view.offset)
    return view


def steps_along(wanted: Labels, labels: Labels, steps: tuple[int, ...]) -> tuple[int, ...]:
    """Steps along wanted labels of axes that carry labels: 0 along those it lacks."""
    return tuple(
        sum(step for label, step in zip(labels, steps, strict=True) if label == name)
        for name in wanted
    )
