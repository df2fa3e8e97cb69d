"""Microseconds a step of training, beside JAX, PyTorch and scikit-learn, in float32.

    python benchmarks/training.py [--networks small medium-adam ...] [--threads 1] [--json FILE]

Ours are whole runs of ``cr.fit``, which shuffles, gathers and adds up the costs: the time that
many epochs take longer than one. JAX has the epoch as one ``lax.scan`` over batches that are there
already, with donated parameters, or a jitted step for each batch; PyTorch is eager, with its own
Adam. Every contestant has a process of its own and runs when it is its turn, in each round once.
The first table gives medians and the second the least, both with a peer's time over ours in
brackets. All start from the same parameters and are found to agree after three steps, before
anything is timed, except scikit-learn, which starts where it likes. On a machine that does other
work besides, trust the ratios more than the times.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from common import Table, available, options_of, published, ratio
from contestants import CONTESTANTS, MODULES, Player
from networks import NETWORKS, described

from chainrule.cli.measuring import microseconds
from chainrule.cli.workload import Workload

STEPS = 3
"""Steps after which the parameters are compared."""


def compared(
    work: Workload, ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray], label: str
) -> None:
    """Raise unless a peer's parameters are ours after a few steps."""
    start = work.start()
    for name, mine in ours.items():
        moved = float(np.abs(mine - start[name]).max())
        distance = np.abs(mine - theirs[name])
        # float32 sums in another order: 1e-3 of the greatest change, and the parameter's own
        # rounding. Adam divides a gradient by its size, so where that is all rounding the step may
        # be any: one entry in a thousand is let off.
        limit = 1e-3 * moved + 1e-6 * np.abs(mine).max()
        wrong = float(np.mean(distance > limit))
        if wrong > (1e-3 if work.optimiser == "Adam" else 0.0):
            raise AssertionError(
                f"{label} has other parameters: {name} differs by {distance.max():.2g}, "
                f"{wrong:.2%} of it by more than {limit:.2g}"
            )


def prepared(
    players: list[Player], work: Workload, at_least: float
) -> tuple[list[Player], list[str]]:
    """Those who can do this training, all with the same result, and why the others cannot."""
    ready, ours, notes = [], None, []
    for player in players:
        try:
            player.ask("prepare", work, at_least)
            found = player.ask("after", STEPS)
        except RuntimeError as error:
            notes.append(str(error))
            if player.name == "chainrule":
                return [], notes
            continue
        if player.name == "chainrule":
            ours = found
        elif found is not None and ours is not None:
            compared(work, ours, found, player.name)
        ready.append(player)
    return ready, notes


class Times(NamedTuple):
    """Microseconds a step by contestant: of every turn, their medians, and the least."""

    turns: dict[str, list[float]]
    medians: dict[str, float]
    least: dict[str, float]


def measured(players: list[Player], rounds: int) -> Times:
    """Everybody's times, taken by turns."""
    turns: dict[str, list[float]] = {player.name: [] for player in players}
    for player in players:
        player.ask("warm_up")
    for _ in range(rounds):
        for player in players:
            time.sleep(0.05)  # the one before may have threads that still spin
            turns[player.name].append(player.ask("turn") * 1e6)
    return Times(
        turns,
        {name: statistics.median(found) for name, found in turns.items()},
        {player.name: player.ask("least") * 1e6 for player in players},
    )


def cells(times: dict[str, float], names: Sequence[str]) -> list[str]:
    """Ours, and the peers' with their ratios to ours in brackets."""
    ours, shown = times["chainrule"], []
    for name in names:
        time = times.get(name)
        beside = "" if name == "chainrule" or time is None else f" ({ratio(time, ours)})"
        shown.append("–" if time is None else microseconds(time) + beside)
    return shown


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS),
                        metavar="NAME", help=", ".join(NETWORKS))  # fmt: skip
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS),
                        metavar="NAME", help=", ".join(CONTESTANTS))  # fmt: skip
    parser.add_argument("--threads", type=int, default=0,
                        help="threads and processors for each; all unless stated")  # fmt: skip
    options = parser.parse_args()
    rounds, at_least = (3, 0.05) if options.quick else (options.rounds, 0.25)
    peers = available(("jax", "torch", "sklearn"))
    wanted = ["chainrule", *(name for name in options.only if name != "chainrule")]
    names = [name for name in wanted if name == "chainrule" or MODULES[name] in peers]
    players = [Player(name, options.threads) for name in names]
    threads = str(options.threads or "all")
    tables = [
        Table(
            f"training{which}, {threads} thread{'s' * (threads != '1')}",
            [f"µs a step{which}", *names],
        )
        for which in ("", ", least")
    ]
    rows: dict[str, Any] = {}
    for name in options.networks:
        work = NETWORKS[name]
        ready, notes = prepared(players, work, at_least)
        for note in notes:
            print(f"{name}: left out: {note}", flush=True)
        times = measured(ready, rounds)
        if ready and (reason := ready[0].ask("interpreted_because")):
            print(f"{name}: chainrule interprets it: {reason}", flush=True)
        rows[name] = {"network": described(work), **times._asdict(), "left_out": notes}
        if ready:
            for table, figures in zip(tables, (times.medians, times.least), strict=True):
                table.rows.append([described(work), *cells(figures, names)])
            line = ", ".join(map(": ".join, zip(names, cells(times.medians, names), strict=True)))
            print(f"{name}: {line}", flush=True)
    for player in players:
        player.leave()
    published(options, tables, {"threads": threads, "training": rows}, peers)


if __name__ == "__main__":
    main()
