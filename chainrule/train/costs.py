"""Costs of one example, E^r(output, target), safe where an output saturates.

When the output comes straight from a softmax or a sigmoid, the logarithm of the probability is
computed from the pre-activations, so that a unit at −1000 costs 1000 rather than infinity.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.arguments import real_array, shown
from chainrule.errors import ArgumentError, ShapeError
from chainrule.graph.node import Node, Primitive
from chainrule.primitives import transcendental
from chainrule.primitives.reductions import SOFTMAX
from chainrule.tracing import node_of, wrap
from chainrule.tracing.activations import log_softmax

Cost = Callable[[Any, Any], Any]


def squared_cost(output: Any, target: Any) -> Any:
    """½‖output − target‖², the lecture's cost of one example.

    Parameters
    ----------
    output, target : array
        Of the same shape.

    Returns
    -------
    scalar

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> float(squared_cost(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
    2.0
    """
    output, target = _pair("squared_cost", output, target)
    e = output - target
    return 0.5 * np.sum(e * e)


def cross_entropy(output: Any, target: Any) -> Any:
    """−Σᵢ targetᵢ log outputᵢ, the cost of one example whose outputs are a softmax's probabilities.

    For a single unit, which is a yes-or-no answer, it is :func:`binary_cross_entropy`. Several
    sigmoid units are not one probability vector: name that function for them; ``cr.fit`` with
    ``cost=cr.cross_entropy`` and sigmoid outputs does so by itself.

    Parameters
    ----------
    output : array of shape (K,)
        Probabilities.
    target : array of shape (K,)
        The probabilities that were meant: 1 for the right class and 0 for the others.

    Returns
    -------
    scalar
        Where a target is 0 its term is 0, whatever the output.

    Raises
    ------
    ShapeError
        If the shapes differ.
    ArgumentError
        If the output comes from several sigmoid units.

    Examples
    --------
    >>> round(float(cross_entropy(np.array([0.25, 0.75]), np.array([1.0, 0.0]))), 6)
    1.386294
    """
    output, target = _pair("cross_entropy", output, target)
    if output.shape == (1,):
        return binary_cross_entropy(output, target)
    if _made_by(transcendental.sigmoid, output) is not None:
        raise ArgumentError(
            "cross_entropy",
            "several sigmoid units are yes-or-no answers, not one probability vector",
            f"{output.shape[0]} units",
            "use cr.binary_cross_entropy, or a softmax output",
        )
    return -np.sum(_times_log(target, output))


def binary_cross_entropy(output: Any, target: Any) -> Any:
    """−Σᵢ targetᵢ log outputᵢ + (1 − targetᵢ) log(1 − outputᵢ), for independent sigmoid units.

    Parameters
    ----------
    output : array of shape (K,)
        The probability of each of K yes-or-no answers.
    target : array of shape (K,)
        1 for yes, 0 for no.

    Returns
    -------
    scalar

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> round(float(binary_cross_entropy(np.array([0.25]), np.array([0.0]))), 6)
    0.287682
    """
    output, target = _pair("binary_cross_entropy", output, target)
    sigmoid = _made_by(transcendental.sigmoid, output)
    if sigmoid is not None:
        z = wrap(sigmoid.inputs[0])
        return np.sum(target * np.logaddexp(0.0, -z) + (1.0 - target) * np.logaddexp(0.0, z))
    return -np.sum(_times_log(target, output) + _times_log(1.0 - target, 1.0 - output))


COSTS: dict[str, Cost] = {
    "squared": squared_cost,
    "cross-entropy": cross_entropy,
    "binary-cross-entropy": binary_cross_entropy,
}


def choose_cost(cost: Cost | str | None, output: Any) -> tuple[str, Cost]:
    """The name and the function of a cost, for a network with this kind of output.

    None means cross-entropy for softmax outputs and the squared cost for all others. Cross-entropy
    with sigmoid outputs is the binary one.

    Raises
    ------
    ArgumentError
        If the name is unknown, or the cost needs probabilities and the output gives none.
    """
    if cost is None:
        cost = "cross-entropy" if output == "softmax" else "squared"
    name, function = _named_cost(cost)
    if function is cross_entropy and output == "sigmoid":
        name, function = "binary-cross-entropy", binary_cross_entropy
    needed = {"cross-entropy": "softmax", "binary-cross-entropy": "sigmoid"}.get(name)
    if needed and isinstance(output, str) and output != needed:
        raise ArgumentError(
            "fit",
            f"{name} needs probabilities",
            f"output={output!r}",
            f'write Network(…, output="{needed}")',
        )
    return name, function


def _named_cost(cost: Cost | str) -> tuple[str, Cost]:
    if isinstance(cost, str) and cost in COSTS:
        return cost, COSTS[cost]
    if callable(cost):
        known = [name for name, function in COSTS.items() if function is cost]
        return known[0] if known else getattr(cost, "__name__", "custom"), cost
    raise ArgumentError(
        "fit",
        "unknown cost",
        shown(cost),
        f"write one of {', '.join(COSTS)}, or a function of one output and one target",
    )


def _times_log(weight: Any, probability: Any) -> Any:
    """Weight · log(probability), and 0 where the weight is 0."""
    softmax = _made_by(SOFTMAX, probability)
    if softmax is not None:
        return weight * log_softmax(wrap(softmax.inputs[0]), axis=softmax.params)
    return weight * np.log(np.where(weight == 0, 1.0, probability))


def _made_by(primitive: Primitive, output: Any) -> Node | None:
    """The node of a traced output if this primitive made it, straight from pre-activations."""
    node = node_of(output)
    return node if node is not None and node.primitive is primitive else None


def _pair(operation: str, output: Any, target: Any) -> tuple[Any, Any]:
    output, target = _array(operation, "output", output), _array(operation, "target", target)
    if output.shape != target.shape:
        raise ShapeError(
            operation,
            "output and target differ in shape",
            f"{output.shape} and {target.shape}",
            "give one target for every output unit",
        )
    return output, target


def _array(operation: str, name: str, value: Any) -> Any:
    """A traced value as it is, and all else as an array of real numbers."""
    return value if node_of(value) is not None else real_array(operation, f"the {name}", value)
