"""Writing a structured map out: as a dense array, or as a sparse matrix with its exact pattern."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.graph.node import Array, Node
from chainrule.jacobian.summands import as_gather, on_diagonals
from chainrule.primitives.axes import (
    Axes,
    Axis,
    all_labels,
    are_plain,
    are_straight,
    kind,
    labels_of,
)
from chainrule.primitives.products import strong_product
from chainrule.primitives.terms import Term
from chainrule.shapes import Labels, Shape

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def unique_labels(summand: Term) -> Labels:
    """The labels of a summand, those of the output first, each once."""
    return tuple(dict.fromkeys((*all_labels(summand.out), *all_labels(summand.into))))


Values = Mapping[Node, Array]
"""The arrays of coefficients and of tables of positions; constants bring their own."""


def values(summand: Term, labels: Labels, known: Values, out: Array | None = None) -> Array:
    """The product of the coefficients over labels, broadcastable to their sizes."""
    parts = [*summand.coefficients, *(item.written() for item in summand.virtual)]
    factors = [
        _aligned(known.get(item.node, item.node.value), item.labels, labels) for item in parts
    ]
    if not factors:
        return np.asarray(summand.scale)
    is_strong = len(factors) > 1 and not all(item.node.finite for item in parts)
    multiply = strong_product if is_strong else np.multiply
    result = factors[0]
    for factor in factors[1:-1]:
        result = multiply(result, factor)
    if summand.scale != 1.0:
        result = result * result.dtype.type(summand.scale) if len(factors) > 1 else result
    if len(factors) > 1:
        return multiply(result, factors[-1], out=out)
    return result if summand.scale == 1.0 else result * result.dtype.type(summand.scale)


def _aligned(array: Array | None, own: Labels, labels: Labels) -> Array:
    """Axes in the order of ``labels``, with axes of size 1 for those that it lacks."""
    assert array is not None, "coefficients and tables are computed before they are written"
    order = [own.index(label) for label in labels if label in own]
    index = tuple(slice(None) if label in own else None for label in labels)
    return array.transpose(order)[index]


# -- dense ----------------------------------------------------------------------------------------


def write_dense(
    summands: Sequence[Term], shape: Shape, dtype: np.dtype[Any], known: Values
) -> Array:
    """The sum of the summands as one array."""
    rest = sorted(summands, key=_leaves_zeros)
    if rest and not _leaves_zeros(rest[0]):
        first, *rest = rest
        result = np.empty(shape, dtype)
        product = values(first, unique_labels(first), known, out=result)
        if product is not result:
            result[...] = product
    else:
        result = np.zeros(shape, dtype)
    for summand in rest:
        _add(result, summand, known)
    return result


def _leaves_zeros(summand: Term) -> bool:
    """Whether some entries are not written at all."""
    axes = (*summand.out, *summand.into)
    return len(set(axes)) < len(axes) or not are_plain(axes)


def _add(result: Array, summand: Term, known: Values) -> None:
    """Add one summand to the entries that it has."""
    axes = (*summand.out, *summand.into)
    labels = unique_labels(summand)
    sizes = tuple(summand.sizes[label] for label in labels)
    if 0 in sizes:
        return
    product = values(summand, labels, known)
    if are_straight(axes):
        view = strided(result, axes, labels, sizes)
        view += product
        return
    index = tuple(_positions(axis, labels, summand, known) for axis in axes)
    np.add.at(result, index, np.broadcast_to(product, sizes))


def strided(result: Array, axes: Axes, labels: Labels, sizes: Shape) -> Array:
    """The entries of a summand as a view: along a label that two axes share, their strides add."""
    strides = dict.fromkeys(labels, 0)
    offset = 0
    for axis, stride in zip(axes, result.strides, strict=True):
        positions = kind(axis).straight
        assert positions is not None, "only straight axes are a view"
        offset += positions[0] * stride
        for label, step in positions[1]:
            strides[label] += step * stride
    return np.ndarray(
        sizes, result.dtype, result, offset, tuple(strides[label] for label in labels)
    )


def _positions(axis: Axis, labels: Labels, summand: Term, known: Values) -> Array:
    """Where a summand's entries stand along an axis, broadcastable over its labels."""
    own = labels_of(axis)
    own_table = kind(axis).table
    if own_table is not None:
        held = known.get(own_table, own_table.value)
        assert held is not None, "tables are computed before they are written"
        return _aligned(on_diagonals(held, own), tuple(dict.fromkeys(own)), labels)
    table = as_gather(axis, summand.sizes)
    return _aligned(table.positions.value, table.labels, labels)


# -- sparse ---------------------------------------------------------------------------------------


def write_sparse(
    summands: Sequence[Term], out: Shape, into: Shape, dtype: np.dtype[Any], known: Values
) -> csr_array:
    """A CSR matrix of outputs by inputs, both flattened in row-major order."""
    if summands and all(_is_regular(summand, out) for summand in summands):
        return _interleaved(summands, out, into, dtype, known)
    return _collected(summands, out, into, dtype, known)


def _is_regular(summand: Term, out: Shape) -> bool:
    """Whether every row has the same number of entries: the output's labels count all rows."""
    return are_plain(summand.out) and len(set(summand.out)) == len(out)


def _index_dtype(out: Shape, into: Shape, entries: int) -> type[np.int32] | type[np.int64]:
    largest = max(prod(out), prod(into), entries)
    return np.int32 if largest < 2**31 else np.int64


def _flat(axes: Axes, shape: Shape, labels: Labels, summand: Term, known: Values) -> Array:
    """Positions in the flattened array, broadcastable over the labels."""
    total = np.zeros((1,) * len(labels), np.int64)
    for k, axis in enumerate(axes):
        total = total + _positions(axis, labels, summand, known) * prod(shape[k + 1 :])
    return total


def _interleaved(
    summands: Sequence[Term], out: Shape, into: Shape, dtype: np.dtype[Any], known: Values
) -> csr_array:
    """Entries written side by side in each row: no sorting, no intermediate lists."""
    from scipy.sparse import csr_array

    rows = prod(out)
    counts = [prod(s.sizes[n] for n in unique_labels(s)[len(out) :]) for s in summands]
    per_row = sum(counts)
    index = _index_dtype(out, into, rows * per_row)
    columns = np.empty((rows, per_row), index)
    data = np.empty((rows, per_row), dtype)
    at = 0
    for summand, count in sorted(zip(summands, counts, strict=True), key=_first_column):
        labels = unique_labels(summand)
        sizes = tuple(summand.sizes[label] for label in labels)
        place = (slice(None), slice(at, at + count))
        where = np.broadcast_to(_flat(summand.into, into, labels, summand, known), sizes)
        columns[place] = where.reshape(rows, count)
        data[place] = np.broadcast_to(values(summand, labels, known), sizes).reshape(rows, count)
        at += count
    pointers = np.arange(0, rows * per_row + 1, per_row or 1, dtype=index)
    if not per_row:
        pointers = np.zeros(rows + 1, index)
    matrix = csr_array(
        (data.ravel(), columns.ravel(), pointers), shape=(rows, prod(into)), copy=False
    )
    if per_row > 1 and bool(np.any(columns[:, 1:] <= columns[:, :-1])):
        matrix.sum_duplicates()
    else:
        matrix.has_canonical_format = True
    return matrix


def _first_column(entry: tuple[Term, int]) -> tuple[int, ...]:
    """Summands in the order of their columns, where slices tell it."""
    starts = [kind(axis).straight for axis in entry[0].into]
    return tuple(0 if positions is None else positions[0] for positions in starts)


def _collected(
    summands: Sequence[Term], out: Shape, into: Shape, dtype: np.dtype[Any], known: Values
) -> csr_array:
    """Entries as lists of rows, columns and values; equal places are added."""
    from scipy.sparse import coo_array, csr_array

    shape = (prod(out), prod(into))
    parts: list[tuple[Array, Array, Array]] = []
    for summand in summands:
        labels = unique_labels(summand)
        sizes = tuple(summand.sizes[label] for label in labels)
        arrays = (
            values(summand, labels, known).astype(dtype, copy=False),
            _flat(summand.out, out, labels, summand, known),
            _flat(summand.into, into, labels, summand, known),
        )
        data, rows, columns = (np.broadcast_to(a, sizes).ravel() for a in arrays)
        parts.append((data, rows, columns))
    if not parts:
        return csr_array(shape, dtype=dtype)
    data, rows, columns = (np.concatenate(lists) for lists in zip(*parts, strict=True))
    return coo_array((data, (rows, columns)), shape=shape).tocsr()
