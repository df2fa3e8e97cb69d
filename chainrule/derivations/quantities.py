"""Which values of a graph a derivation speaks of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from chainrule.derivations.recording import Recorded
from chainrule.derivations.roles import is_function, numbered, role
from chainrule.graph.node import CONSTANT, Node
from chainrule.graph.walk import dependents, topological
from chainrule.primitives.arrangement import RESHAPE
from chainrule.primitives.axes import Axes, are_digits

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
    letters = _letters_for_unnamed(order, active, names, also)
    taken = {*recorded.names.values(), *(name for name, _ in recorded.constants)}
    names |= numbered(letters, taken)
    wrt = {node: recorded.names[node] for node in recorded.wrt}
    return Chosen(tuple(order), frozenset(active), wrt | _in_order(order, names))


def _leading_to(output: Node, order: list[Node], active: set[Node]) -> set[Node]:
    """The active nodes from which a derivative reaches the output."""
    found = {output} & active
    for node in reversed(order):
        if node in found:
            found.update(
                item
                for position, item in enumerate(node.inputs)
                if item in active and node.primitive.jacobian(node, position)
            )
    return found


def _in_order(order: list[Node], names: Mapping[Node, str]) -> dict[Node, str]:
    return {node: names[node] for node in order if node in names}


def _letters_for_unnamed(
    order: list[Node], active: set[Node], names: Mapping[Node, str], also: Collection[Node]
) -> dict[Node, str]:
    """A letter for each unnamed value that a textbook would name, for what it is.

    Those are values that several others use, what a function is applied to, residuals, and long
    expressions.
    """
    users: dict[Node, set[Node]] = {}
    for node in order:
        if node in active:
            for item in node.inputs:
                users.setdefault(item, set()).add(node)
    result: dict[Node, str] = {}
    lengths: dict[Node, int] = {}
    for node in order:
        inside = [
            lengths[item]
            for item in dict.fromkeys(node.inputs)
            if item not in names and item not in result
        ]
        works = node.primitive.operations(node) > 0 or node in also
        lengths[node] = sum(inside) + _effort(node) if node.primitive is not CONSTANT else 0
        if node in names or not works or not node.inputs:
            continue
        mine = users.get(node, set()) if node in active else set()
        sums = {known for known, letter in result.items() if letter in ("Z", "z")}
        letter = role(node, mine, names.keys() | result.keys(), active, sums)
        if letter or len(mine) > 1 or node in also or lengths[node] > LONGEST:
            result[node] = letter or "v"
    return result


def _effort(node: Node) -> int:
    """How much a node adds to reading: a function more than a sum or a product."""
    if not node.primitive.operations(node):
        return 0
    return 2 if is_function(node) else 1


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
