"""'Specific Example': a 2-layer sigmoid network, its forward path, and backward paths (1) to (4).

The right-hand sides are the lecture's matrix products written out in NumPy, each factor on its
own: nothing in them is differentiated by the library.
"""

import numpy as np
import pytest

import chainrule as cr

# The figure: matrix products of a dozen numbers of size 1 in float64.
AGREED = 1e-12


def sigma(z):
    return 1 / (1 + np.exp(-z))


def sigma_prime(z):
    return sigma(z) * (1 - sigma(z))


def E(A0, b0, A1, b1, X, Y):
    Z1 = A0 @ X + b0
    f1 = cr.sigmoid(Z1)
    Z2 = A1 @ f1 + b1
    f2 = cr.sigmoid(Z2)
    return 0.5 * (f2 - Y).T @ (f2 - Y)


def E_written_out(A0, b0, A1, b1, X, Y):
    """The same with the sigmoid spelt in NumPy, as the lecture writes it."""
    f2 = sigma(A1 @ sigma(A0 @ X + b0) + b1)
    return 0.5 * (f2 - Y).T @ (f2 - Y)


def example(n0=3, n1=4, n2=2, seed=473):
    rng = np.random.default_rng(seed)
    A0, b0 = rng.normal(size=(n1, n0)), rng.normal(size=n1)
    A1, b1 = rng.normal(size=(n2, n1)), rng.normal(size=n2)
    return A0, b0, A1, b1, rng.normal(size=n0), rng.uniform(size=n2)


class Factors:
    """The lecture's factors, each a matrix."""

    def __init__(self, A0, b0, A1, b1, X, Y):
        self.f0 = X
        Z1 = A0 @ X + b0
        self.f1 = sigma(Z1)
        Z2 = A1 @ self.f1 + b1
        f2 = sigma(Z2)
        self.error = (f2 - Y)[None, :]  # (f2 - Y)^T, a row
        self.df2_dZ2 = np.diag(sigma_prime(Z2))  # "Diagonal matrix of sigma'"
        self.dZ2_db1 = np.eye(len(b1))  # "Identity Matrix"
        self.dZ2_df1 = A1  # (5.68)
        self.df1_dZ1 = np.diag(sigma_prime(Z1))
        self.dZ1_db0 = np.eye(len(b0))


def unit(shape, index):
    """d A / d alpha: one where alpha stands, zero elsewhere."""
    matrix = np.zeros(shape)
    matrix[index] = 1
    return matrix


@pytest.fixture(name="arguments", params=[(3, 4, 2), (1, 1, 1), (5, 2, 3), (2, 6, 1)], ids=str)
def _arguments(request):
    return example(*request.param)


@pytest.fixture(name="cost", params=[E, E_written_out], ids=["cr.sigmoid", "written out"])
def _cost(request):
    return request.param


def test_forward_path(arguments, cost):
    A0, b0, A1, b1, X, Y = arguments
    f2 = sigma(A1 @ sigma(A0 @ X + b0) + b1)
    value, _ = cr.value_and_grad(cost)(*arguments)
    np.testing.assert_allclose(value, 0.5 * ((f2 - Y) ** 2).sum(), rtol=AGREED)


def test_backward_path_1_dE_db1(arguments, cost):
    d = Factors(*arguments)
    by_hand = d.error @ d.df2_dZ2 @ d.dZ2_db1
    gradient = cr.grad(cost, wrt="b1")(*arguments)
    np.testing.assert_allclose(gradient, by_hand[0], rtol=AGREED, atol=AGREED)


def test_backward_path_1_dsigma_dZ_is_the_diagonal_matrix_of_sigma_prime():
    z = np.array([0.7, -1.5, 3.0])
    J = cr.jacobian(cr.sigmoid)(z)
    assert J.shape == (3, 3)
    np.testing.assert_allclose(J.toarray(), np.diag(sigma_prime(z)), rtol=AGREED, atol=0)


def test_backward_path_1_dZ2_db1_is_the_identity_matrix(arguments):
    _, _, A1, b1, _, _ = arguments
    f1 = np.linspace(-1, 1, A1.shape[1])
    J = cr.jacobian(lambda b1: A1 @ f1 + b1)(b1)
    np.testing.assert_array_equal(J.toarray(), np.eye(len(b1)))


def test_backward_path_2_dE_db0(arguments, cost):
    d = Factors(*arguments)
    by_hand = d.error @ d.df2_dZ2 @ d.dZ2_df1 @ d.df1_dZ1 @ d.dZ1_db0
    gradient = cr.grad(cost, wrt="b0")(*arguments)
    np.testing.assert_allclose(gradient, by_hand[0], rtol=AGREED, atol=AGREED)


def test_backward_path_3_dE_dalpha_for_every_alpha_in_A1(arguments, cost):
    A1 = arguments[2]
    d = Factors(*arguments)
    gradient = cr.grad(cost, wrt="A1")(*arguments)
    assert gradient.shape == A1.shape
    for index in np.ndindex(A1.shape):
        dZ2_dalpha = unit(A1.shape, index) @ d.f1
        by_hand = d.error @ d.df2_dZ2 @ dZ2_dalpha
        np.testing.assert_allclose(gradient[index], by_hand[0], rtol=AGREED, atol=AGREED)


def test_backward_path_4_dE_dbeta_for_every_beta_in_A0(arguments, cost):
    A0 = arguments[0]
    d = Factors(*arguments)
    gradient = cr.grad(cost, wrt="A0")(*arguments)
    assert gradient.shape == A0.shape
    for index in np.ndindex(A0.shape):
        dZ1_dbeta = unit(A0.shape, index) @ d.f0
        by_hand = d.error @ d.df2_dZ2 @ d.dZ2_df1 @ d.df1_dZ1 @ dZ1_dbeta
        np.testing.assert_allclose(gradient[index], by_hand[0], rtol=AGREED, atol=AGREED)


def test_all_four_at_once_are_the_four_one_by_one(arguments):
    together = cr.grad(E, wrt=("A0", "b0", "A1", "b1"))(*arguments)
    assert isinstance(together, tuple)
    for position, gradient in enumerate(together):
        alone = cr.grad(E, wrt=position)(*arguments)
        np.testing.assert_allclose(gradient, alone, rtol=AGREED, atol=AGREED)


def test_the_trace_speaks_the_lectures_letters():
    text = str(cr.trace(E, *example()))
    for name in ("A0", "b0", "A1", "b1", "Z1", "f1", "Z2", "f2"):
        assert name in text
