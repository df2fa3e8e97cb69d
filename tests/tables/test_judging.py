"""Predictions: in the table's own words, judged, and written."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from chainrule.tables import Table, Task, answers, constant_answers, judged, predictions_of, prepare


def dataset(**columns):
    length = len(next(iter(columns.values())))
    return prepare(Table("t.csv", columns, range(2, length + 2)), "y", seed=0)


CLASSES = dataset(x=np.arange(50.0), y=["ham, egg"] * 30 + ['"spam"'] * 20)
AMOUNTS = dataset(x=np.arange(50.0), y=1.5 * np.arange(50.0))


def test_answers_in_the_terms_of_the_truth():
    assert answers(CLASSES.preparation, np.array([[0.9, 0.1], [0.2, 0.8]])).tolist() == [0, 1]
    mean, scale = AMOUNTS.preparation.outputs.mean, AMOUNTS.preparation.outputs.scale
    given = answers(AMOUNTS.preparation, np.array([[0.0], [2.0]]))
    np.testing.assert_allclose(given, [mean, mean + 2 * scale], rtol=1e-15)


def test_the_metrics_of_a_worked_example():
    assert judged(Task.classification, np.array([0, 1, 2, 1]), np.array([0, 1, 1, 1])) == {
        "accuracy": 0.75
    }
    # Errors 1, −1, 0, 2 about truths of mean 2 and squared deviations 4 + 1 + 1 + 4 = 10.
    truth, given = np.array([0.0, 1.0, 3.0, 4.0]), np.array([1.0, 0.0, 3.0, 6.0])
    found = judged(Task.regression, truth, given)
    assert found == pytest.approx({"r2": 0.4, "rmse": 1.5**0.5, "mae": 1.0})


def test_answers_far_off_have_no_metrics_rather_than_infinite_ones():
    given = np.array([1e300, np.nan, 0.0])
    nothing = {"r2": None, "rmse": None, "mae": None}
    assert judged(Task.regression, np.arange(3.0), given) == nothing
    assert judged(Task.regression, np.arange(3.0), np.array([1e200, 0, 0])) == nothing


def test_the_constant_answer_is_the_best_of_the_training_rows():
    codes = constant_answers(CLASSES)
    assert (len(codes), set(codes.tolist())) == (10, {1})
    assert CLASSES.preparation.classes[1] == "ham, egg"
    amounts = constant_answers(AMOUNTS)
    np.testing.assert_allclose(amounts, np.full(10, AMOUNTS.train.truth.mean()), rtol=1e-15)


def test_predicted_classes_are_written_with_their_probability():
    made = predictions_of(CLASSES.preparation, np.array([[0.25, 0.75], [0.875, 0.125]]))
    rows = list(csv.reader(io.StringIO(made.csv())))
    assert rows == [["prediction", "probability"], ["ham, egg", "0.750000"], ['"spam"', "0.875000"]]


def test_predicted_amounts_are_written_to_the_bit():
    outputs = np.array([[0.1], [1 / 3]])
    text = predictions_of(AMOUNTS.preparation, outputs).csv()
    header, *lines = text.splitlines()
    assert header == "prediction"
    assert [float(line) for line in lines] == AMOUNTS.preparation.amounts(outputs).tolist()
