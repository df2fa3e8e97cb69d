"""Factors in the wrong order: neighbouring steps swapped, products of matrices, lost inverses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations, product
from typing import NamedTuple

from chainrule.checking.backward import Part, Step
from chainrule.checking.segments import is_diagonal
from chainrule.checking.slips import Edge, Slip, Workshop, times
from chainrule.graph.node import Node
from chainrule.jacobian.apply import pull_back
from chainrule.primitives.contraction import CONTRACT, contract, multiply, scaled, transpose
from chainrule.primitives.linear_algebra import INV
from chainrule.primitives.terms import Coefficient, Term


def order_slips(shop: Workshop) -> Iterator[Slip]:
    """Factors of a product in another order."""
    yield from _swapped_steps(shop)
    yield from _swapped_values(shop)
    for edge in shop.edges:
        yield from _other_products(shop, edge)


# -- two steps ------------------------------------------------------------------------------------


def _swapped_steps(shop: Workshop) -> Iterator[Slip]:
    """``Aᵀ(s ⊙ δ)`` where ``s ⊙ (Aᵀδ)`` belongs: two neighbouring Jacobians the other way round."""
    outgoing: dict[Node, list[Edge]] = {}
    for edge in shop.edges:
        outgoing.setdefault(edge.node, []).append(edge)
    for first in shop.edges:
        second = outgoing.get(first.item, [])
        if len(second) != 1 or len(shop.backward.users[first.item]) != 1:
            continue
        shapes = {first.node.shape, first.item.shape, second[0].item.shape}
        if len(shapes) == 1 and first.item.ndim and _tells_order(first, second[0]):
            yield _swap(shop, first, second[0])


def _tells_order(first: Edge, second: Edge) -> bool:
    """Whether both have coefficients, and not both are diagonal: those may change places."""
    is_factor = all(any(term.coefficients for term in e.terms) for e in (first, second))
    return is_factor and not all(map(is_diagonal, (*first.terms, *second.terms)))


def _swap(shop: Workshop, first: Edge, second: Edge) -> Slip:
    words = shop.words

    def step(cotangent: Node) -> list[Part]:
        early = pull_back(second.terms, cotangent, second.item)
        late = None if early is None else pull_back(first.terms, early, first.item)
        handed = [
            part for part in shop.backward.step(first.node, cotangent)
            if part.position != first.position
        ]  # fmt: skip
        return [*handed, Part(-1, second.item, late)]

    one, two = _factor_text(shop, first), _factor_text(shop, second)
    return Slip(
        "wrong order",
        f"has the factors {one} and {two} in the wrong order on the way from "
        f"{words.of(first.node)} to {words.of(second.item)}",
        2.35,
        {first.node: step},
    )


def _factor_text(shop: Workshop, edge: Edge) -> str:
    """σ′(Z1), or the matrix."""
    if all(map(is_diagonal, edge.terms)) and edge.node.primitive is not CONTRACT:
        return shop.words.derivative(edge.node, edge.item)
    return " and ".join(shop.words.of(c.node) for c in edge.terms[0].coefficients)


# -- two values in each other's place -------------------------------------------------------------


def _swapped_values(shop: Workshop) -> Iterator[Slip]:
    """Two values of one shape, each used as a factor where the other belongs."""
    places: dict[Node, list[tuple[Edge, int]]] = {}
    for edge in shop.edges:
        if len(edge.terms) == 1:
            for place, coefficient in enumerate(edge.terms[0].coefficients):
                places.setdefault(coefficient.node, []).append((edge, place))
    nodes = [node for node in places if shop.words.has_name(node)]
    for k, one in enumerate(nodes):
        for two in nodes[k + 1 :]:
            if (one.shape, one.dtype) == (two.shape, two.dtype) and one.ndim:
                yield from _exchange(shop, one, two, [*places[one], *places[two]])


def _exchange(
    shop: Workshop, one: Node, two: Node, places: Sequence[tuple[Edge, int]]
) -> Iterator[Slip]:
    if len({edge.node for edge, _ in places}) < len(places):
        return
    changes: dict[Node, Step] = {}
    for edge, place in places:
        (term,) = edge.terms
        items = list(term.coefficients)
        other = two if items[place].node is one else one
        items[place] = Coefficient(other, items[place].labels)
        changes.update(shop.with_terms(edge, [term._replace(coefficients=tuple(items))]))
    names = f"{shop.words.of(one)} and {shop.words.of(two)}"
    yield Slip(
        "wrong order", f"has {names} in each other's place, wherever they occur", 2.5, changes
    )


# -- products of matrices ------------------------------------------------------------------------


class Matrix(NamedTuple):
    """What may stand for a factor: itself or, of an inverse, what it is the inverse of."""

    node: Node
    name: str
    is_inverse_lost: bool


class Product(NamedTuple):
    """Factors in an order, with the transposes taken."""

    order: tuple[int, ...]
    turned: tuple[bool, ...]
    lost: tuple[bool, ...]


def _other_products(shop: Workshop, edge: Edge) -> Iterator[Slip]:
    """``M M Ē`` where ``Mᵀ Ē Mᵀ`` belongs, as for −X⁻²: a rule for numbers, used for matrices.

    The step multiplies a matrix that comes in by two others, one from each side.
    """
    sides = _sides(edge)
    if sides is None:
        return
    term = edge.terms[0]
    choices = [_choices(shop, coefficient.node) for coefficient in sides]
    for chosen in product(*choices):
        nodes = [matrix.node for matrix in chosen]
        lost = tuple(matrix.is_inverse_lost for matrix in chosen)
        for order in permutations((0, 1, 2)):
            for turned in product((False, True), repeat=2):
                way = Product(order, turned, lost)
                yield _matrix_product(shop, edge, term, nodes, way, chosen)
        for way in (Product((), turned, lost) for turned in product((False, True), repeat=2)):
            yield from _by_elements(shop, edge, term, nodes, way, chosen)


def _sides(edge: Edge) -> tuple[Coefficient, Coefficient] | None:
    """The factors from the left and from the right, if the step is Jᵀ: Ē → L Ē R."""
    if len(edge.terms) != 1 or len(edge.terms[0].coefficients) != 2 or edge.node.ndim != 2:
        return None
    term = edge.terms[0]
    shape = edge.node.shape
    is_plain = all(isinstance(axis, int) for axis in (*term.out, *term.into))
    one, two = term.coefficients
    if shape[0] != shape[1] or edge.item.shape != shape or not is_plain or term.virtual:
        return None
    if not one.node.shape == two.node.shape == shape:
        return None
    row, column = term.out
    first, last = term.into
    for left, right in ((one, two), (two, one)):
        if set(left.labels) == {row, first} and set(right.labels) == {column, last}:
            return left, right
    return None


def _choices(shop: Workshop, node: Node) -> list[Matrix]:
    found = [Matrix(node, shop.words.of(node), False)]
    if node.primitive is INV:
        found.append(Matrix(node.inputs[0], shop.words.of(node.inputs[0]), True))
    return found


def _matrix_product(
    shop: Workshop, edge: Edge, term: Term, nodes: Sequence[Node], way: Product,
    chosen: Sequence[Matrix],
) -> Slip:  # fmt: skip
    """The cotangent and both matrices, multiplied in an order."""
    delta = shop.words.partial(shop.backward.output, edge.node)
    texts = [f"{m.name}{'ᵀ' * t}" for m, t in zip(chosen, way.turned, strict=True)]
    shown = " · ".join([*texts, delta][k] for k in way.order)
    usual = way.order in ((0, 2, 1), (1, 2, 0))

    def make(cotangent: Node) -> Node:
        operands = [*nodes, cotangent]
        turned = (*way.turned, False)
        lists = [((k + 1, k) if turned[which] else (k, k + 1)) for k, which in enumerate(way.order)]
        return contract(
            [operands[which] for which in way.order], lists, (0, 3), cotangent.shape,
            scale=term.scale, dtype=cotangent.dtype,
        )  # fmt: skip

    place = f"in the step to {shop.words.of(edge.item)}"
    if any(way.lost):
        names = " and ".join(dict.fromkeys(m.name for m in chosen if m.is_inverse_lost))
        says = f"has the product {shown} {place}, with {names} where its inverse belongs"
        cost = 2.55 if usual else 2.9
        return Slip("forgotten inverse", says, cost, shop.replaced(edge, make))
    if usual:
        names = " and ".join(dict.fromkeys(m.name for m in chosen))
        says = f"has the product {shown} {place}: a transpose of {names} is missing or too many"
        return Slip("forgotten transpose", says, 2.35, shop.replaced(edge, make))
    says = f"has the product {shown} {place}, where the factors belong in another order"
    return Slip("wrong order", says, 2.5, shop.replaced(edge, make))


def _by_elements(
    shop: Workshop, edge: Edge, term: Term, nodes: Sequence[Node], way: Product,
    chosen: Sequence[Matrix],
) -> Iterator[Slip]:  # fmt: skip
    """The rule for a number, element by element: with the product of both, or all three so."""
    one, two = (
        transpose(node, (1, 0)) if turned else node
        for node, turned in zip(nodes, way.turned, strict=True)
    )
    texts = [f"{m.name}{'ᵀ' * t}" for m, t in zip(chosen, way.turned, strict=True)]
    delta = shop.words.partial(shop.backward.output, edge.node)
    joined = contract([one, two], [(0, 1), (1, 2)], (0, 2), one.shape, dtype=one.dtype)
    kind = "forgotten inverse" if any(way.lost) else "elementwise product"
    for factor, sign in ((joined, " "), (multiply(one, two), " ⊙ ")):
        whole = scaled(factor, term.scale)
        says = (
            f"multiplies {delta} by {sign.join(texts)} elementwise in the step to "
            f"{shop.words.of(edge.item)}, where matrix products from both sides belong"
        )
        yield Slip(kind, says, 2.6 + 0.3 * any(way.lost), shop.replaced(edge, times(whole)))
