"""What a Jacobian is compared with, and what its ``structure`` claims of the dense array."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

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


# -- what the words of ``structure`` promise ---------------------------------------------------


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
    outer = [re.fullmatch(r"(?:(\d+) )?outer products?", part) for part in parts]
    most = sum(int(found[1] or 1) for found in outer if found)
    rest = [part for part, found in zip(parts, outer, strict=True) if not found]
    if all(re.fullmatch("diagonal|(.* × )?identity", part) for part in rest):
        for cut in range(1, len(matrix)):  # blocks beside the diagonal see outer products alone
            assert rank(matrix[:cut, cut:]) <= most, words
            assert rank(matrix[cut:, :cut]) <= most, words


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
    """The flattened matrix has blocks along its diagonal and nothing beside them."""
    count, high, wide = (int(n) for n in numbers)
    assert matrix.shape == (count * high, count * wide), words
    by_blocks = matrix.reshape(count, high, count, wide)
    for k in range(count):
        assert not np.delete(by_blocks[k], k, axis=1).any(), words
        if words.startswith("I ⊗"):
            np.testing.assert_allclose(by_blocks[k, :, k], by_blocks[0, :, 0], atol=1e-12)


def _spread_blocks(words, numbers, matrix, *_):
    high, wide, size, _ = (int(n) for n in numbers)
    small = matrix.reshape(high, size, wide, size)[:, 0, :, 0] if size else np.zeros((high, wide))
    np.testing.assert_allclose(matrix, np.kron(small, np.eye(size)), atol=1e-12, err_msg=words)


def _deltas(words, numbers, matrix, dense, out, into):
    count, most = numbers
    assert np.count_nonzero(matrix) <= most, words
    places = np.nonzero(dense)
    equal = [
        any((places[a] == places[len(out) + b]).all() for b in range(len(into)))
        for a in range(len(out))
    ]
    assert sum(equal) >= count, words


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
    assert rank(matrix) <= (numbers[0] if numbers else 1), words


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
    (
        f"A ⊗ I: {_NUMBER}×{_NUMBER}, each entry on the diagonal of a block of {_NUMBER}×{_NUMBER}",
        _spread_blocks,
    ),
    (f"Kronecker deltas on {_NUMBER} of the axes, {_NUMBER} entries", _deltas),
    ("triangular", _triangular),
    ("triangular along an axis", _triangular_axis),
    (f"constant {_REAL}", _constant),
    ("outer product", _outer),
    (f"{_NUMBER} outer products", _outer),
    (r"\d+ × \(.*\)", _nothing),
    ("running sums", _nothing),
    ("sparse blocks", _sparse),
    ("dense", _nothing),
]
