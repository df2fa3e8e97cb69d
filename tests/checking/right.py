"""Right gradients, written in another way than reverse mode computes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import chainrule as cr


@dataclass(frozen=True)
class Right:
    """A function, its gradient in closed form, and a maker of arguments from a generator."""

    name: str
    f: Callable[..., Any]
    gradient: Callable[..., Any]
    arguments: Callable[[np.random.Generator], tuple[Any, ...]]
    wrt: Any = 0

    def __str__(self) -> str:
        return self.name


RIGHT: list[Right] = []


def right(f, arguments, wrt=0):
    """Enter the function below as a right gradient of f."""

    def enter(gradient):
        RIGHT.append(Right(gradient.__name__, f, gradient, arguments, wrt))
        return gradient

    return enter


def sigma(z):
    return 1 / (1 + np.exp(-z))


def sizes(rng, count):
    return tuple(int(n) for n in rng.integers(1, 6, count))


# -- least squares and its relatives --------------------------------------------------------------


def squares(theta, Phi, y):
    e = y - Phi @ theta
    return 0.5 * e @ e


def regression(rng):
    n, d = sizes(rng, 2)
    return rng.normal(size=d), rng.normal(size=(n + 2, d)), rng.normal(size=n + 2)


@right(squares, regression)
def squares_by_normal_equations(theta, Phi, y):
    return (Phi.T @ Phi) @ theta - Phi.T @ y


@right(squares, regression)
def squares_row_by_row(theta, Phi, y):
    return sum((row @ theta - t) * row for row, t in zip(Phi, y, strict=True))


def at_the_minimum(rng):
    _, Phi, y = regression(rng)
    return np.linalg.lstsq(Phi, y)[0], Phi, y


@right(squares, at_the_minimum)
def squares_at_their_minimum(theta, Phi, y):
    return -Phi.T @ (y - Phi @ theta)


def with_an_offset(rng):
    theta, Phi, y = regression(rng)
    return theta, Phi + 1000.0, y + 1000.0


@right(squares, with_an_offset)
def squares_of_data_far_from_zero(theta, Phi, y):
    return (Phi.T @ Phi) @ theta - Phi.T @ y


# -- forms ----------------------------------------------------------------------------------------


def form(x, A):
    return x @ A @ x


def vector_and_matrix(rng):
    (n,) = sizes(rng, 1)
    return rng.normal(size=n), rng.normal(size=(n, n))


@right(form, vector_and_matrix)
def form_by_x(x, A):
    return (A + A.T) @ x


@right(form, vector_and_matrix, wrt=1)
def form_by_A(x, A):
    return np.outer(x, x)


def distance(X, Y):
    return np.linalg.norm(X - Y)


def two_matrices(rng):
    shape = sizes(rng, 2)
    return rng.normal(size=shape), rng.normal(size=shape)


@right(distance, two_matrices)
def distance_normalised(X, Y):
    D = X - Y
    return D / np.sqrt(np.sum(D * D))


# -- classification -------------------------------------------------------------------------------


def logistic(w, X, t):
    p = cr.sigmoid(X @ w)
    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))


def classes(rng):
    n, d = sizes(rng, 2)
    return rng.normal(size=d), rng.normal(size=(n, d)), (rng.random(n) > 0.5).astype(float)


@right(logistic, classes)
def logistic_simplified(w, X, t):
    return X.T @ (sigma(X @ w) - t) / len(t)


def saturated(rng):
    w, X, t = classes(rng)
    return 6 * w, X, t


@right(logistic, saturated)
def logistic_saturated(w, X, t):
    return (np.exp(-np.logaddexp(0, -X @ w)) - t) @ X / len(t)


def softmax_cost(W, X, Y):
    Z = X @ W
    return np.sum(cr.logsumexp(Z, axis=1)) - np.sum(Y * Z)


def one_hot(rng):
    n, d, k = sizes(rng, 3)
    labels = rng.integers(0, k, n)
    return rng.normal(size=(d, k)), rng.normal(size=(n, d)), np.eye(k)[labels]


@right(softmax_cost, one_hot)
def softmax_by_exponentials(W, X, Y):
    e = np.exp(X @ W)
    return X.T @ (e / e.sum(axis=1, keepdims=True)) - X.T @ Y


# -- the network ----------------------------------------------------------------------------------


def network(A0, b0, A1, b1, X, Y):
    Z1 = A0 @ X + b0
    f1 = cr.sigmoid(Z1)
    Z2 = A1 @ f1 + b1
    f2 = np.tanh(Z2)
    return 0.5 * np.sum((f2 - Y) ** 2)


def layers(rng):
    n0, n1, n2 = sizes(rng, 3)
    shapes = ((n1, n0), n1, (n2, n1), n2, n0, n2)
    return tuple(rng.normal(size=shape) for shape in shapes)


@right(network, layers, wrt=("A0", "b0", "A1", "b1"))
def network_by_layers(A0, b0, A1, b1, X, Y):
    f1 = sigma(A0 @ X + b0)
    f2 = np.tanh(A1 @ f1 + b1)
    d2 = (f2 - Y) / np.cosh(A1 @ f1 + b1) ** 2
    d1 = (d2 @ A1) * sigma(A0 @ X + b0) * sigma(-A0 @ X - b0)
    return d1[:, None] * X, d1, d2[:, None] * f1, d2


# -- results that are arrays ----------------------------------------------------------------------


def layer(x, A, b):
    return np.tanh(A @ x + b)


def affine_arguments(rng):
    m, n = sizes(rng, 2)
    return rng.normal(size=n), rng.normal(size=(m, n)), rng.normal(size=m)


@right(layer, affine_arguments)
def layer_by_x(x, A, b):
    return np.diag(1 / np.cosh(A @ x + b) ** 2) @ A


@right(layer, affine_arguments, wrt="A")
def layer_by_A(x, A, b):
    slope = 1 - np.tanh(A @ x + b) ** 2
    return np.einsum("ij,j,k->ijk", np.eye(len(b)), slope, x)


@right(np.sin, lambda rng: (rng.normal(size=sizes(rng, 1)),))
def sine_as_a_diagonal(x):
    return np.diag(np.cos(x))


def variance(x):
    return np.var(x)


@right(variance, lambda rng: (rng.normal(size=sizes(rng, 1)[0] + 1),))
def variance_by_moments(x):
    return 2 * x / len(x) - 2 * np.sum(x) / len(x) ** 2


@right(variance, lambda rng: (100 + rng.normal(size=sizes(rng, 1)[0] + 1),))
def variance_by_moments_far_from_zero(x):
    return 2 * x / len(x) - 2 * np.sum(x) / len(x) ** 2
