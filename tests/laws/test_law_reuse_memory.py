"""What is kept for later calls is bounded, and large arrays are never among it."""

import gc
import weakref

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph import node as nodes
from chainrule.tracing import lanes
from chainrule.tracing.session import current

X = np.array([0.4, -1.1, 0.7])


@pytest.fixture
def empty(monkeypatch):
    """No lanes of earlier calls."""
    monkeypatch.setattr(lanes, "_waiting", [])


def test_numbers_that_change_do_not_pile_up(empty, monkeypatch):
    monkeypatch.setattr(lanes, "MOST_NODES", 500)
    gc.collect()
    before = len(nodes._nodes)
    for k in range(400):
        gradient = cr.grad(lambda x: (np.exp(x * (1.5 / (k + 1))) ** 2.5).sum())(X)  # noqa: B023
        np.testing.assert_allclose(  # some roundings of an exponential and a power
            gradient, 2.5 * 1.5 / (k + 1) * np.exp(X * (1.5 / (k + 1))) ** 2.5, rtol=1e-14
        )
    assert len(nodes._nodes) - before < 2 * 500
    assert len(lanes._waiting) <= 1


def test_shapes_that_change_do_not_pile_up(empty, monkeypatch):
    monkeypatch.setattr(lanes, "MOST_NODES", 500)
    for n in range(1, 300):
        np.testing.assert_array_equal(cr.grad(lambda x: (x**2).sum())(np.ones(n)), np.full(n, 2.0))
    assert all(lane.size <= 500 for lane in lanes._waiting)


def test_many_inner_calls_in_one_do_not_pile_up(monkeypatch):
    monkeypatch.setattr(lanes, "MOST_NODES", 200)

    def f(x):
        total = x.sum()
        for k in range(100):
            total = total + (cr.grad(lambda y: (y**2).sum())(np.ones(3) * k) * x).sum()
        return total

    np.testing.assert_array_equal(cr.grad(f)(X), np.full(3, 1.0 + 2 * sum(range(100))))
    np.testing.assert_array_equal(cr.grad(f)(2 * X), np.full(3, 1.0 + 2 * sum(range(100))))


def _holds_much(node):
    return node.value is not None and node.size >= 2000


@pytest.mark.parametrize("dtype", [float, int, bool])
def test_large_arrays_are_let_go(dtype, empty):
    held = []

    def f(x):
        y = np.sin(x)
        held.extend([weakref.ref(y.node)])
        return (np.where(np.zeros(2000, dtype) + np.ones(2000, dtype) > 0, y, x) * x).sum()

    gradient = cr.grad(lambda x: f(x) + (x * np.ones(2000, dtype)).sum())
    for _ in range(2):
        gradient(np.ones(2000))
    gc.collect()
    alive = list(nodes._nodes.values())
    assert not [node for node in alive if node.lasting and _holds_much(node)]
    (lane,) = lanes._waiting
    programs = [ready.program for ready in lane.programs.values()]
    assert all(array.size < 2000 for made in programs for array in made.constants.values())
    kept = [*lane.operations.values(), *lane.inputs.values()]
    assert not any(_holds_much(node) for node in kept)


def test_inner_arguments_are_not_held_beyond_a_bound(monkeypatch):
    monkeypatch.setattr("chainrule.tracing.session.MOST_BYTES", 10_000)
    alive = []

    def f(x):
        total = x.sum()
        for _ in range(20):
            total = total + cr.grad(lambda y: (y**2).sum())(np.ones(200)).sum()
            session = current()
            alive.append(sum(array.nbytes for array in session.held.values()))
        return total

    cr.grad(f)(X)
    assert max(alive) <= 10_000 + 200 * 8


@pytest.mark.parametrize("steps", [10, 100])
def test_a_jacobian_computed_after_its_call_is_found_by_the_next(steps, empty, monkeypatch):
    """However much more its program holds than what the call itself has recorded."""
    monkeypatch.setattr(lanes, "USUAL_NODES", 10)

    def states(p):
        y, found = np.stack([p[0], p[1]]), []
        for _ in range(steps):
            y = y + 0.1 * np.stack([y[1] * p[0], np.sin(y[0]) * p[1]])
            found.append(y)
        return np.concatenate(found)

    jacobian = cr.jacobian(states)
    jacobian(np.ones(2)).toarray()
    (lane,) = lanes._waiting
    size = lane.size
    for k in range(3):
        jacobian(np.full(2, 1.0 + k)).toarray()
        assert lanes._waiting == [lane]
        assert lane.size == size
