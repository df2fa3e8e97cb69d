"""What is remembered while functions are traced: the user's names, and arrays already captured."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count
from math import isfinite
from threading import get_ident
from typing import Any

from chainrule.errors import REFUSED, ChainruleError
from chainrule.graph.node import Array, Node
from chainrule.interpret.run import HELD, keep_value
from chainrule.tracing.lanes import Lane, give_back, take_lane

PLAIN = (0.0, 0.5, 1.0, 2.0, -1.0)
"""Numbers that are called by no name, whatever variables hold them too."""

MOST_BYTES = 1 << 26
"""Arguments of inner calls are held until the outermost one ends, but not more than this."""


@dataclass(frozen=True)
class Name:
    """A user's name for a value, and where it was given."""

    text: str
    file: str = ""
    line: int = 0


@dataclass(eq=False, slots=True, weakref_slot=True)
class Session:
    """State of one outermost call; inner calls share it. Traced values refer to theirs."""

    wants_names: bool = False
    names: dict[Node, list[Name]] = field(default_factory=dict)
    numbers: dict[str, set[float]] = field(default_factory=dict)
    """The user's names for plain numbers, with all that each has stood for."""
    depth: int = 0
    """How many NumPy functions written in terms of others are being recorded."""
    captured: dict[int, tuple[weakref.ref[Array], Node]] = field(default_factory=dict)
    asked: list[Node] = field(default_factory=list)
    """Guards: values on which the way through the code, or a shape, depended."""
    lane: Lane | None = None
    """What is used again by later calls, if nothing of this one stays behind."""
    held: dict[Node, Array] = field(default_factory=dict)
    """Values of the lane's nodes."""
    places: Iterator[int] = field(default_factory=count)
    """Numbers for the lane's arguments."""
    known: int = 0
    """How many of them have a value; the other values held are those that the code asked for."""
    inner: int = 0
    """Bytes of the arguments that were made while the user's code was running."""
    thread: int = field(default_factory=get_ident)
    refused: list[ChainruleError] = field(default_factory=list)
    """What has been refused to the user's function that is running."""
    row_major: bool = True
    """Whether all arrays given so far lie in memory in the order of rows, without gaps."""
    opened: int = 0
    """How many calls within the outermost one, this included, are running the user's code."""

    def add_name(self, node: Node, name: Name) -> None:
        """Remember a name, once; equal values may bear several."""
        known = self.names.setdefault(node, [])
        if all(item.text != name.text for item in known):
            known.append(name)

    def add_numbers(self, numbers: Mapping[str, float]) -> None:
        """Remember what variables of the user's hold."""
        for text, value in numbers.items():
            self.numbers.setdefault(text, set()).add(value)

    def named_numbers(self) -> dict[float, str]:
        """Numbers that one variable holds, which holds no other, such as ``eps``.

        Numbers that stand in formulas for themselves have no name.
        """
        found: dict[float, list[str]] = {}
        for text, values in self.numbers.items():
            for value in values if len(values) == 1 else ():
                found.setdefault(value, []).append(text)
        return {
            value: texts[0]
            for value, texts in found.items()
            if len(texts) == 1 and value not in PLAIN and isfinite(value)
        }

    def retire(self) -> None:
        """From now on the nodes are this session's alone, for something of it stays behind.

        Their values go to where they can be found after the session, and the lane to nobody.
        """
        self.lane = None
        for node, value in list(self.held.items()):
            node.value = value
        self.held.clear()  # in this order: another thread may be looking for a value

    def place(self, nbytes: int = 0) -> int:
        """The next place for an argument in the lane."""
        if get_ident() != self.thread:  # what is counted here is for one thread only
            self.retire()
        if self.opened:
            self.inner += nbytes
        if self.lane is not None and (self.inner > MOST_BYTES or self.lane.is_full):
            self.retire()
        return next(self.places)


def collect_refusals(session: Session) -> None:
    """In this thread, too, what is refused is noted for the session whose values are used."""
    REFUSED.set(session.refused)


_open: set[Node] = set()
"""Arguments of the calls under way, which an inner derivative must leave open."""

_session: ContextVar[Session | None] = ContextVar("chainrule_session", default=None)


current: Callable[[], Session | None] = _session.get
"""The session of the call under way, if there is one."""


@contextmanager
def recording(names: bool = False) -> Iterator[Session]:
    """A session for the block: the one under way, or a new one. The nodes may outlive it."""
    session = _session.get()
    if session is not None:
        session.retire()
    held = HELD.set(None)
    token = None
    if session is None or (names and not session.wants_names):
        session = Session(wants_names=names)
        token = _session.set(session)
    try:
        yield session
    finally:
        HELD.reset(held)
        if token is not None:
            _session.reset(token)


class Passing:
    """A session for a block after which nothing but its results is needed.

    As the outermost one it has a lane, which later calls use again if no traced value is alive at
    the end. The caller must not hold the session itself.
    """

    __slots__ = ("_session", "_tokens")

    def __enter__(self) -> None:
        self._session: Session | None = None
        if _session.get() is None:
            self._session = session = Session(lane=take_lane())
            self._tokens: Any = (_session.set(session), HELD.set(session.held))

    def __exit__(self, kind: Any, *_: Any) -> None:
        session = self._session
        if session is None:
            return
        token, held = self._tokens
        _session.reset(token)
        HELD.reset(held)
        lane = session.lane
        if lane is None or kind is not None:  # an error's traceback holds traced values
            session.retire()
            return
        watch = weakref.ref(session)
        self._session = session = None
        alive = watch()
        if alive is None:
            give_back(lane)
        else:
            alive.retire()


@contextmanager
def open_arguments(nodes: Iterable[Node]) -> Iterator[None]:
    """Within the block, results that depend on these arguments stay traced, in any thread."""
    added = set(nodes) - _open
    _open.update(added)
    session = _session.get()
    if session is not None:
        session.opened += 1
    try:
        yield
    finally:
        _open.difference_update(added)
        if session is not None:
            session.opened -= 1


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


def asked_values() -> list[Node]:
    """The values that the code of the call under way has asked for; the list grows with them."""
    session = _session.get()
    return [] if session is None else session.asked
