"""What does not fit gets one sentence that names it, and says what to write instead."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.errors import ArgumentError, DataError, DtypeError, ShapeError
from chainrule.train import GradientDescent, Network, evaluate, fit, predict

NET = Network([3, 2])
X, Y = np.ones((5, 3)), np.ones((5, 2))
SOFT = Network([3, 2], output="softmax")


def train(network=NET, X=X, Y=Y, **options):
    return fit(network, X, Y, **{"epochs": 1, "progress": False} | options)


def with_value(table, row, column, value):
    table = table.copy()
    table[row, column] = value
    return table


@pytest.mark.parametrize(
    ("X", "Y", "error", "text"),
    [
        (
            X,
            Y[:4],
            ShapeError,
            r"fit: Y must have one row .* Y of shape \(4, 2\) and X of sh.*5, 3",
        ),
        (X[:, :2], Y, ShapeError, r"X must have 3 columns.*got X of shape \(5, 2\);.*\[2, …\]"),
        (X[0], Y, ShapeError, r"X must have 3 columns.*got X of shape \(3,\)"),
        (X, Y[:, :1], ShapeError, r"Y must have 2 columns.*got Y of shape \(5, 1\)"),
        (X, Y[:, 0], ShapeError, r"shape \(5,\) and dtype float64; .*integer class labels"),
        (X, Y[:, :, None], ShapeError, r"Y must have 2 columns"),
        (
            X,
            np.float64(1),
            ShapeError,
            r"Y must have one row for each row of X; got Y of shape \(\)",
        ),
        (X[:0], Y[:0], DataError, r"X has no rows; got shape \(0, 3\)"),
        (with_value(X, 3, 1, np.nan), Y, DataError, r"fit: X holds.*got nan in row 3, column 1"),
        (with_value(X, 4, 2, -np.inf), Y, DataError, r"X holds .*got -inf in row 4, column 2"),
        (X, with_value(Y, 2, 1, np.inf), DataError, r"Y holds .*got inf in row 2, column 1"),
        (X.astype(str), Y, DtypeError, r"X must be numbers; got dtype <U"),
        (X.astype(complex), Y, DtypeError, r"X must be numbers; got dtype complex128"),
        (X, Y.astype(object), DtypeError, r"Y must be numbers; got dtype object"),
        ([[1, 2, 3], [1, 2]], Y, ShapeError, r"rows of X differ in length"),
        (X, np.array([0, 1, 2, 0, 1]), DataError, r"from 0 to 1; got 2 in row 2 of Y"),
        (X, np.array([0, 1, 0, -1, 1]), DataError, r"from 0 to 1; got -1 in row 3 of Y"),
    ],
)
def test_examples_that_do_not_fit(X, Y, error, text):
    with pytest.raises(error, match=text):
        train(X=X, Y=Y)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"epochs": 0}, r"fit: epochs must be a whole number from 1 up; got 0"),
        ({"epochs": 2.5}, r"epochs must be a whole number from 1 up; got 2.5"),
        ({"epochs": True}, r"epochs must be a whole number"),
        ({"batch_size": 0}, r"batch_size must be a whole number from 1 up; got 0"),
        ({"batch_size": -3}, r"batch_size must be"),
        ({"batch_size": "some"}, r"batch_size must be .*got 'some'"),
        ({"seed": -1}, r"seed must be a whole number from 0 up; got -1"),
        ({"seed": None}, r"seed must be"),
        (
            {"reduction": "sum"},
            r"unknown reduction; got 'sum'; write reduction='mean' or red.*total",
        ),
        ({"cost": "mse"}, r"unknown cost; got 'mse'"),
        ({"cost": "cross-entropy"}, r"cross-entropy needs probabilities; got output='linear'"),
        ({"optimiser": 0.1}, r"optimiser must have .*got 0.1; write optimiser=GradientDescent"),
        ({"optimiser": GradientDescent}, r"optimiser must have the methods init and update"),
        ({"validation": X}, r"validation must be a pair of arrays; got ndarray"),
        ({"network": [3, 2]}, r"network must be a Network; got \[3, 2\]"),
    ],
)
def test_options_that_make_no_sense(options, text):
    with pytest.raises(ArgumentError, match=text):
        train(**options)


@pytest.mark.parametrize("rate", [0, -0.1, np.nan, np.inf, "0.1", True, None, [0.1]])
def test_a_rate_is_positive_and_finite(rate):
    with pytest.raises(ArgumentError, match=r"GradientDescent: the rate must be a positive, fin"):
        GradientDescent(rate)


def test_validation_examples_are_looked_at_before_training():
    with pytest.raises(ShapeError, match=r"the validation X must have 3 columns"):
        train(validation=(X[:, :2], Y))
    with pytest.raises(ShapeError, match=r"the validation Y must have one row"):
        train(validation=(X, Y[:2]))
    with pytest.raises(DataError, match=r"the validation Y holds .*nan in row 0, column 0"):
        train(validation=(X, with_value(Y, 0, 0, np.nan)))


def test_targets_of_a_cross_entropy_are_probabilities():
    with pytest.raises(DataError, match=r"from 0 to 1; got 1.5 in row 1, column 0 of Y"):
        train(SOFT, Y=with_value(Y, 1, 0, 1.5), cost="cross-entropy")
    with pytest.raises(DataError, match=r"got -0.5 in row 4, column 1 of Y"):
        train(Network([3, 2], output="sigmoid"), Y=with_value(Y, 4, 1, -0.5), cost="cross-entropy")


def test_starting_parameters_must_fit_and_be_finite():
    start = NET.init(seed=0)
    with pytest.raises(ShapeError, match=r"A0 must have shape \(2, 3\); got \(3, 2\)"):
        train(params=start | {"A0": start["A0"].T})
    with pytest.raises(DataError, match=r"parameters must be finite; got NaN or Inf in b0"):
        train(params=start | {"b0": np.array([0.0, np.nan])})


def test_nothing_is_changed_that_was_given():
    X0, Y0, start = X.copy(), Y.copy(), NET.init(seed=0)
    kept = {name: value.copy() for name, value in start.items()}
    train(X=X0, Y=Y0, params=start, epochs=3)
    assert np.array_equal(X0, X)
    assert np.array_equal(Y0, Y)
    assert all(np.array_equal(start[name], kept[name]) for name in start)


def test_predicting_and_evaluating_check_too():
    params = NET.init(seed=0)
    with pytest.raises(ShapeError, match=r"predict: X must have 3 columns"):
        predict(NET, params, np.ones((4, 2)))
    with pytest.raises(ShapeError, match=r"predict: X must have 3 columns"):
        predict(NET, params, np.ones(4))
    with pytest.raises(DataError, match=r"predict: X holds .*nan in row 1, column 2"):
        predict(NET, params, with_value(X, 1, 2, np.nan))
    with pytest.raises(ShapeError, match=r"A0 must have shape"):
        predict(NET, Network([4, 2]).init(seed=0), X)
    with pytest.raises(ShapeError, match=r"evaluate: X must have 3 columns"):
        evaluate(NET, params, np.ones((4, 2)), np.ones((4, 2)))
    with pytest.raises(ArgumentError, match=r"evaluate: unknown reduction"):
        evaluate(NET, params, X, Y, reduction="sum")
