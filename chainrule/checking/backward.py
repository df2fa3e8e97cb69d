"""A backward pass whose steps can be changed, and the values of its nodes at several points."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from chainrule.graph.node import Array, Node, is_constant
from chainrule.graph.sweeps import Handed, backward, between, forward
from chainrule.graph.walk import dependents, older_than, topological
from chainrule.jacobian.apply import added, pull_back, push_forward
from chainrule.primitives.contraction import full
from chainrule.primitives.terms import Term


class Part(NamedTuple):
    """What one step of the pass adds to the cotangent of one input."""

    position: int
    item: Node
    cotangent: Node | None


Step = Callable[[Node], Iterable[Part]]
"""From the cotangent of a node to what it hands to others."""

COARSE = 5000
"""Floating-point operations that take as long as an operation of the graph does at least."""


class Effort:
    """What a search has done, counted so that it ends at the same candidate on every machine.

    Parameters
    ----------
    most : int
        Operations of graphs, built or computed, after which it is over.
    """

    def __init__(self, most: int) -> None:
        self.most, self.spent = most, 0

    def spend(self, operations: int) -> None:
        self.spent += operations

    @property
    def is_over(self) -> bool:
        return self.spent > self.most


class BackwardPass:
    """Reverse accumulation (5.115)-(5.118) from one output to one argument, step by step.

    Parameters
    ----------
    output, leaf : Node
        From where to where.
    seed : Node
        The cotangent of the output: 1 for a cost.
    effort : Effort, optional
        Where runs are counted.

    Attributes
    ----------
    order : list of Node
        The nodes between the two, inputs before their users.
    cotangents : dict
        The cotangent of each of them.
    """

    def __init__(self, output: Node, leaf: Node, seed: Node, effort: Effort | None = None) -> None:
        self.output, self.leaf, self.seed = output, leaf, seed
        self.effort = effort or Effort(0)
        order = topological([output], stop=older_than({leaf}))
        self.active = dependents(order, {leaf})
        self.order = [node for node in order if node in self.active]
        self._region = between([output], {leaf})
        self.users: dict[Node, list[tuple[Node, int]]] = defaultdict(list)
        for node in self.order:
            for position, item in self.edges(node):
                self.users[item].append((node, position))
        self._rank = {node: rank for rank, node in enumerate(self.order)}
        self._parts: dict[tuple[Node, int, Node], Node | None] = {}
        self._terms: dict[tuple[Node, int], Sequence[Term]] = {}
        self.cotangents = self.run({})

    @property
    def gradient(self) -> Node:
        """The right result."""
        return self.cotangents.get(self.leaf) or full(self.leaf.shape, 0.0, self.leaf.dtype)

    def edges(self, node: Node) -> list[tuple[int, Node]]:
        """The inputs of a node through which the argument is reached."""
        return self._region.edges(node)

    def terms(self, node: Node, position: int) -> Sequence[Term]:
        """The local Jacobian of a node by one of its inputs."""
        found = self._terms.get((node, position))
        if found is None:
            found = self._terms[node, position] = tuple(node.primitive.jacobian(node, position))
        return found

    def step(self, node: Node, cotangent: Node) -> list[Part]:
        """What the node rightly hands to its inputs."""
        return [Part(k, item, self._through(node, k, cotangent)) for k, item in self.edges(node)]

    def _through(self, node: Node, position: int, cotangent: Node) -> Node | None:
        key = (node, position, cotangent)
        if key not in self._parts:
            item = node.inputs[position]
            self._parts[key] = pull_back(self.terms(node, position), cotangent, item)
        return self._parts[key]

    def pushed(self, direction: Node) -> dict[Node, Node]:
        """The tangent of every node on the way, by forward mode."""

        def through(node: Node, position: int, tangent: Node) -> Node | None:
            return push_forward(self.terms(node, position), tangent, node)

        return forward(self._region, {self.leaf: direction}, through, added)

    def changed(self, changes: Mapping[Node, Step]) -> Node:
        """The result where some nodes hand on something else."""
        found = self.run(changes).get(self.leaf)
        return full(self.leaf.shape, 0.0, self.leaf.dtype) if found is None else found

    def run(self, changes: Mapping[Node, Step]) -> dict[Node, Node]:
        """The cotangents where some nodes hand on something else.

        What comes before the first changed step is the same in every run, and known.
        """
        first = max((self._rank[node] for node in changes), default=len(self.order))
        self.effort.spend(3 * min(first + 1, len(self.order)))
        start = {self.output: self.seed} if self.output in self._region.active else {}
        changed = {node: _handed(step) for node, step in changes.items()}
        return backward(self._region, start, self._through, added, changed=changed)


def _handed(step: Step) -> Handed[Node]:
    return lambda cotangent: [(part.item, part.cotangent) for part in step(cotangent)]


class Values:
    """The values of nodes at a point, each computed once.

    Parameters
    ----------
    arguments : mapping from Node to array
        The arguments of the program at that point.
    effort : Effort, optional
        Where operations are counted.
    """

    def __init__(self, arguments: Mapping[Node, Array], effort: Effort | None = None) -> None:
        self._kept: dict[Node, Array] = dict(arguments)
        self._effort = effort or Effort(0)

    def keep(self, node: Node) -> Array:
        """The value of a node, remembered with all that it needs."""
        return self._computed(node, self._kept)

    def __call__(self, node: Node) -> Array:
        """The value of a node; only what was kept before is remembered."""
        return self._computed(node, {})

    def _computed(self, node: Node, found: dict[Node, Array]) -> Array:
        kept = self._kept
        with np.errstate(all="ignore"):
            for item in topological([node], stop=lambda n: n in kept or is_constant(n)):
                if item in kept or item in found:
                    continue
                if not item.inputs:
                    assert item.value is not None, "every other argument is at hand"
                    found[item] = item.value
                    continue
                inputs = [kept[n] if n in kept else found[n] for n in item.inputs]
                found[item] = np.asarray(item.primitive.bind(item)(*inputs))
                self._effort.spend(2 + item.primitive.operations(item) // COARSE)
        return kept[node] if node in kept else found[node]
