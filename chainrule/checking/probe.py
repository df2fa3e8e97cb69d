"""Whether a changed backward pass may explain the numbers, seen without running all of it.

A pass hands the cotangent of a node to its inputs, and ⟨gradient, v⟩ is ⟨ȳ, ẏ⟩ at any cut through
the program, where ẏ is the tangent that the direction v of the argument gives. So what one changed
step does to ⟨gradient, v⟩ is seen at that step: it is what it hands on times the tangents there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from chainrule.checking.backward import BackwardPass, Effort, Part, Values
from chainrule.checking.findings import Comparison
from chainrule.checking.slips import Slip
from chainrule.graph.node import Array, Node, constant

DIRECTIONS = 3
"""Of the argument: with fewer, a wrong candidate may pass up to a factor."""

SLACK = 50.0
"""Times the root of the unit roundoff, relative: the probe only says what need not be looked at."""


class Pass(NamedTuple):
    """The cotangents of a backward pass, and ⟨gradient, v⟩ for every direction."""

    cotangents: Mapping[Node, Node]
    along: Array


class Probe:
    """Projections of the gradient along a few directions of the argument, at one point.

    Parameters
    ----------
    backward : BackwardPass
    values : Values
        At the point.
    comparison : Comparison
        What was given there.
    effort : Effort
        Where steps are counted.
    """

    def __init__(
        self, backward: BackwardPass, values: Values, comparison: Comparison, effort: Effort
    ) -> None:
        self.backward, self.values = backward, values
        self._effort = effort
        self._gone: dict[tuple[Node, Node], Array] = {}
        rng = np.random.default_rng(2)
        leaf = backward.leaf
        drawn = [rng.standard_normal(leaf.shape) for _ in range(DIRECTIONS)]
        directions = [np.asarray(direction, leaf.dtype) for direction in drawn]
        self._tangents = [self._pushed(direction) for direction in directions]
        self._directions = directions
        self.given = self.along(comparison.given.reshape(leaf.shape))
        size = max(float(np.abs(direction).sum()) for direction in directions)
        self._slack = comparison.tolerance * size
        self._relative = SLACK * float(np.sqrt(np.finfo(leaf.dtype).eps))
        right = values.keep(backward.gradient)
        self.right = Pass(backward.cotangents, self.along(right))

    def along(self, gradient: Array) -> Array:
        """⟨gradient, v⟩ for every direction."""
        return np.asarray([float(np.vdot(gradient, v)) for v in self._directions])

    def _pushed(self, direction: Array) -> dict[Node, Array]:
        """The tangent of every node on the way."""
        found = self.backward.pushed(constant(direction))
        return {node: self.values.keep(tangent) for node, tangent in found.items()}

    def changed(self, base: Pass, slip: Slip) -> Array | None:
        """⟨gradient, v⟩ of a pass with one more step changed; None where it is not one step."""
        if len(slip.changes) != 1 or slip.made is not None:
            return None
        ((node, step),) = slip.changes.items()
        cotangent = base.cotangents.get(node)
        if cotangent is None:
            return None
        gone = self._gone.get((node, cotangent))
        if gone is None:
            gone = self.handed(self.backward.step(node, cotangent))
            self._gone[node, cotangent] = gone
        if slip.slope is None:
            return base.along - gone + self.handed(step(cotangent))
        with np.errstate(all="ignore"):
            new = self.values.keep(cotangent) * self.values(slip.slope.factor)
        return base.along - gone + self.inner(new, slip.slope.item)

    def through(self, node: Node) -> Array:
        """The share of ⟨gradient, v⟩ that leads through a node."""
        cotangent = self.right.cotangents.get(node)
        if cotangent is None:
            return np.zeros(DIRECTIONS)
        return self.inner(self.values(cotangent), node)

    def handed(self, parts: Iterable[Part]) -> Array:
        """⟨what is handed on, tangents⟩."""
        total = np.zeros(DIRECTIONS)
        for part in parts:
            self._effort.spend(3)
            if part.cotangent is not None:
                total += self.inner(self.values(part.cotangent), part.item)
        return total

    def inner(self, cotangent: Array, node: Node) -> Array:
        """⟨cotangent, tangent⟩ of a node, for every direction."""
        with np.errstate(all="ignore"):
            return np.asarray([
                float(np.vdot(cotangent, tangents[node])) if node in tangents else 0.0
                for tangents in self._tangents
            ])  # fmt: skip

    def fits(self, along: Array | None, given: Array | None = None) -> bool:
        """Whether projections are a multiple of those of what was given, or not known."""
        wanted = self.given if given is None else given
        if along is None:
            return True
        if not np.isfinite(along).all():  # and what was given is finite
            return False
        square = float(along @ along)
        if square == 0.0:
            return False
        factor = float(along @ wanted) / square
        size = float(np.abs(wanted).max()) + abs(factor) * float(np.abs(along).max())
        slack = self._relative * size + self._slack * max(1.0, abs(factor))
        return bool(np.abs(wanted - factor * along).max() <= slack)
