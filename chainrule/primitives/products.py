"""Labelled products of arrays in NumPy: planned once per specification, split into pairs on matmul.

``plan(spec, strong)`` returns a function of the operands' arrays. Nothing here knows of graphs or
of derivatives. ``np.einsum`` is never called: pairs with a summed label go to BLAS through matmul,
all else is broadcasting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, reduce
from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

import numpy as np
import opt_einsum

from chainrule.graph.node import Array
from chainrule.shapes import Labels

Kernel = Callable[..., Array]

STRIPS = 4
"""Strips in which a symmetric product is computed: each from its diagonal block on."""
SYMMETRIC_SHARE = (STRIPS + 1) / (2 * STRIPS)
"""The share of a symmetric product's multiplications that are done; the rest is mirrored."""
SMALLEST_SYMMETRIC = 128
"""Below this many rows the strips are too narrow for BLAS to gain."""


class Spec(NamedTuple):
    """A product of labelled operands, summed over every label that the output lacks.

    Labels are numbered in the order of their first appearance. The output may repeat a label
    (a diagonal is embedded) and may have labels that no operand has (the values are repeated).
    """

    operands: tuple[Labels, ...]
    out: Labels
    sizes: tuple[int, ...]
    scale: float
    dtype: np.dtype[Any]
    strong: bool
    """Whether a factor that is exactly zero wins over an infinite or undefined one."""
    symmetric: bool = False
    """Whether the result, a matrix, is known to be its own transpose."""


@lru_cache(maxsize=2048)
def plan(spec: Spec, dtypes: tuple[np.dtype[Any], ...]) -> Kernel:
    """A function of the operands' arrays that computes the product."""
    distinct = tuple(dict.fromkeys(spec.out))
    product = _product(spec, dtypes, distinct)
    finish = _finish(spec, distinct)
    if finish is None:
        return product
    if product is _same:
        return finish
    both = lambda *arrays: finish(product(*arrays))  # noqa: E731
    return elementwise(both) if is_elementwise(product) and is_elementwise(finish) else both


def elementwise(function: Kernel) -> Kernel:
    """Mark a function: of arrays of one shape, it goes through them element by element."""
    function.is_elementwise = True  # type: ignore[attr-defined]
    return function


def is_elementwise(function: Kernel) -> bool:
    """Whether it can be applied to parts of arrays of one shape as well as to the whole."""
    return isinstance(function, np.ufunc) or getattr(function, "is_elementwise", False)


@elementwise
def _same(a: Array) -> Array:
    return a


@lru_cache(maxsize=2048)
def multiplications(spec: Spec) -> int:
    """Multiplications and additions that the plan takes."""
    everything = {label for labels in spec.operands for label in labels}
    summed = everything - set(spec.out)
    if len(spec.operands) > 2 and summed:
        path = opt_einsum.contract_path(*equation(spec), shapes=True)[1]
        return int(int(path.opt_cost) * _share(spec))
    count = prod(spec.sizes[label] for label in everything)
    factors = len(spec.operands) - 1 + bool(summed) + (spec.scale != 1.0)
    return int(count * factors * _share(spec))


def _share(spec: Spec) -> float:
    """The share of the multiplications that is left where half of the result is mirrored."""
    large = spec.symmetric and spec.sizes[spec.out[0]] >= SMALLEST_SYMMETRIC
    return SYMMETRIC_SHARE if large and is_sum_of_products(spec) else 1.0


def is_sum_of_products(spec: Spec) -> bool:
    """Whether several operands are multiplied and summed over a label: a matrix product."""
    everything = {label for labels in spec.operands for label in labels}
    return len(spec.operands) > 1 and bool(everything - set(spec.out))


# -- one operand ----------------------------------------------------------------------------------


def _single(labels: Labels, keep: Labels, dtype: np.dtype[Any]) -> Kernel | None:
    """Diagonals of repeated labels, then sums over the labels that are not kept."""
    steps: list[Kernel] = []
    labels_now = list(labels)
    for label in dict.fromkeys(labels):
        while labels_now.count(label) > 1:
            first = labels_now.index(label)
            second = labels_now.index(label, first + 1)
            steps.append(_diagonal(first, second))
            del labels_now[second], labels_now[first]
            labels_now.append(label)
    axes = tuple(axis for axis, label in enumerate(labels_now) if label not in keep)
    if axes:
        steps.append(lambda a: np.asarray(a.sum(axis=axes, dtype=dtype)))
    left = [label for label in labels_now if label in keep]
    order = tuple(left.index(label) for label in keep if label in left)
    if order != tuple(range(len(order))):
        steps.append(lambda a: a.transpose(order))
    if not steps:
        return None
    return lambda a: reduce(lambda value, step: step(value), steps, a)


def _diagonal(first: int, second: int) -> Kernel:
    return lambda a: a.diagonal(0, first, second)


# -- several operands -----------------------------------------------------------------------------


def _product(spec: Spec, dtypes: tuple[np.dtype[Any], ...], out: Labels) -> Kernel:
    """The product with the axes of ``out`` that the operands have, in that order."""
    kept = [_kept(spec, position) for position in range(len(spec.operands))]
    prepared = [_single(*pair, spec.dtype) for pair in zip(spec.operands, kept, strict=True)]
    dtypes = tuple(
        spec.dtype if set(labels) != set(keep) else dtype
        for labels, keep, dtype in zip(spec.operands, kept, dtypes, strict=True)
    )
    present = tuple(label for label in out if any(label in labels for labels in kept))
    if all(label in out for labels in kept for label in labels):
        combine = _elementwise(spec, dtypes, kept, present)
    else:
        combine = _pairs(spec, kept, present)

    def run(*arrays: Array) -> Array:
        ready = [a if step is None else step(a) for a, step in zip(arrays, prepared, strict=True)]
        return combine(*ready)

    return combine if all(step is None for step in prepared) else run


def _kept(spec: Spec, position: int) -> Labels:
    """The labels of one operand that the output or another operand needs, in its own order."""
    others = set(spec.out).union(
        *(labels for k, labels in enumerate(spec.operands) if k != position)
    )
    mine = dict.fromkeys(spec.operands[position])
    kept = tuple(label for label in mine if label in others)
    if len(spec.operands) == 1:  # in the output's order at once
        return tuple(label for label in dict.fromkeys(spec.out) if label in mine)
    return kept


def _align(labels: Labels, out: Labels) -> Kernel | None:
    """Transpose and insert axes so that the operand broadcasts against the axes ``out``."""
    order = tuple(labels.index(label) for label in out if label in labels)
    moved = order != tuple(range(len(order)))
    first = next((k for k, label in enumerate(out) if label in labels), len(out))
    index = tuple(slice(None) if label in labels else None for label in out[first:])
    inserts = None in index
    if not moved and not inserts:
        return None
    if not inserts:
        return lambda a: a.transpose(order)
    if not moved:
        return lambda a: a[index]
    return lambda a: a.transpose(order)[index]


def _elementwise(
    spec: Spec, dtypes: tuple[np.dtype[Any], ...], labels: Sequence[Labels], out: Labels
) -> Kernel:
    """Nothing is summed: a broadcast product, where booleans select instead of multiplying."""
    aligned = [_align(item, out) for item in labels]
    numbers = [k for k, dtype in enumerate(dtypes) if dtype.kind != "b"]
    masks = [k for k, dtype in enumerate(dtypes) if dtype.kind == "b"]
    if not numbers:  # booleans only: numbers come out
        numbers, masks = masks, []
    dtype, strong = spec.dtype, spec.strong
    if not masks and not any(aligned) and all(item == dtype for item in dtypes):
        if len(numbers) == 1:
            return _same
        if len(numbers) == 2:
            return strong_product if strong else np.multiply

    def run(*arrays: Array) -> Array:
        ready = [a if step is None else step(a) for a, step in zip(arrays, aligned, strict=True)]
        result = ready[numbers[0]]
        if result.dtype != dtype:
            result = result.astype(dtype)
        for k in numbers[1:]:
            result = np.multiply(result, ready[k], dtype=dtype, casting="unsafe")
        if strong and len(numbers) > 1 and has_nan(result):
            result = np.asarray(result)
            _put_zeros(result, [ready[k] for k in numbers])
        for k in masks:
            result = np.where(ready[k], result, dtype.type(0))
        return result

    return run if any(aligned) else elementwise(run)


@elementwise
def strong_product(a: Array, b: Array, out: Array | None = None) -> Array:
    """``a * b`` where a factor that is exactly zero wins."""
    result = np.asarray(np.multiply(a, b, out=out))
    if has_nan(result):
        _put_zeros(result, [a, b])
    return result


def _put_zeros(product: Array, factors: Sequence[Array]) -> None:
    """Where a factor is exactly zero, the product is no NaN."""
    zeros = reduce(np.logical_or, (factor == 0 for factor in factors))
    np.copyto(product, 0, where=zeros & np.isnan(product))


def _strong_sums(product: Kernel, plain: Kernel) -> Kernel:
    """Sums of products to which zero times infinity or NaN adds nothing.

    ``plain`` computes the same sums, also where the result has no symmetry to use.
    """

    def run(x: Array, y: Array) -> Array:
        result = np.asarray(product(x, y))
        return _sums_where_zeros_win(result, x, y, plain) if has_nan(result) else result

    return run


def _sums_where_zeros_win(result: Array, x: Array, y: Array, product: Kernel) -> Array:
    """What the NaNs of a result should be: the finite terms' sum, and what else has no zero in it.

    Terms of each kind are counted, by products as well: the work stays that of a few of them.
    """

    def any_of(*pairs: tuple[Array, Array]) -> Array:
        counts = [product(a.astype(x.dtype), b.astype(y.dtype)) for a, b in pairs]
        return np.asarray(reduce(np.add, counts) > 0)

    def finite(a: Array) -> Array:
        return np.where(np.isfinite(a), a, a.dtype.type(0))

    x_up, x_down, y_up, y_down = x == np.inf, x == -np.inf, y == np.inf, y == -np.inf
    upwards = any_of((x_up, y > 0), (x_down, y < 0), (x > 0, y_up), (x < 0, y_down))
    downwards = any_of((x_up, y < 0), (x_down, y > 0), (x > 0, y_down), (x < 0, y_up))
    undefined = any_of((np.isnan(x), y != 0), (x != 0, np.isnan(y))) | (upwards & downwards)
    total = np.asarray(product(finite(x), finite(y)))
    infinite = np.where(upwards, np.inf, -np.inf).astype(total.dtype)
    total = np.where(upwards | downwards, infinite, total)
    return np.where(np.isnan(result) & ~undefined, total, result)


def has_nan(a: Array) -> bool:
    """Whether there is a NaN: then, and only then, the sum of the squares is one."""
    if a.dtype.kind != "f":
        return False
    flat = a if a.ndim == 1 else a.ravel("K")  # a view: products are contiguous in some order
    squares = flat.dot(flat)
    return bool(squares != squares)


def equation(spec: Spec) -> tuple[Any, ...]:
    """The specification as opt_einsum takes it: symbols and shapes."""
    symbol = opt_einsum.get_symbol
    terms = ["".join(symbol(label) for label in labels) for labels in spec.operands]
    used = {label for labels in spec.operands for label in labels}
    out = "".join(symbol(label) for label in dict.fromkeys(spec.out) if label in used)
    shapes = [tuple(spec.sizes[label] for label in labels) for labels in spec.operands]
    return (",".join(terms) + "->" + out, *shapes)


def pairwise_path(spec: Spec) -> list[tuple[int, ...]]:
    """The cheapest order, pair after pair, as positions in what is left; results go to its end."""
    if len(spec.operands) <= 2:
        return [tuple(range(len(spec.operands)))]
    path: list[tuple[int, ...]] = opt_einsum.contract_path(*equation(spec), shapes=True)[0]
    return path


def _pairs(spec: Spec, labels: Sequence[Labels], out: Labels) -> Kernel:
    """Pair after pair in the cheapest order, each on matmul."""
    stack = list(labels)
    path = pairwise_path(spec._replace(operands=tuple(labels), out=out))
    steps: list[tuple[tuple[int, ...], Kernel]] = []
    for chosen in path:
        taken = [stack[k] for k in sorted(chosen)]
        stack = [item for k, item in enumerate(stack) if k not in chosen]
        needed = set(out).union(*stack)
        is_last = len(steps) == len(path) - 1
        step, made = _chain(taken, needed, out, spec if is_last else spec._replace(symmetric=False))
        stack.append(made)
        steps.append((tuple(sorted(chosen)), step))
    last = _single(stack[0], out, spec.dtype)
    dtype = spec.dtype

    def run(*arrays: Array) -> Array:
        values = [a if a.dtype == dtype else a.astype(dtype) for a in arrays]
        for chosen, step in steps:
            picked = [values[k] for k in chosen]
            values = [value for k, value in enumerate(values) if k not in chosen]
            values.append(step(*picked))
        return values[0] if last is None else last(values[0])

    return run


def _chain(taken: list[Labels], needed: set[int], out: Labels, spec: Spec) -> tuple[Kernel, Labels]:
    """One step of a path: usually two operands; more are taken from the left."""
    if len(taken) == 1:
        keep = tuple(label for label in out if label in taken[0])
        single = _single(taken[0], keep, spec.dtype)
        return (single or (lambda a: a)), keep
    later = needed.union(*taken[2:])
    step, made = _pair(taken[0], taken[1], later, out, spec)
    if len(taken) == 2:
        return step, made
    rest, result = _chain([made, *taken[2:]], needed, out, spec)
    return (lambda a, b, *others: rest(step(a, b), *others)), result


def _pair(a: Labels, b: Labels, needed: set[int], out: Labels, spec: Spec) -> tuple[Kernel, Labels]:
    """Two operands: a broadcast product or a (batched) matrix product."""
    shared = [label for label in a if label in b]
    batch = [label for label in shared if label in needed]
    summed = [label for label in shared if label not in needed]
    left = [label for label in a if label not in b]
    right = [label for label in b if label not in a]
    rank = {label: k for k, label in enumerate(out)}
    if not summed:
        made = tuple(sorted(batch + left + right, key=lambda n: rank.get(n, len(out))))
        one, two = _align(a, made), _align(b, made)
        multiply = strong_product if spec.strong else np.multiply
        return (
            lambda x, y: multiply(x if one is None else one(x), y if two is None else two(y))
        ), made
    if left and right and rank.get(right[0], len(out)) < rank.get(left[0], len(out)):
        step, made = _matmul(b, a, batch, right, summed, left, spec)
        return (lambda x, y: step(y, x)), made
    return _matmul(a, b, batch, left, summed, right, spec)


def _matmul(
    a: Labels, b: Labels, batch: list[int], left: list[int], summed: list[int], right: list[int],
    spec: Spec,
) -> tuple[Kernel, Labels]:  # fmt: skip
    """``(batch, left, summed) @ (batch, summed, right)``."""

    def sizes(labels: Sequence[int]) -> tuple[int, ...]:
        return tuple(spec.sizes[label] for label in labels)

    def flat(groups: Sequence[Sequence[int]]) -> tuple[int, ...]:
        return tuple(prod(sizes(group)) for group in groups)

    made = tuple(batch + left + right)
    groups_a = ([batch] if batch else []) + ([left] if left else []) + [summed]
    groups_b = ([batch] if batch else []) + [summed] + ([right] if right else [])
    ready_a = _regroup(a, [n for g in groups_a for n in g], flat(groups_a))
    ready_b = _regroup(b, [n for g in groups_b for n in g], flat(groups_b))
    product: Kernel = {
        (True, True): np.matmul,
        (True, False): np.matvec if batch else np.matmul,
        (False, True): np.vecmat if batch else np.matmul,
        (False, False): np.vecdot if batch else np.dot,
    }[bool(left), bool(right)]
    plain = product
    if spec.symmetric and not batch and len(left) == len(right) == 1:
        product = symmetric_matmul
    if spec.strong:
        product = _strong_sums(product, plain)
    shape = sizes(made)
    reshapes = len(batch) > 1 or len(left) > 1 or len(right) > 1

    def run(x: Array, y: Array) -> Array:
        result = product(x if ready_a is None else ready_a(x), y if ready_b is None else ready_b(y))
        return result.reshape(shape) if reshapes else np.asarray(result)

    return run, made


def symmetric_matmul(x: Array, y: Array) -> Array:
    """``x @ y`` where that is symmetric: the part above the diagonal blocks is mirrored."""
    size = x.shape[0]
    if size < SMALLEST_SYMMETRIC:
        return np.asarray(x @ y)
    result = np.empty((size, size), np.result_type(x, y))
    for start, stop in pairwise(size * k // STRIPS for k in range(STRIPS + 1)):
        np.matmul(x[start:stop], y[:, start:], out=result[start:stop, start:])
        result[stop:, start:stop] = result[start:stop, stop:].T
    return result


def _regroup(labels: Labels, wanted: list[int], shape: tuple[int, ...]) -> Kernel | None:
    order = tuple(labels.index(label) for label in wanted)
    moved = order != tuple(range(len(order)))
    if len(shape) == len(labels):
        return (lambda x: x.transpose(order)) if moved else None
    return (lambda x: x.transpose(order).reshape(shape)) if moved else (lambda x: x.reshape(shape))


# -- the end: scale, repeated values, embedded diagonals ------------------------------------------


def _finish(spec: Spec, distinct: Labels) -> Kernel | None:
    """Scale, cast, create labels and embed diagonals; None where nothing is left to do."""
    steps: list[Kernel] = []
    used = {label for labels in spec.operands for label in labels}
    scale, dtype = spec.scale, spec.dtype
    if scale != 1.0:
        steps.append(_scaled(scale, dtype))
    if any(label not in used for label in distinct):
        shape = tuple(spec.sizes[label] for label in distinct)
        index = tuple(slice(None) if label in used else None for label in distinct)
        steps.append(lambda a: np.broadcast_to(a[index], shape))
    if len(distinct) != len(spec.out):
        steps.append(_embedding(spec, distinct))
    if not steps:
        return None
    if len(steps) == 1:
        return steps[0]
    return lambda a: reduce(lambda value, step: step(value), steps, a)


def _scaled(scale: float, dtype: np.dtype[Any]) -> Kernel:
    if scale == -1.0 and dtype.kind != "b":
        return np.negative
    factor = scale if dtype.kind == "f" else dtype.type(scale)
    return elementwise(lambda a: np.multiply(a, factor))


def _embedding(spec: Spec, distinct: Labels) -> Kernel:
    """Values on a diagonal of zeros: ``out`` repeats a label."""
    shape = tuple(spec.sizes[label] for label in spec.out)
    axes = {label: k for k, label in enumerate(distinct)}

    def run(a: Array) -> Array:
        result = np.zeros(shape, a.dtype)
        grids = np.ogrid[tuple(slice(0, spec.sizes[label]) for label in distinct)]
        result[tuple(grids[axes[label]] for label in spec.out)] = a
        return result

    return run
