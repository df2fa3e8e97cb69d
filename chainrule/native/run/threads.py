"""How many threads native code uses, and the threads themselves, which wait to be needed."""

from __future__ import annotations

import atexit
import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from queue import SimpleQueue
from typing import Any

from chainrule import forks
from chainrule.arguments import shown
from chainrule.errors import ArgumentError, ArgumentTypeError
from chainrule.native.code.barrier import BYTES

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
    if isinstance(count, (str, bool)):
        raise ArgumentTypeError(
            "set_threads", "the number of threads must be a whole number", shown(count),
            f"1 to {MOST}",
        )  # fmt: skip
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
    except (AttributeError, TypeError, ValueError):
        number = 0
    if not 1 <= number <= MOST:
        raise ArgumentError(
            where, "the number of threads must be a whole number", shown(count), f"1 to {MOST}"
        )
    return int(number)


def _processors() -> int:
    has_affinity = hasattr(os, "sched_getaffinity")
    count = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return min(count, MOST)


Order = tuple[int, int | None, Callable[[], None]]
"""The number of a run, the processor for it, and what to do."""


class Team:
    """Threads that enter native functions together with the one that calls.

    One caller at a time has the team; another one finds it taken and works alone.
    """

    def __init__(self) -> None:
        self._orders: list[SimpleQueue[Order | None]] = []
        self._taken = threading.Lock()
        self._runs = 0
        self._closed = False
        # Zero at first, and never set back: a thread that is late may still be looking at it.
        self._memory = ctypes.create_string_buffer(BYTES + 64)
        self._meeting = -(-ctypes.addressof(self._memory) // 64) * 64
        self._passed = ctypes.c_int64.from_address(self._meeting + BYTES // 2)

    def run(self, function: Callable[[int, int, int], Any], threads: int) -> None:
        """Call ``function(meeting, thread, threads)`` in each thread; return when all are done.

        The function must end with a barrier, so that none is left behind when one returns.
        """
        if threads == 1 or self._closed or not self._taken.acquire(blocking=False):
            function(0, 0, 1)
            return
        try:
            self._runs += 1
            before = self._passed.value
            with _apart(threads) as processors:
                try:
                    self._send(function, processors)
                    function(self._meeting, 0, threads)
                except BaseException:
                    # Ctrl-C between the orders and the call: the others must not wait for ever.
                    while self._passed.value == before:
                        with suppress(KeyboardInterrupt):
                            self._send(function, processors)
                            function(self._meeting, 0, threads)
                    raise
        finally:
            self._taken.release()

    def _send(
        self, function: Callable[[int, int, int], Any], processors: Sequence[int | None]
    ) -> None:
        """Give everyone the order of this run; those who have it already don't mind."""
        threads = len(processors) + 1
        while len(self._orders) < threads - 1:
            self._orders.append(_started())
        for k, (orders, processor) in enumerate(zip(self._orders, processors, strict=False), 1):
            work = partial(function, self._meeting, k, threads)
            orders.put((self._runs, processor, work))

    def close(self) -> None:
        """Send the threads home."""
        self._closed = True
        for orders in self._orders:
            orders.put(None)
        self._orders.clear()


def _started() -> SimpleQueue[Order | None]:
    orders: SimpleQueue[Order | None] = SimpleQueue()
    threading.Thread(target=_obey, args=(orders,), name="chainrule", daemon=True).start()
    return orders


def _obey(orders: SimpleQueue[Order | None]) -> None:
    latest, place = 0, None
    while (order := orders.get()) is not None:
        number, processor, work = order
        if number > latest:
            latest = number
            if processor is not None and processor != place:
                place = processor
                _move({processor})
            work()
        del order, work


# -- where threads run ----------------------------------------------------------------------------


@contextmanager
def _apart(threads: int) -> Iterator[list[int | None]]:
    """Keep this thread where it is for a while; the processors for the others, or None for each.

    Threads that wait for one another without sleeping are not noticed by the system's scheduler
    when it has put them on one processor, where each waits while the other could work.
    """
    anywhere: list[int | None] = [None] * (threads - 1)
    if not hasattr(os, "sched_setaffinity") or sys.platform != "linux":
        yield anywhere
        return
    allowed, here = os.sched_getaffinity(0), _processor()
    others = sorted(allowed - {here})[: threads - 1]
    if len(others) < threads - 1 or here not in allowed:
        yield anywhere
        return
    try:
        _move({here})
        yield list(others)
    finally:
        _move(allowed)


def _move(processors: set[int]) -> None:
    """Let the calling thread run there alone, if that is still allowed."""
    with suppress(OSError):
        os.sched_setaffinity(0, processors)


@lru_cache(maxsize=1)
def _processor_function() -> Callable[[], int]:
    function: Callable[[], int] = ctypes.CDLL(None).sched_getcpu
    return function


def _processor() -> int:
    """Where the calling thread runs now."""
    return _processor_function()()


TEAM = Team()


def _forget() -> None:
    """In a forked process the threads are gone."""
    global TEAM
    TEAM = Team()


forks.in_child(_forget)
atexit.register(lambda: TEAM.close())


def run_together(function: Callable[[int, int, int], Any], threads: int) -> None:
    """See :meth:`Team.run`."""
    TEAM.run(function, threads)
