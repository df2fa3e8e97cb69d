"""Optimisers: how a gradient changes the parameters, each a pair of pure functions.

`init` makes the state that belongs to some parameters; `update` returns new parameters and a new
state. Both are plain NumPy, so that an update is traced together with the gradient it uses. The
shape of an optimiser follows optax (DeepMind, 2020): state is passed in and out, never kept, and
its shapes and dtypes are the same after every step.
"""

from collections.abc import Callable

from chainrule.train.optimisers.adam import Adam, AdamState, AdamW
from chainrule.train.optimisers.adaptive import AdaGrad, RMSProp
from chainrule.train.optimisers.descent import GradientDescent, Momentum
from chainrule.train.optimisers.protocol import Optimiser

__all__ = [
    "OPTIMISERS",
    "AdaGrad",
    "Adam",
    "AdamState",
    "AdamW",
    "GradientDescent",
    "Momentum",
    "Optimiser",
    "RMSProp",
]

OPTIMISERS: dict[str, Callable[[float], Optimiser]] = {
    "gradient-descent": GradientDescent,
    "momentum": Momentum,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "adam": Adam,
    "adamw": AdamW,
}
"""Names on the command line, each with a function of the learning rate."""
