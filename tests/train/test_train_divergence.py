"""A cost that becomes NaN or infinite: training stops there, says where, keeps what was good."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.train import GradientDescent, Network, fit

ONE = {"A0": np.zeros((1, 1)), "b0": np.ones(1)}


def root(output, target):
    """√f: with rate 1 the bias goes 1, ½, −0.207 …, and the root of that is NaN."""
    return np.sum(np.sqrt(output)) + 0.0 * np.sum(target)


def fall(rows: int = 1, **options):
    options = {"cost": root, "epochs": 9, "optimiser": GradientDescent(1.0)} | options
    X, Y = np.zeros((rows, 1)), np.zeros(rows)
    return fit(Network([1, 1]), X, Y, params=ONE, progress=False, **options)


def test_training_stops_at_that_step_and_says_where():
    result = fall()
    assert result.outcome == "diverged"
    assert result.stopped.startswith(
        "the cost became NaN in epoch 3, batch 1; it began in the cost (E), operation sqrt(f1), "
        "at row 0 of X (counted from 0); the last parameters with a finite cost are kept"
    )
    assert result.epochs == 2
    np.testing.assert_allclose(result.history.cost, [1, np.sqrt(0.5)])


def test_the_last_parameters_with_a_finite_cost_are_kept():
    result = fall()
    np.testing.assert_allclose(result.params["b0"], [0.5])
    assert result.cost == pytest.approx(np.sqrt(0.5))


def test_the_batch_is_named():
    result = fall(rows=2, batch_size=1)
    assert "became NaN in epoch 2, batch 1;" in result.stopped
    result = fall(rows=3, batch_size=1)
    assert "became NaN in epoch 1, batch 3;" in result.stopped
    np.testing.assert_allclose(result.params["b0"], [0.5])


def test_the_last_step_of_all_is_looked_at_too():
    """Two epochs end with −0.207: no third step is there to notice it."""
    result = fall(epochs=2)
    assert result.outcome == "diverged"
    assert "became NaN in epoch 2, batch 1; it began in the cost, operation sqrt" in result.stopped
    np.testing.assert_allclose(result.params["b0"], [0.5])
    assert fall(epochs=1).outcome == "finished"


def test_the_layer_is_named():
    """Layer 1 takes the logarithm of a pre-activation that training drives below 0."""
    net = Network([1, 1, 1], activation=np.log)
    start = {"A0": np.ones((1, 1)), "b0": np.zeros(1), "A1": np.ones((1, 1)), "b1": np.zeros(1)}
    result = fit(
        net,
        np.ones((1, 1)),
        np.full(1, -9.0),
        params=start,
        optimiser=GradientDescent(1.0),
        progress=False,
    )
    assert "epoch 2, batch 1; it began in layer 1 (f1), operation log" in result.stopped
    assert all(np.array_equal(result.params[name], start[name]) for name in start)


def test_a_rate_far_too_large():
    X, labels = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    result = fit(
        Network([3, 4, 2], "relu", "softmax"),
        X,
        labels,
        optimiser=GradientDescent(1e200),
        epochs=50,
        progress=False,
    )
    assert result.outcome == "diverged"
    assert "the cost became" in result.stopped
    assert "in layer 2 (Z2), operation f1 @ A1.T, at unit 0, row 0 of X" in result.stopped
    assert np.isfinite(result.cost)
    assert all(np.isfinite(value).all() for value in result.params.values())


def test_an_infinite_gradient_is_found_at_the_step_that_made_it():
    """log f at the smallest numbers: the cost is finite, its slope 1/f is not."""
    start = {"A0": np.zeros((1, 1)), "b0": np.full(1, 1e-310)}
    result = fit(
        Network([1, 1]),
        np.zeros((1, 1)),
        np.zeros(1),
        params=start,
        cost=lambda output, target: np.sum(np.log(output)),
        progress=False,
    )
    assert result.outcome == "diverged"
    assert "in epoch 2, batch 1; it began in epoch 1, batch 1, in layer 1 (" in result.stopped
    assert "operation reciprocal" in result.stopped
    assert all(np.array_equal(result.params[name], start[name]) for name in start)


def test_a_start_that_is_no_good_at_all():
    result = fall(cost=lambda output, target: np.sum(np.log(-output)))
    assert "epoch 1, batch 1; it began in the cost (E), operation log" in result.stopped
    assert result.epochs == 0
    assert np.array_equal(result.params["b0"], ONE["b0"])
    assert np.isnan(result.cost)


def test_a_validation_cost_that_is_not_finite():
    result = fit(
        Network([1, 1]),
        np.zeros((2, 1)),
        np.zeros(2),
        params=ONE,
        cost=lambda output, target: np.sum(np.sqrt(4.0 - target - output)),
        validation=(np.zeros((1, 1)), np.full(1, 9.0)),
        progress=False,
    )
    assert "the validation cost became NaN in epoch 1, batch 1; it began in" in result.stopped
    assert result.epochs == 0
    assert np.array_equal(result.params["b0"], ONE["b0"])
    assert np.isfinite(result.cost)
    assert np.isnan(result.validation_cost)


def test_no_warning_is_needed_to_say_it_twice(recwarn):
    fall()
    assert not recwarn.list


@pytest.mark.parametrize("compile", [False, True])
@pytest.mark.parametrize("rows", [4, 6])
@pytest.mark.parametrize("batch_size", [2, 4, 6])
def test_the_unit_and_the_row_are_those_of_the_table(compile, rows, batch_size):
    """One entry of one row is too large for one unit, whatever the order of the examples."""
    X, start = np.zeros((rows, 2)), Network([2, 4, 1], "softplus").init(0)
    X[3, 1] = 1e10
    start["A0"] = np.zeros((4, 2))
    start["A0"][2, 1] = 1e300
    result = fit(
        Network([2, 4, 1], "softplus"),
        X,
        np.zeros(rows),
        params=start,
        batch_size=batch_size,
        compile=compile,
        progress=False,
    )
    assert result.outcome == "diverged"
    assert "in layer 1 (Z1), operation X @ A0.T" in result.stopped.replace("… @", "X @")
    assert "at unit 2, row 3 of X (counted from 0)" in result.stopped


def test_no_word_of_ours_is_in_the_sentence():
    X = np.random.default_rng(0).normal(size=(20, 3)) * 1e200
    for cost in ("squared", None):
        for output in ("linear", "softmax", "sigmoid"):
            if cost is None and output != "softmax":
                continue
            network = Network([3, 4, 2], "relu", output)
            result = fit(network, X, np.arange(20) % 2, cost=cost, progress=False, batch_size=5)
            assert "contract" not in (result.stopped or "")
