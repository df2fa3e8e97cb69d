"""float32 in, float32 out, everywhere; and the dtypes of mixed code are NumPy's."""

import numpy as np
import pytest

import chainrule as cr
from tests.laws.problems import NAMES, SMOOTH, scalar

X64 = np.array([[0.4, -1.1, 0.7], [1.3, 0.2, -0.6]])
X32 = X64.astype(np.float32)


def plain(f):
    """A scalar of f without a float64 weight in it."""
    return lambda x: (f(x) ** 2).sum()


SINGLE = [name for name in NAMES if name not in ("matrix product", "constant")]  # float64 inside


@pytest.mark.parametrize("name", SINGLE)
def test_every_derivative_of_float32_is_float32(name):
    f, g = SMOOTH[name], plain(SMOOTH[name])
    v = np.ones_like(X32)
    value, tangent = cr.jvp(f, (X32,), (v,))
    assert value.dtype == tangent.dtype == f(X32).dtype == np.float32
    value, pullback = cr.vjp(f, X32)
    assert pullback(np.ones_like(value))[0].dtype == np.float32
    value, gradient = cr.value_and_grad(g)(X32)
    assert value.dtype == gradient.dtype == np.float32
    assert cr.jacobian(f)(X32).toarray().dtype == np.float32
    assert cr.hessian(g)(X32).toarray().dtype == np.float32
    assert cr.hvp(g, X32, v).dtype == np.float32
    assert cr.vmap(f)(X32).dtype == np.float32
    assert cr.vmap(cr.grad(g))(X32).dtype == np.float32


@pytest.mark.parametrize("name", SINGLE)
def test_float32_numbers_are_those_of_float64_rounded(name):
    g = plain(SMOOTH[name])
    # float32 rounds at 6e-8; a few dozen operations on values up to 100.
    np.testing.assert_allclose(cr.grad(g)(X32), cr.grad(g)(X64), rtol=1e-3, atol=1e-4)


def test_python_numbers_are_weak():
    def f(x):
        y = 2 * x + 0.5 - x / 3 + True
        y = np.where(y > 0, y, 0.0) + np.maximum(y, 1) ** 2 + np.clip(x, -1.0, 1.0)
        return (y**0.5 + 2.0**y).sum()

    x = np.array([0.5, 1.5], np.float32)
    assert f(x).dtype == np.float32
    value, gradient = cr.value_and_grad(f)(x)
    assert value.dtype == gradient.dtype == np.float32


def test_a_numpy_float64_is_a_strong_float():
    factor = np.float64(2.0)
    assert (factor * X32).dtype == np.float64
    value, gradient = cr.value_and_grad(lambda x: (factor * x).sum())(X32)
    assert value.dtype == np.float64
    assert gradient.dtype == np.float32
    assert cr.vjp(lambda x: np.float32(2) * x, X32)[0].dtype == np.float32


@pytest.mark.parametrize(
    "operation", [np.add, np.multiply, np.divide, np.maximum, np.power, np.hypot]
)
def test_mixed_dtypes_promote_as_in_numpy(operation):
    positive = np.abs(X32)
    for other in (np.abs(X64), np.arange(1, 4), np.arange(1, 4, dtype=np.int8), np.ones(3, bool)):
        if operation is np.hypot and other.dtype == bool:
            continue
        expected = operation(positive, other)
        value, pullback = cr.vjp(lambda x, other=other: operation(x, other), positive)
        assert value.dtype == expected.dtype
        np.testing.assert_array_equal(value, expected)
        assert pullback(np.ones_like(expected))[0].dtype == np.float32


def test_each_argument_has_a_gradient_of_its_own_dtype():
    def f(x, y):
        return (x * y).sum()

    value, (by_x, by_y) = cr.value_and_grad(f, wrt=(0, 1))(X32, X64)
    assert (value.dtype, by_x.dtype, by_y.dtype) == (np.float64, np.float32, np.float64)


def test_an_integer_matrix_in_the_middle():
    counts = np.arange(6).reshape(3, 2)
    gradient = cr.grad(lambda x: (x @ counts).sum())(X64)
    np.testing.assert_array_equal(gradient, np.tile(counts.sum(axis=1), (2, 1)))


def test_conversions_by_astype():
    value, gradient = cr.value_and_grad(lambda x: (x.astype(np.float64) ** 2).sum())(X32)
    assert value.dtype == np.float64
    assert gradient.dtype == np.float32
    np.testing.assert_allclose(gradient, 2 * X32, rtol=1e-6)
    whole = cr.grad(lambda x: (x.astype(int) * x).sum())(np.array([2.7, -1.2]))
    np.testing.assert_array_equal(whole, [2.0, -1.0])


def test_python_floats_give_float64_and_zero_dimensional_arrays_keep_their_dtype():
    assert cr.grad(lambda x: x**2)(0.5).dtype == np.float64
    assert cr.grad(lambda x: x**2)(np.float32(0.5)).dtype == np.float32
    gradient = cr.grad(lambda x: x**2)(np.array(0.5, np.float32))
    assert (gradient.dtype, gradient.shape) == (np.float32, ())


def test_float32_through_a_network_and_gradient_descent():
    rng = np.random.default_rng(0)
    theta = {"A": rng.normal(size=(3, 2)).astype(np.float32), "b": np.zeros(3, np.float32)}
    X = rng.normal(size=(5, 2)).astype(np.float32)

    def cost(theta, x):
        return 0.5 * (cr.sigmoid(theta["A"] @ x + theta["b"]) ** 2).sum()

    value, gradient = cr.value_and_grad(
        lambda theta: cr.vmap(cost, in_axes=(None, 0))(theta, X).mean()
    )(theta)
    assert value.dtype == np.float32
    assert all(gradient[name].dtype == np.float32 for name in theta)
    assert all((theta[name] - 0.1 * gradient[name]).dtype == np.float32 for name in theta)


def test_float64_weights_do_not_lower_anything():
    assert cr.grad(scalar(np.sin))(X64).dtype == np.float64
