"""Which entry a disagreement comes from, found with few directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Index = tuple[int, ...]


def entry_at_fault(error: Callable[[Array], float], direction: Array) -> Index:
    """The entry of a direction along which two derivatives differ, by halving.

    Both derivatives are linear in the direction, so that an error along the whole of it is one
    along at least one of its halves.

    Parameters
    ----------
    error : callable
        How much the derivatives differ along a direction.
    direction : ndarray
        One along which they do.

    Examples
    --------
    >>> entry_at_fault(lambda d: abs(d[1, 0]), np.ones((2, 3)))
    (1, 0)
    """
    entries = np.flatnonzero(direction)
    while len(entries) > 1:
        halves = np.array_split(entries, 2)
        errors = [_size(error(_only(direction, half))) for half in halves]
        entries = halves[int(np.argmax(errors))]
    place = int(entries[0]) if len(entries) else 0
    return tuple(map(int, np.unravel_index(place, direction.shape)))


def unit(shape: tuple[int, ...], entry: Index) -> Array:
    """One at an entry, and zero elsewhere."""
    direction = np.zeros(shape)
    direction[entry] = 1.0
    return direction


def most_apart(a: Array, b: Array) -> Index:
    """Where two arrays differ most; NaN differs from everything."""
    gap = np.abs(np.asarray(a) - np.asarray(b))
    place = int(np.argmax(np.where(np.isnan(gap), np.inf, gap)))
    return tuple(map(int, np.unravel_index(place, gap.shape)))


def _only(direction: Array, entries: Array) -> Array:
    chosen = np.zeros(direction.size)
    chosen[entries] = direction.ravel()[entries]
    return chosen.reshape(direction.shape)


def _size(error: float) -> float:
    return np.inf if np.isnan(error) else error
