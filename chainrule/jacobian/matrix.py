"""The Jacobian of one output by one input as an object: applied without being formed, or formed."""

from __future__ import annotations

import os
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from chainrule.errors import MemoryRefused, ShapeError
from chainrule.shapes import Shape


def free_memory() -> int:
    """Bytes of memory that are free now; a large number where the system does not say."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 2**62


class Jacobian:
    """∂f/∂x at a point, in numerator layout: ``J[i, j] = ∂f_i/∂x_j``, (5.58).

    Attributes
    ----------
    shape : tuple of int
        ``output_shape + input_shape``: an m×n matrix by a p×q matrix has shape (m, n, p, q).
    output_shape, input_shape : tuple of int
        The shapes of f(x) and of x.
    dtype : numpy.dtype
        The dtype of f(x).

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> J = cr.jacobian(lambda x: x ** 2)(np.array([1.0, 2.0, 3.0]))
    >>> J.shape
    (3, 3)
    >>> J @ np.ones(3)
    array([2., 4., 6.])
    """

    __array_ufunc__ = None  # so that ``u @ J`` asks this object and not NumPy

    def __init__(
        self,
        output_shape: Shape,
        input_shape: Shape,
        dtype: np.dtype[Any],
        dense: Callable[[], Any],
        push: Callable[[Any], Any],
        pull: Callable[[Any], Any],
    ) -> None:
        self.output_shape, self.input_shape, self.dtype = output_shape, input_shape, dtype
        self._dense, self._push, self._pull = dense, push, pull

    @property
    def shape(self) -> Shape:
        return self.output_shape + self.input_shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def toarray(self) -> Any:
        """The whole Jacobian as an array of shape ``output_shape + input_shape``.

        Raises
        ------
        MemoryRefused
            If it would not fit into the memory that is free now.
        """
        needed, free = prod(self.shape) * self.dtype.itemsize, free_memory()
        if needed > free:
            raise MemoryRefused(
                "toarray", f"the Jacobian of shape {self.shape} does not fit into memory",
                got=f"{needed:,} bytes needed and {free:,} free",
                remedy="use products instead: J @ v and u @ J never form it",
            )  # fmt: skip
        return self._dense()

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self.toarray(), dtype=dtype)

    def __matmul__(self, tangent: Any) -> Any:
        """``J @ v`` for v of the input's shape, without forming J."""
        if np.shape(tangent) != self.input_shape:
            raise ShapeError(
                "J @ v",
                "the tangent must have the input's shape",
                got=f"{np.shape(tangent)} for {self.output_shape} by {self.input_shape}",
                remedy="use J.toarray() for products with other arrays",
            )
        return self._push(tangent)

    def __rmatmul__(self, cotangent: Any) -> Any:
        """``u @ J`` for u of the output's shape, without forming J."""
        if np.shape(cotangent) != self.output_shape:
            raise ShapeError(
                "u @ J",
                "the cotangent must have the output's shape",
                got=f"{np.shape(cotangent)} for {self.output_shape} by {self.input_shape}",
                remedy="use J.toarray() for products with other arrays",
            )
        return self._pull(cotangent)

    def __repr__(self) -> str:
        sides = (
            "×".join(str(size) for size in shape) or "scalar"
            for shape in (self.output_shape, self.input_shape)
        )
        size = prod(self.shape) * self.dtype.itemsize
        return f"Jacobian of {' by '.join(sides)}, {self.dtype}, {size:,} bytes when written out"
