"""How long something takes, and on what machine: for `chainrule bench` and for `benchmarks/`."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np


def timed(run: Callable[[], Any], at_least: float = 2e-4) -> tuple[float, float]:
    """Two times of one run each in milliseconds, after one that is not counted.

    A run that is short is repeated within each, so that the clock sees at least so many seconds.

    Parameters
    ----------
    run : function
    at_least : float, optional
        Seconds.

    Returns
    -------
    tuple of two floats
    """
    start = perf_counter()
    run()
    repeats = max(1, round(at_least / max(perf_counter() - start, 1e-6)))

    def once() -> float:
        start = perf_counter()
        for _ in range(repeats):
            run()
        return (perf_counter() - start) / repeats * 1e3

    return once(), once()


def processor() -> str:
    """The processor's name and the number of its cores."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"


def example_function(numpy: Any = np) -> Callable[[Any], Any]:
    """Σ √u + cos u with u = x² + exp(x²), the sum of (5.109), in one of NumPy's dialects.

    Examples
    --------
    >>> float(example_function()(np.zeros(2)).round(6))
    3.080605
    """

    def f(x: Any) -> Any:
        u = x**2 + numpy.exp(x**2)
        return numpy.sum(numpy.sqrt(u) + numpy.cos(u))

    return f


def microseconds(time: float) -> str:
    """A time in microseconds with about three digits.

    >>> microseconds(0.1234), microseconds(5.25), microseconds(123.4), microseconds(45678.0)
    ('0.123', '5.25', '123', '45,678')
    """
    digits = 3 if time < 1 else 2 if time < 10 else 1 if time < 100 else 0
    return f"{time:,.{digits}f}"
