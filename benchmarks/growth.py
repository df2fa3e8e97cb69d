"""How the time of a step grows with batch, width and depth, and a gradient's with its argument.

    python benchmarks/growth.py [--plot growth.svg] [--rounds 5] [--json FILE] [--page FILE]
    python benchmarks/growth.py --inputs [--plot inputs.svg] [--quick] [--json FILE]

With ``--inputs``: how the time and the memory of all that the library does grow with every input
that has a size, such as leaves, names, layers and steps of a loop; see `inputs.py`. There the power
is the exponent p of size^p from the last size but one to the last.

Steps are those of ``cr.fit`` in float32, sigmoid layers, squared cost, plain gradient descent; the
gradient is that of the sum of (5.109) in float64, compiled. Beside them stands what the machine
allows: a step's matrix products at the best rate that a large product of the machine's BLAS
reaches here, and copying as many bytes as the gradient reads and writes.

A point is a cliff if it takes more than 1.5 times what its neighbours' trend says: the geometric
mean between them, weighted by where it lies, or, for the last, its predecessor's time in proportion
to the work. Times are the least of the rounds, as other work on the machine only adds to them.
Points that still look like a cliff are measured again, with their neighbours.
"""

from __future__ import annotations

import gc
import math
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from time import thread_time
from typing import Any

import numpy as np
from common import Table, options_of, published, timed
from inputs import SUBJECTS, Subject

import chainrule as cr
from chainrule.cli.measuring import example_function, microseconds
from chainrule.cli.workload import Stopwatch, Workload
from chainrule.tracing import lanes

CLIFF = 1.5
AGAIN = 3
"""How often a point that looks like a cliff is measured again."""

BATCHES = (1, 2, 3, 5, 8, 13, 16, 21, 32, 45, 64, 100, 128, 200, 256, 400, 512, 1000, 2048, 4096)
WIDTHS = (8, 13, 16, 24, 32, 45, 46, 64, 97, 128, 192, 256, 384, 512, 777, 1024, 1536, 2048)
DEPTHS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
ELEMENTS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10**4, 3 * 10**4, 10**5, 3 * 10**5, 10**6,
            3 * 10**6, 10**7)  # fmt: skip


@dataclass
class Curve:
    """Times over what grows."""

    name: str
    what: str  # is timed
    sizes: Sequence[int]
    work: list[float]  # of each point, in any unit
    measure: list[Callable[[], float]]  # microseconds, the least of the calls so far
    limited_by: str
    limit: Callable[[float], float]  # microseconds that the machine needs for some work
    times: list[float] = field(default_factory=list)
    limits: list[float] = field(default_factory=list)
    cliffs: list[str] = field(default_factory=list)


def steps_for(batch: int, inputs: int) -> int:
    """Steps an epoch, so that the examples take some megabytes at most."""
    return min(64, max(4, 2**20 // (batch * inputs)))


def least_of(times: Callable[[], float]) -> Callable[[], float]:
    """A function that gives the least of its calls so far."""
    found = math.inf

    def least() -> float:
        nonlocal found
        found = min(found, times())
        return found

    return least


def training(name: str, what: str, works: dict[int, Workload], at_least: float) -> Curve:
    """The curve of some networks."""

    def point(work: Workload) -> Callable[[], float]:
        stopwatch = Stopwatch(work, at_least)

        def measure() -> float:
            stopwatch.turn()
            return stopwatch.least() * 1e6

        return measure

    return Curve(
        name, what, list(works), [float(work.operations) for work in works.values()],
        [point(work) for work in works.values()],
        "its matrix products, as fast as a large one", product_time,
    )  # fmt: skip


def curves(at_least: float, largest: float) -> list[Curve]:
    """All four, up to so many times the smallest."""

    def upto(sizes: Sequence[int]) -> list[int]:
        return [size for size in sizes if size <= sizes[0] * largest]

    batches = {b: Workload((64, 32, 10), b, steps_for(b, 64)) for b in upto(BATCHES)}
    widths = {w: Workload((w, w, 10), 64, steps_for(64, w)) for w in upto(WIDTHS)}
    depths = {d: Workload((*[64] * d, 10), 32, 64) for d in upto(DEPTHS)}
    return [
        training("batch", "a step of 64-32-10", batches, at_least),
        training("width", "a step of w-w-10, batch 64", widths, at_least),
        training("depth", "a step of layers of 64 units, batch 32", depths, at_least),
        gradients(upto(ELEMENTS), at_least),
    ]


def gradients(sizes: Sequence[int], at_least: float) -> Curve:
    compiled = cr.compile(cr.grad(example_function()))

    def point(n: int) -> Callable[[], float]:
        x = np.linspace(0.1, 1.0, n)
        return least_of(lambda: min(timed(lambda: compiled(x), at_least / 4)) * 1e3)

    def copying(n: float) -> float:
        x = np.linspace(0.1, 1.0, int(n))
        return min(timed(partial(np.copyto, np.empty_like(x), x), at_least / 4)) * 1e3

    return Curve(
        "n", "the gradient of the sum of (5.109)", list(sizes), [float(n) for n in sizes],
        [point(n) for n in sizes], "copying as many bytes", copying,
    )  # fmt: skip


@lru_cache(maxsize=1)
def factors() -> tuple[np.ndarray, ...]:
    return tuple(np.ones((1024, 1024), np.float32) for _ in range(3))


@least_of
def large_product() -> float:
    """Microseconds of 1024³ multiplications and additions in float32."""
    a, b, out = factors()
    return min(timed(partial(np.matmul, a, b, out))) * 1e3


def product_time(operations: float) -> float:
    """Microseconds of so many operations, as fast as the large product was at best."""
    return operations * large_product() / (2 * 1024**3)


def cliffs(sizes: Sequence[int], times: Sequence[float], work: Sequence[float]) -> dict[int, float]:
    """How many times the trend takes, for every place where that is more than `CLIFF`."""
    found = {}
    for i in range(1, len(sizes)):
        expected = times[i - 1] * work[i] / work[i - 1]
        if i + 1 < len(sizes):
            weight = math.log(sizes[i] / sizes[i - 1]) / math.log(sizes[i + 1] / sizes[i - 1])
            expected = times[i - 1] ** (1 - weight) * times[i + 1] ** weight
        if times[i] > CLIFF * expected:
            found[i] = times[i] / expected
    return found


def measured(curve: Curve, rounds: int) -> None:
    """Fill in the times, all points in each round."""
    for _ in range(rounds):
        curve.times = [measure() for measure in curve.measure]
        limits = [curve.limit(work) for work in curve.work]
        curve.limits = [min(pair) for pair in zip(limits, curve.limits or limits, strict=True)]
    for _ in range(AGAIN * rounds):
        for i in cliffs(curve.sizes, curve.times, curve.work):
            for near in range(max(i - 1, 0), min(i + 2, len(curve.sizes))):
                curve.times[near] = curve.measure[near]()
    curve.cliffs = [
        f"{curve.name} {curve.sizes[i]:,}: {times:.2f} × the trend"
        for i, times in cliffs(curve.sizes, curve.times, curve.work).items()
    ]


def plot(found: Sequence[Curve], path: Path) -> None:
    """Four pictures side by side, all axes logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "growth"
    from matplotlib import pyplot

    figure, places = pyplot.subplots(2, 2, figsize=(10, 7.5), layout="constrained")
    for curve, axes in zip(found, places.flat, strict=True):
        axes.loglog(curve.sizes, curve.times, "o-", markersize=4, color="#1f5fa8", label=curve.what)
        axes.loglog(curve.sizes, curve.limits, "--", color="#c0504d", label=curve.limited_by)
        for i in cliffs(curve.sizes, curve.times, curve.work):
            axes.plot(curve.sizes[i], curve.times[i], "o", markersize=12, markerfacecolor="none",
                      markeredgecolor="#c0504d")  # fmt: skip
        axes.set_xlabel(curve.name)
        axes.set_ylabel("µs")
        axes.grid(True, which="major", alpha=0.3)
        axes.legend(frameon=False, loc="upper left", fontsize=8)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=110)
    pyplot.close(figure)


# -- every input that has a size -----------------------------------------------------------------


def first_call(subject: Subject, size: int) -> tuple[float, float]:
    """Microseconds of a processor for a call that finds nothing made before; its peak in MB."""
    call = subject.call(size)
    lanes._waiting.clear()
    gc.collect()
    begun = thread_time()
    call()
    microseconds_taken = (thread_time() - begun) * 1e6
    lanes._waiting.clear()
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return microseconds_taken, peak


def grown_inputs(options: Any) -> None:
    """Time and memory of every subject over its sizes, as a table and a picture."""
    table = Table("inputs", ["grows", "from", "to", "ms at first", "ms at last", "power",
                             "MB at last", "power of memory"])  # fmt: skip
    figures: dict[str, Any] = {}
    for subject in SUBJECTS:
        largest = min(subject.largest, 64) if options.quick else subject.largest
        sizes = [size for size in (1, 4, 16, 32, 64, 128, 256, 512, 1024) if size <= largest]
        rounds = [[first_call(subject, n) for n in sizes] for _ in range(1 if options.quick else 3)]
        times = [min(found[k][0] for found in rounds) for k in range(len(sizes))]
        peaks = [rounds[-1][k][1] for k in range(len(sizes))]
        powers = [math.log(item[-1] / item[-2]) / math.log(sizes[-1] / sizes[-2])
                  for item in (times, peaks)]  # fmt: skip
        name = f"{subject.grows}: {subject.what}"
        figures[name] = {"sizes": sizes, "microseconds": times, "megabytes": peaks,
                         "powers": powers, "of the result": subject.power}  # fmt: skip
        table.rows.append([
            name, str(sizes[0]), f"{sizes[-1]:,}", f"{times[0] / 1e3:.2f}",
            f"{times[-1] / 1e3:,.1f}", f"{powers[0]:.2f}", f"{peaks[-1]:,.2f}", f"{powers[1]:.2f}",
        ])  # fmt: skip
        print(*table.rows[-1], sep="  ", flush=True)
    if options.plot:
        plot_inputs(figures, options.plot)
    published(options, [table], figures, {})


def plot_inputs(figures: dict[str, Any], path: Path) -> None:
    """One picture for each thing that grows, its work over the size."""
    from matplotlib import pyplot

    kinds = list(dict.fromkeys(name.partition(":")[0] for name in figures))
    figure, places = pyplot.subplots(
        -(-len(kinds) // 3), 3, figsize=(12, 3 * -(-len(kinds) // 3)), layout="constrained"
    )
    for kind, axes in zip(kinds, places.flat, strict=False):
        for name, found in figures.items():
            if name.startswith(f"{kind}:"):
                axes.loglog(found["sizes"], found["microseconds"], "o-", markersize=3,
                            label=name.partition(": ")[2])  # fmt: skip
        axes.set_xlabel(kind)
        axes.set_ylabel("µs")
        axes.grid(True, which="major", alpha=0.3)
        axes.legend(frameon=False, fontsize=6)
    for axes in places.flat[len(kinds) :]:
        axes.set_visible(False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=110)
    pyplot.close(figure)


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--plot", type=Path, help="save the picture here, as .svg or .png")
    parser.add_argument("--inputs", action="store_true", help="over every input that has a size")
    options = parser.parse_args()
    if options.inputs:
        grown_inputs(options)
        return
    rounds, at_least, largest = (3, 0.01, 64) if options.quick else (options.rounds, 0.04, math.inf)
    found = curves(at_least, largest)
    table = Table(
        "growth", ["grows", "from", "to", "µs at first", "µs at last", "limit, µs", "cliffs"]
    )
    figures: dict[str, Any] = {}
    for curve in found:
        measured(curve, rounds)
        print(f"{curve.name}, {curve.what}:")
        for row in zip(curve.sizes, curve.times, curve.limits, strict=True):
            print(f"{row[0]:>12,}{microseconds(row[1]):>14}{microseconds(row[2]):>14}", flush=True)
        print(f"  cliffs: {'; '.join(curve.cliffs) or 'none'}")
        figures[curve.name] = {"sizes": list(curve.sizes), "microseconds": curve.times,
                               "limit": curve.limits, "cliffs": curve.cliffs}  # fmt: skip
        table.rows.append([
            f"{curve.name}: {curve.what}", f"{curve.sizes[0]:,}", f"{curve.sizes[-1]:,}",
            microseconds(curve.times[0]), microseconds(curve.times[-1]),
            microseconds(curve.limits[-1]), "; ".join(curve.cliffs) or "none",
        ])  # fmt: skip
    figures["peak_gigaflops"] = 1e-3 / product_time(1.0)
    print(f"a large product: {figures['peak_gigaflops']:,.0f} Gflop/s")
    if options.plot:
        plot(found, options.plot)
    published(options, [table], figures, {})


if __name__ == "__main__":
    main()
