"""Calls that meet the nodes and programs of earlier calls give what they would give alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import MissingRuleError
from chainrule.graph import node as nodes
from chainrule.tracing import lanes
from tests.laws.problems import NAMES, SMOOTH, problems, scalar
from tests.laws.reuse import alone, same

X = np.array([0.4, -1.1, 0.7])


@pytest.fixture
def empty(monkeypatch):
    """No lanes of earlier calls."""
    monkeypatch.setattr(lanes, "_waiting", [])


# -- that anything is used again at all ---------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_second_call_makes_no_new_nodes(name, empty):
    gradient = cr.grad(scalar(SMOOTH[name]))
    gradient(X)
    (lane,) = lanes._waiting
    size = lane.size
    made = max(node.serial for node in list(nodes._nodes.values()))
    gradient(2 * X)
    assert lanes._waiting == [lane]
    assert lane.size == size
    new = [node for node in list(nodes._nodes.values()) if node.serial > made and node.inputs]
    assert not [node for node in new if node.lasting and not _is_constant(node)]


def _is_constant(node):
    return node.witness is None


@given(st.lists(problems(), min_size=2, max_size=4))
def test_calls_in_any_order(several):
    gradients = [(cr.grad(scalar(problem.function)), problem.x) for problem in several]
    expected = [alone(gradient, x) for gradient, x in gradients]
    for _ in range(2):
        for (gradient, x), value in zip(gradients, expected, strict=True):
            np.testing.assert_array_equal(gradient(x), value)
            np.testing.assert_array_equal(gradient(x * 1.5), alone(gradient, x * 1.5))


@given(problems())
def test_forward_and_second_order(problem):
    f, x, v, _ = problem
    g = scalar(f)
    same(lambda x: cr.jvp(g, (x,), (v,))[1], x)
    same(lambda x: cr.hvp(g, x, v), x)
    same(lambda x: cr.grad(lambda x: (cr.grad(g)(x) * v).sum())(x), x)
    same(lambda x: cr.value_and_grad(g)(x)[1], x)


# -- what differs from call to call -------------------------------------------------------------


def test_a_captured_array_refilled_between_calls():
    for size in (3, 500):  # below and above the size up to which constants are known by contents
        data = np.ones(size)
        gradient = cr.grad(lambda x, data=data: (x * data).sum() + (x[0] * data**2).sum())
        x = np.linspace(0.0, 1.0, size)
        for k in range(4):
            data[:] = k
            expected = data + (np.arange(size) == 0) * size * k**2
            np.testing.assert_array_equal(gradient(x), expected)


def test_a_captured_array_refilled_while_the_function_runs():
    data = np.ones(200)

    def f(x):
        total = 0.0
        for k in range(3):
            data[:] = k
            total = total + (x * data).sum()
        return total

    for _ in range(3):
        np.testing.assert_array_equal(cr.grad(f)(np.ones(200)), np.full(200, 3.0))


@pytest.mark.parametrize("dtype", [np.int64, bool, np.float32])
def test_captured_arrays_of_other_kinds(dtype):
    data = np.zeros(300, dtype)
    gradient = cr.grad(lambda x: (np.where(data > 0, x, 2 * x) * data).sum())
    for k in range(4):
        data[:] = k % 2
        same(gradient, np.ones(300))


scale = 1.0


def test_a_global_that_changes():
    global scale
    gradient = cr.grad(lambda x: (scale * x**2).sum())
    for scale in (1.0, 2.0, 1.0, -0.0, 0.0, np.float32(3), 2, True):
        np.testing.assert_array_equal(gradient(X), 2 * float(scale) * X)
    scale = 1.0


def test_numbers_that_are_equal_and_not_the_same():
    def slope(number, x):
        return cr.grad(lambda x: np.arctan2(x * 0.0, number) * x)(x)

    for _ in range(2):
        assert slope(0.0, 1.0) == 0.0
        assert slope(-0.0, 1.0) == np.pi
    for number in (1, True, 1.0, np.float32(1), np.float64(1)):
        for x in (np.float32(0.3), np.full(2, 0.3, np.float32)):
            found = cr.grad(lambda x: (x * number).sum())(x)  # noqa: B023
            assert np.asarray(found).dtype == np.float32
            value = cr.value_and_grad(lambda x: (x * number).sum())(x)[0]  # noqa: B023
            assert value.dtype == np.sum(x * number).dtype


def test_precisions_and_shapes_by_turns():
    gradient = cr.grad(lambda x: (np.sin(x) * x).sum())
    for _ in range(2):
        for x in (
            X,
            X.astype(np.float32),
            X[:2],
            X[:, None],
            0.3,
            np.float32(0.3),
            X.astype(">f8"),
        ):
            same(gradient, x)


def test_arrays_in_the_other_order_of_bytes():
    same(cr.grad(lambda x: (x * X.astype(">f8")).sum()), X)
    same(cr.grad(lambda x: (np.sin(x) * x).sum()), X.astype(">f8"))


def test_branches_by_turns():
    def f(x):
        if x.sum() > 0:
            return (x**3).sum()
        y = x
        while (y**2).sum() < 10:
            y = y * 2
        return y.sum()

    for x in (X, -X, 2 * X, -3 * X, X, -X):
        same(cr.grad(f), x)


def test_counts_that_the_code_asks_for():
    def f(x, n):
        total = 0.0
        for k in range(int(n * 1.0 + x[0] * 0)):
            total = total + x[k] * (k + 1)
        return total

    for n in (1, 3, 2, 3):
        np.testing.assert_array_equal(cr.grad(f)(X, n), np.arange(1, 4) * (np.arange(3) < n))


def test_indices_that_are_equal_and_not_the_same():
    for index in (1, slice(1, 2), slice(0, None, 2), (1,), [1], None, (..., 1)):
        same(cr.grad(lambda x: (x[index] * np.array([2.0])).sum()), X)  # noqa: B023
    for index, error in ((True, MissingRuleError), (np.True_, MissingRuleError), (1.0, IndexError)):
        with pytest.raises(error):
            cr.grad(lambda x: (x[index] * np.array([2.0])).sum())(X)  # noqa: B023


def test_masks_and_positions_that_depend_on_values():
    for x in (X, -X, X[::-1].copy(), X):
        same(cr.grad(lambda x: (x[x > 0] ** 2).sum() + x[np.argmax(x)] ** 3), x)
        same(cr.grad(lambda x: (x[np.where(x > 0)] ** 2).sum()), x)


def test_infinite_values_after_finite_ones():
    """Whether a zero must win over an infinity is part of the program."""
    gradient = cr.grad(lambda x: np.where(x > 0, np.log(x) * np.sqrt(x), 0.0).sum())
    product = cr.grad(
        lambda x, a: (x * a * 0.0).sum() + np.where(x < 1, x * a, x).sum(), wrt=(0, 1)
    )
    for x in (X, np.array([0.0, 1.0, np.inf]), X, np.array([np.nan, -np.inf, 2.0])):
        same(gradient, x)
        for found, expected in zip(product(x, X), alone(product, x, X), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_a_captured_array_that_becomes_infinite():
    data = np.ones(3)
    gradient = cr.grad(lambda x: (np.sqrt(x) * data).sum())
    for value in (1.0, np.inf, np.nan, 1.0):
        data[0] = value
        same(gradient, np.array([0.0, 1.0, 4.0]))


def test_results_belong_to_the_caller():
    gradient = cr.value_and_grad(lambda x: (x.sum(), (x * X).sum())[1] + 2 * x.sum())
    for _ in range(3):
        found = gradient(X)[1]
        np.testing.assert_array_equal(found, X + 2)
        found[:] = 7.0
    ones = cr.grad(lambda x: x.sum())
    for _ in range(2):
        found = ones(np.ones(3))
        found += 1
        np.testing.assert_array_equal(found, np.full(3, 2.0))


def test_an_argument_changed_after_the_call_and_within():
    x = X.copy()

    def f(z):
        y = z * 1.0
        x[:] = 5.0
        return (y * z).sum()

    for _ in range(3):
        x[:] = X
        np.testing.assert_array_equal(cr.grad(f)(x), 2 * X)
