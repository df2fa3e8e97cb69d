"""Section 5.2: partial derivatives, the basic rules, and the chain rule for several variables."""

import numpy as np
import pytest

import chainrule as cr

# Both sides are the same few float64 operations in another order: a few units in the last place.
EXACT = 1e-14


def f(x):
    """f(x1, x2) of (5.49): x1^2 + 2 x2."""
    return x[0] ** 2 + 2 * x[1]


def test_5_39_partial_derivatives_are_limits_one_variable_at_a_time():
    def g(x):
        return x[0] ** 2 * x[1] + np.sin(x[1])

    x, h = np.array([1.3, -0.7]), 1e-6
    quotients = [(g(x + h * e) - g(x - h * e)) / (2 * h) for e in np.eye(2)]
    # A central difference errs by h^2 = 1e-12 (truncation) and eps / h = 1e-10 (rounding).
    np.testing.assert_allclose(cr.grad(g)(x), quotients, rtol=0, atol=1e-9)


def test_5_40_the_gradient_collects_the_partial_derivatives_in_one_row():
    def g(x):
        return x[0] ** 2 * x[1] + x[0] * x[1] ** 3

    x1, x2 = 1.3, -0.7
    row = [2 * x1 * x2 + x2**3, x1**2 + 3 * x1 * x2**2]
    gradient = cr.grad(g)(np.array([x1, x2]))
    assert gradient.shape == (2,)
    np.testing.assert_allclose(gradient, row, rtol=EXACT)


def scalar_field(x):
    return np.sin(x).sum() * x[0]


def other_field(x):
    return np.exp(-x @ x)


def test_5_46_product_rule():
    x = np.array([0.3, -1.1, 0.8])
    left = cr.grad(lambda x: scalar_field(x) * other_field(x))(x)
    right = cr.grad(scalar_field)(x) * other_field(x) + scalar_field(x) * cr.grad(other_field)(x)
    np.testing.assert_allclose(left, right, rtol=EXACT, atol=EXACT)


def test_5_47_sum_rule():
    x = np.array([0.3, -1.1, 0.8])
    left = cr.grad(lambda x: scalar_field(x) + other_field(x))(x)
    right = cr.grad(scalar_field)(x) + cr.grad(other_field)(x)
    np.testing.assert_allclose(left, right, rtol=EXACT, atol=EXACT)


def test_5_48_chain_rule_is_a_product_of_jacobians_in_this_order():
    A = np.array([[0.2, -0.4, 0.1], [0.7, 0.5, -0.3]])

    def inner(x):  # R^3 -> R^2
        return np.tanh(A @ x)

    def outer(u):  # R^2 -> R^4
        return np.stack([u[0] * u[1], np.sin(u[0]), u[1] ** 2, u[0] - u[1]])

    x = np.array([0.3, -1.1, 0.8])
    composed = cr.jacobian(lambda x: outer(inner(x)))(x).toarray()
    product = cr.jacobian(outer)(inner(x)).toarray() @ cr.jacobian(inner)(x).toarray()
    assert composed.shape == (4, 3)
    np.testing.assert_allclose(composed, product, rtol=EXACT, atol=EXACT)


@pytest.mark.parametrize("t", [0.0, 0.7, -2.5])
def test_5_49_f_of_two_functions_of_t(t):
    def x_of(t):
        return np.stack([np.sin(t), np.cos(t)])

    df_dt = cr.grad(lambda t: f(x_of(t)))(t)
    by_hand = 2 * np.sin(t) * np.cos(t) - 2 * np.sin(t)
    row, column = cr.grad(f)(x_of(t)), cr.jacobian(x_of)(t).toarray()
    assert row.shape == (2,)
    assert column.shape == (2,)
    np.testing.assert_allclose(df_dt, by_hand, rtol=EXACT, atol=EXACT)
    np.testing.assert_allclose(df_dt, row @ column, rtol=EXACT, atol=EXACT)


def x1_of(s, t):
    return s * np.exp(t)


def x2_of(s, t):
    return s**2 - np.sin(t)


def f_of_s_t(s, t):
    return f((x1_of(s, t), x2_of(s, t)))


def test_5_51_and_5_52_partial_derivatives_by_s_and_t():
    s, t = 0.6, -0.3
    df_dx1, df_dx2 = cr.grad(f)(np.array([x1_of(s, t), x2_of(s, t)]))
    for wrt in ("s", "t"):
        by_rule = df_dx1 * cr.grad(x1_of, wrt)(s, t) + df_dx2 * cr.grad(x2_of, wrt)(s, t)
        np.testing.assert_allclose(cr.grad(f_of_s_t, wrt)(s, t), by_rule, rtol=EXACT)
    by_hand = (2 * s * np.exp(2 * t) + 4 * s, 2 * s**2 * np.exp(2 * t) - 2 * np.cos(t))
    np.testing.assert_allclose(cr.grad(f_of_s_t, ("s", "t"))(s, t), by_hand, rtol=EXACT)


def test_5_53_the_gradient_is_a_row_times_a_matrix():
    def x_of(st):
        return np.stack([x1_of(st[0], st[1]), x2_of(st[0], st[1])])

    st = np.array([0.6, -0.3])
    row = cr.grad(f)(x_of(st))  # 1 x 2
    matrix = cr.jacobian(x_of)(st).toarray()  # 2 x 2
    s, t = st
    np.testing.assert_allclose(
        matrix, [[np.exp(t), s * np.exp(t)], [2 * s, -np.cos(t)]], rtol=EXACT
    )
    np.testing.assert_allclose(cr.grad(lambda st: f(x_of(st)))(st), row @ matrix, rtol=EXACT)
