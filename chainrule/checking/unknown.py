"""A wrong derivative of a function of elements, whatever it is: right everywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from math import log2

import numpy as np

from chainrule.checking.backward import Values
from chainrule.checking.findings import Comparison, Finding
from chainrule.checking.given import Given
from chainrule.checking.layouts import accepted
from chainrule.checking.search import Search
from chainrule.checking.segments import Segment, segments
from chainrule.checking.trials import tried
from chainrule.differentiate.entries import dense_jacobian
from chainrule.graph.node import Array
from chainrule.graph.walk import topological

MOST = 64
"""Elements of a function whose slopes are solved for."""

LARGEST = 2000
"""Entries of the argument up to which that is done."""

SAME = 1e-6
"""How far two slopes at one element may be apart: they are quotients of differences of what was
given and what is right, which are known to some 1e-12 of their size, and small at some elements."""


def unknown_derivatives(search: Search) -> Iterator[Finding]:
    """Each function of elements with which all that was given fits, at every point.

    The gradient is linear in the slopes: they are the solution of linear equations, of which there
    must be more than slopes, or anything would fit.
    """
    leaf = search.backward.leaf
    if leaf.size > LARGEST:
        return
    found = segments(search.shop)
    for segment in sorted(found, key=lambda segment: segment.length):
        if search.is_over:
            return
        if segment.result.size <= MOST and segment.argument is not leaf and _fits(search, segment):
            unknown = 0.1 * log2(segment.result.size)
            yield _finding(search, segment, 3.0 + 0.05 * segment.length + unknown)


def _finding(search: Search, segment: Segment, cost: float) -> Finding:
    words, ends = search.case.words, (segment.result, segment.argument)
    says = (
        f"is wrong in {words.derivative(*ends)} and nowhere else: the derivative of "
        f"{words.function(*ends)} is {words.code(segment.derivative)}"
    )
    return Finding("wrong derivative", says, search.shop.named_first(ends, cost, 0.1))


def _fits(search: Search, segment: Segment) -> bool:
    jacobian = dense_jacobian(segment.argument, search.backward.leaf)
    wanted = search.backward.cotangents.get(segment.result)
    if wanted is None:
        return False
    return all(
        _is_solved(
            comparison, values.keep(search.backward.gradient),
            values(wanted).ravel()[:, None] * values(jacobian).reshape(segment.argument.size, -1),
        )
        for comparison, values in zip(search.comparisons, search.points, strict=True)
    )  # fmt: skip


def _is_solved(comparison: Comparison, right: Array, shares: Array) -> bool:
    """Whether some slopes give what was given, where not all numbers could be had."""
    if not np.isfinite(shares).all():
        return False
    gap = (comparison.given - right).ravel()
    excess, _, rank, _ = np.linalg.lstsq(shares.T, gap)
    if rank >= gap.size:
        return False
    return comparison.is_near(right + (excess @ shares).reshape(right.shape))


# -- a function of the elements of the argument itself --------------------------------------------


def unknown_of_argument(given: Given, search: Search) -> Iterator[Finding]:
    """The function of the argument's own elements whose derivative is wrong, whatever it is.

    There are as many slopes as numbers, so that some slopes always fit. But the slope of a function
    of elements depends on its own element alone: where the same elements stand in other places,
    with others beside them, the same slopes must be met again.
    """
    leaf = search.backward.leaf
    found = [s for s in segments(search.shop) if s.argument is leaf and _is_same_everywhere(s)]
    if not given.is_function or not found or not 3 < leaf.size <= LARGEST:
        return
    if len(search.points) < 2:
        return
    whole = max(found, key=lambda segment: segment.length)
    first = _slopes(search, whole, search.comparisons[0].given, search.points[0])
    moved = _moved_slopes(given, search, whole)
    if moved is None or not np.isfinite(first).any():
        return
    again = np.roll(first, 1)[::2]
    known = np.isfinite(again) & np.isfinite(moved)
    if known.sum() > 1 and np.allclose(again[known], moved[known], rtol=SAME):
        yield _finding(search, whole, 3.2)


def _is_same_everywhere(segment: Segment) -> bool:
    """Whether it is one function for all elements: no array but the argument goes into it."""
    order = topological([segment.result], stop=lambda n: n is segment.argument)
    return all(n.inputs or n.size == 1 or n is segment.argument for n in order)


def _moved_slopes(given: Given, search: Search, segment: Segment) -> Array | None:
    """The slopes at every other element, where those have come from the places before them."""
    case, leaf = search.case, search.backward.leaf
    one, two = case.trials[0], case.trials[1]
    array = np.roll(one.arrays[case.which].ravel(), 1)
    array[1::2] = two.arrays[case.which].ravel()[1::2]
    arrays = list(one.arrays)
    arrays[case.which] = array.reshape(leaf.shape)
    trial = tried(given, *given.subject.with_leaves(arrays, one.args, one.kwargs), "another point")
    if trial is None:
        return None
    theirs = accepted(trial.given[case.which], case.output.shape, leaf.shape)
    values = Values(dict(zip(one.recorded.wrt, arrays, strict=True)))
    if theirs is None or theirs.shape != leaf.shape:
        return None
    return _slopes(search, segment, theirs, values)[::2]


def _slopes(search: Search, segment: Segment, given: Array, values: Values) -> Array:
    """The derivatives with which the pass gives these numbers; NaN where any would do."""
    wanted = search.backward.cotangents.get(segment.result)
    if wanted is None or given.shape != segment.argument.shape:
        return np.full(segment.argument.size, np.nan)
    weights = values(wanted)
    with np.errstate(all="ignore"):
        excess = (given - values(search.backward.gradient)) / weights
    return np.where(weights == 0, np.nan, values(segment.derivative) + excess).ravel()
