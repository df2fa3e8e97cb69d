"""Networks, costs, optimisers, the training loop, and model files."""

from chainrule.train.activations import ACTIVATIONS, OUTPUTS
from chainrule.train.checkpoints import load, save
from chainrule.train.costs import COSTS, binary_cross_entropy, cross_entropy, squared_cost
from chainrule.train.files import check_writable, write_whole
from chainrule.train.loop import evaluate, fit
from chainrule.train.network import Network
from chainrule.train.optimisers import (
    OPTIMISERS,
    AdaGrad,
    Adam,
    AdamState,
    AdamW,
    GradientDescent,
    Momentum,
    Optimiser,
    RMSProp,
)
from chainrule.train.prediction import predict
from chainrule.train.result import FitResult, History
from chainrule.train.training import EpochReport

__all__ = [
    "ACTIVATIONS",
    "COSTS",
    "OPTIMISERS",
    "OUTPUTS",
    "AdaGrad",
    "Adam",
    "AdamState",
    "AdamW",
    "EpochReport",
    "FitResult",
    "GradientDescent",
    "History",
    "Momentum",
    "Network",
    "Optimiser",
    "RMSProp",
    "binary_cross_entropy",
    "check_writable",
    "cross_entropy",
    "evaluate",
    "fit",
    "load",
    "predict",
    "save",
    "squared_cost",
    "write_whole",
]
