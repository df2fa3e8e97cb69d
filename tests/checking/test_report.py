"""What a report says and shows, and that its counterexample is one."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import chainrule as cr
from tests.checking.planted import PLANTED


def E(x, A):
    y = A @ x
    return np.sum(np.tanh(y))


def wrong(x, A):
    return A.T @ np.ones(len(A))


POINT = np.array([0.3, -0.7, 1.1]), np.array([[0.5, 1.0, 0.2], [-0.4, 0.3, 0.8]])


def test_the_text_of_a_report():
    lines = str(cr.check(E, wrong, *POINT)).splitlines()
    assert lines[0].startswith("WRONG  ∂E/∂x lacks tanh′(y): the derivative of tanh at y")
    assert any("random points" in line for line in lines)
    assert any("a point with small whole numbers: ∂E/∂x[" in line for line in lines)
    assert all(len(line) <= 80 for line in lines)


@pytest.mark.parametrize("case", PLANTED[::3], ids=str)
def test_the_counterexample_is_one(case):
    report = cr.check(case.f, case.wrong, *case.args, wrt=case.wrt)
    worst = report.worst
    if worst is None or report.kind == "not finite":
        return
    assert worst.yours != pytest.approx(worst.true, rel=1e-6)
    parameters = list(inspect.signature(case.f).parameters)
    if set(worst.point) >= set(parameters):
        args = [worst.point[name] for name in parameters]
        yours, true = case.wrong(*args), cr.jacobian(case.f, case.wrt)(*args).toarray()
        assert np.reshape(yours, true.shape)[worst.index] == pytest.approx(worst.yours)
        assert true[worst.index] == pytest.approx(worst.true)


def test_a_counterexample_has_small_whole_numbers_where_there_is_one():
    worst = cr.check(E, wrong, *POINT).worst
    assert worst is not None
    for value in worst.point.values():
        np.testing.assert_array_equal(value, np.round(value))
        assert np.abs(value).max() <= 2
    # zeros wherever a zero still shows the mistake: one entry of x is enough
    assert np.count_nonzero(worst.point["x"]) == 1


def test_names_of_values_captured_from_outside():
    Phi = np.array([[1.0, 2.0], [3.0, 5.0], [-1.0, 0.5]])

    def f(theta):
        e = Phi @ theta
        return e @ e

    report = cr.check(f, lambda theta: 2 * Phi.T @ (Phi @ theta) / 3, np.array([0.3, 0.4]))
    assert "rows of Phi" in report.diagnosis


def test_right_reports_are_true_and_say_how_right():
    report = cr.check(E, lambda x, A: A.T @ (1 - np.tanh(A @ x) ** 2), *POINT)
    assert report
    assert report.error < 1e-14  # a few units in the last place
    assert str(report).startswith("RIGHT  ∂E/∂x is right at 6 points")


def test_the_same_call_gives_the_same_report():
    one, two = (str(cr.check(E, wrong, *POINT)) for _ in range(2))
    assert one == two


def test_arrays_are_not_changed():
    x, A = (a.copy() for a in POINT)
    cr.check(E, wrong, x, A)
    np.testing.assert_array_equal(x, POINT[0])
    np.testing.assert_array_equal(A, POINT[1])


def test_a_counterexample_does_not_stand_at_a_kink():
    def f(x):
        return np.sum(np.abs(x))

    report = cr.check(f, lambda x: 3 * np.sign(x) + (x == 0), np.array([0.7, -1.2]))
    assert report.worst is not None
    assert report.worst.point["x"][report.worst.index] != 0
