"""How many threads the matrix products of a training step may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chainrule import forks

SMALL = 200_000_000
"""Multiplications and additions a step below which a second thread costs more than it brings.

Products of small matrices take microseconds. BLAS threads that wait for one another, or for a
processor that something else uses, make them 5 to 30 times slower.
"""


@contextmanager
def threads_for(operations: int) -> Iterator[None]:
    """Keep BLAS to one thread while the block runs, if its steps are small.

    Parameters
    ----------
    operations : int
        Multiplications and additions a step.
    """
    if operations >= SMALL:
        yield
        return
    with forks.still():  # the system's loader has a lock that it holds
        limits = _limited()
    try:
        yield
    finally:
        with forks.still():
            _restore(limits)


_owner: Any = None
"""The limits that some thread has set. They are the process', and only one thread at a time sets
them and sets them back: another one would find, and bring back, what this one has set."""


def _limited() -> Any:
    """The limits, if nobody has set them; None otherwise."""
    global _owner
    if _owner is not None:
        return None
    # Imported here: only training needs it.
    from threadpoolctl import threadpool_limits

    _owner = threadpool_limits(limits=1, user_api="blas")
    return _owner


def _restore(limits: Any) -> None:
    global _owner
    if limits is not None:
        limits.restore_original_limits()
        _owner = None


def _forget() -> None:
    """A forked child has one thread; what others have set there stays, and is nobody's."""
    global _owner
    _owner = None


forks.in_child(_forget)
