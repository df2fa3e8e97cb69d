"""Reductions, the networks' functions, and small models made of all the rest."""

import numpy

from tests.parity.cases import at, case, positive

REDUCTIONS = [
    case("sum", lambda np, A: A.sum() ** 2, at(2, 3)),
    case("sum of rows", lambda np, A: np.sum(A, axis=0) ** 2, at(2, 3)),
    case("sum, kept", lambda np, A: A / A.sum(axis=1, keepdims=True), positive(2, 3)),
    case("sum of two axes", lambda np, A: A.sum(axis=(0, -1)) ** 2, at(2, 2, 3)),
    case("mean", lambda np, A: np.mean(A) ** 2, at(2, 3)),
    case("mean along an axis", lambda np, A: (A - A.mean(axis=0)) ** 2, at(2, 3)),
    case(
        "mean of two axes, kept", lambda np, A: A * A.mean(axis=(0, 2), keepdims=True), at(2, 2, 2)
    ),
    case("average with weights", lambda np, x, w: np.average(x, weights=w), at(4), positive(4)),
    case("var", lambda np, A: np.var(A), at(2, 3)),
    case("var along an axis", lambda np, A: A.var(axis=1, ddof=1), at(2, 3)),
    case("std", lambda np, A: np.std(A, axis=0, keepdims=True), at(3, 2)),
    case("max", lambda np, A: np.max(A) ** 2, at(2, 3)),
    case("max along an axis", lambda np, A: A.max(axis=1) ** 2, at(2, 3)),
    case("max, kept", lambda np, A: np.exp(A - A.max(axis=0, keepdims=True)), at(2, 3)),
    case("min", lambda np, A: A.min(axis=(0, 1)) ** 2, at(2, 3)),
    case("amin and amax", lambda np, A: np.amax(A, axis=0) * np.amin(A, axis=0), at(3, 2)),
    case("ptp", lambda np, A: np.ptp(A, axis=0) ** 2, at(3, 2)),
    case("prod", lambda np, x: np.prod(x), at(4)),
    case("prod along an axis", lambda np, A: A.prod(axis=1) ** 2, at(2, 3)),
    case("prod, kept", lambda np, A: A / np.prod(A, axis=0, keepdims=True), at(2, 3)),
    case("entry at argmax", lambda np, x: x[np.argmax(x)] ** 2, at(4)),
]

NETWORK_FUNCTIONS = [
    case("sigmoid", lambda np, nn, x: nn.sigmoid(x), at(4)),
    case("relu", lambda np, nn, x: nn.relu(x) * x, at(4)),
    case("softmax", lambda np, nn, x: nn.softmax(x), at(4)),
    case("softmax of rows", lambda np, nn, A: nn.softmax(A), at(2, 3)),
    case("softmax of columns", lambda np, nn, A: nn.softmax(A, axis=0) * A, at(2, 3)),
    case("log_softmax", lambda np, nn, x: nn.log_softmax(x), at(4)),
    case("log_softmax of columns", lambda np, nn, A: nn.log_softmax(A, axis=0), at(2, 3)),
    case("logsumexp", lambda np, nn, A: nn.logsumexp(A), at(2, 3)),
    case("logsumexp of rows", lambda np, nn, A: nn.logsumexp(A, axis=1), at(2, 3)),
    case("logsumexp, kept", lambda np, nn, A: A - nn.logsumexp(A, axis=0, keepdims=True), at(2, 3)),
    case("softplus", lambda np, x: np.logaddexp(x, 0.0), at(4)),
    case("gelu by tanh", lambda np, x: 0.5 * x * (1 + np.tanh(0.8 * (x + 0.04 * x**3))), at(4)),
    case("swish", lambda np, nn, x: x * nn.sigmoid(x), at(4)),
]

FEATURES, TARGETS = at(5, 3, seed=7), numpy.array([1.0, 0.0, 0.0, 1.0, 1.0])
CLASSES = numpy.array([0, 2, 1, 1, 0])


def logistic(np, w, b):
    z = FEATURES @ w + b
    return np.mean(np.logaddexp(0.0, z) - TARGETS * z)


def softmax_regression(np, nn, W, b):
    scores = nn.log_softmax(FEATURES @ W + b, axis=1)
    return -np.mean(scores[np.arange(5), CLASSES])


def three_layers(np, nn, A0, A1, A2):
    f = np.tanh(FEATURES @ A0.T)
    f = nn.sigmoid(f @ A1.T)
    return 0.5 * np.sum((f @ A2.T - TARGETS[:, None]) ** 2)


def mixture(np, nn, weights, means, spreads):
    """The log-likelihood of a mixture of Gaussians with a spread for each component."""
    squares = np.sum((FEATURES[:, None, :] - means) ** 2, axis=-1)
    logs = nn.log_softmax(weights) - 1.5 * np.log(2 * np.pi) - 3 * spreads
    return np.sum(nn.logsumexp(logs - 0.5 * squares * np.exp(-2 * spreads), axis=1))


def lstm(np, nn, W, h, c):
    gates = W @ np.concatenate([FEATURES[0], h])
    i, f, o, g = np.split(gates, 4)
    c = nn.sigmoid(f) * c + nn.sigmoid(i) * np.tanh(g)
    return np.concatenate([nn.sigmoid(o) * np.tanh(c), c])


def attention(np, nn, Q, K, V):
    return nn.softmax(Q @ K.T / np.sqrt(3.0), axis=-1) @ V


def layer_norm(np, x, scale):
    centred = x - x.mean(axis=-1, keepdims=True)
    return scale * centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)


def recurrence(np, A, x):
    for _ in range(5):
        x = np.sin(A @ x) + x / 2
    return x


def convolution(np, x, kernel):
    return sum(kernel[i] * x[i : i + 4] for i in range(3)) ** 2


def pendulum(np, state):
    """Two steps of Runge and Kutta for (angle, speed)."""

    def slope(s):
        return np.stack([s[1], -np.sin(s[0]) - 0.1 * s[1]])

    h = 0.3
    for _ in range(2):
        k1 = slope(state)
        k2 = slope(state + h / 2 * k1)
        k3 = slope(state + h / 2 * k2)
        k4 = slope(state + h * k3)
        state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return state


def rosenbrock(np, x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def factorisation(np, U, V):
    return np.sum((FEATURES - U @ V.T) ** 2)


def distances(np, X):
    squares = np.sum((X[:, None] - X[None]) ** 2, axis=-1)
    return np.sum(np.exp(-squares / 2))


def function_5_109(np, x):
    return np.sqrt(x**2 + np.exp(x**2)) + np.cos(x**2 + np.exp(x**2))


MODELS = [
    case("(5.109)", function_5_109, at(4)),
    case("logistic regression", logistic, at(3), at()),
    case("softmax regression", softmax_regression, at(3, 3), at(3)),
    case("three layers", three_layers, at(4, 3), at(2, 4), at(1, 2)),
    case("mixture of Gaussians", mixture, at(2), at(2, 3), at(2, seed=4)),
    case("LSTM cell", lstm, at(8, 5), at(2), at(2, seed=4)),
    case("attention", attention, at(2, 3), at(3, 3), at(3, 2)),
    case("layer norm", layer_norm, at(2, 3), at(3)),
    case("recurrence", recurrence, at(3, 3) / 3, at(3)),
    case("convolution", convolution, at(6), at(3)),
    case("pendulum", pendulum, at(2)),
    case("Rosenbrock", rosenbrock, at(4)),
    case("matrix factorisation", factorisation, at(5, 2), at(3, 2)),
    case("kernel of distances", distances, at(3, 2)),
]

CASES = [*REDUCTIONS, *NETWORK_FUNCTIONS, *MODELS]
