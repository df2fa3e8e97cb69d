"""Results that are found again: what differentiation gave, and programs that compute nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from chainrule.graph.node import Array, Node
from chainrule.graph.walk import topological
from chainrule.interpret.run import HELD, Program, evaluate
from chainrule.tracing.lanes import Lane, Ready
from chainrule.tracing.session import current


def values_of(nodes: Sequence[Node]) -> list[Array]:
    """The values of nodes, by the program of an earlier call where there is one."""
    session = current()
    lane = None if session is None else session.lane
    if session is None or lane is None:
        return evaluate(nodes)
    held = session.held
    asked = [node for node in list(held) if node.inputs] if len(held) > session.known else []
    return _by_program(lane, held, nodes, asked)


def _by_program(
    lane: Lane, held: Mapping[Node, Array], nodes: Sequence[Node], asked: Sequence[Node]
) -> list[Array]:
    key = (*nodes, None, *asked)
    ready = lane.programs.get(key)
    if ready is None and not all(node.lasting for node in (*nodes, *asked)):
        return evaluate(nodes)
    try:
        if ready is None:
            ready = _made_ready(nodes, held)
            lane.add_program(key, ready)
        return ready.program(*[held[node] for node in ready.inputs])
    except KeyError:  # an argument of another call: the message says so
        return evaluate(nodes)


@dataclass(frozen=True, eq=False)
class Point:
    """The values of one call's arguments, for what is computed when the call is over.

    Attributes
    ----------
    held : dict
        The values: the nodes are used again by later calls, which give them others.
    lane : Lane
        Where programs and decisions are found that later calls use again.
    """

    held: dict[Node, Array]
    lane: Lane

    def evaluate(self, nodes: Sequence[Node]) -> list[Array]:
        """The values of nodes at this point."""
        with self.at_hand():
            asked = [node for node in self.held if node.inputs]
            return _by_program(self.lane, self.held, nodes, asked)

    @contextmanager
    def at_hand(self) -> Iterator[None]:
        """The values are those of the nodes within the block."""
        token = HELD.set(self.held)
        try:
            yield
        finally:
            HELD.reset(token)

    def decided(self, key: tuple[Any, ...], decide: Callable[[], Any]) -> Any:
        """What was decided about nodes in an earlier call, or is now; it depends on them alone."""
        found = self.lane.decisions.get(key)
        if found is None:
            found = decide()
            if all(node.lasting for node in key if isinstance(node, Node)):
                self.lane.decisions[key] = found
        return found


def point() -> Point | None:
    """The point of the call under way, if what is recorded can be found again by later calls."""
    session = current()
    if session is None or session.lane is None:
        return None
    return Point(dict(session.held), session.lane)


def _made_ready(nodes: Sequence[Node], held: Mapping[Node, Array]) -> Ready:
    """A program that starts from the values at hand."""
    order = topological(nodes, stop=lambda node: node in held or node.value is not None)
    inputs = tuple([node for node in order if node in held])
    return Ready(inputs, Program(inputs, nodes, order))


def derived(key: tuple[Any, ...], differentiate: Callable[[], Sequence[Node]]) -> Sequence[Node]:
    """What differentiation gives, or gave in an earlier call; it depends on the key alone."""
    session = current()
    if session is None or session.lane is None:
        return differentiate()
    lane = session.lane
    found = lane.derivatives.get(key)
    if found is None:
        found = tuple(differentiate())
        if all(node.lasting for node in (*key, *found) if isinstance(node, Node)):
            lane.derivatives[key] = found
            lane.size += len(found)
    return found
