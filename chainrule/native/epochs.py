"""Many steps of a program that feeds on its own results, in one native call: epochs of training.

A step takes state (parameters and what an optimiser remembers) and some rows of tables, and gives a
cost and the new state. The native function goes through all rows of the tables in batches, epoch
after epoch, each in an order of its own; Python is back when the steps that it asked for are done.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from math import ceil
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.node import Array, Node
from chainrule.native.barrier import barrier
from chainrule.native.builder import Function
from chainrule.native.functions import EMITTERS
from chainrule.native.ir import Module, Value, constant
from chainrule.native.loops import Access, Loop, Store
from chainrule.native.pace import Pace
from chainrule.native.plan import Plan, plan
from chainrule.native.program import Frame, Layout, compiled_module
from chainrule.native.segment import ARGUMENTS, Segment
from chainrule.native.shuffling import shuffle, shuffled
from chainrule.native.stages import External, Stage, in_row
from chainrule.native.target import host
from chainrule.native.threads import run_together

POINTERS = ("order", "seeds", "costs", "table", "short")


class Step(NamedTuple):
    """A program ``state, tables -> cost, state``: its input and its output nodes."""

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]


class Batches(NamedTuple):
    """How the rows of the tables become batches."""

    rows: int
    size: int

    @property
    def full(self) -> int:
        """Batches of the full size in an epoch."""
        return self.rows // self.size

    @property
    def short(self) -> int:
        """Rows of the last batch, if it is smaller."""
        return self.rows % self.size

    @property
    def per_epoch(self) -> int:
        return ceil(self.rows / self.size)


class _Made(NamedTuple):
    """A step that has been planned."""

    step: Step
    plan: Plan
    layout: Layout
    copied: list[tuple[Node, Node]]
    """Results, and the state whose place they take afterwards."""

    @property
    def stages(self) -> list[Stage]:
        return [stage for stage in self.plan.stages if isinstance(stage, Stage)]


class EpochProgram:
    """Steps of training as native code, on tables whose rows are drawn in batches.

    Parameters
    ----------
    step : Step
        For a batch of the full size.
    short : Step or None
        For the rows that are left over at the end of an epoch.
    tables : int
        How many of the inputs, the last ones, are rows of tables.
    batches : Batches

    Raises
    ------
    NotNative
        If a part of the step cannot be native code.
    """

    def __init__(self, step: Step, short: Step | None, tables: int, batches: Batches) -> None:
        self.batches, self.tables = batches, tables
        self.parts = [_made(item, tables) for item in (step, short) if item is not None]
        self.is_shared = any(s.blocks > 1 for part in self.parts for s in part.stages)
        self.nanoseconds = sum(stage.nanoseconds for stage in self.parts[0].stages)
        module = Module(host())
        _write(module, self.parts, tables, batches)
        code = compiled_module(module, ["epochs"])
        kinds = [ctypes.c_void_p] * 2 + [ctypes.c_int64] * 5
        function: Any = ctypes.CFUNCTYPE(None, *kinds)(code.address("epochs"))
        function.code = code  # lives until the last thread has left it
        self._function = function
        self.cost_dtype = step.outputs[0].dtype


class Running:
    """The state of an epoch program on its way, which it changes in place.

    Parameters
    ----------
    program : EpochProgram
    state, tables : sequence of array
        Copied, and read where they are.
    seeds : array of uint64
        One for the order of each epoch.
    """

    def __init__(
        self, program: EpochProgram, state: Sequence[Array], tables: Sequence[Array], seeds: Array
    ) -> None:
        self.program = program
        nodes = program.parts[0].step.inputs
        count = len(nodes) - len(tables)
        self.state = [aligned_copy(item, node) for item, node in zip(state, nodes, strict=False)]
        self._tables = [np.ascontiguousarray(table) for table in tables]
        self._order = np.empty(program.batches.rows, np.int64)
        self._epoch = -1  # whose order that is
        self._seeds = np.ascontiguousarray(seeds, np.uint64)
        self._frames = [Frame(part.layout) for part in program.parts]
        self._pace = Pace(1e-9 * program.nanoseconds)
        whole = program.batches.size >= program.batches.rows
        for frame, part in zip(self._frames, program.parts, strict=True):
            places = part.layout.places
            for array, node in zip(self.state, part.step.inputs, strict=False):
                frame.put(places[node], array)
            if whole:
                for array, node in zip(self._tables, part.step.inputs[count:], strict=True):
                    frame.put(places[node], array)

    def run(self, first: int, last: int) -> Array:
        """Do the steps from one number to another, counted from the start; return their costs."""
        program = self.program
        costs = np.empty(last - first, program.cost_dtype)
        given = [self._order, self._seeds, costs]
        addresses = [array.__array_interface__["data"][0] for array in given]
        addresses += [ctypes.addressof(frame.table) for frame in self._frames]
        addresses += [0] * (len(POINTERS) - len(addresses))
        addresses += [table.__array_interface__["data"][0] for table in self._tables]
        pointers = (ctypes.c_void_p * len(addresses))(*addresses)
        job = ctypes.addressof(pointers)
        self._put_in_order(first)
        done = first
        while done < last:
            threads = self._pace.choose() if program.is_shared else 1
            end = min(done + (self._pace.trial(threads) or last - done), last)
            started = perf_counter()
            self._go(threads, job, done, end, first)
            if program.is_shared:
                self._pace.note(threads, (perf_counter() - started) / (end - done))
            done = end
        self._epoch = (last - 1) // program.batches.per_epoch
        for frame in self._frames:
            frame.check()
        return costs

    def _put_in_order(self, step: int) -> None:
        """The rows in the order of a step's epoch, of which the code draws no new one midway."""
        epoch, batch = divmod(step, self.program.batches.per_epoch)
        if batch and epoch != self._epoch:
            self._order[...] = shuffled(len(self._order), int(self._seeds[epoch]))
        self._epoch = -1  # while the code goes on

    def _go(self, threads: int, job: int, first: int, last: int, start: int) -> None:
        """Some steps, with some threads; costs are counted from where the run began."""
        for frame in self._frames:
            frame.make_room(threads)
        function = self.program._function
        if threads == 1:
            function(job, 0, 0, 1, first, last, start)
        else:
            run_together(lambda *where: function(job, *where, first, last, start), threads)


class NotNative(Exception):
    """A part of a step that native code does not know; the text says which."""


def aligned_copy(array: Array, node: Node) -> Array:
    """A copy that begins on a cache line."""
    room = np.empty(array.nbytes + 64, np.uint8)
    start = -room.__array_interface__["data"][0] % 64
    copy = room[start : start + array.nbytes].view(node.dtype).reshape(node.shape)
    copy[...] = array
    return copy


# -- which results can be written over the state that they replace --------------------------------


def _made(step: Step, tables: int) -> _Made:
    made = plan(step.inputs, step.outputs, EMITTERS.keys(), own_results=True)
    foreign = {stage.node.primitive.name for stage in made.stages if isinstance(stage, External)}
    kinds = {node.dtype.name for node in (*step.inputs, *made.outputs)} - {"float32", "float64"}
    if foreign or kinds:
        raise NotNative(f"{', '.join(sorted(foreign | kinds))} is left to NumPy")
    state = step.inputs[: len(step.inputs) - tables]
    pairs = list(zip(made.outputs[1:], state, strict=True))
    replaced = {new: old for new, old in pairs if _can_replace(made, new, old)}
    copied = [(new, old) for new, old in pairs if new not in replaced and new.size]
    return _Made(step, made, Layout(made, replaced), copied)


def _can_replace(made: Plan, new: Node, old: Node) -> bool:
    """Whether nobody reads the old values after a new one has taken their place."""
    stages = [stage for stage in made.stages if isinstance(stage, Stage)]
    for number, stage in enumerate(stages):
        for place, part in enumerate(stage.parts):
            store = _store_of(part.step, new)
            if store is None:
                continue
            later = [p.step for s in stages[number + 1 :] for p in s.parts]
            later += [p.step for p in stage.parts[place + 1 :]]
            earlier = [p.step for p in stage.parts[:place]] if stage.blocks > 1 else []
            here = [access for access in part.step.reads if access.array is old]
            before = [
                (access, step.shape)
                for step in earlier
                for access in step.reads
                if access.array is old
            ]
            if before:
                before.append((store, part.step.shape))
            return (
                not any(access.array is old for step in later for access in step.reads)
                and all((a.steps, a.offset) == (store.steps, store.offset) for a in here)
                and all(in_row(access, shape, shape[0]) for access, shape in before)
            )
    return False


def _store_of(step: Any, node: Node) -> Access | None:
    stores: Sequence[Store] = step.stores if isinstance(step, Loop) else ()
    return next((item.access for item in stores if item.access.array is node), None)


# -- the native function --------------------------------------------------------------------------


def _write(module: Module, parts: Sequence[_Made], tables: int, batches: Batches) -> None:
    """``epochs(job, meeting, thread, threads, first, last, start)``."""
    for number, part in enumerate(parts):
        name = f"step{number}"
        layout = part.layout
        Segment(module, name, part.stages, layout.places, EMITTERS, layout.replaced).write()
    numbers = [("i64", name) for name in ("first", "last", "start")]
    f = Function(module, "epochs", [("ptr", "job"), *ARGUMENTS[1:], *numbers])
    job, meeting, thread, threads, first, last, start = f.arguments
    order, seeds, costs, table, short = (
        f.load(f.at(job, place, "ptr"), "ptr") for place in range(len(POINTERS))
    )
    own_tables = [table, short]
    sources = [f.load(f.at(job, len(POINTERS) + k, "ptr"), "ptr") for k in range(tables)]
    is_first = f.compare("eq", thread, 0)
    whole = batches.size >= batches.rows
    with f.loop(first, last) as step_number:
        epoch = f.div(step_number, batches.per_epoch)
        batch = f.sub(step_number, f.mul(epoch, batches.per_epoch))
        if not whole:
            with f.if_(f.compare("eq", batch, 0)):
                with f.if_(is_first):
                    shuffle(f, order, batches.rows, f.load(f.at(seeds, epoch, "i64"), "i64"))
                barrier(f, meeting, threads)
        cost = f.at(costs, f.mul(f.sub(step_number, start), _cost_size(parts[0])), "i8")

        def step(which: int, batch: Value = batch, cost: Value = cost) -> None:
            part, place = parts[which], own_tables[which]
            if not whole:
                rows = batches.short if which else batches.size
                begin = f.at(order, f.mul(batch, batches.size), "i64")
                _gather(f, part, place, sources, begin, rows, (thread, threads))
            barrier(f, meeting, threads)
            f.call(f"step{which}", "void", place, meeting, thread, threads)
            barrier(f, meeting, threads)
            with f.if_(is_first):
                _finish(f, part, place, cost)

        if not batches.full or not batches.short or whole:
            step(0)
        else:
            is_full = f.compare("lt", batch, batches.full)
            with f.if_(is_full):
                step(0)
            with f.if_(f.invert(is_full)):
                step(1)
        if any(part.copied for part in parts):
            barrier(f, meeting, threads)
    barrier(f, meeting, threads)
    f.ret()


def _cost_size(part: _Made) -> int:
    return int(part.step.outputs[0].dtype.itemsize)


def _gather(
    f: Function, part: _Made, table: Value, sources: Sequence[Value], order: Value, rows: int,
    share: tuple[Value, Value],
) -> None:  # fmt: skip
    """Copy the rows of a batch to where the step reads them; each thread does its share."""
    thread, threads = share
    begin = f.div(f.mul(thread, rows), threads)
    end = f.div(f.mul(f.add(thread, 1), rows), threads)
    nodes = part.step.inputs[len(part.step.inputs) - len(sources) :]
    targets = [f.load(f.at(table, part.layout.places[node], "ptr"), "ptr") for node in nodes]
    with f.loop(begin, end) as row:
        index = f.load(f.at(order, row, "i64"), "i64")
        for node, source, target in zip(nodes, sources, targets, strict=True):
            size = node.size // rows * node.dtype.itemsize
            _copy(
                f,
                f.at(target, f.mul(row, size), "i8"),
                f.at(source, f.mul(index, size), "i8"),
                size,
            )


def _copy(f: Function, target: Value, source: Value, size: int) -> None:
    name = "llvm.memcpy.p0.p0.i64"
    f.module.declare(name, "void", ["ptr", "ptr", "i64", "i1"])
    count = constant("i64", size)
    f.line(f"call void @{name}({target}, {source}, {count}, i1 false)")


def _finish(f: Function, part: _Made, table: Value, cost: Value) -> None:
    """Keep the cost, and copy what could not be written in its place."""
    places = part.layout.places
    kind = {4: "float", 8: "double"}[_cost_size(part)]
    found = f.load(f.at(table, places[part.plan.outputs[0]], "ptr"), "ptr")
    f.store(f.load(found, kind), cost)
    for new, old in part.copied:
        target, source = (f.load(f.at(table, places[node], "ptr"), "ptr") for node in (old, new))
        _copy(f, target, source, new.size * new.dtype.itemsize)
