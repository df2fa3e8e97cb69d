"""Costs equal their formulas, and stay exact where an output saturates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import chainrule as cr
from chainrule.errors import ArgumentError, ShapeError
from chainrule.train import binary_cross_entropy, cross_entropy, squared_cost
from chainrule.train.costs import choose_cost

moderate = hnp.arrays(np.float64, 4, elements=st.floats(-8, 8))
shares = hnp.arrays(np.float64, 4, elements=st.floats(0, 1))


@given(moderate, moderate)
def test_squared_cost_is_half_the_squared_distance(output, target):
    e = output - target
    cost, gradient = cr.value_and_grad(squared_cost)(output, target)
    assert cost == pytest.approx(0.5 * e @ e, rel=1e-14)
    np.testing.assert_allclose(gradient, e)


@given(moderate, shares)
def test_cross_entropy_of_a_softmax(z, y):
    p = np.exp(z) / np.exp(z).sum()
    cost, gradient = cr.value_and_grad(lambda z: cross_entropy(cr.softmax(z), y))(z)
    assert cost == pytest.approx(-(y * np.log(p)).sum(), rel=1e-12, abs=1e-15)
    np.testing.assert_allclose(gradient, y.sum() * p - y, rtol=1e-10, atol=1e-14)
    assert cross_entropy(p, y) == pytest.approx(cost, rel=1e-12, abs=1e-15)


@given(moderate, shares)
def test_binary_cross_entropy_of_sigmoids(z, y):
    p = 1 / (1 + np.exp(-z))
    cost, gradient = cr.value_and_grad(lambda z: binary_cross_entropy(cr.sigmoid(z), y))(z)
    assert cost == pytest.approx(-(y * np.log(p) + (1 - y) * np.log(1 - p)).sum(), rel=1e-10)
    np.testing.assert_allclose(gradient, p - y, rtol=1e-10, atol=1e-14)
    assert binary_cross_entropy(p, y) == pytest.approx(cost, rel=1e-10)


def test_cross_entropy_of_several_sigmoid_units_names_the_right_cost():
    with pytest.raises(ArgumentError, match=r"cross_entropy: .*; got 2 units; use cr\.binary"):
        cr.grad(lambda z: cross_entropy(cr.sigmoid(z), np.ones(2)))(np.zeros(2))


def test_cross_entropy_of_a_single_unit_is_binary_on_plain_arrays_too():
    assert cross_entropy(np.array([0.25]), np.array([0.0])) == pytest.approx(-np.log(0.75))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("right", "cost", "gradient"), [(0, 0, [0, 0, 0]), (1, 2000, [1, -1, 0])])
def test_a_saturated_softmax_loses_nothing(dtype, right, cost, gradient):
    z, y = np.array([1000, -1000, 0], dtype), np.eye(3, dtype=dtype)[right]
    value, slope = cr.value_and_grad(lambda z: cross_entropy(cr.softmax(z), y))(z)
    assert value == cost
    assert slope.tolist() == gradient
    assert value.dtype == slope.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_saturated_sigmoids_lose_nothing(dtype):
    z, y = np.array([1000, -1000, 1000, -1000], dtype), np.array([1, 0, 0, 1], dtype)
    value, slope = cr.value_and_grad(lambda z: binary_cross_entropy(cr.sigmoid(z), y))(z)
    assert value == 2000
    assert slope.tolist() == [0, 0, 1, -1]
    assert value.dtype == slope.dtype == dtype


@pytest.mark.parametrize(("z", "y"), [(40.0, 1.0), (-40.0, 0.0)])
def test_a_sure_and_right_sigmoid_still_has_a_cost(z, y):
    """1 − σ(40) is 0 in floating point, the cost log(1 + e⁻⁴⁰) is not."""
    cost = cr.value_and_grad(lambda z: binary_cross_entropy(cr.sigmoid(z), np.array([y])))
    assert cost(np.array([z]))[0] == pytest.approx(np.exp(-40), rel=1e-12)


def test_the_cost_is_safe_inside_a_vmap():
    Z = np.array([[1000.0, -1000.0], [-1000.0, 1000.0]])
    each = cr.vmap(lambda z: cross_entropy(cr.softmax(z), np.array([1.0, 0.0])))
    assert each(Z).tolist() == [0, 2000]
    each = cr.vmap(lambda z: binary_cross_entropy(cr.sigmoid(z), np.array([1.0, 0.0])))
    assert each(Z).tolist() == [0, 2000]


def test_a_softmax_along_another_axis_keeps_its_axis():
    z, y = np.random.default_rng(0).normal(size=(3, 2)), np.array([[1.0, 0], [0, 1], [0, 0]])
    cost = cr.value_and_grad(lambda z: cross_entropy(cr.softmax(z, axis=0), y))(z)[0]
    p = np.exp(z) / np.exp(z).sum(axis=0)
    assert cost == pytest.approx(-(y * np.log(p)).sum())


def test_nothing_times_the_logarithm_of_zero_is_nothing():
    sure = np.array([1.0, 0.0])
    assert cross_entropy(sure, sure) == 0
    assert binary_cross_entropy(sure, sure) == 0
    cost = cr.value_and_grad(lambda p: cross_entropy(p * 1.0, sure))
    value, gradient = cost(sure)
    assert value == 0
    assert gradient.tolist() == [-1, 0]


@pytest.mark.parametrize("cost", [squared_cost, cross_entropy, binary_cross_entropy])
def test_output_and_target_must_have_one_shape(cost):
    with pytest.raises(ShapeError, match=rf"{cost.__name__}: .*differ.*got \(3,\) and \(1,\)"):
        cost(np.full(3, 0.5), np.array([1.0]))


@pytest.mark.parametrize(
    ("asked", "output", "name", "function"),
    [
        (None, "softmax", "cross-entropy", cross_entropy),
        (None, "sigmoid", "squared", squared_cost),
        (None, "linear", "squared", squared_cost),
        ("cross-entropy", "sigmoid", "binary-cross-entropy", binary_cross_entropy),
        (cross_entropy, "sigmoid", "binary-cross-entropy", binary_cross_entropy),
        (cross_entropy, "softmax", "cross-entropy", cross_entropy),
        (cross_entropy, np.sin, "cross-entropy", cross_entropy),
        ("squared", "softmax", "squared", squared_cost),
    ],
)
def test_the_cost_that_is_meant(asked, output, name, function):
    assert choose_cost(asked, output) == (name, function)


def test_a_cost_of_ones_own_keeps_its_name():
    def absolute(output, target):
        return np.abs(output - target).sum()

    assert choose_cost(absolute, "linear") == ("absolute", absolute)


def test_costs_that_do_not_fit_the_output_are_refused():
    with pytest.raises(ArgumentError, match=r"cross-entropy needs probabilities; got output='lin"):
        choose_cost(cross_entropy, "linear")
    with pytest.raises(ArgumentError, match=r'output="sigmoid"'):
        choose_cost(binary_cross_entropy, "softmax")
    with pytest.raises(ArgumentError, match=r"unknown cost; got 'mse'; write one of squared"):
        choose_cost("mse", "linear")
