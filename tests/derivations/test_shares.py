"""The sum over examples: the shares add up, and there are none where there are no examples."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr

CLOSE = 1e-12  # sums of a few float64 products in another order
rng = np.random.default_rng(3)
X, Y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
W, b = rng.normal(size=(3, 2)), rng.normal(size=2)


def by_rows(W, b, X, Y):
    F = np.tanh(X @ W + b)
    E = 0.5 * np.sum((F - Y) ** 2)
    return E  # noqa: RET504  # its name is shown


def by_vmap(W, b, X, Y):
    E = np.sum(
        cr.vmap(lambda x, y: 0.5 * np.sum((np.tanh(x @ W + b) - y) ** 2), in_axes=(0, 0))(X, Y)
    )
    return E  # noqa: RET504


@pytest.mark.parametrize("cost", [by_rows, by_vmap])
def test_the_shares_are_those_of_one_example_at_a_time(cost):
    d = cr.derive(cost, wrt=("W", "b"))(W, b, X, Y)
    assert d.shares is not None
    one = [cost(W, b, X[r : r + 1], Y[r : r + 1]) for r in range(5)]
    np.testing.assert_allclose(d.shares.values, one, rtol=CLOSE)
    for k, name in enumerate(("W", "b")):
        gradients = [cr.grad(cost, wrt=k)(W, b, X[r : r + 1], Y[r : r + 1]) for r in range(5)]
        np.testing.assert_allclose(d.shares.gradients[name], gradients, rtol=CLOSE, atol=CLOSE)
    assert "E = Σ_r E^r, a sum over 5 examples, E^r = [" in str(d)


@pytest.mark.parametrize("cost", [by_rows, by_vmap])
def test_the_shares_add_up(cost):
    d = cr.derive(cost, wrt=("W", "b"))(W, b, X, Y)
    assert d.shares is not None
    np.testing.assert_allclose(d.shares.values.sum(), cost(W, b, X, Y), rtol=CLOSE)
    for name in ("W", "b"):
        total = d.shares.gradients[name].sum(axis=0)
        np.testing.assert_allclose(total, d.step(name).value, rtol=CLOSE, atol=CLOSE)


def test_the_observations_of_least_squares_are_examples():
    d = cr.derive(lambda theta, Phi, y: np.mean((y - Phi @ theta) ** 2))(W[:, 0], X, Y[:, 0])
    assert d.shares is not None
    np.testing.assert_allclose(d.shares.values, (Y[:, 0] - X @ W[:, 0]) ** 2 / 5, rtol=CLOSE)


def test_the_outputs_of_a_network_are_no_examples():
    def f(A, x, y, b):
        return np.sum((cr.sigmoid(A @ x + b) - y) ** 2)

    args = (W, np.ones(2), np.ones(3), np.ones(3))
    for wrt in ("A", "b", ("A", "b")):
        assert cr.derive(f, wrt=wrt)(*args).shares is None

    def deep(A0, A1, x, y):
        return np.sum((A1 @ np.tanh(A0 @ x) - y) ** 2)

    assert cr.derive(deep)(W, W.T, np.ones(2), np.ones(2)).shares is None


def test_examples_in_columns_are_no_rows():
    def f(A, b, X):
        return np.sum(np.tanh(A @ X + b[:, None]) ** 2)

    assert cr.derive(f, wrt="b")(W.T, b, X.T).shares is None


def test_other_results_are_no_sums():
    assert cr.derive(lambda W, X: X @ W)(W, X).shares is None
    assert cr.derive(lambda W, X: np.max(X @ W))(W, X).shares is None
