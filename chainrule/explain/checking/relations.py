"""How the whole of what was given may relate to the whole of what is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np

from chainrule.explain.checking.factors import named, readings
from chainrule.explain.checking.findings import Case, Comparison, Finding
from chainrule.graph.node import Array

MOST_AXES = 6
"""Axes of a derivative whose orders are tried: 720 of them."""


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
    """Zero, a constant factor, transposes, an extra term."""
    comparisons = case.comparisons
    if not any(np.any(c.given) for c in comparisons):
        yield Finding("zero", "is not zero, as yours is", 0.0)
        return
    yield from _proportional(case)
    yield from _transposed(case)
    yield from _one_factor_more(case)
    yield from _one_term_more(case)


def _proportional(case: Case) -> Iterator[Finding]:
    factor = common_factor(case.comparisons, [c.true for c in case.comparisons])
    if factor is None:
        return
    seen = f"your entries are {factor:.6g} times the right ones at {_points(len(case.trials))}"
    for found in readings(factor, case.around):
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


def _one_factor_more(case: Case) -> Iterator[Finding]:
    """Right but for a factor that varies: a number of the program, or an array of this shape."""
    if case.output.size != 1:
        return
    right = [_as_argument(case, c.true) for c in case.comparisons]
    given = [replace(c, given=_as_argument(case, c.given)) for c in case.comparisons]
    for name, arrays in _named_values(case):
        is_number = arrays[0].ndim == 0
        if not is_number and arrays[0].shape != case.leaf.shape:
            continue
        if is_number and len(case.trials) == 1:
            continue  # at one point, some number explains any factor
        with np.errstate(all="ignore"):
            products = [r * a for r, a in zip(right, arrays, strict=True)]
            quotients = [r / a for r, a in zip(right, arrays, strict=True)]
        for kind, says, others in (
            (
                "extra factor",
                f"is {name} times the right one: that factor is too many, or a division by it is "
                "missing",
                products,
            ),
            ("missing factor", f"lacks the factor {name}", quotients),
        ):
            if all(c.is_near(o) for c, o in zip(given, others, strict=True)):
                yield Finding(kind, says, 1.8 if is_number else 2.9)


def _one_term_more(case: Case) -> Iterator[Finding]:
    """Right but for a multiple of a value of this shape."""
    if case.output.size != 1:
        return
    gaps = [
        replace(c, given=_as_argument(case, c.given - c.true), true=_as_argument(case, c.true))
        for c in case.comparisons
    ]
    for name, arrays in _named_values(case):
        if arrays[0].shape == case.leaf.shape and (len(gaps) > 1 or case.leaf.size > 2):
            factor = common_factor(gaps, arrays)
            if factor is not None:
                says = f"has a term too many: it is off by {factor:.6g} times {name}"
                yield Finding("extra term", says, 2.7)


def _as_argument(case: Case, array: Array) -> Array:
    """The gradient of a number in its argument's shape."""
    return array.reshape(case.leaf.shape)


def _named_values(case: Case) -> list[tuple[str, list[Array]]]:
    """Values with names that the programs at all points share."""
    named_nodes = [{n: node for node, n in t.recorded.names.items()} for t in case.trials]
    found = []
    for name, first in named_nodes[0].items():
        nodes = [names[name] for names in named_nodes if name in names]
        if len(nodes) == len(case.trials) and first.differentiable:
            arrays = [t.values.keep(n) for t, n in zip(case.trials, nodes, strict=True)]
            if all(array.shape == first.shape for array in arrays):
                found.append((name, arrays))
    return found


def _points(count: int) -> str:
    return "the given point" if count == 1 else f"all {count} points"
