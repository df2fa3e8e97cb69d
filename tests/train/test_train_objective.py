"""A batch's cost is the sum of its examples' costs, and so is its gradient."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import ShapeError
from chainrule.train import (
    GradientDescent,
    Network,
    binary_cross_entropy,
    cross_entropy,
    evaluate,
    squared_cost,
)
from chainrule.train.objective import Objective, step_programs

PAIRS = {"linear": squared_cost, "softmax": cross_entropy, "sigmoid": binary_cross_entropy}


@st.composite
def problems(draw):
    """A network, a cost that fits its output, parameters, and a few examples."""
    output = draw(st.sampled_from(sorted(PAIRS)))
    hidden = draw(st.lists(st.integers(1, 4), max_size=2))
    sizes = [draw(st.integers(1, 3)), *hidden, draw(st.integers(2, 3))]
    activation = draw(st.sampled_from(["sigmoid", "tanh", "relu", "softplus"]))
    network = Network(sizes, activation, output)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    rows = draw(st.integers(1, 5))
    X, Y = rng.normal(size=(rows, sizes[0])), rng.uniform(size=(rows, sizes[-1]))
    return network, PAIRS[output], network.init(seed=int(rng.integers(99))), X, Y


@given(problems())
def test_the_batch_costs_what_its_examples_cost(problem):
    network, cost, params, X, Y = problem
    loop = sum(cost(network(params, x), y) for x, y in zip(X, Y, strict=True))
    total, mean = Objective(network, cost, "total"), Objective(network, cost, "mean")
    assert total(params, X, Y) == pytest.approx(loop, rel=1e-11)
    assert mean(params, X, Y) == pytest.approx(loop / len(X), rel=1e-11)
    assert evaluate(network, params, X, Y, cost=cost) == pytest.approx(loop / len(X), rel=1e-11)


@given(problems())
def test_the_gradient_of_the_total_is_the_sum_of_the_gradients(problem):
    network, cost, params, X, Y = problem
    objective = Objective(network, cost, "total")
    whole = cr.grad(objective)(params, X, Y)
    one = cr.grad(objective.example)
    parts = [one(params, x, y) for x, y in zip(X, Y, strict=True)]
    for name in params:
        together = np.sum([part[name] for part in parts], axis=0)
        np.testing.assert_allclose(whole[name], together, rtol=1e-9, atol=1e-13)


@given(problems(), st.sampled_from(["mean", "total"]))
def test_one_step_is_one_descent_along_the_gradient(problem, reduction):
    network, cost, params, X, Y = problem
    objective = Objective(network, cost, reduction)
    expected, gradient = cr.value_and_grad(objective)(params, X, Y)
    got, new, state = step_programs(objective, GradientDescent(0.3))(params, (), X, Y)
    assert got == pytest.approx(expected, rel=1e-12)
    assert state == ()
    for name in params:
        np.testing.assert_allclose(new[name], params[name] - 0.3 * gradient[name], rtol=1e-12)


def test_a_step_is_recorded_once_for_each_number_of_rows():
    objective = Objective(Network([2, 1]), squared_cost, "mean")
    steps, params = step_programs(objective, GradientDescent(0.1)), Network([2, 1]).init(seed=0)
    three = steps.program(params, (), np.ones((3, 2)), np.ones((3, 1)))
    assert steps.program(params, (), np.zeros((3, 2)), np.zeros((3, 1))) is three
    assert steps.program(params, (), np.ones((2, 2)), np.ones((2, 1))) is not three


def test_the_cost_of_an_example_must_be_a_number():
    objective = Objective(Network([2, 3]), lambda output, target: output - target, "mean")
    with pytest.raises(ShapeError, match=r"must be a single number; got shape \(3,\)"):
        objective(Network([2, 3]).init(seed=0), np.ones((4, 2)), np.ones((4, 3)))


def test_evaluate_goes_through_more_rows_than_one_block_holds():
    X = np.linspace(0, 1, 2500)[:, None]
    line = {"A0": np.array([[2.0]]), "b0": np.array([1.0])}
    Y = np.zeros(2500)
    expected = 0.5 * ((2 * X[:, 0] + 1) ** 2).sum()
    total = evaluate(Network([1, 1]), line, X, Y, reduction="total")
    assert total == pytest.approx(expected, rel=1e-12)
