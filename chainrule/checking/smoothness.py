"""Differences of values: an independent look at the derivative, and at where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.checking.findings import Case, Comparison
from chainrule.checking.subject import Subject
from chainrule.checking.trials import Trial
from chainrule.graph.node import Array
from chainrule.numerics.differences import Line, extrapolated, one_sided

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


@dataclass(frozen=True)
class AtKinks:
    """Differences that all stand at kinks.

    Attributes
    ----------
    trial : Trial
        A point with one.
    kink : Kink
        The first there; where there are values that cannot be, the first of those.
    yours, ours : float
        The given derivative and the one by this library's convention.
    count : int
        The entries with a kink at that point.
    is_admitted : bool
        Whether all given values lie between the derivatives from the left and from the right.
    """

    trial: Trial
    kink: Kink
    yours: float
    ours: float
    count: int
    is_admitted: bool


def only_at_kinks(subject: Subject, case: Case) -> AtKinks | None:
    """Whether all differences, at every point, stand at kinks of the function."""
    found: list[AtKinks] = []
    for trial, comparison in zip(case.trials, case.comparisons, strict=True):
        if not comparison.agrees:
            at = _all_kinks(subject, case, trial, comparison)
            if at is None:
                return None
            found.append(at)
    return min(found, key=lambda at: at.is_admitted) if found else None


def _all_kinks(
    subject: Subject, case: Case, trial: Trial, comparison: Comparison
) -> AtKinks | None:
    if not np.isfinite(comparison.given).all():
        return None
    entries = _differing(case, comparison)
    if len(entries) > MOST_ENTRIES:
        return None
    slack = 1e-4 * max(comparison.scale, 1.0)
    found: list[AtKinks] = []
    for index in entries:
        kink = _kink(subject, case, trial, index)
        if kink is None:
            return None
        given, true = (column(a, index).ravel() for a in (comparison.given, comparison.true))
        most = int(np.argmax(np.abs(given - true)))
        admitted = kink.admits(given, slack)
        found.append(
            AtKinks(trial, kink, float(given[most]), float(true[most]), len(entries), admitted)
        )
    return min(found, key=lambda at: at.is_admitted)


def _differing(case: Case, comparison: Comparison) -> list[tuple[int, ...]]:
    """The entries of the argument by which the derivatives differ."""
    outer = comparison.true.ndim - case.leaf.ndim
    off = np.abs(comparison.given - comparison.true) > comparison.tolerance
    entries = off.any(axis=tuple(range(outer))) if outer else off
    return [tuple(map(int, index)) for index in np.argwhere(entries)]


def _kink(subject: Subject, case: Case, trial: Trial, index: tuple[int, ...]) -> Kink | None:
    direction: Array = np.zeros(case.leaf.shape)
    direction[index] = 1.0
    left, right, size = _one_sided(_along(subject, case.which, trial, direction))
    if not np.max(np.abs(left - right), initial=0.0) > AGREED * max(size, 1e-300):
        return None
    return Kink(index, left.ravel(), right.ravel())


def column(array: Array, index: tuple[int, ...]) -> Array:
    """The derivatives of all results by one entry of the argument."""
    key: Any = (..., *index)
    return np.asarray(array[key])


def confirmed(subject: Subject, which: int, trial: Trial) -> bool:
    """Whether differences agree with the true derivative, along a random direction."""
    array = trial.arrays[which]
    direction = np.asarray(np.random.default_rng(1).standard_normal(array.shape))
    left, right, size = _one_sided(_along(subject, which, trial, direction))
    found = np.asarray(np.tensordot(trial.true[which], direction, array.ndim))
    slack = max(AGREED, float(np.sqrt(np.finfo(array.dtype).eps)) * 10) * max(size, 1.0)
    return bool(max(np.max(np.abs(side - found), initial=0.0) for side in (left, right)) <= slack)


def _along(subject: Subject, which: int, trial: Trial, direction: Array) -> Line:
    """The function along a line through the point, in float64."""
    origin = [np.asarray(array, float) for array in trial.arrays]

    def value(t: float) -> Array:
        moved = [a + t * direction if k == which else a for k, a in enumerate(origin)]
        return np.asarray(
            subject.value(*subject.with_leaves(moved, trial.args, trial.kwargs)), float
        )

    return value


def _one_sided(value: Line, h: float = 1e-3) -> tuple[Array, Array, float]:
    """The derivatives from the left and from the right, and the size of what they came from.

    The error of differences with steps h, h/2, …, h/16 is of order h⁵.
    """
    here = value(0.0)
    left, right = (extrapolated(one_sided(value, here, step, 5), 1) for step in (-h, h))
    size = max(float(np.max(np.abs(a), initial=0.0)) for a in (here, left, right))
    return left, right, size
