"""``jacobian(f).plan(x)``: what it will be and take, before any work; and the three orders."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ArgumentError, ShapeError
from tests.jacobians.generated import point
from tests.jacobians.references import assert_same, columns

x = point((6,))
W = point((3, 6))


def layered(x):
    return np.tanh(W @ np.sin(x)) ** 2


def test_it_names_structure_bytes_and_orders():
    plan = cr.jacobian(lambda x: np.diff(x) ** 2).plan(np.zeros(1000))
    assert plan.structure == "banded, at most 2 of 1,000 per row"
    assert (plan.output_shape, plan.input_shape) == ((999,), (1000,))
    assert (plan.nbytes, plan.dense_nbytes) == (8 * 999, 8 * 999 * 1000)
    text = str(plan)
    for part in (plan.structure, "7,992 bytes", "7,992,000 bytes", "forward", "reverse", "mixed"):
        assert part in text
    assert text.count("chosen") == 1


def test_the_chosen_order_takes_the_fewest_operations():
    wide, tall = point((3, 40)), point((40, 3))
    for f, at in ((lambda x: np.tanh(wide @ np.tanh(tall @ x)), point((3,))),
                  (lambda x: np.tanh(tall @ np.tanh(wide @ x)), point((40,)))):  # fmt: skip
        plan = cr.jacobian(f).plan(at)
        assert {order for order, _ in plan.orders} == {"forward", "reverse", "mixed"}
        assert plan.operations == min(count for _, count in plan.orders) > 0
        assert plan.order == plan.orders[0][0]
        one = {o: cr.jacobian(f, order=o).plan(at) for o in ("forward", "reverse", "mixed")}
        assert dict(plan.orders) == {o: p.operations for o, p in one.items()}
        assert all(p.order == o for o, p in one.items())


def test_forward_is_cheaper_for_few_inputs_and_reverse_for_few_outputs():
    chain = [point((20, 20), k) for k in range(3)]

    def deep(x):
        for A in chain:
            x = np.tanh(A @ x)
        return x

    few_in = cr.jacobian(lambda t: deep(np.outer(point((20,)), t).sum(1))).plan(point((2,)))
    few_out = cr.jacobian(lambda x: point((2, 20)) @ deep(x)).plan(point((20,)))
    cost_in, cost_out = dict(few_in.orders), dict(few_out.orders)
    assert cost_in["forward"] < cost_in["reverse"]
    assert cost_out["reverse"] < cost_out["forward"]
    assert few_in.operations <= cost_in["forward"]
    assert few_out.operations <= cost_out["reverse"]


def test_it_is_a_function_of_new_points():
    plan = cr.jacobian(layered).plan(x)
    for seed in range(3):
        there = point((6,), seed)
        assert_same(plan(there).toarray(), columns(layered, there))
        assert_same(plan(there).T.toarray(), columns(layered, there).T)


def test_it_does_not_run_the_function_again():
    calls = []

    def counted(x):
        calls.append(1)
        return np.sin(x)

    plan = cr.jacobian(counted).plan(x)
    before = len(calls)
    plan(x).toarray()
    plan(2 * x).toarray()
    assert len(calls) == before


def test_hessians_and_containers_have_plans():
    plan = cr.hessian(lambda x: (x**4).sum()).plan(x)
    assert plan.structure == "diagonal"
    assert_same(plan(x).toarray(), np.diag(12 * x**2))
    plans = cr.jacobian(lambda x: {"a": np.sin(x), "b": x.sum()}).plan(x)
    assert plans["a"].structure == "diagonal"
    assert plans["b"].structure == "constant 1"


def test_a_branch_on_values_is_refused():
    def branching(x):
        return np.sin(x) if x[0] > 0 else np.cos(x)

    assert cr.jacobian(branching)(x).structure == "diagonal"
    with pytest.raises(ArgumentError, match=r"depend on values.*np\.where") as error:
        cr.jacobian(branching).plan(x)
    assert str(error.value).startswith("jacobian: ")
    with pytest.raises(ArgumentError, match=r"^hessian: "):
        cr.hessian(lambda x: branching(x).sum()).plan(x)


@pytest.mark.parametrize("wrong", [np.zeros(5), np.zeros((6, 1)), 1.0, np.zeros(6, np.float32)])
def test_another_shape_or_dtype_is_refused(wrong):
    plan = cr.jacobian(layered).plan(x)
    with pytest.raises(ShapeError, match=r"^plan: .*got .* for float64\[6\]"):
        plan(wrong)


def test_an_unknown_order_is_refused():
    with pytest.raises(ArgumentError, match=r"^jacobian: the order must be .*got 'sideways'"):
        cr.jacobian(layered, order="sideways")
