"""Stages: which steps share rows, and that blocks of them give the same as the whole.

Everything is made to be shared, however small, so that every kind of step meets every kind of
block.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.native.code.functions import EMITTERS
from chainrule.native.plan import stages
from chainrule.native.plan.planning import plan
from chainrule.native.plan.stages import Stage
from chainrule.native.run import program
from chainrule.tracing.captured import capture

ROWS = 67


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(stages, "SMALL", 0.0)
    monkeypatch.setattr(stages, "BLOCK_BYTES", 64)
    monkeypatch.setattr(stages, "PRODUCT_ROWS", (16, 16))
    monkeypatch.setattr(program, "WAKING", 0.0)
    yield
    cr.set_threads(None)


def matrix(columns: int, seed: int = 0, rows: int = ROWS) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, columns))


X, Y, W, V = matrix(9), matrix(4, 1), matrix(9, 2, 5), matrix(5, 3, 4)


def network(W, V):
    f1 = np.tanh(X @ W.T)
    return np.sum(np.log1p(np.exp(f1 @ V.T - Y)) ** 2)


CASES = {
    "elementwise": (lambda X: np.exp(X) * 2 - X, (X,)),
    "a sum": (lambda X: np.sum(np.sin(X)), (X,)),
    "sums over rows": (lambda X: np.sum(np.sin(X), axis=0), (X,)),
    "sums along rows, used in them": (lambda X: np.exp(X) / np.exp(X).sum(axis=1)[:, None], (X,)),
    "maxima over rows and along them": (
        lambda X: X.max(axis=0) - (X - X.max(axis=1)[:, None]).min(axis=0), (X,),
    ),
    "softmax": (lambda X: cr.log_softmax(X, axis=1) * cr.softmax(X, axis=1), (X,)),
    "mean and deviation": (lambda X: (X - X.mean(axis=0)) / X.std(axis=0), (X,)),
    "rows of other rows": (lambda X: np.exp(X)[::-1] + np.exp(X), (X,)),
    "neighbours": (lambda X: np.sin(X)[1:] - np.sin(X)[:-1], (X,)),
    "transposed": (lambda X: np.exp(X).T * 2, (X,)),
    "a product": (lambda X, W: np.tanh(X @ W.T), (X, W)),
    "its sum over rows": (lambda X, W: np.tanh(X @ W.T).sum(axis=0), (X, W)),
    "products in a row": (lambda X, W, V: np.tanh(X @ W.T) @ V.T, (X, W, V)),
    "a product of rows": (lambda X, Y: np.sin(X).T @ np.cos(Y), (X, Y)),
    "the gradient of a network": (cr.value_and_grad(network, wrt=(0, 1)), (W, V)),
    "a vector": (lambda x: np.cumsum(np.ones(3)).sum() * np.tanh(x) / np.sum(x * x), (X.ravel(),)),
    "side by side": (lambda X, Y: np.concatenate([np.sin(X), Y * 2], axis=1) + 1, (X, Y)),
    "one above the other": (lambda X: np.concatenate([np.sin(X), X * 2]) + 1, (X,)),
    "among zeros": (cr.grad(lambda X: np.sum(X[3:40, 2:5] ** 3) + np.sum(X[:, 1] ** 2)), (X,)),
    "picked": (lambda X: np.sin(X)[np.arange(0, 60, 2)] * 2, (X,)),
    "added up": (cr.grad(lambda X: np.sum(X[np.arange(200) % 50] ** 2)), (X,)),
    "booleans": (lambda X: np.where((X > 0) & (X < 1), np.sqrt(np.abs(X)), X), (X,)),
}  # fmt: skip


def leaves(result):
    return [result] if isinstance(result, (np.ndarray, np.generic)) else [
        leaf for item in result for leaf in leaves(item)
    ]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_blocks_and_threads(name, dtype):
    f, args = CASES[name]
    args = [a.astype(dtype) for a in args]
    expected = leaves(f(*args))
    runs = []
    for threads in (1, 2, 3, 5):
        cr.set_threads(threads)
        runs.append(leaves(cr.compile(f)(*args)))
    for k, value in enumerate(expected):
        assert len({np.asarray(run[k]).tobytes() for run in runs}) == 1, "threads change bits"
        size = max(1.0, float(np.abs(value).max()))
        # sums of up to 603 terms of that size, some after one another
        tolerance = 2000 * np.finfo(dtype).eps * size
        np.testing.assert_allclose(runs[0][k], value, rtol=0, atol=tolerance)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(32, 200), columns=st.sampled_from([1, 2, 3, 7, 8, 9, 16, 17, 33]),
    threads=st.integers(1, 4), dtype=st.sampled_from(["float32", "float64"]),
)  # fmt: skip
def test_every_number_of_rows(rows, columns, threads, dtype):
    """The last block is shorter, and so is its last vector."""
    x = matrix(columns, rows, rows).astype(dtype)

    def f(x):
        e = np.exp(x)
        return e * 2, e.sum(axis=1), e.sum(axis=0), e.max(axis=0), np.sum(e * e)

    cr.set_threads(threads)
    for found, expected in zip(cr.compile(f)(x), f(x), strict=True):
        # up to 6,600 terms of one sign
        np.testing.assert_allclose(found, expected, rtol=500 * np.finfo(dtype).eps)


def staged(f, *args):
    graph = capture(f, *args).graph
    made = plan(graph.inputs, graph.outputs, EMITTERS.keys())
    return [stage for stage in made.stages if isinstance(stage, Stage)]


def test_a_forward_and_backward_pass_is_one_stage_and_the_gradients_are_others():
    made = staged(cr.grad(network, wrt=(0, 1)), W, V)
    shared = [stage for stage in made if stage.rows == ROWS]
    assert len(shared) == 1
    assert len(shared[0].local) >= 2, "what only the backward pass needs is never whole"


def test_what_needs_other_rows_waits():
    first, *rest = staged(lambda X: np.exp(X)[::-1] + np.exp(X), X)
    assert len(first.parts) == 1
    assert rest
    assert not first.local


def test_sums_over_rows_are_collected_block_by_block():
    first, *_ = staged(lambda X: np.exp(X).sum(axis=0), X)
    ((target, partial),) = first.partial.items()
    assert target.shape == (9,)
    assert partial.shape == (first.blocks, 9)
    assert first.blocks == 5
