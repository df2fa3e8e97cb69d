"""``structure`` never claims more than is true, and a forecast is what then happens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

import chainrule as cr
from tests.jacobians.generated import Generated, functions, point, weights
from tests.jacobians.references import assert_same, assert_true, columns, swapped

SECOND = 1e-10  # as in test_generated_functions: a second derivative has two factors more


@pytest.mark.parametrize("order", ["auto", "forward", "reverse", "mixed"])
@given(case=functions())
def test_of_a_jacobian(case: Generated, order: str):
    J = cr.jacobian(case.function, order=order)(case.x)
    assert_true(J.structure, columns(case.function, case.x), J.output_shape, J.input_shape)


@given(functions(3))
def test_of_what_is_made_of_jacobians(case: Generated):
    J = cr.jacobian(case.function)(case.x)
    dense = columns(case.function, case.x)
    across = swapped(dense, len(J.output_shape))
    out, into = J.output_shape, J.input_shape
    assert_true(J.T.structure, across, into, out)
    gram = J.T @ J
    assert_true(gram.structure, np.tensordot(across, dense, len(out)), into, into)
    assert_true((J + J).structure, 2 * dense, out, into)
    assert_true((3.5 * J).structure, 3.5 * dense, out, into)
    if out:
        assert_true(J[::2].structure, dense[::2], J[::2].output_shape, into)


@given(functions(3))
def test_of_a_hessian(case: Generated):
    f = case.scalar()
    H = cr.hessian(f)(case.x)
    dense = columns(cr.grad(f), case.x)
    assert_true(H.structure, H.toarray(), H.output_shape, H.input_shape)
    assert_same(H.toarray(), dense, H.structure, SECOND)


@given(functions(4))
def test_the_words_do_not_depend_on_the_point_or_on_computing(case: Generated):
    J = cr.jacobian(case.function)(case.x)
    before = J.structure, J.nbytes, J.dense_nbytes, repr(J)
    J.toarray()
    J.tosparse()
    assert before == (J.structure, J.nbytes, J.dense_nbytes, repr(J))


@given(functions(4))
def test_the_forecast_of_bytes_is_what_is_held(case: Generated):
    """Exactly: each coefficient and table once; repeated entries (strides of 0) take no memory."""
    J = cr.jacobian(case.function)(case.x)
    forecast = J.nbytes
    J.tosparse()
    held = list(J._values.values())
    assert sum(array.size * array.itemsize for array in held) == forecast
    assert sum(array.nbytes for array in held if 0 not in array.strides) <= forecast


@given(functions(4))
def test_a_plan_forecasts_and_repeats(case: Generated):
    """Bytes within the 10 % that the project promises, here exactly, and right at new points."""
    f = cr.jacobian(case.function)
    J = f(case.x)
    plan = f.plan(case.x)
    assert (plan.structure, plan.dense_nbytes) == (J.structure, J.dense_nbytes)
    assert abs(plan.nbytes - J.nbytes) <= 0.1 * J.nbytes
    elsewhere = point(case.x.shape, seed=11)
    for x in (case.x, elsewhere):
        again = plan(x)
        assert again.structure == plan.structure
        assert abs(again.nbytes - plan.nbytes) <= 0.1 * plan.nbytes
        assert_same(again.toarray(), columns(case.function, x), repr(plan))
        v = weights(x.shape)
        assert_same(again @ v, cr.jvp(case.function, (x,), (v,))[1], "J @ v")


@given(functions(3))
def test_indexing_is_indexing_of_the_array(case: Generated):
    J = cr.jacobian(case.function)(case.x)
    dense = columns(case.function, case.x)
    keys = [(), (...,), slice(None)] if dense.ndim else [()]
    for axis, size in enumerate(dense.shape):
        before = (slice(None),) * axis
        keys += [(*before, slice(None, None, -1)), (*before, slice(1, None, 2))]
        keys += [(*before, 0), (..., *(before[:0]), -1)] if size and dense.shape[-1] else []
    for key in keys:
        assert_same(J[key].toarray(), dense[key], f"J[{key}]")
