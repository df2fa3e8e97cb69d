"""Functions that make arrays like another, and those that ask for a shape."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from chainrule.primitives import arrangement, contraction
from chainrule.primitives.identities import cast
from chainrule.shapes import normalize_axes
from chainrule.tracing.dispatch import implements
from chainrule.tracing.functions.shaping import axes_tuple
from chainrule.tracing.layouts import forget_order
from chainrule.tracing.traced import Traced, as_node


def _like(a: Any, value: Any, dtype: Any, shape: Any, order: str) -> Any:
    node = as_node(a)
    if order == "F":
        forget_order()
    wanted = node.shape if shape is None else axes_tuple(shape)
    kind = np.dtype(dtype) if dtype is not None else node.dtype
    return Traced(contraction.broadcast_to(cast(as_node(value), kind), wanted))


@implements(np.zeros_like, np.empty_like)
def zeros_like(
    a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None
) -> Any:
    return _like(a, 0.0, dtype, shape, order)


@implements(np.ones_like)
def ones_like(
    a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None
) -> Any:
    return _like(a, 1.0, dtype, shape, order)


@implements(np.full_like)
def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
) -> Any:
    return _like(a, fill_value, dtype, shape, order)


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    return Traced(as_node(a)).copy(order)


@implements(np.astype)
def astype(x: Any, dtype: Any, copy: bool = True) -> Any:
    if not isinstance(x, np.ndarray):
        raise TypeError(f"Input should be a NumPy array. It is of type {type(x)}.")
    return x.astype(dtype, copy=copy)


@implements(np.meshgrid)
def meshgrid(*xi: Any, indexing: str = "xy") -> tuple[Any, ...]:
    nodes = [arrangement.reshape(as_node(item), (-1,)) for item in xi]
    order = list(range(len(nodes)))
    if indexing == "xy" and len(nodes) > 1:
        order[0], order[1] = 1, 0
    sizes = [0] * len(nodes)
    for node, place in zip(nodes, order, strict=True):
        sizes[place] = node.shape[0]
    return tuple(
        Traced(contraction.relabel(node, (place,), tuple(range(len(sizes))), tuple(sizes)))
        for node, place in zip(nodes, order, strict=True)
    )


@implements(np.shape)
def shape(a: Any) -> tuple[int, ...]:
    return as_node(a).shape


@implements(np.ndim)
def ndim(a: Any) -> int:
    return as_node(a).ndim


@implements(np.size)
def size(a: Any, axis: int | None = None) -> int:
    node = as_node(a)
    axes = normalize_axes("size", axis, node.ndim)
    return prod(node.shape[k] for k in axes)
