"""Functions made up of up to five steps: the structured Jacobian is the one of jvp and of vjp."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from tests.jacobians.generated import Generated, functions, weights
from tests.jacobians.references import assert_same, columns, rows, swapped

ORDERS = ("auto", "forward", "reverse", "mixed")
# A second derivative is a sum over paths of products of two more factors: two digits are left.
SECOND = 1e-10
# float32 rounds by 6e-8; sums of a few dozen products, up to five steps deep.
SINGLE = 2e-4


@given(functions())
def test_all_rows_are_all_columns(case: Generated):
    """The references agree with each other before anything is compared with them."""
    assert_same(rows(case.function, case.x), columns(case.function, case.x))


@pytest.mark.parametrize("order", ORDERS)
@given(case=functions())
def test_written_out_it_is_all_columns(case: Generated, order: str):
    J = cr.jacobian(case.function, order=order)(case.x)
    dense = columns(case.function, case.x)
    assert J.shape == dense.shape == J.output_shape + J.input_shape
    assert (J.dtype, J.dense_nbytes) == (np.float64, dense.nbytes)
    assert_same(J.toarray(), dense, "toarray")
    assert J.toarray().dtype == np.float64
    assert_same(np.asarray(J), dense, "asarray")
    sparse = J.tosparse()
    assert sparse.format == "csr"
    assert sparse.shape == (int(np.prod(J.output_shape)), case.x.size)
    assert_same(sparse.toarray().reshape(dense.shape), dense, "tosparse")


@given(functions(3))
def test_products_from_both_sides(case: Generated):
    """With one vector and with many, before the coefficients are computed and after."""
    J = cr.jacobian(case.function)(case.x)
    dense = columns(case.function, case.x)
    into, out = case.x.shape, J.output_shape
    for _ in range(2):
        v, u = weights(into), weights(out)
        assert_same(J @ v, np.tensordot(dense, v, len(into)), "J @ v")
        assert_same(u @ J, np.tensordot(u, dense, len(out)), "u @ J")
        V, U = weights((*into, 2, 3)), weights((3, *out))
        assert_same(J @ V, np.tensordot(dense, V, len(into)), "J @ V")
        assert_same(U @ J, np.tensordot(U, dense, len(out)), "U @ J")
        J.toarray()


@given(functions(3))
def test_the_transpose_and_its_products(case: Generated):
    J = cr.jacobian(case.function)(case.x)
    dense = columns(case.function, case.x)
    across = swapped(dense, len(J.output_shape))
    assert J.T.shape == across.shape
    assert_same(J.T.toarray(), across, "J.T")
    assert_same(J.T.tosparse().toarray(), J.tosparse().toarray().T, "sparse J.T")
    assert_same(J.T.T.toarray(), dense, "J.T.T")
    assert_same(J.T @ weights(J.output_shape), weights(J.output_shape) @ J, "J.T @ u")
    gram = np.tensordot(across, dense, len(J.output_shape))
    assert_same((J.T @ J).toarray(), gram, "J.T @ J")


@given(functions(3))
def test_as_a_linear_operator(case: Generated):
    J = cr.jacobian(case.function)(case.x)
    operator = J.aslinearoperator()
    flat = columns(case.function, case.x).reshape(operator.shape)
    v, u, V = (weights(s) for s in (flat.shape[1:], flat.shape[:1], (flat.shape[1], 2)))
    assert_same(operator.matvec(v), flat @ v)
    assert_same(operator.rmatvec(u), flat.T @ u)
    if flat.size:  # SciPy itself cannot stack the columns of an empty product
        assert_same(operator @ V, flat @ V)


@given(functions(3, starts=st.sampled_from([(1,), (4,), (0,), (2, 3), (1, 3), ()])))
def test_the_diagonal_where_there_is_one(case: Generated):
    """All entries of the output, put back into the input's shape."""

    def function(x):
        flat = np.ravel(case.function(x))
        return np.reshape(np.concatenate([flat, np.ravel(x)])[: x.size], x.shape)

    J = cr.jacobian(function)(case.x)
    dense = columns(function, case.x).reshape(case.x.size, case.x.size)
    assert_same(J.diagonal(), dense.diagonal().reshape(case.x.shape))
    assert_same(J.T.diagonal(), J.diagonal())


@given(functions(3))
def test_hessian_of_squares(case: Generated):
    f = case.scalar()
    dense = columns(cr.grad(f), case.x)
    H = cr.hessian(f)(case.x)
    v = weights(case.x.shape)
    assert_same(H @ v, cr.hvp(f, case.x, v), "H @ v", SECOND)
    assert_same(H.toarray(), dense, "toarray", SECOND)
    assert_same(H.tosparse().toarray().reshape(dense.shape), dense, "tosparse", SECOND)
    assert_same(H.diagonal().ravel(), dense.reshape(case.x.size, -1).diagonal(), "", SECOND) if (
        case.x.size
    ) else None
    assert_same(H.toarray(), swapped(H.toarray(), case.x.ndim), "symmetric", SECOND)


@given(functions(3))
def test_hessian_of_a_weighted_sum(case: Generated):
    """Linear steps leave zeros here, which have a structure too."""

    def f(x):
        output = case.function(x)
        return (weights(output.shape) * output).sum()

    H = cr.hessian(f)(case.x)
    assert_same(H.toarray(), columns(cr.grad(f), case.x), "", SECOND)


@given(functions(4, dtype=np.float32))
def test_float32_stays_float32(case: Generated):
    f = case.function
    double = cr.jacobian(f)(case.x.astype(np.float64))
    J = cr.jacobian(f)(case.x)
    expected = np.asarray(f(case.x)).dtype
    assert J.dtype == J.toarray().dtype == J.tosparse().dtype == (J @ case.x).dtype == expected
    assert_same(J.toarray(), double.toarray(), "", SINGLE)
