"""Adam: momentum and a rate for each parameter, and its form that decays the parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from optree import tree_leaves, tree_map

from chainrule.train.arguments import below_one, not_negative, positive
from chainrule.train.optimisers.trees import require_alike, require_params, require_state


class AdamState(NamedTuple):
    """What Adam remembers: the steps done, and the means of the gradients and of their squares.

    Parameters
    ----------
    t : array of shape ()
        The number of steps, as a floating-point number of the parameters' precision. In float32
        it stays at 2²⁴, where β^t has long been 0.
    m, v : containers of arrays
        Of the parameters' structure, shapes and dtypes.
    """

    t: Any
    m: Any
    v: Any


@dataclass(frozen=True)
class Adam:
    """A running mean of the gradient over the root of one of its squares.

    m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², and θ ← θ − η m̂/(√v̂ + ε) with
    m̂ = m/(1 − β₁^t) and v̂ = v/(1 − β₂^t) in step t, which make up for starting from 0.

    Parameters
    ----------
    rate : float
        The learning rate η: about the longest step, whatever the gradient's size; so it is the
        same for the mean and for the total cost.
    beta1, beta2 : float
        How much of each mean is kept, from 0 up to but not including 1.
    epsilon : float
        ε, which keeps the quotient finite where no gradient has been yet.

    Raises
    ------
    ArgumentError
        If the rate or ε is not a positive, finite number, or a β is not in [0, 1).

    Notes
    -----
    D. P. Kingma, J. Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1. The
    corrections 1 − β^t are computed as −expm1(t log β), which keeps its digits in float32 as well.

    Examples
    --------
    >>> import numpy as np
    >>> adam = Adam(rate=0.5)
    >>> theta, gradient = {"b0": np.array([1.0, 2.0])}, {"b0": np.array([4.0, 0.0])}
    >>> theta, state = adam.update(theta, gradient, adam.init(theta))
    >>> theta["b0"].round(6)
    array([0.5, 2. ])
    >>> print(state.t, state.m["b0"].round(6), state.v["b0"].round(6))
    1.0 [0.4 0. ] [0.016 0.   ]
    """

    rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _check(self)

    def init(self, params: Any) -> AdamState:
        """Return t = 0, m = 0 and v = 0."""
        return _nothing_yet(require_params(self, params))

    def update(self, params: Any, gradient: Any, state: AdamState) -> tuple[Any, AdamState]:
        """Return the parameters after one step, and the new t, m and v."""
        state = _remembered(self, params, gradient, state)
        return _stepped(self, params, state), state


@dataclass(frozen=True)
class AdamW:
    """Adam whose step also shrinks every parameter: θ ← (1 − η λ) θ − η m̂/(√v̂ + ε).

    The decay is no part of the gradient, so that it is not divided by √v̂ as the gradient of a
    penalty ½ λ ‖θ‖² would be.

    Parameters
    ----------
    rate : float
        The learning rate η, as for `Adam`.
    beta1, beta2, epsilon : float
        As for `Adam`.
    weight_decay : float
        λ, 0 or more. All parameters decay, b0, b1, … as well. In the paper's algorithm λ is not
        multiplied by the rate; here it is, as in PyTorch and optax.

    Raises
    ------
    ArgumentError
        If the rate or ε is not a positive, finite number, a β is not in [0, 1), or the weight
        decay is negative or not finite.

    Notes
    -----
    I. Loshchilov, F. Hutter, Decoupled weight decay regularization, ICLR 2019, algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> adam = AdamW(rate=0.5, weight_decay=0.25)
    >>> theta, gradient = {"b0": np.array([1.0, 2.0])}, {"b0": np.array([4.0, 0.0])}
    >>> theta, state = adam.update(theta, gradient, adam.init(theta))
    >>> theta["b0"].round(6)
    array([0.375, 1.75 ])
    """

    rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        _check(self)
        decay = not_negative(self.weight_decay, "AdamW", "weight_decay", 0.01)
        object.__setattr__(self, "weight_decay", decay)

    def init(self, params: Any) -> AdamState:
        """Return t = 0, m = 0 and v = 0."""
        return _nothing_yet(require_params(self, params))

    def update(self, params: Any, gradient: Any, state: AdamState) -> tuple[Any, AdamState]:
        """Return the parameters after one step, and the new t, m and v."""
        state = _remembered(self, params, gradient, state)
        kept = 1 - self.rate * self.weight_decay
        return _stepped(self, tree_map(lambda theta: kept * theta, params), state), state


def _check(adam: Adam | AdamW) -> None:
    """Make the settings that both forms have floats, or say which is wrong."""
    name = type(adam).__name__
    for setting, example in (("rate", 0.001), ("epsilon", 1e-8)):
        value = positive(getattr(adam, setting), name, setting, example)
        object.__setattr__(adam, setting, value)
    for setting, example in (("beta1", 0.9), ("beta2", 0.999)):
        value = below_one(getattr(adam, setting), name, setting, example)
        object.__setattr__(adam, setting, value)


def _nothing_yet(params: Any) -> AdamState:
    # A float and not a whole number: the step is one program in the parameters' own precision.
    t = np.zeros((), np.result_type(*tree_leaves(params)))
    return AdamState(t, tree_map(np.zeros_like, params), tree_map(np.zeros_like, params))


def _remembered(adam: Adam | AdamW, params: Any, gradient: Any, state: AdamState) -> AdamState:
    require_state(adam, state, AdamState((), (), ()))
    require_alike(adam, params, gradient=gradient, m=state.m, v=state.v)
    beta1, beta2 = adam.beta1, adam.beta2
    m = tree_map(lambda old, g: beta1 * old + (1 - beta1) * g, state.m, gradient)
    v = tree_map(lambda old, g: beta2 * old + (1 - beta2) * (g * g), state.v, gradient)
    return AdamState(state.t + 1, m, v)


def _stepped(adam: Adam | AdamW, params: Any, state: AdamState) -> Any:
    """θ − η m̂/(√v̂ + ε), with both corrections as numbers that are computed once a step."""
    rate = adam.rate / _one_less_power(adam.beta1, state.t)
    scale = 1 / np.sqrt(_one_less_power(adam.beta2, state.t))

    def step(theta: Any, m: Any, v: Any) -> Any:
        root = np.sqrt(v) * scale.astype(theta.dtype)
        return theta - rate.astype(theta.dtype) * m / (root + adam.epsilon)

    return tree_map(step, params, state.m, state.v)


def _one_less_power(beta: float, t: Any) -> Any:
    """1 − β^t without its cancellation."""
    return -np.expm1(t * (math.log(beta) if beta else -math.inf))
