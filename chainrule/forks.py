"""Forks at any moment: what is begun anew in the child, and what a fork waits for.

A child has the one thread that forked. Locks that other threads held stay locked in it, work that
they had begun is never ended, and libraries that they were in may be half-way through a change. So

- whoever has locks, or counts on threads, is begun anew in the child: see :func:`follow`;
- what cannot be, for it lies in another library, happens within :func:`still`, and a fork waits
  until it is over, though not for longer than `PATIENCE`. A child that was made all the same knows
  it by :func:`is_torn`, and does without that library.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from threading import get_ident
from time import monotonic
from typing import Any, Protocol
from weakref import WeakSet

PATIENCE = 2.0
"""Seconds that a fork waits, together for all locks."""


class Lock(Protocol):
    """What the locks of Python's own have."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool: ...

    def release(self) -> None: ...


class Gate:
    """A reentrant lock which a thread that forks gets before all others who wait for it.

    Without that, threads that compile one function after the other would leave it no gap.
    """

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._owner: int | None = None
        self._depth = 0
        self._forking = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take it for a fork, if that is possible in so many seconds."""
        with self._change:
            self._forking += 1
            try:
                wait = (timeout if timeout >= 0 else None) if blocking else 0.0
                taken = self._change.wait_for(lambda: self._is_open_to(get_ident()), wait)
                if taken:
                    self._enter()
            finally:
                self._forking -= 1
                self._change.notify_all()
        return taken

    def release(self) -> None:
        with self._change:
            self._depth -= 1
            if not self._depth:
                self._owner = None
                self._change.notify_all()

    def release_in_child(self) -> None:
        """Give it back in a child; another thread may have been in here as the fork came."""
        self._change = threading.Condition()
        self._forking = 0
        self.release()

    def __enter__(self) -> None:
        me = get_ident()
        with self._change:
            self._change.wait_for(
                lambda: self._owner == me or (not self._forking and self._is_open_to(me))
            )
            self._enter()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _is_open_to(self, thread: int) -> bool:
        return self._owner in (None, thread)

    def _enter(self) -> None:
        self._owner = get_ident()
        self._depth += 1


class Followed(Protocol):
    """Something with locks, or with threads that work for it."""

    def begin_anew(self) -> None:
        """In a child that has just been forked: new locks; what other threads did is not done."""


_still = Gate()
_locks: list[Callable[[], Lock | None]] = []
_followed: WeakSet[Any] = WeakSet()
_begun: list[Callable[[], None]] = []
_is_torn = False


class _Waiting(threading.local):
    """The locks that a thread holds while it forks, and whether those are all of them."""

    held: tuple[Lock, ...] = ()
    is_complete = True


_waiting = _Waiting()


def still() -> Gate:
    """A lock for a ``with`` statement: within, no other thread is there, and none forks."""
    return _still


def wait_for(find: Callable[[], Lock | None]) -> None:
    """Let forks wait for another library's lock, where it has one by then."""
    _locks.append(find)


def follow(thing: Followed) -> None:
    """Begin something anew in every child, as long as it lives."""
    _followed.add(thing)


def in_child(function: Callable[[], None]) -> None:
    """Call a function in every child."""
    _begun.append(function)


def is_torn() -> bool:
    """Whether this process was forked in the middle of what it should have waited for."""
    return _is_torn


def _locks_now() -> Iterator[Lock]:
    yield _still
    for find in _locks:
        lock = find()
        if lock is not None:
            yield lock


def _before() -> None:
    """Take all locks, always in the same order."""
    end = monotonic() + PATIENCE
    is_complete, _waiting.is_complete = True, False  # an interruption may end this at any point
    for lock in _locks_now():
        if lock.acquire(timeout=max(end - monotonic(), 0.0)):
            _waiting.held = (*_waiting.held, lock)
        else:
            is_complete = False
    _waiting.is_complete = is_complete


def _release() -> None:
    for lock in reversed(_waiting.held):
        lock.release()
    _waiting.held = ()


def _in_child() -> None:
    global _still, _is_torn
    for lock in reversed(_waiting.held):
        if isinstance(lock, Gate):
            lock.release_in_child()
        else:
            lock.release()
    _waiting.held = ()
    _still = Gate()
    _is_torn = _is_torn or not _waiting.is_complete
    for thing in list(_followed):
        thing.begin_anew()
    for function in _begun:
        function()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_release, after_in_child=_in_child)
