"""A gradient of another shape than the right one: which layout it would fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations, permutations
from typing import Any

import numpy as np

from chainrule.checking.backward import BackwardPass
from chainrule.checking.findings import Comparison, Finding
from chainrule.checking.naming import Words
from chainrule.checking.others import other_arguments
from chainrule.checking.trials import Trial
from chainrule.graph.node import Array, constant
from chainrule.shapes import Shape


def accepted(given: Array, output: Shape, argument: Shape) -> Array | None:
    """The given array in numerator layout, or None if its shape is that of another layout.

    The gradient of a number may be the row of (5.40) or have the argument's own shape.
    """
    whole = output + argument
    size = int(np.prod(whole, dtype=np.int64))
    is_number = int(np.prod(output, dtype=np.int64)) == 1
    fine = [whole, *([argument] if is_number else [])]
    if is_number and (len(argument) == 1 or (len(argument) == 2 and argument[1] == 1)):
        fine.append((1, argument[0]))
    if int(np.prod(argument, dtype=np.int64)) == 1:
        fine.append(output)
    if given.shape in fine or (size == 1 and given.size == 1):
        return given.reshape(whole)
    return None


def shape_finding(trials: Sequence[Trial], which: int, words: Words) -> Finding:
    """What the given array is, if it is not of the right shape."""
    trials = [t for t in trials if t.given[which].shape == trials[0].given[which].shape]
    comparisons = [
        Comparison(t.where, t.given[which], t.true[which], t.tolerances[which]) for t in trials
    ]
    output, leaf = trials[0].recorded.output, trials[0].recorded.wrt[which]
    shape = comparisons[0].given.shape
    wanted = leaf.shape if output.size == 1 else output.shape + leaf.shape
    came = f"it has the shape {_shown(shape)}, and {_shown(wanted)} is wanted"
    found = sorted(_layouts(comparisons, output.ndim, leaf.shape), key=lambda item: item.cost)
    if found:
        return _with_shapes(found[0], came)
    found = list(other_arguments([*trials], comparisons, which, words))
    if found:
        return _with_shapes(found[0], came)
    early = _too_early(trials[0], comparisons[0], which, words)
    if early is not None:
        return _with_shapes(early, came)
    if output.size > 1 and shape == leaf.shape:
        says = f"is a Jacobian, since {words.of(output)} has {output.size} entries, and yours has "
        return _with_shapes(
            Finding("wrong shape", f"{says}the shape of {words.of(leaf)}", 1.0), came
        )
    return _with_shapes(_fitting(shape, wanted), came)


def _with_shapes(finding: Finding, came: str) -> Finding:
    return Finding(finding.kind, finding.says, finding.cost, (came, *finding.evidence))


def _layouts(comparisons: Sequence[Comparison], outer: int, argument: Shape) -> Iterator[Finding]:
    """Arrangements of the right values that have the shape given."""

    def is_given(arrange: Callable[[Array], Any]) -> bool:
        arranged = [np.asarray(arrange(c.true)) for c in comparisons]
        return all(c.is_near(a) for c, a in zip(comparisons, arranged, strict=True))

    shape, rank = comparisons[0].given.shape, comparisons[0].true.ndim
    inner = rank - outer
    if len(argument) == 1 and shape == (*argument, 1) and is_given(lambda t: t.reshape(shape)):
        yield Finding(
            "column", "is right but for its layout: it is a column, where a row is wanted", 0.1
        )
    for order in permutations(range(rank)) if 1 < rank <= 6 else ():
        if is_given(partial(np.transpose, axes=order)):
            yield _reordered(order, outer)
    for layout, name in (("C", "row by row"), ("F", "column by column")):
        if comparisons[0].true.size == np.prod(shape) and is_given(_reshaping(layout, shape)):
            yield _flat(shape, f", {name}")
    yield from _sums(comparisons, is_given, outer, inner)


def _reshaping(layout: Any, shape: Shape) -> Callable[[Array], Any]:
    return lambda array: array.ravel(order=layout).reshape(shape)


def _flat(shape: Shape, how: str = "") -> Finding:
    kind = "flattened" if len(shape) == 1 else "wrong shape"
    what = f"flattened{how}" if len(shape) == 1 else "reshaped"
    return Finding(kind, f"is right but for its layout: it is {what}", 0.3)


def _reordered(order: tuple[int, ...], outer: int) -> Finding:
    rank = len(order)
    denominator = bool(outer) and order == (*range(outer, rank), *range(outer))
    what = (
        "it is in denominator layout, with the axes of the argument first"
        if denominator
        else "it is the transpose"
        if rank - outer == 2 or rank == 2
        else f"its axes are in the order {order}"
    )
    return Finding("transposed", f"is right but for its layout: {what}", 0.2)


def _sums(
    comparisons: Sequence[Comparison],
    is_given: Callable[[Callable[[Array], Any]], bool],
    outer: int,
    inner: int,
) -> Iterator[Finding]:
    """Sums not taken, sums too many, and a Jacobian of which only a part was given."""
    first = comparisons[0]
    given, right = first.given.ndim, first.true.ndim
    for target in (right, inner) if outer else (right,):
        for axes in combinations(range(given), given - target) if given > target else ():
            if all(_is_sum(c, axes, target) for c in comparisons):
                says = f"is not summed over axis {_axes(axes)} yet: then it is right"
                yield Finding("missing sum", says, 0.4)
    if outer == inner == 1 and first.true.shape[0] == first.true.shape[1] and is_given(np.diagonal):
        says = "is the diagonal of the Jacobian, not the whole of it"
        yield Finding("diagonal only", says, 0.45)
    if outer and is_given(partial(np.sum, axis=tuple(range(outer)))):
        says = "is the sum of the Jacobian's rows: the gradient of the sum of the results"
        yield Finding("summed", says, 0.5)
    for axes in [*combinations(range(right), 1), *combinations(range(right), 2)]:
        if is_given(partial(np.sum, axis=axes)):
            yield Finding("summed", f"is summed over axis {_axes(axes)}, one sum too many", 0.6)


def _is_sum(comparison: Comparison, axes: tuple[int, ...], rank: int) -> bool:
    """Whether the given array, summed over some axes, is the right one with its last axes."""
    shape = comparison.true.shape[comparison.true.ndim - rank :]
    if comparison.true.size != np.prod(shape, dtype=np.int64):
        return False
    summed = replace(comparison, given=np.asarray(comparison.given.sum(axis=axes)))
    return summed.is_near(comparison.true.reshape(shape))


def _axes(axes: tuple[int, ...]) -> str:
    return " and ".join(map(str, axes))


def _too_early(trial: Trial, first: Comparison, which: int, words: Words) -> Finding | None:
    """The derivative by a value on the way to the argument."""
    output, leaf = trial.recorded.output, trial.recorded.wrt[which]
    if output.size != 1:
        return None
    backward = BackwardPass(output, leaf, constant(np.ones(output.shape, output.dtype)))
    for node, cotangent in backward.cotangents.items():
        if first.is_near(trial.values(cotangent)):
            reached, wanted = words.partial(output, node), words.partial(output, leaf)
            return Finding(
                "stopped early", f"is {reached}: the last step to {wanted} is missing", 0.7
            )
    return None


def _fitting(shape: Shape, wanted: Shape) -> Finding:
    """Values that are wrong in any layout: which one the shape would be of."""
    if sorted(shape) == sorted(wanted):
        layout = (
            "has the shape of the transpose, and its entries are not the right ones there either"
        )
    elif int(np.prod(shape)) == int(np.prod(wanted)):
        layout = "has the right number of entries in another shape, and not the right ones"
    else:
        layout = "has a shape that fits no layout of the derivative"
    return Finding("wrong shape", layout, 1.0)


def _shown(shape: Shape) -> str:
    return "×".join(map(str, shape)) if shape else "()"
