"""One row a function: its name, the function of a namespace, and the arrays to try it on."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any


@dataclass(frozen=True, eq=False)
class Case:
    """A function written once: of NumPy's namespace, and of the networks' where it asks for it.

    ``function`` takes ``np``, then perhaps ``nn`` (sigmoid, softmax, …), then the arrays. What is
    passed as ``np`` is NumPy itself under chainrule, and ``jax.numpy`` under JAX.
    """

    name: str
    function: Callable[..., Array]
    arguments: tuple[np.ndarray, ...]

    def bound(self, numpy: Any, networks: Any) -> Callable[..., Array]:
        """The function of the arrays alone."""
        wants_networks = list(inspect.signature(self.function).parameters)[1:2] == ["nn"]
        spaces = (numpy, networks) if wants_networks else (numpy,)
        return lambda *arguments: self.function(*spaces, *arguments)

    def weighted(self, numpy: Any, networks: Any) -> Callable[..., Array]:
        """A scalar: all entries of the output, each with a weight of its own."""
        function = self.bound(numpy, networks)

        def total(*arguments: Array) -> Array:
            output = function(*arguments)
            weights = np.cos(1.0 + np.arange(output.size)).reshape(output.shape)
            return (output * weights).sum()

        return total


def case(name: str, function: Callable[..., Array], *arguments: np.ndarray) -> Case:
    return Case(name, function, arguments)


def at(*shape: int, seed: int = 0) -> np.ndarray:
    """Entries of either sign, 0.3 to 1.7 in size, no two alike: away from kinks and ties."""
    rng = np.random.default_rng([len(shape), *shape, seed])
    return rng.uniform(0.3, 1.7, shape) * rng.choice([-1.0, 1.0], shape)


def positive(*shape: int, seed: int = 1) -> np.ndarray:
    """Entries 0.3 to 1.7."""
    return np.abs(at(*shape, seed=seed))


def inside(*shape: int, seed: int = 2) -> np.ndarray:
    """Entries of either sign inside (-0.9, 0.9)."""
    return at(*shape, seed=seed) * 0.5
