"""How tracing and differentiating grow with the length of the function.

A Python loop of 10^2, 10^3 and 10^4 operations is traced, differentiated and run. Prints seconds,
the peak of Python's memory, and the two ratios from row to row: 10 is linear growth.

    python benchmarks/size.py [--largest 100000]
"""

from __future__ import annotations

import argparse
import gc
import time
import tracemalloc
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

import chainrule as cr

X = np.linspace(0.1, 0.9, 8)


def chain(count: int) -> Callable[[np.ndarray], np.floating]:
    """A function of ``count`` operations one after another, three kinds by turns."""

    def function(x: np.ndarray) -> np.floating:
        y = x
        for i in range(count // 3):
            y = np.sin(y)
            y = y * x
            y = y + (0.1 + i / count)
        for _ in range(count % 3 - 1):
            y = np.tanh(y)
        return y.sum()

    return function


def fan(count: int) -> Callable[[np.ndarray], np.floating]:
    """A sum of ``count // 2`` terms that all read the same argument."""

    def function(x: np.ndarray) -> np.floating:
        total = 0.0
        for i in range(count // 2):
            total = total + x[i % len(X)] * (1.0 + i)
        return total

    return function


class Row(NamedTuple):
    operations: int
    seconds: float
    peak: float  # MiB


def measured(work: Callable[[], object], operations: int) -> Row:
    """Time without the memory's book-keeping, which slows Python down; then memory alone."""
    gc.collect()
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    gc.collect()
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return Row(operations, seconds, peak)


def table(title: str, rows: list[Row]) -> None:
    print(f"\n{title}")
    print(
        f"{'operations':>12}{'seconds':>12}{'MiB':>10}{'µs an op':>12}{'time ×':>9}{'memory ×':>10}"
    )
    for before, row in zip([None, *rows], rows, strict=False):
        line = f"{row.operations:>12,}{row.seconds:>12.4f}{row.peak:>10.2f}"
        line += f"{1e6 * row.seconds / row.operations:>12.1f}"
        if before is not None:
            line += f"{row.seconds / before.seconds:>9.1f}{row.peak / before.peak:>10.1f}"
        print(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=10_000, help="10^2, 10^3, … up to this")
    largest = parser.parse_args().largest
    sizes = [10**k for k in range(2, 9) if 10**k <= largest]
    cr.grad(chain(10))(X)  # imports and caches
    works: dict[str, Callable[[Callable], Callable[[], object]]] = {
        "trace": lambda f: lambda: cr.trace(f, X),
        "value and gradient": lambda f: lambda: cr.value_and_grad(f)(X),
        "Hessian times a vector": lambda f: lambda: cr.hvp(f, X, X),
        "forward mode": lambda f: lambda: cr.jvp(f, (X,), (X,)),
    }
    for shape, make in (("chain", chain), ("fan", fan)):
        for title, work in works.items():
            table(f"{shape}: {title}", [measured(work(make(n)), n) for n in sizes])


if __name__ == "__main__":
    main()
