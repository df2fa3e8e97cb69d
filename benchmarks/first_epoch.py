"""Seconds until a first epoch is done, from a fresh interpreter, beside JAX's first call.

    python benchmarks/first_epoch.py [--networks medium ...] [--rounds 5] [--json FILE]

Each run is a process of its own. The clock starts when the library is imported and the examples are
there, and stops when the first epoch is done; the import is timed too. Ours is `cr.fit` as it
comes, once with an empty folder for compiled code and once with the one that the run before it
left; JAX makes its arrays, compiles its scan of an epoch and runs it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

CASES = ("empty cache", "warm cache", "JAX scan")
DEFAULT = ("tiny", "small", "medium", "large", "medium-adam", "ten-layers")


def main() -> None:
    # Imported here: a run imports this file, and should find nothing loaded already.
    from common import Table, available, options_of, published, ratio
    from networks import NETWORKS, described

    parser = options_of(__doc__)
    named = [name for name, work in NETWORKS.items() if isinstance(work.cost, str)]
    parser.add_argument("--networks", nargs="+", choices=named, default=list(DEFAULT),
                        metavar="NAME", help=", ".join(named))  # fmt: skip
    options = parser.parse_args()
    peers = available(("jax",))
    cases = [case for case in CASES if case != "JAX scan" or peers]
    table = Table("first epoch", ["seconds to the first epoch", *cases])
    figures: dict[str, Any] = {}
    imports: dict[str, list[float]] = {case: [] for case in cases}
    for name in options.networks:
        found: dict[str, list[float]] = {case: [] for case in cases}
        work = NETWORKS[name]
        try:
            work.made_optimiser()
        except ValueError as error:
            print(f"{name}: left out: {error}", flush=True)
            continue
        for _ in range(2 if options.quick else options.rounds):
            with tempfile.TemporaryDirectory() as folder:
                for case in cases:
                    importing, training = in_a_process(case, name, work, folder)
                    imports[case].append(importing)
                    found[case].append(training)
        middle = {case: statistics.median(times) for case, times in found.items()}
        figures[name] = {"network": described(work), "seconds": found, "medians": middle}
        ours = middle["empty cache"]
        table.rows.append([described(work), *(
            f"{t:.3f}" + (f" ({ratio(t, ours)})" if case == "JAX scan" else "")
            for case, t in middle.items()
        )])  # fmt: skip
        print(*table.rows[-1], sep="  ", flush=True)
    table.rows.append(["import", *(f"{statistics.median(t):.3f}" for t in imports.values())])
    published(options, [table], {"first_epoch": figures, "import": imports}, peers)


def in_a_process(case: str, name: str, work: Any, folder: str) -> tuple[float, float]:
    """Seconds to import and seconds to train, of one fresh interpreter."""
    examples = Path(folder) / f"{name}.npz"
    if not examples.exists():
        X, Y = work.examples()
        np.savez(examples, X=X, Y=Y, **work.start())
    names = ("sizes", "activation", "output", "cost", "optimiser", "rate")
    settings = {name: getattr(work, name) for name in names} | {"batch_size": work.batch}
    done = subprocess.run(
        [sys.executable, __file__, "run", case, name, str(examples), json.dumps(settings)],
        env={**os.environ, "CHAINRULE_CACHE": str(Path(folder) / "cache")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{case}, {name}: {done.stderr.strip().splitlines()[-1]}")
    importing, training = json.loads(done.stdout.splitlines()[-1])
    return importing, training


def run(case: str, name: str, examples: str, settings: str) -> None:
    """What a fresh interpreter does."""
    with np.load(examples) as archive:
        arrays = dict(archive)
    X, Y = arrays.pop("X"), arrays.pop("Y")
    started = time.perf_counter()
    if case == "JAX scan":
        import jax.numpy
    else:
        import chainrule as cr
    imported = time.perf_counter()
    if case == "JAX scan":
        # what these import is not JAX's doing, so it does not count; they load nothing of JAX
        from contestants import JaxScan
        from networks import NETWORKS

        assert jax.numpy
        begun = time.perf_counter()
        contestant = JaxScan()
        contestant.prepare(NETWORKS[name], 0.0)
        contestant.epoch()
    else:
        work = json.loads(settings)
        begun = time.perf_counter()
        optimiser = getattr(cr, work.pop("optimiser"))(work.pop("rate"))
        network = cr.Network(work.pop("sizes"), work.pop("activation"), work.pop("output"))
        cr.fit(network, X, Y, optimiser=optimiser, epochs=1, params=arrays, progress=False, **work)
    print(json.dumps([imported - started, time.perf_counter() - begun]))


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        run(*sys.argv[2:])
    else:
        main()
