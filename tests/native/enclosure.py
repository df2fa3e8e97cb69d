"""What a graph's values may be in floating point: bounds that every right program keeps.

Each value is enclosed between two numbers of extended precision. Inputs are exact. An operation is
evaluated at the ends of its inputs' bounds, and its own rounding is added: one unit in the last
place for what IEEE 754 rounds correctly, four for the other functions, and for a sum of n terms
with k factors each 1.01 (n + k + 1) · eps/2 · Σ|terms|, which holds for every order of adding them
(N. Higham, Accuracy and stability of numerical algorithms, 3.1 and 4.2). What is exact has no
width: whole numbers stay points under +, −, ×, and so does what is only moved, compared or chosen.

Where bounds cannot say anything, as for ∞ − ∞ in one order and not in another, everything is
allowed. `Undecided` is raised where a position or a branch depends on values that are not points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.graph.node import Node
from chainrule.graph.program import Graph
from tests.native.bounded_operations import bounds_of
from tests.native.bounds import Array, Bounds, exactly


def enclose(graph: Graph, arguments: Sequence[Array]) -> list[Bounds]:
    """The bounds of a graph's results for these arguments."""
    values = dict(zip(graph.inputs, map(exactly, arguments), strict=True))
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            if node in values:
                continue
            if not node.inputs:
                assert node.value is not None
                values[node] = exactly(node.value)
            else:
                values[node] = bounds_of(node, [values[item] for item in node.inputs])
            assert values[node].lo.shape == node.shape, f"{node}: bounds of {values[node].lo.shape}"
    return [values[node] for node in graph.outputs]


def fault(found: Any, bounds: Bounds, node: Node) -> str:
    """What is wrong with a result, in words; empty where it keeps its bounds."""
    array = np.asarray(found)
    if array.shape != node.shape or array.dtype != node.dtype:
        return f"{array.dtype}{list(array.shape)} instead of {node.dtype}{list(node.shape)}"
    with np.errstate(all="ignore"):
        if node.dtype.kind != "f":
            right = (array >= bounds.lo) & (array <= bounds.hi)
        else:
            inside = (array >= bounds.lo) & (array <= bounds.hi) & (bounds.nan < 2)
            right = inside | (np.isnan(array) & (bounds.nan > 0))
            one_zero = (bounds.lo == 0) & (bounds.hi == 0)
            one_zero &= np.signbit(bounds.lo) == np.signbit(bounds.hi)
            right &= ~one_zero | np.isnan(array) | (np.signbit(array) == np.signbit(bounds.lo))
    if right.all():
        return ""
    place = tuple(int(k) for k in np.argwhere(~right)[0])
    lo, hi, nan = (part[place] for part in bounds)
    allowed = "NaN" if nan == 2 else f"{lo!s} to {hi!s}{' or NaN' if nan else ''}"
    return f"{array[place]!r} at {list(place)}, where {allowed} is right"
