"""Section 5.6: the function (5.109), and the gradients of a deep network, (5.111) to (5.118)."""

import itertools

import numpy as np
import pytest

import chainrule as cr

# Products of a few float64 matrices in another order, entries of size 1.
CLOSE = 1e-13


def f_5_109(x):
    return np.sqrt(x**2 + np.exp(x**2)) + np.cos(x**2 + np.exp(x**2))


def df_5_110(x):
    inner = x**2 + np.exp(x**2)
    return 2 * x * (1 / (2 * np.sqrt(inner)) - np.sin(inner)) * (1 + np.exp(x**2))


@pytest.mark.parametrize("x", [-1.3, -0.2, 0.0, 0.5, 1.0, 1.7])
def test_5_110_is_the_derivative_of_5_109(x):
    # sin at arguments up to 20 magnifies the last place of its argument by as much.
    np.testing.assert_allclose(cr.grad(f_5_109)(x), df_5_110(x), rtol=1e-12, atol=1e-13)


def test_5_110_with_the_common_part_in_a_variable():
    def f(x):
        c = x**2 + np.exp(x**2)
        return np.sqrt(c) + np.cos(c)

    np.testing.assert_allclose(cr.grad(f)(0.5), df_5_110(0.5), rtol=CLOSE)


def test_5_110_on_an_array_is_a_diagonal_jacobian():
    x = np.linspace(-1.5, 1.5, 7)
    J = cr.jacobian(f_5_109)(x).toarray()
    np.testing.assert_allclose(J, np.diag(df_5_110(x)), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(cr.grad(lambda x: f_5_109(x).sum())(x), np.diag(J), rtol=CLOSE)


# --- 5.6.1: a network of K = 4 layers with four different activations ---

SIZES = (3, 5, 4, 3, 2)
K = 4
ACTIVATIONS = (np.tanh, cr.sigmoid, np.sin, cr.sigmoid)


def parameters():
    """theta = {A0, b0, ..., A_{K-1}, b_{K-1}}; A_i maps layer i to layer i + 1."""
    rng = np.random.default_rng(5_6_1)
    return [
        {"A": rng.normal(size=(rows, columns)), "b": rng.normal(size=rows)}
        for columns, rows in itertools.pairwise(SIZES)
    ]


def layer(i, theta_previous, f_previous):
    """f_i = sigma_i(A_{i-1} f_{i-1} + b_{i-1}), (5.113)."""
    return ACTIVATIONS[i - 1](theta_previous["A"] @ f_previous + theta_previous["b"])


def network(theta, x):
    f = x  # (5.112)
    for i in range(1, K + 1):
        f = layer(i, theta[i - 1], f)
    return f


def loss_of_output(f_K, y):
    return np.linalg.norm(y - f_K) ** 2


def loss(theta, x, y):
    return loss_of_output(network(theta, x), y)  # (5.114)


@pytest.fixture(name="point")
def _point():
    x, y = np.array([0.3, -0.9, 1.4]), np.array([0.2, 0.8])
    theta = parameters()
    fs = [x]
    for i in range(1, K + 1):
        fs.append(layer(i, theta[i - 1], fs[-1]))
    return theta, fs, y


def test_5_111_the_composition_is_the_layers_one_after_another(point):
    theta, fs, _ = point
    np.testing.assert_array_equal(network(theta, fs[0]), fs[K])
    x_to_y = cr.jacobian(network, wrt=1)(theta, fs[0]).toarray()
    product = np.eye(SIZES[-1])
    for i in range(K, 0, -1):
        product = product @ cr.jacobian(layer, wrt=2)(i, theta[i - 1], fs[i - 1]).toarray()
    np.testing.assert_allclose(x_to_y, product, rtol=CLOSE, atol=CLOSE)


@pytest.mark.parametrize("j", range(K - 1, -1, -1), ids=["5.115", "5.116", "5.117", "5.118"])
def test_the_gradient_by_theta_j_is_the_product_of_its_factors(point, j):
    theta, fs, y = point
    row = cr.grad(loss_of_output)(fs[K], y)  # dL / df_K
    for i in range(K, j + 1, -1):  # df_i / df_{i-1}: output of a layer by its input
        row = row @ cr.jacobian(layer, wrt=2)(i, theta[i - 1], fs[i - 1]).toarray()
    by_theta = cr.jacobian(layer, wrt=1)(j + 1, theta[j], fs[j])  # df_{j+1} / dtheta_j
    gradient = cr.grad(loss)(theta, fs[0], y)[j]
    for name in ("A", "b"):
        product = np.tensordot(row, by_theta[name].toarray(), axes=1)
        assert gradient[name].shape == theta[j][name].shape
        np.testing.assert_allclose(gradient[name], product, rtol=CLOSE, atol=CLOSE)


def test_5_118_the_reused_part_is_the_gradient_by_the_layers_output(point):
    theta, fs, y = point
    reused = [None] * (K + 1)
    reused[K] = cr.grad(loss_of_output)(fs[K], y)
    for i in range(K, 1, -1):
        _, pullback = cr.vjp(lambda f, i=i: layer(i, theta[i - 1], f), fs[i - 1])
        (reused[i - 1],) = pullback(reused[i])
    gradient = cr.grad(loss)(theta, fs[0], y)
    for j in range(K):
        _, pullback = cr.vjp(lambda t, j=j: layer(j + 1, t, fs[j]), theta[j])
        (by_theta,) = pullback(reused[j + 1])
        for name in ("A", "b"):
            np.testing.assert_allclose(gradient[j][name], by_theta[name], rtol=CLOSE, atol=CLOSE)


def test_a_layers_factors_have_the_structure_that_5_6_1_shows(point):
    theta, fs, _ = point
    Z = theta[1]["A"] @ fs[1] + theta[1]["b"]
    slope = cr.sigmoid(Z) * (1 - cr.sigmoid(Z))  # layer 2 is the logistic sigmoid
    by_input = cr.jacobian(layer, wrt=2)(2, theta[1], fs[1]).toarray()
    by_theta = cr.jacobian(layer, wrt=1)(2, theta[1], fs[1])
    np.testing.assert_allclose(by_input, np.diag(slope) @ theta[1]["A"], rtol=CLOSE)
    np.testing.assert_allclose(by_theta["b"].toarray(), np.diag(slope), rtol=CLOSE)
    by_A = np.einsum("ik,i,q->ikq", np.eye(4), slope, fs[1])
    np.testing.assert_allclose(by_theta["A"].toarray(), by_A, rtol=CLOSE)
