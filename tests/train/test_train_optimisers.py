"""Optimisers: their formulas by hand, states that keep their kind, training with each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf, sqrt
from optree import tree_leaves, tree_structure

import chainrule as cr
from chainrule.errors import ArgumentError
from chainrule.train import (
    OPTIMISERS,
    AdaGrad,
    Adam,
    AdamW,
    FitResult,
    GradientDescent,
    Momentum,
    Network,
    Optimiser,
    RMSProp,
    fit,
    load,
    save,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = np.stack([X[:, 0] - X[:, 1], np.sin(X[:, 2])], axis=1)
NET = Network([3, 6, 2], activation="tanh")

LEARNING = [
    GradientDescent(0.1), Momentum(0.02), Momentum(0.02, nesterov=True), AdaGrad(0.1),
    RMSProp(0.01), Adam(0.02), AdamW(0.02),
]  # fmt: skip
NAMES = [f"{type(item).__name__}{' N' * getattr(item, 'nesterov', False)}" for item in LEARNING]
each = pytest.mark.parametrize("optimiser", LEARNING, ids=NAMES)


def train(optimiser: Optimiser, **options: Any) -> FitResult:
    options = {"X": X, "Y": Y, "epochs": 30, "batch_size": 7, "progress": False} | options
    return fit(NET, options.pop("X"), options.pop("Y"), optimiser=optimiser, **options)


# -- the formulas ---------------------------------------------------------------------------------


def after(optimiser: Optimiser, gradients: list[float], theta: float, dtype: Any) -> np.ndarray:
    params = {"b0": np.array([theta], dtype)}
    state = optimiser.init(params)
    for g in gradients:
        params, state = optimiser.update(params, {"b0": np.array([g], dtype)}, state)
    return params["b0"][0]


GRADIENTS = [0.5, -2.0, 1.25, 1.5, 0.0, 3.0, -0.25]


def momentum(theta: Any, rate: Any, mu: Any, nesterov: bool) -> Any:
    """As Sutskever et al. write it, with a velocity of their sign and its look-ahead."""
    velocity = mpf(0)
    for g in map(mpf, GRADIENTS):
        velocity = mu * velocity - rate * g
        theta = theta + (mu * velocity - rate * g if nesterov else velocity)
    return theta


def adam(theta: Any, rate: Any, beta1: Any, beta2: Any, epsilon: Any, decay: Any) -> Any:
    """Algorithm 1 of Kingma and Ba, the means written out as sums over the past."""
    for t in range(1, len(GRADIENTS) + 1):
        past = [(mpf(g), t - k) for k, g in enumerate(GRADIENTS[:t], 1)]
        m = sum((1 - beta1) * beta1**age * g for g, age in past) / (1 - beta1**t)
        v = sum((1 - beta2) * beta2**age * g * g for g, age in past) / (1 - beta2**t)
        theta = theta - rate * decay * theta - rate * m / (sqrt(v) + epsilon)
    return theta


def adagrad(theta: Any, rate: Any, epsilon: Any) -> Any:
    for t, g in enumerate(GRADIENTS, 1):
        theta -= rate * g / (sqrt(sum(mpf(g) ** 2 for g in GRADIENTS[:t])) + epsilon)
    return theta


def rmsprop(theta: Any, rate: Any, rho: Any, epsilon: Any) -> Any:
    for t, g in enumerate(GRADIENTS, 1):
        past = [(mpf(g), t - k) for k, g in enumerate(GRADIENTS[:t], 1)]
        theta -= rate * g / (sqrt(sum((1 - rho) * rho**age * g * g for g, age in past)) + epsilon)
    return theta


FORMULAS: list[tuple[Optimiser, Callable[..., Any], tuple[Any, ...]]] = [
    (Momentum(0.1, 0.75), momentum, (0.1, 0.75, False)),
    (Momentum(0.1, 0.75, nesterov=True), momentum, (0.1, 0.75, True)),
    (AdaGrad(0.1, 0.01), adagrad, (0.1, 0.01)),
    (RMSProp(0.1, 0.9, 0.01), rmsprop, (0.1, 0.9, 0.01)),
    (Adam(0.1), adam, (0.1, 0.9, 0.999, 1e-8, 0.0)),
    (Adam(0.1, 0.5, 0.25, 0.01), adam, (0.1, 0.5, 0.25, 0.01, 0.0)),
    (AdamW(0.1, weight_decay=0.5), adam, (0.1, 0.9, 0.999, 1e-8, 0.5)),
]


# Seven steps of about ten roundings by half a unit, in numbers of size 1.
@pytest.mark.parametrize(("dtype", "unit"), [(np.float64, 2.0**-52), (np.float32, 2.0**-23)])
@pytest.mark.parametrize("case", FORMULAS, ids=lambda case: repr(case[0]))
def test_the_papers_formulas_with_forty_digits(case, dtype, unit):
    optimiser, formula, settings = case
    with mp.workdps(40):
        exact = formula(mpf(1), *[value if value is True else mpf(value) for value in settings])
        found = after(optimiser, GRADIENTS, 1.0, dtype)
        assert found.dtype == dtype
        assert abs(mpf(float(found)) - exact) < 40 * unit


def test_the_first_step_of_adam_is_the_rate_to_the_last_digits_in_single_precision():
    """1 − 0.999 as written in float32 has lost four digits: a step would be 1 + 6e-6 times it."""
    for g in (1e-3, 1.0, 1e3):
        step = after(Adam(1.0, epsilon=1e-30), [g], 0.0, np.float32)
        assert step == pytest.approx(-1, rel=8 * 2.0**-24)


def test_adam_after_many_steps_counts_no_further_and_loses_nothing():
    """In float32 t stays at 2²⁴, and both corrections have long been 1."""
    theta = {"b0": np.ones(1, np.float32)}
    state = Adam().init(theta)._replace(t=np.float32(2**24))
    new, state = Adam().update(theta, theta, state)
    assert state.t == 2**24
    assert np.isfinite(new["b0"]).all()


# -- states ---------------------------------------------------------------------------------------


@each
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_state_keeps_its_shapes_and_dtypes(optimiser, dtype):
    params = NET.init(0, dtype)
    gradient = {name: np.cos(value) for name, value in params.items()}
    state = optimiser.init(params)
    before = [(np.shape(leaf), leaf.dtype) for leaf in tree_leaves(state)]
    assert {kind for _, kind in before} <= {np.dtype(dtype)}
    for _ in range(3):
        params, new = optimiser.update(params, gradient, state)
        assert tree_structure(new) == tree_structure(state)
        assert [(np.shape(leaf), leaf.dtype) for leaf in tree_leaves(new)] == before
        assert {value.dtype for value in params.values()} == {np.dtype(dtype)}
        state = new


@each
def test_parameters_of_both_precisions_keep_their_own(optimiser):
    params = {"A0": np.ones((2, 2)), "b0": np.ones(2, np.float32)}
    state = optimiser.init(params)
    for _ in range(2):
        params, state = optimiser.update(params, params, state)
    assert [value.dtype for value in params.values()] == [np.float64, np.float32]


@each
def test_an_update_changes_nothing_that_it_is_given(optimiser):
    params = NET.init(0)
    state = optimiser.init(params)
    kept = [np.array(leaf) for leaf in tree_leaves((params, state))]
    optimiser.update(params, params, state)
    for leaf, before in zip(tree_leaves((params, state)), kept, strict=True):
        assert np.array_equal(leaf, before)


@each
def test_an_update_is_traced_and_differentiated_like_any_function(optimiser):
    """Where the second step leads, by the parameters: a number pushed forward is a difference."""
    start = np.array([0.5, -1.5])
    c = np.array([1.0, 2.0])

    def second(theta):
        state = optimiser.init({"b0": np.zeros(2)})
        for _ in range(2):
            new, state = optimiser.update({"b0": theta}, {"b0": c * theta}, state)
            theta = new["b0"]
        return theta

    np.testing.assert_allclose(cr.compile(second)(start), second(start), rtol=1e-14)
    _, pushed = cr.jvp(second, (start,), (np.ones(2),))
    h = 1e-6
    difference = (second(start + h) - second(start - h)) / (2 * h)
    np.testing.assert_allclose(pushed, difference, rtol=1e-7)


@each
def test_no_gradient_and_no_step(optimiser):
    theta = {"b0": np.array([1.0, -2.0], np.float32)}
    zero = {"b0": np.zeros(2, np.float32)}
    new, state = optimiser.update(theta, zero, optimiser.init(theta))
    kept = 1 - 0.02 * getattr(optimiser, "weight_decay", 0.0)
    np.testing.assert_array_equal(new["b0"], np.float32(kept) * theta["b0"])
    assert all(np.isfinite(leaf).all() for leaf in tree_leaves(state))


# -- training -------------------------------------------------------------------------------------


@each
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_training_with_each_learns(optimiser, dtype):
    result = train(optimiser, X=X.astype(dtype))
    assert result.cost < 0.1 * result.history.cost[0]
    assert {value.dtype for value in result.params.values()} == {np.dtype(dtype)}


@each
def test_the_same_seed_gives_the_same_bits(optimiser):
    one, again, other = (train(optimiser, seed=seed, epochs=3) for seed in (3, 3, 4))
    assert all(one.params[name].tobytes() == again.params[name].tobytes() for name in one.params)
    assert one.history == again.history
    assert one.history != other.history


@each
def test_training_is_the_update_written_out(optimiser):
    """Nothing of the state is lost from batch to batch, short last batches included."""

    def cost(theta, X, Y):
        error = np.tanh(X @ theta["A0"].T + theta["b0"]) @ theta["A1"].T + theta["b1"] - Y
        return 0.5 * (error * error).sum() / len(X)

    theta = NET.init(seed=5)
    result = train(optimiser, params=theta, epochs=4, batch_size=None)
    state = optimiser.init(theta)
    for _ in range(4):
        theta, state = optimiser.update(theta, cr.grad(cost)(theta, X, Y), state)
    for name in theta:
        np.testing.assert_allclose(result.params[name], theta[name], rtol=1e-9, atol=1e-12)


def test_the_result_and_its_file_say_what_was_set(tmp_path):
    result = train(AdamW(0.02, beta1=0.8), epochs=2)
    save(result, tmp_path / "model")
    settings = {
        "name": "AdamW", "rate": 0.02, "beta1": 0.8, "beta2": 0.999, "epsilon": 1e-8,
        "weight_decay": 0.01,
    }  # fmt: skip
    assert result.settings["optimiser"] == settings
    assert load(tmp_path / "model").settings["optimiser"] == settings
    assert train(Momentum(1, nesterov=True), epochs=1).settings["optimiser"] == {
        "name": "Momentum", "rate": 1.0, "momentum": 0.9, "nesterov": True,
    }  # fmt: skip


def test_a_step_that_overflows_is_named():
    result = train(Momentum(1e200), epochs=9)
    assert result.outcome == "diverged"
    assert all(np.isfinite(value).all() for value in result.params.values())


# -- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Momentum(0), r"^Momentum: the rate must be a positive, finite number; got 0; "
                              r"write rate=0\.01$"),
        (lambda: Momentum(0.1, 1), r"^Momentum: the momentum must be 0 or more and below 1; got 1; "
                                   r"write momentum=0\.9$"),
        (lambda: Momentum(0.1, nesterov=1.5), r"^Momentum: nesterov must be True or F"),
        (lambda: AdaGrad(epsilon=0), r"^AdaGrad: the epsilon must be a positive"),
        (lambda: AdaGrad("fast"), r"^AdaGrad: the rate must be .* got 'fast'"),
        (lambda: RMSProp(decay=-0.1), r"^RMSProp: the decay must be .* write decay=0\.9$"),
        (lambda: RMSProp(np.nan), r"^RMSProp: the rate must be"),
        (lambda: Adam(beta1=1.0), r"^Adam: the beta1 must be .* write beta1=0\.9$"),
        (lambda: Adam(beta2=None), r"^Adam: the beta2 must be .* got None; write beta2=0\.999$"),
        (lambda: Adam(epsilon=np.inf), r"^Adam: the epsilon must be"),
        (lambda: AdamW(weight_decay=-1), r"^AdamW: the weight_decay must be 0 or a positive "
                                         r"number; got -1; write weight_decay=0\.01$"),
        (lambda: AdamW(True), r"^AdamW: the rate must be"),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_settings_are_floats_and_stay_as_they_are():
    assert repr(Adam(np.float32(0.5))) == "Adam(rate=0.5, beta1=0.9, beta2=0.999, epsilon=1e-08)"
    assert AdamW(weight_decay=0).weight_decay == 0.0
    with pytest.raises(AttributeError):
        Adam().rate = 1.0


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_name_makes_an_optimiser_of_a_rate(name):
    optimiser = OPTIMISERS[name](0.25)
    assert isinstance(optimiser, Optimiser)
    assert optimiser.rate == 0.25
    assert type(optimiser).__name__.lower() == name.replace("-", "")
