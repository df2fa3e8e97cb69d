"""The complex step Im f(x + ihd) / h: nothing is subtracted, and it is exact up to rounding.

Source: W. Squire, G. Trapp, Using complex variables to estimate derivatives of real functions, SIAM
Review 40 (1998).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

STEP = 1e-30  # far below rounding: its square vanishes beside 1


def complex_step(function: Callable[[Array], Array], start: Array, direction: Array) -> Array:
    """The derivative in a direction of a function that takes complex numbers.

    Examples
    --------
    >>> complex_step(np.sin, np.array([0.0, 1.0]), np.array([1.0, 0.0]))
    array([1., 0.])
    """
    moved = start.astype(np.complex128) + 1j * STEP * direction
    result: Array = function(moved).imag / STEP
    return result
