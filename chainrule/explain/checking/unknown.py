"""A wrong derivative of a function of elements, whatever it is: right everywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from math import log2

import numpy as np

from chainrule.differentiate.entries import dense_jacobian
from chainrule.explain.checking.findings import Comparison, Finding
from chainrule.explain.checking.search import Search
from chainrule.explain.checking.segments import Segment, segments
from chainrule.graph.node import Array

MOST = 64
"""Elements of a function whose slopes are solved for."""

LARGEST = 2000
"""Entries of the argument up to which that is done."""


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
            words = search.case.words
            ends = segment.result, segment.argument
            says = (
                f"is wrong in {words.derivative(*ends)} and nowhere else: the derivative of "
                f"{words.function(*ends)} is {words.code(segment.derivative)}"
            )
            unknown = 0.1 * log2(segment.result.size)
            cost = search.shop.named_first(ends, 3.0, 0.1) + 0.05 * segment.length + unknown
            yield Finding("wrong derivative", says, cost)


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
