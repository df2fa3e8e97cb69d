"""Whether other threads help: on a machine that is busy otherwise, waiting for them costs more."""

from __future__ import annotations

from time import perf_counter

from chainrule.native.threads import get_threads

AGAIN = 1.0
"""Seconds after which the other way is tried again."""
TRIAL = 0.01
"""Seconds that a trial takes, about."""


class Pace:
    """Chooses between all threads and one by how long the same work took with each.

    Results don't depend on the number of threads, so this changes nothing but the time.

    Examples
    --------
    >>> from chainrule.native.threads import set_threads
    >>> set_threads(2)
    >>> pace = Pace()
    >>> pace.choose()
    2
    >>> pace.note(2, 1.0)
    >>> pace.choose()
    1
    >>> pace.note(1, 0.5)
    >>> pace.choose()
    1
    >>> set_threads(None)
    """

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}  # for a unit of work
        self._tried = perf_counter()

    def choose(self) -> int:
        """The number of threads for what comes next."""
        threads = get_threads()
        if threads == 1:
            return 1
        if threads not in self._seconds:
            self._seconds.clear()
            return threads
        if 1 not in self._seconds:
            return 1
        best = 1 if self._seconds[1] < self._seconds[threads] else threads
        if perf_counter() - self._tried > AGAIN:
            self._tried = perf_counter()
            return threads if best == 1 else 1
        return best

    def trial(self, threads: int) -> int | None:
        """How many units of work a trial has; None where it is none, or nothing is known yet."""
        others = [n for n in self._seconds if n != threads]
        known = self._seconds.get(threads)
        if not others or (known is not None and known <= self._seconds[others[0]]):
            return None
        return max(1, int(TRIAL / self._seconds[others[0]]))

    def note(self, threads: int, seconds: float) -> None:
        """Remember how long a unit of work took."""
        self._seconds[threads] = seconds
