"""Planted mistakes are called by their names, and the right gradients beside them are right."""

from __future__ import annotations

import pytest

import chainrule as cr
from chainrule.explain.checking.judging import check
from tests.explain.checking import planted_layers, planted_matrices
from tests.explain.checking.planted import PLANTED

MORE = (planted_layers, planted_matrices)
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


def test_there_are_mistakes_of_every_kind():
    assert len(PLANTED) >= 30
    assert len({kind for case in PLANTED for kind in case.kinds}) >= 15
