"""Derivatives inside derivatives, over one another's variables."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from tests.laws.problems import close, numbers

VALUES = st.floats(-2, 2)


@given(VALUES, VALUES)
def test_an_inner_derivative_does_not_mix_its_variable_with_the_outer_one(x, y):
    def slope_at_y(x):
        return x * cr.grad(lambda y: x + y)(y)  # x times 1

    close(cr.grad(slope_at_y)(x), 1.0)
    close(cr.jvp(slope_at_y, (x,), (1.0,))[1], 1.0)


@given(VALUES)
def test_the_same_with_forward_mode_inside(x):
    def f(x):
        return x * cr.jvp(lambda y: x * y, (2.0,), (1.0,))[1]  # x times x

    close(cr.grad(f)(x), 2 * x)
    close(cr.jvp(f, (x,), (1.0,))[1], 2 * x)


@given(VALUES)
def test_an_inner_point_that_is_the_outer_variable_itself(x):
    def f(x):
        return cr.grad(lambda y: x**2 * y**3)(x)  # 3 x^4, since y is taken at x

    close(cr.grad(f)(x), 12 * x**3)
    close(cr.grad(cr.grad(f))(x), 36 * x**2)


@given(VALUES)
def test_three_levels_deep(x):
    def f(x):
        def g(y):
            return cr.grad(lambda z: x * y**2 * z**3)(y)  # 3 x y^4

        return cr.grad(g)(x)  # 12 x y^3 at y = x: 12 x^4

    close(cr.grad(f)(x), 48 * x**3)


@given(numbers((3,)), numbers((3,)))
def test_closures_over_outer_arrays(x, y):
    def f(x):
        inner = cr.grad(lambda y: (np.sin(x * y)).sum())(y)  # x cos(x y)
        return (inner * x).sum()

    close(cr.grad(f)(x), 2 * x * np.cos(x * y) - x**2 * y * np.sin(x * y))


@given(numbers((2, 2)), numbers((2,)))
def test_mixed_second_derivatives_do_not_depend_on_the_order(A, x):
    def f(A, x):
        return np.sin(A @ x) @ x

    one = cr.jacobian(cr.grad(f, wrt=0), wrt=1)(A, x).toarray()
    other = cr.jacobian(cr.grad(f, wrt=1), wrt=0)(A, x).toarray()
    close(one, np.moveaxis(other, 0, -1))


@given(VALUES, VALUES)
def test_a_gradient_step_can_be_differentiated_by_its_rate(theta, rate):
    """d/d eta of E(theta - eta E'(theta)) is -E'(theta) E'(new theta)."""

    def E(t):
        return np.sin(t) + t**2

    def after(rate):
        return E(theta - rate * cr.grad(E)(theta))

    slope = np.cos(theta) + 2 * theta
    new = theta - rate * slope
    close(cr.grad(after)(rate), -slope * (np.cos(new) + 2 * new))


@given(VALUES)
def test_a_gradient_step_can_be_differentiated_by_its_start(theta):
    def step(t):
        return t - 0.1 * cr.grad(np.sin)(t)

    close(cr.grad(step)(theta), 1 + 0.1 * np.sin(theta))


@given(numbers((3,)))
def test_stop_gradient_holds_a_value_fixed(x):
    close(cr.grad(lambda x: (cr.stop_gradient(x) * x).sum())(x), x)
    close(cr.grad(lambda x: (cr.stop_gradient(x**2)).sum())(x), np.zeros(3))
    close(cr.jvp(lambda x: cr.stop_gradient(x) * x, (x,), (np.ones(3),))[1], x)
    close(cr.stop_gradient(x), x)
    diagonal = cr.hessian(lambda x: (cr.stop_gradient(x) * x**2).sum())(x).toarray()
    close(diagonal, np.diag(2 * x))


@given(numbers((3,)))
def test_jacobians_nest(x):
    def f(x):
        return np.stack([x[0] * x[1] * x[2], np.sin(x[0])])

    def first(x):
        return cr.jacobian(f)(x).toarray()

    second = cr.jacobian(first)(x).toarray()
    assert second.shape == (2, 3, 3)
    a, b, c = x
    close(second[0], [[0, c, b], [c, 0, a], [b, a, 0]])
    close(second[1], np.diag([-np.sin(a), 0, 0]))


@given(numbers((3,)))
def test_vjp_and_jvp_inside_grad(x):
    def by_reverse(x):
        value, pullback = cr.vjp(np.sin, x)
        return (value * pullback(np.cos(x))[0]).sum()  # sin x cos^2 x

    def by_forward(x):
        value, tangent = cr.jvp(np.sin, (x,), (np.cos(x),))
        return (value * tangent).sum()

    expected = np.cos(x) ** 3 - 2 * np.sin(x) ** 2 * np.cos(x)
    close(cr.grad(by_reverse)(x), expected)
    close(cr.grad(by_forward)(x), expected)


def test_a_newton_iteration_inside_a_gradient():
    """The root of y^3 = x by Newton's method, differentiated: x^(1/3) has slope x^(-2/3) / 3."""

    def root(x):
        y = 1.0 + 0 * x
        for _ in range(12):
            residual = y**3 - x
            y = y - residual / cr.grad(lambda y: y**3)(y)
        return y

    close(root(5.0), 5 ** (1 / 3))
    close(cr.grad(root)(5.0), 5 ** (-2 / 3) / 3)


def test_a_recursive_function():
    def power(x, n):
        return 1.0 if n == 0 else x * power(x, n - 1)

    close(cr.grad(power)(1.5, 6), 6 * 1.5**5)
