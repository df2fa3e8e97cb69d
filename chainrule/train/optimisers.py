"""Optimisers: how a gradient changes the parameters, each a pair of pure functions.

`init` makes the state that belongs to some parameters; `update` returns new parameters and a new
state. Both are plain NumPy, so that an update is traced together with the gradient it uses. The
shape of an optimiser follows optax (DeepMind, 2020): state is passed in and out, never kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from optree import tree_map

from chainrule.train.arguments import positive


@runtime_checkable
class Optimiser(Protocol):
    """What `fit` asks of an optimiser."""

    def init(self, params: Any) -> Any:
        """Return the state before the first step."""

    def update(self, params: Any, gradient: Any, state: Any) -> tuple[Any, Any]:
        """Return the parameters and the state after one step."""


@dataclass(frozen=True)
class GradientDescent:
    """θ(t+1) = θ(t) − η ∂E/∂θ, the lecture's conventional gradient descent.

    Parameters
    ----------
    rate : float
        The learning rate η. For the total cost of B examples it does the same as the rate B·η does
        for their mean cost.

    Raises
    ------
    ArgumentError
        If the rate is not a positive, finite number.

    Examples
    --------
    >>> import numpy as np
    >>> descent = GradientDescent(rate=0.5)
    >>> theta, gradient = {"b0": np.array([1.0, 2.0])}, {"b0": np.array([4.0, 0.0])}
    >>> descent.update(theta, gradient, descent.init(theta))
    ({'b0': array([-1.,  2.])}, ())
    """

    rate: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", positive(self.rate, "GradientDescent", "rate", 0.1))

    def init(self, params: Any) -> tuple[()]:
        """Return the empty state: gradient descent remembers nothing."""
        return ()

    def update(self, params: Any, gradient: Any, state: tuple[()]) -> tuple[Any, tuple[()]]:
        """Return the parameters one step down the gradient, and the empty state."""
        return tree_map(lambda theta, g: theta - self.rate * g, params, gradient), state


OPTIMISERS: dict[str, type[Optimiser]] = {"gradient-descent": GradientDescent}
