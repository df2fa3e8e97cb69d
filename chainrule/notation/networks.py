"""Labelled products read as matrix notation.

A product of coefficients whose axes carry labels is a graph: a label is a point, a matrix an edge
between two, a column sits on one. Summed points vanish one by one: a point with two edges joins
them into a matrix product, one with a single edge gives a matrix times a column, parallel edges
multiply elementwise. What cannot vanish so is written with indices.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from chainrule.notation.algebra import (
    Diagonal,
    Expr,
    Index,
    Indexed,
    Number,
    Ones,
    Selector,
    Unit,
    shape_of_array,
)
from chainrule.notation.pieces import ONE, Value, times_number
from chainrule.notation.rewriting import diag, hadamard, product, trace, transpose
from chainrule.shapes import Labels


class Factor(NamedTuple):
    """An array in a product, with the labels of its axes."""

    expr: Expr
    labels: Labels


class NotMatrices(Exception):  # not an error: the caller writes indices instead
    """A product that rows and columns cannot say."""


class _Graph:
    """The product under way: columns on points, matrices between two of them."""

    def __init__(self, factors: Sequence[Factor], sizes: Mapping[int, int], scale: Value) -> None:
        self.sizes = sizes
        self.scalars: list[Expr] = [] if scale == 1 else [Number(scale)]
        self.columns: dict[int, list[Expr]] = {}
        self.edges: list[tuple[int, int, Expr]] = []
        self.traced: set[int] = set()
        self.is_matrices = True
        for expr, labels in factors:
            if len(labels) > 2:
                self.is_matrices = False
            elif not labels:
                self.scalars.append(expr)
            elif len(labels) == 1:
                self.columns.setdefault(labels[0], []).append(expr)
            elif labels[0] == labels[1]:
                self.columns.setdefault(labels[0], []).append(Diagonal(expr))
            else:
                self.edges.append((labels[0], labels[1], expr))

    def reduce(self, outer: set[int]) -> None:
        """Remove every summed label."""
        if not self.is_matrices:
            raise NotMatrices
        order = [label for edge in self.edges for label in edge[:2]]
        order += list(self.columns)
        pending = [label for label in reversed(list(dict.fromkeys(order))) if label not in outer]
        while pending:
            label = next((n for n in pending if self._vanishes(n, outer)), None)
            if label is not None:
                pending.remove(label)
            elif not self._merge_parallel():
                raise NotMatrices
        while self._merge_parallel():
            pass

    def _vanishes(self, label: int, outer: set[int]) -> bool:
        if label in self.traced:
            return True
        mine = [edge for edge in self.edges if label in edge[:2]]
        ends = [_other_end(edge, label) for edge in mine]
        if len(mine) > 2 or (len(mine) == 2 and ends[0] == ends[1] and ends[0] in outer):
            return False
        columns = self.columns.pop(label, [])
        self.edges = [edge for edge in self.edges if label not in edge[:2]]
        if not mine:
            self.scalars.append(_summed(columns, self.sizes[label]))
        elif len(mine) == 1:
            first = _oriented(mine[0], ends[0], label)
            column = product([first, _last_column(columns, self.sizes[label])])
            self.columns.setdefault(ends[0], []).append(column)
        else:
            self._join(mine, ends, label, columns)
        return True

    def _join(
        self, mine: Sequence[tuple[int, int, Expr]], ends: Sequence[int], label: int,
        columns: Sequence[Expr],
    ) -> None:  # fmt: skip
        first, second = _oriented(mine[0], ends[0], label), _oriented(mine[1], label, ends[1])
        joined = product([first, *(diag(item) for item in columns), second])
        if ends[0] != ends[1]:
            self.edges.append((ends[0], ends[1], joined))
            return
        alone = not any(ends[0] in edge[:2] for edge in self.edges)
        if alone and not self.columns.get(ends[0]):
            self.scalars.append(trace(joined))
            self.traced.add(ends[0])
        else:
            self.columns.setdefault(ends[0], []).append(Diagonal(joined))

    def _merge_parallel(self) -> bool:
        for k, (a, b, one) in enumerate(self.edges):
            for m in range(k + 1, len(self.edges)):
                if {a, b} == set(self.edges[m][:2]):
                    two = _oriented(self.edges[m], a, b)
                    del self.edges[m]
                    self.edges[k] = (a, b, hadamard([one, two]))
                    return True
        return False

    def column(self, label: int) -> Expr:
        """What stands on a label that remains, as a column."""
        items = self.columns.get(label, [])
        return hadamard(items) if items else Ones((self.sizes[label], None))

    def matrix(self, row: int, column: int) -> Expr:
        """Rows by columns of two labels that remain."""
        between = [edge for edge in self.edges if set(edge[:2]) == {row, column}]
        if not between:
            return product([self.column(row), transpose(self.column(column))])
        left = [diag(item) for item in self.columns.get(row, [])]
        right = [diag(item) for item in self.columns.get(column, [])]
        return product([*left, _oriented(between[0], row, column), *right])


def _other_end(edge: tuple[int, int, Expr], label: int) -> int:
    return edge[1] if edge[0] == label else edge[0]


def _oriented(edge: tuple[int, int, Expr], row: int, column: int) -> Expr:
    return edge[2] if edge[:2] == (row, column) else transpose(edge[2])


def _last_column(columns: Sequence[Expr], size: int) -> Expr:
    if not columns:
        return Ones((size, None))
    return product([*(diag(item) for item in columns[:-1]), columns[-1]])


def _summed(columns: Sequence[Expr], size: int) -> Expr:
    """The sum over a label of the product of the columns on it."""
    if not columns:
        return Number(Fraction(size))
    if len(columns) == 1:
        return product([Ones((None, size)), columns[0]])
    middle = [diag(item) for item in columns[1:-1]]
    return product([transpose(columns[0]), *middle, columns[-1]])


# -- axes with one entry ---------------------------------------------------------------------------


def without_axes_of_one(
    factors: Sequence[Factor], outer: Labels, sizes: Mapping[int, int], shared: bool
) -> list[Factor]:
    """A summed label with a single value picks the entry at position 0 of what has it.

    A label that several factors have goes only where ``shared`` says so: vᵀv is better left.
    """
    counts = Counter(label for item in factors for label in item.labels)
    result = []
    for expr, labels in factors:
        dropped = [
            label not in outer and sizes[label] == 1 and (shared or counts[label] == 1)
            for label in labels
        ]
        kept = tuple(n for n, drop in zip(labels, dropped, strict=True) if not drop)
        result.append(Factor(_picked(expr, dropped) if any(dropped) else expr, kept))
    return result


def _picked(expr: Expr, dropped: Sequence[bool]) -> Expr:
    """The only entry along some axes."""
    sizes = [size for size in expr.shape if size is not None]
    if isinstance(expr, Index):
        pending = iter(dropped)
        key = tuple(
            item[0] if isinstance(item, tuple) and next(pending) else item for item in expr.key
        )
        return Index(expr.inner, key)
    if isinstance(expr, Selector):
        return Unit(expr.start, expr.size) if not dropped[0] else ONE
    if isinstance(expr, Ones):
        kept = tuple(size for size, drop in zip(sizes, dropped, strict=True) if not drop)
        return Ones(shape_of_array(kept)) if kept else ONE
    key = tuple(0 if drop else (0, 1, size) for size, drop in zip(sizes, dropped, strict=True))
    return Index(expr, key)


# -- values ---------------------------------------------------------------------------------------


def read_value(
    factors: Sequence[Factor], out: Labels, sizes: Mapping[int, int], scale: Value = Fraction(1)
) -> Expr:
    """The array with the axes ``out``: a number, a column, a matrix, or more with indices."""
    try:
        return matrix_of(factors, out, sizes, scale)
    except NotMatrices:
        factors = without_axes_of_one(factors, out, sizes, shared=True)
        if len(out) > 2 and all(item.labels in ((), out) for item in factors):
            scalars = [item.expr for item in factors if not item.labels]
            whole = [item.expr for item in factors if item.labels]
            if whole:
                return product([Number(Fraction(scale)), *scalars, hadamard(whole)])
        return indexed(factors, out, None, sizes, scale)


def matrix_of(
    factors: Sequence[Factor], out: Labels, sizes: Mapping[int, int], scale: Value
) -> Expr:
    if len(out) > 2:
        raise NotMatrices
    graph = _reduced(factors, out, sizes, scale)
    if not out:
        inner: Expr = ONE
    elif len(out) == 1:
        inner = graph.column(out[0])
    elif out[0] == out[1]:
        inner = diag(graph.column(out[0]))
    else:
        inner = graph.matrix(*out)
    return product([*graph.scalars, inner])


def _reduced(
    factors: Sequence[Factor], out: Labels, sizes: Mapping[int, int], scale: Value
) -> _Graph:
    """The product without its summed labels; axes of one entry may have to go first."""
    for shared in (False, True):
        graph = _Graph(without_axes_of_one(factors, out, sizes, shared), sizes, scale)
        try:
            graph.reduce(set(out))
        except NotMatrices:
            continue
        return graph
    raise NotMatrices


def indexed(
    factors: Sequence[Factor], out: Labels, split: int | None, sizes: Mapping[int, int],
    scale: Value,
) -> Expr:  # fmt: skip
    """The product in index notation, its labels numbered in the order of the result's axes."""
    factors = without_axes_of_one(factors, out, sizes, shared=True)
    for item in factors:
        if isinstance(item.expr, Number):
            scale = scale * item.expr.value
    factors = [item for item in factors if not isinstance(item.expr, Number)]
    order = [*out, *(label for item in factors for label in item.labels)]
    numbers = {label: k for k, label in enumerate(dict.fromkeys(order))}
    written = Indexed(
        tuple(item.expr for item in factors),
        tuple(tuple(numbers[label] for label in item.labels) for item in factors),
        tuple(numbers[label] for label in out),
        tuple(sizes[label] for label in numbers),
        split,
    )
    return times_number(scale, written)
