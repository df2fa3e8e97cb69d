"""The bounds of every operation's result from those of its inputs; see `enclosure`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from chainrule.graph.node import Node
from chainrule.primitives.elementwise import Elementwise
from tests.native.bounded_sums import contraction, cumulative, put
from tests.native.bounds import (
    EXACT,
    LARGEST_OF,
    MOVES,
    OTHERS,
    ROUNDED,
    WAVES,
    Array,
    Bounds,
    Undecided,
    Wide,
    anything_where,
    by_units,
    corners,
    exactly,
    rounded,
    spacing,
    with_both_zeros,
)


def bounds_of(node: Node, inputs: Sequence[Bounds]) -> Bounds:
    """The bounds of a node's value from those of its inputs."""
    name = node.primitive.name
    if name in MOVES:
        return _moved(node, inputs)
    if node.dtype.kind not in "fb":
        return _at_points(node, inputs)
    if isinstance(node.primitive, Elementwise):
        return _elementwise(node, inputs)
    if name not in RULES:
        raise Undecided(f"there are no bounds for {name}")
    return RULES[name](node, *inputs)


def _moved(node: Node, inputs: Sequence[Bounds]) -> Bounds:
    """Elements that are the inputs', in other places, or zero."""
    run = node.primitive.bind(node)
    if node.primitive.name == "take":
        array, index = inputs
        return array.map(lambda part: run(part, index.lo))
    kind = Wide if node.dtype.kind == "f" else node.dtype
    parts = [[part.astype(t) for part, t in zip(item, (kind, kind, np.int8), strict=True)]
             for item in inputs]  # fmt: skip
    return Bounds(*(np.asarray(run(*arrays)) for arrays in zip(*parts, strict=True)))


def _at_points(node: Node, inputs: Sequence[Bounds]) -> Bounds:
    """Positions and whole numbers: of inputs that are known."""
    if not all(item.are_points for item in inputs):
        raise Undecided(f"{node.primitive.name} of values that are not points")
    arrays = [b.lo.astype(item.dtype) for b, item in zip(inputs, node.inputs, strict=True)]
    return exactly(np.asarray(node.primitive.bind(node)(*arrays)))


def _elementwise(node: Node, inputs: Sequence[Bounds]) -> Bounds:
    name = node.primitive.name
    function: Callable[..., Array] = node.primitive.value  # type: ignore[attr-defined]
    if node.dtype.kind == "f" and name != "where":  # booleans among numbers are numbers
        inputs = [Bounds(item.lo.astype(Wide), item.hi.astype(Wide), item.nan) for item in inputs]
    if name in ("nextafter", "spacing"):
        narrow = function

        def function(*arrays: Array) -> Array:
            return np.asarray(narrow(*(array.astype(node.dtype) for array in arrays)))

    found = corners(function, inputs)
    if name in ("signbit", "copysign"):
        return _signed(found, inputs[-1])
    if name in ("equal", "not_equal"):
        return _equality(found, inputs)
    if name in LARGEST_OF:
        return with_both_zeros(found)
    if node.dtype.kind != "f" or name in EXACT:
        return found
    are_points = np.logical_and.reduce(
        [np.broadcast_to(item.points, node.shape) for item in inputs]
    )
    if name in ("power", "float_power"):
        base, exponent = inputs
        whole = exponent.points & (exponent.lo == np.floor(exponent.lo))
        doubt = ~exponent.points | (~base.points & ~whole)
        found = anything_where((base.lo <= 0) & doubt & (exponent.nan < 2), found)
        # 1 to the power NaN is 1.
        found = anything_where(~base.points & (base.nan < 2) & (exponent.nan > 0), found)
    if name in WAVES:
        wide = (inputs[0].hi - inputs[0].lo > 1e-6) & (inputs[0].nan < 2)
        pole = (found.lo < -1) & (found.hi > 1)
        found = anything_where(wide | pole, found)
    if name in ("logaddexp", "logaddexp2"):  # what cancels is rounded as the larger argument
        sizes = [np.maximum(abs(item.lo), abs(item.hi)) for item in inputs]
        largest = np.maximum(np.maximum(*sizes), np.maximum(abs(found.lo), abs(found.hi)))
        return rounded(found, node.dtype, OTHERS * spacing(largest, node.dtype))
    if name == "add":  # parts of an array are put together without the zeros between them
        found = with_both_zeros(found)
    if name in ROUNDED:
        return by_units(found, node.dtype, 1, exact=are_points)
    return by_units(found, node.dtype, OTHERS)


def _equality(found: Bounds, inputs: Sequence[Bounds]) -> Bounds:
    """Perhaps equal where bounds overlap that are not both points."""
    a, b = inputs
    overlap = (a.lo <= b.hi) & (b.lo <= a.hi) & ~(a.points & b.points)
    return Bounds(found.lo & ~overlap, found.hi | overlap, found.nan)


def _signed(found: Bounds, signs: Bounds) -> Bounds:
    """The sign of NaN is not told."""
    if found.lo.dtype.kind == "b":
        return Bounds(found.lo & (signs.nan == 0), found.hi | (signs.nan > 0), found.nan)
    size = np.maximum(abs(found.lo), abs(found.hi))
    lo, hi = (
        np.where(signs.nan > 0, s * size, part) for s, part in ((-1, found.lo), (1, found.hi))
    )
    return Bounds(lo, hi, found.nan)


def _cast(node: Node, array: Bounds) -> Bounds:
    if node.dtype.kind == "b":
        return corners(lambda a: a.astype(bool), [array])
    wide = Bounds(array.lo.astype(Wide), array.hi.astype(Wide), array.nan)
    return by_units(wide, node.dtype, 1, exact=True)


# -- extrema, and softmax with its relatives ------------------------------------------------------


def _extremum(node: Node, array: Bounds) -> Bounds:
    run = node.primitive.bind(node)
    nan = np.max(array.nan, axis=node.params)
    return with_both_zeros(Bounds(run(array.lo), run(array.hi), np.asarray(nan)))


def _normalisation(node: Node, array: Bounds) -> Bounds:
    """Bounds of the formulas; rows with infinities or NaN may give anything but a wrong point."""
    axis, name = node.params, node.primitive.name
    lo, hi = array.lo, array.hi
    n = lo.shape[axis]
    span = hi.max(axis=axis, keepdims=True) - lo.min(axis=axis, keepdims=True)
    error = np.finfo(node.dtype).eps * (n + 12 + 2 * span)
    if name == "logsumexp":
        run = node.primitive.bind(node)
        error = error.squeeze(axis)
        low, high = run(lo), run(hi)
        error = error + OTHERS * spacing(np.maximum(abs(low), abs(high)), node.dtype)
    else:
        low, high = -_logarithm(hi, lo, axis), -_logarithm(lo, hi, axis)
        if name == "log_softmax":
            error = error + OTHERS * spacing(low, node.dtype)
        else:
            low, high = np.exp(low), np.exp(high)
            error = high * error + OTHERS * spacing(high, node.dtype)
    doubt = ~(np.isfinite(span) & (array.nan == 0).all(axis=axis, keepdims=True))
    doubt = doubt.squeeze(axis) if name == "logsumexp" else np.broadcast_to(doubt, low.shape)
    found = rounded(Bounds(low, high, np.zeros(low.shape, np.int8)), node.dtype, error)
    return anything_where(doubt | np.isnan(low) | np.isnan(high), found)


def _logarithm(others: Array, own: Array, axis: int) -> Array:
    """For each element log(1 + Σ exp(other − own)) over the others along the axis."""
    there, here = np.moveaxis(others, axis, -1), np.moveaxis(own, axis, -1)
    n = here.shape[-1]
    differences = np.where(np.eye(n, dtype=bool), Wide(0), there[..., None, :] - here[..., :, None])
    top = differences.max(axis=-1, keepdims=True)
    total = top[..., 0] + np.log(np.exp(differences - top).sum(axis=-1))
    return np.moveaxis(total, -1, axis)


RULES: dict[str, Callable[..., Bounds]] = {
    "cast": _cast,
    "contract": contraction,
    "cumsum": cumulative,
    "put": put,
    "max": _extremum,
    "min": _extremum,
    "softmax": _normalisation,
    "log_softmax": _normalisation,
    "logsumexp": _normalisation,
}
