"""Derivatives to fourth order at special points and beside them, against mpmath."""

import numpy as np
import pytest
from mpmath import mp, mpf, workdps

import chainrule as cr

BESIDE = [0.0, *(sign * 10.0**-k for k in (15, 12, 9, 6, 4, 2) for sign in (1, -1))]
"""Distances from the special point."""


def derived(f, order):
    """The derivative of some order of a function of one number."""
    for _ in range(order):
        f = cr.grad(f)
    return f


def sinc(x, order):
    """(d/dx)ⁿ of ∫₀¹ cos(πxt) dt: the integral has no singularity."""
    turn = order * mp.pi / 2
    return mp.quad(lambda t: (mp.pi * t) ** order * mp.cos(mp.pi * x * t + turn), [0, 0.5, 1])


def by_series(f):
    """Derivatives by mpmath's own Taylor coefficients, of a function that is smooth there."""
    return lambda x, order: mp.diff(f, x, order)


SINGULAR = {
    "sinc": (np.sinc, 0.0, sinc),
    "sinc of a line": (lambda x: np.sinc(2 * x - 1), 0.5, lambda x, n: 2**n * sinc(2 * x - 1, n)),
    "sigmoid": (cr.sigmoid, 0.0, by_series(lambda x: 1 / (1 + mp.exp(-x)))),
    "logaddexp": (lambda x: np.logaddexp(x, -x), 0.0, by_series(lambda x: mp.log(2 * mp.cosh(x)))),
    "tanh": (np.tanh, 0.0, by_series(mp.tanh)),
    "expm1": (np.expm1, 0.0, by_series(mp.exp)),
    "log1p": (np.log1p, 0.0, by_series(lambda x: mp.log(1 + x))),
    "arctan": (np.arctan, 0.0, by_series(mp.atan)),
    "arcsin": (np.arcsin, 0.0, by_series(mp.asin)),
    "arcsinh": (np.arcsinh, 0.0, by_series(mp.asinh)),
    "arctanh": (np.arctanh, 0.0, by_series(mp.atanh)),
    "square": (lambda x: x**2, 0.0, by_series(lambda x: x**2)),
    "cube": (lambda x: x**3, 0.0, by_series(lambda x: x**3)),
    "fourth power": (lambda x: x**4.0, 0.0, by_series(lambda x: x**4)),
    "square of the absolute value": (lambda x: abs(x) ** 2, 0.0, by_series(lambda x: x**2)),
    "square of the root": (lambda x: np.sqrt(x * x) ** 2, 0.0, by_series(lambda x: x**2)),
    "product of absolute values": (lambda x: abs(x) * abs(x), 0.0, by_series(lambda x: x**2)),
    "square of a norm": (
        lambda x: np.linalg.norm(np.stack([x, 2 * x])) ** 2, 0.0, by_series(lambda x: 5 * x**2),
    ),
    "product of ones and zeros": (
        lambda x: np.prod(np.stack([x, x, 1 + x])), 0.0, by_series(lambda x: x * x * (1 + x)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("name", SINGULAR)
def test_at_and_beside(name, order):
    f, place, exact = SINGULAR[name]
    for x in (place + distance for distance in BESIDE):
        with workdps(60):
            wanted = float(exact(mpf(x), order))
        found = float(derived(f, order)(np.float64(x)))
        # Formulas of fourth order are sums of some ten terms of the size of the largest derivative,
        # which is at most 24 here, each rounded a few times.
        assert abs(found - wanted) <= 1e-13 * max(abs(wanted), 24), (x, found, wanted)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_sinc_is_as_exact_as_it_is_small(order):
    for x in BESIDE[1:]:
        with workdps(60):
            wanted = float(sinc(mpf(x), order))
        found = float(derived(np.sinc, order)(np.float64(x)))
        assert abs(found - wanted) <= 1e-13 * abs(wanted), (x, found, wanted)


def test_the_second_derivative_of_sinc_is_minus_a_third_of_pi_squared():
    np.testing.assert_allclose(derived(np.sinc, 2)(1e-9), -(np.pi**2) / 3, rtol=1e-14)
    np.testing.assert_allclose(derived(np.sinc, 4)(0.0), np.pi**4 / 5, rtol=1e-14)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.linalg.norm(x) ** 2, lambda x: np.sum(np.abs(x) ** 2),
        lambda x: np.linalg.norm(x) * np.linalg.norm(x), lambda x: np.sqrt(x @ x) ** 2.0,
        lambda x: np.square(np.linalg.norm(x)), lambda x: np.hypot(x[0], x[1]) ** 2,
    ],
)  # fmt: skip
def test_squares_of_lengths_at_zero_have_the_hessian_2I(f):
    for x in (np.zeros(2), np.array([1e-200, 0.0]), np.array([3.0, 4.0])):
        np.testing.assert_allclose(cr.hessian(f)(x).toarray(), 2 * np.eye(2), rtol=1e-14)
        np.testing.assert_allclose(cr.grad(f)(x), 2 * x, rtol=1e-14)
        np.testing.assert_allclose(cr.compile(cr.hessian(f))(x), 2 * np.eye(2), rtol=1e-14)


INFINITE = [
    ([-np.inf, -np.inf], [0.5, 0.5]), ([np.inf, 1.0], [1.0, 0.0]),
    ([np.inf, np.inf, 2.0], [0.5, 0.5, 0.0]), ([1.0, -np.inf], [1.0, 0.0]),
    ([np.inf, -np.inf], [1.0, 0.0]),
]  # fmt: skip


@pytest.mark.parametrize(("x", "weights"), INFINITE)
@pytest.mark.parametrize("wrap", [lambda g: g, cr.compile])
def test_infinite_elements_that_tie_share_equally(x, weights, wrap):
    x = np.array(x)
    np.testing.assert_array_equal(wrap(cr.grad(cr.logsumexp))(x), weights)
    rows = np.stack([x, np.zeros_like(x), x])
    found = wrap(cr.grad(lambda X: np.sum(cr.logsumexp(X, axis=1))))(rows)
    np.testing.assert_array_equal(found[[0, 2]], [weights, weights])
    columns = wrap(cr.grad(lambda X: np.sum(cr.logsumexp(X, axis=0))))(rows.T.copy())
    np.testing.assert_array_equal(columns, found.T)
    if len(x) == 2:
        for f in (np.logaddexp, np.logaddexp2):
            found = wrap(cr.grad(lambda x, f=f: f(x[0], x[1])))(x)
            np.testing.assert_array_equal(found, weights)


@pytest.mark.parametrize(
    "f", [np.logaddexp, np.logaddexp2, lambda a, b: cr.logsumexp(np.stack([a, b]))]
)
def test_ties_of_finite_elements_beside_infinite_ones(f):
    """Whether others are infinite does not change a derivative."""
    a, b = np.array([0.5, 0.5]), np.array([0.5, -np.inf])

    found = np.diag(cr.hessian(lambda a: f(a[0], b[0]) + f(a[1], b[1]))(a).toarray())
    alone = cr.hessian(lambda a: f(a[0], 0.5))(a[:1]).toarray()
    np.testing.assert_allclose(found, [alone[0, 0], 0.0], rtol=1e-14)
