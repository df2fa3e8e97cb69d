"""Rows picked from an array, and rows added up at given places, as data.

A position outside of the array reads and writes nothing. It is noted, and raises NumPy's error when
the run is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.node import Array, Node, new_input
from chainrule.native.plan.loops import Access
from chainrule.native.plan.views import row_major, view_of
from chainrule.primitives.gathers import PUT, TAKE
from chainrule.shapes import Shape

WHOLE = np.dtype(np.int64)


class Gather(NamedTuple):
    """``out[p, i, j] = source[p, index[i], j]``, or ``out[p, index[i], j] += source[p, i, j]``.

    Attributes
    ----------
    shape : tuple of int
        The ranges of p, i and j.
    adds : bool
        Whether it is the second.
    size : int
        The axis that positions are on.
    source, positions, out : Access
        Along p, i and j; where the position takes the place of i, the step is that of the position.
    fault : Access
        Where a position outside of the axis is noted: that there is one, and which.
    """

    shape: Shape
    adds: bool
    size: int
    source: Access
    positions: Access
    out: Access
    fault: Access

    @property
    def reads(self) -> list[Access]:
        """What is loaded."""
        return [self.source, self.positions]

    @property
    def writes(self) -> list[Access]:
        """What is stored."""
        return [self.out, self.fault]

    def run(self, arrays: Mapping[Node, Array]) -> None:
        """The same with NumPy."""
        index = arrays[self.positions.array].reshape(-1)[self.positions.offset :][: self.shape[1]]
        source = arrays[self.source.array].reshape(-1)[self.source.offset :]
        out = arrays[self.out.array].reshape(self.shape[0], -1, self.shape[2])
        if self.adds:
            out[...] = 0
            values = source[: prod(self.shape)].reshape(self.shape)
            key: Any = (slice(None), index)
            np.add.at(out, key, values)
        else:
            whole = (self.shape[0], self.size, self.shape[2])
            out[...] = source[: prod(whole)].reshape(whole)[:, index]


def gather_of(node: Node) -> Gather | None:
    """A node that picks or adds up rows; None where its arrays lie otherwise in memory."""
    if node.primitive not in (TAKE, PUT):
        return None
    adds = node.primitive is PUT
    axis, size = node.params if adds else (node.params, node.inputs[0].shape[node.params])
    source, index = (view_of(item) for item in node.inputs)
    in_order = all(
        view.steps == row_major(item.shape)
        for view, item in zip((source, index), node.inputs, strict=True)
    )
    if not in_order or node.inputs[1].dtype != WHOLE or not node.size or not node.inputs[0].size:
        return None
    count = node.inputs[1].size
    before, after = prod(node.shape[:axis]), prod(node.inputs[0].shape[axis + 1 :])
    if adds:
        after = prod(node.shape[axis + 1 :])
    picked, placed = (size * after, after, 1), (count * after, after, 1)
    fault = new_input((2,), WHOLE)
    return Gather(
        (before, count, after),
        adds,
        size,
        Access(source.base, placed if adds else picked, source.offset),
        Access(index.base, (0, 1, 0), index.offset),
        Access(node, picked if adds else placed),
        Access(fault, (0, 0, 0)),
    )


def check_faults(gathers: Mapping[Node, int], arrays: Mapping[Node, Array]) -> None:
    """Raise for a position that was outside of its axis.

    Raises
    ------
    IndexError
        As NumPy does.
    """
    for node, size in gathers.items():
        found, position = arrays[node]
        if found:
            arrays[node][...] = 0
            raise IndexError(f"index {position} is out of bounds for an axis of size {size}")
