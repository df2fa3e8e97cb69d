"""Mistakes made with whole layers: softmax, normalisations, steps that are repeated."""

from __future__ import annotations

import numpy as np

import chainrule as cr
from tests.checking.planted import RNG, normal, planted, sigma, slope

# -- softmax and the cross-entropy ----------------------------------------------------------------


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def entropy_of_softmax(W, X, Y):
    Z = X @ W
    P = cr.softmax(Z)
    return -np.sum(Y * np.log(P))


def entropy_by_exponentials(W, X, Y):
    Z = X @ W
    e = np.exp(Z)
    P = e / e.sum(axis=1, keepdims=True)
    return -np.sum(Y * np.log(P)) / len(X)


def entropy_by_logarithms(W, X, Y):
    Z = X @ W
    return np.sum(cr.logsumexp(Z, axis=1)) - np.sum(Y * Z)


ONE_HOT = (normal(3, 4), normal(5, 3), np.eye(4)[[0, 2, 1, 3, 2]])
WIDE = (normal(2, 3), normal(8, 2), np.eye(3)[RNG.integers(0, 3, 8)])


@planted(entropy_of_softmax, ONE_HOT, "extra factor", ["softmax", "again"])
def softmax_with_an_extra_slope(W, X, Y):
    P = softmax(X @ W)
    return X.T @ ((P - Y) * P * (1 - P))


@planted(entropy_by_exponentials, WIDE, "extra factor", ["P", "again"])
def softmax_by_exponentials_with_an_extra_slope(W, X, Y):
    P = softmax(X @ W)
    return X.T @ ((P - Y) * P * (1 - P)) / len(X)


@planted(entropy_by_logarithms, ONE_HOT, "extra factor", ["softmax", "Z"])
def softmax_by_logarithms_with_an_extra_slope(W, X, Y):
    P = softmax(X @ W)
    return X.T @ ((P - Y) * P * (1 - P))


def entropy_of_one(z, y):
    p = cr.softmax(z)
    return -y @ np.log(p)


@planted(entropy_of_one, (normal(5), np.eye(5)[2]), "extra factor", ["softmax", "again"])
def softmax_of_one_with_an_extra_slope(z, y):
    p = softmax(z)
    return (p - y) * p * (1 - p)


def entropy_of_sigmoid(w, X, t):
    z = X @ w
    return np.sum(np.logaddexp(0, z) - t * z)


@planted(
    entropy_of_sigmoid, (normal(3), normal(8, 3), (RNG.random(8) > 0.5) * 1.0), "extra factor",
    ["sigmoid", "z"],
)  # fmt: skip
def sigmoid_by_logarithms_with_an_extra_slope(w, X, t):
    p = sigma(X @ w)
    return X.T @ ((p - t) * p * (1 - p))


WEIGHTED = (normal(3, 4), normal(5, 3), RNG.random((5, 4)))


@planted(entropy_of_softmax, WEIGHTED, ("wrong factor", "sums to one"), ["Y", "1"])
def softmax_of_weights_that_do_not_sum_to_1(W, X, Y):
    return X.T @ (softmax(X @ W) - Y)


@planted(entropy_by_exponentials, (normal(2, 3), normal(8, 2), RNG.random((8, 3))),
         ("wrong factor", "sums to one"), ["Y", "1"])  # fmt: skip
def softmax_by_exponentials_of_weights(W, X, Y):
    return X.T @ (softmax(X @ W) - Y) / len(X)


@planted(entropy_of_one, (normal(5), RNG.random(5)), ("wrong factor", "sums to one"), ["y", "1"])
def softmax_of_one_of_weights(z, y):
    return softmax(z) - y


SQUARE = (normal(4, 4), normal(4, 4), RNG.random((4, 4)))


def entropy_along_rows(Z, Y):
    P = cr.softmax(Z, axis=1)
    return -np.sum(Y * np.log(P))


ROWS = (normal(4, 3), np.eye(3)[[0, 2, 1, 1]])


@planted(entropy_along_rows, ROWS, "wrong axis", ["softmax", "axis 0", "axis 1"])
def softmax_over_the_wrong_axis(Z, Y):
    return softmax(Z.T).T - Y


def squares_of_softmax(W, X, Y):
    Z = X @ W
    P = cr.softmax(Z, axis=1)
    return 0.5 * np.sum((P - Y) ** 2)


@planted(squares_of_softmax, ONE_HOT, "wrong axis", ["softmax", "axis 0", "axis 1"])
def squares_of_softmax_over_the_wrong_axis(W, X, Y):
    P = softmax((X @ W).T).T
    D = P - Y
    return X.T @ (P * (D - np.sum(D * P, axis=0)))


def entropy_of_log_softmax(W, X, Y):
    L = cr.log_softmax(X @ W, axis=1)
    return -np.sum(Y * L) / len(X)


@planted(entropy_of_log_softmax, WIDE, "wrong axis", ["softmax", "axis 0", "axis 1"])
def log_softmax_over_the_wrong_axis(W, X, Y):
    P = softmax((X @ W).T).T
    return X.T @ (P - Y) / len(X)


def spread(X, C):
    D = X - X.mean(axis=0, keepdims=True)
    return np.sum(C * D**2)


@planted(spread, (normal(4, 3), normal(4, 3)), "wrong axis", ["X", "axis 0", "axis 1"])
def spread_about_the_means_of_the_other_axis(X, C):
    D = X - X.mean(axis=1, keepdims=True)
    return 2 * (C * D - (C * D).mean(axis=0))


# -- normalisations -------------------------------------------------------------------------------


def batch_norm(x, gamma, beta, T):
    mu = x.mean(axis=0)
    var = ((x - mu) ** 2).mean(axis=0)
    xhat = (x - mu) / np.sqrt(var + 0.01)
    y = gamma * xhat + beta
    return 0.5 * np.sum((y - T) ** 2)


def batch_norm_by_numpy(x, gamma, beta, T):
    y = gamma * (x - np.mean(x, axis=0)) / np.sqrt(np.var(x, axis=0) + 0.01) + beta
    return 0.5 * np.sum((y - T) ** 2)


def layer_norm(x, gamma, beta, T):
    m = x.mean(axis=1, keepdims=True)
    v = x.var(axis=1, keepdims=True)
    y = (x - m) / np.sqrt(v + 0.02) * gamma + beta
    return np.sum(np.tanh(y) * T)


def vector_norm(x, c):
    m = np.mean(x)
    s = np.std(x)
    z = (x - m) / s
    return np.sum(np.exp(0.3 * z) * c)


BN = (normal(6, 3), normal(3), normal(3), normal(6, 3))
LN = (normal(4, 5), normal(5), normal(5), normal(4, 5))


def normalised(x, axis, eps):
    mu, var = x.mean(axis=axis, keepdims=True), x.var(axis=axis, keepdims=True)
    return (x - mu) / np.sqrt(var + eps), np.sqrt(var + eps)


@planted(batch_norm, BN, "dropped term", ["mu", "var", "constant"])
def batch_norm_with_both_held_constant(x, gamma, beta, T):
    xhat, std = normalised(x, 0, 0.01)
    return gamma * (gamma * xhat + beta - T) / std


@planted(batch_norm, BN, "dropped term", ["var"])
def batch_norm_with_the_variance_held_constant(x, gamma, beta, T):
    xhat, std = normalised(x, 0, 0.01)
    d = gamma * (gamma * xhat + beta - T) / std
    return d - d.mean(axis=0)


@planted(batch_norm_by_numpy, BN, "dropped term", ["constants", "sum(x, axis=0)"])
def batch_norm_by_numpy_with_both_held_constant(x, gamma, beta, T):
    xhat, std = normalised(x, 0, 0.01)
    return gamma * (gamma * xhat + beta - T) / std


@planted(layer_norm, LN, "dropped term", ["constants", "sum(x, axis=1)"])
def layer_norm_with_both_held_constant(x, gamma, beta, T):
    xhat, std = normalised(x, 1, 0.02)
    return T * (1 - np.tanh(gamma * xhat + beta) ** 2) * gamma / std


@planted(vector_norm, (normal(6), normal(6)), "dropped term", ["m", "s", "constant"])
def vector_norm_with_both_held_constant(x, c):
    z = (x - x.mean()) / x.std()
    return 0.3 * np.exp(0.3 * z) * c / x.std()


def norm_backward(d, xhat, std, axis):
    along = d.mean(axis=axis, keepdims=True)
    return (d - along - xhat * (d * xhat).mean(axis=axis, keepdims=True)) / std


@planted(batch_norm, BN, "wrong value", ["0.01", "outside"])
def batch_norm_with_epsilon_outside_the_root(x, gamma, beta, T):
    mu, std = x.mean(axis=0), x.std(axis=0) + 0.01
    xhat = (x - mu) / std
    return norm_backward(gamma * (gamma * xhat + beta - T), xhat, std, 0)


@planted(layer_norm, LN, "wrong value", ["0.02", "outside"])
def layer_norm_with_epsilon_outside_the_root(x, gamma, beta, T):
    std = x.std(axis=1, keepdims=True) + 0.02
    xhat = (x - x.mean(axis=1, keepdims=True)) / std
    return norm_backward(T * (1 - np.tanh(gamma * xhat + beta) ** 2) * gamma, xhat, std, 1)


def smooth_length(x, c):
    r = np.sqrt(np.sum(x**2) + 0.25)
    return c @ x * r


@planted(smooth_length, (normal(4), normal(4)), "wrong value", ["0.25", "outside"])
def smooth_length_with_epsilon_outside_the_root(x, c):
    r = np.linalg.norm(x) + 0.25
    return c * r + c @ x * x / r


def root_mean_square(x, c, eps):
    return np.sum(c * x * (np.mean(x**2) + eps) ** -0.5)


@planted(root_mean_square, (normal(5), normal(5), 0.01), "wrong value", ["eps", "outside"])
def root_mean_square_with_epsilon_outside_the_root(x, c, eps):
    r = 1 / (np.sqrt(np.mean(x**2)) + eps)
    return c * r - x * (c @ x) * r**3 / len(x)


def norms_of_rows(X, C):
    s = np.sum(X**2, axis=1) + 0.05
    return np.sum(C * X * (s ** (-0.5))[:, None])


@planted(norms_of_rows, (normal(3, 4), normal(3, 4)), "wrong value", ["0.05", "outside"])
def norms_of_rows_with_epsilon_outside_the_root(X, C):
    r = 1 / (np.linalg.norm(X, axis=1, keepdims=True) + 0.05)
    return C * r - X * np.sum(C * X, axis=1, keepdims=True) * r**3


@planted(batch_norm, BN, ("wrong value", "dropped term"), ["0.01"])
def batch_norm_without_epsilon(x, gamma, beta, T):
    xhat, std = normalised(x, 0, 0.0)
    return norm_backward(gamma * (gamma * xhat + beta - T), xhat, std, 0)


# -- the same slip in every step ------------------------------------------------------------------


def network(A0, A1, A2, X, Y):
    Z1 = A0 @ X
    f1 = cr.sigmoid(Z1)
    Z2 = A1 @ f1
    f2 = cr.sigmoid(Z2)
    Z3 = A2 @ f2
    f3 = cr.sigmoid(Z3)
    return 0.5 * np.sum((f3 - Y) ** 2)


DEEP = (normal(4, 3), normal(3, 4), normal(2, 3), normal(3), RNG.random(2))


def deltas(A0, A1, A2, X, Y, act=sigma, der=slope):
    f1 = act(A0 @ X)
    f2 = act(A1 @ f1)
    f3 = act(A2 @ f2)
    d3 = (f3 - Y) * der(f3)
    d2 = (A2.T @ d3) * der(f2)
    d1 = (A1.T @ d2) * der(f1)
    return d1, d2, d3


@planted(network, DEEP, "wrong argument", ["every", "sigmoid"])
def network_with_every_slope_taken_at_the_activation(A0, A1, A2, X, Y):
    d1, _, _ = deltas(A0, A1, A2, X, Y, der=lambda f: slope(sigma(f)))
    return np.outer(d1, X)


@planted(network, DEEP, "extra factor", ["every", "sigmoid"])
def network_with_every_slope_twice(A0, A1, A2, X, Y):
    d1, _, _ = deltas(A0, A1, A2, X, Y, der=lambda f: slope(f) ** 2)
    return np.outer(d1, X)


@planted(network, DEEP, ("missing factor", "wrong derivative"), ["every", "sigmoid"])
def network_with_half_of_every_slope(A0, A1, A2, X, Y):
    d1, _, _ = deltas(A0, A1, A2, X, Y, der=lambda f: f)
    return np.outer(d1, X)


@planted(network, DEEP, "missing factor", ["every", "sigmoid"])
def network_without_any_slope(A0, A1, A2, X, Y):
    d1, _, _ = deltas(A0, A1, A2, X, Y, der=lambda f: 1.0)
    return np.outer(d1, X)


def tanh_network(A0, A1, X, Y):
    a1 = np.tanh(X @ A0)
    a2 = np.tanh(a1 @ A1)
    return np.mean((a2 - Y) ** 2)


@planted(
    tanh_network, (normal(3, 4), normal(4, 2), normal(6, 3), normal(6, 2)), "wrong argument",
    ["every", "tanh"],
)  # fmt: skip
def tanh_network_with_every_slope_taken_at_the_activation(A0, A1, X, Y):
    a1 = np.tanh(X @ A0)
    a2 = np.tanh(a1 @ A1)
    d2 = 2 * (a2 - Y) / Y.size * (1 - np.tanh(a2) ** 2)
    return X.T @ ((d2 @ A1.T) * (1 - np.tanh(a1) ** 2))


def recurrent(W, U, xs):
    h = np.zeros(3)
    for x in xs:
        h = np.tanh(W @ h + U @ x)
    return h @ h


RNN = (normal(3, 3), normal(3, 2), normal(5, 2))


def through_time(W, U, xs, der=lambda h: 1 - h**2, back=lambda W, d: W.T @ d, last=None):
    hs = [np.zeros(3)]
    for x in xs:
        hs.append(np.tanh(W @ hs[-1] + U @ x))
    d, g = 2 * hs[-1], np.zeros_like(W)
    for t in reversed(range(len(xs))):
        d = d * der(hs[t + 1])
        g += np.outer(d, hs[t])
        d = back(W, d)
    return g


@planted(recurrent, RNN, "forgotten transpose", ["every", "W"])
def recurrence_without_any_transpose(W, U, xs):
    return through_time(W, U, xs, back=lambda W, d: W @ d)


@planted(recurrent, RNN, "missing factor", ["every", "W"])
def recurrence_without_any_matrix(W, U, xs):
    return through_time(W, U, xs, back=lambda W, d: d)


@planted(recurrent, RNN, "constant factor", ["every", "2"])
def recurrence_with_a_factor_2_in_every_step(W, U, xs):
    return through_time(W, U, xs, back=lambda W, d: 2 * W.T @ d)


@planted(recurrent, RNN, "wrong sign", ["every", "sign"])
def recurrence_with_a_minus_in_every_step(W, U, xs):
    return through_time(W, U, xs, back=lambda W, d: -W.T @ d)


@planted(recurrent, RNN, "wrong derivative", ["every", "tanh", "square"])
def recurrence_without_any_square(W, U, xs):
    return through_time(W, U, xs, der=lambda h: 1 - h)


@planted(recurrent, RNN, "wrong argument", ["every", "tanh"])
def recurrence_with_the_slopes_at_h(W, U, xs):
    return through_time(W, U, xs, der=lambda h: 1 - np.tanh(h) ** 2)


def euler(x, A, dt):
    for _ in range(4):
        x = x + dt * np.tanh(A @ x)
    return 0.5 * x @ x


def euler_backward(x, A, dt, step):
    xs = [x]
    for _ in range(4):
        xs.append(xs[-1] + dt * np.tanh(A @ xs[-1]))
    d = xs[-1]
    for x in reversed(xs[:-1]):
        d = step(d, 1 - np.tanh(A @ x) ** 2)
    return d


EULER = (normal(3), normal(3, 3), 0.1)


@planted(euler, EULER, "missing factor", ["every", "dt"])
def euler_without_the_step_size(x, A, dt):
    return euler_backward(x, A, dt, lambda d, s: d + A.T @ (d * s))


@planted(euler, EULER, "dropped term", ["every"])
def euler_without_the_identity(x, A, dt):
    return euler_backward(x, A, dt, lambda d, s: dt * A.T @ (d * s))


@planted(euler, EULER, "missing factor", ["every", "tanh"])
def euler_without_the_slopes(x, A, dt):
    return euler_backward(x, A, dt, lambda d, s: d + dt * A.T @ d)


@planted(euler, EULER, "wrong sign", ["every", "sign"])
def euler_with_a_minus(x, A, dt):
    return euler_backward(x, A, dt, lambda d, s: d - dt * A.T @ (d * s))


# -- wrong formulas of elements -------------------------------------------------------------------


def arcs(x, c):
    return c @ np.arctan(x)


@planted(arcs, (normal(5), normal(5)), "wrong derivative", ["arctan"])
def arctan_with_a_root(x, c):
    return c / np.sqrt(1 + x**2)


@planted(arcs, (normal(5), normal(5)), "wrong derivative", ["arctan"])
def arctan_without_the_square(x, c):
    return c / (1 + x)


def tangents(W, x, c):
    z = W @ x
    return c @ np.tan(z / 4)


@planted(tangents, (normal(4, 3), normal(3), normal(4)), "wrong derivative", ["tan"])
def tan_with_one_cosine(W, x, c):
    return np.outer(c / 4 / np.cos(W @ x / 4), x)


def waves(W, x, c):
    z = W @ x
    s = np.cos(z)
    return c @ s


@planted(waves, (normal(4, 3), normal(3), normal(4)), "wrong sign", ["sign"])
def cos_without_the_minus(W, x, c):
    return np.outer(c * np.sin(W @ x), x)


@planted(waves, (normal(4, 3), normal(3), normal(4)), "wrong derivative", ["cos"])
def cos_with_a_cosine(W, x, c):
    return np.outer(c * np.cos(W @ x), x)


@planted(waves, (normal(4, 3), normal(3), normal(4)), "wrong derivative", ["cos"])
def cos_with_a_formula_of_its_own(W, x, c):
    z = W @ x
    return np.outer(c * (np.sin(z) - 0.3 * z * np.cos(2 * z)), x)


def logs(w, X, c):
    z = X @ w
    y = np.log(1 + z**2)
    return c @ y


@planted(logs, (normal(3), normal(6, 3), normal(6)), ("wrong derivative", "missing factor"), ["z"])
def log_without_the_inner_slope(w, X, c):
    z = X @ w
    return X.T @ (c / (1 + z**2))


def soft(W, x, c):
    z = W @ x
    return c @ np.logaddexp(0, z)


@planted(soft, (normal(4, 3), normal(3), normal(4)), "wrong derivative", ["logaddexp"])
def softplus_with_a_tanh(W, x, c):
    return np.outer(c * np.tanh(W @ x), x)


def tanh_layer(W, x, c):
    z = W @ x
    a = np.tanh(z)
    return c @ a


@planted(tanh_layer, (normal(4, 3), normal(3), normal(4)), "wrong derivative", ["sigmoid", "tanh"])
def tanh_with_the_slope_of_sigmoid(W, x, c):
    a = sigma(W @ x)
    return np.outer(c * a * (1 - a), x)


@planted(tanh_layer, (normal(4, 3), normal(3), normal(4)), "wrong derivative", ["sigmoid", "tanh"])
def tanh_with_the_formula_of_sigmoid(W, x, c):
    a = np.tanh(W @ x)
    return np.outer(c * a * (1 - a), x)


@planted(tanh_layer, (normal(4, 3), normal(3), normal(4)), "wrong derivative", ["tanh"])
def tanh_with_a_plus(W, x, c):
    a = np.tanh(W @ x)
    return np.outer(c * (1 + a**2), x)


def hidden_tanh(V, W, x, c):
    h = np.tanh(V @ x)
    z = W @ h
    return c @ np.sin(z)


@planted(hidden_tanh, (normal(4, 3), normal(2, 4), normal(3), normal(2)), "wrong derivative",
         ["sin"])  # fmt: skip
def sine_with_a_formula_of_its_own_below_a_layer(V, W, x, c):
    h = np.tanh(V @ x)
    z = W @ h
    d = W.T @ (c * np.cos(z) * (1 + 0.1 * z**2)) * (1 - h**2)
    return np.outer(d, x)


# -- small, and wrong all the same ----------------------------------------------------------------


def tiny_penalty(w, X, y):
    e = X @ w - y
    decay = 1e-8 * np.sum(w**2)
    return np.mean(e**2) + decay


@planted(tiny_penalty, (normal(3), normal(6, 3), normal(6)), "dropped term", ["decay"])
def a_penalty_of_1e_8_left_out(w, X, y):
    return 2 * X.T @ (X @ w - y) / len(y)


def length_with_tiny_epsilon(x, c):
    r = np.sqrt(np.sum(x**2) + 1e-9)
    return c @ x / r


@planted(length_with_tiny_epsilon, (normal(4), normal(4)), "wrong value", ["1e-09", "outside"])
def an_epsilon_of_1e_9_outside_the_root(x, c):
    r = np.linalg.norm(x) + 1e-9
    return c / r - (c @ x) * x / r**3
