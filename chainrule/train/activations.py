"""Activation functions by name, each with the spread of the weights that lead into it.

Sources of the initial weights: X. Glorot and Y. Bengio, "Understanding the difficulty of training
deep feedforward neural networks", AISTATS 2010, equation (16), for functions that are nearly linear
around 0; K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers", ICCV 2015, equation
(10), for those that pass one half of their inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.arguments import shown
from chainrule.errors import ArgumentError
from chainrule.tracing.activations import relu, sigmoid, softmax

Function = Callable[[Any], Any]
Weights = Callable[[np.random.Generator, int, int], npt.NDArray[np.float64]]


def glorot(slope: float) -> Weights:
    """Uniform weights that keep the variance from layer to layer; `slope` is σ′(0).

    Equation (16) supposes the slope 1. With slope s the signal shrinks by s, so the weights grow by
    1/s: a logistic sigmoid (s = 1/4) starts with four times the weights of tanh.
    """

    def draw(rng: np.random.Generator, outputs: int, inputs: int) -> npt.NDArray[np.float64]:
        bound = np.sqrt(6.0 / (inputs + outputs)) / slope
        return rng.uniform(-bound, bound, size=(outputs, inputs))

    return draw


def he(rng: np.random.Generator, outputs: int, inputs: int) -> npt.NDArray[np.float64]:
    """Normal weights of variance 2 / inputs, He et al. (10)."""
    return rng.normal(0.0, np.sqrt(2.0 / inputs), size=(outputs, inputs))


@dataclass(frozen=True)
class Activation:
    """What a layer does to its pre-activations Z, and how the weights before it start."""

    name: str
    function: Function
    weights: Weights


def linear(z: Any) -> Any:
    """Return z itself: the layer is A x + b and nothing more."""
    return z


def softplus(z: Any) -> Any:
    """log(1 + eᶻ), a smooth relu, without overflow."""
    return np.logaddexp(0.0, z)


ACTIVATIONS = {
    row.name: row
    for row in (
        Activation("sigmoid", sigmoid, glorot(slope=0.25)),
        Activation("tanh", np.tanh, glorot(slope=1.0)),
        Activation("relu", relu, he),
        Activation("softplus", softplus, he),
        Activation("linear", linear, glorot(slope=1.0)),
    )
}

# An output is compared with targets, not passed on: its weights start as for a linear layer.
OUTPUTS = {
    row.name: Activation(row.name, row.function, glorot(slope=1.0)) for row in ACTIVATIONS.values()
} | {"softmax": Activation("softmax", softmax, glorot(slope=1.0))}


def find(chosen: str | Function, table: dict[str, Activation], which: str) -> Activation:
    """The row for a name, or a row made for a NumPy function of the user's own.

    Raises
    ------
    ArgumentError
        If the name is not in the table, or it is neither a name nor a function.
    """
    if isinstance(chosen, str) and chosen in table:
        return table[chosen]
    if callable(chosen):
        return Activation(getattr(chosen, "__name__", "custom"), chosen, glorot(slope=1.0))
    names = ", ".join(table)
    raise ArgumentError(
        "Network", f"unknown {which}", shown(chosen), f"write one of {names}, or a NumPy function"
    )
