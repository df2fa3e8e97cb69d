"""No right gradient is called wrong: other formulas, other orders of summation, float32."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.checking.judging import check
from tests.checking.right import RIGHT
from tests.jacobians.generated import functions

SEEDS = 1 + 1000 // (2 * len(RIGHT))
"""So many that, in two dtypes, there are a thousand cases of all formulas together."""


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", RIGHT, ids=str)
def test_closed_forms_are_right(case, dtype):
    judged = 0
    for seed in range(SEEDS):
        args = [a.astype(dtype) for a in case.arguments(np.random.default_rng(seed))]
        with np.errstate(all="ignore"):
            is_finite = np.isfinite(case.f(*args)).all()
        if is_finite:  # log(1 - p) of a saturated p is not, in float32
            report = check(case.f, case.gradient, *args, wrt=case.wrt)
            assert report.ok, f"seed {seed}: {report}"
            judged += 1
    assert judged > SEEDS / 2


@given(functions(depth=4))
def test_forward_mode_is_right_where_reverse_mode_is(case):
    if not case.x.size:
        return

    def columns(x):
        units = np.eye(x.size).reshape(x.size, *x.shape)
        return np.array([cr.jvp(case.scalar(), (x,), (v,))[1] for v in units]).reshape(x.shape)

    report = check(case.scalar(), columns, case.x)
    assert report.ok, f"{case}: {report}"


@given(functions(depth=4), st.integers(0, 3))
def test_the_same_numbers_at_one_point_are_right(case, digits):
    if case.x.size:
        gradient = cr.grad(case.scalar())(case.x)
        report = check(case.scalar(), gradient * (1 + digits * 1e-16), case.x)
        assert report.ok, f"{case}: {report}"
