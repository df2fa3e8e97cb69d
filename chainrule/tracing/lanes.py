"""What an uncompiled call finds again from earlier ones: argument nodes, operations, programs.

Nodes with equal inputs are one object. So if the arguments of two calls are the same nodes, code
that does the same in both finds the nodes of the first in the second: no shape rule, no rule of
differentiation and no plan is needed again. Code that does something else, because a value, a
global or the code itself has changed, makes other nodes. The code is run every time.

A :class:`Lane` belongs to one call at a time; nested calls share it. The values of its arguments
are kept by the call (:data:`chainrule.interpret.run.HELD`), never on the nodes.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.graph.node import Node, new_input
from chainrule.interpret.run import Program
from chainrule.primitives.identities import new_alias
from chainrule.shapes import Shape

MOST_NODES = 300_000
"""A lane that has come to hold more nodes than this is given up for an empty one; so is one for
which those that wait hold more than this together. A node takes about a kilobyte, with what
computes it."""
USUAL_NODES = 16_000
"""The same for a lane that holds more than `CALLS` times what any one call has added: of so many
functions most are never called again."""
CALLS = 4
MOST_LANES = 8
"""Lanes that wait for the next call; more are in use only while more calls run at once."""


NUMBERS = frozenset({bool, int, float, np.float32, np.float64})
"""Types whose values can be part of an operation that is found again."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A program for some nodes, and the nodes at hand that it starts from."""

    inputs: tuple[Node, ...]
    program: Program


@dataclass(eq=False, slots=True)
class Lane:
    """Argument nodes, and what has been made of them.

    Attributes
    ----------
    inputs : dict
        An argument by its position in the call, shape, dtype and whether it is finite.
    aliases : dict
        A second name by the node and its position in the call.
    operations : dict
        The node that an operation on nodes and numbers gave.
    derivatives : dict
        The nodes that differentiation gave.
    programs : dict
        Programs by the nodes that they compute and by those that were at hand.
    decisions : dict
        What was decided about nodes, such as the structure of a Jacobian.
    size : int
        About how many nodes all this keeps alive.
    begun : int
        The size when the lane was last taken.
    largest : int
        The most that one call has added, with what was computed of its results afterwards.
    """

    inputs: dict[Hashable, Node] = field(default_factory=dict)
    aliases: dict[tuple[Node, int], Node] = field(default_factory=dict)
    operations: dict[Hashable, Node] = field(default_factory=dict)
    derivatives: dict[Hashable, tuple[Node, ...]] = field(default_factory=dict)
    programs: dict[Hashable, Ready] = field(default_factory=dict)
    decisions: dict[Hashable, Any] = field(default_factory=dict)
    size: int = 0
    begun: int = 0
    largest: int = 0

    @property
    def is_full(self) -> bool:
        """Whether it is worth more to begin anew than to go on."""
        return self.size > min(MOST_NODES, max(USUAL_NODES, CALLS * self.largest))

    def count(self) -> None:
        """Take note of how much has been added since the lane was last taken."""
        self.largest = max(self.largest, self.size - self.begun)

    def add_program(self, key: Hashable, ready: Ready) -> None:
        """Keep a program for later calls."""
        self.programs[key] = ready
        self.size += ready.program.slots

    def input(self, place: int, shape: Shape, dtype: np.dtype[Any], finite: bool) -> Node:
        """The argument node at a place; ``finite`` matters, for derivatives go by it."""
        key = (place, shape, dtype, finite)
        node = self.inputs.get(key)
        if node is None:
            node = self.inputs[key] = new_input(shape, dtype)
            node.finite, node.lasting = finite, True
            self.size += 1
        return node

    def alias(self, place: int, node: Node) -> Node:
        """The second name of a node at a place."""
        key = (node, place)
        alias = self.aliases.get(key)
        if alias is None:
            alias = new_alias(node)
            if node.lasting:
                self.aliases[key] = alias
                alias.lasting = True
                self.size += 1
        return alias

    def remember(self, operation: tuple[Any, ...], node: Node) -> None:
        """An operation's result, if both it and the operands can be met again."""
        if node.lasting:
            for item in operation:
                if type(item) is Node and not item.lasting:
                    return
            self.operations[operation] = node
            self.size += 1


_waiting: list[Lane] = []


def take_lane() -> Lane:
    """A lane that no other call has."""
    try:
        lane = _waiting.pop()
    except IndexError:
        return Lane()
    lane.count()  # a Jacobian that the last call gave may have been computed since
    lane.begun = lane.size
    return lane


def give_back(lane: Lane) -> None:
    """The lane for a later call, unless it has grown too large.

    Nothing outside the lane may look for its nodes' values any more.
    """
    lane.count()
    held = lane.size + sum(item.size for item in _waiting)
    if not lane.is_full and len(_waiting) < MOST_LANES and held <= MOST_NODES:
        _waiting.append(lane)
