"""Kinks, ties, zeros that stay zeros, and NaNs that come out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from tests.laws.problems import close, numbers

KINKS = {
    "abs": (np.abs, 0.0, 0.0),
    "fabs": (np.fabs, 0.0, 0.0),
    "sign": (np.sign, 0.0, 0.0),
    "floor": (np.floor, 1.0, 0.0),
    "relu": (cr.relu, 0.0, 0.0),
    "maximum with 0": (lambda x: np.maximum(x, 0), 0.0, 0.5),
    "minimum with 0": (lambda x: np.minimum(0.0, x), 0.0, 0.5),
    "maximum with itself": (lambda x: np.maximum(x, x), 1.3, 1.0),
    "maximum of two functions that meet": (lambda x: np.maximum(x, x**2), 1.0, 1.5),
    "max of ties": (np.max, [1.0, 1.0, 0.0], [0.5, 0.5, 0.0]),
    "max of three ties": (np.max, [2.0, 2.0, 2.0], [1 / 3, 1 / 3, 1 / 3]),
    "min of ties": (np.min, [[3.0, 1.0], [1.0, 2.0]], [[0.0, 0.5], [0.5, 0.0]]),
    "max of rows with ties": (
        lambda A: A.max(axis=1).sum(),
        [[1.0, 1.0, 0.0], [2.0, 3.0, 1.0]],
        [[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]],
    ),
    "ptp of equals": (np.ptp, [4.0, 4.0], [0.0, 0.0]),
    "where at its border": (lambda x: np.where(x > 0, 5 * x, 2 * x), 0.0, 2.0),
    "a node added to itself": (lambda x: x + x, 0.7, 2.0),
    "a node times itself": (lambda x: x * x, 0.0, 0.0),
    "a node subtracted from itself": (lambda x: x - x, 0.7, 0.0),
    "square at 0": (lambda x: x**2, 0.0, 0.0),
    "first power at 0": (lambda x: x**1, 0.0, 1.0),
    "zeroth power at 0": (lambda x: x**0, 0.0, 0.0),
    "product with one zero": (np.prod, [0.0, 2.0, 3.0], [6.0, 0.0, 0.0]),
    "product with two zeros": (np.prod, [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]),
}


@pytest.mark.parametrize("name", KINKS)
def test_conventions_at_kinks(name):
    f, x, expected = KINKS[name]
    x = np.asarray(x)
    close(cr.grad(f)(x), expected)
    tangents = [cr.jvp(f, (x,), (e,))[1] for e in np.eye(x.size).reshape(x.size, *x.shape)]
    close(np.reshape(tangents, x.shape), expected)


def test_relu_is_flat_at_zero_to_second_order_too():
    assert cr.grad(cr.grad(cr.relu))(0.0) == 0
    assert cr.grad(cr.grad(lambda x: cr.relu(x) ** 2))(0.0) == 0


@given(numbers((4,)))
def test_the_shares_of_a_maximum_add_up_to_one(x):
    x = np.round(x)  # whole numbers from -2 to 2: ties are common
    close(cr.grad(np.max)(x), (x == x.max()) / np.count_nonzero(x == x.max()))
    close(cr.grad(np.min)(x), (x == x.min()) / np.count_nonzero(x == x.min()))


MASKED = {
    "sqrt": (lambda x: np.where(x > 0, np.sqrt(x), 0), lambda x: 0.5 * x**-0.5),
    "sqrt by a power": (lambda x: np.where(x > 0, x**0.5, 0), lambda x: 0.5 * x**-0.5),
    "cube root by a power": (
        lambda x: np.where(x > 0, x ** (1 / 3), 0.0),
        lambda x: x ** (-2 / 3) / 3,
    ),
    "log": (lambda x: np.where(x > 0, np.log(x), 0), lambda x: 1 / x),
    "x log x": (lambda x: np.where(x > 0, x * np.log(x), 0), lambda x: np.log(x) + 1),
    "reciprocal": (lambda x: np.where(x > 0, 1 / x, 0), lambda x: -1 / x**2),
    "exp of a reciprocal": (
        lambda x: np.where(x > 0, np.exp(-1 / x), 0),
        lambda x: np.exp(-1 / x) / x**2,
    ),
    "only the chosen ones": (lambda x: np.sqrt(np.where(x > 0, x, 0.0)), lambda x: 0.5 * x**-0.5),
}


@pytest.mark.parametrize("name", MASKED)
def test_a_zero_cotangent_stays_zero_through_an_infinite_or_undefined_derivative(name):
    f, derivative = MASKED[name]
    x = np.array([0.0, 4.0, -1.0, 0.25])
    with np.errstate(all="ignore"):
        gradient = cr.grad(lambda x: f(x).sum())(x)
        expected = np.where(x > 0, derivative(np.abs(x) + (x == 0)), 0.0)
        close(gradient, expected)
        close(cr.jvp(f, (x,), (np.ones(4),))[1], expected)
        close(cr.jacobian(f)(x).toarray(), np.diag(expected))


@pytest.mark.parametrize("name", ["sqrt", "sqrt by a power", "log", "x log x", "reciprocal"])
def test_the_same_to_second_order(name):
    f, derivative = MASKED[name]
    x = np.array([0.0, 4.0, -1.0, 0.25])
    with np.errstate(all="ignore"):
        H = cr.hessian(lambda x: f(x).sum())(x).toarray()
        h = 1e-30
        second = np.imag(derivative(x + 1j * h)) / h
        close(H, np.diag(np.where(x > 0, second, 0.0)))
        again = cr.grad(lambda x: cr.grad(lambda x: f(x).sum())(x).sum())(x)
        close(again, np.diag(H))


def test_other_ways_of_leaving_an_entry_out():
    x = np.array([0.0, 4.0])
    with np.errstate(all="ignore"):
        close(cr.grad(lambda x: np.sqrt(x)[1:].sum())(x), [0, 0.25])
        close(cr.grad(lambda x: np.sqrt(x)[np.array([1, 1])].sum())(x), [0, 0.5])
        close(cr.grad(lambda x: np.sqrt(x)[x > 0].sum())(x), [0, 0.25])
        close(cr.grad(lambda x: (np.array([0.0, 2.0]) * np.sqrt(x)).sum())(x), [0, 0.5])
        close(cr.grad(lambda x: ((x > 0) * np.sqrt(x)).sum())(x), [0, 0.25])
        close(cr.grad(lambda x: np.max(np.sqrt(x)))(x), [0, 0.25])
        close(cr.grad(lambda x: np.maximum(np.sqrt(x), 1.0).sum())(x), [0, 0.25])
        close(cr.grad(lambda x: cr.relu(np.sqrt(x) - 1).sum())(x), [0, 0.25])
        close(cr.grad(lambda x: cr.stop_gradient(np.sqrt(x)).sum())(x), [0, 0])


def test_an_infinite_value_that_is_not_chosen():
    x = np.array([4.0, 2.0])
    with np.errstate(all="ignore"):

        def f(x):
            return np.where(x > 0, x**2, np.exp(1e3 * x)).sum()

        close(cr.grad(f)(x), 2 * x)
        close(cr.hessian(f)(x).toarray(), np.diag([2.0, 2.0]))
        close(cr.grad(lambda x: np.where(abs(x) < 1, np.arcsin(x), x).sum())(x), np.ones(2))


def test_arguments_and_captured_arrays_that_hold_infinities_or_nans():
    x, ones = np.array([np.nan, 1.0, np.inf]), np.ones(3)
    with np.errstate(all="ignore"):
        for f in (lambda x: x * x, lambda x: x**2, np.square):
            masked = lambda x, f=f: np.where(np.isfinite(x), f(x), 0).sum()  # noqa: E731
            close(cr.grad(masked)(x), [0, 2, 0])
            close(cr.jvp(cr.grad(masked), (x,), (ones,))[1], [0, 2, 0])
            close(cr.vjp(f, x)[1](np.array([0.0, 1.0, 0.0]))[0], [0, 2, 0])
            close(cr.vmap(cr.grad(masked))(np.stack([x, ones])), [[0, 2, 0], [2, 2, 2]])
        missing = lambda y: np.where(np.isfinite(x), (y - x) ** 2, 0).sum()  # noqa: E731
        close(cr.grad(missing)(ones * 3), [0, 4, 0])
        close(cr.hessian(missing)(ones * 3).toarray(), np.diag([0.0, 2.0, 0.0]))


def test_zero_tangents_and_zero_cotangents():
    with np.errstate(all="ignore"):
        for f in (np.sqrt, np.log, lambda x: 1 / x, lambda x: x**-0.5, lambda x: x**0.5):
            assert cr.jvp(f, (0.0,), (0.0,))[1] == 0
            assert cr.vjp(f, 0.0)[1](0.0)[0] == 0


def test_an_exponent_at_a_base_of_zero():
    with np.errstate(all="ignore"):
        by_base, by_exponent = cr.grad(lambda x, y: x**y, wrt=(0, 1))(0.0, 2.0)
    assert by_base == 0
    assert by_exponent == 0  # 0^y is 0 on either side of y = 2


def test_powers_of_zero_and_of_negative_numbers_to_higher_orders():
    for n in (2, 3, 4):
        derivative = lambda x, n=n: x**n  # noqa: E731
        for order in range(1, n + 2):
            derivative = cr.grad(derivative)
            expected = [
                np.prod(np.arange(n, n - order, -1.0)) * x ** max(n - order, 0) for x in (0.0, -1.5)
            ]
            close([derivative(0.0), derivative(-1.5)], expected)


@given(st.integers(0, 3))
def test_products_with_zeros_to_second_order(zeros):
    x = np.array([0.0] * zeros + [2.0, -3.0, 0.5][zeros:] + [1.5])
    H = cr.hessian(np.prod)(x).toarray()
    expected = np.array(
        [[0.0 if i == j else np.prod(np.delete(x, [i, j])) for j in range(4)] for i in range(4)]
    )
    close(H, expected)


def test_what_is_undefined_comes_out():
    with np.errstate(all="ignore"):
        assert cr.grad(np.sqrt)(0.0) == np.inf
        assert np.isnan(cr.grad(np.sqrt)(-1.0))
        assert cr.grad(lambda x: 1 / x)(0.0) == -np.inf
        assert np.isnan(cr.grad(lambda x: x**2)(np.nan))
        assert np.isnan(cr.grad(lambda x: x * np.nan)(1.0))
        value, gradient = cr.value_and_grad(lambda x: (x * x).sum())(np.array([1.0, np.nan, 2.0]))
    assert np.isnan(value)
    np.testing.assert_array_equal(gradient, [2.0, np.nan, 4.0])


def test_a_nan_among_the_values_is_not_hidden_by_a_zero():
    with np.errstate(all="ignore"):
        value, _ = cr.value_and_grad(lambda x: (np.zeros(2) * np.log(x)).sum())(
            np.array([-1.0, 1.0])
        )
        assert np.isnan(value)
        assert np.isnan(
            cr.value_and_grad(lambda x: ((x > 0) * np.sqrt(x)).sum())(np.array([-1.0]))[0]
        )


def test_a_branch_not_taken_never_reaches_the_gradient_through_vmap():
    X = np.array([[0.0, 4.0], [-1.0, 1.0]])
    with np.errstate(all="ignore"):
        g = cr.vmap(cr.grad(lambda x: np.where(x > 0, np.sqrt(x), 0).sum()))
        close(g(X), [[0, 0.25], [0, 0.5]])
