"""Wrong formulas for the derivative of a function of elements, and slopes that are too many.

The formulas are those that the table of elementwise functions holds: the derivative of another
function, a function itself, one over it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from chainrule.checking.segments import Segment, handing, segments
from chainrule.checking.slips import Slip, Slope, Workshop, times
from chainrule.graph.node import Node
from chainrule.graph.walk import substitute, topological
from chainrule.primitives.arithmetic import add, reciprocal, sqrt, subtract
from chainrule.primitives.contraction import multiply
from chainrule.primitives.elementwise import ROWS, Elementwise, apply, in_plain_arithmetic
from chainrule.primitives.expression import Expression
from chainrule.primitives.reductions import SOFTMAX, softmax
from chainrule.primitives.transcendental import sigmoid, tanh

LONGEST = 3
"""Operations of a function whose derivative may be exchanged for that of another."""


def formula_slips(shop: Workshop) -> Iterator[Slip]:
    """The derivative of a function exchanged for another formula."""
    for segment in segments(shop):
        place = _Place(shop, segment)
        yield from _altered(place)
        if segment.length <= LONGEST:
            yield from _of_another(place)


class _Place:
    """Where a formula stands, with the words for it."""

    def __init__(self, shop: Workshop, segment: Segment) -> None:
        words, ends = shop.words, (segment.result, segment.argument)
        self.segment, self.words = segment, words
        self.argument, self.value = words.of(segment.argument), words.of(segment.result)
        self._says = (
            f"in place of {words.derivative(*ends)}: the derivative of {words.function(*ends)} is "
            f"{words.code(segment.derivative)}"
        )
        self._cost = shop.named_first(ends, 0.0, 0.15) + 0.02 * segment.length

    def slip(self, wrong: Node, what: str, cost: float) -> Slip:
        return Slip(
            "wrong derivative", f"has {what} {self._says}", cost + self._cost,
            handing(self.segment, times(wrong)), slope=Slope(self.segment.argument, wrong),
        )  # fmt: skip


def unary() -> Iterator[Elementwise]:
    """The functions of one argument that have a derivative."""
    for row in ROWS.values():
        if len(row.derivatives) == 1 and row.derivatives[0] is not None:
            yield row


def _of_another(place: _Place) -> Iterator[Slip]:
    result, argument = place.segment.result, place.segment.argument
    for row in unary():
        own = _applied(row, argument)
        if own is None:
            continue
        at, both = place.argument, f"{place.argument} and {place.value}"
        for of, where in ((own, at), (result, both)):
            slope = _slope(row, argument, of)
            if slope is not None and slope is not place.segment.derivative:
                yield place.slip(slope, f"the derivative of {row.name} at {where}", 2.6)
        yield place.slip(own, f"{row.name}({at})", 2.65)
        yield place.slip(apply(reciprocal, own), f"1 / {row.name}({at})", 2.7)
        later = _applied(row, result)
        if later is not None:
            yield place.slip(later, f"{row.name}({place.value})", 2.75)


def _applied(row: Elementwise, node: Node) -> Node | None:
    found = apply(row, node)
    return found if (found.dtype, found.shape) == (node.dtype, node.shape) else None


def _slope(row: Elementwise, x: Node, y: Node) -> Node | None:
    """The derivative that a row declares, with any value for its result."""
    terms = row.derivatives[0]
    assert terms is not None
    found = terms(Expression(x), Expression(y))
    parts = found if isinstance(found, tuple) else (found,)
    product: Node | None = None
    for part in parts:
        if isinstance(part, Expression):
            node = part.node
            product = node if product is None else multiply(product, node)
    if product is None or product.shape != x.shape or product.dtype.kind not in "fb":
        return None
    written, result = in_plain_arithmetic(product), apply(row, x)
    return substitute([written], {result: y})[written] if y is not result else written


def _altered(place: _Place) -> Iterator[Slip]:
    """The right formula with one operation in it wrong: a sign, a root, a square."""
    segment = place.segment
    derivative = segment.derivative
    powers: tuple[tuple[Callable[[Node], Node], str], ...] = (
        (lambda d: multiply(d, d), "the square of the derivative"),
        (lambda d: apply(sqrt, d), "the root of the derivative"),
        (lambda d: apply(reciprocal, d), "one over the derivative"),
    )
    for make, what in powers:
        yield place.slip(make(derivative), what, 2.7)
    ends = (segment.argument, segment.result)
    for node in topological([derivative], stop=lambda n: n in ends):
        if node.primitive in (add, subtract) and node.dtype == derivative.dtype:
            other = subtract if node.primitive is add else add
            changed = apply(other, *node.inputs)
            wrong = substitute([derivative], {node: changed})[derivative]
            yield place.slip(wrong, f"{place.words.code(wrong)}, with a wrong sign,", 2.6)


# -- slopes that are too many ---------------------------------------------------------------------


def extra_slopes(shop: Workshop) -> Iterator[Slip]:
    """p(1 − p) multiplied into a cotangent that is complete: of softmax's cross-entropy, say."""
    backward, words = shop.backward, shop.words
    outputs = [node for node in backward.order if words.has_name(node)]
    for node in backward.order:
        if node is backward.output or node not in backward.cotangents or not node.ndim:
            continue
        if not words.has_name(node) and node is not backward.leaf:
            continue
        for factor, what in _slopes(shop, node, outputs):
            says = f"has the factor {what} multiplied in again at {words.of(node)}"
            change = {node: lambda c, n=node, f=factor: backward.step(n, multiply(c, f))}
            if node is not backward.leaf:
                yield Slip("extra factor", says, 2.45, change)
            else:
                yield Slip("extra factor", says, 2.45, made=multiply(backward.gradient, factor))


def _slopes(shop: Workshop, node: Node, outputs: list[Node]) -> Iterator[tuple[Node, str]]:
    words, name = shop.words, shop.words.of(node)
    axes = dict.fromkeys(
        item.params
        for item in topological([shop.backward.output, shop.backward.gradient])
        if item.primitive is SOFTMAX and item.shape == node.shape
    )
    for axis in axes:
        value = softmax(node, axis)
        slope = _slope(sigmoid, node, value)
        text = words.of(value) if words.has_name(value) else f"softmax({name})"
        if slope is not None:
            yield slope, f"{text} (1 − {text}), the diagonal of the Jacobian of softmax,"
    for row in (sigmoid, tanh):
        slope = _slope(row, node, apply(row, node))
        if slope is not None:
            yield slope, f"{row.name}′({name})"
        for value in outputs:
            if value is not node and (value.shape, value.dtype) == (node.shape, node.dtype):
                slope = _slope(row, node, value)
                if slope is not None:
                    yield slope, f"{words.code(slope)}, the slope of {row.name},"
