"""How long a network's steps and a gradient take on this machine, as a report."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from time import perf_counter
from typing import Any

import numpy as np

from chainrule.cli import shown
from chainrule.cli.measuring import example_function, processor, timed
from chainrule.cli.workload import Stopwatch, Workload
from chainrule.differentiate.gradients import grad
from chainrule.native.entry.compiled import compile
from chainrule.native.run.threads import get_threads
from chainrule.version import __version__

TURN = 0.1
"""Seconds that a turn is meant to take."""


@dataclass(frozen=True)
class StepTimes:
    """Of one network: seconds until the first epoch was done, and microseconds a step from then."""

    work: Workload
    first_epoch: float
    microseconds: float
    interpreted_because: str
    """Why the steps are not native code; empty where they are."""

    @property
    def gigaflops(self) -> float:
        """Thousand million multiplications and additions a second."""
        return self.work.operations / self.microseconds / 1e3

    @property
    def rows_a_second(self) -> float:
        """How many rows are learnt from."""
        return self.work.batch / self.microseconds * 1e6


@dataclass(frozen=True)
class GradientTimes:
    """Of the gradient at so many elements: microseconds a call."""

    elements: int
    compiled: float
    uncompiled: float
    function: float
    """Of the function itself, in NumPy."""


@dataclass(frozen=True)
class SpeedReport:
    """What was measured, and on what."""

    steps: tuple[StepTimes, ...]
    gradients: tuple[GradientTimes, ...]
    threads: int
    seconds: float

    @property
    def cpu(self) -> str:
        """The processor."""
        return processor()

    @property
    def versions(self) -> dict[str, str]:
        """Of chainrule and of what its speed depends on."""
        names = {name: version(name) for name in ("numpy", "scipy", "llvmlite")}
        return {"chainrule": __version__, "python": platform.python_version(), **names}

    def as_json(self) -> dict[str, Any]:
        """The report as one JSON object."""
        return {
            "cpu": self.cpu,
            "threads": self.threads,
            "versions": self.versions,
            "training": [
                {
                    "network": list(row.work.sizes),
                    "batch": row.work.batch,
                    "first_epoch_seconds": round(row.first_epoch, 4),
                    "microseconds_a_step": round(row.microseconds, 4),
                    "gigaflops": round(row.gigaflops, 3),
                    "interpreted_because": row.interpreted_because,
                }
                for row in self.steps
            ],
            "gradient": [
                {
                    "elements": row.elements,
                    "microseconds_compiled": round(row.compiled, 4),
                    "microseconds_uncompiled": round(row.uncompiled, 4),
                    "microseconds_function": round(row.function, 4),
                }
                for row in self.gradients
            ],
            "seconds": round(self.seconds, 3),
        }


def measured(works: Sequence[Workload], elements: Sequence[int], rounds: int) -> SpeedReport:
    """Everything measured in so many rounds.

    Parameters
    ----------
    works : sequence of Workload
    elements : sequence of int
        Sizes of the gradient's argument.
    rounds : int

    Returns
    -------
    SpeedReport
    """
    started, threads = perf_counter(), get_threads()
    steps = []
    for work in works:
        shown.tell(f"training {work.name}")
        steps.append(_step_times(work, rounds))
    shown.tell("the gradient of the sum of (5.109)")
    gradients = tuple(_gradient_times(n, rounds) for n in elements)
    return SpeedReport(tuple(steps), gradients, threads, perf_counter() - started)


def _step_times(work: Workload, rounds: int) -> StepTimes:
    examples = work.examples()
    start = perf_counter()
    work.fit(1, examples)
    first = perf_counter() - start
    stopwatch = Stopwatch(work, TURN)
    times = [stopwatch.turn() for _ in range(rounds)]
    return StepTimes(work, first, statistics.median(times) * 1e6, stopwatch.interpreted_because)


def _gradient_times(elements: int, rounds: int) -> GradientTimes:
    x, f = np.linspace(0.1, 1.0, elements), example_function()
    ways = (compile(grad(f)), grad(f), f)
    return GradientTimes(elements, *(_median(partial(way, x), rounds) for way in ways))


def _median(run: Callable[[], Any], rounds: int) -> float:
    """Microseconds."""
    for _ in range(2):  # the first calls make the code, and the way into it
        run()
    return statistics.median(ms * 1e3 for _ in range(rounds) for ms in timed(run, TURN / 10))
