"""Gradient descent, plain and with momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from optree import tree_map

from chainrule.arguments import flag
from chainrule.train.arguments import below_one, positive
from chainrule.train.optimisers.trees import require_alike, require_params, require_state


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
        require_params(self, params)
        return ()

    def update(self, params: Any, gradient: Any, state: tuple[()]) -> tuple[Any, tuple[()]]:
        """Return the parameters one step down the gradient, and the empty state."""
        require_alike(self, params, gradient=gradient)
        require_state(self, state, ())
        return tree_map(lambda theta, g: theta - self.rate * g, params, gradient), state


@dataclass(frozen=True)
class Momentum:
    """Gradient descent that keeps a share of its last step: v ← μ v + g, θ ← θ − η v.

    The gradients of the past count μ, μ², … as much as this one. Where the gradient stays the same,
    the steps grow to 1/(1 − μ) times those of plain descent. Nesterov's form takes the gradient
    where that share leads to: θ ← θ − η (g + μ v), in the variables of Sutskever et al.

    Parameters
    ----------
    rate : float
        The learning rate η. For the total cost of B examples it does the same as the rate B·η does
        for their mean cost.
    momentum : float
        The share μ, from 0 up to but not including 1.
    nesterov : bool
        Whether to take Nesterov's form.

    Raises
    ------
    ArgumentError
        If the rate is not a positive, finite number, or the momentum is not in [0, 1).

    Notes
    -----
    B. T. Polyak, Some methods of speeding up the convergence of iteration methods, USSR
    Computational Mathematics and Mathematical Physics 4(5), 1964. Y. Nesterov, A method of solving
    a convex programming problem with convergence rate O(1/k²), 1983. I. Sutskever, J. Martens, G.
    Dahl, G. Hinton, On the importance of initialization and momentum in deep learning, ICML 2013,
    equations (1) to (4); their velocity is −η v.

    Examples
    --------
    >>> import numpy as np
    >>> heavy = Momentum(rate=0.5, momentum=0.5)
    >>> theta, gradient = {"b0": np.array([1.0, 2.0])}, {"b0": np.array([4.0, 0.0])}
    >>> theta, v = heavy.update(theta, gradient, heavy.init(theta))
    >>> theta, v
    ({'b0': array([-1.,  2.])}, {'b0': array([4., 0.])})
    >>> heavy.update(theta, gradient, v)
    ({'b0': array([-4.,  2.])}, {'b0': array([6., 0.])})
    """

    rate: float
    momentum: float = 0.9
    nesterov: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", positive(self.rate, "Momentum", "rate", 0.01))
        object.__setattr__(self, "momentum", below_one(self.momentum, "Momentum", "momentum", 0.9))
        object.__setattr__(self, "nesterov", flag("Momentum", "nesterov", self.nesterov))

    def init(self, params: Any) -> Any:
        """Return v = 0 for every parameter."""
        return tree_map(np.zeros_like, require_params(self, params))

    def update(self, params: Any, gradient: Any, state: Any) -> tuple[Any, Any]:
        """Return the parameters after one step, and the new v."""
        require_alike(self, params, gradient=gradient, state=state)
        v = tree_map(lambda old, g: self.momentum * old + g, state, gradient)
        ahead = tree_map(lambda v, g: g + self.momentum * v, v, gradient) if self.nesterov else v
        return tree_map(lambda theta, v: theta - self.rate * v, params, ahead), v
