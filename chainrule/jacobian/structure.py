"""What a structured map is, in words, and how many bytes it takes: before it is computed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.node import Array, Node
from chainrule.jacobian.writing import strided, unique_labels
from chainrule.primitives.axes import (
    Axis,
    all_labels,
    are_digits,
    are_straight,
    kind,
    labels_of,
)
from chainrule.primitives.terms import Coefficient, Term
from chainrule.shapes import Shape


def coefficient_nodes(summands: Sequence[Term]) -> list[Node]:
    """Every array that the summands hold, each once."""
    found: dict[Node, None] = {}
    for summand in summands:
        found.update(dict.fromkeys(item.node for item in summand.coefficients))
        for axis in (*summand.out, *summand.into):
            table = kind(axis).table
            if table is not None:
                found[table] = None
    return list(found)


def with_coefficients(summand: Term, became: Mapping[Any, Any]) -> Term:
    """A summand with other arrays, or numbers for them, in place of its coefficients and tables."""

    def moved(axis: Axis) -> Axis:
        table = kind(axis).table
        return axis if table is None else kind(axis).with_table(became[table])

    return summand._replace(
        coefficients=tuple(
            Coefficient(became[item.node], item.labels) for item in summand.coefficients
        ),
        out=tuple(moved(axis) for axis in summand.out),
        into=tuple(moved(axis) for axis in summand.into),
    )


def nbytes(summands: Sequence[Term]) -> int:
    """Bytes of the coefficients and of the tables of positions."""
    return nbytes_of(coefficient_nodes(summands))


def nbytes_of(nodes: Sequence[Node]) -> int:
    """Bytes of arrays that are not computed yet."""
    return sum(node.size * node.dtype.itemsize for node in nodes)


def entries(summands: Sequence[Term]) -> int:
    """Entries of the sparse matrix, before equal places are added."""
    return sum(prod(s.sizes[n] for n in unique_labels(s)) for s in summands)


def describe(summands: Sequence[Term], out: Shape, into: Shape) -> str:
    """The structure in words: never more than is true of every value of the coefficients."""
    if not summands:
        return "zero"
    if len(summands) == 1:
        return _one(summands[0], out, into)
    rows, columns = prod(out), prod(into)
    if out == into and is_diagonal(summands):
        return "diagonal"
    if entries(summands) < rows * columns and all(_is_thin(item) for item in summands):
        return _thin(summands, out, columns)
    counts = Counter(_one(item, out, into) for item in summands)
    return " + ".join(_counted(words, count) for words, count in counts.items())


def _counted(words: str, count: int) -> str:
    if count == 1 or words == "diagonal":
        return words
    return f"{count} outer products" if words == "outer product" else f"{count} × ({words})"


def is_diagonal(summands: Sequence[Term]) -> bool:
    """Whether the entries of a square Jacobian stand on the diagonal only."""
    return all(_is_diagonal(item) for item in summands)


def _one(summand: Term, out: Shape, into: Shape) -> str:
    rows, columns = prod(out), prod(into)
    shared = [n for n in unique_labels(summand) if _is_shared(n, summand)]
    if summand.virtual:
        return _virtual_kind(summand)
    if out == into and _is_diagonal(summand):
        if summand.coefficients or not all(isinstance(axis, int) for axis in summand.out):
            return "diagonal"
        return "identity" if summand.scale == 1.0 else f"{summand.scale:g} × identity"
    plain = all(isinstance(axis, int) for axis in (*summand.out, *summand.into))
    if not plain:
        if _is_thin(summand):
            return _thin([summand], out, columns)
        return "sparse blocks"
    sides = [all_labels(summand.out), all_labels(summand.into)]
    if any(len(set(side)) < len(side) for side in sides):
        return f"sparse, {entries([summand]):,} entries"
    if not shared:
        return _dense_kind(summand, rows, columns)
    return _block_kind(summand, shared)


def _virtual_kind(summand: Term) -> str:
    """Virtual coefficients by their own words: for where they stand as they are, and elsewhere."""
    sides = (summand.out, summand.into)
    in_place = any(
        all(item.row in out and item.column in into for item in summand.virtual)
        for out, into in (sides, sides[::-1])
    )
    words = dict.fromkeys(item.words[not in_place] for item in summand.virtual)
    alone = len(summand.out) == len(summand.into) == 1
    return " and ".join(words) + (" along an axis" if in_place and not alone else "")


def _dense_kind(summand: Term, rows: int, columns: int) -> str:
    sides = [set(all_labels(summand.out)), set(all_labels(summand.into))]
    if not summand.coefficients:
        return f"constant {summand.scale:g}"
    if all(any(set(c.labels) <= side for side in sides) for c in summand.coefficients):
        return "outer product" if rows > 1 and columns > 1 else "dense"
    return "dense"


def _block_kind(summand: Term, shared: Sequence[int]) -> str:
    """Deltas on some labels: blocks along a diagonal, all equal or each its own.

    Only deltas on the leading axes of both sides are blocks along the diagonal of the flattened
    Jacobian; on others the blocks are spread over it.
    """
    blocks = prod(summand.sizes[n] for n in shared)
    rest_out = prod(summand.sizes[n] for n in all_labels(summand.out) if n not in shared)
    rest_into = prod(summand.sizes[n] for n in all_labels(summand.into) if n not in shared)
    inside = f"{rest_out}×{rest_into}"
    alike = not any(n in c.labels for c in summand.coefficients for n in shared)
    count = len(shared)
    leads = summand.out[:count] == summand.into[:count] == tuple(shared)
    trails = summand.out[-count:] == summand.into[-count:] == tuple(shared)
    if not leads and alike and trails:
        return f"A ⊗ I: {inside}, each entry on the diagonal of a block of {blocks:,}×{blocks:,}"
    if not leads:
        every = rest_out * rest_into * blocks
        return f"Kronecker deltas on {count} of the axes, {every:,} entries"
    if alike:
        return f"I ⊗ A: {blocks:,} equal blocks of {inside}"
    return f"block diagonal: {blocks:,} blocks of {inside}"


def _is_shared(label: int, summand: Term) -> bool:
    return label in all_labels(summand.out) and label in all_labels(summand.into)


def _is_diagonal(summand: Term) -> bool:
    places = [
        [_place(axis, summand.sizes) for axis in side] for side in (summand.out, summand.into)
    ]
    return (
        places[0] == places[1]
        and not summand.virtual
        and len(set(all_labels(summand.out))) == len(all_labels(summand.out))
        and all(kind(axis).table is None for axis in summand.out)
    )


class _Position(NamedTuple):
    """The one position that an axis is."""

    start: int


def _place(axis: Axis, sizes: Mapping[int, int]) -> Axis | _Position:
    """The axis, or the one position that it is: a label with one value may have any number."""
    line = kind(axis).line
    return axis if line is None or sizes[line.label] != 1 else _Position(line.start)


def _is_thin(summand: Term) -> bool:
    """Whether the positions of the input follow from those of the output, up to a few."""
    out = set(all_labels(summand.out))
    free = prod(summand.sizes[n] for n in unique_labels(summand) if n not in out)
    return not summand.virtual and free <= 16


def _is_banded(summands: Sequence[Term]) -> bool:
    """One axis each side, and positions that move in step."""
    for summand in summands:
        if len(summand.out) != 1 or len(summand.into) != 1:
            return False
        row, column = kind(summand.out[0]).line, kind(summand.into[0]).line
        if row is None or column is None or row._replace(start=column.start) != column:
            return False
    return True


def _thin(summands: Sequence[Term], out: Shape, columns: int) -> str:
    if not all(_names_rows_once(item) for item in summands):
        return f"sparse, {entries(summands):,} entries"
    most, diagonals = _most_per_row(summands, out)
    kind = "banded" if _is_banded(summands) and diagonals <= most else "sparse"
    return f"{kind}, at most {most} of {columns:,} per row"


def _names_rows_once(summand: Term) -> bool:
    """Whether no row is counted several times by the labels of the output."""
    if are_digits(summand.out):
        return True
    labels = [label for axis in summand.out for label in labels_of(axis)]
    return are_straight(summand.out) and len(set(labels)) == len(labels)


class _Band(NamedTuple):
    """Entries at ``column = slope * row + offset``, an input's axis each, for rows in a range."""

    places: tuple[tuple[int, Fraction, Fraction], ...]
    first: int
    last: int


COUNTED = 2**16
"""Rows up to this number are counted one by one; of more, slices are taken to be without gaps."""


def _most_per_row(summands: Sequence[Term], out: Shape) -> tuple[int, int]:
    """Entries of the fullest row, where several on one place count once, and of all bands."""
    if prod(out) <= COUNTED and not any(are_digits(item.out) for item in summands):
        return _counted_rows(summands, out)
    most, spans = 0, defaultdict[Any, list[tuple[int, int]]](list)
    for item in summands:
        own = {label for axis in item.out for label in labels_of(axis)}
        count = prod(item.sizes[n] for n in unique_labels(item) if n not in own)
        band = _band(item) if count == 1 else None
        if band is None:
            most += count
        else:
            spans[band.places].append((band.first, band.last))
    return most + _deepest([_united(rows) for rows in spans.values()]), most + len(spans)


def _counted_rows(summands: Sequence[Term], out: Shape) -> tuple[int, int]:
    """The same, row by row."""
    others, bands = 0, dict[Any, Array]()
    total = np.zeros(out, np.int64)
    for item in summands:
        labels = tuple(dict.fromkeys(all_labels(item.out)))
        sizes = tuple(item.sizes[label] for label in labels)
        count = prod(item.sizes[n] for n in unique_labels(item) if n not in labels)
        if 0 in sizes:
            continue
        band = _band(item) if count == 1 else None
        if band is None:
            strided(total, item.out, labels, sizes)[...] += count
            others += count
        else:
            rows = bands.setdefault(band.places, np.zeros(out, np.int64))
            strided(rows, item.out, labels, sizes)[...] = 1
    total = sum(bands.values(), total)
    return int(total.max(initial=0)), others + len(bands)


def _band(summand: Term) -> _Band | None:
    """The summand as a band, where its columns are straight functions of its rows."""
    lines = [kind(axis).line for axis in summand.out]
    rows = {line.label: (k, line) for k, line in enumerate(lines) if line is not None}
    places = []
    for k, axis in enumerate(summand.into):
        line = kind(axis).line
        if line is None:
            return None
        if summand.sizes[line.label] == 1:  # part of any line through it
            row = _place(summand.out[k], summand.sizes) if k < len(summand.out) else None
            if isinstance(row, _Position):
                places.append((k, Fraction(1), Fraction(line.start - row.start)))
            else:
                places.append((-1, Fraction(0), Fraction(line.start)))
            continue
        if line.label not in rows:
            return None
        place, known = rows[line.label]
        slope = Fraction(line.step, known.step)
        places.append((place, slope, line.start - slope * known.start))
    if len(summand.out) != 1 or len(rows) != 1:  # rows of several axes are all taken to overlap
        return _Band(tuple(places), 0, 0)
    ((_, known),) = rows.values()
    end = known.start + known.step * (summand.sizes[known.label] - 1)
    return _Band(tuple(places), min(known.start, end), max(known.start, end))


def _united(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges of rows without overlaps."""
    result: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if result and first <= result[-1][1]:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return result


def _deepest(bands: Sequence[Sequence[tuple[int, int]]]) -> int:
    """The most bands that one row belongs to."""
    events = [
        event for spans in bands for first, last in spans for event in ((first, 1), (last + 1, -1))
    ]
    depth = deepest = 0
    for _, change in sorted(events):
        depth += change
        deepest = max(deepest, depth)
    return deepest
