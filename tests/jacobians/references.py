"""What a Jacobian is compared with, and what its ``structure`` claims, judged by the dense array."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

import chainrule as cr

Array = Any

# Sums of at most a few dozen products of numbers of the same size, in another order, each rounded
# by 1.1e-16; five steps deep. Compared with the largest entry: small entries come of cancellation.
RELATIVE = 1e-12


def assert_same(found: Array, expected: Array, note: str = "", tolerance: float = RELATIVE) -> None:
    """Equal shapes, and entries equal up to rounding beside the largest one."""
    assert np.shape(found) == np.shape(expected), note
    largest = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * largest, err_msg=note)


def columns(f: Callable[[Array], Array], x: Array) -> Array:
    """The Jacobian by ``cr.jvp``, column by column."""
    dense = np.zeros(np.shape(f(x)) + x.shape, x.dtype)
    for place in np.ndindex(*x.shape):
        dense[(..., *place)] = cr.jvp(f, (x,), (unit(x.shape, place, x.dtype),))[1]
    return dense


def rows(f: Callable[[Array], Array], x: Array) -> Array:
    """The Jacobian by ``cr.vjp``, row by row."""
    value, pullback = cr.vjp(f, x)
    dense = np.zeros(np.shape(value) + x.shape, x.dtype)
    for place in np.ndindex(*np.shape(value)):
        dense[place] = pullback(unit(np.shape(value), place, x.dtype))[0]
    return dense


def unit(shape: tuple[int, ...], place: tuple[int, ...], dtype: Any) -> Array:
    array = np.zeros(shape, dtype)
    array[place] = 1
    return array


def swapped(dense: Array, rank: int) -> Array:
    """The transpose: the axes of the output, ``rank`` of them, to the back."""
    return np.moveaxis(dense, range(rank), range(dense.ndim - rank, dense.ndim))


# -- what the words of ``structure`` promise --------------------------------------------------------


def assert_true(words: str, dense: Array, out: tuple[int, ...], into: tuple[int, ...]) -> None:
    """That the dense array is what the words say; unknown words are an error."""
    matrix = dense.reshape(int(np.prod(out)), int(np.prod(into)))
    if words.endswith(", symmetric"):
        words = words.removesuffix(", symmetric")
        assert_same(matrix, matrix.T, "symmetric")
    parts = words.split(" + ")
    if len(parts) == 1:
        claim(words)(matrix, dense, out, into)
        return
    for part in parts:
        claim(part)  # only words that are known
    if set(parts) == {"diagonal", "outer product"} or set(parts) == {"identity", "outer product"}:
        for cut in range(1, len(matrix)):  # blocks beside the diagonal see the outer product alone
            assert rank(matrix[:cut, cut:]) <= 1, words
            assert rank(matrix[cut:, :cut]) <= 1, words


def claim(words: str) -> Callable[..., None]:
    """The test that belongs to one summand's words."""
    for pattern, test in CLAIMS:
        found = re.fullmatch(pattern, words)
        if found:
            numbers = [float(text.replace(",", "")) for text in found.groups()]
            return lambda *arguments: test(words, numbers, *arguments)
    raise AssertionError(f"unknown words for a structure: {words!r}")


def rank(matrix: Array) -> int:
    """The numerical rank; singular values of rounding are ten digits below the largest."""
    if matrix.size == 0:
        return 0
    values = np.linalg.svd(matrix, compute_uv=False)
    return int((values > 1e-10 * max(values[0], 1e-300)).sum()) if values[0] > 0 else 0


def _zero(words, numbers, matrix, *_):
    assert not matrix.any(), words


def _diagonal(words, numbers, matrix, dense, out, into):
    assert out == into, words
    assert not (matrix - np.diag(matrix.diagonal())).any(), words


def _identity(words, numbers, matrix, dense, out, into):
    assert out == into, words
    scale = numbers[0] if numbers else 1.0
    # the words show six digits of the scale
    np.testing.assert_allclose(matrix, scale * np.eye(len(matrix)), rtol=1e-5, err_msg=words)


def _thin(words, numbers, matrix, *_):
    most, width = numbers
    assert width == matrix.shape[1], words
    assert (np.count_nonzero(matrix, axis=1) <= most).all(), words
    if words.startswith("banded"):
        i, j = np.nonzero(matrix)
        assert len(np.unique(j - i)) <= most, words


def _entries(words, numbers, matrix, *_):
    assert np.count_nonzero(matrix) <= numbers[0], words


def _blocks(words, numbers, matrix, *_):
    """At most so many rows and columns are joined by entries, and equal blocks repeat them."""
    count, high, wide = (int(n) for n in numbers)
    assert matrix.shape == (count * high, count * wide), words
    i, j = np.nonzero(matrix)
    m, n = matrix.shape
    joined = coo_array((np.ones(len(i)), (i, j + m)), shape=(m + n, m + n))
    _, names = connected_components(joined, directed=False)
    for name in np.unique(names):
        assert (names[:m] == name).sum() <= high, words
        assert (names[m:] == name).sum() <= wide, words
    if words.startswith("I ⊗"):
        _, times = np.unique(matrix[i, j].round(9), return_counts=True)
        assert (times % count == 0).all(), words


def _triangular(words, numbers, matrix, *_):
    assert not np.triu(matrix, 1).any() or not np.tril(matrix, -1).any(), words


def _triangular_axis(words, numbers, matrix, dense, out, into):
    """Along one axis of the output and one of the input, no entry before (or behind) its own."""
    places = np.nonzero(dense)
    axes = [(places[a], places[len(out) + b]) for a in range(len(out)) for b in range(len(into))]
    assert any((a >= b).all() or (a <= b).all() for a, b in axes), words


def _constant(words, numbers, matrix, *_):
    np.testing.assert_allclose(matrix, numbers[0], rtol=1e-5, err_msg=words)  # six digits shown


def _outer(words, numbers, matrix, *_):
    assert rank(matrix) <= 1, words


def _sparse(words, numbers, matrix, *_):
    assert matrix.size <= 1 or np.count_nonzero(matrix) < matrix.size, words


def _nothing(words, numbers, matrix, *_):
    pass


_NUMBER = r"(-?[\d,]+)"
_REAL = r"(-?[\d.]+(?:e[+-]?\d+)?)"
CLAIMS = [
    ("zero", _zero),
    ("diagonal", _diagonal),
    ("identity", _identity),
    (_REAL + " × identity", _identity),
    (f"(?:banded|sparse), at most {_NUMBER} of {_NUMBER} per row", _thin),
    (f"(?:banded|sparse), {_NUMBER} entries", _entries),
    (f"block diagonal: {_NUMBER} blocks of {_NUMBER}×{_NUMBER}", _blocks),
    (f"I ⊗ A: {_NUMBER} equal blocks of {_NUMBER}×{_NUMBER}", _blocks),
    ("triangular", _triangular),
    ("triangular along an axis", _triangular_axis),
    (f"constant {_REAL}", _constant),
    ("outer product", _outer),
    ("sparse blocks", _sparse),
    ("dense", _nothing),
]
