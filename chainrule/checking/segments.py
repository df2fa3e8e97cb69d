"""Functions of elements within a program, and the slips made with their derivatives.

A segment is a value and another that it depends on element by element and through nothing else:
``f1 = sigmoid(Z1)``, and also ``f1 = 1 / (1 + np.exp(-Z1))``, whatever it is written with.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass

from chainrule.checking.backward import Part, Step
from chainrule.checking.naming import Words, function_name
from chainrule.checking.slips import Edge, Family, Slip, Workshop, times
from chainrule.differentiate.modes import ones, reverse
from chainrule.graph.node import Node, is_constant
from chainrule.graph.walk import substitute, topological
from chainrule.primitives.contraction import CONTRACT, multiply
from chainrule.primitives.elementwise import in_plain_arithmetic
from chainrule.primitives.terms import Term

LONGEST = 12
"""Operations that a function of elements is written with, at most."""


@dataclass(frozen=True)
class Segment:
    """``result`` as a function of the elements of ``argument``, with its derivative."""

    result: Node
    argument: Node
    derivative: Node
    length: int


def is_diagonal(term: Term) -> bool:
    """Whether a term maps each element to the one in its place."""
    plain = all(isinstance(axis, int) for axis in (*term.out, *term.into))
    return plain and term.out == term.into and len(set(term.out)) == len(term.out)


def segments(shop: Workshop) -> list[Segment]:
    """Every segment whose derivative is not a constant."""
    outgoing: dict[Node, list[Edge]] = {}
    for edge in shop.edges:
        outgoing.setdefault(edge.node, []).append(edge)
    rank = {node: k for k, node in enumerate(shop.backward.order)}
    found = []
    for result in shop.backward.order:
        for length, argument in enumerate(_dominators(result, outgoing, rank), 1):
            derivative = reverse([result], [ones(result)], [argument])[0]
            if derivative is not None and derivative.witness is not None:
                written = in_plain_arithmetic(derivative)
                found.append(Segment(result, argument, written, length))
    return found


def _dominators(
    result: Node, outgoing: dict[Node, list[Edge]], rank: dict[Node, int]
) -> Iterator[Node]:
    """The values through which alone a value depends on the argument, nearest first."""
    frontier = {result}
    for _ in range(LONGEST):
        newest = max(frontier, key=rank.__getitem__)
        edges = outgoing.get(newest, [])
        if not edges or not all(edge.terms and map(is_diagonal, edge.terms) for edge in edges):
            return
        if not all(is_diagonal(term) for edge in edges for term in edge.terms):
            return
        frontier.remove(newest)
        frontier.update(edge.item for edge in edges)
        if len(frontier) == 1:
            yield next(iter(frontier))


def _recipe(segment: Segment) -> tuple[Hashable, ...]:
    """How a result is computed from its argument, whichever value that is."""
    places = {segment.argument: 0}
    found: list[Hashable] = []
    for node in topological([segment.result], stop=lambda n: n is segment.argument):
        if node is segment.argument:
            continue
        places[node] = len(places)
        inside = node.inputs and not is_constant(node)
        inputs = tuple(places[item] for item in node.inputs)
        found.append((node.primitive, node.params, inputs) if inside else node)
    return tuple(found)


def _family(words: Words, segment: Segment, key: Hashable, says: str) -> Family:
    """The same slip with the same function in another place."""
    name = function_name(segment.result)
    known = name and segment.argument in segment.result.inputs
    text = name if known else words.function(segment.result, segment.argument)
    return Family((key, _recipe(segment)), says.format(f"the derivative of {text}"))


def handing(segment: Segment, make: Callable[[Node], Node]) -> dict[Node, Step]:
    """The pass that goes from a segment's result straight to its argument."""
    return {segment.result: lambda cotangent: [Part(-1, segment.argument, make(cotangent))]}


def derivative_slips(shop: Workshop) -> Iterator[Slip]:
    """The derivative of a function of elements left out, doubled, or taken elsewhere."""
    found = segments(shop)
    others = _other_arguments(shop)
    for segment in found:
        yield from _left_out(shop, segment)
        yield from _wrong_place(shop, segment, others)
        yield from _wrong_formula(shop, segment)


def _cost(shop: Workshop, segment: Segment, cost: float) -> float:
    ends = [segment.result, segment.argument]
    return shop.named_first(ends, cost, 0.15) + 0.02 * segment.length


def _is_curved(segment: Segment) -> bool:
    """Whether the derivative depends on where it is taken."""
    return segment.argument in topological([segment.derivative])


def _left_out(shop: Workshop, segment: Segment) -> Iterator[Slip]:
    words, ends = shop.words, (segment.result, segment.argument)
    name = words.derivative(*ends)
    place = words.of(segment.argument)
    yield Slip(
        "missing factor",
        f"lacks {name}: the derivative of {words.function(*ends)} at {place} was left out",
        # a linear function, such as a division, is rather thought of as a factor
        _cost(shop, segment, 2.0 if _is_curved(segment) else 2.4),
        handing(segment, lambda cotangent: cotangent),
        family=_family(words, segment, "left out", "lacks {}: it was left out"),
    )
    yield Slip(
        "extra factor",
        f"has {name} twice: the derivative of {words.function(*ends)} was multiplied in again",
        _cost(shop, segment, 2.4),
        handing(
            segment,
            lambda cotangent: multiply(multiply(cotangent, segment.derivative), segment.derivative),
        ),
        family=_family(words, segment, "twice", "has {} twice"),
    )


def _other_arguments(shop: Workshop) -> list[Node]:
    """Values that a derivative may be taken at by mistake: the ones with names."""
    return [node for node in shop.backward.order if shop.words.has_name(node)]


def _wrong_place(shop: Workshop, segment: Segment, others: list[Node]) -> Iterator[Slip]:
    """σ′(f) where σ′(Z) belongs: the derivative's argument replaced by another value."""
    words, argument = shop.words, segment.argument
    if not _is_curved(segment):
        return
    for other in dict.fromkeys([segment.result, *others]):
        if other is argument or (other.shape, other.dtype) != (argument.shape, argument.dtype):
            continue
        moved = substitute([segment.derivative], {argument: other})[segment.derivative]
        right, place = words.derivative(segment.result, argument), words.of(other)
        at_result = "has {} taken at its result instead of its argument"
        yield Slip(
            "wrong argument",
            f"has {right} taken at {place} instead of {words.of(argument)}: the derivative of "
            f"{words.function(segment.result, argument)} was evaluated at the wrong value",
            _cost(shop, segment, 2.4 if other is segment.result else 2.5),
            handing(segment, times(moved)),
            family=_family(words, segment, "at result", at_result)
            if other is segment.result
            else None,
        )


def _wrong_formula(shop: Workshop, segment: Segment) -> Iterator[Slip]:
    """The derivative with a factor missing or too many, or replaced by what it came from."""
    words = shop.words
    result, argument, derivative = segment.result, segment.argument, segment.derivative
    name = words.derivative(result, argument)
    function = words.function(result, argument)

    def formula(
        wrong: Node, kind: str, says: str, cost: float, family: Family | None = None
    ) -> Slip:
        change = handing(segment, times(wrong))
        return Slip(kind, says, _cost(shop, segment, cost), change, family=family)

    for place, (factor, rest) in enumerate(_factors(derivative)):
        pattern = f"has {{}} without its factor {words.of(factor)}, or what is in its place,"
        yield formula(
            rest,
            "missing factor",
            f"has {name} without its factor {words.of(factor)}: the derivative of {function} is "
            f"{words.code(derivative)}",
            2.5,
            _family(words, segment, ("factor", place), pattern),
        )
    for power, base in _squares(derivative):
        pattern = f"has {words.of(base)}, or what is in its place, in {{}} where its square belongs"
        wrong = substitute([derivative], {power: base})[derivative]
        yield formula(
            wrong,
            "wrong derivative",
            f"has {words.of(base)} in {name} where its square belongs: the derivative of "
            f"{function} is {words.code(derivative)}",
            2.6,
            _family(words, segment, "square", pattern),
        )
    for value, what in ((result, "result"), (argument, "argument")):
        yield formula(
            value,
            "wrong derivative",
            f"has {words.of(value)} itself in place of the derivative {name}",
            2.6,
            _family(words, segment, what, f"has its {what} itself in place of {{}}"),
        )
    yield formula(
        multiply(derivative, argument),
        "extra factor",
        f"has an extra factor {words.of(argument)} beside {name}: the derivative of {function} is "
        f"{words.code(derivative)}",
        2.8,
    )


def _factors(node: Node) -> Iterator[tuple[Node, Node]]:
    """Each factor of an elementwise product, with the product of the others."""
    if node.primitive is not CONTRACT or any(
        labels != node.params.out for labels in node.params.operands
    ):
        return
    for k, factor in enumerate(node.inputs):
        rest = [item for j, item in enumerate(node.inputs) if j != k]
        product = None
        for item in rest:
            product = item if product is None else multiply(product, item)
        if product is not None:
            yield factor, product


def _squares(node: Node) -> Iterator[tuple[Node, Node]]:
    """Products of a value with itself inside a derivative, with that value."""
    for item in topological([node]):
        if item.primitive is CONTRACT and len(item.inputs) == 2 and (
            item.inputs[0] is item.inputs[1] and item.inputs[0].shape == item.shape
        ) and item is not node:  # fmt: skip
            yield item, item.inputs[0]
