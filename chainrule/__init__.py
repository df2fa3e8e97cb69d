"""chainrule: derivatives of plain NumPy code, how they come about, and networks trained by them."""

from chainrule.differentiate.checking import check_grads
from chainrule.differentiate.gradients import (
    grad,
    hvp,
    jvp,
    stop_gradient,
    value_and_grad,
    vjp,
)
from chainrule.differentiate.jacobians import hessian, jacobian
from chainrule.differentiate.mapping import vmap
from chainrule.differentiate.recording import trace
from chainrule.graph.program import Graph
from chainrule.jacobian.matrix import Jacobian
from chainrule.tracing.activations import log_softmax, logsumexp, relu, sigmoid, softmax

__version__ = "0.1.0"

__all__ = [
    "Graph",
    "Jacobian",
    "check_grads",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "log_softmax",
    "logsumexp",
    "relu",
    "sigmoid",
    "softmax",
    "stop_gradient",
    "trace",
    "value_and_grad",
    "vjp",
    "vmap",
]
