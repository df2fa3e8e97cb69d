"""`chainrule bench`: how fast this machine trains a few networks and computes a gradient."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from chainrule.cli import shown
from chainrule.cli.measuring import microseconds
from chainrule.cli.speed import SpeedReport, measured
from chainrule.cli.workload import LARGE, MEDIUM, SMALL, TINY, Workload
from chainrule.native.run.threads import MOST, set_threads

ELEMENTS = (1, 1000, 10**6)
BATCH, STEPS = 32, 50
"""Of a network of the user's own: the batch unless stated, and the steps an epoch."""


def bench(
    network: Annotated[
        list[str] | None,
        typer.Option(
            metavar="N-N-...",
            help="Inputs, hidden units and outputs of a network to train instead; may be repeated.",
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help=f"Rows a step for --network. [default: {BATCH}]"),
    ] = None,
    rounds: Annotated[
        int,
        typer.Option(metavar="N", min=1, help="How often each has its turn; medians are shown."),
    ] = 3,
    threads: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=MOST,
            help="Threads of native code. [default: one for each processor, or CHAINRULE_THREADS]",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write one JSON object to stdout.")
    ] = False,
) -> None:
    """Measure how fast this machine trains networks and computes a gradient.

    \b
    chainrule bench
    chainrule bench --network 20-100-3 --batch 64

    Made-up examples in float32, sigmoid layers, squared cost, plain gradient descent; and the
    gradient of the sum of √u + cos u with u = x² + exp(x²), in float64. It takes about 15 seconds.
    """
    if batch is not None and not network:
        raise typer.BadParameter(
            "it is for the networks that --network names; write --network 64-32-10 as well",
            param_hint="'--batch'",
        )
    if threads is not None:
        set_threads(threads)
    works = [Workload(_sizes(text), batch or BATCH, STEPS) for text in network or ()]
    try:
        report = measured(works or [TINY, SMALL, MEDIUM, LARGE], ELEMENTS, rounds)
    except KeyboardInterrupt:
        shown.tell("Error: bench: interrupted; nothing is reported")
        raise typer.Exit(130) from None
    if as_json:
        typer.echo(json.dumps(report.as_json(), allow_nan=False))
    else:
        _show(report)


def _sizes(text: str) -> tuple[int, ...]:
    """Read ``64-32-10``."""
    try:
        sizes = tuple(int(part) for part in text.split("-"))
    except ValueError:
        sizes = ()
    if len(sizes) < 2 or min(sizes) < 1:
        raise typer.BadParameter(
            f"{text!r} is not two or more whole numbers from 1 up; write 64-32-10",
            param_hint="'--network'",
        )
    return sizes


def _show(report: SpeedReport) -> None:
    """Two tables, and what they were measured on."""
    training = shown.new_table("network", "batch", "µs a step", "rows/s", "Gflop/s", "first epoch")
    for row in report.steps:
        training.add_row(
            "-".join(map(str, row.work.sizes)), f"{row.work.batch:,}",
            microseconds(row.microseconds), f"{row.rows_a_second:,.0f}", f"{row.gigaflops:.3g}",
            f"{row.first_epoch:.2f} s",
        )  # fmt: skip
    shown.show(training)
    for row in report.steps:
        if row.interpreted_because:
            typer.echo(f"{row.work.name}: interpreted with NumPy: {row.interpreted_because}")
    gradient = shown.new_table("elements", "gradient, µs", "uncompiled", "function in NumPy", "")
    for each in report.gradients:
        gradient.add_row(
            f"{each.elements:,}", microseconds(each.compiled), microseconds(each.uncompiled),
            microseconds(each.function), "",
        )  # fmt: skip
    shown.show(gradient)
    typer.echo(f"{report.cpu}; {', '.join(f'{k} {v}' for k, v in report.versions.items())}")
    many = f"{report.threads} thread{'s' * (report.threads != 1)}"
    typer.echo(f"Measured in {report.seconds:.1f} s with {many}.")
