"""Runs a plan: native loops on the arrays of a frame, everything else with NumPy in between."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import cached_property, reduce
from itertools import groupby
from typing import Any, Protocol

import numpy as np

from chainrule.graph.node import Array, Node
from chainrule.native.loops import Loop
from chainrule.native.plan import External, Plan
from chainrule.native.views import view_of


class Function(Protocol):
    """A native function of a table of the arrays' addresses."""

    address: int

    def __call__(self, table: Any, /) -> None: ...


Build = Callable[[Sequence[Loop], dict[Node, int]], Function]


class NativeProgram:
    """A plan made ready to be run many times: the counterpart of ``interpret.run.Program``.

    Parameters
    ----------
    plan : Plan
    build : callable
        Makes one native function of several loops, given each array's place in the table.
    """

    def __init__(self, plan: Plan, build: Build) -> None:
        self.plan = plan
        self.inputs, self.outputs = plan.inputs, plan.outputs
        constants = dict.fromkeys(
            access.array
            for step in plan.steps
            if isinstance(step, Loop)
            for access in step.accesses
            if access.array.value is not None
        )
        stored = dict.fromkeys([*plan.inputs, *constants, *plan.arrays])
        self.places = {node: place for place, node in enumerate(stored)}
        self.input_places = [self.places[node] for node in plan.inputs]
        self.results = [_Reader(node, self.places) for node in plan.outputs]
        self.functions: list[Function] = []
        self._steps: list[Callable[[_Frame], None]] = []
        for is_loop, group in groupby(plan.steps, lambda step: isinstance(step, Loop)):
            steps: list[Any] = list(group)
            if is_loop:
                self.functions.append(build(steps, self.places))
                self._steps.append(_native(self.functions[-1]))
            else:
                self._steps += map(self._external, steps)
        self.is_native = all(isinstance(step, Loop) for step in plan.steps)
        self._idle: list[_Frame] = []

    def __call__(self, *arrays: Array) -> list[Array]:
        """The outputs' values for new arguments of the planned shapes and dtypes."""
        frame = self._idle.pop() if self._idle else _Frame(self.places)
        for place, array in zip(self.input_places, arrays, strict=True):
            frame.put(place, in_row_major_order(array))
        for place in self._fresh:
            frame.put(place, np.empty(frame.shapes[place], frame.dtypes[place]))
        with np.errstate(all="ignore") if not self.is_native else nullcontext():
            for step in self._steps:
                step(frame)
        values = [read(frame) for read in self.results]
        for place in (*self.input_places, *self._fresh):
            frame.arrays[place] = None
        self._idle.append(frame)
        return values

    def frame(self) -> _Frame:
        """Memory of its own for whoever runs the functions."""
        return _Frame(self.places)

    @cached_property
    def _fresh(self) -> list[int]:
        """Places of arrays that are handed out, and so are new in every run."""
        return [reader.place for reader in self.results if reader.is_whole and reader.is_computed]

    def _external(self, step: External) -> Callable[[_Frame], None]:
        run = step.node.primitive.bind(step.node)
        readers = [_Reader(item, self.places) for item in step.node.inputs]
        place = self.places[step.node]

        def execute(frame: _Frame) -> None:
            result = np.asarray(run(*[read(frame) for read in readers]))
            frame.put(place, in_row_major_order(result))

        return execute


def in_row_major_order(array: Array) -> Array:
    """The array, or a copy of it where its elements do not lie one after the other."""
    return array if array.flags.c_contiguous else array.copy(order="C")


def _native(function: Function) -> Callable[[_Frame], None]:
    return lambda frame: function(frame.table)


class _Frame:
    """The arrays of one run at a time, and the table of their addresses."""

    def __init__(self, places: dict[Node, int]) -> None:
        self.shapes = [node.shape for node in places]
        self.dtypes = [node.dtype for node in places]
        self.arrays: list[Array | None] = [None] * len(places)
        self.table = (ctypes.c_void_p * len(places))()
        for node, place in places.items():
            value = np.empty(node.shape, node.dtype) if node.value is None else node.value
            self.put(place, in_row_major_order(value))

    def put(self, place: int, array: Array) -> None:
        """An array at a place, which is kept alive until another takes it."""
        self.arrays[place] = array
        self.table[place] = array.__array_interface__["data"][0]


class _Reader:
    """A node's value from a frame: a stored array, or a view of one."""

    def __init__(self, node: Node, places: dict[Node, int]) -> None:
        base = view_of(node).base
        self.is_whole = base is node
        self.is_computed = node.value is None and bool(node.inputs)
        self.constant = base.value if base not in places else None
        self.place = places.get(base, -1)
        self.steps: list[Callable[[Array], Array]] = []
        while node is not base:
            self.steps.append(node.primitive.bind(node))
            node = node.inputs[0]
        self.steps.reverse()

    def __call__(self, frame: _Frame) -> Array:
        held = self.constant if self.place < 0 else frame.arrays[self.place]
        assert held is not None, "a step runs after those that it reads from"
        return reduce(lambda value, step: np.asarray(step(value)), self.steps, held)
