"""Determinants: their derivatives by whole-number minors, of matrices of any rank."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import MissingRuleError
from chainrule.primitives import determinants

SIZES = st.integers(1, 5)


def whole_numbers(size, rank, seed):
    """A matrix of small whole numbers of at most the given rank."""
    rng = np.random.default_rng(seed)
    return (rng.integers(-3, 4, (size, rank)) @ rng.integers(-3, 4, (rank, size))).astype(float)


def exact_determinant(A):
    """By expansion along the first row: whole numbers stay whole."""
    if not len(A):
        return 1
    minors = (np.delete(A[1:], j, axis=1) for j in range(len(A)))
    return sum((-1) ** j * A[0, j] * exact_determinant(M) for j, M in enumerate(minors))


def without(A, rows, columns):
    return np.delete(np.delete(A, rows, axis=0), columns, axis=1)


def exact_cofactors(A):
    size = len(A)
    return np.array(
        [
            [(-1) ** (k + j) * exact_determinant(without(A, k, j)) for j in range(size)]
            for k in range(size)
        ]
    )


@given(size=SIZES, missing=st.integers(0, 3), seed=st.integers(0, 10**6))
def test_the_gradient_of_a_determinant_is_the_cofactors_whatever_the_rank(size, missing, seed):
    A = whole_numbers(size, max(size - missing, 0), seed)
    wanted = exact_cofactors(A)
    # The singular values carry an error of 1e-16 of the largest, taken to the power size - 1.
    scale = max(1.0, np.linalg.norm(A, 2)) ** (size - 1)
    np.testing.assert_allclose(cr.grad(np.linalg.det)(A), wanted, atol=1e-13 * scale)


@given(size=st.integers(2, 4), missing=st.integers(0, 4), seed=st.integers(0, 10**6))
def test_so_is_the_hessian_of_second_minors(size, missing, seed):
    A = whole_numbers(size, max(size - missing, 0), seed)
    H = cr.hessian(np.linalg.det)(A).toarray()
    scale = max(1.0, np.linalg.norm(A, 2)) ** (size - 2)
    for k, j, m, n in np.ndindex(H.shape):
        wanted = 0.0
        if k != m and j != n:
            sign = (-1) ** (k + j + m + n) * np.sign(m - k) * np.sign(n - j)
            wanted = sign * exact_determinant(without(A, [k, m], [j, n]))
        assert abs(H[k, j, m, n] - wanted) <= 1e-13 * scale


def test_a_determinant_by_hand():
    # d(ad - bc) = [[d, -c], [-b, a]]
    A = np.array([[1.0, 2.0], [2.0, 4.0]])
    np.testing.assert_allclose(cr.grad(np.linalg.det)(A), [[4, -2], [-2, 1]], rtol=1e-14)
    np.testing.assert_array_equal(cr.grad(np.linalg.det)(np.zeros((3, 3))), np.zeros((3, 3)))
    np.testing.assert_array_equal(cr.grad(np.linalg.det)(np.zeros((1, 1))), [[1.0]])


def test_a_stack_with_singular_and_undefined_matrices():
    A = np.array([[[1.0, 2.0], [2.0, 4.0]], [[np.nan, 1.0], [0.0, 1.0]], [[3.0, 0.0], [0.0, 1.0]]])
    found = cr.grad(lambda A: np.sum(np.linalg.det(A)))(A)
    np.testing.assert_allclose(found[0], [[4, -2], [-2, 1]], rtol=1e-14)
    assert np.isnan(found[1]).all()
    np.testing.assert_allclose(found[2], [[1, 0], [0, 3]], rtol=1e-14)


@pytest.mark.parametrize("size", [1, 2, 5, 40])
def test_both_ways_to_the_cofactors_agree(size):
    A = np.random.default_rng(size).standard_normal((3, size, size)) + 2 * np.eye(size)
    by_values = determinants._cofactors_by_singular_values(A)
    scale = np.abs(by_values).max()
    # the inverse may lose three digits of sixteen
    np.testing.assert_allclose(determinants._cofactors(A), by_values, atol=1e-12 * scale)


@pytest.mark.parametrize("shape", [(0, 0), (0, 2, 2), (2, 0, 0)])
def test_empty_matrices_and_stacks(shape):
    total = lambda A: np.sum(np.linalg.det(A))  # noqa: E731
    value, gradient = cr.value_and_grad(total)(np.ones(shape))
    assert value == np.sum(np.linalg.det(np.ones(shape)))  # an empty matrix has determinant 1
    assert gradient.shape == shape


def test_a_third_derivative_of_a_determinant_is_refused_with_another_way():
    with pytest.raises(MissingRuleError, match=r"np.linalg.det: its third .*sign \* np.exp"):
        cr.grad(lambda A: np.sum(cr.hvp(np.linalg.det, A, np.ones((3, 3)))))(np.eye(3))


def test_the_other_way_has_it():
    def det(A):
        sign, logabsdet = np.linalg.slogdet(A)
        return sign * np.exp(logabsdet)

    # det diag(x) = x1 x2 x3 has the third derivative 1.
    x = np.array([2.0, -3.0, 0.5])
    f = lambda x: det(np.diag(x))  # noqa: E731
    third = cr.grad(lambda x: cr.grad(lambda x: cr.grad(f)(x)[0])(x)[1])(x)
    np.testing.assert_allclose(third, [0, 0, 1], atol=1e-12)  # a dozen products of size 1
