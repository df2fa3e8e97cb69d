"""Compressed Jacobians: by a pattern that is given, detected, or all that the graph tells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array, csr_array

import chainrule as cr
from chainrule.errors import ArgumentError, ShapeError
from chainrule.jacobian.pattern import groups
from tests.jacobians.generated import Generated, functions, point, weights
from tests.jacobians.references import assert_same, columns


def chain(x):
    """Too many different terms for a structure: every entry is written by itself."""
    n = len(x)
    return np.stack([np.sin(x[k]) * x[(k + 1) % n] for k in range(n)])


@given(functions())
def test_detected_patterns_lose_no_entry(case: Generated):
    J = cr.jacobian(case.function, sparsity="detect")(case.x)
    dense = columns(case.function, case.x)
    assert_same(J.toarray(), dense, J.structure)
    flat = dense.reshape(int(np.prod(J.output_shape)), case.x.size)
    assert_same(J.tosparse().toarray(), flat, "tosparse")
    v, u = weights(case.x.shape), weights(J.output_shape)
    assert_same(J @ v, np.tensordot(dense, v, v.ndim), "J @ v")
    assert_same(u @ J, np.tensordot(u, dense, u.ndim), "u @ J")


@given(functions(4))
def test_a_given_pattern_is_the_pattern(case: Generated):
    dense = columns(case.function, case.x)
    J = cr.jacobian(case.function, sparsity=dense != 0)(case.x)
    assert_same(J.toarray(), dense)
    assert J.tosparse().nnz == np.count_nonzero(dense)


@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 12))
def test_groups_share_no_row(seed: int, rows: int, wide: int):
    rng = np.random.default_rng(seed)
    matrix = rng.random((rows, wide)) < rng.random()
    numbers = groups(csr_array(matrix.astype(np.float32)))
    assert numbers.shape == (wide,)
    for number in set(numbers.tolist()):
        assert (matrix[:, numbers == number].sum(axis=1) <= 1).all()


def test_three_bands_take_three_groups():
    n = 50
    bands = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) <= 1
    assert groups(csr_array(bands.astype(np.float32))).max() == 2


def test_what_has_too_many_terms_is_compressed():
    x = point((60,))
    J = cr.jacobian(chain)(x)
    assert J.structure == "sparse, 120 entries"
    assert J.nbytes < J.dense_nbytes / 4
    assert J.tosparse().nnz == 120
    assert_same(J.toarray(), columns(chain, x))
    plan = cr.jacobian(chain).plan(x)
    assert plan.structure == J.structure
    assert_same(plan(2 * x).toarray(), columns(chain, 2 * x))


def test_a_hessian_with_too_many_terms_is_compressed():
    x = point((40,))
    H = cr.hessian(lambda x: chain(x).sum())(x)
    assert "sparse" in H.structure
    assert_same(H.toarray(), columns(cr.grad(lambda x: chain(x).sum()), x), "", 1e-11)
    assert H.tosparse().nnz == 3 * 40


@pytest.mark.parametrize("form", [np.asarray, csr_array, coo_array], ids=lambda f: f.__name__)
def test_zeros_of_a_constant_matrix(form):
    """A matrix that happens to be sparse: the graph alone cannot know, the numbers can."""
    A = np.diag(np.arange(1.0, 9.0)) + np.diag(np.ones(7), 1)
    x = point((8,))

    def f(x):
        return np.sin(A @ x)

    assert cr.jacobian(f)(x).structure == "dense"
    expected = np.cos(A @ x)[:, None] * A
    for sparsity in ("detect", form(A)):
        J = cr.jacobian(f, sparsity=sparsity)(x)
        assert J.structure == "sparse, 15 entries"
        assert_same(J.toarray(), expected)
    across = cr.jacobian(lambda X: A @ X, sparsity="detect")(point((8, 3)))
    assert across.shape == (8, 3, 8, 3)
    assert across.tosparse().nnz == 15 * 3
    assert_same(across.toarray(), columns(lambda X: A @ X, point((8, 3))))


def test_a_pattern_that_lacks_an_entry_is_refused():
    with pytest.raises(ArgumentError, match=r"^jacobian: the sparsity lacks .*got row 2 .*detect"):
        cr.jacobian(lambda x: x * x[0], sparsity=np.eye(4) + np.eye(4, k=-1))(point((4,))).toarray()
    cr.jacobian(lambda x: x * x[0], sparsity=np.eye(4) + (np.arange(4) == 0))(point((4,))).toarray()


def test_roundings_are_no_missing_entries():
    """float32 in and float64 out; entries that cancel; neither is a pattern's fault."""
    A = np.cos(np.arange(144.0)).reshape(12, 12)
    x = point((12,), dtype=np.float32)
    J = cr.jacobian(lambda x: A @ x, sparsity=np.ones((12, 12)))(x)
    np.testing.assert_allclose(J.toarray(), A, rtol=1e-6)  # x's own precision
    y = point((6,))
    pattern = np.eye(6)
    assert cr.jacobian(lambda y: y * (1 + (y - y).sum()), sparsity=pattern)(y).toarray().any()
    assert np.allclose(cr.jacobian(np.sin, sparsity=pattern)(y).diagonal(), np.cos(y))


@pytest.mark.parametrize("k", [0, -1, 2])
def test_one_entry_taken_by_itself(k: int):
    """An axis that is one position has no label at all."""
    x = point((4, 3))
    J = cr.jacobian(lambda X: np.take(np.sin(X), k, axis=0) * 2)(x)
    dense = columns(lambda X: np.take(np.sin(X), k, axis=0) * 2, x)
    assert_same(J.toarray(), dense)
    for axis in (0, 1):
        for position in (0, 2):
            key = (slice(None),) * axis + (position,)
            assert_same(J[key].toarray(), dense[key])
    single = cr.jacobian(lambda x: x[k])(point((5,)))
    for key in (slice(None, None, -1), 2, -1, [0, k]):
        assert_same(single[key].toarray(), single.toarray()[key])


def test_what_is_no_pattern_is_refused():
    x = point((4,))
    with pytest.raises(ShapeError, match=r"got \(3, 4\) for \(4,\) by \(4,\)"):
        cr.jacobian(np.sin, sparsity=np.ones((3, 4)))(x).toarray()
    with pytest.raises(ArgumentError, match=r"'detect'; got 'find'"):
        cr.jacobian(np.sin, sparsity="find")


def test_inside_another_derivative():
    x = point((5,))

    def inner(x):
        return (cr.jacobian(chain, sparsity="detect")(x).toarray() ** 2).sum()

    def dense(x):
        return (cr.jacobian(chain)(x).toarray() ** 2).sum()

    assert_same(cr.grad(inner)(x), cr.grad(dense)(x))


def test_reshapes_across_boundaries_keep_their_pattern():
    """30×20 to 20×30: no factors in common but every entry has one place."""
    A = point((30, 20))
    for f in (
        lambda A: A.reshape(20, 30),
        lambda A: np.sin(A.reshape(20, 30)),
        lambda A: np.sin(A).reshape(20, 30),
        lambda A: np.sin(A.reshape(20, 30)).reshape(12, 50),
        lambda A: A.reshape(20, 30).T.reshape(40, 15),
        lambda A: A.reshape(20, 30)[1::2, ::-1],
        lambda A: A.reshape(20, 30)[np.array([3, 3, 0])],
    ):
        J = cr.jacobian(f)(A)
        assert "sparse" in J.structure
        assert J.tosparse().nnz == np.size(f(A))
        rows, inputs = np.size(f(A)), A.size
        v = weights(A.shape)
        assert_same(J @ v, cr.jvp(f, (A,), (v,))[1])
        found = (J.tosparse() @ v.ravel()).reshape(np.shape(f(A)))
        assert_same(found, cr.jvp(f, (A,), (v,))[1])
        assert J.tosparse().shape == (rows, inputs)
