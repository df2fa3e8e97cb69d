"""The smallest counterexample: a simple point at which a gradient is still wrong, and one entry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.checking.entries import entry_text
from chainrule.checking.findings import Case, Comparison
from chainrule.checking.given import Given
from chainrule.checking.layouts import accepted
from chainrule.checking.report import Counterexample
from chainrule.checking.smoothness import confirmed
from chainrule.checking.trials import Trial, trial_at
from chainrule.errors import ChainruleError
from chainrule.graph.node import INPUT, Array
from chainrule.graph.walk import topological

TRIES = 40
"""Points that are tried, at most, while making one simpler."""

OPERATIONS = 1500
"""Of a program, at all points together: a long program is tried at fewer."""

LARGEST = 200
"""Entries of an argument up to which a point of whole numbers is simpler than any other."""

SIMPLE = "a point with small whole numbers"


def worst_entry(given: Given, case: Case) -> Counterexample:
    """The entry that is most wrong, at the simplest point that was found."""
    trial = next(
        (t for t, c in zip(case.trials, case.comparisons, strict=True) if not c.agrees),
        case.trials[0],
    )
    is_small = sum(array.size for array in case.trials[0].arrays) <= LARGEST
    simple = _simplest(given, case) if given.is_function and is_small else None
    return _entry(case, simple or trial)


def _entry(case: Case, trial: Trial) -> Counterexample:
    comparison = _compared(case, trial)
    assert comparison is not None, "only points with a gradient of the right shape are used"
    yours, true = comparison.given, comparison.true
    if case.output.size == 1:
        yours, true = yours.reshape(case.leaf.shape), true.reshape(case.leaf.shape)
    with np.errstate(all="ignore"):
        gap = np.nan_to_num(np.abs(yours - true), nan=np.inf)
    index = tuple(map(int, np.unravel_index(int(gap.argmax()), gap.shape)))
    labels = trial.recorded.names
    point = {
        labels[node]: node.value
        for node in dict.fromkeys([*trial.recorded.wrt, *topological([trial.recorded.output])])
        if node.primitive is INPUT and node in labels
    }
    return Counterexample(
        case.quantity + (entry_text(index) if index else ""), index,
        float(yours[index]), float(true[index]), point, trial.where,
    )  # fmt: skip


def _compared(case: Case, trial: Trial) -> Comparison | None:
    given = accepted(trial.given[case.which], case.output.shape, case.leaf.shape)
    if given is None:
        return None
    tolerance = trial.tolerances[case.which]
    return Comparison(trial.where, given, trial.true[case.which], tolerance)


def _simplest(given: Given, case: Case) -> Trial | None:
    """The first simple point at which the gradient is wrong, with entries made zero one by one.

    The other arguments are rounded to whole numbers too, if it is wrong there still.
    """
    length = len(topological([case.output]))
    budget = iter(range(min(TRIES, max(OPERATIONS // length, 6))))
    first = case.trials[0]
    rounded = tuple(_rounded(arg) for arg in first.args)
    for args in (rounded, first.args):
        for arrays in _simple_points(first.arrays):
            if next(budget, None) is None:
                return None
            found = _wrong_at(given, case, arrays, args)
            if found is not None:
                return _with_zeros(given, case, found, budget)
    return None


def _rounded(argument: Any) -> Any:
    """An array in whole numbers; a single number, such as a rate, as it is."""
    is_array = isinstance(argument, np.ndarray) and argument.ndim and argument.dtype.kind == "f"
    return np.round(argument) + 0.0 if is_array else argument


def _wrong_at(
    given: Given, case: Case, arrays: Sequence[Array], args: tuple[Any, ...]
) -> Trial | None:
    """The trial at a point, if the gradient is wrong there and differences say so too."""
    point = given.subject.with_leaves(arrays, args, case.trials[0].kwargs)
    try:
        trial = trial_at(given, *point, SIMPLE)
    except (ChainruleError, ArithmeticError, ValueError, IndexError):
        return None
    comparison = _compared(case, trial) if trial is not None else None
    if trial is None or comparison is None or comparison.agrees:
        return None
    visible = np.abs(comparison.given - comparison.true).max() > 1e-6 * max(comparison.scale, 1e-6)
    return trial if visible and confirmed(given.subject, case.which, trial) else None


def _simple_points(arrays: Sequence[Array]) -> Iterator[list[Array]]:
    """Ones, the first whole numbers, small whole numbers of both signs, and the point rounded."""
    counts = [np.arange(1, a.size + 1).reshape(a.shape) for a in arrays]
    makers = (
        [np.ones(a.shape) for a in arrays],
        [np.where(c % 2 == 1, 1, 2) for c in counts],
        [(c - 1) % 3 + 1 for c in counts],
        [(c * c + 1) % 5 - 2 for c in counts],
        [np.round(a) + 0.0 for a in arrays],
    )
    for made in makers:
        yield [np.asarray(m, a.dtype) for m, a in zip(made, arrays, strict=True)]


def _with_zeros(given: Given, case: Case, found: Trial, budget: Iterator[int]) -> Trial:
    """The same point with as many entries zero as it may have and still be wrong."""
    for k, array in enumerate(found.arrays):
        for index in np.ndindex(array.shape):
            if next(budget, None) is None:
                return found
            arrays = [a.copy() for a in found.arrays]
            arrays[k][index] = 0
            simpler = _wrong_at(given, case, arrays, found.args)
            if simpler is not None:
                found = simpler
    return found
