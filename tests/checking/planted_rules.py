"""Softmax written out by hand, weights from outside, and rules used where another belongs."""

from __future__ import annotations

import numpy as np

import chainrule as cr
from chainrule.primitives.elementwise import ROWS
from tests.checking.planted import RNG, normal, planted

# -- softmax as it is written out, normalised over another axis ------------------------------------


def keeping(Z, axis):
    e = np.exp(Z)
    return e / e.sum(axis=axis, keepdims=True)


def shifted(Z, axis):
    e = np.exp(Z - Z.max(axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def expanded(Z, axis):
    e = np.exp(Z)
    return e / np.expand_dims(np.sum(e, axis=axis), axis)


def inverted(Z, axis):
    e = np.exp(Z)
    return e * (1.0 / e.sum(axis=axis, keepdims=True))


def turned(Z, axis):
    if axis == 0:
        return keeping(Z, axis)
    e = np.exp(Z)
    return (e.T / e.sum(axis=1)).T


def by_logarithm(Z, axis):
    return np.exp(Z - np.log(np.exp(Z).sum(axis=axis, keepdims=True)))


def over_everything(Z, axis):
    return np.exp(Z) / np.exp(Z).sum()


WRITTEN = (keeping, shifted, expanded, inverted, turned, by_logarithm)


def entropy(softmax, axis):
    def E(W, X, Y):
        Z = X @ W
        P = softmax(Z, axis)
        return -np.sum(Y * np.log(P)) / len(X)

    return E


def entropy_by_hand(softmax, axis):
    def gradient(W, X, Y):
        return X.T @ (softmax(X @ W, axis) - Y) / len(X)

    return gradient


def one_hot(axis):
    Y = np.zeros((5, 4))
    Y[(np.arange(5), RNG.integers(0, 4, 5)) if axis == 1 else (RNG.integers(0, 5, 4), range(4))] = 1
    return Y


for written in WRITTEN:
    for axis in (0, 1):
        data = (normal(3, 4), normal(5, 3), one_hot(axis))
        for wrong, words in (
            (entropy_by_hand(keeping, 1 - axis), [f"axis {1 - axis} where"]),
            (entropy_by_hand(over_everything, axis), ["all of its entries"]),
        ):
            wrong.__name__ = f"{written.__name__}_along_axis_{axis}_as_{words[0]}"
            words = ["softmax", "Z", f"axis {axis} belongs", *words]
            planted(entropy(written, axis), data, "wrong axis", words)(wrong)


def summed_logarithms(W, X, Y):
    Z = X @ W
    m = Z.max(axis=1)
    return np.sum(m + np.log(np.exp(Z - m[:, None]).sum(axis=1))) - np.sum(Y * Z)


@planted(summed_logarithms, (normal(3, 4), normal(5, 3), one_hot(1)), "wrong axis", ["softmax"])
def logarithms_of_sums_along_the_wrong_axis(W, X, Y):
    return X.T @ (keeping(X @ W, 0) - Y)


# -- weights from outside the function ------------------------------------------------------------

OUTSIDE, COUNTS, DATA = RNG.random((5, 4)), RNG.integers(0, 4, (5, 4)) + 1, normal(5, 3)


def weighted(weights, logarithm):
    def E(W):
        return -np.sum(weights * logarithm(DATA @ W)) / 5

    return E


def weighted_by_hand(weights):
    def gradient(W):
        return DATA.T @ (keeping(DATA @ W, 1) - weights) / 5

    return gradient


for weights in (OUTSIDE, COUNTS):
    for name, logarithm in (
        ("softmax", lambda Z: np.log(cr.softmax(Z))),
        ("log_softmax", lambda Z: cr.log_softmax(Z)),
        ("exponentials", lambda Z: np.log(keeping(Z, 1))),
        ("shifted", lambda Z: np.log(shifted(Z, 1))),
        ("logsumexp", lambda Z: Z - cr.logsumexp(Z, axis=1)[:, None]),
        ("logarithms", lambda Z: Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))),
    ):
        wrong = weighted_by_hand(weights)
        wrong.__name__ = f"{weights.dtype}_outside_with_{name}"
        words = ["weights sums to 1 along axis 1"]
        planted(weighted(weights, logarithm), (normal(3, 4),), "sums to one", words)(wrong)

ONE = RNG.random(5)


def of_one(z):
    return -ONE @ np.log(cr.softmax(z))


@planted(of_one, (normal(5),), "sums to one", ["-ONE sums to −1"])
def negative_weights_outside(z):
    return cr.softmax(z) - ONE


# -- rules used where another belongs -------------------------------------------------------------

LINE = np.array([0.3, -1.2, 2.0, 0.7, -0.4, 1.5])
RIGHT_OF_0 = np.array([0.3, 1.2, 2.0, 0.7, 0.45, 1.5])
A = normal(6)


@planted(lambda x: A @ np.exp(x), (LINE,), "wrong derivative", ["x * exp(x - 1)", "powers"])
def an_exponential_as_a_power(x):
    return A * x * np.exp(x - 1)


@planted(lambda x: np.sum(np.exp2(x) ** 2), (LINE,), "wrong derivative", ["exp2(x - 1)", "powers"])
def a_power_of_2_as_a_power(x):
    return 2 * np.exp2(x) * x * np.exp2(x - 1)


@planted(lambda x: A @ 3.0**x, (LINE,), "wrong derivative", ["power(3, x - 1)", "powers"])
def a_power_of_3_as_a_power(x):
    return A * x * 3.0 ** (x - 1)


@planted(lambda x: A @ x**3.5, (RIGHT_OF_0,), "wrong derivative", ["log(x)", "by 3.5"])
def a_power_as_an_exponential(x):
    return A * x**3.5 * np.log(x)


@planted(lambda x: A @ (np.sin(x) * np.tanh(x)), (LINE,), "wrong derivative", ["multiplies"])
def a_product_of_derivatives(x):
    return A * np.cos(x) * (1 - np.tanh(x) ** 2)


@planted(lambda x: A @ (np.sin(x) / np.cosh(x)), (LINE,), "wrong derivative", ["divides", "cosh"])
def a_quotient_of_derivatives(x):
    return A * np.cos(x) / np.sinh(x)


INNER = ((np.sin, np.cos), (lambda x: x**2 + x, lambda x: 2 * x + 1),
         (np.arctan, lambda x: 1 / (1 + x**2)))  # fmt: skip
OUTER = ((np.tanh, lambda u: 1 - np.tanh(u) ** 2), (np.arctan, lambda u: 1 / (1 + u**2)),
         (np.sinh, np.cosh))  # fmt: skip


def taken_at_derivative(outer, inner, is_chained):
    (f, slope), (g, inner_slope) = outer, inner

    def E(x):
        return A @ f(g(x))

    def gradient(x):
        chained = inner_slope(x) if is_chained else 1.0
        return A * slope(inner_slope(x)) * chained

    gradient.__name__ = f"{f.__name__}_at_the_derivative_of_{g.__name__}_{is_chained}"
    planted(E, (LINE,), "wrong derivative", [f.__name__, "at the derivative of"])(gradient)


for outer in OUTER:
    for inner in INNER:
        for is_chained in (False, True):
            taken_at_derivative(outer, inner, is_chained)


# -- a wrong derivative of any function, directly on the argument ---------------------------------


def curved():
    """NumPy's and SciPy's functions of one argument whose slope varies, with points inside."""
    for row in ROWS.values():
        is_real = isinstance(row.value, np.ufunc) and "d->d" in row.value.types
        if is_real and row.varies:
            low, high = row.domain[0]
            x = low + (high - low) * np.array([0.2, 0.7, 0.4, 0.55, 0.3, 0.8])
            if np.ptp(cr.grad(lambda x, f=row.value: np.sum(f(x)))(x)) > 1e-6:
                yield row, x


def strange(x):
    return 0.37 * x**4 + np.cosh(0.3 * x) ** 3 - 0.2


def of_strange_slope(row, x):
    def E(x):
        return A @ row.value(x)

    def gradient(x):
        return A * strange(x)

    gradient.__name__ = f"a_strange_slope_of_{row.name}"
    planted(E, (x,), "wrong derivative", [row.name, "nowhere else"])(gradient)


for row, x in curved():
    of_strange_slope(row, x)
