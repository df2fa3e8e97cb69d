"""Loops as data: what one pass over a range of indices loads, computes, stores and sums."""

from __future__ import annotations

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


class Sum(NamedTuple):
    """An instruction's value, times a number, summed into an array: steps of 0 are summed over."""

    value: int
    access: Access
    scale: float


Instruction = Load | Constant | Apply


class Loop(NamedTuple):
    """One pass over all indices of a shape.

    Attributes
    ----------
    shape : tuple of int
        The range of each index; the last one runs fastest.
    body : tuple of Load, Constant or Apply
        Each may use those before it.
    stores, sums : tuple
        What comes out.
    """

    shape: Shape
    body: tuple[Instruction, ...]
    stores: tuple[Store, ...]
    sums: tuple[Sum, ...]

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def accesses(self) -> list[Access]:
        """Every access, reads first."""
        reads = [item.access for item in self.body if isinstance(item, Load)]
        return [*reads, *(s.access for s in self.stores), *(s.access for s in self.sums)]


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

    def moved(access: Access) -> Access:
        return access._replace(steps=tuple(access.steps[group[-1]] for group in groups))

    body = tuple(
        item._replace(access=moved(item.access)) if isinstance(item, Load) else item
        for item in loop.body
    )
    stores = tuple(item._replace(access=moved(item.access)) for item in loop.stores)
    sums = tuple(item._replace(access=moved(item.access)) for item in loop.sums)
    return Loop(shape, body, stores, sums)


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
    for entry in loop.sums:
        axes = tuple(k for k, step in enumerate(entry.access.steps) if step == 0)
        total = np.broadcast_to(values[entry.value], loop.shape).sum(axis=axes, keepdims=True)
        shape = tuple(1 if k in axes else size for k, size in enumerate(loop.shape))
        target = _elements(arrays[entry.access.array], entry.access, shape)
        target[...] = total * total.dtype.type(entry.scale)


def _elements(array: Array, access: Access, shape: Shape) -> Array:
    flat = array.reshape(-1)
    steps = tuple(step * flat.itemsize for step in access.steps)
    return np.lib.stride_tricks.as_strided(flat[access.offset :], shape, steps)
