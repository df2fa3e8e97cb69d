"""Slips in single steps: Jacobians in part, forgotten transposes, one value for another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chainrule.checking.backward import Part, Step
from chainrule.checking.segments import is_diagonal
from chainrule.checking.slips import Edge, Family, Slip, Symmetry, Workshop, times
from chainrule.graph.node import Node
from chainrule.primitives.axes import all_labels
from chainrule.primitives.contraction import CONTRACT, contract, transpose
from chainrule.primitives.linear_algebra import INV
from chainrule.primitives.terms import Coefficient, Term
from chainrule.shapes import Labels


def jacobian_slips(shop: Workshop) -> Iterator[Slip]:
    """A local Jacobian that is no diagonal: left out, only its diagonal, or a term of it wrong."""
    for edge in shop.edges:
        if not edge.terms or all(map(is_diagonal, edge.terms)):
            continue
        name = f"the Jacobian of {shop.words.step(edge.node)} at {shop.words.of(edge.item)}"
        if edge.node.shape == edge.item.shape:
            says = f"lacks {name}: the step was left out"
            left_out = shop.replaced(edge, lambda cotangent: cotangent)
            yield Slip("missing factor", says, 2.35, left_out)
            yield from _only_diagonal(shop, edge, name)
        if len(edge.terms) > 1:
            yield from _wrong_term(shop, edge, name)


def _only_diagonal(shop: Workshop, edge: Edge, name: str) -> Iterator[Slip]:
    """The derivative of each result by its own input, as if the function were one of elements."""
    terms = [_diagonal_of(term) for term in edge.terms]
    if all(term is not None for term in terms):
        says = f"has only the diagonal of {name}: every result depends on every input"
        changes = shop.with_terms(edge, [term for term in terms if term is not None])
        yield Slip("dropped term", says, 2.2, changes)


def _diagonal_of(term: Term) -> Term | None:
    """The term where the input's labels are the output's."""
    if term.virtual or not all(isinstance(axis, int) for axis in (*term.out, *term.into)):
        return None
    out, into = all_labels(term.out), all_labels(term.into)
    if len(set(out)) < len(out) or len(set(into)) < len(into):
        return None
    became = dict(zip(into, out, strict=True))
    if any(label in became and became[label] != label for label in out):
        return None
    coefficients = tuple(
        Coefficient(node, tuple(became.get(label, label) for label in labels))
        for node, labels in term.coefficients
    )
    return term._replace(coefficients=coefficients, into=term.out)


def _wrong_term(shop: Workshop, edge: Edge, name: str) -> Iterator[Slip]:
    for k, term in enumerate(edge.terms):
        rest = [item for j, item in enumerate(edge.terms) if j != k]
        part = "diagonal part" if is_diagonal(term) else "part beside the diagonal"
        lacks = f"lacks the {part} of {name}"
        yield Slip("dropped term", lacks, 2.1, shop.with_terms(edge, rest))
        turned = [*rest, term._replace(scale=-term.scale)]
        says = f"has the {part} of {name} with the wrong sign"
        yield Slip("wrong sign", says, 2.3, shop.with_terms(edge, turned))


@dataclass(frozen=True)
class Factor:
    """One coefficient of one term of an edge's Jacobian."""

    edge: Edge
    term: int
    place: int

    @property
    def coefficient(self) -> Coefficient:
        return self.edge.terms[self.term].coefficients[self.place]

    def replaced(self, *new: Coefficient) -> tuple[Term, ...]:
        """The Jacobian with other coefficients in its place."""
        terms = list(self.edge.terms)
        old = list(terms[self.term].coefficients)
        old[self.place : self.place + 1] = new
        terms[self.term] = terms[self.term]._replace(coefficients=tuple(old))
        return tuple(terms)


def coefficient_slips(shop: Workshop) -> Iterator[Slip]:
    """The factors of a product: transposed, left out, doubled, or exchanged for another value."""
    named = [node for node in shop.words.names if node.differentiable]
    for edge in shop.edges:
        for t, term in enumerate(edge.terms):
            for c in range(len(term.coefficients)):
                factor = Factor(edge, t, c)
                yield from _transposed(shop, factor)
                yield from _left_out(shop, factor)
                yield from _exchanged(shop, factor, named)
        yield from _another_product(shop, edge)


def _transposed(shop: Workshop, factor: Factor) -> Iterator[Slip]:
    """A matrix the other way round, as a factor or within the product that is one."""
    for matrix, turned in _turned(factor.coefficient):
        name = shop.words.of(matrix)
        yield Slip(
            "forgotten transpose",
            f"has {name} the wrong way round in the step to {shop.words.of(factor.edge.item)}: "
            f"the transpose of {name} was forgotten, or is one too many",
            shop.named_first([matrix], 2.0),
            shop.with_terms(factor.edge, factor.replaced(turned)),
            Symmetry(name, shop.without(factor.edge)),
            Family(("turned", matrix), f"has {name} the wrong way round"),
        )


def _turned(coefficient: Coefficient) -> Iterator[tuple[Node, Coefficient]]:
    """Each square matrix in a coefficient, with the coefficient where it is transposed."""
    node, labels = coefficient
    if _is_square(node) and labels[-1] != labels[-2]:
        yield node, Coefficient(node, _reversed_end(labels))
    if node.primitive is not CONTRACT:
        return
    spec = node.params
    for k, (item, own) in enumerate(zip(node.inputs, spec.operands, strict=True)):
        if _is_square(item) and own[-1] != own[-2]:
            lists = [_reversed_end(n) if j == k else n for j, n in enumerate(spec.operands)]
            other = contract(
                node.inputs, lists, spec.out, node.shape, scale=spec.scale, dtype=node.dtype
            )
            yield item, Coefficient(other, labels)


def _is_square(node: Node) -> bool:
    return node.ndim >= 2 and node.shape[-1] == node.shape[-2] > 1


def _reversed_end(labels: Labels) -> Labels:
    return (*labels[:-2], labels[-1], labels[-2])


def _left_out(shop: Workshop, factor: Factor) -> Iterator[Slip]:
    edge, name = factor.edge, shop.words.of(factor.coefficient.node)
    where = f"in the step from {shop.words.of(edge.node)} to {shop.words.of(edge.item)}"
    cost = shop.named_first([factor.coefficient.node], 2.3)
    ways = [shop.with_terms(edge, factor.replaced()), *_as_identity(shop, factor)]
    if edge.node.shape == edge.item.shape and edge.node.primitive is CONTRACT:
        ways.append(shop.replaced(edge, lambda cotangent: cotangent))
    for way, changes in enumerate(ways):
        family = Family(("left out", factor.coefficient.node, way), f"lacks the factor {name}")
        yield Slip("missing factor", f"lacks the factor {name} {where}", cost, changes,
                   family=family)  # fmt: skip
    yield Slip(
        "extra factor",
        f"has the factor {name} twice {where}",
        shop.named_first([factor.coefficient.node], 3.1),
        shop.with_terms(edge, factor.replaced(factor.coefficient, factor.coefficient)),
        family=Family(("twice", factor.coefficient.node), f"has the factor {name} twice"),
    )


def _as_identity(shop: Workshop, factor: Factor) -> Iterator[dict[Node, Step]]:
    """The step with a square matrix taken for the identity: its two labels become one."""
    node, labels = factor.coefficient
    term = factor.edge.terms[factor.term]
    is_plain = all(isinstance(axis, int) for axis in (*term.out, *term.into))
    if not _is_square(node) or node.ndim > 2 or labels[0] == labels[1] or not is_plain:
        return
    became = {labels[1]: labels[0]}

    def renamed(old: Labels) -> Labels:
        return tuple(became.get(label, label) for label in old)

    rest = tuple(
        Coefficient(other, renamed(own))
        for place, (other, own) in enumerate(term.coefficients)
        if place != factor.place
    )
    terms = list(factor.edge.terms)
    terms[factor.term] = term._replace(
        coefficients=rest, out=renamed(all_labels(term.out)), into=renamed(all_labels(term.into))
    )
    yield shop.with_terms(factor.edge, terms)


def _exchanged(shop: Workshop, factor: Factor, named: list[Node]) -> Iterator[Slip]:
    node, labels = factor.coefficient
    right, place = shop.words.of(node), shop.words.of(factor.edge.item)
    inverted = node.inputs if node.primitive is INV else ()
    for other in dict.fromkeys([*inverted, *named]):
        if other is node or (other.shape, other.dtype) != (node.shape, node.dtype):
            continue
        wrong = shop.words.of(other)
        kind, says = (
            ("forgotten inverse", f"has {wrong} where its inverse belongs in the step to {place}")
            if other in inverted
            else ("wrong value", f"has {wrong} where {right} belongs in the step to {place}")
        )
        cost = 2.3 if other in inverted else shop.named_first([node], 2.4)
        yield Slip(kind, says, cost, shop.with_terms(
            factor.edge, factor.replaced(Coefficient(other, labels))
        ))  # fmt: skip


def _another_product(shop: Workshop, edge: Edge) -> Iterator[Slip]:
    """The same two factors, multiplied elementwise, as matrices, or in the other order."""
    if len(edge.terms) != 1 or len(edge.terms[0].coefficients) != 1:
        return
    (term,) = edge.terms
    matrix = term.coefficients[0].node
    rows = edge.item.shape[0] if edge.item.ndim == 2 else 0
    if not edge.item.shape == edge.node.shape == matrix.shape or matrix.ndim != 2:
        return
    name, place = shop.words.of(matrix), shop.words.of(edge.item)
    delta = shop.words.partial(shop.backward.output, edge.node)
    elementwise = is_diagonal(term)
    if not elementwise:
        for factor, text in ((matrix, name), (transpose(matrix, (1, 0)), f"{name}ᵀ")):
            yield Slip(
                "elementwise product",
                f"multiplies {delta} by {text} elementwise in the step to {place}, where a matrix "
                "product belongs",
                2.3,
                shop.replaced(edge, times(factor)),
            )
    if rows != edge.item.shape[1]:
        return
    for left in (True, False):
        for labels, text in (((0, 1), name), ((1, 0), f"{name}ᵀ")):
            shown = f"{text} {delta}" if left else f"{delta} {text}"
            kind = "matrix product" if elementwise else "wrong order"
            why = "an elementwise product belongs" if elementwise else "another order belongs"
            yield Slip(
                kind,
                f"has the matrix product {shown} in the step to {place}, where {why}",
                2.5,
                shop.replaced(edge, _product(matrix, labels, left)),
            )


def _product(matrix: Node, labels: tuple[int, int], left: bool) -> Callable[[Node], Node]:
    """``cotangent @ matrix`` or ``matrix @ cotangent``, with the matrix as labelled."""

    def make(cotangent: Node) -> Node:
        shape, dtype = cotangent.shape, cotangent.dtype
        if left:
            return contract([matrix, cotangent], [labels, (1, 2)], (0, 2), shape, dtype=dtype)
        return contract([cotangent, matrix], [(2, 0), labels], (2, 1), shape, dtype=dtype)

    return make


def cotangent_slips(shop: Workshop) -> Iterator[Slip]:
    """The δ of one value used for another of the same shape."""
    backward, words = shop.backward, shop.words
    for node in backward.order:
        right = backward.cotangents.get(node)
        if right is None or node is backward.output:
            continue
        for other in backward.order:
            wrong = backward.cotangents.get(other)
            if wrong is None or wrong is right or wrong.shape != node.shape:
                continue
            belongs = words.partial(backward.output, node)
            used = words.partial(backward.output, other)
            yield Slip(
                "wrong cotangent",
                f"is made with {used} where {belongs} belongs",
                shop.named_first([node, other], 2.45),
                _with_cotangent(shop, node, wrong),
            )


def _with_cotangent(shop: Workshop, node: Node, wrong: Node) -> dict[Node, Step]:
    """The pass where a value's own cotangent is replaced by another."""
    if node is shop.backward.leaf:
        users = {user for user, _ in shop.backward.users[node]}
        first = max(users, key=shop.backward.order.index)
        nothing: dict[Node, Step] = {user: lambda _: [] for user in users}
        return {**nothing, first: lambda _: [Part(-1, node, wrong)]}
    return {node: lambda _: shop.backward.step(node, wrong)}
