"""The networks whose training is timed: those of the project's table, and some unlike them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.cli.workload import LARGE, MEDIUM, SMALL, TINY, Workload


def bent(z: Any, numpy: Any = np) -> Any:
    """An activation as a user may write it: z / √(1 + z²)."""
    return z / numpy.sqrt(1 + z * z)


def pseudo_huber(output: Any, target: Any, numpy: Any = np) -> Any:
    """A cost as a user may write it: Σ √(1 + e²) − 1, linear for outliers."""
    return numpy.sum(numpy.sqrt(1 + (output - target) ** 2) - 1)


def by_adam(work: Workload) -> Workload:
    """The same network with Adam, tanh, softmax and cross-entropy."""
    return replace(
        work, activation="tanh", output="softmax", cost="cross-entropy", optimiser="Adam", rate=1e-3
    )


CLASSES = {"output": "softmax", "cost": "cross-entropy"}

NETWORKS: dict[str, Workload] = {
    "tiny": TINY,
    "small": SMALL,
    "medium": MEDIUM,
    "large": LARGE,
    "small-adam": by_adam(SMALL),
    "medium-adam": by_adam(MEDIUM),
    "large-adam": by_adam(LARGE),
    "regression": Workload((96, 96, 96, 1), 128, 32, "tanh", "linear", rate=0.01),
    "odd": Workload((37, 53, 29, 5), 27, 64, "relu", **CLASSES),
    "five-layers": Workload((128, 96, 80, 64, 48, 10), 64, 32, "tanh", **CLASSES),
    "ten-layers": Workload((32, *[40] * 9, 4), 50, 40, "tanh", **CLASSES),
    "own-functions": Workload((20, 45, 33, 3), 40, 40, bent, "linear", pseudo_huber, rate=0.05),
}

DESCRIPTIONS = {"Adam": "Adam", "GradientDescent": ""}


def described(work: Workload) -> str:
    """The sizes, the batch, and what differs from sigmoid layers with gradient descent."""
    sizes = "-".join(map(str, work.sizes))
    if len(work.sizes) > 7:
        sizes = f"{work.sizes[0]}-{work.sizes[1]} × {len(work.sizes) - 2}-{work.sizes[-1]}"
    parts = [sizes, f"batch {work.batch}"]
    if callable(work.activation):
        parts.append("own activation and cost")
    elif work.activation != "sigmoid":
        parts.append(work.activation)
    if isinstance(work.cost, str) and work.cost != "squared":
        parts.append(work.cost)
    parts += [DESCRIPTIONS[work.optimiser]] if DESCRIPTIONS[work.optimiser] else []
    return ", ".join(parts)
