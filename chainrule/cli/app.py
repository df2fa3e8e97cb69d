"""The commands, their options, and their exit statuses."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import typer.core

from chainrule.cli import shown
from chainrule.cli.benching import bench
from chainrule.cli.checking import check
from chainrule.cli.deriving import FormulaCommand, derive
from chainrule.cli.paths import checked_output
from chainrule.cli.predicting import predict as run_prediction
from chainrule.cli.settings import (
    COSTS,
    batch_from,
    default_of,
    default_rates,
    known_activation,
    known_cost,
    known_optimiser,
    layers_from,
    positive,
    settings_for,
)
from chainrule.cli.training import TrainingReport, network_for
from chainrule.cli.training import train as run_training
from chainrule.errors import ArgumentError, ChainruleError
from chainrule.spelling import closest
from chainrule.starting import INTERRUPTED, stop
from chainrule.tables import (
    ASKED,
    Table,
    Task,
    kinds_from,
    listed,
    load_digits,
    look,
    prepare,
    read_table,
)
from chainrule.train import ACTIVATIONS, OPTIMISERS
from chainrule.version import __version__

DIGITS = "digits"
FAILED = 1
"""Exit statuses; wrong usage is 2, as typer has it."""


@contextmanager
def interruptible() -> Iterator[None]:
    """End the process with one sentence on Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        exec("")  # or Python, where Ctrl-C came within an exec of its own, ends by the signal
        failed("interrupted", INTERRUPTED)


class Commands(typer.core.TyperGroup):
    """The commands; Ctrl-C in one that does not answer it itself is one sentence, too."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with interruptible():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        with interruptible():
            return super().invoke(ctx)


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line, by default this process's own, and exit with its status.

    An error that chainrule raises on purpose is one sentence on stderr and the exit status 1.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without ² shows ? in its place
            stream.reconfigure(errors="replace")
    if signal.getsignal(signal.SIGINT) is stop:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with interruptible():
            app(arguments, prog_name="chainrule")
    except ChainruleError as error:
        failed(str(error))
    except MemoryError:
        failed("there is not enough memory for this")
    except OSError as error:
        failed(f"{error.strerror or error}: {error.filename or 'no file'}")


def failed(sentence: str, status: int = FAILED) -> NoReturn:
    """Say why on stderr, and exit."""
    typer.echo(f"Error: {sentence}", err=True)
    sys.exit(status)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chainrule {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def chainrule(
    context: typer.Context,
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Train feed-forward networks on tables, predict with them, derive and check gradients.

    Exit status: 0 done, 1 failed with one sentence that says why, 2 wrong usage, 130 interrupted.
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


Drop = Annotated[
    list[str] | None,
    typer.Option("--drop", metavar="NAME", help="A column to leave out; may be given repeatedly."),
]
ColumnKinds = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="NAME=KIND",
        help=f"What a column is: {', '.join(ASKED)}; may be given repeatedly. [default: what its "
        "cells look like; chainrule look shows it]",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout.")]


app.command(cls=FormulaCommand)(derive)
app.command()(check)


@app.command()
def train(
    data: Annotated[
        str,
        typer.Argument(
            metavar="digits|FILE",
            help="The handwritten digits of scikit-learn, or a CSV, Parquet or Arrow file. The "
            "first row of a CSV file names the columns.",
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column to learn. All others are inputs."),
    ] = None,
    task: Annotated[
        Task | None,
        typer.Option(
            help="What to learn of it. [default: classification if it is text or few different "
            "whole numbers]"
        ),
    ] = None,
    layers: Annotated[
        str | None,
        typer.Option(
            metavar="N,N,...", help=f"Units of each hidden layer, or none. {default_of('layers')}"
        ),
    ] = None,
    activation: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            callback=known_activation,
            help=f"Of the hidden layers: {', '.join(ACTIVATIONS)}. {default_of('activation')}",
        ),
    ] = None,
    cost: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            callback=known_cost,
            help=f"{' or '.join(COSTS)}. {default_of('cost')}",
        ),
    ] = None,
    optimiser: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            callback=known_optimiser,
            help=f"How to take a step: {', '.join(OPTIMISERS)}. {default_of('optimiser')}",
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            metavar="RATE",
            callback=positive,
            help=f"The learning rate, for the mean cost of a batch. {default_rates()}",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help=f"How often every row is used. {default_of('epochs')}"
        ),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(metavar="N|all", help=f"Rows for each step. {default_of('batch')}"),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            max=2**32 - 1,
            help="Decides the held-out rows, the starting parameters and the order of the rows; "
            "the same seed gives the same model to the bit.",
        ),
    ] = 0,
    drop: Drop = None,
    column: ColumnKinds = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="MODEL", help="The model file to write. [default: digits|FILE.safetensors]"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a network on a table, test it, and write it.

    \b
    chainrule train digits
    chainrule train houses.csv --target price --layers 64,32

    A fifth of the rows is held out for the test, and of 100 rows or more a twentieth to watch the
    training by. Ctrl-C ends the training and keeps what it has reached.
    """
    given = {
        "layers": layers_from(layers),
        "activation": activation,
        "cost": cost,
        "optimiser": optimiser,
        "rate": rate,
        "epochs": epochs,
        "batch": batch_from(batch),
    }
    table, target = _table_and_target(data, target)
    model = checked_output("train", out or Path(f"{Path(data).stem}.safetensors"), data)
    dataset = prepare(table, target, task, seed, kinds_from(column or []), drop or [])
    settings = settings_for(dataset.preparation.task, given)
    network = network_for(dataset, settings)
    shown.announce(data, dataset, settings, network)
    _report_training(run_training(data, dataset, network, settings, seed, model), as_json)


@app.command()
def predict(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A file that chainrule train wrote.")
    ],
    data: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="A CSV, Parquet or Arrow file with the model's input columns, in any order; "
            "others are ignored.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="PREDICTIONS.csv",
            help="The file to write. [default: FILE.predictions.csv in this folder]",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a model's predictions for a table.

    \b
    chainrule predict houses.safetensors new.csv --out prices.csv

    The file written has one line for each row of the table: the row's number in its file (the
    header is row 1), the prediction, and for classes also its probability.
    """
    report = run_prediction(model, data, out or Path(f"{Path(data).stem}.predictions.csv"))
    for note in report.notes:
        shown.tell(f"{data}: {note}")
    if as_json:
        _write_json(report.as_json())
    else:
        shown.show_prediction(report)


@app.command("look")
def look_at(
    data: Annotated[
        str,
        typer.Argument(metavar="FILE", help="A CSV, Parquet or Arrow file."),
    ],
    target: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column to learn, if it is known already."),
    ] = None,
    drop: Drop = None,
    column: ColumnKinds = None,
    as_json: Json = False,
) -> None:
    """Say what every column of a table is taken for, and all that has to be settled.

    \b
    chainrule look houses.csv --target price

    The exit status is 1 if something has to be settled before the table can be trained on.
    """
    table = load_digits() if data == DIGITS else read_table(data)
    if target is not None:
        table.require(target)
    seen = look(table, target, kinds_from(column or []), drop or [])
    if as_json:
        _write_json(shown.look_as_json(seen))
    else:
        shown.show_look(seen)
    if seen.problems:
        sys.exit(FAILED)


app.command()(bench)


def _table_and_target(data: str, target: str | None) -> tuple[Table, str]:
    if data == DIGITS:
        return load_digits(), target or "digit"
    if closest(data, [DIGITS]) and not Path(data).exists():
        raise ArgumentError("train", "there is no such file", data, f"did you mean {DIGITS}?")
    table = read_table(data)
    if target is None:
        raise typer.BadParameter(
            f"name the column to learn; {data} has {listed(table.names)}",
            param_hint="'--target'",
        )
    return table, target


def _report_training(report: TrainingReport, as_json: bool) -> None:
    """Show how it went; a training that stopped early says so on stderr."""
    result = report.result
    if as_json:
        _write_json(report.as_json())
    elif result.outcome != "diverged":
        shown.show_training(report)
    if result.outcome != "finished":
        status = INTERRUPTED if result.outcome == "interrupted" else FAILED
        exec("")  # as in `interruptible`
        failed(f"train: {result.stopped}; the model is in {report.model}", status)


def _write_json(report: dict[str, Any]) -> None:
    typer.echo(json.dumps(report, allow_nan=False))
