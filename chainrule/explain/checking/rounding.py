"""How large the rounding errors of a computation may be, from its own local Jacobians."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.graph.node import Node, is_constant
from chainrule.graph.walk import topological
from chainrule.jacobian.apply import push_forward
from chainrule.primitives.arithmetic import absolute, sum_of
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
    bounds: dict[Node, Node] = {}
    for item in topological([node]):
        if item.differentiable and not _is_exact(item):
            bounds[item] = _bound(item, bounds)
    return bounds.get(node) or full(node.shape, 0.0, node.dtype)


def _is_exact(node: Node) -> bool:
    """Single numbers, such as an exponent, are the same in any formula."""
    return is_constant(node) and node.size == 1


def _bound(node: Node, bounds: dict[Node, Node]) -> Node:
    rounds = not node.inputs or node.primitive.operations(node) > 0
    total = apply(absolute, node) if rounds else None
    for position, item in enumerate(node.inputs):
        if item not in bounds:
            continue
        terms = _absolute(node.primitive.jacobian(node, position))
        part = push_forward(terms, cast(bounds[item], item.dtype), node)
        if part is not None:
            total = part if total is None else sum_of(total, part)
    return full(node.shape, 0.0, node.dtype) if total is None else total


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
