"""In which orders NumPy may hold an array in memory: views, copies and orders K and A go by that.

NumPy is not asked for the order in which it would hold a traced value. It is told by how the value
came about, where that is certain; elsewhere every order that may be is tried, and an answer that
depends on it is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations, product
from typing import NamedTuple

import numpy as np

from chainrule.graph.node import CONSTANT, INPUT, Array, Node
from chainrule.primitives.contraction import CONTRACT
from chainrule.primitives.gathers import TAKE
from chainrule.tracing.session import current

MOST_AXES = 4
"""With more axes, not all orders are tried: an answer that depends on the order is refused."""


class Layout(NamedTuple):
    """The axes from the slowest to the fastest in memory, and the steps between elements."""

    axes: tuple[int, ...]
    steps: tuple[int, ...]
    """Of each axis, in the array's own order: 1, 2 for gaps, negative where it is reversed."""

    def array(self, shape: tuple[int, ...]) -> Array:
        """An array of this shape and layout, whose contents are arbitrary."""
        if not shape:
            return np.zeros(())
        memory = np.zeros([shape[axis] * abs(self.steps[axis]) for axis in self.axes])
        turned = memory.transpose(np.argsort(self.axes))
        return turned[tuple(slice(None, None, step) for step in self.steps)]


def layouts(node: Node) -> list[Layout]:
    """The layouts that an array which owns its memory may have; empty if they are too many."""
    rows = tuple(range(node.ndim))
    session = current()
    known = session is not None and session.row_major
    if known and not _may_be_turned(node):
        return [Layout(rows, (1,) * node.ndim)]
    if node.ndim > MOST_AXES:
        return []
    is_given = node.primitive in (INPUT, CONSTANT)
    steps = (1, -1, 2) if is_given and not known else (1,)
    return [
        Layout(axes, each)
        for axes in permutations(rows)
        for each in product(steps, repeat=node.ndim)
    ]


def forget_order(array: Array | None = None) -> None:
    """From now on the order is uncertain, unless this array lies in the order of rows."""
    session = current()
    if session is not None and not (array is not None and array.flags.c_contiguous):
        session.row_major = False


def same_for_all(node: Node, answer: Callable[[Array], Array | None]) -> tuple[bool, Array | None]:
    """What is answered for each layout that the array may have; False if answers differ."""
    answers = [answer(layout.array(node.shape)) for layout in layouts(node)]
    if not answers:
        return False, None
    first = answers[0]
    is_certain = all(_is_same(item, first) for item in answers)
    return is_certain, first if is_certain else None


def _is_same(one: Array | None, other: Array | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.flags.writeable == other.flags.writeable and np.array_equal(one, other)


def _may_be_turned(node: Node) -> bool:
    """Whether NumPy may hold a result in another order than that of rows.

    Elementwise results follow the layout of their inputs, so a transpose shows through them.
    """
    stack, seen = [node], {node}
    while stack:
        node = stack.pop()
        if node.ndim < 2:
            continue
        if node.primitive is TAKE or (node.primitive is CONTRACT and _turns(node)):
            return True
        if node.primitive is CONTRACT and _is_matrix_product(node):
            continue
        fresh = [item for item in node.inputs if item not in seen]
        stack.extend(fresh)
        seen.update(fresh)
    return False


def _turns(node: Node) -> bool:
    out = node.params.out
    moved = [[out.index(n) for n in labels if n in out] for labels in node.params.operands]
    return any(order != sorted(order) for order in moved) or list(out) != sorted(out)


def _is_matrix_product(node: Node) -> bool:
    """NumPy makes a new array for it, in the order of rows."""
    out, sizes = node.params.out, node.params.sizes
    return len(node.inputs) > 1 and node.ndim == 2 and len(out) < len(sizes)
