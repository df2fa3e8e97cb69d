"""Gradients with one mistake each, written as a person would write them by hand in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import chainrule as cr


@dataclass(frozen=True)
class Planted:
    """A function, its gradient with a mistake, and what that should be called."""

    name: str
    f: Callable[..., Any]
    wrong: Callable[..., Any]
    args: tuple[Any, ...]
    kinds: tuple[str, ...]
    words: tuple[str, ...]
    wrt: Any = 0

    def __str__(self) -> str:
        return self.name


RNG = np.random.default_rng(5)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


def sigma(z):
    return 1 / (1 + np.exp(-z))


PLANTED: list[Planted] = []


def planted(f, args, kinds, words, wrt=0):
    """Enter the function below as a wrong gradient of f."""

    def enter(wrong):
        allowed = (kinds,) if isinstance(kinds, str) else tuple(kinds)
        PLANTED.append(Planted(wrong.__name__, f, wrong, args, allowed, tuple(words), wrt))
        return wrong

    return enter


# -- least squares, (5.75) to (5.84) --------------------------------------------------------------


def L(theta, Phi, y):
    e = y - Phi @ theta
    return e @ e


LS = (normal(3), normal(7, 3), normal(7))


@planted(L, LS, "constant factor", ["half", "factor 2"])
def least_squares_without_the_2(theta, Phi, y):
    return -(y - Phi @ theta) @ Phi


@planted(L, LS, "wrong sign", ["∂L/∂theta", "sign"])
def least_squares_with_a_plus(theta, Phi, y):
    return 2 * (y - Phi @ theta) @ Phi


@planted(L, LS, "sum against mean", ["7", "rows of Phi"])
def least_squares_as_a_mean(theta, Phi, y):
    return -2 * (y - Phi @ theta) @ Phi / len(y)


def mean_square(theta, Phi, y):
    e = Phi @ theta - y
    return np.mean(e**2)


@planted(mean_square, LS, "sum against mean", ["7"])
def mean_square_as_a_sum(theta, Phi, y):
    return 2 * Phi.T @ (Phi @ theta - y)


SQUARE = (normal(4), normal(4, 4), normal(4))


@planted(L, SQUARE, "forgotten transpose", ["Phi", "transpose"])
def least_squares_without_the_transpose(theta, Phi, y):
    return -2 * Phi @ (y - Phi @ theta)


@planted(L, LS, "examples", ["example 6"])
def least_squares_without_the_last_row(theta, Phi, y):
    g = np.zeros_like(theta)
    for r in range(len(y) - 1):
        g += -2 * (y[r] - Phi[r] @ theta) * Phi[r]
    return g


@planted(L, LS, "examples", ["example 6", "alone"])
def least_squares_overwritten_in_the_loop(theta, Phi, y):
    for r in range(len(y)):
        g = -2 * (y[r] - Phi[r] @ theta) * Phi[r]
    return g


def ridge(theta, Phi, y, lam):
    e = Phi @ theta - y
    return 0.5 * e @ e + lam * theta @ theta


RIDGE = (normal(3), normal(6, 3), normal(6), 0.3)


@planted(ridge, RIDGE, "dropped term", ["lam"])
def ridge_without_its_penalty(theta, Phi, y, lam):
    return Phi.T @ (Phi @ theta - y)


@planted(ridge, RIDGE, "constant factor", ["half", "lam"])
def ridge_without_the_2_of_its_penalty(theta, Phi, y, lam):
    return Phi.T @ (Phi @ theta - y) + lam * theta


@planted(ridge, RIDGE, "missing factor", ["lam"])
def ridge_without_lambda(theta, Phi, y, lam):
    return Phi.T @ (Phi @ theta - y) + 2 * theta


@planted(ridge, RIDGE, "wrong sign", ["sign", "lam"])
def ridge_with_a_minus(theta, Phi, y, lam):
    return Phi.T @ (Phi @ theta - y) - 2 * lam * theta


# -- logistic regression --------------------------------------------------------------------------


def logistic(w, X, t):
    z = X @ w
    p = cr.sigmoid(z)
    return -np.sum(t * np.log(p) + (1 - t) * np.log(1 - p))


LOGISTIC = (normal(3), normal(8, 3), (RNG.random(8) > 0.5).astype(float))


@planted(logistic, LOGISTIC, "wrong sign", ["sign"])
def logistic_with_t_minus_p(w, X, t):
    return X.T @ (t - sigma(X @ w))


@planted(logistic, LOGISTIC, "dropped term", ["1 - p"])
def logistic_without_the_zeros(w, X, t):
    p = sigma(X @ w)
    return -X.T @ (t * (1 - p))


@planted(logistic, LOGISTIC, "extra factor", ["σ′(z)", "twice"])
def logistic_with_an_extra_slope(w, X, t):
    p = sigma(X @ w)
    return X.T @ ((p - t) * p * (1 - p))


def squared_logistic(w, X, t):
    z = X @ w
    p = cr.sigmoid(z)
    return 0.5 * np.sum((p - t) ** 2)


@planted(squared_logistic, LOGISTIC, "missing factor", ["σ′(z)", "left out"])
def squared_logistic_without_the_slope(w, X, t):
    return X.T @ (sigma(X @ w) - t)


@planted(squared_logistic, LOGISTIC, "missing factor", ["σ′(z)", "1 - p"])
def squared_logistic_with_half_a_slope(w, X, t):
    p = sigma(X @ w)
    return X.T @ ((p - t) * p)


@planted(squared_logistic, LOGISTIC, "wrong argument", ["σ′(z)", "taken at p"])
def squared_logistic_with_the_slope_at_p(w, X, t):
    p = sigma(X @ w)
    return X.T @ ((p - t) * sigma(p) * (1 - sigma(p)))


# -- quadratic and trace forms --------------------------------------------------------------------


def quadratic(x, A):
    return x @ A @ x


Q = (normal(4), normal(4, 4))


@planted(quadratic, Q, "symmetric only", ["symmetric"])
def quadratic_of_a_symmetric_matrix(x, A):
    return 2 * A @ x


@planted(quadratic, Q, "dropped term", ["x"])
def quadratic_with_one_half_of_the_product_rule(x, A):
    return A @ x


def trace_form(X, A, B):
    return np.trace(A @ X @ B)


@planted(trace_form, (normal(3, 3), normal(3, 3), normal(3, 3)), "transposed", ["transpose"])
def trace_form_transposed(X, A, B):
    return B @ A


@planted(trace_form, (normal(3, 4), normal(2, 3), normal(4, 2)), "transposed", ["transpose"])
def trace_form_transposed_in_another_shape(X, A, B):
    return B @ A


def frobenius(X, A):
    R = A @ X
    return 0.5 * np.trace(R.T @ R)


@planted(frobenius, (normal(3, 3), normal(3, 3)), "forgotten transpose", ["A"])
def frobenius_without_the_transpose(X, A):
    return A @ A @ X


@planted(frobenius, (normal(3, 3), normal(3, 3)), "elementwise product", ["elementwise", "Aᵀ"])
def frobenius_with_an_elementwise_product(X, A):
    return A.T * (A @ X)


@planted(frobenius, (normal(3, 3), normal(3, 3)), "wrong order", ["R"])
def frobenius_with_the_product_the_other_way_round(X, A):
    return (A @ X) @ A.T


# -- the lecture's network ------------------------------------------------------------------------


def E(A0, b0, A1, b1, X, Y):
    Z1 = A0 @ X + b0
    f1 = cr.sigmoid(Z1)
    Z2 = A1 @ f1 + b1
    f2 = cr.sigmoid(Z2)
    return 0.5 * (f2 - Y) @ (f2 - Y)


NET = (normal(4, 3), normal(4), normal(2, 4), normal(2), normal(3), RNG.random(2))
EVEN = (normal(3, 3), normal(3), normal(3, 3), normal(3), normal(3), RNG.random(3))


def forward(A0, b0, A1, b1, X):
    f1 = sigma(A0 @ X + b0)
    return f1, sigma(A1 @ f1 + b1)


def slope(f):
    return f * (1 - f)


@planted(E, NET, "missing factor", ["∂E/∂A1", "σ′(Z2)"], wrt="A1")
def network_A1_without_the_slope(A0, b0, A1, b1, X, Y):
    f1, f2 = forward(A0, b0, A1, b1, X)
    return np.outer(f2 - Y, f1)


@planted(E, NET, "missing factor", ["∂E/∂A0", "σ′(Z1)"], wrt="A0")
def network_A0_without_the_slope(A0, b0, A1, b1, X, Y):
    _, f2 = forward(A0, b0, A1, b1, X)
    return np.outer(A1.T @ ((f2 - Y) * slope(f2)), X)


@planted(E, EVEN, "forgotten transpose", ["A1"], wrt="b0")
def network_b0_without_the_transpose(A0, b0, A1, b1, X, Y):
    f1, f2 = forward(A0, b0, A1, b1, X)
    return (A1 @ ((f2 - Y) * slope(f2))) * slope(f1)


@planted(E, EVEN, "wrong cotangent", ["∂E/∂Z2", "∂E/∂Z1"], wrt="A0")
def network_A0_with_the_other_delta(A0, b0, A1, b1, X, Y):
    _, f2 = forward(A0, b0, A1, b1, X)
    return np.outer((f2 - Y) * slope(f2), X)


@planted(E, EVEN, "wrong argument", ["σ′(Z1)", "Z2"], wrt="b0")
def network_b0_with_the_slope_of_the_other_layer(A0, b0, A1, b1, X, Y):
    _, f2 = forward(A0, b0, A1, b1, X)
    return (A1.T @ ((f2 - Y) * slope(f2))) * slope(f2)


@planted(E, EVEN, "wrong value", ["X", "f1"], wrt="A1")
def network_A1_with_X_for_f1(A0, b0, A1, b1, X, Y):
    _, f2 = forward(A0, b0, A1, b1, X)
    return np.outer((f2 - Y) * slope(f2), X)


@planted(E, EVEN, "transposed", ["transpose"], wrt="A1")
def network_A1_transposed(A0, b0, A1, b1, X, Y):
    f1, f2 = forward(A0, b0, A1, b1, X)
    return np.outer(f1, (f2 - Y) * slope(f2))


@planted(E, NET, "missing factor", ["every", "sigmoid"], wrt="A0")
def network_A0_without_any_slope(A0, b0, A1, b1, X, Y):
    _, f2 = forward(A0, b0, A1, b1, X)
    return np.outer(A1.T @ (f2 - Y), X)


def batch_cost(W, b, X, Y):
    Z = X @ W + b
    F = np.tanh(Z)
    return 0.5 * np.mean(np.sum((F - Y) ** 2, axis=1))


BATCH = (normal(3, 2), normal(2), normal(6, 3), normal(6, 2))


@planted(batch_cost, BATCH, "sum against mean", ["6"])
def batch_without_the_mean(W, b, X, Y):
    F = np.tanh(X @ W + b)
    return X.T @ ((F - Y) * (1 - F**2))


@planted(batch_cost, BATCH, "wrong derivative", ["tanh", "square"])
def batch_with_a_wrong_slope_of_tanh(W, b, X, Y):
    F = np.tanh(X @ W + b)
    return X.T @ ((F - Y) * (1 - F)) / len(X)


@planted(batch_cost, BATCH, "missing sum", ["axis 0"], wrt="b")
def batch_bias_without_the_sum(W, b, X, Y):
    F = np.tanh(X @ W + b)
    return (F - Y) * (1 - F**2) / len(X)


# -- softmax, compositions of elements, norms -----------------------------------------------------


def softmax_cost(W, X, Y):
    Z = X @ W
    P = cr.softmax(Z)
    return -np.sum(Y * np.log(P))


SOFTMAX = (normal(3, 4), normal(5, 3), np.eye(4)[[0, 2, 1, 3, 2]])


@planted(softmax_cost, SOFTMAX, "wrong sign", ["sign"])
def softmax_with_y_minus_p(W, X, Y):
    return X.T @ (Y - cr.softmax(X @ W))


@planted(softmax_cost, SOFTMAX, "dropped term", ["softmax"])
def softmax_with_only_its_diagonal(W, X, Y):
    P = cr.softmax(X @ W)
    return -X.T @ (Y * (1 - P) + 0 * P - Y * P + Y * P) + X.T @ (-Y * P)


@planted(softmax_cost, SOFTMAX, "sum against mean", ["5", "rows of X"])
def softmax_as_a_mean(W, X, Y):
    return X.T @ (cr.softmax(X @ W) - Y) / len(X)


def waves(x):
    u = x**2
    return np.sum(np.sin(u) * np.exp(x))


WAVES = (normal(5),)


@planted(waves, WAVES, "dropped term", ["exp(x)"])
def waves_without_half_the_product_rule(x):
    return np.cos(x**2) * 2 * x * np.exp(x)


@planted(waves, WAVES, "missing factor", ["u"])
def waves_without_the_inner_derivative(x):
    return np.cos(x**2) * np.exp(x) + np.sin(x**2) * np.exp(x)


@planted(waves, WAVES, "wrong argument", ["sin′(u)", "x"])
def waves_with_the_cosine_of_x(x):
    return np.cos(x) * 2 * x * np.exp(x) + np.sin(x**2) * np.exp(x)


def cubes(x):
    return np.sum(x**3)


@planted(cubes, WAVES, "missing factor", ["factor 3"])
def cubes_without_the_exponent(x):
    return x**2


@planted(cubes, WAVES, ("extra factor",), ["x"])
def cubes_with_the_exponent_kept(x):
    return 3 * x**3


def length(x):
    return np.sqrt(np.sum(x**2))


@planted(length, WAVES, "extra factor", ["division", "length"])
def length_without_its_denominator(x):
    return x


@planted(length, WAVES, "constant factor", ["twice"])
def length_without_the_half(x):
    return 2 * x / np.sqrt(np.sum(x**2))


def centred(x):
    m = x.mean()
    d = x - m
    return np.sum(d**4)


@planted(centred, WAVES, "dropped term", ["m"])
def centred_with_a_constant_mean(x):
    return 4 * (x - x.mean()) ** 3


def ends(x):
    return x[0] ** 2 + np.sum(np.sin(x))


@planted(ends, WAVES, ("entries", "dropped term"), ["0"])
def ends_without_the_first(x):
    return np.cos(x)


def convolution(k, x):
    y = k[0] * x[:-2] + k[1] * x[1:-1] + k[2] * x[2:]
    return y @ y


@planted(convolution, (normal(3), normal(8)), "reversed", ["reverse order", "axis 0 of k"])
def convolution_with_the_kernel_turned(k, x):
    y = k[0] * x[:-2] + k[1] * x[1:-1] + k[2] * x[2:]
    return 2 * np.array([y @ x[2:], y @ x[1:-1], y @ x[:-2]])


def hinge(w, X, t):
    m = 1 - t * (X @ w)
    return np.mean(np.maximum(m, 0))


@planted(hinge, (normal(3), normal(8, 3), np.sign(normal(8))), "missing factor", ["maximum(m, 0)"])
def hinge_without_its_indicator(w, X, t):
    return -X.T @ t / len(t)


@planted(hinge, (normal(3), normal(8, 3), np.sign(normal(8))), "missing factor", ["factor t"])
def hinge_without_the_labels(w, X, t):
    return -X.T @ (t * (X @ w) < 1) / len(t)


def recurrent(U, W, xs):
    h = np.zeros(3)
    for x in xs:
        h = np.tanh(W @ h + U @ x)
    return h @ h


@planted(recurrent, (normal(3, 2), normal(3, 3), normal(2, 2)), "forgotten transpose", ["W"])
def recurrent_without_the_transpose(U, W, xs):
    h1 = np.tanh(U @ xs[0])
    h2 = np.tanh(W @ h1 + U @ xs[1])
    d2 = 2 * h2 * (1 - h2**2)
    d1 = (W @ d2) * (1 - h1**2)
    return np.outer(d2, xs[1]) + np.outer(d1, xs[0])


@planted(recurrent, (normal(3, 2), normal(3, 3), normal(2, 2)), "dropped term", ["h"])
def recurrent_cut_off_after_one_step(U, W, xs):
    h2 = np.tanh(W @ np.tanh(U @ xs[0]) + U @ xs[1])
    return np.outer(2 * h2 * (1 - h2**2), xs[1])


def attention(q, K, V, t):
    s = K @ q
    p = cr.softmax(s)
    o = p @ V
    return 0.5 * np.sum((o - t) ** 2)


ATTENTION = (normal(4), normal(5, 4), normal(5, 3), normal(3))


@planted(attention, ATTENTION, "dropped term", ["only the diagonal", "softmax at s"])
def attention_with_p_times_1_minus_p(q, K, V, t):
    p = cr.softmax(K @ q)
    return K.T @ (p * (1 - p) * (V @ (p @ V - t)))


@planted(attention, ATTENTION, "missing factor", ["the Jacobian of softmax at s"])
def attention_without_the_softmax(q, K, V, t):
    return K.T @ (V @ (cr.softmax(K @ q) @ V - t))


def polar(x):
    r, a = x[0], x[1]
    return np.stack([r * np.cos(a), r * np.sin(a)])


@planted(polar, (np.array([2.0, 0.4]),), "wrong sign", ["cos(a)"])
def polar_with_a_plus(x):
    (r, a), one = x, 1.0
    return np.array([[one * np.cos(a), r * np.sin(a)], [np.sin(a), r * np.cos(a)]])


@planted(L, LS, "constant factor", ["step of gradient descent", "0.1"])
def least_squares_as_a_step(theta, Phi, y):
    return 0.1 * 2 * (y - Phi @ theta) @ Phi


def square_form(A, x):
    return x @ A @ x


@planted(square_form, (normal(3, 3), normal(3)), "symmetric only", ["G + Gᵀ − diag(G)"])
def square_form_by_a_symmetric_matrix(A, x):
    return 2 * np.outer(x, x) - np.diag(x * x)


# -- functions of vectors with vectors as results -------------------------------------------------


def affine(x, A, b):
    return A @ x + b


AFFINE = (normal(3), normal(4, 3), normal(4))


@planted(affine, AFFINE, "transposed", ["denominator"])
def affine_in_denominator_layout(x, A, b):
    return A.T


def hidden(x, A, b):
    z = A @ x + b
    return np.tanh(z)


@planted(hidden, (normal(3), normal(3, 3), normal(3)), "transposed", ["denominator"])
def hidden_in_denominator_layout(x, A, b):
    f = np.tanh(A @ x + b)
    return (np.diag(1 - f**2) @ A).T


@planted(hidden, (normal(3), normal(3, 3), normal(3)), "missing factor", ["tanh′(z)"])
def hidden_without_the_slope(x, A, b):
    return A


@planted(np.exp, (normal(4),), "diagonal only", ["diagonal"])
def exponentials_as_a_vector(x):
    return np.exp(x)


def column_of(x):
    return np.sum(np.exp(x))


@planted(column_of, WAVES, "column", ["column"])
def gradient_as_a_column(x):
    return np.exp(x)[:, None]


@planted(frobenius, (normal(3, 2), normal(3, 3)), "flattened", ["flattened"])
def gradient_flattened(X, A):
    return (A.T @ A @ X).ravel()


@planted(waves, WAVES, "not finite", ["nan"])
def gradient_with_a_nan(x):
    g = np.cos(x**2) * 2 * x * np.exp(x) + np.sin(x**2) * np.exp(x)
    g[2] = np.nan
    return g


@planted(waves, WAVES, "entries", ["[3]"])
def gradient_with_one_wrong_entry(x):
    g = np.cos(x**2) * 2 * x * np.exp(x) + np.sin(x**2) * np.exp(x)
    g[3] *= 1.37
    return g
