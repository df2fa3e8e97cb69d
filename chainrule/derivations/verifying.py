"""Each step's value beside one that no rule had a part in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from chainrule.derivations.independent import (
    SINGLE,
    TOLERANCES,
    Downstream,
    Reference,
    derivative,
    reference,
)
from chainrule.derivations.steps import Check, Disagreement
from chainrule.graph.node import Array, Node
from chainrule.numerics.complex_step import STEP
from chainrule.numerics.entries import entry_at_fault, most_apart, unit

FLOOR = 1e-4
"""Of a derivative's natural size |v| / |q|, where v are the values between q and the result.

Smaller ones are judged by that size, since rounding of v is of size 1e-16 |v|.
"""


class Verifier:
    """Checks derivatives of one output."""

    def __init__(
        self, order: Sequence[Node], output: Node, values: Mapping[Node, Array],
        kinks: Sequence[Node],
    ) -> None:  # fmt: skip
        self.order, self.output, self.values = order, output, values
        self.kinks = frozenset(kinks)

    @np.errstate(all="ignore")
    def check(self, node: Node, value: Array) -> Check:
        """The value of ∂output/∂node, of shape ``output.shape + node.shape``, checked."""
        downstream = Downstream(self.order, node, self.output, self.values)
        has_kink = any(item in self.kinks for item in downstream.nodes)
        found = reference(downstream, has_kink)
        axes = node.ndim
        mine = [np.tensordot(value, d, axes) if axes else value * d for d in found.directions]
        scale = self._scale(downstream)
        errors = [_error(a, b, scale) for a, b in zip(mine, found.values, strict=True)]
        error = max(errors, default=0.0)
        single = np.float32 in (node.dtype.type, self.output.dtype.type)
        tolerance = max(TOLERANCES[found.method], SINGLE if single else 0.0)
        smooth = all(_error(a, b, scale) <= tolerance for a, b in found.one_sided)
        ok = bool(error <= tolerance) and smooth
        note = ""
        if not smooth:
            note = "no derivative at this point: right and left differ"
        entry = None if ok or note or not value.size else _entry_at_fault(downstream, value, found)
        return Check(float(error), tolerance, found.method, ok, note, entry)

    def _scale(self, downstream: Downstream) -> float:
        """The size from which on a derivative is more than the rounding of what lies between."""
        size = _largest(self.values[downstream.source]) or 1.0
        between = [_largest(self.values[node]) for node in downstream.nodes]
        return FLOOR * max(between, default=0.0) / size + STEP


def _entry_at_fault(downstream: Downstream, value: Array, found: Reference) -> Disagreement:
    """One entry of a wrong derivative, with both values."""
    shape = downstream.source.shape

    def both(direction: Array) -> tuple[Array, Array]:
        mine = np.tensordot(value, direction, len(shape)) if shape else value * direction
        return np.asarray(mine), np.asarray(derivative(downstream, direction, found.method))

    def error(direction: Array) -> float:
        mine, other = both(direction)
        return float(np.linalg.norm(mine - other))

    column = entry_at_fault(error, max(found.directions, key=error))
    mine, other = both(unit(shape, column))
    row = most_apart(mine, other)
    return Disagreement((*row, *column), float(mine[row]), float(other[row]))


def _largest(array: Array) -> float:
    """The largest finite entry, without its sign."""
    return float(np.abs(array[np.isfinite(array)]).max(initial=0.0))


def _error(mine: Array, other: Array, floor: float) -> float:
    size = max(float(np.linalg.norm(mine)), float(np.linalg.norm(other)), floor)
    difference = float(np.linalg.norm(np.asarray(mine) - np.asarray(other)))
    return difference / size if size else difference
