"""The moving part of training: the way through the epochs, the history, and what goes wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import Any

import numpy as np

from chainrule.native.entry.compiled import compile as compiled
from chainrule.train.diagnosis import TrainingStep, diverged
from chainrule.train.engines import Data, Rows, engine_for
from chainrule.train.examples import Array, row_blocks
from chainrule.train.network import Params
from chainrule.train.objective import ByRows, Objective, cost_over
from chainrule.train.optimisers import Optimiser
from chainrule.train.progress import Show
from chainrule.train.result import History

MANY = 3_000_000_000
"""Operations from which code for a single evaluation is worth making."""
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
    data: Data
    validation: tuple[Array, Array] | None
    compile: bool | str

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches, the last of which may be short."""
        return self.data.batches.per_epoch

    @property
    def operations(self) -> int:
        """Multiplications and additions a step, in the matrix products of both passes."""
        return 3 * self._forward * self.data.batch_size

    @property
    def operations_of_all(self) -> int:
        """The same for the cost of all examples."""
        return self._forward * len(self.data.X)

    @property
    def _forward(self) -> int:
        """Multiplications and additions for the cost of one example."""
        shapes = self.objective.network.shapes.values()
        return 2 * sum(math.prod(shape) for shape in shapes)


@dataclass(frozen=True)
class _Snapshot:
    """Where training stood before a step."""

    step: int
    params: Params
    state: Any


class Training:
    """Gradient steps over the epochs of a job."""

    def __init__(self, job: Job, params: Params) -> None:
        self.job = job
        self.engine, self._steps, self.interpreted_because = engine_for(
            job.objective, job.optimiser, job.data, params, job.compile
        )
        self.cost = math.nan
        self.validation_cost: float | None = None
        self._costs: list[float] = []  # of each whole epoch
        self._validation_costs: list[float] = []
        self._done = 0  # steps
        self._pending = np.empty(0)  # costs of the steps since the last whole epoch
        self._good: Params | None = None  # the last with a finite cost, once there is another one
        self._latest: list[_Snapshot] = []  # before each of the last two runs of steps
        self._totals = ByRows(job.objective.total)
        self._total: Callable[..., Any] = self._totals
        often = job.validation is not None  # after every epoch
        if not self.interpreted_because and (often or job.operations_of_all > MANY):
            self._total = compiled(job.objective.total)

    @property
    def params(self) -> Params:
        """The parameters reached."""
        return self.engine.reached[0] if self._good is None else self._good

    @property
    def history(self) -> History:
        """The costs of the whole epochs so far."""
        costs, validation = self._costs, self._validation_costs
        if self.job.validation is not None:  # an epoch is whole when it is validated
            costs = costs[: len(validation)]
        return History(tuple(range(1, len(costs) + 1)), tuple(costs), tuple(validation))

    @property
    def reached(self) -> str:
        """How far training has come, and what it has kept."""
        if not self._latest:
            return "before the first step; the parameters are those of the start"
        return f"in {self.when}; the parameters reached so far are kept"

    @property
    def when(self) -> str:
        """The place that training has reached; epochs and batches count from 1."""
        return self._place(max(self._done - 1, 0))

    def _place(self, step: int) -> str:
        epoch, batch = divmod(step, self.job.steps_per_epoch)
        return f"epoch {epoch + 1}, batch {batch + 1}"

    def run(self, show: Show, callback: Callback | None, check: Callable[[], None]) -> None:
        """Do all epochs; `check` raises what shall end them.

        Raises
        ------
        Diverged
            If a cost is NaN or infinite.
        """
        job, per_epoch = self.job, self.job.steps_per_epoch
        total = job.data.epochs * per_epoch
        each_epoch = callback is not None or job.validation is not None
        started, shown = perf_counter(), monotonic()
        at_once = self.engine.steps_at_once(0, 0.0)
        while self._done < total:
            check()
            end = min(self._done + at_once, total)
            if each_epoch:  # not beyond the epoch
                end = min(end, (self._done // per_epoch + 1) * per_epoch)
            begun = perf_counter()
            costs = self._run(end)
            at_once = self.engine.steps_at_once(len(costs), perf_counter() - begun)
            whole, self._pending = self._epochs_of(np.concatenate([self._pending, costs]))
            is_whole = self._done % per_epoch == 0
            validation = self._validate() if is_whole else None
            self._costs += whole
            self._validation_costs.extend([] if validation is None else [validation])
            if is_whole or monotonic() > shown + REFRESH:
                shown = monotonic()
                epoch = -(-self._done // per_epoch)
                cost = self._costs[-1] if is_whole else float(costs[-1])
                last = self._validation_costs[-1] if self._validation_costs else None
                show(epoch, self._done, cost, last)
            if callback is not None and is_whole:
                cost, seconds = self._costs[-1], perf_counter() - started
                epoch = self._done // per_epoch
                callback(EpochReport(epoch, cost, validation, self.params, seconds))

    def settle(self) -> None:
        """Compute the final costs of the parameters over all rows.

        Raises
        ------
        Diverged
            If one is NaN or infinite.
        """
        self.cost = self._checked_cost(self.job.data.X, self.job.data.Y, "cost")
        self.validation_cost = self._validate()

    def fall_back(self) -> None:
        """Compute the costs of the last parameters whose cost was finite."""
        self.cost = self._over(self.job.data.X, self.job.data.Y)
        self.validation_cost = self._over(*self.job.validation) if self.job.validation else None

    # -- steps ------------------------------------------------------------------------------------

    def _run(self, end: int) -> Array:
        """Steps up to a number; their costs, all finite."""
        first = self._done
        self._latest = [*self._latest[-1:], _Snapshot(first, *self.engine.reached)]
        costs = np.asarray(self.engine.run(first, end), float)
        self._done = end
        wrong = np.flatnonzero(~np.isfinite(costs))
        if wrong.size:
            self._done = first + int(wrong[0]) + 1
            self._costs += self._epochs_of(np.append(self._pending, costs[: wrong[0]]))[0]
            raise self._diverged_at(first + int(wrong[0]), float(costs[wrong[0]]))
        return costs

    def _diverged_at(self, step: int, cost: float) -> Exception:
        """What to raise for the cost of a step; the last parameters with a finite one are kept."""
        before = self._before(step - 1) if step else None
        self._good = before.args[0] if before else self._latest[0].params
        return diverged(cost, "cost", self._before(step), before)

    def _before(self, step: int) -> TrainingStep:
        """A step with its arguments, done again up to there."""
        from_ = next(item for item in reversed(self._latest) if item.step <= step)
        self.engine.restore(from_.params, from_.state)
        self.engine.run(from_.step, step)
        rows = Rows(self.job.data)
        args = (*self.engine.reached, *rows.of(step))
        return TrainingStep(self._place(step), self._steps.program(*args), args, rows.numbers(step))

    def _epochs_of(self, costs: Array) -> tuple[list[float], Array]:
        """The costs of whole epochs from those of their steps, and the steps that are left."""
        per_epoch, data = self.job.steps_per_epoch, self.job.data
        sizes = np.full(per_epoch, data.batch_size)
        sizes[-1] = len(data.X) - data.batch_size * (per_epoch - 1)
        weights = np.array([self.job.objective.weight(int(size)) for size in sizes])
        whole = len(costs) // per_epoch * per_epoch
        sums = costs[:whole].reshape(-1, per_epoch) @ weights
        return (sums / self.job.objective.weight(len(data.X))).tolist(), costs[whole:]

    # -- costs over all rows ----------------------------------------------------------------------

    def _validate(self) -> float | None:
        if self.job.validation is None:
            return None
        return self._checked_cost(*self.job.validation, "validation cost")

    def _checked_cost(self, X: Array, Y: Array, what: str) -> float:
        cost = self._over(X, Y)
        if not math.isfinite(cost):
            here = self._first_bad_block(X, Y, what)
            last = self._done - 1
            before = self._before(last) if last >= 0 else None
            self._good = before.args[0] if before else self.params
            raise diverged(cost, what, here, before)
        return cost

    def _over(self, X: Array, Y: Array) -> float:
        return cost_over(self.job.objective, self._total, self.params, X, Y)

    def _first_bad_block(self, X: Array, Y: Array, what: str) -> TrainingStep:
        table = "X" if what == "cost" else "the validation X"
        for rows in row_blocks(len(X)):
            args = (self.params, X[rows], Y[rows])
            if not math.isfinite(self._totals(*args)):
                break
        numbers = np.arange(rows.start, rows.stop)
        return TrainingStep(self.when, self._totals.program(*args), args, numbers, table)
