"""Runs a plan: native code on the arrays of a frame, everything else with NumPy in between."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import reduce
from itertools import groupby
from time import perf_counter
from typing import Any

import numpy as np

from chainrule.graph.node import Array, Node
from chainrule.native.code.barrier import YIELD, yield_address
from chainrule.native.code.functions import EMITTERS
from chainrule.native.code.ir import Module
from chainrule.native.code.segment import Segment, memory_of
from chainrule.native.plan.gathers import check_faults
from chainrule.native.plan.planning import Plan
from chainrule.native.plan.stages import External, Stage
from chainrule.native.plan.storage import aligned, shared_storage
from chainrule.native.plan.views import view_of
from chainrule.native.run.machine import NativeModule, compile_text
from chainrule.native.run.pace import Pace
from chainrule.native.run.threads import run_together
from chainrule.native.target import host
from chainrule.properties import cached_property

WAKING = 100_000.0
"""Nanoseconds of work below which it takes longer to wake other threads than they would save."""
NATIVE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


class Layout:
    """Where the arrays of a plan are: places in a table of addresses.

    Parameters
    ----------
    plan : Plan
    replaced : mapping of Node to Node, optional
        Arrays that are written in the place of others.
    """

    def __init__(self, plan: Plan, replaced: Mapping[Node, Node] | None = None) -> None:
        self.replaced = dict(replaced or {})
        stages = [stage for stage in plan.stages if isinstance(stage, Stage)]
        read = {node for stage in stages for node in stage.reads}
        constants = [node for node in read if node.value is not None]
        local = {node for stage in stages for node in stage.local}
        partial = [node for stage in stages for node in stage.partial.values()]
        constants.sort(key=lambda node: node.serial)
        arrays = [node for node in plan.arrays if node not in local]
        stored = dict.fromkeys([*plan.inputs, *constants, *arrays, *partial])
        storage = shared_storage(plan, {*self.replaced, *self.replaced.values()})
        elsewhere = {**self.replaced, **storage.holder}
        self.own = [node for node in stored if node not in elsewhere]
        """Nodes with a place of their own, in the order of their places."""
        self.places = {node: place for place, node in enumerate(self.own)}
        self.places |= {node: self.places[other] for node, other in elsewhere.items()}
        self.shared = {self.places[node]: size for node, size in storage.size.items()}
        """Bytes of the places that several arrays have one after the other."""
        self.faults = plan.faults
        self.bytes_of_thread = memory_of(stages)


class NativeProgram:
    """A plan made ready to be run many times: the counterpart of ``interpret.run.Program``.

    Parameters
    ----------
    plan : Plan
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.inputs, self.outputs = plan.inputs, plan.outputs
        self.layout = Layout(plan)
        places = self.layout.places
        self.input_places = [places[node] for node in plan.inputs]
        self.results = [_Reader(node, places) for node in plan.outputs]
        groups = [
            (is_native, list(group))
            for is_native, group in groupby(plan.stages, lambda item: isinstance(item, Stage))
        ]
        native: list[Any] = [group for is_native, group in groups if is_native]
        self.segments = native_segments(native, self.layout) if native else []
        code = iter(self.segments)
        self._steps: list[Callable[[Frame, int], None]] = []
        for is_native, group in groups:
            self._steps += [next(code)] if is_native else map(self._external, group)  # type: ignore[arg-type]
        self.is_native = len(groups) == len(native) == 1
        shared = [stage for group in native for stage in group if stage.blocks > 1]
        self.is_shared = sum(stage.nanoseconds for stage in shared) > WAKING
        self._pace = Pace(1e-9 * sum(stage.nanoseconds for group in native for stage in group))
        self._idle: list[Frame] = []

    def __call__(self, *arrays: Array) -> list[Array]:
        """The outputs' values for new arguments of the planned shapes and dtypes."""
        threads, started = self._pace.choose() if self.is_shared else 1, perf_counter()
        frame = self._idle.pop() if self._idle else Frame(self.layout)
        frame.make_room(threads)
        for place, array in zip(self.input_places, arrays, strict=True):
            frame.put(place, in_row_major_order(array))
        for place in self._fresh:
            frame.put(place, np.empty(frame.shapes[place], frame.dtypes[place]))
        with nullcontext() if self.is_native else np.errstate(all="ignore"):
            for step in self._steps:
                step(frame, threads)
        if self.is_shared:
            self._pace.note(threads, perf_counter() - started)
        values = [read(frame) for read in self.results]
        frame.check()
        for place in (*self.input_places, *self._fresh):
            frame.arrays[place] = None
        self._idle.append(frame)
        return values

    @cached_property
    def _fresh(self) -> list[int]:
        """Places of arrays that are handed out, and so are new in every run."""
        return [reader.place for reader in self.results if reader.is_whole and reader.is_computed]

    def _external(self, step: External) -> Callable[[Frame, int], None]:
        run = step.node.primitive.bind(step.node)
        readers = [_Reader(item, self.layout.places) for item in step.node.inputs]
        place = self.layout.places[step.node]

        def execute(frame: Frame, threads: int) -> None:
            result = np.asarray(run(*[read(frame) for read in readers]))
            frame.put(place, in_row_major_order(result))

        return execute


class NativeSegment:
    """A native function that runs stages; its code lives until the last thread has left it.

    Parameters
    ----------
    native : NativeModule
    name : str
    stages : list of Stage
    """

    def __init__(self, native: NativeModule, name: str, stages: list[Stage]) -> None:
        self.address = native.address(name)
        function: Any = NATIVE(self.address)
        function.code = native
        self._function = function
        self._is_shared = any(stage.blocks > 1 for stage in stages)

    def __call__(self, frame: Frame, threads: int) -> None:
        table, function = ctypes.addressof(frame.table), self._function
        if threads == 1 or not self._is_shared:
            function(table, 0, 0, 1)
        else:
            run_together(lambda *where: function(table, *where), threads)


def native_segments(groups: list[list[Stage]], layout: Layout) -> list[NativeSegment]:
    """A native function for each group of stages, all of one module."""
    module = Module(host())
    names = [f"segment{k}" for k in range(len(groups))]
    for name, stages in zip(names, groups, strict=True):
        write_segment(module, name, stages, layout)
    native = compiled_module(module, names)
    return [NativeSegment(native, *pair) for pair in zip(names, groups, strict=True)]


def write_segment(module: Module, name: str, stages: list[Stage], layout: Layout) -> None:
    """A function that runs stages on the arrays of a layout."""
    Segment(module, name, stages, layout.places, EMITTERS, layout.replaced).write()


def compiled_module(module: Module, exports: list[str]) -> NativeModule:
    """Machine code of a module of segments."""
    symbols = {YIELD: yield_address()} if YIELD in module.declarations else {}
    return compile_text(str(module), exports, symbols=symbols)


def in_row_major_order(array: Array) -> Array:
    """The array, or a copy of it where its elements do not lie one after the other."""
    return array if array.flags.c_contiguous else array.copy(order="C")


class Frame:
    """The arrays of one run at a time, and the table of their addresses."""

    def __init__(self, layout: Layout) -> None:
        places = layout.places
        self.shapes = [node.shape for node in layout.own]
        self.dtypes = [node.dtype for node in layout.own]
        self.arrays: list[Array | None] = [None] * len(places)
        self.table = (ctypes.c_void_p * (len(places) + 1))()
        self._sizes = layout.faults
        self._faults = {node: places[node] for node in layout.faults}
        self._bytes, self._own = layout.bytes_of_thread, np.empty(0, np.uint8)
        for place, node in enumerate(layout.own):
            if place in layout.shared:
                self.put(place, aligned((layout.shared[place],), np.uint8))
            elif node.value is None:
                self.put(place, aligned(node.shape, node.dtype))
            else:
                self.put(place, in_row_major_order(node.value))

    def put(self, place: int, array: Array) -> None:
        """An array at a place, which is kept alive until another takes it."""
        self.arrays[place] = array
        self.table[place] = array.__array_interface__["data"][0]

    def check(self) -> None:
        """Raise for what went wrong in a run; see :func:`check_faults`."""
        if self._faults:
            found = {node: self.arrays[place] for node, place in self._faults.items()}
            check_faults(self._sizes, found)  # type: ignore[arg-type]

    def make_room(self, threads: int) -> None:
        """Memory for as many threads."""
        if self._own.size < threads * self._bytes:
            self._own = np.empty(threads * self._bytes + 64, np.uint8)
            start = self._own.__array_interface__["data"][0]
            self.table[len(self.arrays)] = -(-start // 64) * 64


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

    def __call__(self, frame: Frame) -> Array:
        held = self.constant if self.place < 0 else frame.arrays[self.place]
        assert held is not None, "a step runs after those that it reads from"
        return reduce(lambda value, step: np.asarray(step(value)), self.steps, held)
