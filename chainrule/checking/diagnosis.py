"""From numbers that differ to one sentence: which explanations are tried, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from chainrule.checking.assumptions import SEEN, is_right_if_symmetric, sums_to_one
from chainrule.checking.entries import entry_findings, example_findings
from chainrule.checking.findings import Case, Comparison, Finding
from chainrule.checking.given import Given
from chainrule.checking.others import other_arguments
from chainrule.checking.relations import global_findings
from chainrule.checking.search import Search
from chainrule.checking.unknown import unknown_derivatives, unknown_of_argument

CERTAIN = 1.5
"""Explanations of the whole up to this cost are taken without looking at single steps."""

LIKELY = 2.3
"""A slip up to this cost leaves no need to look for a rarer one."""

RARE = 2.6
"""A slip up to this cost leaves no need to look for a wrong formula."""

FEW, CLEAR = 3, 1e3
"""Numbers, and how many times what rounding allows, from which on a small difference tells."""

ALTERNATIVES = 2
"""Other explanations that a report mentions."""


def diagnosed(given: Given, case: Case) -> Finding:
    """The likeliest slip behind a gradient that differs, with the evidence for it."""
    if not all(np.isfinite(c.given).all() for c in case.comparisons):
        return _not_finite(case)
    found = sorted(global_findings(case), key=_cost)
    if found and found[0].cost <= CERTAIN and found[0].kind != "transposed":
        return _with_evidence(found, case)
    symmetric, as_symmetric = is_right_if_symmetric(given, case)
    found += as_symmetric
    found += other_arguments([*case.trials], [*case.comparisons], case.which, case.words)
    if not found:
        found += sums_to_one(given, case)
    search = Search(case)
    found += [*search.single(), *search.scaled()]
    if not any(finding.cost < LIKELY for finding in found):
        found += [*search.multiplied(), *search.added(), *example_findings(search)]
    if not any(finding.cost < RARE for finding in found):
        found += search.rarer()
    if not found:
        found += [*unknown_derivatives(search), *unknown_of_argument(given, search)]
    if not found:
        found += search.pairs()
    if symmetric:
        found = list(_with_symmetry(found))
    if not found:
        found += entry_findings(case)
    if not found:
        found.append(_unexplained(case, search))
    return _with_evidence(sorted(found, key=_cost), case)


def systematic(case: Case) -> Finding | None:
    """The slip that gives a small difference exactly, as where ε or a small penalty is left out.

    Rounding and differences leave noise, which no slip gives. The numbers must be many and the
    difference far above what rounding explains, or something would fit by chance.
    """
    numbers = sum(c.given.size for c in case.comparisons)
    clear = max(
        float(np.abs(c.given - c.true).max(initial=0.0)) / max(c.tolerance, 1e-300)
        for c in case.comparisons
    )
    if numbers < FEW or clear < CLEAR:
        return None
    search = Search(case)
    found = [f for f in (*search.single(), *search.scaled()) if f.cost < RARE]
    return _with_evidence(sorted(found, key=_cost), case) if found else None


def _cost(finding: Finding) -> float:
    return finding.cost


def _with_evidence(found: list[Finding], case: Case) -> Finding:
    """The first of several explanations, with the others and with where it was tested."""
    best = found[0]
    points = len(case.comparisons)
    tested = (
        "that gives your numbers at the given point and at "
        f"{points - 1} random point{'s' * (points > 2)}"
        if points > 1
        else "that gives your numbers at the given point, the only one at which they are known"
    )
    named = () if best.kind in ("unexplained", "entries") else (tested,)
    others = [f for f in found[1:] if f.says != best.says and f.cost < best.cost + 1.0]
    also = tuple(f"the same numbers come out if it {f.says}" for f in others[:ALTERNATIVES])
    return replace(best, evidence=(*best.evidence, *named, *also))


def _with_symmetry(found: Sequence[Finding]) -> Iterator[Finding]:
    """What was found, with the evidence of symmetric matrices, and that alone if it is all."""
    turned = ("symmetric only", "forgotten transpose", "transposed")
    for finding in found:
        more = (SEEN,) if finding.kind in turned else ()
        yield replace(finding, evidence=(*finding.evidence, *more))
    if not any(finding.kind in turned for finding in found):
        says = "is right only for symmetric matrices: a matrix is taken for its own transpose"
        yield Finding("symmetric only", says, 0.5, (SEEN,))


# -- what cannot be explained ---------------------------------------------------------------------


def _not_finite(case: Case) -> Finding:
    bad = np.any([~np.isfinite(c.given) for c in case.comparisons], axis=0)
    places = [tuple(map(int, index)) for index in np.argwhere(bad)]
    values = {str(c.given[place]) for c in case.comparisons for place in places[:3]}
    text = " or ".join(sorted(values - {"0.0"}))
    count = f"{len(places)} entr{'y' if len(places) == 1 else 'ies'}"
    return Finding(
        "not finite", f"is finite, and yours has {text} in {count}", 0.0,
        (f"the first is {list(places[0])}",) if places[0] else (),
    )  # fmt: skip


def _unexplained(case: Case, search: Search) -> Finding:
    """What can be said without knowing why."""
    comparison = max(case.comparisons, key=_relative_gap)
    off = np.abs(comparison.given - comparison.true) > comparison.tolerance
    count = f"{int(off.sum())} of {off.size} entries"
    evidence = [f"{count} differ, by at most {_relative_gap(comparison):.2g} of the largest"]
    evidence += _shape_of_difference(comparison)
    if search.is_over:
        evidence.append("the search stopped before every slip had been tried")
    return Finding("unexplained", f"is wrong in {count}, by no slip that is known here", 9.0,
                   tuple(evidence))  # fmt: skip


def _relative_gap(comparison: Comparison) -> float:
    gap = float(np.max(np.abs(comparison.given - comparison.true), initial=0.0))
    return gap / max(comparison.scale, 1e-300)


def _shape_of_difference(comparison: Comparison) -> Iterator[str]:
    given, true = comparison.given.ravel(), comparison.true.ravel()
    sizes = float(np.linalg.norm(given) * np.linalg.norm(true))
    if sizes and given.size > 1:
        angle = float(given @ true) / sizes
        yield f"the cosine of the angle between yours and the right one is {angle:.4g}"
    if comparison.is_near(np.abs(comparison.true)):
        yield "the sizes are right and some signs are not"
