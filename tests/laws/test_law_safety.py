"""Sigmoid, softmax, logsumexp and log_softmax at +-1000: right, and without a warning."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import chainrule as cr
from tests.laws.problems import close, scalar

FUNCTIONS = {
    "sigmoid": cr.sigmoid,
    "relu": cr.relu,
    "softmax": cr.softmax,
    "log_softmax": cr.log_softmax,
    "logsumexp": cr.logsumexp,
    "softmax of columns": lambda x: cr.softmax(x.reshape(-1, 1), axis=0),
    "logsumexp, kept": lambda x: cr.logsumexp(x, axis=0, keepdims=True),
    "softplus": lambda x: np.logaddexp(0.0, x),
    "tanh": np.tanh,
}
LARGE = {
    "one large": [1000.0, 0.0, 0.5],
    "one very negative": [-1000.0, 0.0, 0.5],
    "both": [1000.0, -1000.0, 0.0],
    "ties at the top": [1000.0, 1000.0, -1000.0],
    "all very negative": [-1000.0, -1000.0, -1000.5],
    "beyond": [1e5, -1e5, 3.0],
}
DTYPES = [np.float64, np.float32]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("point", LARGE)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_gradients_and_second_order_are_finite_without_a_warning(name, point, dtype):
    f, x = FUNCTIONS[name], np.array(LARGE[point], dtype)
    g = scalar(f) if dtype is np.float64 else lambda x: (f(x) * f(x)).sum() / 1000
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value, gradient = cr.value_and_grad(g)(x)
        hessian = cr.hessian(g)(x).toarray()
        _, tangent = cr.jvp(cr.grad(g), (x,), (np.ones_like(x),))
    for array in (f(x), value, gradient, hessian, tangent):
        assert np.isfinite(array).all()
        assert array.dtype == dtype
    # Entries of the Hessian are at most the value, 2e4; float32 rounds at 1e-7 of that.
    tolerance = 1e-12 if dtype is np.float64 else 1e-3
    np.testing.assert_allclose(hessian.sum(axis=1), tangent, rtol=tolerance, atol=tolerance)


def test_the_numbers_themselves():
    x = np.array([1000.0, -1000.0, 1000.0])
    close(cr.logsumexp(x), 1000 + np.log(2))
    close(cr.grad(cr.logsumexp)(x), [0.5, 0.0, 0.5])
    close(cr.hessian(cr.logsumexp)(x).toarray(), [[0.25, 0, -0.25], [0, 0, 0], [-0.25, 0, 0.25]])
    close(cr.softmax(x), [0.5, 0.0, 0.5])
    close(cr.jacobian(cr.softmax)(x).toarray(), [[0.25, 0, -0.25], [0, 0, 0], [-0.25, 0, 0.25]])
    close(cr.log_softmax(x), [-np.log(2), -2000 - np.log(2), -np.log(2)])
    close(
        cr.jacobian(cr.log_softmax)(x).toarray(), [[0.5, 0, -0.5], [-0.5, 1, -0.5], [-0.5, 0, 0.5]]
    )
    close(cr.sigmoid(x), [1.0, 0.0, 1.0])
    close(cr.grad(lambda x: cr.sigmoid(x).sum())(x), [0.0, 0.0, 0.0])
    close(cr.grad(lambda x: np.logaddexp(0, x).sum())(x), [1.0, 0.0, 1.0])


def test_small_probabilities_keep_their_digits():
    # exp(-700) is about 1e-304: relative accuracy is asked for, a few units in the last place
    # of an exponential of that size.
    for x in (-700.0, -100.0, -40.0):
        np.testing.assert_allclose(cr.sigmoid(x), np.exp(x), rtol=1e-12)
        np.testing.assert_allclose(cr.grad(cr.sigmoid)(x), np.exp(x), rtol=1e-12)
        np.testing.assert_allclose(cr.grad(cr.grad(cr.sigmoid))(x), np.exp(x), rtol=1e-12)
        np.testing.assert_allclose(cr.softmax(np.array([x, 0.0]))[0], np.exp(x), rtol=1e-12)
        np.testing.assert_allclose(
            cr.grad(lambda x: np.logaddexp(0.0, x))(x), np.exp(x), rtol=1e-12
        )


def test_minus_infinity_is_probability_zero():
    x = np.array([-np.inf, 0.0, 1.0])
    np.testing.assert_array_equal(cr.softmax(x)[0], 0.0)
    close(cr.logsumexp(x), np.log(1 + np.e))
    close(cr.grad(cr.logsumexp)(x), [0.0, 1 / (1 + np.e), np.e / (1 + np.e)])
    close(cr.sigmoid(np.array([-np.inf, np.inf])), [0.0, 1.0])
    assert cr.logsumexp(np.array([-np.inf, -np.inf])) == -np.inf
    assert cr.logsumexp(np.array([np.inf, 0.0])) == np.inf


@given(arrays(np.float64, 4, elements=st.floats(-1000, 1000)))
def test_laws_of_softmax_anywhere(x):
    p = cr.softmax(x)
    close(p.sum(), 1.0)
    close(np.exp(cr.log_softmax(x)), p)
    close(cr.grad(cr.logsumexp)(x), p)
    close(cr.jacobian(cr.softmax)(x).toarray(), np.diag(p) - np.outer(p, p))
    close(cr.hessian(cr.logsumexp)(x).toarray(), np.diag(p) - np.outer(p, p))
    close(cr.jacobian(cr.log_softmax)(x).toarray(), np.eye(4) - p)


@given(st.floats(-1000, 1000))
def test_laws_of_sigmoid_anywhere(x):
    s, slope = cr.sigmoid(x), cr.grad(cr.sigmoid)(x)
    close(s + cr.sigmoid(-x), 1.0)
    close(slope, s * cr.sigmoid(-x))
    close(cr.grad(cr.grad(cr.sigmoid))(x), slope * (1 - 2 * s))
    close(cr.softmax(np.array([x, 0.0]))[0], s)


def test_on_plain_arrays_lists_and_whole_numbers():
    for f in (cr.sigmoid, cr.relu, cr.softmax, cr.log_softmax, cr.logsumexp):
        close(f([1, 2, 3]), f(np.array([1.0, 2.0, 3.0])))
        close(f(np.array([1, 2, 3])), f(np.array([1.0, 2.0, 3.0])))
        assert not hasattr(f(np.array([1.0, 2.0])), "node")
    close(cr.sigmoid(0), 0.5)


def test_a_column_that_is_no_axis_is_refused():
    for f in (cr.softmax, cr.log_softmax, cr.logsumexp):
        with pytest.raises((ValueError, IndexError), match="axis"):
            f(np.ones((2, 3)), axis=2)
