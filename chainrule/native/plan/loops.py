"""Loops as data: what one pass over a range of indices loads, computes, stores and sums."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.node import Array, Node
from chainrule.shapes import Shape

Dtype = np.dtype[Any]


class Access(NamedTuple):
    """Elements of an array along the axes of a loop: ``offset + sum(i[k] * steps[k])``."""

    array: Node
    steps: tuple[int, ...]
    offset: int = 0


class Load(NamedTuple):
    """An element read from an array."""

    access: Access
    dtype: Dtype


class Constant(NamedTuple):
    """A number that is the same for all elements."""

    number: float | int | bool
    dtype: Dtype


class Apply(NamedTuple):
    """An elementwise function of earlier instructions of the loop, by their numbers."""

    name: str
    arguments: tuple[int, ...]
    dtype: Dtype


class Store(NamedTuple):
    """An instruction's value written to an array."""

    value: int
    access: Access


class Reduction(NamedTuple):
    """An instruction's value, reduced into an array over the axes whose step is 0."""

    value: int
    access: Access
    kind: str = "sum"
    """``sum``, ``max`` or ``min``."""
    scale: float = 1.0
    """What a sum is multiplied by."""


Instruction = Load | Constant | Apply


class Loop(NamedTuple):
    """One pass over all indices of a shape.

    Attributes
    ----------
    shape : tuple of int
        The range of each index; the last one runs fastest.
    body : tuple of Load, Constant or Apply
        Each may use those before it.
    stores, reductions : tuple
        What comes out.
    """

    shape: Shape
    body: tuple[Instruction, ...]
    stores: tuple[Store, ...]
    reductions: tuple[Reduction, ...]

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def accesses(self) -> list[Access]:
        """Every access, reads first."""
        return [*self.reads, *self.writes]

    @property
    def reads(self) -> list[Access]:
        """What is loaded."""
        return [item.access for item in self.body if isinstance(item, Load)]

    @property
    def writes(self) -> list[Access]:
        """What is stored or reduced into."""
        return [s.access for s in self.stores] + [r.access for r in self.reductions]

    def moved(self, shape: Shape, move: Callable[[Access], Access]) -> Loop:
        """The same work with other axes."""
        body = tuple(
            item._replace(access=move(item.access)) if isinstance(item, Load) else item
            for item in self.body
        )
        stores = tuple(item._replace(access=move(item.access)) for item in self.stores)
        reductions = tuple(item._replace(access=move(item.access)) for item in self.reductions)
        return Loop(shape, body, stores, reductions)


def collapsed(loop: Loop) -> Loop:
    """The same loop with fewer axes: axes of size 1 are dropped, those that continue are joined."""
    kept = [axis for axis, size in enumerate(loop.shape) if size != 1]
    groups: list[list[int]] = []
    for axis in kept:
        if groups and _continues(loop, groups[-1][-1], axis):
            groups[-1].append(axis)
        else:
            groups.append([axis])
    shape = tuple(prod(loop.shape[axis] for axis in group) for group in groups)
    return loop.moved(
        shape,
        lambda access: access._replace(steps=tuple(access.steps[group[-1]] for group in groups)),
    )


def _continues(loop: Loop, outer: int, inner: int) -> bool:
    """Whether the inner axis' end is followed by the outer one's next element, everywhere."""
    size = loop.shape[inner]
    return all(item.steps[outer] == item.steps[inner] * size for item in loop.accesses)


# -- the same with NumPy: what native loops are tested against ------------------------------------


def run_loop(loop: Loop, arrays: dict[Node, Array], functions: dict[str, Any]) -> None:
    """Execute a loop with NumPy on arrays in row-major order."""
    values: list[Array] = []
    for item in loop.body:
        if isinstance(item, Load):
            values.append(_elements(arrays[item.access.array], item.access, loop.shape))
        elif isinstance(item, Constant):
            values.append(np.full(loop.shape, item.number, item.dtype))
        else:
            given = [values[k] for k in item.arguments]
            values.append(np.asarray(functions[item.name](*given)).astype(item.dtype, copy=False))
    for store in loop.stores:
        _elements(arrays[store.access.array], store.access, loop.shape)[...] = values[store.value]
    for entry in loop.reductions:
        axes = tuple(k for k, step in enumerate(entry.access.steps) if step == 0)
        whole = np.broadcast_to(values[entry.value], loop.shape)
        total = _REDUCE[entry.kind](whole, axis=axes, keepdims=True)
        shape = tuple(1 if k in axes else size for k, size in enumerate(loop.shape))
        target = _elements(arrays[entry.access.array], entry.access, shape)
        target[...] = total * total.dtype.type(entry.scale)


_REDUCE: dict[str, Any] = {"sum": np.sum, "max": np.max, "min": np.min}


def _elements(array: Array, access: Access, shape: Shape) -> Array:
    flat = array.reshape(-1)
    steps = tuple(step * flat.itemsize for step in access.steps)
    return np.lib.stride_tricks.as_strided(flat[access.offset :], shape, steps)
