"""Differences of values with steps h, h/2, h/4, …, extrapolated to h = 0 by Richardson's scheme.

Source: L. F. Richardson, The approximate arithmetical solution by finite differences, Philosophical
Transactions A 210 (1911).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Line = Callable[[float], Array]
"""A function along a line through the point, which is at 0."""


def central(value: Line, h: float, count: int) -> list[Array]:
    """Differences over both sides: their errors have the powers h², h⁴, …"""
    steps = [h / 2**k for k in range(count)]
    return [(value(step) - value(-step)) / (2 * step) for step in steps]


def one_sided(value: Line, here: Array, h: float, count: int) -> list[Array]:
    """Differences to the side of h's sign: their errors have the powers h, h², …"""
    steps = [h / 2**k for k in range(count)]
    return [(value(step) - here) / step for step in steps]


def extrapolated(estimates: Sequence[Array], order: int) -> Array:
    """The limit of estimates whose errors have the powers h^order, h^(2 order), …

    Examples
    --------
    >>> halves = central(lambda t: np.exp(np.array([t])), 0.1, 4)
    >>> [round(float(abs(item[0] - 1)), 6) for item in (halves[0], extrapolated(halves, 2))]
    [0.001668, 0.0]
    """
    return _columns(estimates, order)[-1][-1]


def most_settled(estimates: Sequence[Array], order: int) -> tuple[Array, float]:
    """As :func:`extrapolated`, but no further than rounding lets the estimates come closer.

    Beside it how far the last two of them are apart.
    """
    best, spread = estimates[-1], np.inf
    for column in _columns(estimates, order)[1:]:
        change = float(np.max(np.abs(column[-1] - best), initial=0.0))
        if change < spread:
            best, spread = column[-1], change
    return best, spread


def _columns(estimates: Sequence[Array], order: int) -> list[list[Array]]:
    """Each column is free of one more power of h than the one before."""
    columns = [list(estimates)]
    for level in range(1, len(estimates)):
        factor = 2.0 ** (order * level)
        pairs = pairwise(columns[-1])
        columns.append([(factor * fine - coarse) / (factor - 1) for coarse, fine in pairs])
    return columns
