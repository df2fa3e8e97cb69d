"""Whether other threads help: on a machine that is busy otherwise, waiting for them costs more."""

from __future__ import annotations

import math
from time import perf_counter

from chainrule.native.run.threads import get_threads

AGAIN = 1.0
"""Seconds after which the other way is tried again, or later if it took much longer."""
TRIAL = 0.01
"""Seconds that a trial takes, about."""
FORGETTING = 1.25
"""How much slower than remembered the same work may become at once."""


class Pace:
    """Chooses between all threads and one by how long the same work took with each.

    Results don't depend on the number of threads, so this changes nothing but the time.

    Parameters
    ----------
    estimate : float
        Seconds that a unit of work may take.

    Examples
    --------
    >>> from chainrule.native.run.threads import set_threads
    >>> set_threads(2)
    >>> pace = Pace(estimate=0.5)
    >>> for seconds in (5.0, 1.0, 0.5, 1.0):  # at first, memory is slow
    ...     print(threads := pace.choose())
    ...     pace.note(threads, seconds)
    2
    2
    1
    2
    >>> pace.choose()
    1
    >>> set_threads(None)
    """

    def __init__(self, estimate: float) -> None:
        self._estimate = estimate
        self._threads = 0
        self._notes: list[int] = []  # the threads of the first trials
        self._seconds: dict[int, float] = {}  # for a unit of work
        self._tried = perf_counter()

    def choose(self) -> int:
        """The number of threads for what comes next."""
        threads = get_threads()
        if threads == 1:
            return 1
        if threads != self._threads:
            self._threads = threads
            self._notes.clear()
            self._seconds.clear()
        if len(self._notes) < 4:
            return (threads, threads, 1, threads)[len(self._notes)]
        alone, together = self._seconds.get(1), self._seconds.get(threads)
        if alone is None or together is None:  # several callers have made the first trials at once
            return 1 if alone is None else threads
        best = 1 if alone < together else threads
        if perf_counter() - self._tried > AGAIN:
            self._tried = perf_counter()
            return threads if best == 1 else 1
        return best

    def trial(self, threads: int) -> int | None:
        """How many units of work to do with so many threads; None: as many as there are."""
        if get_threads() == 1:
            return None
        best = min(self._seconds.values(), default=self._estimate)
        is_best = len(self._notes) >= 4 and self._seconds.get(threads, math.inf) <= best
        return None if is_best else max(1, int(TRIAL / best))

    def note(self, threads: int, seconds: float) -> None:
        """Remember how long a unit of work took; the very first touches its memory, too."""
        if self._notes:
            known = self._seconds.get(threads, seconds)
            self._seconds[threads] = min(seconds, FORGETTING * known)
        if len(self._notes) < 4:
            self._notes.append(threads)
