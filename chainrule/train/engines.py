"""What does the steps of training: native code for whole epochs, or the interpreter step by step.

Both number the steps from 0 on through all epochs, take the same rows in the same order, and hold
the parameters and the optimiser's state as they are after the last step done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from chainrule.native.code.shuffling import shuffled
from chainrule.native.run.epochs import EpochProgram, Running
from chainrule.native.run.machine import CompilationError
from chainrule.native.run.training_steps import Batches, NotNative, Update
from chainrule.tracing import Captured
from chainrule.tracing.containers import flatten, unflatten
from chainrule.train.examples import Array
from chainrule.train.network import Params
from chainrule.train.objective import ByRows, Objective, step_programs
from chainrule.train.optimisers import Optimiser

AT_ONCE = 0.1
"""Seconds of native steps after which Python has its turn: for Ctrl-C and the progress bar."""
WORTH = 0.3
"""Seconds of interpreted training from which code is made for it, which takes about 0.1."""
_NODE = 2e-6
"""Seconds that the interpreter spends on an operation besides its arithmetic."""


@dataclass(frozen=True)
class Data:
    """The examples, and how they are gone through."""

    X: Array
    Y: Array
    batch_size: int
    epochs: int
    seed: int

    @property
    def batches(self) -> Batches:
        """The numbers of rows, of rows in a batch, and of batches."""
        return Batches(len(self.X), self.batch_size)

    @property
    def seeds(self) -> Array:
        """A number for each epoch, which decides the order of its rows."""
        rng = np.random.default_rng(self.seed).spawn(1)[0]
        return rng.integers(0, 2**64, self.epochs, np.uint64)


class Engine(Protocol):
    """What training asks of its engine."""

    @property
    def reached(self) -> tuple[Params, Any]:
        """The parameters and the state, which later steps leave alone."""

    def run(self, first: int, last: int) -> Sequence[float]:
        """Do steps from one number to another, and return their costs."""

    def restore(self, params: Params, state: Any) -> None:
        """Go on from other parameters."""

    def steps_at_once(self, steps: int, seconds: float) -> int:
        """How many steps to ask for before Python has its turn, after so many took so long."""


class Interpreted:
    """Steps one by one with NumPy."""

    def __init__(self, steps: ByRows, data: Data, params: Params, state: Any) -> None:
        self.reached: tuple[Params, Any] = params, state
        self._steps, self._rows = steps, Rows(data)

    def run(self, first: int, last: int) -> Sequence[float]:
        """Do steps from one number to another, and return their costs."""
        costs = []
        for number in range(first, last):
            cost, *reached = self._steps(*self.reached, *self._rows.of(number))
            self.reached = tuple(reached)
            costs.append(float(cost))
        return costs

    def restore(self, params: Params, state: Any) -> None:
        """Go on from other parameters."""
        self.reached = params, state

    def steps_at_once(self, steps: int, seconds: float) -> int:
        """One: each takes its time."""
        return 1


class Native:
    """Steps as native code, which replaces the parameters in place.

    Raises
    ------
    NotNative
        If a part of the step runs in NumPy only.
    CompilationError
        If the code generator has made a mistake.
    """

    def __init__(self, steps: ByRows, data: Data, params: Params, state: Any) -> None:
        batches = data.batches
        sizes = [batches.size, batches.short if batches.size < batches.rows else 0]
        programs = [
            _step(steps.program(params, state, data.X[:rows], data.Y[:rows]), params, state)
            for rows in sizes
            if rows
        ]
        full, short = (*programs, None)[:2]
        assert full is not None, "a batch has rows"
        self._program = EpochProgram(full, short, 2, batches)
        leaves, self._structure = flatten((params, state))
        self._running = Running(self._program, leaves, (data.X, data.Y), data.seeds)

    @property
    def reached(self) -> tuple[Params, Any]:
        """Copies of the parameters and of the state."""
        leaves = [array.copy() for array in self._running.state]
        tree: tuple[Params, Any] = unflatten(self._structure, leaves)
        return tree

    def run(self, first: int, last: int) -> Sequence[float]:
        """Do steps from one number to another, and return their costs."""
        costs: list[float] = self._running.run(first, last).tolist()
        return costs

    def restore(self, params: Params, state: Any) -> None:
        """Go on from other parameters."""
        leaves, _ = flatten((params, state))
        for array, leaf in zip(self._running.state, leaves, strict=True):
            array[...] = leaf

    def steps_at_once(self, steps: int, seconds: float) -> int:
        """As many as go into a short while; at the start, the estimate may err tenfold."""
        if not steps:
            return max(1, int(AT_ONCE / (10e-9 * self._program.nanoseconds)))
        return max(1, min(int(AT_ONCE * steps / max(seconds, 1e-9)), 8 * steps))


class Rows:
    """The examples of each step."""

    def __init__(self, data: Data) -> None:
        self._data, self._seeds = data, data.seeds
        self._epoch, self._order = -1, np.empty(0, np.int64)

    def of(self, number: int) -> tuple[Array, Array]:
        """Inputs and targets of a step."""
        data = self._data
        if data.batch_size >= len(data.X):
            return data.X, data.Y
        rows = self.numbers(number)
        return data.X[rows], data.Y[rows]

    def numbers(self, number: int) -> Array:
        """The rows of the table that a step takes."""
        data, size = self._data, self._data.batch_size
        if size >= len(data.X):
            return np.arange(len(data.X))
        epoch, batch = divmod(number, data.batches.per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, shuffled(len(data.X), int(self._seeds[epoch]))
        return self._order[batch * size : (batch + 1) * size]


def engine_for(
    objective: Objective, optimiser: Optimiser, data: Data, params: Params, compile: bool | str
) -> tuple[Engine, ByRows, str]:
    """What does the steps, their interpreted programs, and why it is not native code, if so.

    Parameters
    ----------
    compile : bool or "auto"
        Whether to make native code; "auto" where that is likely to save time. The choice depends
        on sizes alone, so that the same training always gives the same bits.
    """
    steps, state = step_programs(objective, optimiser), optimiser.init(params)
    interpreted = Interpreted(steps, data, params, state)
    if not compile:
        return interpreted, steps, "it was not asked for"
    rows = data.batch_size
    program = steps.program(params, state, data.X[:rows], data.Y[:rows])
    if compile == "auto" and _interpreted_seconds(program, data) < WORTH:
        return interpreted, steps, "there is too little to do"
    try:
        return Native(steps, data, params, state), steps, ""
    except NotNative as reason:
        return interpreted, steps, str(reason)
    except (CompilationError, ImportError) as error:
        return interpreted, steps, f"no code could be made: {error}"


def _interpreted_seconds(program: Captured, data: Data) -> float:
    nodes = program.graph.nodes
    arithmetic = sum(node.primitive.operations(node) for node in nodes) * 1e-10
    steps = data.batches.per_epoch * data.epochs
    return steps * (len(nodes) * _NODE + arithmetic)


def _step(program: Captured, params: Params, state: Any) -> Update:
    """A step's nodes, if its new state is of the old one's kind."""
    graph = program.graph
    kept = len(flatten((params, state))[0])
    before, after = graph.inputs[:kept], graph.outputs[1:]
    kinds = [[(node.shape, node.dtype) for node in nodes] for nodes in (before, after)]
    if kinds[0] != kinds[1]:
        raise NotNative("the optimiser changes the shapes or the dtypes of its state")
    if graph.outputs[0].dtype not in (np.float32, np.float64):
        raise NotNative(f"the cost is {graph.outputs[0].dtype}")
    return Update(tuple(graph.inputs), tuple(graph.outputs))
