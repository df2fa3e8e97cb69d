"""Reports as a person reads them: a few sentences, and a table that fits 80 columns."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from chainrule.cli.predicting import PredictionReport
from chainrule.cli.settings import Settings
from chainrule.cli.training import TrainingReport
from chainrule.tables import Dataset, Look, Task, quoted
from chainrule.train import Network

if TYPE_CHECKING:
    from rich.table import Table

MOST_ROWS = 12
"""Classes that a table lists."""


def announce(source: str, dataset: Dataset, settings: Settings, network: Network) -> None:
    """Say on stderr what is about to be trained on what."""
    preparation = dataset.preparation
    into = f" into {len(preparation.classes)} classes" if preparation.classes else ""
    parts = ((dataset.train, "train"), (dataset.validation, "validate"), (dataset.test, "test"))
    rows = ", ".join(f"{len(part):,} to {use}" for part, use in parts if len(part))
    sizes = "-".join(map(str, network.sizes))
    batch = "all" if settings.batch == "all" else f"{settings.batch:,}"
    for note in dataset.notes:
        tell(f"{source}: {note}")
    tell(f"{source}: {preparation.task} of {quoted(preparation.target)}{into}")
    if dataset.look is not None:
        tell(f"columns: {_kinds(dataset.look)}")
    tell(f"rows: {rows}")
    tell(f"network: {sizes}, {settings.activation}, {settings.cost} cost")
    optimiser = settings.optimiser.replace("-", " ")
    tell(f"training: {optimiser} with rate {settings.rate:g}, {batch} rows a step")


def _kinds(seen: Look) -> str:
    """How many columns there are of each kind that is used."""
    counts = Counter(str(column.kind) for column in seen.used)
    plural = {kind: f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s" for kind in counts}
    return ", ".join(
        f"{count:,} {plural[kind] if count > 1 else kind}" for kind, count in counts.items()
    )


def tell(sentence: str) -> None:
    """Write a message to stderr."""
    typer.echo(sentence, err=True)


def show_training(report: TrainingReport) -> None:
    """Write the test's table and figures, and where the model is, to stdout."""
    if report.dataset.preparation.task is Task.classification:
        show(_class_table(report))
        typer.echo(_accuracy(report))
    else:
        show(_error_table(report))
        typer.echo(f"Test R²: {_share(report.test['r2'])}")
    result = report.result
    epochs = f"{result.epochs:,} epoch{'s' * (result.epochs != 1)}"
    typer.echo(f"Trained {epochs} in {result.seconds:.1f} s with seed {result.seed}.")
    typer.echo(f"Model: {report.model}")


def show_prediction(report: PredictionReport) -> None:
    """Write what was predicted how often, or in which range, and where it is, to stdout."""
    answers, target = report.predictions.answers, quoted(report.preparation.target)
    if report.preparation.task is Task.classification:
        show(_count_table(report))
        span = ""
    else:
        span = f" from {min(answers):.6g} to {max(answers):.6g}, mean {np.mean(answers):.6g}"
    many = f"{len(answers):,} prediction{'s' * (len(answers) != 1)}"
    typer.echo(f"{many} of {target}{span}")
    typer.echo(f"Predictions: {report.out}")


def show_look(seen: Look) -> None:
    """Write what every column is taken for, and what has to be settled, to stdout."""
    table = new_table("column", "taken for", "missing", "different", "such as")
    for column in seen.columns:
        used = str(column.kind) if column.is_used else f"({column.kind})"
        missing = f"{column.missing:,}" if column.missing else ""
        table.add_row(column.name, used, missing, f"{column.different:,}", column.example)
    table.caption = f"{len(seen.table):,} rows; kinds in brackets are left out"
    show(table)
    for note in (*seen.table.notes, *seen.notes):
        typer.echo(note)
    for problem in seen.problems:
        typer.echo(f"To settle: {str(problem).removeprefix(f'{problem.operation}: ')}")


def look_as_json(seen: Look) -> dict[str, Any]:
    """The same as one JSON object."""
    columns = [
        {
            "name": column.name, "kind": str(column.kind), "why": column.why,
            "used": column.is_used, "missing": column.missing, "different": column.different,
            "example": column.example, "remark": column.remark or None,
            "problem": None if column.problem is None else str(column.problem),
        }
        for column in seen.columns
    ]  # fmt: skip
    notes = [*seen.table.notes, *seen.notes]
    return {
        "data": seen.table.source, "rows": len(seen.table), "target": seen.target,
        "columns": columns, "notes": notes,
    }  # fmt: skip


def _class_table(report: TrainingReport) -> Table:
    """For each class how many test rows were right, and what the others were taken for."""
    preparation, truth, given = report.dataset.preparation, report.dataset.test.truth, report.given
    classes = preparation.classes or ()
    table = new_table(preparation.target, "right", "accuracy", "mostly taken for")
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (truth, given), 1)
    for code in _worst(counts):
        row = counts[code]
        rows, right = int(row.sum()), int(row[code])
        others = np.where(np.arange(len(row)) == code, 0, row)
        other = int(others.argmax())
        taken = f"{classes[other]} ({others[other]}×)" if others[other] else ""
        accuracy = f"{right / rows:.1%}" if rows else "not tested"
        table.add_row(str(classes[code]), f"{right} of {rows}", accuracy, taken)
    if len(classes) > MOST_ROWS:
        table.caption = f"the {MOST_ROWS} hardest of {len(classes)} classes"
    return table


def _worst(counts: Any) -> list[int]:
    """The classes to list: all in order, or of many those with the lowest accuracy."""
    if len(counts) <= MOST_ROWS:
        return list(range(len(counts)))
    accuracy = counts.diagonal() / np.maximum(counts.sum(axis=1), 1)
    return [int(code) for code in np.argsort(accuracy, kind="stable")[:MOST_ROWS]]


def _accuracy(report: TrainingReport) -> str:
    right, rows = int(np.sum(report.given == report.dataset.test.truth)), len(report.given)
    constant = report.baseline["accuracy"]
    return (
        f"Test accuracy: {report.test['accuracy']:.1%} ({right} of {rows} right; "
        f"always the most frequent class: {constant:.1%})"
    )


def _error_table(report: TrainingReport) -> Table:
    """The test's figures beside those of always answering with the mean."""
    test, constant = report.test, report.baseline
    table = new_table("test", "network", "always the mean", "")
    table.add_row("R²", _share(test["r2"]), _share(constant["r2"]), "share of variance explained")
    table.add_row(
        "RMSE", _amount(test["rmse"]), _amount(constant["rmse"]), "root of the mean square error"
    )
    table.add_row("MAE", _amount(test["mae"]), _amount(constant["mae"]), "mean absolute error")
    table.caption = f"errors in units of {quoted(report.dataset.preparation.target)}"
    return table


def _count_table(report: PredictionReport) -> Table:
    """How often each class was predicted, the most frequent ones of many."""
    answers = report.predictions.answers
    classes = report.preparation.classes or ()
    counts = Counter(answers)
    table = new_table(report.preparation.target, "rows", "share", "")
    listed: list[Any] = list(classes)
    if len(classes) > MOST_ROWS:
        listed = sorted(classes, key=lambda label: -counts[label])[:MOST_ROWS]
        table.caption = f"the {MOST_ROWS} most frequent of {len(classes)} classes"
    for label in listed:
        table.add_row(str(label), f"{counts[label]:,}", f"{counts[label] / len(answers):.1%}", "")
    return table


def _share(value: float | None) -> str:
    return "not finite" if value is None else f"{round(value, 3) + 0.0:.3f}"  # no -0.000


def _amount(value: float | None) -> str:
    """Four digits, and no powers of ten where they can be done without."""
    if value is None:
        return "not finite"
    return f"{value:,.0f}" if 1e3 <= value < 1e9 else f"{value:#.4g}"


def new_table(*headings: str) -> Table:
    """An empty table; all columns but the last are aligned to the right, as numbers are."""
    # Imported here: rich takes 20 ms, and --json does without it.
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption_justify="left")
    for heading in headings[:-1]:
        table.add_column(heading, justify="right", overflow="ellipsis", max_width=30)
    table.add_column(headings[-1], overflow="ellipsis")
    return table


def show(table: Table) -> None:
    """Write a table to stdout."""
    from rich.console import Console

    Console(markup=False, highlight=False, emoji=False).print(table)
