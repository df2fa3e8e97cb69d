"""Fifty steps of every optimiser from the same start follow torch.optim's parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.train import AdaGrad, Adam, AdamW, GradientDescent, Momentum, RMSProp

torch = pytest.importorskip("torch")

# Both take the gradients from the same formula, and every step rounds each number a dozen times,
# by half a unit. In 50 steps that is 300 units of a number of size 1; the problem's curvature does
# not multiply them. Another formula is off in the third digit.
FOLLOWS = {np.float64: 300 * 2.0**-52, np.float32: 300 * 2.0**-23}
STEPS = 50

PAIRS = {
    "gradient descent": (GradientDescent(0.05), lambda p: torch.optim.SGD(p, lr=0.05)),
    "momentum": (Momentum(0.02, 0.8), lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.8)),
    "nesterov": (
        Momentum(0.02, 0.8, nesterov=True),
        lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.8, nesterov=True),
    ),
    "adagrad": (AdaGrad(0.1, 1e-6), lambda p: torch.optim.Adagrad(p, lr=0.1, eps=1e-6)),
    "rmsprop": (
        RMSProp(0.02, 0.95, 1e-5),
        lambda p: torch.optim.RMSprop(p, lr=0.02, alpha=0.95, eps=1e-5),
    ),
    "adam": (Adam(0.03), lambda p: torch.optim.Adam(p, lr=0.03)),
    "adam, all set": (
        Adam(0.03, 0.7, 0.97, 1e-4),
        lambda p: torch.optim.Adam(p, lr=0.03, betas=(0.7, 0.97), eps=1e-4),
    ),
    "adam without memory": (
        Adam(0.03, 0.0, 0.0, 0.1),
        lambda p: torch.optim.Adam(p, lr=0.03, betas=(0.0, 0.0), eps=0.1),
    ),
    "adamw": (
        AdamW(0.03, weight_decay=0.2),
        lambda p: torch.optim.AdamW(p, lr=0.03, weight_decay=0.2),
    ),
}


def problem(dtype: Any) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Parameters, and what they are pulled to."""
    rng = np.random.default_rng(50)
    shapes = {"A0": (4, 3), "b0": (4,), "A1": (2, 4)}
    theta = {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}
    return theta, {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


def gradient(theta: Any, goal: Any) -> Any:
    """Of ½ (θ − goal)² + ¼ (θ − goal)⁴, entry by entry; b0's first entry has none."""
    error = theta - goal
    slope = error + error * error * error
    if theta.ndim == 1:
        slope[0] = 0
    return slope


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", PAIRS)
def test_fifty_steps(name: str, dtype: Any) -> None:
    own, make = PAIRS[name]
    theta, goal = problem(dtype)
    theirs = {key: torch.tensor(value, requires_grad=True) for key, value in theta.items()}
    peer = make(list(theirs.values()))
    state = own.init(theta)
    for _ in range(STEPS):
        slopes = {key: gradient(theta[key], goal[key]) for key in theta}
        theta, state = own.update(theta, slopes, state)
        for key, value in theirs.items():
            value.grad = gradient(value.detach(), torch.tensor(goal[key]))
        peer.step()
        for key, value in theirs.items():
            np.testing.assert_allclose(
                theta[key], value.detach().numpy(), rtol=0, atol=FOLLOWS[dtype]
            )
    assert {value.dtype for value in theta.values()} == {np.dtype(dtype)}
