"""Logistic regression, however it is written, ends in (p − y)ᵀ X / m."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.derivations.cancelling import shortest, turned
from chainrule.notation.algebra import dense_shape
from chainrule.notation.evaluation import evaluate
from chainrule.notation.logistic import by_names
from chainrule.notation.text import TextNotation
from tests.notation.expressions import SHAPES, expressions, values

TEXT = TextNotation()
VALUES = values()
# Up to five products deep in another order, entries up to about 1e3.
CLOSE = {"rtol": 1e-9, "atol": 1e-9}

RNG = np.random.default_rng(3)
X, w = RNG.standard_normal((5, 3)), RNG.standard_normal(3)
y = np.array([0.0, 1.0, 1.0, 0.0, 1.0])


def by_exponentials(z):
    return 1 / (1 + np.exp(-z))


def by_exponentials_first(z):
    return 1 / (np.exp(-z) + 1)


LOGISTIC = (cr.sigmoid, by_exponentials, by_exponentials_first)
# What a function returns has no name; +logistic(z) has the one that it is given.
LOSSES = {
    "two terms": lambda y, p: -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)),
    "log1p": lambda y, p: -np.mean(y * np.log(p) + (1 - y) * np.log1p(-p)),
    "inner products": lambda y, p: -(y @ np.log(p) + (1 - y) @ np.log(1 - p)) / len(y),
    "two sums": lambda y, p: -np.sum(y * np.log(p)) / len(y) - np.mean((1 - y) * np.log(1 - p)),
}


def shown(f, *args, wrt=0):
    """The whole derivative as it is written, when its value is right."""
    d = cr.derive(f, wrt)(*args)
    assert d.ok
    step = d.targets[0]
    value = evaluate(step.expression, d.values).reshape(step.value.shape)
    np.testing.assert_allclose(value, step.value, rtol=1e-12)  # written in another order
    np.testing.assert_allclose(value, cr.grad(f, wrt)(*args), rtol=1e-12)
    return TextNotation(d.sizes)(step.expression).replace("1/5", "⅕")


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("logistic", LOGISTIC)
def test_the_log_loss_of_the_logistic_function(logistic, loss):
    def E(w, X, y):
        z = X @ w
        p = +logistic(z)
        return loss(y, p)

    assert shown(E, w, X, y) == "⅕(p − y)ᵀ X"


@pytest.mark.parametrize("logistic", LOGISTIC)
def test_of_several_outputs(logistic):
    def E(W, X, Y):
        P = +logistic(X @ W)
        return -np.sum(Y * np.log(P) + (1 - Y) * np.log(1 - P))

    Y = np.eye(2)[[0, 1, 1, 0, 1]]
    assert shown(E, RNG.standard_normal((3, 2)), X, Y) == "Xᵀ(P − Y)"


@pytest.mark.parametrize("logistic", LOGISTIC)
def test_of_one_example(logistic):
    def E(w, x, t):
        p = +logistic(x @ w)
        return -(t * np.log(p) + (1 - t) * np.log(1 - p))

    assert shown(E, w, X[0], 1.0) == "(p − t) xᵀ"


SOFTPLUS = {
    "logaddexp": lambda z: np.logaddexp(0, z),
    "log1p": lambda z: np.log1p(np.exp(z)),
    "log": lambda z: np.log(1 + np.exp(z)),
    "log of the sum the other way": lambda z: np.log(np.exp(z) + 1),
}


@pytest.mark.parametrize("softplus", SOFTPLUS.values(), ids=SOFTPLUS)
@pytest.mark.parametrize("turned", [False, True])
def test_of_softplus(softplus, turned):
    def E(w, X, y):
        z = X @ w
        return np.mean(-y * z + softplus(z) if turned else softplus(z) - y * z)

    assert shown(E, w, X, y) == "⅕(σ(z) − y)ᵀ X"


def test_the_slope_of_the_logistic_function_written_out():
    def E(w, X):
        z = X @ w
        p = +by_exponentials(z)
        return np.sum(p**2)

    d = cr.derive(E)(w, X)
    assert TEXT(d.step("z").factors[-1].expression) == "diag(p ⊙ (1 − p))"


@pytest.mark.parametrize("far", [-700.0, -40.0, 20.0, 40.0, 700.0])
def test_a_slope_keeps_its_digits_far_from_zero(far):
    """1 − p has none left where p is 1."""

    def E(z):
        p = 1 / (1 + np.exp(-z))
        return np.sum(p**2)

    d = cr.derive(E)(np.array([far, 0.5]))
    assert d.ok
    np.testing.assert_allclose(d.targets[0].value, cr.grad(E)(np.array([far, 0.5])), rtol=1e-10)


def test_a_sign_that_the_user_wrote_stays():
    """−2(y − Φθ)ᵀ Φ, as in (5.84)."""
    assert shown(lambda w, X, y: (y - X @ w) @ (y - X @ w), w, X, y) == "−2(y − X w)ᵀ X"


def test_the_legend_says_what_sigma_is_where_the_user_has_not_written_it():
    def by_softplus(w, X, y):
        return np.sum(np.logaddexp(0, X @ w) - y * (X @ w))

    def by_sigmoid(w, X, y):
        return np.sum(cr.sigmoid(X @ w) - y)

    assert "σ(x) = 1 / (1 + exp(−x))" in str(cr.derive(by_softplus)(w, X, y))
    assert "σ(x) =" not in str(cr.derive(by_sigmoid)(w, X, y))


@settings(max_examples=200)
@given(st.sampled_from(SHAPES).flatmap(expressions))
def test_no_value_changes(expr):
    before = evaluate(expr, VALUES)
    assert before.shape == dense_shape(expr.shape)
    for made in (shortest(expr, {}), by_names(expr, []), turned(expr)):
        if np.isfinite(before).all():  # 0/0 may become 1: what a person writes, too
            np.testing.assert_allclose(evaluate(made, VALUES), before, **CLOSE)
