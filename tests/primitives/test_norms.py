"""Lengths far from 1, where their squares leave the range: derivatives scale as lengths do."""

import numpy as np
import pytest

import chainrule as cr

NORMS = {
    "vector": lambda x: np.linalg.norm(x),
    "ord=2": lambda x: np.linalg.norm(x.ravel(), ord=2),
    "rows": lambda x: np.sum(np.linalg.norm(x, axis=1)),
    "columns, kept": lambda x: np.sum(np.linalg.norm(x, 2, axis=0, keepdims=True)),
    "fro": lambda x: np.linalg.norm(x, "fro"),
    "vector_norm": lambda x: np.sum(np.linalg.vector_norm(x, axis=0)),
    "matrix_norm": lambda x: np.linalg.matrix_norm(x),
}
X = np.array([[3.0, -4.0, 0.5], [1.0, 2.0, -0.25]])
# powers of two, so that scaling rounds nothing; squares leave the range, lengths do not
FAR = {
    np.float64: [2.0**k for k in (-1040, -1000, -600, -500, 0, 400, 500, 520, 1000)],
    np.float32: [2.0**k for k in (-120, -100, -70, -50, 0, 50, 70, 100, 120)],
}
CASES = [(dtype, c) for dtype, places in FAR.items() for c in places]


def quietly(f, *args):
    """The value itself may overflow, of which NumPy warns."""
    with np.errstate(all="ignore"):
        return f(*args)


@pytest.mark.parametrize(("dtype", "c"), CASES)
@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("wrap", [lambda g: g, cr.compile])
def test_the_gradient_is_that_of_the_vector_scaled(name, dtype, c, wrap):
    gradient = wrap(cr.grad(NORMS[name]))
    wanted = gradient(X.astype(dtype))
    # X c has fewer digits where it is subnormal: 2**-1040 leaves 36 of 53 bits
    rtol = 4 * np.finfo(dtype).eps if c > 2.0**-1040 else 1e-10
    found = quietly(gradient, (X * c).astype(dtype))
    assert found.dtype == dtype
    np.testing.assert_allclose(found, wanted, rtol=rtol)


@pytest.mark.parametrize("c", [2.0**k for k in (-600, -500, 0, 500, 520, 1000)])
@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("wrap", [lambda g: g, cr.compile])
def test_the_second_derivative_goes_with_one_over_the_scale(name, c, wrap):
    def second(x):
        return cr.jvp(cr.grad(NORMS[name]), (x,), (V,))[1]

    V = np.cos(np.arange(6.0)).reshape(2, 3)
    wanted = second(X)
    # I − uuᵀ is a difference of numbers of size 1, each rounded a few times
    found = quietly(wrap(second), X * c) * c
    np.testing.assert_allclose(found, wanted, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("c", [2.0**k for k in (-1000, -500, 0, 500, 1000)])
@pytest.mark.parametrize("name", NORMS)
def test_jacobian_push_forward_and_vmap_agree(name, c):
    f = NORMS[name]
    gradient = cr.grad(f)(X)
    V = np.cos(np.arange(6.0)).reshape(2, 3)
    J = quietly(lambda x: cr.jacobian(f)(x).toarray(), X * c)
    np.testing.assert_allclose(J, gradient, rtol=1e-15, atol=1e-16)
    _, tangent = quietly(cr.jvp, f, (X * c,), (V,))
    np.testing.assert_allclose(tangent, np.sum(gradient * V), rtol=1e-15)
    both = quietly(cr.vmap(cr.grad(f)), np.stack([X * c, X]))
    np.testing.assert_allclose(both, [gradient, gradient], rtol=1e-15, atol=1e-16)


@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("c", [0.0, 2.0**-600, 1.0, 2.0**600])
def test_the_value_is_numpys(name, c):
    f = NORMS[name]
    value = quietly(lambda x: cr.value_and_grad(f)(x)[0], X * c)
    np.testing.assert_array_equal(value, quietly(f, X * c))


@pytest.mark.parametrize("wrap", [lambda g: g, cr.compile])
def test_at_the_origin_the_gradient_is_zero_by_convention(wrap):
    rows = np.array([[0.0, 0.0], [3.0, 4.0]])
    found = wrap(cr.grad(lambda X: np.sum(np.linalg.norm(X, axis=1))))(rows)
    np.testing.assert_array_equal(found, [[0, 0], [0.6, 0.8]])
    report = cr.derive(lambda x: np.linalg.norm(x))(np.zeros(2)).text()
    assert "‖x‖ has no derivative where x = 0" in " ".join(report.split())


@pytest.mark.parametrize("wrap", [lambda g: g, cr.compile])
def test_a_number_in_front_is_not_squared_beyond_the_range(wrap):
    def f(x):
        return np.sum((x * 2.0**600) * (x * 2.0**600)) + np.sum((x * 0.5**600) * (x * 2.0**600))

    x = np.array([3.0, 4.0]) * 2.0**-600
    value, gradient = wrap(cr.value_and_grad(f))(x)
    assert value == f(x) == 25.0
    np.testing.assert_array_equal(gradient, 2 * x * 2.0**600 * 2.0**600)
