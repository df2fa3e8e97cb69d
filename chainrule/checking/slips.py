"""Slips of the pen as changed steps of the backward pass: what each changes, and its words."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from chainrule.checking.backward import BackwardPass, Part, Step
from chainrule.checking.naming import Words
from chainrule.graph.node import Node
from chainrule.jacobian.apply import pull_back
from chainrule.primitives.contraction import multiply
from chainrule.primitives.terms import Term


@dataclass(frozen=True)
class Family:
    """What slips in repetitions of one step have in common.

    Attributes
    ----------
    key : hashable
        Equal for the same slip in another repetition.
    says : str
        A clause that holds for all of them, without the name of any.
    """

    key: Hashable
    says: str = field(compare=False)


class Slope(NamedTuple):
    """A factor by which a cotangent is multiplied, element by element, on the way to an item."""

    item: Node
    factor: Node


@dataclass(frozen=True)
class Slip:
    """One changed backward pass.

    Attributes
    ----------
    kind : str
        A short word for what went wrong.
    says : str
        A clause after "∂E/∂x": "lacks σ′(Z2): ...".
    cost : float
        How unlikely it is: of several that explain the numbers, the cheapest is named.
    changes : mapping from Node to Step
        The steps that are changed.
    symmetry : Symmetry, optional
        Where the slip is a matrix in place of its transpose.
    family : Family, optional
        Where the same slip may be made in several steps.
    made : Node, optional
        The result itself, where it is no pass with changed steps.
    slope : Slope, optional
        What the one changed step is, where it is so simple.
    """

    kind: str
    says: str
    cost: float
    changes: Mapping[Node, Step] = field(default_factory=dict)
    symmetry: Symmetry | None = None
    family: Family | None = None
    made: Node | None = None
    slope: Slope | None = None

    def result(self, backward: BackwardPass) -> Node:
        """The gradient with the slip in it."""
        return backward.changed(self.changes) if self.made is None else self.made


@dataclass(frozen=True)
class Symmetry:
    """A matrix in place of its transpose, and the pass without the contribution that it is in."""

    matrix: str
    rest: Mapping[Node, Step]


@dataclass(frozen=True)
class Edge:
    """A node's dependence on one of its inputs, with its local Jacobian."""

    node: Node
    position: int
    item: Node
    terms: tuple[Term, ...]


class Workshop:
    """A backward pass with the words for its nodes, from which slips are made."""

    def __init__(self, backward: BackwardPass, words: Words) -> None:
        self.backward, self.words = backward, words
        self.edges = [
            Edge(node, k, item, tuple(backward.terms(node, k)))
            for node in backward.order
            for k, item in backward.edges(node)
        ]

    def replaced(self, edge: Edge, make: Callable[[Node], Node | None]) -> dict[Node, Step]:
        """The pass where one edge hands on something made from the node's cotangent."""

        def step(cotangent: Node) -> list[Part]:
            return [
                Part(k, item, make(cotangent) if k == edge.position else part)
                for k, item, part in self.backward.step(edge.node, cotangent)
            ]

        return {edge.node: step}

    def with_terms(self, edge: Edge, terms: Sequence[Term]) -> dict[Node, Step]:
        """The pass where one edge has another local Jacobian."""
        return self.replaced(edge, lambda cotangent: pull_back(terms, cotangent, edge.item))

    def without(self, edge: Edge) -> dict[Node, Step]:
        """The pass where one edge is left out."""
        return self.replaced(edge, lambda _: None)

    def named_first(self, nodes: Iterable[Node], cost: float, penalty: float = 0.3) -> float:
        """A cost that is lower where all nodes bear names of the user's."""
        return cost + penalty * (not all(self.words.has_name(node) for node in nodes))


def times(factor: Node) -> Callable[[Node], Node]:
    """Multiplication of a cotangent, element by element."""
    return lambda cotangent: multiply(cotangent, factor)


Maker = Callable[[Workshop], Iterator[Slip]]
