"""``J.solve(b)`` by every solver, for all shapes of input and right side, and its refusals."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ShapeError, SingularError
from tests.jacobians.generated import point, weights

# The matrices' condition numbers are below 1e4, so that 1e-16 grows to 1e-12; one digit is spared.
SOLVED = 1e-11

x = point((40,))
D = point((40, 40)) + 8 * np.eye(40)
Q = point((4, 4)) + 6 * np.eye(4)


def tridiagonal(x):
    wide = np.pad(x, 1)
    return 4 * x + x**3 / 9 - wide[:-2] - wide[2:]


def scattered(x):
    """Sparse and not banded: entries far from the diagonal."""
    return 3 * x + np.roll(x, 17) * x[0]


SQUARE = {
    "diagonal": (lambda x: np.sinh(x), x),
    "a multiple of the identity": (lambda x: 3 * x + 1, x),
    "banded": (tridiagonal, x),
    "banded and narrow": (tridiagonal, point((400,))),
    "sparse": (scattered, point((300,))),
    "permutation": (lambda x: x[::-1] * 2, x),
    "triangular": (np.cumsum, x),
    "dense": (lambda x: np.tanh(D @ x) + x, x / 9),
    "diagonal and outer product": (lambda x: x * (4 + (x * x).sum()), x),
    "matrix by matrix": (lambda X: Q @ X + X**3, point((4, 4))),
    "equal blocks": (lambda X: Q @ X, point((4, 30))),
    "blocks on the other side": (lambda X: X @ Q, point((30, 4))),
    "vector by matrix": (lambda X: (X * X).ravel(), point((3, 4))),
    "matrix by vector": (lambda x: (x + x**3).reshape(5, 8), x),
    "three axes": (lambda X: np.sin(X) + X[::-1] * 4, point((2, 3, 4))),
    "scalar": (lambda t: t**3, np.array(1.7)),
    "one entry": (lambda t: t**3, np.array([1.7])),
}


@pytest.mark.parametrize("name", SQUARE)
@pytest.mark.parametrize("behind", [(), (1,), (3,), (2, 3)], ids=str)
def test_one_right_side_and_several(name: str, behind: tuple[int, ...]):
    f, at = SQUARE[name]
    J = cr.jacobian(f)(at)
    b = weights((*J.output_shape, *behind)) + 0.1
    found = J.solve(b)
    size = at.size
    expected = np.linalg.solve(J.toarray().reshape(size, size), b.reshape(size, -1))
    assert found.shape == (*at.shape, *behind)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(
        found, expected.reshape(found.shape), rtol=0, atol=SOLVED * max(scale, 1)
    )
    np.testing.assert_allclose(J @ found, b, rtol=0, atol=SOLVED * 100)


@pytest.mark.parametrize(
    ("name", "f"),
    [
        ("diagonal", lambda x: (x**4 + x**2).sum()),
        ("banded", lambda x: (4 * x * x).sum() + (x[1:] * x[:-1]).sum()),
        ("dense", lambda x: np.exp(x @ D @ x / 400) + 3 * (x * x).sum()),
        ("indefinite", lambda x: x @ D @ x - 30 * (x * x).sum() + (x[:20] ** 4).sum()),
    ],
)
def test_a_newton_step(name: str, f):
    """H s = g for symmetric Hessians, not only for positive definite ones."""
    H, g = cr.hessian(f)(x), cr.grad(f)(x)
    expected = np.linalg.solve(H.toarray(), g)
    np.testing.assert_allclose(
        H.solve(g), expected, rtol=0, atol=SOLVED * max(1, np.abs(expected).max()), err_msg=name
    )


def test_a_large_tridiagonal_system():
    big = point((100_000,))
    J = cr.jacobian(tridiagonal)(big)
    b = np.cos(np.arange(100_000.0))
    np.testing.assert_allclose(J @ J.solve(b), b, rtol=0, atol=SOLVED)


def test_float32_stays_float32():
    J = cr.jacobian(lambda x: np.sin(x) * 2)(np.ones(3, np.float32))
    assert J.solve(np.ones(3, np.float32)).dtype == np.float32


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("name", "f", "at"),
    [
        ("diagonal", lambda x: x**2, np.array([1.0, 0.0, 2.0])),
        ("zero", lambda x: np.floor(x), np.ones(3)),
        ("projection", lambda x: x - x.mean(), np.ones(5)),
        ("outer product", lambda x: x * 0 + x.sum(), np.ones(5)),
        ("dense", lambda x: np.ones((5, 5)) @ x, np.ones(5)),
        ("banded", lambda x: np.pad(x[1:-1], 1), np.ones(500)),
        ("banded, whole", lambda x: np.pad(np.diff(x), (0, 1)), np.ones(500)),
        ("sparse", lambda x: np.roll(x, 100) * x[0] - x * x[0], np.ones(300)),
        ("matrix", lambda X: X + X.T, np.ones((4, 4))),
        ("equal blocks", lambda X: np.ones((4, 4)) @ X, np.ones((4, 30))),
        ("gather", lambda x: x[np.array([0, 0, 1])], np.ones(3)),
        ("empty rows", lambda x: np.where(np.arange(300) % 7 > 0, x, 0.0), np.ones(300)),
        ("scalar", lambda t: t**2, np.array(0.0)),
    ],
)
def test_a_singular_one_is_refused(name: str, f, at):
    J = cr.jacobian(f)(at)
    with pytest.raises(SingularError, match=r"^solve: the Jacobian is singular") as error:
        J.solve(np.ones(J.output_shape))
    assert f"{J.output_shape} by {J.input_shape}" in str(error.value)
    assert "lstsq" in str(error.value)


def test_one_that_is_not_square_is_refused():
    J = cr.jacobian(np.diff)(np.ones(5))
    with pytest.raises(ShapeError, match=r"^solve: .*not square; got \(4,\) by \(5,\)"):
        J.solve(np.ones(4))
    J = cr.jacobian(lambda X: X.sum(axis=0))(np.ones((3, 2)))
    with pytest.raises(ShapeError, match=r"not square; got \(2,\) by \(3, 2\)"):
        J.solve(np.ones(2))


@pytest.mark.parametrize("shape", [(), (4,), (6,), (1, 5), (2, 5)])
def test_a_right_side_of_another_shape_is_refused(shape):
    J = cr.jacobian(np.sin)(np.ones(5))
    with pytest.raises(ShapeError, match=r"^solve: the right side .*got .* for \(5,\)"):
        J.solve(np.ones(shape))
