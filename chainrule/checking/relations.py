"""How the whole of what was given may relate to the whole of what is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np

from chainrule.checking.factors import named, readings
from chainrule.checking.findings import Case, Comparison, Finding
from chainrule.graph.node import Array

MOST_AXES = 6
"""Axes of a derivative whose orders are tried: 720 of them."""


PLAIN = 0.5
"""A factor up to this cost is taken for what it is even where it is all that is known."""


def common_factor(comparisons: Sequence[Comparison], others: Sequence[Array]) -> float | None:
    """The number that each of the others is to be multiplied by to give what was given."""
    first = next((k for k, other in enumerate(others) if np.any(other)), None)
    if first is None:
        return None
    other = np.asarray(others[first], float)
    with np.errstate(all="ignore"):
        factor = float(np.vdot(other, comparisons[first].given) / np.vdot(other, other))
    if not np.isfinite(factor) or factor == 0.0:
        return None
    pairs = zip(comparisons, others, strict=True)
    return factor if all(c.is_near(factor * np.asarray(o, float)) for c, o in pairs) else None


def global_findings(case: Case) -> Iterator[Finding]:
    """Zero, a constant factor, the entries in another order, a symmetric matrix."""
    comparisons = case.comparisons
    if not any(np.any(c.given) for c in comparisons):
        yield Finding("zero", "is not zero, as yours is", 0.0)
        return
    yield from proportional(case)
    yield from _transposed(case)
    yield from _reversed(case)
    yield from symmetric_conventions(case)


def proportional(case: Case) -> Iterator[Finding]:
    """The right one times a number."""
    factor = common_factor(case.comparisons, [c.true for c in case.comparisons])
    if factor is None:
        return
    seen = f"your entries are {factor:.6g} times the right ones at {_points(len(case.trials))}"
    for found in readings(factor, case.around):
        if case.is_one_number and found.cost > PLAIN:
            return
        yield Finding(found.kind, found.says, found.cost, (seen,))


def _transposed(case: Case) -> Iterator[Finding]:
    """The axes in another order, in which they have the same sizes."""
    rank = case.comparisons[0].true.ndim
    inner = case.leaf.ndim
    outer = rank - inner
    for order in permutations(range(rank)) if rank <= MOST_AXES else ():
        if order == tuple(range(rank)):
            continue
        others = [c.true.transpose(order) for c in case.comparisons]
        if others[0].shape != case.comparisons[0].given.shape:
            continue
        factor = common_factor(case.comparisons, others)
        also = None if factor is None or factor == 1.0 else named(factor, case.around)
        is_exact = all(c.is_near(other) for c, other in zip(case.comparisons, others, strict=True))
        if not is_exact and also is None:
            continue
        denominator = bool(outer) and order == (*range(outer, rank), *range(outer))
        what = (
            "is in denominator layout: the axes of the argument come first, where those of the "
            "result should"
            if denominator
            else "is the transpose of the right one"
            if rank == 2
            else f"has its axes in the order {order} of the right one's"
        )
        if is_exact:
            yield Finding("transposed", what, 0.6)
        elif also is not None:
            yield Finding("transposed", f"{what}, and {also.says}", 1.5 + also.cost)


def _reversed(case: Case) -> Iterator[Finding]:
    """The entries in reverse order along an axis, as where a convolution's kernel is not turned."""
    rank = case.comparisons[0].true.ndim
    for axis in range(rank):
        if all(c.is_near(np.flip(c.true, axis)) for c in case.comparisons):
            own = axis - case.output.ndim
            what = f"axis {own} of {case.words.of(case.leaf)}" if own >= 0 else "the result"
            yield Finding("reversed", f"has its entries in reverse order along {what}", 0.9)


def symmetric_conventions(case: Case) -> Iterator[Finding]:
    """The derivative by a symmetric matrix, whose two equal entries are one variable."""
    shape = case.leaf.shape
    if case.output.size != 1 or len(shape) != 2 or not shape[0] == shape[1] > 1:
        return
    name = case.words.of(case.leaf)
    right = [c.true.reshape(shape) for c in case.comparisons]
    given = [replace(c, given=c.given.reshape(shape)) for c in case.comparisons]
    both = [t + t.T for t in right]
    for others, what in (
        ([s - np.diag(np.diag(t)) for s, t in zip(both, right, strict=True)], "G + Gᵀ − diag(G)"),
        (both, "G + Gᵀ"),
        ([s / 2 for s in both], "(G + Gᵀ)/2"),
    ):
        if all(c.is_near(o) for c, o in zip(given, others, strict=True)):
            says = f"is {what} for the right G: it takes {name} for a symmetric matrix"
            yield Finding("symmetric only", says, 1.4)


def _points(count: int) -> str:
    return "the given point" if count == 1 else f"all {count} points"
