"""A 3-layer network trained 200 steps from the same start follows JAX's costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr

jax = pytest.importorskip("jax")

# The figure the project promises: 200 steps multiply an error of rounding (1e-16) at most a
# thousandfold on this problem, so that anything above 1e-6 is another gradient.
FOLLOWS = 1e-6
STEPS, RATE = 200, 0.5


@pytest.fixture(autouse=True, scope="module")
def _float64_on_the_cpu():
    with jax.enable_x64(True), jax.default_device(jax.devices("cpu")[0]):
        yield


def problem() -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    rng = np.random.default_rng(200)
    theta = {}
    for i, (columns, rows) in enumerate([(4, 8), (8, 6), (6, 3)]):
        theta[f"A{i}"] = rng.normal(size=(rows, columns)) / np.sqrt(columns)
        theta[f"b{i}"] = 0.1 * rng.normal(size=rows)
    X = rng.normal(size=(32, 4))
    labels = (X[:, 0] * X[:, 1] > 0).astype(int) + (X[:, 2] > 0.3)
    return theta, X, np.eye(3)[labels]


def costs(space: Any, networks: Any, vmap: Any) -> dict[str, Any]:
    """The mean cost of the same network, per example and batched by vmap, in two kinds."""

    def layers(theta: Any, x: Any) -> Any:
        f1 = space.tanh(theta["A0"] @ x + theta["b0"])
        f2 = networks.sigmoid(theta["A1"] @ f1 + theta["b1"])
        return theta["A2"] @ f2 + theta["b2"]

    def squared(theta: Any, x: Any, y: Any) -> Any:
        error = networks.sigmoid(layers(theta, x)) - y
        return 0.5 * error @ error

    def cross_entropy(theta: Any, x: Any, y: Any) -> Any:
        return -(y * networks.log_softmax(layers(theta, x))).sum()

    def mean(cost: Any) -> Any:
        return lambda theta, X, Y: vmap(cost, in_axes=(None, 0, 0))(theta, X, Y).mean()

    return {"squared": mean(squared), "cross-entropy": mean(cross_entropy)}


def train(step: Any) -> np.ndarray:
    theta, X, Y = problem()
    history = []
    for _ in range(STEPS):
        cost, gradient = step(theta, X, Y)
        theta = {name: theta[name] - RATE * gradient[name] for name in theta}
        history.append(float(cost))
    return np.array(history)


@pytest.mark.parametrize("kind", ["squared", "cross-entropy"])
def test_gradient_descent_in_numpy_follows_jax(kind: str):
    own = train(cr.value_and_grad(costs(np, cr, cr.vmap)[kind]))
    theirs = train(jax.jit(jax.value_and_grad(costs(jax.numpy, jax.nn, jax.vmap)[kind])))
    assert own[-1] < 0.9 * own[0]
    np.testing.assert_allclose(own, theirs, rtol=FOLLOWS)


def fitted(kind: str, reduction: str, rate: float) -> np.ndarray:
    """The history of cr.fit on all examples at once, from the same start."""
    theta, X, Y = problem()
    cost = {"squared": cr.squared_cost, "cross-entropy": cr.cross_entropy}[kind]
    # One hidden activation a network: both hidden layers are sigmoids here.
    network = cr.Network(
        [4, 8, 6, 3], activation="sigmoid", output={"squared": "sigmoid"}.get(kind, "softmax")
    )
    result = cr.fit(
        network,
        X,
        Y,
        cost=cost,
        optimiser=cr.GradientDescent(rate),
        epochs=STEPS,
        batch_size=None,
        seed=0,
        reduction=reduction,
        params=theta,
        progress=False,
    )
    return np.array(result.history.cost)


def in_jax(kind: str) -> Any:
    def cost(theta: Any, x: Any, y: Any) -> Any:
        f1 = jax.nn.sigmoid(theta["A0"] @ x + theta["b0"])
        f2 = jax.nn.sigmoid(theta["A1"] @ f1 + theta["b1"])
        Z3 = theta["A2"] @ f2 + theta["b2"]
        if kind == "squared":
            return 0.5 * ((jax.nn.sigmoid(Z3) - y) ** 2).sum()
        return -(y * jax.nn.log_softmax(Z3)).sum()

    batched = jax.vmap(cost, in_axes=(None, 0, 0))
    return jax.jit(jax.value_and_grad(lambda theta, X, Y: batched(theta, X, Y).mean()))


@pytest.mark.parametrize("kind", ["squared", "cross-entropy"])
def test_fit_follows_jax(kind: str):
    theirs = train(in_jax(kind))
    np.testing.assert_allclose(fitted(kind, "mean", RATE), theirs, rtol=FOLLOWS)
    total = fitted(kind, "total", RATE / 32)
    np.testing.assert_allclose(total / 32, theirs, rtol=FOLLOWS)
