"""A repeated call finds what was decided in the first; and deciding is never the larger part."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.differentiate import entries, plans
from chainrule.tracing import lanes
from tests.jacobians.references import Array, assert_same, columns
from tests.laws.problems import NAMES, SMOOTH

x1, x2 = np.array([0.4, -1.1, 0.7]), np.array([-0.3, 0.8, 1.2])


@pytest.fixture
def counted(monkeypatch):
    """How often a structure is looked for, from when nothing is known from earlier calls."""
    calls = []
    decide = plans.accumulated
    monkeypatch.setattr(plans, "accumulated", lambda *given: calls.append(1) or decide(*given))
    monkeypatch.setattr(lanes, "_waiting", [])
    return calls


@pytest.mark.parametrize("name", NAMES)
def test_a_second_call_decides_nothing(name, counted):
    J = cr.jacobian(SMOOTH[name])
    for x in (x1, x2, x1):
        assert_same(J(x).toarray(), columns(SMOOTH[name], x))
    assert len(counted) == 1


@pytest.mark.parametrize("name", NAMES)
def test_jacobians_at_two_points_stay_apart(name):
    f = SMOOTH[name]
    J1, J2 = cr.jacobian(f)(x1), cr.jacobian(f)(x2)
    first, second = columns(f, x1), columns(f, x2)
    rank = len(J1.output_shape)
    v, u = np.array([1.0, -2.0, 0.5]), np.ones(J1.output_shape)
    assert_same(J1 @ v, first @ v)
    assert_same(u @ J2, np.tensordot(u, second, rank))
    assert_same((J1 + J2).toarray(), first + second)
    assert_same((J2 - J1).toarray(), second - first)
    assert_same(J2.toarray(), second)
    assert_same(J1.T.toarray(), np.moveaxis(first, -1, 0))
    assert_same(J1[..., 1:].toarray(), first[..., 1:])
    gram = J1.T @ J2
    assert_same(gram.toarray(), np.tensordot(first, second, (range(rank), range(rank))))
    assert_same((2 * J2).tosparse().toarray(), 2 * second.reshape(-1, 3))


@pytest.mark.parametrize("name", NAMES)
def test_hessians_at_two_points_stay_apart(name, counted):
    f = lambda x: np.sum(SMOOTH[name](x) ** 2)  # noqa: E731
    H1, H2 = cr.hessian(f)(x1), cr.hessian(f)(x2)
    second = 1e-9  # one factor more than in a first derivative, each of size 1 to 100
    assert_same(H1.toarray(), columns(cr.grad(f), x1), tolerance=second)
    assert_same(H2.diagonal(), np.diag(columns(cr.grad(f), x2)), tolerance=second)
    assert len(counted) == 1


def test_another_way_through_the_code_is_another_function(counted):
    J = cr.jacobian(lambda x: x**2 if x[0] > 0 else np.sin(x).sum())
    for _ in range(2):
        assert_same(J(x1).toarray(), np.diag(2 * x1))
        assert_same(J(x2).toarray(), np.cos(x2))
    assert len(counted) == 2


def test_data_that_change_are_read_again(counted):
    A = np.arange(6.0).reshape(2, 3)
    J = cr.jacobian(lambda x: A @ np.sin(x))
    before = J(x1)
    A *= 2
    assert_same(J(x1).toarray(), A * np.cos(x1))
    assert_same(before.toarray(), A / 2 * np.cos(x1))
    assert len(counted) == 1


def test_a_point_that_is_not_finite_has_a_way_of_its_own(counted):
    J = cr.jacobian(lambda x: np.where(np.array([True, False, True]), x * np.exp(x), 0))
    expected = np.diag((1 + x1) * np.exp(x1) * [1, 0, 1])
    assert_same(J(x1).toarray(), expected)
    with np.errstate(all="ignore"):
        found = J(np.where([True, False, True], x1, np.nan)).toarray()
    assert_same(found, expected)
    assert len(counted) == 2


# -- what deciding may take -----------------------------------------------------------------------


def simulated(p: Array, steps: int) -> Array:
    """Runge and Kutta's method on the equations of Lotka and Volterra."""

    def slope(y: Array) -> Array:
        return np.stack([p[0] * y[0] - p[1] * y[0] * y[1], p[2] * y[0] * y[1] - p[3] * y[1]])

    y, h, found = np.array([1.0, 0.5]), 0.05, []
    for _ in range(steps):
        k1 = slope(y)
        k2 = slope(y + h / 2 * k1)
        k3 = slope(y + h / 2 * k2)
        k4 = slope(y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        found.append(y)
    return np.stack(found)


@pytest.mark.parametrize("what", ["accumulate", "detected"])
def test_structure_is_not_looked_for_where_that_takes_longer_than_it_can_save(what, monkeypatch):
    def refuse(*_):
        raise AssertionError(f"{what} was called")

    monkeypatch.setattr(entries, what, refuse)
    p = np.array([1.0, 0.5, 0.7, 0.3])
    f = lambda p: simulated(p, 20)  # noqa: E731
    assert_same(cr.jacobian(f)(p).toarray(), columns(f, p))


def test_it_is_looked_for_where_it_saves_more(monkeypatch):
    """The same number of steps, on many numbers."""

    def f(x):
        for _ in range(150):
            x = x + 0.01 * np.sin(x)
        return x

    assert cr.jacobian(f)(np.ones(2000)).structure == "diagonal"
    assert cr.jacobian(f)(np.ones(3)).structure == "dense"
    assert cr.jacobian(f).plan(np.ones(3)).structure == "diagonal"  # a plan is for many points
