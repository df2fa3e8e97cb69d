"""Differences, complex steps, and the entry at which two derivatives differ."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainrule.numerics.complex_step import complex_step
from chainrule.numerics.differences import central, extrapolated, most_settled, one_sided
from chainrule.numerics.entries import entry_at_fault, most_apart, unit


@pytest.mark.parametrize("count", range(1, 6))
def test_central_differences_are_exact_for_polynomials_up_to_their_order(count):
    """Each extrapolation removes one more even power."""
    coefficients = np.arange(1.0, 2 * count + 1)  # of degree 2 count − 1

    def line(t):
        return np.asarray(np.polynomial.polynomial.polyval(t, coefficients))

    found = extrapolated(central(line, 0.5, count), 2)
    np.testing.assert_allclose(
        found, coefficients[1:2].sum(), rtol=1e-11
    )  # cancellation: 1e-16 / h


@pytest.mark.parametrize("side", [1, -1])
def test_one_sided_differences_see_one_side(side):
    def line(t):
        return np.asarray(np.where(t > 0, np.exp(t), 1 + 3 * t))

    found = extrapolated(one_sided(line, line(0.0), side * 0.1, 6), 1)
    np.testing.assert_allclose(found, 1.0 if side > 0 else 3.0, rtol=1e-9)  # the error is h⁶


def test_extrapolation_stops_where_estimates_come_no_closer():
    """A long step leapt over a kink, and the short ones agree: (16 · 1 − 4/3) / 15 is no better."""
    estimates = [np.asarray(0.0), np.asarray(1.0), np.asarray(1.0)]
    assert most_settled(estimates, 2) == (1.0, 0.0)
    assert extrapolated(estimates, 2) == pytest.approx(44 / 45, rel=1e-15)


def test_a_complex_step_is_exact():
    x, d = np.array([0.3, -1.2]), np.array([1.0, 2.0])
    np.testing.assert_allclose(complex_step(np.sin, x, d), np.cos(x) * d, rtol=1e-15)


@given(
    hnp.arrays(float, hnp.array_shapes(max_dims=3, max_side=5), elements=st.floats(0.5, 2)),
    st.data(),
)
def test_the_one_wrong_entry_is_found(direction, data):
    place = data.draw(st.integers(0, direction.size - 1))
    entry = tuple(map(int, np.unravel_index(place, direction.shape)))
    calls = []

    def error(d):
        calls.append(d)
        return abs(d[entry])

    assert entry_at_fault(error, direction) == entry
    assert len(calls) <= 2 * np.ceil(np.log2(max(direction.size, 2)))
    assert unit(direction.shape, entry).sum() == unit(direction.shape, entry)[entry] == 1


def test_nan_differs_from_everything():
    assert most_apart(np.array([1.0, np.nan, 9.0]), np.array([1.0, 2.0, 3.0])) == (1,)
    assert entry_at_fault(lambda d: np.nan if d[2] else 0.0, np.ones(5)) == (2,)
