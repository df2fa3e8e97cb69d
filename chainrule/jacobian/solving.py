"""Solving J x = b by a solver that suits the structure: SciPy's, for all but diagonals."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.arguments import real_array
from chainrule.errors import ShapeError, SingularError
from chainrule.graph.node import Array
from chainrule.jacobian import structure

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from chainrule.jacobian.matrix import Jacobian

SPARSE = 0.1
"""Up to this share of entries a sparse solver is used."""


def solve(jacobian: Jacobian, b: Any) -> Array:
    """x with J x = b; see :meth:`chainrule.Jacobian.solve`."""
    out, into = jacobian.output_shape, jacobian.input_shape
    size = prod(out)
    right = real_array("solve", "the right side", b)
    if size != prod(into):
        raise ShapeError("solve", "the Jacobian is not square", got=f"{out} by {into}")
    if right.shape[: len(out)] != out:
        raise ShapeError(
            "solve", "the right side must have the output's shape", got=f"{right.shape} for {out}"
        )
    columns = right.reshape(size, -1)
    found = _solved(jacobian, columns, size)
    if not np.isfinite(found).all() and np.isfinite(columns).all():
        raise _singular(jacobian)
    return np.asarray(found).reshape((*into, *right.shape[len(out) :]))


def _solved(jacobian: Jacobian, columns: Array, size: int) -> Array:
    if structure.is_diagonal(jacobian.summands) and jacobian.output_shape == jacobian.input_shape:
        entries = jacobian.diagonal().reshape(size, 1)
        if np.any(entries == 0):
            raise _singular(jacobian)
        return np.asarray(columns / entries)
    if structure.entries(jacobian.summands) <= SPARSE * size * size:
        return _sparse(jacobian, columns, size)
    return _dense(jacobian, columns, size)


def _sparse(jacobian: Jacobian, columns: Array, size: int) -> Array:
    """Banded where the band is narrow, else by sparse LU decomposition."""
    matrix = jacobian.tosparse()
    rows, cols = matrix.nonzero()
    if rows.size == 0:
        raise _singular(jacobian)
    lower, upper = int((rows - cols).max(initial=0)), int((cols - rows).max(initial=0))
    if (lower + upper + 1) * 20 < size:
        return _banded(jacobian, matrix, columns, max(lower, 0), max(upper, 0))
    from scipy.sparse.linalg import splu

    try:
        return np.asarray(splu(matrix.tocsc()).solve(columns))
    except RuntimeError:  # exactly singular
        raise _singular(jacobian) from None


def _banded(jacobian: Jacobian, matrix: csr_array, columns: Array, lower: int, upper: int) -> Array:
    from scipy.linalg import LinAlgError, solve_banded

    bands = np.zeros((lower + upper + 1, columns.shape[0]), matrix.dtype)
    for offset in range(-lower, upper + 1):
        entries = matrix.diagonal(offset)
        start = max(offset, 0)
        bands[upper - offset, start : start + len(entries)] = entries
    try:
        return np.asarray(solve_banded((lower, upper), bands, columns))
    except (LinAlgError, np.linalg.LinAlgError):
        raise _singular(jacobian) from None


def _dense(jacobian: Jacobian, columns: Array, size: int) -> Array:
    """By LAPACK's own functions: SciPy's warns of what is nearly singular, and no thread can turn
    another one's warnings into errors."""
    from scipy.linalg.lapack import get_lapack_funcs

    matrix: Any = np.asarray_chkfinite(jacobian.toarray().reshape(size, size))
    functions: Any = get_lapack_funcs(("getrf", "gecon", "getrs"), (matrix, columns))
    factorize, condition, solve_factored = functions
    factors, pivots, failed = factorize(matrix)
    largest = np.max(np.sum(np.abs(matrix), axis=0), initial=0.0)
    inverse_condition = 0.0 if failed else condition(factors, largest)[0]
    if not inverse_condition >= np.finfo(factors.dtype).eps:
        raise _singular(jacobian)
    return np.asarray(solve_factored(factors, pivots, columns)[0])


def _singular(jacobian: Jacobian) -> SingularError:
    return SingularError(
        "solve",
        "the Jacobian is singular, or so nearly that no digit of a solution would be right",
        got=f"{jacobian.output_shape} by {jacobian.input_shape}, {jacobian.structure}",
        remedy="use scipy.linalg.lstsq(J.toarray(), b) for a least-squares solution",
    )
