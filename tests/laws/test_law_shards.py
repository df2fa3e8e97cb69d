"""The sum of the shards is the whole, and adding terms in any grouping changes nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from tests.laws.problems import close, numbers


def E_r(theta, x, y):
    f1 = cr.sigmoid(theta["A0"] @ x + theta["b0"])
    error = theta["A1"] @ f1 - y
    return 0.5 * error @ error


def E(theta, X, Y):
    return cr.vmap(E_r, in_axes=(None, 0, 0))(theta, X, Y).sum()


@st.composite
def tables(draw):
    rows = draw(st.integers(1, 6))
    theta = {name: draw(numbers(s)) for name, s in [("A0", (3, 2)), ("b0", (3,)), ("A1", (2, 3))]}
    return theta, draw(numbers((rows, 2))), draw(numbers((rows, 2))), draw(st.integers(0, rows))


def added(one, other):
    return {name: one[name] + other[name] for name in one}


@given(tables())
def test_two_shards(table):
    theta, X, Y, cut = table
    whole = cr.grad(E)(theta, X, Y)
    shards = [(X[:cut], Y[:cut]), (X[cut:], Y[cut:])]
    parts = [cr.grad(E)(theta, *shard) for shard in shards if len(shard[0])]
    total = parts[0] if len(parts) == 1 else added(*parts)
    for name in theta:
        close(total[name], whole[name])


@given(tables())
def test_one_example_a_shard(table):
    theta, X, Y, _ = table
    whole = cr.grad(E)(theta, X, Y)
    for name in theta:
        rows = [cr.grad(E_r)(theta, x, y)[name] for x, y in zip(X, Y, strict=True)]
        close(sum(rows), whole[name])


@given(tables())
def test_the_hessian_of_the_sum_is_the_sum_of_the_hessians(table):
    theta, X, Y, _ = table

    def by_b0(f, *data):
        return cr.hessian(lambda b0: f({**theta, "b0": b0}, *data))(theta["b0"]).toarray()

    close(sum(by_b0(E_r, x, y) for x, y in zip(X, Y, strict=True)), by_b0(E, X, Y))


@given(tables())
def test_the_order_of_the_examples_does_not_matter(table):
    theta, X, Y, _ = table
    forwards, backwards = cr.grad(E)(theta, X, Y), cr.grad(E)(theta, X[::-1], Y[::-1])
    for name in theta:
        close(forwards[name], backwards[name])


@given(tables())
def test_the_mean_is_the_sum_over_the_number(table):
    theta, X, Y, _ = table

    def mean(theta):
        return cr.vmap(E_r, in_axes=(None, 0, 0))(theta, X, Y).mean()

    for name, gradient in cr.grad(mean)(theta).items():
        close(gradient * len(X), cr.grad(E)(theta, X, Y)[name])


@pytest.mark.parametrize("rows", [0])
def test_no_examples_at_all_cost_nothing(rows):
    theta = {"A0": np.ones((3, 2)), "b0": np.ones(3), "A1": np.ones((2, 3))}
    value, gradient = cr.value_and_grad(E)(theta, np.zeros((rows, 2)), np.zeros((rows, 2)))
    assert value == 0
    for name in theta:
        np.testing.assert_array_equal(gradient[name], np.zeros_like(theta[name]))
