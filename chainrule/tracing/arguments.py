"""Nodes for what a function is given: arguments, second names of values, arrays it refers to."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from chainrule.graph.node import Array, Node, all_finite, constant, new_input
from chainrule.interpret.run import value_at_hand
from chainrule.primitives.contraction import broadcast_to
from chainrule.primitives.identities import new_alias
from chainrule.shapes import Shape
from chainrule.tracing.layouts import forget_order
from chainrule.tracing.session import current


def argument(array: Array) -> Node:
    """A node for an argument at hand, which no other argument of the calls under way has."""
    session = current()
    place = 0 if session is None else session.place(array.nbytes)
    lane = None if session is None else session.lane
    if session is None or lane is None:
        return new_input(array.shape, array.dtype, array)
    node = lane.input(place, array.shape, array.dtype, all_finite(array))
    session.held[node] = array
    session.known += 1
    return node


def unknown_argument(shape: Shape, dtype: np.dtype[Any], finite: bool) -> Node:
    """A node for an argument without a value."""
    session = current()
    lane = None if session is None else session.lane
    if session is None or lane is None:
        node = new_input(shape, dtype)
        node.finite = finite
        return node
    return lane.input(session.place(), shape, dtype, finite)


def second_name(node: Node) -> Node:
    """An alias of a node, which no other argument of the calls under way has."""
    session = current()
    lane = None if session is None else session.lane
    if session is None or lane is None:
        return new_alias(node)
    return lane.alias(session.place(), node)


def capture(array: Array) -> Node:
    """A constant with the array's present contents.

    The array is copied, since the user may refill it while the function runs. While a session is
    under way, an array with unchanged contents gives the same node again, without a copy.
    """
    forget_order(array)
    repeats = [step == 0 and n > 1 for step, n in zip(array.strides, array.shape, strict=True)]
    if any(repeats):  # repeated values are kept once
        part = array[tuple(slice(0, 1) if again else slice(None) for again in repeats)]
        return broadcast_to(capture(part), array.shape)
    session = current()
    is_argument = session is not None and session.lane is not None and varies(array)
    if session is None or (array.nbytes <= 1024 and not is_argument):
        return constant(array.copy())
    known = session.captured.get(id(array))
    if known is not None and known[0]() is array:
        value = value_at_hand(known[1])
        if value is not None and _unchanged(value, array):
            return known[1]
    node = argument(array.copy()) if is_argument else constant(array.copy())
    session.captured[id(array)] = (weakref.ref(array), node)
    return node


def _unchanged(copy: Array, array: Array) -> bool:
    if array.nbytes <= 1024:
        return copy.dtype == array.dtype and copy.tobytes() == array.tobytes()
    return np.array_equal(copy, array)


def native(array: Array) -> Array:
    """The array in the machine's order of bytes."""
    dtype = array.dtype
    return array if dtype.isnative else array.astype(dtype.newbyteorder("="))


def varies(array: Array) -> bool:
    """Whether an array is data, which may be other data in the next call of the same code."""
    return array.ndim > 0 and array.dtype.kind == "f"
