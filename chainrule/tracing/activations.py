"""Functions that NumPy lacks, on arrays or traced values: sigmoid, relu, softmax and relatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.arguments import flag
from chainrule.graph.node import Node
from chainrule.interpret.run import evaluate, owned
from chainrule.primitives import contraction, reductions, transcendental
from chainrule.primitives.arrangement import reshape
from chainrule.primitives.elementwise import apply
from chainrule.primitives.identities import cast
from chainrule.shapes import normalize_axes, normalize_axis
from chainrule.tracing.traced import Traced, as_node


def _on_either(build: Callable[[Node], Node], x: Any) -> Any:
    """Run a builder on a traced value, or on an array and compute the result."""
    node = as_node(x)
    if not node.differentiable:
        node = cast(node, np.float64)
    result = build(node)
    if isinstance(x, Traced):
        return x._like(result)
    return owned([result], evaluate([result]))[0]


def sigmoid(x: Any) -> Any:
    """The logistic function 1 / (1 + exp(-x)), elementwise; safe for any x.

    Parameters
    ----------
    x : array_like
        Any shape. Whole numbers become float64.

    Returns
    -------
    ndarray, number, or traced value
        The same shape, between 0 and 1. Its derivative is σ(1 − σ).

    Examples
    --------
    >>> import numpy as np
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    return _on_either(lambda node: apply(transcendental.sigmoid, node), x)


def relu(x: Any) -> Any:
    """max(x, 0), elementwise, with derivative 0 at 0.

    ``np.maximum(x, 0)`` has ½ there, since ties of a maximum share equally.

    Parameters
    ----------
    x : array_like
        Any shape.

    Returns
    -------
    ndarray, number, or traced value
        The same shape.

    Examples
    --------
    >>> import numpy as np
    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return _on_either(lambda node: apply(transcendental.relu, node), x)


def softmax(x: Any, axis: int = -1) -> Any:
    """exp(x) / Σ exp(x) along an axis; safe for any x.

    Parameters
    ----------
    x : array_like
        At least one axis.
    axis : int
        The axis along which the results sum to 1.

    Returns
    -------
    ndarray or traced value
        The same shape. Its Jacobian is diag(p) − p pᵀ.

    Examples
    --------
    >>> import numpy as np
    >>> softmax(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    return _on_either(lambda n: reductions.softmax(n, normalize_axis("softmax", axis, n.ndim)), x)


def log_softmax(x: Any, axis: int = -1) -> Any:
    """x − logsumexp(x) along an axis: the logarithm of softmax, without its underflow.

    Parameters
    ----------
    x : array_like
        At least one axis.
    axis : int
        The axis along which ``exp`` of the results sums to 1.

    Returns
    -------
    ndarray or traced value
        The same shape. Its Jacobian is I − 1 pᵀ, where p is the softmax.

    Examples
    --------
    >>> import numpy as np
    >>> log_softmax(np.array([0.0, 1000.0]))
    array([-1000.,     0.])
    """
    return _on_either(
        lambda n: reductions.log_softmax(n, normalize_axis("log_softmax", axis, n.ndim)), x
    )


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """log Σ exp(x) over an axis, several, or all of them; safe for any x.

    Parameters
    ----------
    x : array_like
        Any shape.
    axis : int, tuple of int, or None
        Which axes to sum over; None means all of them.
    keepdims : bool
        Whether the axes stay, with size 1.

    Returns
    -------
    ndarray, number, or traced value
        x's shape without the axes. Its gradient is the softmax.

    Examples
    --------
    >>> import numpy as np
    >>> round(float(logsumexp(np.array([1000.0, 1000.0]))) - 1000.0, 9)
    0.693147181
    """

    flag("logsumexp", "keepdims", keepdims)

    def build(node: Node) -> Node:
        axes = normalize_axes("logsumexp", axis, node.ndim)
        if not axes:
            return node
        rest = [k for k in range(node.ndim) if k not in axes]
        moved = contraction.transpose(node, [*rest, *axes])
        flat = reshape(moved, (*moved.shape[: len(rest)], -1)) if len(axes) > 1 else moved
        result = reductions.logsumexp(flat, len(rest))
        return contraction.insert_axes(result, axes) if keepdims else result

    return _on_either(build, x)
