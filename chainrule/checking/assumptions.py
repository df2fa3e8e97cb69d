"""What a gradient may take for granted of the data: symmetric matrices, weights that sum to 1.

It is asked at points where that holds; if it is right there, the assumption is the slip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.checking.findings import Case, Comparison, Finding
from chainrule.checking.given import Given
from chainrule.checking.layouts import accepted
from chainrule.checking.relations import proportional, symmetric_conventions
from chainrule.checking.trials import Trial, tried
from chainrule.signatures import parameter_names

POINTS = 3
"""Points at which an assumption is made to hold."""

SEEN = "with every square matrix made symmetric, your gradient is right"


def is_right_if_symmetric(given: Given, case: Case) -> tuple[bool, list[Finding]]:
    """Whether the gradient is right where every square matrix is symmetric.

    If it is not, it may be a gradient by a symmetric matrix: what it is then comes second.
    """
    held = _where(given, case, _symmetrised)
    if held is None:
        return False, []
    if all(c.agrees for c in held.comparisons):
        return True, []
    found = [replace(item, cost=1.7) for item in symmetric_conventions(held)]
    found += [
        Finding("symmetric only", f"{item.says}, where matrices are symmetric", 2.2 + item.cost)
        for item in proportional(held)
    ]
    return False, found[:1]


def sums_to_one(given: Given, case: Case) -> Iterator[Finding]:
    """Right if the entries of one argument, along an axis, sum to 1."""
    names = parameter_names(given.subject.f)
    for key, argument in enumerate(case.trials[0].args):
        if key in given.subject.keys or not _is_positive(argument):
            continue
        name = names[key] if key < len(names) else f"argument {key}"
        for axis in range(argument.ndim):
            held = _where(given, case, _normalised(key, axis))
            if held is not None and all(c.agrees for c in held.comparisons):
                what = f"along axis {axis}" if argument.ndim > 1 else "in all"
                says = f"is right only if {name} sums to 1 {what}: it takes that sum for 1"
                seen = f"with {name} divided by its sums, your gradient is right"
                yield Finding("sums to one", says, 1.6, (seen,))


Change = Callable[[Sequence[Any]], tuple[Any, ...]]


def _where(given: Given, case: Case, change: Change) -> Case | None:
    """The case at a few of its points, with other arguments; None if they are not changed."""
    if not given.is_function:
        return None
    trials: list[Trial] = []
    points = [(trial, change(trial.args)) for trial in case.trials[:POINTS]]
    if all(a is b for trial, args in points for a, b in zip(args, trial.args, strict=True)):
        return None
    for trial, args in points:
        found = tried(given, args, trial.kwargs, "a point where it holds")
        if found is not None:
            trials.append(found)
    pairs = [(trial, _compared(case, trial)) for trial in trials]
    kept = [(trial, comparison) for trial, comparison in pairs if comparison is not None]
    if not kept:
        return None
    return Case(case.which, case.label, *map(tuple, zip(*kept, strict=True)))


def _compared(case: Case, trial: Trial) -> Comparison | None:
    array = accepted(trial.given[case.which], case.output.shape, case.leaf.shape)
    if array is None or not np.isfinite(array).all():
        return None
    return Comparison(trial.where, array, trial.true[case.which], trial.tolerances[case.which])


def _symmetrised(args: Sequence[Any]) -> tuple[Any, ...]:
    return tuple((a + a.T) / 2 if _is_square(a) and not np.array_equal(a, a.T) else a for a in args)


def _is_square(argument: Any) -> bool:
    return isinstance(argument, np.ndarray) and argument.ndim == 2 and (
        argument.shape[0] == argument.shape[1] > 1 and argument.dtype.kind == "f"
    )  # fmt: skip


def _is_positive(argument: Any) -> bool:
    """Whether an argument may be weights: an array without negative entries."""
    return isinstance(argument, np.ndarray) and argument.ndim in (1, 2) and (
        argument.dtype.kind == "f" and argument.size > 1 and bool((argument >= 0).all())
    )  # fmt: skip


def _normalised(key: int, axis: int) -> Change:
    def change(args: Sequence[Any]) -> tuple[Any, ...]:
        total = args[key].sum(axis=axis, keepdims=True)
        if not (total > 0).all() or np.allclose(total, 1.0, rtol=1e-6):
            return tuple(args)
        return (*args[:key], args[key] / total, *args[key + 1 :])

    return change
