"""Elementwise steps on large arrays: one after the other on a block that is in the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.node import Array, Node
from chainrule.primitives.elementwise import Elementwise
from chainrule.primitives.products import is_elementwise

BLOCK = 1 << 17
"""Bytes of a block of the widest of the arrays: several fit into a core's own cache."""


class Application(NamedTuple):
    """A function, where its inputs are, where its result goes, and what is not needed after it."""

    function: Callable[..., Array]
    inputs: tuple[int, ...]
    output: int
    frees: tuple[int, ...]


def runs(nodes: Sequence[Node], functions: Sequence[Callable[..., Array]]) -> list[list[int]]:
    """The positions of all steps, those in one list that can go through the blocks together."""
    found: list[list[int]] = []
    latest: Node | None = None
    for position, (node, function) in enumerate(zip(nodes, functions, strict=True)):
        mine = node if node.shape and _goes_by_blocks(node, function) else None
        if latest is not None and mine is not None and latest.shape == mine.shape:
            found[-1].append(position)
        else:
            found.append([position])
        latest = mine
    return found


def _goes_by_blocks(node: Node, function: Callable[..., Array]) -> bool:
    if node.size * node.dtype.itemsize <= 2 * BLOCK:
        return False
    primitive = node.primitive
    by_elements = (
        function is primitive.value
        if isinstance(primitive, Elementwise)
        else is_elementwise(function)
    )
    return by_elements and all(item.shape == node.shape for item in node.inputs)


class Blocks:
    """Several steps, each of which needs no more than the same elements of its inputs.

    Parameters
    ----------
    steps, nodes : sequence of Application, sequence of Node
        All of one shape.
    """

    def __init__(self, steps: Sequence[Application], nodes: Sequence[Node]) -> None:
        made = {step.output for step in steps}
        freed = {slot for step in steps for slot in step.frees}
        self.steps = tuple(steps)
        self.frees = tuple(freed - made)
        self.given = tuple({slot for step in steps for slot in step.inputs} - made)
        self.results = [
            (step.output, node.dtype)
            for step, node in zip(steps, nodes, strict=True)
            if step.output not in freed
        ]
        self.shape, self.size = nodes[0].shape, nodes[0].size
        self.length = BLOCK // max(node.dtype.itemsize for node in nodes)
        # within a block, places are numbered from 0: first what is given, then what is made
        place = {slot: k for k, slot in enumerate((*self.given, *(step.output for step in steps)))}
        self.places = len(place)
        local = {slot: place[slot] for slot in made}
        self.local = [
            Application(
                step.function,
                tuple(place[slot] for slot in step.inputs),
                place[step.output],
                tuple(local[slot] for slot in step.frees if slot in local),
            )
            for step in steps
        ]
        self.targets = [place[slot] for slot, _ in self.results]

    def __call__(self, values: list[Array | None]) -> None:
        """Read what is given among the values, and write the results there."""
        flat: list[Array] = []
        for slot in self.given:
            elements = _flat(values[slot])
            if elements is None:
                self._at_once(values)
                return
            flat.append(elements)
        results = [np.empty(self.shape, dtype) for _, dtype in self.results]
        filled = [result.reshape(-1) for result in results]
        nothing = [None] * (self.places - len(flat))
        for start in range(0, self.size, self.length):
            part = slice(start, start + self.length)
            block: list[Array | None] = [*[array[part] for array in flat], *nothing]
            for function, inputs, output, frees in self.local:
                block[output] = function(*[block[k] for k in inputs])
                for k in frees:
                    block[k] = None
            for target, result in zip(self.targets, filled, strict=True):
                result[part] = block[target]
        for (slot, _), result in zip(self.results, results, strict=True):
            values[slot] = result

    def _at_once(self, values: list[Array | None]) -> None:
        """Arrays that are not in order are gone through as they are."""
        for function, inputs, output, frees in self.steps:
            values[output] = function(*[values[slot] for slot in inputs])
            for slot in frees:
                values[slot] = None


def _flat(array: Any) -> Array | None:
    """An array's elements one after the other, without a copy; None where that is not to be had."""
    if array.flags.c_contiguous:
        return np.asarray(array.reshape(-1))
    if any(array.strides):
        return None
    return np.broadcast_to(array[(0,) * array.ndim], (array.size,))  # a number everywhere
