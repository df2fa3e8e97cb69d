"""What is put side by side, picked and scattered natively."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.native.code.functions import EMITTERS
from chainrule.native.plan.assemblies import are_apart
from chainrule.native.plan.planning import plan
from chainrule.native.plan.stages import External
from chainrule.primitives.selections import Range
from chainrule.tracing.captured import capture

RANGES = st.builds(
    Range, st.integers(0, 12), st.sampled_from([-3, -2, -1, 1, 2, 3]), st.integers(0, 5)
)


@given(RANGES, RANGES)
def test_parts_that_are_apart(one, other):
    """Never said of parts that share an element; said of all that do not, for unit steps."""
    first, second = (
        {part.start + part.step * k for k in range(part.length)} for part in (one, other)
    )
    if are_apart((one,), (other,)):
        assert not first & second
    elif abs(one.step) == abs(other.step) == 1:
        assert first & second


def native(f, *args):
    """Whether no part of a function is left to NumPy."""
    program = capture(f, *args)._program
    made = plan(program.inputs, program.outputs, EMITTERS.keys())
    return not any(isinstance(stage, External) for stage in made.stages)


def check(f, *args):
    np.testing.assert_allclose(cr.compile(f)(*args), f(*args), rtol=1e-13, atol=1e-13)


X = np.random.default_rng(0).normal(size=(37, 8))


@pytest.mark.parametrize(
    "f",
    [
        lambda X: np.concatenate([np.sin(X), X * 2, X[:, :3]], axis=1) * 3,
        lambda X: np.concatenate([X, X.sum(axis=0, keepdims=True), np.exp(X[::-1])]),
        lambda X: np.stack([X[:, 0] * 2, X[:, 1] + X[:, 3], np.cos(X[:, 2])], axis=1),
        lambda X: np.hstack([X @ X.T, X]),
        lambda X: np.tanh(np.concatenate([X[:, :4], X[:, 4:] ** 2], axis=1)).sum(),
        cr.grad(lambda X: np.sum(np.sin(X[:, :3]) * X[:, 3:6]) + np.sum(X[::2] ** 3)),
        cr.grad(lambda X: np.sum(np.exp(X[:, 1:] - X[:, :-1]))),
        cr.grad(lambda X: np.sum(X[5:20:3, ::-1] ** 2 * np.arange(8.0))),
        cr.grad(lambda X: np.sum(np.concatenate([X, X]) ** 2)),
        cr.grad(lambda X: X[3, 2] * X[4, 5]),
    ],
)
def test_side_by_side(f):
    check(f, X)
    assert native(f, X)


def test_large_assemblies_are_shared_among_threads():
    rng = np.random.default_rng(1)
    big = rng.normal(size=(20_000, 12))
    f = cr.grad(
        lambda X: (
            np.sum(np.exp(np.sin(X[:, :4])) * np.cos(X[:, 4:8]) * np.tanh(X[:, 8:]))
            + np.sum(X[100:, :2] ** 3)
        )
    )
    expected = f(big)
    try:
        for threads in (1, 2, 4):
            cr.set_threads(threads)
            # the same functions, within some units in the last place of numbers up to ten
            np.testing.assert_allclose(cr.compile(f)(big), expected, rtol=1e-12, atol=1e-14)
    finally:
        cr.set_threads(None)


@settings(max_examples=30, deadline=None)
@given(
    rows=st.integers(1, 20),
    width=st.sampled_from([(), (1,), (3,), (9,), (16,), (17,), (2, 5)]),
    count=st.integers(1, 300),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 100),
)
def test_picking_and_adding_up(rows, width, count, dtype, seed):
    rng = np.random.default_rng(seed)
    array = rng.normal(size=(rows, *width)).astype(dtype)
    index = rng.integers(-rows, rows, count)
    weights = rng.normal(size=(count, *width)).astype(dtype)

    def f(a, i, w):
        return np.sum(a[i] * w)

    assert native(cr.grad(f), array, index, weights)
    expected = np.zeros_like(array, float)
    np.add.at(expected, index, weights.astype(float))
    found = cr.compile(cr.grad(f))(array, index, weights)
    # up to 300 summands of size one, added in their own precision
    np.testing.assert_allclose(found, expected, rtol=0, atol=300 * 4 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(cr.compile(lambda a, i: a[i] + 0.0)(array, index), array[index])


def test_other_axes():
    rng = np.random.default_rng(2)
    array, index = rng.normal(size=(3, 7, 4)), np.array([6, 0, 0, -1, 3])
    check(lambda a, i: np.take(a, i, axis=1) * 2, array, index)
    check(lambda a, i: np.take(a, i % 4, axis=2) * 2, array, index)
    check(cr.grad(lambda a, i: np.sum(np.take(a, i, axis=1) ** 2)), array, index)


@pytest.mark.parametrize("wrong", [[0, 5], [-6, 0], [2**62, 0]])
def test_positions_outside_raise_as_in_numpy(wrong):
    f = cr.compile(lambda a, i: np.sum(a[i] * 2))
    array = np.arange(5.0)
    assert f(array, np.array([0, 4])) == 8
    with pytest.raises(IndexError, match="out of bounds"):
        f(array, np.array(wrong))
    assert f(array, np.array([0, 4])) == 8  # and nothing is left of it
