"""A rate for each parameter, from the squares of its gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from optree import tree_map

from chainrule.train.arguments import below_one, positive
from chainrule.train.optimisers.trees import require_alike, require_params


@dataclass(frozen=True)
class AdaGrad:
    """A rate that falls with the squares of the past gradients: s ← s + g², θ ← θ − η g/(√s + ε).

    Parameters that seldom have a gradient keep a high rate: made for sparse inputs.

    Parameters
    ----------
    rate : float
        The learning rate η. It is the length of the first step, whatever the gradient's size; so
        it is the same for the mean and for the total cost.
    epsilon : float
        ε, which keeps the quotient finite where no gradient has been yet.

    Raises
    ------
    ArgumentError
        If the rate or ε is not a positive, finite number.

    Notes
    -----
    J. Duchi, E. Hazan, Y. Singer, Adaptive subgradient methods for online learning and stochastic
    optimization, Journal of Machine Learning Research 12, 2011, figure 1 with diagonal matrices;
    ε is their δ.

    Examples
    --------
    >>> import numpy as np
    >>> falling = AdaGrad(rate=0.5)
    >>> theta, gradient = {"b0": np.array([1.0, 2.0])}, {"b0": np.array([4.0, 0.0])}
    >>> theta, s = falling.update(theta, gradient, falling.init(theta))
    >>> theta["b0"].round(6), s
    (array([0.5, 2. ]), {'b0': array([16.,  0.])})
    """

    rate: float = 0.01
    epsilon: float = 1e-10

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", positive(self.rate, "AdaGrad", "rate", 0.01))
        object.__setattr__(self, "epsilon", positive(self.epsilon, "AdaGrad", "epsilon", 1e-10))

    def init(self, params: Any) -> Any:
        """Return s = 0 for every parameter."""
        return tree_map(np.zeros_like, require_params(self, params))

    def update(self, params: Any, gradient: Any, state: Any) -> tuple[Any, Any]:
        """Return the parameters after one step, and the new s."""
        require_alike(self, params, gradient=gradient, state=state)
        s = tree_map(lambda old, g: old + g * g, state, gradient)
        return _scaled_step(self.rate, self.epsilon, params, gradient, s), s


@dataclass(frozen=True)
class RMSProp:
    """Gradients divided by their root mean square: v ← ρ v + (1 − ρ) g², θ ← θ − η g/(√v + ε).

    Parameters
    ----------
    rate : float
        The learning rate η: about the length of a step, whatever the gradient's size; so it is the
        same for the mean and for the total cost.
    decay : float
        ρ, from 0 up to but not including 1: how much of the mean is kept.
    epsilon : float
        ε, which keeps the quotient finite where no gradient has been yet.

    Raises
    ------
    ArgumentError
        If the rate or ε is not a positive, finite number, or the decay is not in [0, 1).

    Notes
    -----
    T. Tieleman, G. Hinton, Lecture 6.5 (rmsprop), COURSERA: Neural networks for machine learning,
    2012.

    Examples
    --------
    >>> import numpy as np
    >>> scaled = RMSProp(rate=0.5, decay=0.75)
    >>> theta, gradient = {"b0": np.array([1.0, 2.0])}, {"b0": np.array([4.0, 0.0])}
    >>> theta, v = scaled.update(theta, gradient, scaled.init(theta))
    >>> theta["b0"].round(6), v
    (array([0., 2.]), {'b0': array([4., 0.])})
    """

    rate: float = 0.001
    decay: float = 0.9
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", positive(self.rate, "RMSProp", "rate", 0.001))
        object.__setattr__(self, "decay", below_one(self.decay, "RMSProp", "decay", 0.9))
        object.__setattr__(self, "epsilon", positive(self.epsilon, "RMSProp", "epsilon", 1e-8))

    def init(self, params: Any) -> Any:
        """Return v = 0 for every parameter."""
        return tree_map(np.zeros_like, require_params(self, params))

    def update(self, params: Any, gradient: Any, state: Any) -> tuple[Any, Any]:
        """Return the parameters after one step, and the new v."""
        require_alike(self, params, gradient=gradient, state=state)
        v = tree_map(lambda old, g: self.decay * old + (1 - self.decay) * (g * g), state, gradient)
        return _scaled_step(self.rate, self.epsilon, params, gradient, v), v


def _scaled_step(rate: float, epsilon: float, params: Any, gradient: Any, squares: Any) -> Any:
    """θ − η g/(√s + ε)."""
    return tree_map(
        lambda theta, g, s: theta - rate * g / (np.sqrt(s) + epsilon), params, gradient, squares
    )
