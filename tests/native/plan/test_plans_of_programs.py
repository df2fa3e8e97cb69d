"""A plan computes what the interpreter computes, however its loops are fused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import chainrule as cr
from chainrule.native.plan.loops import Load, Loop
from chainrule.native.plan.planning import Plan, plan
from chainrule.native.plan.products import Product
from chainrule.native.plan.stages import External
from chainrule.primitives.elementwise import ROWS
from chainrule.tracing.captured import capture
from tests.jacobians.generated import Generated, functions, point
from tests.native.running import run_plan

# The loops compute the same products and sums as the interpreter; sums may be ordered otherwise,
# which costs some roundings of 1.1e-16 beside the largest summand.
TOLERANCE = 1e-13


def planned(f: Callable[..., Any], *args: Any) -> Plan:
    program = capture(f, *args)._program
    return plan(program.inputs, program.outputs, set(ROWS))


def assert_planned(f: Callable[..., Any], *args: np.ndarray) -> Plan:
    """The plan of a function of arrays, after a comparison with the interpreter."""
    program = capture(f, *args)._program
    made = plan(program.inputs, program.outputs, set(ROWS))
    for found, expected in zip(run_plan(made, list(args)), program(*args), strict=True):
        largest = max(1.0, float(np.abs(expected).max(initial=0)))
        np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * largest)
    return made


def loops(made: Plan) -> list[Loop]:
    return [step for step in made.steps if isinstance(step, Loop)]


def externals(made: Plan) -> list[str]:
    return [step.node.primitive.name for step in made.steps if isinstance(step, External)]


@given(functions())
def test_generated_functions(case: Generated):
    assert_planned(case.function, case.x)


@given(functions(4))
def test_gradients_of_generated_functions(case: Generated):
    assert_planned(cr.grad(case.scalar()), case.x)


def test_the_gradient_of_5_109_is_one_loop():
    """Forward and backward pass fused: x is read once, the gradient written once."""

    def f(x):
        u = x**2 + np.exp(x**2)
        return np.sum(np.sqrt(u) + np.cos(u))

    (only,) = assert_planned(cr.grad(f), point((1000,))).steps
    assert isinstance(only, Loop)
    assert only.shape == (1000,)
    assert sum(isinstance(item, Load) for item in only.body) == 1
    assert (len(only.stores), len(only.reductions)) == (1, 0)


def test_value_and_gradient_share_their_loop():
    made = assert_planned(cr.value_and_grad(lambda x: np.sum(np.exp(x) * x)), point((50,)))
    (only,) = loops(made)
    assert (len(only.stores), len(only.reductions)) == (1, 1)
    assert not externals(made)


def test_a_network_is_native_as_a_whole():
    def cost(A0, b0, A1, b1, X, Y):
        f1 = np.tanh(X @ A0.T + b0)
        f2 = cr.sigmoid(f1 @ A1.T + b1)
        return 0.5 * np.sum((f2 - Y) ** 2)

    shapes = ((16, 8), (16,), (4, 16), (4,), (32, 8), (32, 4))
    made = assert_planned(cr.grad(cost, wrt=(0, 1, 2, 3)), *(point(s) for s in shapes))
    assert not externals(made)
    assert len(loops(made)) == 3
    assert sum(isinstance(step, Product) for step in made.steps) == 5


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x - x.mean(),
        lambda x: (x - x.mean()) ** 2 / x.std(),
        lambda X: X / X.sum(axis=1, keepdims=True),
        lambda X: X.T * X.sum(axis=0)[:, None],
        lambda X: np.exp(X[::-1, 1:]) - X[:, :-1],
        lambda X: np.sum(X * X, axis=0) + X[0],
        lambda X: X @ np.arange(1.0, 1.0 + X.shape[1]),
        lambda X: np.arange(1.0, 1.0 + X.shape[0]) @ X,
        lambda X: np.outer(X[0], X[:, 0]),
        lambda X: np.where(X > 0, np.sqrt(X), 0).sum(),
        lambda X: X.reshape(-1)[::2].sum() * X.T,
        lambda X: np.trace(X) + np.diagonal(X),
        lambda X: (X.T.reshape(-1) * 2).reshape(X.shape),
        lambda X: np.cumsum(X, axis=0) * np.max(X),
        lambda X: X[:0].sum() + X,
        lambda X: np.broadcast_to(X[0], X.shape) * X.sum(),
    ],
)
def test_sums_views_and_broadcasts(f):
    assert_planned(f, point((5, 5)))
    assert_planned(cr.grad(lambda x: (np.sin(f(x)) ** 2).sum()), point((5, 5)))


def test_results_that_are_arguments_or_constants():
    assert_planned(lambda x: x, point((3,)))
    assert_planned(lambda x: (x[::-1], x.T, np.ones(2), x * 0 + 1), point((3,)))


def test_float32_stays_float32():
    made = planned(lambda x: np.exp(x).sum() * x, np.ones(7, np.float32))
    dtypes = {item.dtype for step in loops(made) for item in step.body}
    assert dtypes == {np.dtype(np.float32)}


def test_what_could_be_computed_early_is_computed_beside_its_use():
    """0.9 m needs nothing of the gradient, and yet no array holds it."""

    def step(m, x, y):
        return 0.9 * m + 0.1 * (x.T @ y)

    shapes = ((70, 60), (80, 70), (80, 60))
    made = assert_planned(step, *(point(shape) for shape in shapes))
    (only,) = loops(made)
    assert sum(isinstance(item, Load) for item in only.body) == 2
