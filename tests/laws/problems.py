"""What the laws are tried on: smooth functions, and generated points, tangents and cotangents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import chainrule as cr

Array = np.ndarray
NUMBERS = st.floats(-2, 2, allow_nan=False, allow_subnormal=False, width=32)

# Smooth on all of R, for arrays of one to three axes; values and slopes are of size 1 to 100.
SMOOTH: dict[str, Callable[[Any], Any]] = {
    "elementwise": lambda x: np.sin(x) * x + np.tanh(2 * x),
    "rational": lambda x: x / (1 + x**2),
    "sum of an axis": lambda x: np.exp(-(x**2)).sum(axis=-1),
    "mean, kept": lambda x: x**2 * x.mean(axis=0, keepdims=True),
    "transposed": lambda x: np.cos(x).T * 3,
    "backwards": lambda x: x[::-1] * x,
    "one entry": lambda x: x[0] ** 3 - x[-1],
    "flattened": lambda x: x.ravel()[1:] * x.reshape(-1)[:-1],
    "joined": lambda x: np.concatenate([x, x**2, np.ones_like(x)]),
    "outer": lambda x: np.outer(np.sin(x), x),
    "matrix product": lambda x: (
        np.sin(x.reshape(-1, 1) @ np.ones((1, 2))) @ np.arange(4.0).reshape(2, 2)
    ),
    "contraction": lambda x: np.einsum("i...,i...->...", x, np.cos(x)),
    "padded": lambda x: np.pad(x, 1) ** 2,
    "repeated": lambda x: np.repeat(x, 2, axis=0) * 2,
    "gathered": lambda x: x[np.array([0, -1, 0])] ** 2,
    "normalised": lambda x: x / np.sqrt(1 + (x**2).sum()),
    "softmax": lambda x: cr.softmax(x),
    "logsumexp": lambda x: cr.logsumexp(x, axis=0),
    "log_softmax": lambda x: cr.log_softmax(3 * x, axis=-1) * x,
    "sigmoid": lambda x: cr.sigmoid(x) ** 2,
    "function (5.109)": lambda x: np.sqrt(x**2 + np.exp(x**2)) + np.cos(x**2 + np.exp(x**2)),
    "linear": lambda x: 2 * x - np.flip(x),
    "constant": lambda x: np.ones(2) + 0 * x.sum(),
}
NAMES = list(SMOOTH)


class Problem(NamedTuple):
    """A function, a point, a tangent at it, and a cotangent at its value."""

    function: Callable[[Any], Any]
    x: Array
    v: Array
    u: Array


def numbers(shape: tuple[int, ...]) -> st.SearchStrategy[Array]:
    return arrays(np.float64, shape, elements=NUMBERS)


def scalar(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """All entries of the output with a weight of its own, as one number."""

    def total(x: Any) -> Any:
        output = function(x)
        weights = np.cos(1.0 + np.arange(output.size)).reshape(output.shape)
        return (output * weights).sum()

    return total


@st.composite
def problems(draw: Any, max_dims: int = 3, max_side: int = 3) -> Problem:
    function = SMOOTH[draw(st.sampled_from(NAMES))]
    shape = draw(array_shapes(min_dims=1, max_dims=max_dims, max_side=max_side))
    x, v = draw(numbers(shape)), draw(numbers(shape))
    return Problem(function, x, v, draw(numbers(np.shape(function(x)))))


def close(actual: Any, expected: Any, tolerance: float = 1e-12) -> None:
    """Equal but for rounding: relative to the largest entry, since sums may cancel.

    1e-12 is some thousand roundings (2e-16 each) of the values of size 1 to 100 used here.
    """
    expected = np.asarray(expected)
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    assert np.shape(actual) == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale)
