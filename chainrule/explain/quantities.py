"""Which values of a graph a derivation speaks of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from chainrule.explain.recording import Recorded
from chainrule.graph.node import CONSTANT, Node
from chainrule.graph.walk import dependents, topological
from chainrule.primitives.arrangement import RESHAPE
from chainrule.primitives.elementwise import INFIX, Elementwise
from chainrule.primitives.identities import STOP_GRADIENT
from chainrule.primitives.terms import Axes, are_digits

LONGEST = 8
"""An unnamed expression of more operations than this gets a name of its own."""


@dataclass(frozen=True)
class Chosen:
    """The values that a derivation speaks of.

    Attributes
    ----------
    order : tuple of Node
        All nodes of the graph, inputs before their users.
    active : frozenset of Node
        Those between the arguments to differentiate by and the result.
    names : mapping from Node to str
        The named values, in that order; the forward path has a line for each that is computed.
    """

    order: tuple[Node, ...]
    active: frozenset[Node]
    names: Mapping[Node, str]

    @property
    def quantities(self) -> list[Node]:
        """The named values that derivatives pass through, inputs first."""
        return [node for node in self.names if node in self.active]


def choose(recorded: Recorded, also: Collection[Node] = ()) -> Chosen:
    """The values with names of the user's, and those that need one."""
    order = topological([recorded.output])
    behind = dependents(order, recorded.wrt)
    active = {node for node in behind if node in set(order) and node.differentiable}
    active = _leading_to(recorded.output, order, active)
    names = {node: recorded.names[node] for node in order if node in recorded.names}
    names = _with_names_for_shared(order, active, names, also)
    wrt = {node: recorded.names[node] for node in recorded.wrt}
    return Chosen(tuple(order), frozenset(active), wrt | _in_order(order, names))


def _leading_to(output: Node, order: list[Node], active: set[Node]) -> set[Node]:
    """The active nodes from which a derivative reaches the output."""
    found = {output} & active
    for node in reversed(order):
        if node in found and node.primitive is not STOP_GRADIENT:
            found.update(item for item in node.inputs if item in active)
    return found


def _in_order(order: list[Node], names: Mapping[Node, str]) -> dict[Node, str]:
    return {node: names[node] for node in order if node in names}


def _with_names_for_shared(
    order: list[Node], active: set[Node], names: Mapping[Node, str], also: Collection[Node]
) -> dict[Node, str]:
    """Names v1, v2, … for unnamed values that several others use, and for long expressions."""
    users: dict[Node, set[Node]] = {}
    for node in order:
        if node in active:
            for item in node.inputs:
                users.setdefault(item, set()).add(node)
    result = dict(names)
    taken = set(names.values())
    lengths: dict[Node, int] = {}
    serial = 0
    for node in order:
        inside = [lengths[item] for item in dict.fromkeys(node.inputs) if item not in result]
        works = node.primitive.operations(node) > 0 or node in also
        lengths[node] = sum(inside) + _effort(node) if node.primitive is not CONSTANT else 0
        if node in result or not works or not node.inputs:
            continue
        shared = node in active and len(users.get(node, ())) > 1
        if shared or node in also or lengths[node] > LONGEST:
            serial += 1
            while f"v{serial}" in taken:
                serial += 1
            result[node] = f"v{serial}"
    return result


def _effort(node: Node) -> int:
    """How much a node adds to reading: a function more than a sum or a product."""
    if not node.primitive.operations(node):
        return 0
    is_function = isinstance(node.primitive, Elementwise) and node.primitive.name not in INFIX
    return 2 if is_function else 1


def without_compact_form(chosen: Chosen) -> set[Node]:
    """Unnamed values behind quantities whose local Jacobian cannot be composed: name them too."""
    found: set[Node] = set()
    for top in chosen.quantities:
        inner = _between(top, chosen)
        if len(inner) > 0 and any(are_digits(a) for node in inner for a in _axes(node)):
            found.update(inner)
    return found


def _between(top: Node, chosen: Chosen) -> list[Node]:
    """The unnamed values that a quantity is computed from, as far back as named ones."""
    stops = set(chosen.names) - {top}
    order = topological([top], stop=lambda node: node in stops or node not in chosen.active)
    return [node for node in order if node in chosen.active and node not in stops]


def _axes(node: Node) -> list[Axes]:
    if node.primitive is not RESHAPE:
        return []
    return [term.out for term in node.primitive.jacobian(node, 0)]
