"""The cardinal sine and all its derivatives: one row, whose params are the order.

sinc x = sin(πx)/(πx) has a removable singularity. A formula with a patch at 0 is right at that one
point, and for one order. Here each derivative is a function of its own, and its derivative is the
next one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np

from chainrule.graph.node import Array, Node, make
from chainrule.primitives.elementwise import Elementwise, elementwise
from chainrule.primitives.expression import Expression
from chainrule.primitives.terms import Term, diagonal


class CardinalSine(Elementwise):
    """The derivative of sinc whose order is the params; None and 0 are sinc itself."""

    def bind(self, node: Node) -> Callable[..., Array]:
        return partial(derivative, order=node.params) if node.params else self.value

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        return (diagonal(_derived(node.inputs[0], node.params or 0)),)

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        return make(self, tuple(inputs), node.params)

    def text(self, node: Node, operands: Sequence[tuple[str, int]]) -> tuple[str, int]:
        return f"{self.name_of(node)}({operands[0][0]})", 9

    def name_of(self, node: Node) -> str:
        return self.name + "′" * (node.params or 0)

    def continued(self, node: Node) -> Callable[..., Array] | None:
        return None if node.params else self.value


def _derived(x: Node, order: int) -> Node:
    return make(sinc, (x,), order + 1)


def derivative(x: Array, order: int) -> Array:
    """A derivative of sin(πx)/(πx), to a few units of its largest value; at 0 relative to itself.

    Parameters
    ----------
    x : ndarray
        Any shape.
    order : int
        At least 1.

    Returns
    -------
    ndarray
        The same shape and dtype.

    Examples
    --------
    >>> derivative(np.array([0.0]), 2) * 3 / np.pi**2
    array([-1.])
    """
    points = np.abs(np.asarray(x, np.float64))
    near = np.pi * points <= order + 2
    result = np.empty_like(points)
    result[near], result[~near] = _near_zero(points[near], order), _far_away(points[~near], order)
    if order % 2:
        result = np.copysign(result, result * np.asarray(x))
    return result.astype(x.dtype)


def _near_zero(x: Array, order: int) -> Array:
    """(d/dx)ⁿ of ∫₀¹ cos(πxt) dt, by Gauss's rule; near 0 the integrand has one sign."""
    total = np.zeros_like(x)
    for node, weight in zip(*_gauss(order), strict=True):
        total += weight * (np.pi * node) ** order * _turned(np.cos, np.sin, np.pi * x * node, order)
    return total


@lru_cache(maxsize=64)
def _gauss(order: int) -> tuple[list[float], list[float]]:
    """Nodes and weights in [0, 1], so many that the rule is exact to rounding for πx ≤ n + 2."""
    nodes, weights = np.polynomial.legendre.leggauss(16 + 2 * order)
    return ((nodes + 1) / 2).tolist(), (weights / 2).tolist()


def _far_away(x: Array, order: int) -> Array:
    """From u s = sin u, u = πx, differentiated n times: u s⁽ⁿ⁾ = sin⁽ⁿ⁾ u − n s⁽ⁿ⁻¹⁾."""
    turn = np.pi * (x - 2 * np.rint(x / 2))  # the subtraction is exact
    u = np.pi * x
    found = np.sin(turn) / u
    for n in range(1, order + 1):
        found = (_turned(np.sin, lambda t: -np.cos(t), turn, n) - n * found) / u
    return np.asarray(found * np.pi**order)


def _turned(wave: Any, other: Any, angle: Array, order: int) -> Array:
    """The derivative of a wave of some order; its first is minus the other one."""
    sign = 1 if order % 4 in (0, 3) else -1
    return np.asarray(sign * (other if order % 2 else wave)(angle))


sinc = elementwise(
    np.sinc,
    derivative=lambda x, y: Expression(_derived(x.node, 0)),
    name="sinc",
    kind=CardinalSine,
    on_complex=np.sinc,
    source="sinc x = integral of cos(pi x t) over 0 < t < 1; the derivatives are of the integrand",
)

__all__ = ["derivative", "sinc"]
