"""Arguments at which a primitive is smooth, as data: a domain from which they are drawn."""

from __future__ import annotations

from collections.abc import Hashable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from chainrule.shapes import Shape


class Region(NamedTuple):
    """Arrays of one shape, whose entries are drawn from an interval.

    Attributes
    ----------
    shape : tuple of int
    low, high : float
    diagonal : float
        Added on the diagonal of matrices, so that they are regular.
    dtype : dtype-like
        Of whole numbers, ``high`` itself is none.
    apart : bool
        Whether the entries are evenly spaced, in any order: no two are nearly equal.
    """

    shape: Shape
    low: float = 0.3
    high: float = 1.7
    diagonal: float = 0.0
    dtype: Any = np.float64
    apart: bool = False

    def drawn(self, rng: np.random.Generator) -> np.ndarray[Any, Any]:
        """One of the arrays."""
        if np.dtype(self.dtype).kind in "iu":
            return rng.integers(int(self.low), int(self.high), self.shape, self.dtype)
        if self.apart:
            even = np.linspace(self.low, self.high, prod(self.shape))
            return rng.permutation(even).reshape(self.shape).astype(self.dtype)
        entries = rng.uniform(self.low, self.high, self.shape)
        if self.diagonal:
            entries += self.diagonal * np.eye(self.shape[-1])
        return entries.astype(self.dtype)


class Example(NamedTuple):
    """Inputs and parameters of a primitive.

    Attributes
    ----------
    inputs : tuple of Region
        One for each input.
    params : hashable
    """

    inputs: tuple[Region, ...]
    params: Hashable = None
