"""Concrete functions with the structure in words and the bytes that are kept, by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import chainrule as cr
from tests.jacobians.generated import point
from tests.jacobians.references import assert_same, columns

Array = Any
N = 1000
x = point((N,))
v = point((20,))
A, B = point((30, 20)), point((20, 7))
Q = point((20, 20))
X, w = point((60, 8)), point((8,))
y = np.sign(point((60,)))
layers = [point((16, 16), seed) / 4 for seed in range(10)]


class Row(NamedTuple):
    """What a function of a point is; ``bytes`` counts float64 coefficients and positions."""

    name: str
    jacobian: Callable[..., Any]
    function: Callable[[Array], Array]
    at: Array
    words: str
    bytes: int


def net(W: Array) -> Array:
    f = v[:16]
    for weights in [W, *layers[1:]]:
        f = np.tanh(weights @ f)
    return 0.5 * (f * f).sum()


def spread(P: Array, c: Array) -> Array:
    """Every third row of P belongs to one row of c."""
    return sum(((P[k::3] - c[k]) ** 2).sum() for k in range(3))


P, c = point((12, 2)), point((3, 2), 1)
J, H = cr.jacobian, cr.hessian
TABLE = [
    Row("elementwise", J, np.tanh, x, "diagonal", 8 * N),
    Row("where", J, lambda x: np.where(x > 0, x * x, 0), x, "diagonal", 8 * N),
    Row("a number beside x", J, lambda x: x + 1, x, "identity", 0),
    Row("a multiple", J, lambda x: 3 * x, x, "3 × identity", 0),
    Row("constant", J, lambda x: np.ones(3), x, "zero", 0),
    Row("floor", J, np.floor, x, "zero", 0),
    Row("(5.68) Ax by x", J, lambda v: A @ v, v, "dense", 8 * 600),
    Row("(5.92) Ax by A", J, lambda A: A @ v, A, "I ⊗ A: 30 equal blocks of 1×20", 8 * 20),
    Row("AB by A", J, lambda A: A @ B, A, "I ⊗ A: 30 equal blocks of 7×20", 8 * 140),
    Row("sums of rows", J, lambda A: A.sum(axis=1), A, "I ⊗ A: 30 equal blocks of 1×20", 0),
    Row(
        "stencil", J, lambda x: x[2:] - 2 * x[1:-1] + x[:-2] + x[1:-1] ** 3, x,
        "banded, at most 3 of 1,000 per row", 8 * (N - 2),
    ),
    Row("differences", J, np.diff, x, "banded, at most 2 of 1,000 per row", 0),
    Row("slice", J, lambda x: x[::2], x, "sparse, at most 1 of 1,000 per row", 0),
    Row("reversed", J, lambda x: x[::-1], x, "sparse, at most 1 of 1,000 per row", 0),
    Row("padded", J, lambda x: np.pad(x, 2), x, "banded, at most 1 of 1,000 per row", 0),
    Row(
        "gather", J, lambda x: x[np.array([0, 5, 5, 7])], x,
        "sparse, at most 1 of 1,000 per row", 8 * 4,
    ),
    Row(
        "reshape", J, lambda x: x.reshape(50, 20), x, "sparse, at most 1 of 1,000 per row", 0
    ),
    Row(
        "reshape across boundaries", J, lambda A: A.reshape(20, 30), A,
        "sparse, at most 1 of 600 per row", 0,
    ),
    Row("cumsum", J, np.cumsum, x, "triangular", 0),
    Row("cumsum from behind", J, lambda x: np.cumsum(x[::-1])[::-1], x, "triangular", 0),
    Row("sum", J, np.sum, x, "constant 1", 0),
    Row("softmax", J, cr.softmax, x, "diagonal + outer product", 8 * N),
    Row("minus its mean", J, lambda x: x - x.mean(), x, "identity + constant -0.001", 0),
    Row("x times its sum", J, lambda x: x * x.sum(), x, "diagonal + outer product", 8 * N + 8),
    Row("Hessian of x·x", H, lambda x: x @ x, x, "2 × identity", 0),
    Row("Hessian of Σx³", H, lambda x: (x**3).sum(), x, "diagonal", 8 * N),
    Row("Hessian of logsumexp", H, cr.logsumexp, x, "diagonal + outer product", 8 * N),
    Row("Hessian of parts by all", H, lambda P: spread(P, c), P, "diagonal", 0),
    Row("Hessian of parts by the centres", H, lambda c: spread(P, c), c, "diagonal", 0),
    Row(
        "by the centres, then by all", J, lambda P: cr.grad(spread, 1)(P, c), P,
        "sparse, at most 4 of 24 per row", 0,
    ),
    Row(
        "by all, then by the centres", J, lambda c: cr.grad(spread, 0)(P, c), c,
        "sparse, at most 1 of 6 per row", 0,
    ),
    Row(
        "every other row", J, lambda P: np.concatenate([P[::2], P[1::2]]), P,
        "sparse, at most 1 of 24 per row", 0,
    ),
    Row("Hessian of vᵀQv", H, lambda v: v @ Q @ v, v, "dense, symmetric", 8 * 400),
    Row(
        "Hessian of the logistic cost", H, lambda w: np.logaddexp(0, -y * (X @ w)).sum(), w,
        "dense, symmetric", 8 * 64,
    ),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_words_and_bytes(row: Row):
    made = row.jacobian(row.function)(row.at)
    assert made.structure == row.words
    assert made.nbytes == row.bytes
    assert made.dense_nbytes == int(np.prod(made.shape)) * 8
    assert row.words in repr(made)
    plan = row.jacobian(row.function).plan(row.at)
    assert (plan.structure, plan.nbytes) == (row.words, row.bytes)
    made.toarray()
    assert (made.structure, made.nbytes) == (row.words, row.bytes)


@pytest.mark.parametrize("m", [200, 100_000])
def test_matrix_factorisation_keeps_25_numbers(m: int):
    """The Hessian of ‖T − UVᵀ‖² by U is 2VᵀV for every row of U."""
    T, U, V = point((m, 10)), point((m, 5), 1), point((10, 5), 2)
    made = cr.hessian(lambda U: ((T - U @ V.T) ** 2).sum())(U)
    assert made.structure == f"I ⊗ A: {m:,} equal blocks of 5×5"
    assert made.nbytes == 8 * 25
    assert made.dense_nbytes == 8 * (5 * m) ** 2
    assert made.is_symmetric
    direction = point((m, 5), 3)
    assert_same(made @ direction, direction @ (2 * V.T @ V), "H @ v")
    assert_same(made[7, :, 7, :].toarray(), 2 * V.T @ V, "a block")
    assert made[7, :, 8, :].structure == "zero"
    assert_same(made.diagonal(), np.broadcast_to(2 * (V * V).sum(0), (m, 5)), "diagonal")


def test_a_deep_network_keeps_few_numbers():
    """∂²E/∂A0² of ten layers: the delta of σ″ on the rows, and the rest through f₁."""
    made = cr.hessian(net)(layers[0])
    assert made.dense_nbytes == 8 * 16**4
    assert made.nbytes <= 8 * (16**2 + 2 * 16 + 16)
    assert_same(made.toarray(), columns(cr.grad(net), layers[0]))


def test_the_logistic_hessian_is_the_closed_form():
    made = cr.hessian(lambda w: np.logaddexp(0, -y * (X @ w)).sum())(w)
    s = 1 / (1 + np.exp(-y * (X @ w)))
    assert_same(made.toarray(), (X.T * (s * (1 - s))) @ X)


def test_the_hessian_of_logsumexp_is_diag_p_minus_p_pT():
    p = np.exp(x - x.max()) / np.exp(x - x.max()).sum()
    assert_same(cr.hessian(cr.logsumexp)(x).toarray(), np.diag(p) - np.outer(p, p))


def test_repr_names_shapes_structure_and_bytes():
    made = cr.jacobian(np.tanh)(x)
    assert repr(made) == (
        "<Jacobian 1000 by 1000, float64: diagonal, 8,000 bytes (8,000,000 dense)>"
    )
    picture = made._repr_html_()
    assert "<svg" in picture
    assert "diagonal, 8,000 bytes" in picture


def test_a_pattern_is_exact_in_csr():
    """Three entries in each row, at their places, and one where the row has one."""
    made = cr.jacobian(lambda x: x[2:] - 2 * x[1:-1] + x[:-2] + x[1:-1] ** 3)(x).tosparse()
    assert made.nnz == 3 * (N - 2)
    columns_of_rows = np.arange(N - 2)[:, None] + [0, 1, 2]
    np.testing.assert_array_equal(made.indices.reshape(-1, 3), columns_of_rows)
    np.testing.assert_array_equal(made.indptr, 3 * np.arange(N - 1))
    picked = cr.jacobian(lambda x: x[np.array([3, 3, 0])])(x).tosparse()
    np.testing.assert_array_equal(picked.indices, [3, 3, 0])
    assert cr.jacobian(lambda A: A.T)(A).tosparse().nnz == A.size
