"""Faults that were found in native code, each as small as it could be made."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.native.code.functions import EMITTERS
from chainrule.native.code.segment import local_offsets
from chainrule.native.plan import stages
from chainrule.native.plan.planning import plan
from chainrule.native.plan.stages import Stage
from chainrule.native.run.pace import Pace
from chainrule.native.target import host
from chainrule.tracing.captured import capture

rng = np.random.default_rng(0)


def test_zeros_are_there_before_a_part_whose_rows_are_those_of_other_zeros():
    """The part of Y has 100 elements, as X has rows: it was written before Y's zeros were."""
    X, Y = rng.normal(size=(100, 9)), rng.normal(size=(50, 100))

    def f(X, Y):
        return np.sum(X[:, 2:5] ** 2) + np.sum(Y[3] ** 2)

    gradient = cr.grad(f, wrt=(0, 1))
    for found, expected in zip(cr.compile(gradient)(X, Y), gradient(X, Y), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_zero_and_minus_zero_are_two_constants():
    x = np.array([1.0, -2.0, 0.0])

    def f(x):
        return np.copysign(x, 0.0), np.copysign(x, -0.0), x * 0.0, x * -0.0

    for found, expected in zip(cr.compile(f)(x), f(x), strict=True):
        np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


@pytest.mark.parametrize(("m", "n", "k"), [(4, 2000, 1000), (100, 3, 400_000)])
def test_a_transposed_operand_that_is_larger_than_the_stack(m, n, k):
    left, right = rng.normal(size=(m, k)), rng.normal(size=(n, k))

    def f(left, right):
        return np.tanh(left) @ right.T

    # up to 400,000 terms of size 1, added in another order
    np.testing.assert_allclose(cr.compile(f)(left, right), f(left, right), rtol=0, atol=1e-9)


def test_a_thread_has_room_for_the_last_vector_of_a_short_block(monkeypatch):
    """It is moved back, and looked at what lies before the thread's memory."""
    monkeypatch.setattr(stages, "SMALL", 0.0)
    monkeypatch.setattr(stages, "BLOCK_BYTES", 64)
    x, M = rng.normal(size=67), rng.normal(size=(67, 7))

    def f(x, M):
        y = np.exp(x)
        return np.sum(y * np.sin(M).sum(axis=1))

    graph = capture(f, x, M).graph
    made = plan(graph.inputs, graph.outputs, EMITTERS.keys())
    shared = next(stage for stage in made.stages if isinstance(stage, Stage) and stage.local)
    lanes = host().lanes("float64")
    assert shared.rows % shared.block < lanes
    assert min(local_offsets(shared).values()) >= (lanes - 1) * 8


def test_first_calls_at_the_same_time_try_the_same_number_of_threads():
    cr.set_threads(2)
    try:
        pace = Pace(estimate=1.0)
        chosen = [pace.choose() for _ in range(4)]
        for threads in chosen:
            pace.note(threads, 0.5)
        assert pace.choose() == 1, "which nobody has tried yet"
        assert pace.trial(1) is not None
        pace.note(1, 0.1)
        assert pace.choose() == 1
    finally:
        cr.set_threads(None)
