"""cr.check: a gradient that was worked out by hand against the true one, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.checking.counterexample import worst_entry
from chainrule.checking.diagnosis import diagnosed, systematic
from chainrule.checking.entries import entry_text
from chainrule.checking.findings import Case, Comparison, Finding
from chainrule.checking.given import Given, read
from chainrule.checking.layouts import accepted, shape_finding
from chainrule.checking.naming import Words
from chainrule.checking.report import CheckReport
from chainrule.checking.smoothness import AtKinks, confirmed, only_at_kinks
from chainrule.checking.subject import subject
from chainrule.checking.trials import Trial, largest_difference, trials
from chainrule.differentiate.problem import Wrt

SEED = 0


def check(
    f: Callable[..., Any], gradient: Any, *args: Any, wrt: Wrt = 0, **kwargs: Any
) -> CheckReport:
    """Whether a gradient or Jacobian worked out by hand is right and, if not, what went wrong.

    Parameters
    ----------
    f : callable
        A function in plain NumPy that returns one number or one array.
    gradient : callable, array, or a container of arrays
        A function of f's own arguments that returns the derivative, or its value at the point
        given. It has the argument's shape, or that of f's result followed by the argument's
        (numerator layout); with several ``wrt``, it is a tuple or a dict of them.
    *args
        The point: f's arguments.
    wrt : int, str, or a tuple of them
        The arguments that it is the derivative by, as in :func:`grad`.
    **kwargs
        f's keyword arguments.

    Returns
    -------
    CheckReport
        True if right. ``print(report)`` shows the diagnosis, what it rests on, and a wrong entry at
        a simple point.

    Raises
    ------
    ArgumentError
        If the gradient function fails, or f is not finite at the point.

    Notes
    -----
    A gradient function is compared at five random points around the given one too. Candidates for
    the slip are backward passes (5.115)-(5.118) with one step changed, compared at all points.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> def E(theta, Phi, y):
    ...     e = y - Phi @ theta
    ...     return e @ e
    >>> def by_hand(theta, Phi, y):
    ...     return -(y - Phi @ theta) @ Phi
    >>> Phi, y = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]]), np.array([1.0, 0.0, 2.0])
    >>> report = cr.check(E, by_hand, np.array([0.5, -0.5]), Phi, y)
    >>> report.ok
    False
    >>> report.diagnosis
    '∂E/∂theta is half the right one: a factor 2 is missing'
    """
    of = subject(f, wrt, args, kwargs)
    given = read(gradient, of)
    with np.errstate(all="ignore"):  # what is not finite is seen in the numbers
        found = trials(given, args, kwargs, SEED)
        parts = tuple(_judged(given, found, k) for k in range(len(of.labels)))
    return parts[0] if len(parts) == 1 else _together(parts)


def _judged(given: Given, found: Sequence[Trial], which: int) -> CheckReport:
    """The report on one array."""
    first = found[0].recorded
    words = Words(first.names)
    output, leaf = first.output, first.wrt[which]
    quantity = words.partial(output, leaf)
    pairs = []
    for trial in found:
        array = accepted(trial.given[which], output.shape, leaf.shape)
        if array is None:
            return _reported(shape_finding(found, which, words), quantity, error=float("nan"))
        true, tolerance = trial.true[which], trial.tolerances[which]
        pairs.append((trial, Comparison(trial.where, array, true, tolerance)))
    case = Case(which, given.subject.labels[which], *map(tuple, zip(*pairs, strict=True)))
    error = max(_relative(c) for c in case.comparisons)
    if all(c.agrees for c in case.comparisons):
        return _right(case, quantity, error)
    at = only_at_kinks(given.subject, case)
    if at is not None:
        return _at_kink(case, quantity, at, error)
    finding = None
    if _is_rounding(case):
        finding = systematic(case)
        if finding is None:
            return _rounded(case, quantity, error)
    finding = finding or diagnosed(given, case)
    if not confirmed(given.subject, which, found[0]):
        finding = _doubted(finding)
    report = _reported(finding, quantity, error)
    return CheckReport(
        report.ok, report.kind, report.diagnosis, report.evidence, worst_entry(given, case), error
    )


def _reported(finding: Finding, quantity: str, error: float) -> CheckReport:
    diagnosis = f"{quantity} {finding.says}"
    return CheckReport(False, finding.kind, diagnosis, finding.evidence, None, error)


def _relative(comparison: Comparison) -> float:
    gap = largest_difference(comparison.given, comparison.true)
    return gap / max(float(np.max(np.abs(comparison.true), initial=0.0)), 1e-300) if gap else 0.0


def _right(case: Case, quantity: str, error: float) -> CheckReport:
    count = len(case.comparisons)
    where = f"at {count} points" if count > 1 else "at the given point"
    says = f"{quantity} is right {where}, to {error:.1e} of its largest entry"
    notes = []
    row = case.trials[0].given[case.which]
    if case.output.size == 1 and row.shape == (1, *case.leaf.shape):
        notes.append(f"it is a row, as in (5.40); cr.grad gives it the shape {case.leaf.shape}")
    return CheckReport(True, "right", says, tuple(notes), None, error)


def _at_kink(case: Case, quantity: str, at: AtKinks, error: float) -> CheckReport:
    """Right wherever there is a derivative; the convention where there is none."""
    index = at.kink.index
    place = f"{case.words.of(case.leaf)}{entry_text(index) if index else ''}"
    value = float(at.trial.arrays[case.which][index])
    low, high = sorted((float(at.kink.left.min()), float(at.kink.right.max())))
    if at.is_admitted:
        yours = f"yours is {at.yours:.6g}, which is as good as the convention here, {at.ours:.6g}"
    else:
        yours = f"yours is {at.yours:.6g}; from {low:.6g} to {high:.6g} would do"
    says = (
        f"{quantity} is right wherever it exists, and {place} = {value:.6g} is a kink of the "
        f"function: {yours}"
    )
    many = (f"it has {at.count} such entries at {at.trial.where}",) if at.count > 1 else ()
    return CheckReport(at.is_admitted, "not smooth", says, many, None, error)


def _is_rounding(case: Case) -> bool:
    """Whether all differences are of the size that float32 leaves, 32 of its units."""
    unit = 32 * float(np.finfo(np.float32).eps)
    return all(
        largest_difference(c.given, c.true) <= unit * c.scale and c.scale > 0
        for c in case.comparisons
    )


def _rounded(case: Case, quantity: str, error: float) -> CheckReport:
    says = (
        f"{quantity} is right to {error:.1e} of its largest entry only, as in float32 or by "
        "differences"
    )
    return CheckReport(True, "rounding", says, (), None, error)


def _doubted(finding: Finding) -> Finding:
    note = "differences of f do not confirm the true derivative at the given point"
    return Finding(finding.kind, finding.says, finding.cost, (*finding.evidence, note))


def _together(parts: tuple[CheckReport, ...]) -> CheckReport:
    """One report on several arrays: the first that is wrong speaks for all."""
    wrong = [part for part in parts if not part.ok]
    if not wrong:
        count = f"all {len(parts)} gradients are right"
        kind = "right" if all(p.kind == "right" for p in parts) else "not smooth"
        return CheckReport(True, kind, count, (), None, max(p.error for p in parts), parts)
    first = wrong[0]
    count = f"{len(wrong)} of {len(parts)} gradients are wrong"
    error = float(np.max([part.error for part in parts]))  # NaN where a shape is wrong
    return CheckReport(
        False, first.kind, f"{count}: {first.diagnosis}", (), first.worst, error, parts
    )
