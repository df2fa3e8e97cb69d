"""Many programs or trainings in one process, each different: does the memory come back?

    CHAINRULE_CACHE=off python benchmarks/soak.py [--work programs] [--count 20000] [--report 1000]
    CHAINRULE_CACHE=off python benchmarks/soak.py --work trainings [--count 20000]

Each program is made, called, compared with NumPy and dropped; each training is of a network of its
own shape, in native code, with a prediction. The table gives the memory that the process holds,
how much it grew for each since the first line, and how many objects Python looks after. Object
files are remembered up to a limit, here one megabyte, and rules up to some thousands: what grows
beyond that is lost memory.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.native.run import machine

FUNCTIONS = (np.sin, np.tanh, np.cos, np.abs, np.arctan)


def program(seed: int) -> tuple[Callable[[Any], Any], np.ndarray]:
    """A function that no other seed gives, and where to call it."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(FUNCTIONS), size=rng.integers(1, 4))
    shift = float(seed) + 0.5

    def f(x: Any) -> Any:
        for k in chosen:
            x = FUNCTIONS[k](x) * 0.5 + shift / 1e5
        return x.sum(axis=-1).sum() if seed % 2 else x

    shape = tuple(int(n) for n in rng.integers(1, 40, size=rng.integers(1, 3)))
    return (cr.grad(f) if seed % 4 == 1 else f), rng.normal(size=shape)


def compiled_once(seed: int) -> None:
    """Make a program, call it in both ways, compare it, and drop it."""
    f, x = program(seed)
    compiled = cr.compile(f)
    expected = f(x)
    for _ in range(3):
        # each function within 2 units in the last place, sums of up to 1600 terms
        np.testing.assert_allclose(compiled(x), expected, rtol=1e-12, atol=1e-12)


def trained_once(seed: int) -> None:
    """Train a network whose shape comes again after 40,000 others, and predict."""
    rng = np.random.default_rng(seed)
    net = cr.Network([2 + seed % 40, 2 + seed // 40 % 40, 1 + seed // 1600 % 25])
    X = rng.normal(size=(30, net.sizes[0]))
    Y = rng.normal(size=(30, net.sizes[-1]))
    result = cr.fit(net, X, Y, epochs=3, batch_size=8, compile=True, progress=False, seed=seed)
    assert np.isfinite(result.predict(X[:4])).all()


WORK = {"programs": compiled_once, "trainings": trained_once}


def resident() -> int:
    """Bytes of memory that this process has, by Linux's account."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def soak(work: Callable[[int], None], count: int, every: int) -> list[tuple[int, int, int]]:
    """Do it so many times; every so often, the memory held and the number of objects."""
    found = []
    for seed in range(count):
        work(seed)
        if (seed + 1) % every == 0:
            gc.collect()
            found.append((seed + 1, resident(), len(gc.get_objects())))
            since = found[-1][0] - found[0][0]
            grown = (found[-1][1] - found[0][1]) / since if since else 0
            print(
                f"{seed + 1:7,}: {found[-1][1] / 1e6:7.1f} MB, {grown:7.0f} bytes each, "
                f"{found[-1][2]:9,} objects",
                flush=True,
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", choices=WORK, default="programs")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--report", type=int, default=1000, help="how often to look")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    machine.OBJECTS.memory_limit = 1 << 20
    start = time.perf_counter()
    found = soak(WORK[options.work], options.count, options.report)
    print(f"{time.perf_counter() - start:.0f} s in all")
    if options.json:
        rows = json.dumps({"count, bytes and objects": found})
        options.json.write_text(rows + "\n", "utf-8")


if __name__ == "__main__":
    main()
