"""Many steps of a program that feeds on its own results, in one native call: epochs of training.

A step takes state (parameters and what an optimiser remembers) and some rows of tables, and gives a
cost and the new state. The native function goes through all rows of the tables in batches, epoch
after epoch, each in an order of its own; Python is back when the steps that it asked for are done.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np

from chainrule.graph.node import Array
from chainrule.native.code.ir import Module
from chainrule.native.code.shuffling import shuffled
from chainrule.native.plan.storage import aligned
from chainrule.native.run.epoch_code import POINTERS, write_epochs
from chainrule.native.run.pace import Pace
from chainrule.native.run.program import Frame, compiled_module
from chainrule.native.run.threads import run_together
from chainrule.native.run.training_steps import Batches, Update, planned
from chainrule.native.target import host


class EpochProgram:
    """Steps of training as native code, on tables whose rows are drawn in batches.

    Parameters
    ----------
    step : Update
        For a batch of the full size.
    short : Update or None
        For the rows that are left over at the end of an epoch.
    tables : int
        How many of the inputs, the last ones, are rows of tables.
    batches : Batches

    Raises
    ------
    NotNative
        If a part of the step cannot be native code.
    """

    def __init__(self, step: Update, short: Update | None, tables: int, batches: Batches) -> None:
        self.batches, self.tables = batches, tables
        self.parts = [planned(item, tables) for item in (step, short) if item is not None]
        self.is_shared = any(s.blocks > 1 for part in self.parts for s in part.stages)
        self.nanoseconds = sum(stage.nanoseconds for stage in self.parts[0].stages)
        module = Module(host())
        write_epochs(module, self.parts, tables, batches)
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
        self.state = [aligned(node.shape, node.dtype) for node in nodes[:count]]
        for array, item in zip(self.state, state, strict=True):
            array[...] = item
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
