"""How large the rounding errors of a computation may be, from its own local Jacobians."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.graph.node import Node, is_constant
from chainrule.graph.sweeps import Region, forward
from chainrule.graph.walk import topological
from chainrule.jacobian.apply import added, push_forward
from chainrule.primitives.arithmetic import absolute
from chainrule.primitives.contraction import full
from chainrule.primitives.elementwise import apply, in_plain_arithmetic
from chainrule.primitives.identities import cast
from chainrule.primitives.terms import Coefficient, Term


def rounding_bound(node: Node) -> Node:
    """An array that, times the unit roundoff, bounds the error of each entry to first order.

    Every operation rounds its result once, and hands on the errors of its inputs through its local
    Jacobian, all of them with their absolute values: ``b(y) = |y| + sum of |dy/dx| b(x)``. So
    ``1 - y * y`` near 0 has the errors of 1 and of y * y, not those of its own size. So would the
    formula of whoever writes the slope of tanh like that: rows that lose fewer digits are taken for
    what they stand for.

    Source: running error analysis as in N. J. Higham, Accuracy and Stability of Numerical
    Algorithms, section 3.3, to first order.
    """
    node = in_plain_arithmetic(node)
    nodes = [item for item in topological([node]) if item.differentiable and not _is_exact(item)]
    bounds = {item: apply(absolute, item) for item in nodes if _rounds(item)}
    forward(Region(nodes, nodes), bounds, _through, added)
    return bounds.get(node) or full(node.shape, 0.0, node.dtype)


def _rounds(node: Node) -> bool:
    return not node.inputs or node.primitive.operations(node) > 0


def _is_exact(node: Node) -> bool:
    """Single numbers, such as an exponent, are the same in any formula."""
    return is_constant(node) and node.size == 1


def _through(node: Node, position: int, bound: Node) -> Node | None:
    terms = _absolute(node.primitive.jacobian(node, position))
    return push_forward(terms, cast(bound, node.inputs[position].dtype), node)


def _absolute(terms: Sequence[Term]) -> list[Term]:
    return [
        term._replace(
            coefficients=tuple(map(_absolute_coefficient, term.coefficients)),
            scale=abs(term.scale),
        )
        for term in terms
    ]


def _absolute_coefficient(coefficient: Coefficient) -> Coefficient:
    node, labels = coefficient
    return Coefficient(apply(absolute, node), labels) if node.differentiable else coefficient
