"""Planted mistakes are called by their names, and the right gradients beside them are right."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.checking.judging import check
from tests.checking import planted_layers, planted_matrices, planted_rules
from tests.checking.planted import PLANTED

MORE = (planted_layers, planted_matrices, planted_rules)
"""Imported for what they plant."""


@pytest.mark.parametrize("case", PLANTED, ids=str)
def test_a_planted_mistake_is_named(case):
    report = check(case.f, case.wrong, *case.args, wrt=case.wrt)
    assert not report.ok
    assert report.kind in case.kinds, str(report)
    missing = [word for word in case.words if word not in report.diagnosis]
    assert not missing, f"{missing} are not in: {report.diagnosis}"


@pytest.mark.parametrize("case", PLANTED, ids=str)
def test_the_true_derivative_of_the_same_function_is_right(case):
    def gradient(*args):
        return cr.jacobian(case.f, case.wrt)(*args).toarray()

    report = check(case.f, gradient, *case.args, wrt=case.wrt)
    assert report.ok, str(report)
    assert report.kind == "right"


@pytest.mark.parametrize("of_others", [False, True])
def test_a_slope_that_depends_on_other_elements_is_not_called_one_of_elements(of_others):
    """The same elements in other places have other slopes there, so that it is no such function."""
    A = np.array([0.4, -1.0, 0.3, 2.0, -0.7, 1.1])

    def wrong(x):
        return A * np.exp(x) * (np.cosh(x[0] * x[1]) if of_others else np.arange(2.0, 8.0) ** 1.7)

    report = check(lambda x: A @ np.exp(x), wrong, 0.3 * A[::-1])
    assert not report.ok
    assert "nowhere else" not in report.diagnosis


def test_there_are_mistakes_of_every_kind():
    assert len(PLANTED) >= 30
    assert len({kind for case in PLANTED for kind in case.kinds}) >= 15
