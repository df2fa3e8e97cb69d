"""The same slip in every repetition of a step: in each layer, in each step of a recurrence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace

from chainrule.checking.backward import Step
from chainrule.checking.segments import is_diagonal
from chainrule.checking.slips import Edge, Family, Slip, Workshop
from chainrule.graph.node import Node

AGAIN = 0.3
"""A slip made everywhere is a little less likely than one made once, and much likelier than two."""

FACTORS = ((-1.0, "wrong sign", "the wrong sign"), (2.0, "constant factor", "a factor 2 too many"),
           (0.5, "constant factor", "a factor ½ too many"))  # fmt: skip


def repeated(slips: Iterable[Slip]) -> Iterator[Slip]:
    """All members of a family at once, and all but the first or the last of them."""
    families: dict[Family, list[Slip]] = defaultdict(list)
    for slip in slips:
        if slip.family is not None:
            families[slip.family].append(slip)
    for family, found in families.items():
        members = _apart(found)
        count = len(members)
        cost = min(slip.cost for slip in members) + AGAIN
        if count > 1:
            yield _together(family, members, f"in every one of {count} places", cost)
        if count > 2:
            for rest, which in ((members[:-1], "last"), (members[1:], "first")):
                where = f"in every one of {count} places but the {which}"
                yield _together(family, rest, where, cost + AGAIN)


def _apart(slips: list[Slip]) -> list[Slip]:
    """Those that change different steps."""
    seen: set[Node] = set()
    found = []
    for slip in slips:
        if not slip.changes.keys() & seen:
            seen.update(slip.changes)
            found.append(slip)
    return found


def _together(family: Family, members: list[Slip], where: str, cost: float) -> Slip:
    changes: dict[Node, Step] = {}
    for slip in members:
        changes.update(slip.changes)
    says = f"{family.says} {where}"
    return replace(members[0], says=says, cost=cost, changes=changes, symmetry=None, family=None)


def repeated_factors(shop: Workshop) -> Iterator[Slip]:
    """Steps that are repeated, with the wrong sign, a wrong factor or left out in every one."""
    groups: dict[Hashable, list[Edge]] = defaultdict(list)
    for edge in shop.edges:
        groups[_alike(shop, edge)].append(edge)
    for edges in groups.values():
        if len(edges) < 2 or len({edge.node for edge in edges}) < len(edges):
            continue
        yield from _scaled(shop, edges)


def _alike(shop: Workshop, edge: Edge) -> Hashable:
    """What repetitions of a step have in common: the operation, and what it takes from outside."""
    node = edge.node
    outside = tuple(None if item in shop.backward.active else item for item in node.inputs)
    shapes = tuple(item.shape for item in node.inputs)
    return node.primitive, node.params, edge.position, shapes, outside


def _scaled(shop: Workshop, edges: list[Edge]) -> Iterator[Slip]:
    words, first = shop.words, edges[-1]
    step = f"the step from {words.of(first.node)} to {words.of(first.item)}"
    where = f"in {step} and in every one that is like it, {len(edges)} in all"
    is_plain = all(is_diagonal(term) and not term.coefficients for term in first.terms)
    for factor, kind, what in FACTORS:
        changes: dict[Node, Step] = {}
        for edge in edges:
            terms = [term._replace(scale=term.scale * factor) for term in edge.terms]
            changes.update(shop.with_terms(edge, terms))
        yield Slip(kind, f"has {what} {where}", 2.6 if factor == -1.0 else 2.7, changes)
    nothing: dict[Node, Step] = {}
    for edge in edges:
        nothing.update(shop.without(edge))
    cost = 2.6 if is_plain else 2.7
    yield Slip("dropped term", f"lacks the term that is handed on {where}", cost, nothing)
