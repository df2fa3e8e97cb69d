"""Rules used where another belongs.

The rule for a power on an exponential, the product of derivatives for the derivative of a product,
and a derivative that is taken at the inner derivative: cos(2x) for the slope of sin(x²).
"""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.checking.segments import Segment, handing, segments
from chainrule.checking.slips import Edge, Slip, Workshop, times
from chainrule.differentiate.modes import ones, reverse
from chainrule.graph.node import Node
from chainrule.graph.walk import substitute, topological
from chainrule.primitives.arithmetic import divide, power, reciprocal, subtract
from chainrule.primitives.contraction import CONTRACT, full, multiply, scaled
from chainrule.primitives.elementwise import Elementwise, apply, in_plain_arithmetic
from chainrule.primitives.terms import Term, diagonal
from chainrule.primitives.transcendental import exp, exp2

EXPONENTIALS = (exp, exp2)
"""Functions that are a number to the power of their argument."""

POWERS = "the rule for powers of what here is the exponent"


def misapplied_rules(shop: Workshop) -> Iterator[Slip]:
    """Each rule in the place of the right one."""
    for edge in shop.edges:
        yield from _by_the_other(shop, edge)
    found = segments(shop)
    inner = {(segment.result, segment.argument): segment for segment in found}
    for segment in found:
        yield from _of_derivatives(shop, segment)
        for middle in found:
            below = inner.get((middle.argument, segment.argument))
            if middle.result is segment.result and below is not None:
                yield from _taken_at_derivative(shop, segment, middle, below)


def _by_the_other(shop: Workshop, edge: Edge) -> Iterator[Slip]:
    """x·aˣ⁻¹ for the slope of aˣ: a function of two arguments, differentiated by the other one."""
    node, place, row, words = edge.node, edge.position, edge.node.primitive, shop.words
    terms: tuple[Term, ...] = ()
    why = ""
    if row in EXPONENTIALS:
        lower = apply(row, apply(subtract, edge.item, full(node.shape, 1.0, node.dtype)))
        terms, why = (diagonal(multiply(edge.item, lower)),), POWERS
    elif isinstance(row, Elementwise) and len(node.inputs) == 2 and None not in row.derivatives:
        other = node.inputs[1 - place]
        terms = tuple(row.jacobian(node, 1 - place)) if other is not edge.item else ()
        why = POWERS if row is power and place == 1 else f"the derivative by {words.of(other)}"
    if len(terms) == 1 and terms[0].coefficients:
        wrong = words.code(_product([c.node for c in terms[0].coefficients], terms[0].scale))
        right = words.derivative(node, edge.item)
        says = f"has {wrong}, {why}, in place of {right}"
        cost = shop.named_first([edge.item], 2.45, 0.1)
        yield Slip("wrong derivative", says, cost, shop.with_terms(edge, terms))


def _product(nodes: list[Node], scale: float) -> Node:
    found = nodes[0]
    for node in nodes[1:]:
        found = multiply(found, node)
    return in_plain_arithmetic(found if scale == 1.0 else scaled(found, scale))


def _of_derivatives(shop: Workshop, segment: Segment) -> Iterator[Slip]:
    """u′v′ for the derivative of u v, and u′/v′ for that of u/v."""
    result, argument = segment.result, segment.argument
    if len(result.inputs) != 2:
        return
    one, two = result.inputs
    is_quotient = result.primitive is divide
    if result.primitive is CONTRACT:
        if result.params.operands != (result.params.out,) * 2:
            return
        for over, value in ((one, two), (two, one)):
            if over.primitive is reciprocal:
                one, two, is_quotient = value, over.inputs[0], True
    elif not is_quotient:
        return
    if one is argument or two is argument or one is two:
        return  # with the derivative 1 of a factor: a term that was left out
    above = reverse([one], [ones(one)], [argument])[0]
    below = reverse([two], [ones(two)], [argument])[0]
    if above is None or below is None:
        return
    wrong = multiply(above, apply(reciprocal, below) if is_quotient else below)
    yield _in_place(
        shop, segment, wrong, "divides" if is_quotient else "multiplies", 2.5,
        f"the derivatives of {shop.words.of(one)} and {shop.words.of(two)}",
    )  # fmt: skip


def _taken_at_derivative(
    shop: Workshop, segment: Segment, middle: Segment, below: Segment
) -> Iterator[Slip]:
    """f′(g′(x)), alone and times g′(x), for the derivative of f(g(x))."""
    if middle.argument not in topological([middle.derivative]):
        return
    inner, slope = middle.argument, below.derivative
    if (slope.shape, slope.dtype) != (inner.shape, inner.dtype):
        return
    moved = substitute([middle.derivative], {inner: slope})[middle.derivative]
    at = f"takes the derivative of {shop.words.function(middle.result, inner)} at"
    what = f"the derivative of {shop.words.of(inner)}"
    yield _in_place(shop, segment, moved, at, 2.6, what)
    yield _in_place(shop, segment, multiply(moved, slope), at, 2.55, what)


def _in_place(
    shop: Workshop, segment: Segment, wrong: Node, verb: str, cost: float, what: str
) -> Slip:
    ends = (segment.result, segment.argument)
    right = shop.words.code(segment.derivative)
    says = f"{verb} {what} for {shop.words.derivative(*ends)}, which is {right}"
    return Slip(
        "wrong derivative", says, shop.named_first(ends, cost, 0.1), handing(segment, times(wrong))
    )
