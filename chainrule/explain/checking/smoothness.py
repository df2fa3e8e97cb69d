"""Differences of values: an independent look at the derivative, and at where there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from chainrule.explain.checking.findings import Case
from chainrule.explain.checking.subject import Subject
from chainrule.explain.checking.trials import Trial
from chainrule.graph.node import Array

MOST_ENTRIES = 32
"""Entries whose one-sided differences are taken."""

AGREED = 1e-5
"""Central differences extrapolated to order h⁶ with h = 1e-3 are good to about 1e-9 of the size of
the values; functions with large higher derivatives, and float32 data, take the rest."""


@dataclass(frozen=True)
class Kink:
    """An entry at which the derivatives from the left and from the right differ."""

    index: tuple[int, ...]
    left: Array
    right: Array

    def admits(self, value: Array, slack: float) -> bool:
        """Whether a value lies between the two."""
        low, high = np.minimum(self.left, self.right), np.maximum(self.left, self.right)
        return bool(np.all((low - slack <= value) & (value <= high + slack)))


def kinks(subject: Subject, case: Case, trial: Trial) -> list[Kink]:
    """The entries of the argument at which the function has a kink, among those that differ."""
    comparison = case.comparisons[case.trials.index(trial)]
    outer = comparison.true.ndim - case.leaf.ndim
    off = np.abs(comparison.given - comparison.true) > comparison.tolerance
    entries = off.any(axis=tuple(range(outer))) if outer else off
    found = []
    for index in [tuple(map(int, i)) for i in np.argwhere(entries)][:MOST_ENTRIES]:
        direction: Array = np.zeros(case.leaf.shape)
        direction[index] = 1.0
        left, right, size = _one_sided(_along(subject, case.which, trial, direction))
        if np.max(np.abs(left - right), initial=0.0) > AGREED * max(size, 1e-300):
            found.append(Kink(index, left, right))
    return found


def confirmed(subject: Subject, which: int, trial: Trial) -> bool:
    """Whether differences agree with the true derivative, along a random direction."""
    array = trial.arrays[which]
    direction = np.asarray(np.random.default_rng(1).standard_normal(array.shape))
    left, right, size = _one_sided(_along(subject, which, trial, direction))
    found = np.asarray(np.tensordot(trial.true[which], direction, array.ndim))
    slack = max(AGREED, float(np.sqrt(np.finfo(array.dtype).eps)) * 10) * max(size, 1.0)
    return bool(max(np.max(np.abs(side - found), initial=0.0) for side in (left, right)) <= slack)


def _along(
    subject: Subject, which: int, trial: Trial, direction: Array
) -> Callable[[float], Array]:
    """The function along a line through the point, in float64."""
    origin = [np.asarray(array, float) for array in trial.arrays]

    def value(t: float) -> Array:
        moved = [a + t * direction if k == which else a for k, a in enumerate(origin)]
        return np.asarray(
            subject.value(*subject.with_leaves(moved, trial.args, trial.kwargs)), float
        )

    return value


def _one_sided(value: Callable[[float], Array], h: float = 1e-3) -> tuple[Array, Array, float]:
    """The derivatives from the left and from the right, and the size of what they came from.

    Forward differences with steps h, h/2, …, h/16, extrapolated to an error of order h⁵.
    """
    here = value(0.0)
    sides, size = [], float(np.max(np.abs(here), initial=0.0))
    for sign in (-1.0, 1.0):
        row = []
        for k in range(5):
            step = h / 2**k
            row.append(sign * (value(sign * step) - here) / step)
        for order in range(1, 5):
            row = [(2**order * b - a) / (2**order - 1) for a, b in pairwise(row)]
        sides.append(np.asarray(row[0]))
        size = max(size, float(np.max(np.abs(row[0]), initial=0.0)))
    return sides[0], sides[1], size
