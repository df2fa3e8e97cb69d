"""The lecture's examples as functions, each with a point to derive it at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import chainrule as cr


class Example(NamedTuple):
    """A function, the arguments to differentiate by, and a point."""

    name: str
    function: Callable[..., Any]
    wrt: Any
    args: tuple[Any, ...]


def grid(*shape: int, shift: float = 0.0) -> np.ndarray:
    """Numbers of either sign, a tenth apart, no two alike."""
    size = int(np.prod(shape))
    return ((np.arange(size) * 7 % 10 - 4.5) / 10 + shift).reshape(shape)


def f_5_68(A, x):
    return A @ x


def L(theta, Phi, y):
    e = y - Phi @ theta
    return np.linalg.norm(e) ** 2


def L2(theta, Phi, y):
    return (y - Phi @ theta) @ (y - Phi @ theta)


def f_5_109(x):
    return np.sqrt(x**2 + np.exp(x**2)) + np.cos(x**2 + np.exp(x**2))


def two_layers(A0, b0, A1, b1, X, Y):
    f0 = X
    Z1 = A0 @ f0 + b0
    f1 = cr.sigmoid(Z1)
    Z2 = A1 @ f1 + b1
    f2 = cr.sigmoid(Z2)
    E = 0.5 * (f2 - Y) @ (f2 - Y)
    return E  # noqa: RET504  # its name is shown


def deep(theta, x, y):
    f = x
    for i in range(3):
        f = cr.sigmoid(theta[f"A{i}"] @ f + theta[f"b{i}"])
    L = np.linalg.norm(y - f) ** 2
    return L  # noqa: RET504


def bilinear_loss(s, t):
    x1 = np.sin(s) * t
    x2 = s + t**2
    f = x1**2 + 2 * x2
    return f  # noqa: RET504


NETWORK = (grid(4, 3), grid(4, shift=0.1), grid(2, 4), grid(2, shift=0.3), grid(3), grid(2))
THETA = {
    "A0": grid(3, 2), "b0": grid(3), "A1": grid(4, 3), "b1": grid(4), "A2": grid(2, 4),
    "b2": grid(2),
}  # fmt: skip
EXAMPLES = [
    Example("5.53", bilinear_loss, ("s", "t"), (0.5, -1.5)),
    Example("5.68", f_5_68, "x", (grid(3, 4), grid(4))),
    Example("5.92", f_5_68, "A", (grid(3, 4), grid(4))),
    Example("5.83", L, "theta", (grid(2), grid(5, 2), grid(5))),
    Example("5.84", L2, "theta", (grid(2), grid(5, 2), grid(5))),
    Example("5.110", f_5_109, "x", (0.5,)),
    Example("5.118", deep, "theta", (THETA, grid(2), grid(2, shift=0.2))),
    Example("backward path", two_layers, ("b0", "A0", "b1", "A1"), NETWORK),
]
