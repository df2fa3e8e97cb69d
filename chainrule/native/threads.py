"""How many threads native code uses, and the threads themselves, which wait to be needed."""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from chainrule.errors import ArgumentError
from chainrule.native.barrier import BYTES

MOST = 64

_chosen: int | None = None


def set_threads(count: int | None) -> None:
    """Set how many threads compiled functions and training use.

    Parameters
    ----------
    count : int or None
        From 1 to 64. None is the default again: ``CHAINRULE_THREADS`` where the environment has
        it, else the number of processors that this process may use. Results don't depend on it,
        not in the last bit.

    Raises
    ------
    ArgumentError
        If it is not such a number.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.set_threads(1)
    >>> cr.get_threads()
    1
    >>> cr.set_threads(None)
    """
    global _chosen
    _chosen = None if count is None else _checked(count, "set_threads")


def get_threads() -> int:
    """How many threads compiled functions and training use; see :func:`set_threads`.

    Returns
    -------
    int

    Raises
    ------
    ArgumentError
        If ``CHAINRULE_THREADS`` is no whole number from 1 to 64.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.get_threads() >= 1
    True
    """
    if _chosen is not None:
        return _chosen
    wanted = os.environ.get("CHAINRULE_THREADS", "")
    return _checked(wanted, "CHAINRULE_THREADS") if wanted else _processors()


def _checked(count: Any, where: str) -> int:
    try:
        number = int(count) if isinstance(count, str) else count.__index__()
    except (AttributeError, ValueError):
        number = 0
    if not 1 <= number <= MOST:
        raise ArgumentError(
            where, "the number of threads must be a whole number", repr(count), f"1 to {MOST}"
        )
    return int(number)


def _processors() -> int:
    has_affinity = hasattr(os, "sched_getaffinity")
    count = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return min(count, MOST)


class Team:
    """Threads that enter native functions together with the one that calls.

    One caller at a time has the team; another one finds it taken and works alone.
    """

    def __init__(self) -> None:
        self._orders: list[SimpleQueue[Callable[[], None] | None]] = []
        self._taken = threading.Lock()
        self._closed = False
        memory = ctypes.create_string_buffer(BYTES + 64)
        self._memory = memory
        self._meeting = -(-ctypes.addressof(memory) // 64) * 64

    def run(self, function: Callable[[int, int, int], Any], threads: int) -> None:
        """Call ``function(meeting, thread, threads)`` in each thread; return when all are done.

        The function must end with a barrier, so that none is left behind when one returns.
        """
        if threads == 1 or self._closed or not self._taken.acquire(blocking=False):
            function(0, 0, 1)
            return
        try:
            while len(self._orders) < threads - 1:
                self._orders.append(_started())
            ctypes.memset(self._meeting, 0, BYTES)
            for k, orders in enumerate(self._orders[: threads - 1], 1):
                orders.put(lambda k=k: function(self._meeting, k, threads))  # type: ignore[misc]
            function(self._meeting, 0, threads)
        finally:
            self._taken.release()

    def close(self) -> None:
        """Send the threads home."""
        self._closed = True
        for orders in self._orders:
            orders.put(None)
        self._orders.clear()


def _started() -> SimpleQueue[Callable[[], None] | None]:
    orders: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
    threading.Thread(target=_obey, args=(orders,), name="chainrule", daemon=True).start()
    return orders


def _obey(orders: SimpleQueue[Callable[[], None] | None]) -> None:
    while (order := orders.get()) is not None:
        order()
        del order


TEAM = Team()


def _forget() -> None:
    """In a forked process the threads are gone."""
    global TEAM
    TEAM = Team()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
atexit.register(lambda: TEAM.close())


def run_together(function: Callable[[int, int, int], Any], threads: int) -> None:
    """See :meth:`Team.run`."""
    TEAM.run(function, threads)
