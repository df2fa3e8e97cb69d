"""Where the differences are: certain entries, certain examples, or everywhere."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.checking.backward import BackwardPass
from chainrule.checking.findings import Case, Comparison, Finding
from chainrule.checking.search import Search
from chainrule.graph.node import Array, Node, constant
from chainrule.primitives.contraction import multiply

LISTED = 6
"""Entries that a sentence lists."""

MOST_EXAMPLES = 64
"""Examples whose shares are looked at one by one."""


def entry_findings(case: Case) -> Iterator[Finding]:
    """Right except at some of the entries, the same at every point."""
    wrong = np.zeros(case.comparisons[0].true.shape, bool)
    for comparison in case.comparisons:
        wrong |= _is_off(comparison)
    matter = np.any([np.abs(c.true) > c.tolerance for c in case.comparisons], axis=0)
    right = np.logical_and(~wrong, matter)
    if not wrong.any() or not right.any() or wrong.sum() > wrong.size / 2:
        return
    if case.output.size == 1:
        wrong = wrong.reshape(case.leaf.shape)
    yield Finding("entries", f"is right except at {_place(wrong)}", 3.5)


def _is_off(comparison: Comparison) -> Array:
    with np.errstate(all="ignore"):
        gap = np.abs(comparison.given - comparison.true)
    return np.asarray(~(gap <= comparison.tolerance))


def _place(wrong: Array) -> str:
    """A row, a column, the diagonal, or a list."""
    if wrong.ndim == 2 and min(wrong.shape) > 1:
        rows, columns = wrong.any(axis=1), wrong.any(axis=0)
        if rows.sum() == 1 and wrong[rows].all():
            return f"row {int(rows.argmax())}"
        if columns.sum() == 1 and wrong[:, columns].all():
            return f"column {int(columns.argmax())}"
        if wrong.shape[0] == wrong.shape[1] and np.array_equal(wrong, np.eye(len(wrong)) > 0):
            return "the diagonal"
    places = [tuple(map(int, index)) for index in np.argwhere(wrong)]
    shown = ", ".join(entry_text(place) for place in places[:LISTED])
    more = f" and {len(places) - LISTED} more" if len(places) > LISTED else ""
    return f"the entr{'y' if len(places) == 1 else 'ies'} {shown}{more}"


def entry_text(index: tuple[int, ...]) -> str:
    """``[0, 2]``."""
    return f"[{', '.join(map(str, index))}]"


def example_findings(search: Search) -> Iterator[Finding]:
    """The shares of some examples left out, or counted more than once.

    The result is a sum over the entries of any value along its axes; with each entry's share known,
    the weights with which they were added are the solution of linear equations.
    """
    for node, axis in _axes_of_examples(search.backward):
        if search.is_over:
            return
        masks = [_mask(node, axis, k) for k in range(node.shape[axis])]
        shares = [search.values(_share(search.backward, node, mask)) for mask in masks]
        weights = _weights(search.comparisons, shares)
        if weights is not None:
            yield from _weighted(weights, search.case.words.of(node), axis)


def _axes_of_examples(backward: BackwardPass) -> list[tuple[Node, int]]:
    """For each size, the last value that has an axis of it, summed away later on."""
    found: dict[int, tuple[Node, int]] = {}
    for node in reversed(backward.order):
        if node is backward.leaf or node is backward.output or node not in backward.cotangents:
            continue
        for axis, size in enumerate(node.shape):
            if 2 <= size <= MOST_EXAMPLES:
                found.setdefault(size, (node, axis))
    return list(found.values())


def _mask(node: Node, axis: int, k: int) -> Array:
    mask = np.zeros(node.shape, node.dtype)
    mask[(slice(None),) * axis + (k,)] = 1
    return mask


def _share(backward: BackwardPass, node: Node, mask: Array) -> Node:
    """What the gradient would be through one entry along the axis, and what leads past the node."""
    factor = constant(mask)
    return backward.changed({node: lambda c: backward.step(node, multiply(c, factor))})


def _weights(comparisons: list[Comparison], shares: list[list[Array]]) -> Array | None:
    """Whole numbers w with ``given = sum of w * share``; None where they are not determined."""
    matrix = np.stack([np.concatenate([v.ravel() for v in share]) for share in shares], axis=1)
    wanted = np.concatenate([c.given.ravel() for c in comparisons])
    if not np.isfinite(matrix).all() or not np.isfinite(wanted).all():
        return None
    if np.linalg.matrix_rank(matrix) < len(shares):
        return None
    weights: Array = np.asarray(np.round(np.linalg.lstsq(matrix, wanted)[0]))
    if (weights == 1).all() or not np.any(weights):
        return None
    sums = np.split(matrix @ weights, np.cumsum([c.given.size for c in comparisons])[:-1])
    pairs = zip(comparisons, sums, strict=True)
    return weights if all(c.is_near(s.reshape(c.given.shape)) for c, s in pairs) else None


def _weighted(weights: Array, name: str, axis: int) -> Iterator[Finding]:
    missing, present = np.flatnonzero(weights == 0), np.flatnonzero(weights)
    if set(np.unique(weights)) <= {0.0, 1.0}:
        if len(present) == 1:
            says = f"holds the share of example {present[0]} alone"
        elif len(missing) == 1:
            says = f"leaves out the share of example {missing[0]}"
        else:
            shown = ", ".join(map(str, missing[:LISTED]))
            more = " …" if len(missing) > LISTED else ""
            says = f"leaves out the shares of the examples {shown}{more}"
        yield Finding("examples", f"{says} (axis {axis} of {name})", 2.6)
        return
    odd = np.flatnonzero(weights != 1)
    if len(odd) <= 2:
        shown = " and ".join(f"example {k} {weights[k]:g} times" for k in odd)
        yield Finding("examples", f"counts {shown} (axis {axis} of {name})", 2.9)
