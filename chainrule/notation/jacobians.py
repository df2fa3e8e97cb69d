"""Labelled products read as Jacobians: matrices, or two of them side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from chainrule.notation.algebra import Expr, Number, Swap, Vec
from chainrule.notation.networks import Factor, NotMatrices, matrix_of
from chainrule.notation.pieces import Value
from chainrule.notation.rewriting import diag, hadamard, kronecker, product, transpose
from chainrule.shapes import Labels


def read_jacobian(
    factors: Sequence[Factor], out: Labels, into: Labels, sizes: Mapping[int, int],
    scale: Value = Fraction(1), flat: bool = False,
) -> Expr:  # fmt: skip
    """The Jacobian with the axes ``out + into`` as a matrix, arrays laid out row by row.

    With respect to a matrix, the derivative of a number has the matrix's own shape (5.87), unless
    ``flat`` asks for a row.

    Raises
    ------
    NotMatrices
        Where only indices can say it.
    """
    if len(out) + len(into) > 2:
        return _kronecker(factors, out, into, sizes, scale)
    whole = matrix_of(factors, (*out, *into), sizes, scale)
    if not out and len(into) == 1:
        return transpose(whole)
    if flat and len(out) == 2:
        return Vec(whole)
    return transpose(Vec(whole)) if flat and len(into) == 2 else whole


def _kronecker(
    factors: Sequence[Factor], out: Labels, into: Labels, sizes: Mapping[int, int], scale: Value
) -> Expr:
    """Two matrices side by side, with diagonal ones before and behind."""
    if len(out) > 2 or len(into) > 2:
        raise NotMatrices
    for halves in _pairings(out, into):
        before, rest = _taken(factors, out, halves)
        behind, rest = _taken(rest, into, halves)
        shared = _shared_out(rest, halves)
        if shared is None:
            continue
        try:
            sides = [
                _side(part, rows, columns, sizes)
                for part, (rows, columns) in zip(shared, halves, strict=True)
            ]
        except NotMatrices:
            continue
        swapped = halves == _swapped(out, into) and len(out) == len(into) == 2
        swap = [Swap(sizes[into[0]], sizes[into[1]])] if swapped else []
        left = [diag(Vec(hadamard([_as_matrix(f, out) for f in before])))] if before else []
        right = [diag(Vec(hadamard([_as_matrix(f, into) for f in behind])))] if behind else []
        core = kronecker(*sides)
        return product([Number(Fraction(scale)), *left, core, *swap, *right])
    raise NotMatrices


Half = tuple[int | None, int | None]


def _pairings(out: Labels, into: Labels) -> list[tuple[Half, Half]]:
    """Ways to split the axes into a left and a right matrix."""
    if len(out) == 2 and len(into) == 2:
        return [((out[0], into[0]), (out[1], into[1])), _swapped(out, into)]
    if len(out) == 1:
        return [((out[0], into[0]), (None, into[1])), ((None, into[0]), (out[0], into[1]))]
    return [((out[0], into[0]), (out[1], None)), ((out[0], None), (out[1], into[0]))]


def _swapped(out: Labels, into: Labels) -> tuple[Half, Half]:
    return ((out[0], into[-1]), (out[-1], into[0]))


def _taken(
    factors: Sequence[Factor], axes: Labels, halves: tuple[Half, Half]
) -> tuple[list[Factor], list[Factor]]:
    """Coefficients on both axes of one side, which are diagonal, and the others."""
    mine = [
        item
        for item in factors
        if len(axes) == 2 and set(item.labels) == set(axes) and not _within_one(item, halves)
    ]
    return mine, [item for item in factors if not any(item is other for other in mine)]


def _within_one(item: Factor, halves: tuple[Half, Half]) -> bool:
    return any(set(item.labels) <= set(half) for half in halves)


def _as_matrix(item: Factor, axes: Labels) -> Expr:
    return item.expr if item.labels == axes else transpose(item.expr)


def _shared_out(
    factors: Sequence[Factor], halves: tuple[Half, Half]
) -> tuple[list[Factor], list[Factor]] | None:
    """Each coefficient to the half whose axes its summed labels lead to; None if to both."""
    outer = {label for half in halves for label in half if label is not None}
    if set(halves[0]) & set(halves[1]) - {None}:
        return None
    result: tuple[list[Factor], list[Factor]] = ([], [])
    for group in _connected(factors):
        labels = {label for item in group for label in item.labels} & outer
        sides = [k for k, half in enumerate(halves) if labels & set(half)]
        if len(sides) > 1:
            return None
        result[sides[0] if sides else 0].extend(group)
    return result


def _connected(factors: Sequence[Factor]) -> list[list[Factor]]:
    groups: list[tuple[set[int], list[Factor]]] = []
    for item in factors:
        joined = [group for group in groups if group[0] & set(item.labels)]
        labels = set(item.labels).union(*(group[0] for group in joined))
        members = [member for group in joined for member in group[1]]
        groups = [group for group in groups if group not in joined] + [(labels, [*members, item])]
    return [members for _, members in groups]


def _side(
    factors: Sequence[Factor], row: int | None, column: int | None, sizes: Mapping[int, int]
) -> Expr:
    """One of the two matrices, which may be a row or a column."""
    if row is not None and column is not None:
        return matrix_of(factors, (row, column), sizes, Fraction(1))
    if row is not None:
        return matrix_of(factors, (row,), sizes, Fraction(1))
    if column is not None:
        return transpose(matrix_of(factors, (column,), sizes, Fraction(1)))
    return matrix_of(factors, (), sizes, Fraction(1))
