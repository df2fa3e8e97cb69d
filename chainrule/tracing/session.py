"""What is remembered while functions are traced: the user's names, and arrays already captured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import numpy as np

from chainrule.graph.node import Array, Node, constant
from chainrule.interpret.run import keep_value
from chainrule.primitives.contraction import broadcast_to


@dataclass(frozen=True)
class Name:
    """A user's name for a value, and where it was given."""

    text: str
    file: str = ""
    line: int = 0


@dataclass
class Session:
    """State of one outermost call; inner calls share it."""

    wants_names: bool = False
    names: dict[Node, list[Name]] = field(default_factory=dict)
    depth: int = 0
    """How many NumPy functions written in terms of others are being recorded."""
    captured: dict[int, tuple[Array, Node]] = field(default_factory=dict)
    asked: list[Node] = field(default_factory=list)
    """Guards: values on which the way through the code, or a shape, depended."""

    def add_name(self, node: Node, name: Name) -> None:
        """Remember a name, once; equal values may bear several."""
        known = self.names.setdefault(node, [])
        if all(item.text != name.text for item in known):
            known.append(name)


_open: set[Node] = set()
"""Arguments of the calls under way, which an inner derivative must leave open."""

_session: ContextVar[Session | None] = ContextVar("chainrule_session", default=None)


def current() -> Session | None:
    """The session of the call under way, if there is one."""
    return _session.get()


@contextmanager
def recording(names: bool = False) -> Iterator[Session]:
    """A session for the block: the one under way, or a new one."""
    session = _session.get()
    if session is not None and (session.wants_names or not names):
        yield session
        return
    session = Session(wants_names=names)
    token = _session.set(session)
    try:
        yield session
    finally:
        _session.reset(token)


@contextmanager
def open_arguments(nodes: Iterable[Node]) -> Iterator[None]:
    """Within the block, results that depend on these arguments stay traced, in any thread."""
    added = set(nodes) - _open
    _open.update(added)
    try:
        yield
    finally:
        _open.difference_update(added)


def is_open(node: Node) -> bool:
    """Whether a node is an argument of a call under way."""
    return node in _open


def carry_names(became: Mapping[Node, Node]) -> None:
    """Names stay with values whose nodes were replaced by others."""
    session = _session.get()
    if session is not None and session.names:
        for old, new in became.items():
            for name in session.names.get(old, ()) if old is not new else ():
                session.add_name(new, name)


def ask(node: Node) -> Array:
    """The value of a node that the code goes by; what is recorded holds for this value."""
    session = _session.get()
    if session is not None:
        session.asked.append(node)
    return keep_value(node)


def capture(array: Array) -> Node:
    """A constant with the array's present contents.

    The array is copied, since the user may refill it while the function runs. While a session is
    under way, an array with unchanged contents gives the same node again, without a copy.
    """
    repeats = [step == 0 and n > 1 for step, n in zip(array.strides, array.shape, strict=True)]
    if any(repeats):  # repeated values are kept once
        part = array[tuple(slice(0, 1) if again else slice(None) for again in repeats)]
        return broadcast_to(capture(part), array.shape)
    session = _session.get()
    if session is None or array.nbytes <= 1024:
        return constant(array.copy())
    known = session.captured.get(id(array))
    if known is not None and np.array_equal(known[1].value, array):  # type: ignore[arg-type]
        return known[1]
    node = constant(array.copy())
    session.captured[id(array)] = (array, node)
    return node
