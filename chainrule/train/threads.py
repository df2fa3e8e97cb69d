"""How many threads the matrix products of a training step may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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
    # Imported here: only training needs it.
    with forks.still():  # the system's loader has a lock that it holds
        from threadpoolctl import threadpool_limits

        limits = threadpool_limits(limits=1, user_api="blas")
    with limits:
        yield
