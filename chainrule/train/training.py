"""The moving part of training: parameters, optimiser state, and the way through the epochs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import Any

import numpy as np

from chainrule.train.diagnosis import Step, diverged
from chainrule.train.examples import Array, row_blocks
from chainrule.train.network import Params
from chainrule.train.objective import ByRows, Objective, cost_over, step_programs
from chainrule.train.optimisers import Optimiser
from chainrule.train.progress import Show
from chainrule.train.result import History

REFRESH = 0.1
"""Seconds between two looks at the progress bar within an epoch."""


@dataclass(frozen=True)
class EpochReport:
    """What a callback is told after each epoch; `seconds` is the time since training began."""

    epoch: int
    cost: float
    validation_cost: float | None
    params: Params
    seconds: float


Callback = Callable[[EpochReport], Any]


@dataclass(frozen=True)
class Job:
    """What is to be done: all of `fit`'s arguments after they have been checked."""

    objective: Objective
    optimiser: Optimiser
    X: Array
    Y: Array
    validation: tuple[Array, Array] | None
    epochs: int
    batch_size: int
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches, the last of which may be short."""
        return math.ceil(len(self.X) / self.batch_size)

    @property
    def operations(self) -> int:
        """Multiplications and additions a step, in the matrix products of both passes."""
        weights = (math.prod(shape) for shape in self.objective.network.shapes.values())
        return 6 * self.batch_size * sum(weights)


class Training:
    """Gradient steps over the epochs of a job; arrays are replaced, never written into."""

    def __init__(self, job: Job, params: Params) -> None:
        self.job = job
        self.params = params
        self.state = job.optimiser.init(params)
        self.cost = math.nan
        self.validation_cost: float | None = None
        self._costs: list[float] = []  # of each whole epoch
        self._validation_costs: list[float] = []
        self.epoch, self.batch = 1, 0
        self._good = params  # the last parameters whose cost was finite
        self._before: Step | None = None  # the step that made `params`
        self._steps = step_programs(job.objective, job.optimiser)
        self._totals = ByRows(job.objective.total)

    @property
    def history(self) -> History:
        """The costs of the whole epochs so far."""
        epochs = range(1, len(self._costs) + 1)
        return History(tuple(epochs), tuple(self._costs), tuple(self._validation_costs))

    @property
    def when(self) -> str:
        """The place that training has reached; epochs and batches count from 1."""
        return f"epoch {self.epoch}, batch {self.batch}"

    def run(self, show: Show, callback: Callback | None) -> None:
        """Do all epochs.

        Raises
        ------
        Diverged
            If a cost is NaN or infinite.
        """
        rng = np.random.default_rng(self.job.seed).spawn(1)[0]
        started = perf_counter()
        for epoch in range(1, self.job.epochs + 1):
            self.epoch = epoch
            cost = self._one_epoch(rng, show)
            validation = self._validate()
            self._costs.append(cost)
            self._validation_costs.extend([] if validation is None else [validation])
            show(self.epoch, self.epoch * self.job.steps_per_epoch, cost, validation)
            if callback is not None:
                seconds = perf_counter() - started
                callback(EpochReport(self.epoch, cost, validation, self.params, seconds))

    def settle(self) -> None:
        """Compute the final costs of the parameters over all rows.

        Raises
        ------
        Diverged
            If one is NaN or infinite.
        """
        self.cost = self._checked_cost(self.job.X, self.job.Y, "cost")
        self.validation_cost = self._validate()

    def fall_back(self) -> None:
        """Take up the last parameters whose cost was finite, and compute their costs."""
        self.params = self._good
        self.cost = self._over(self.job.X, self.job.Y)
        self.validation_cost = self._over(*self.job.validation) if self.job.validation else None

    def _one_epoch(self, rng: np.random.Generator, show: Show) -> float:
        job, total, shown = self.job, 0.0, monotonic()
        validation = self._validation_costs[-1] if self._validation_costs else None
        for self.batch, rows in enumerate(_batches(rng, len(job.X), job.batch_size), 1):
            x, y = job.X[rows], job.Y[rows]
            cost = self._step(x, y)
            total += job.objective.weight(len(x)) * cost
            if monotonic() > shown + REFRESH:
                shown = monotonic()
                done = (self.epoch - 1) * job.steps_per_epoch + self.batch
                show(self.epoch, done, cost, validation)
        return total / job.objective.weight(len(job.X))

    def _step(self, x: Array, y: Array) -> float:
        args = (self.params, self.state, x, y)
        cost, params, state = self._steps(*args)
        here = Step(self.when, self._steps.program(*args), args)
        if not math.isfinite(cost):
            raise diverged(float(cost), "cost", here, self._before)
        self._good, self._before = self.params, here
        self.params, self.state = params, state
        return float(cost)

    def _validate(self) -> float | None:
        if self.job.validation is None:
            return None
        return self._checked_cost(*self.job.validation, "validation cost")

    def _checked_cost(self, X: Array, Y: Array, what: str) -> float:
        cost = self._over(X, Y)
        if not math.isfinite(cost):
            raise diverged(cost, what, self._first_bad_block(X, Y), self._before)
        return cost

    def _over(self, X: Array, Y: Array) -> float:
        return cost_over(self.job.objective, self._totals, self.params, X, Y)

    def _first_bad_block(self, X: Array, Y: Array) -> Step:
        for rows in row_blocks(len(X)):
            args = (self.params, X[rows], Y[rows])
            if not math.isfinite(self._totals(*args)):
                break
        return Step(self.when, self._totals.program(*args), args)


def _batches(rng: np.random.Generator, rows: int, size: int) -> Iterator[slice | Array]:
    """All rows as they stand, or each row once, shuffled, so many at a time."""
    if size >= rows:
        yield slice(None)
        return
    order = rng.permutation(rows)
    for start in range(0, rows, size):
        yield order[start : start + size]
