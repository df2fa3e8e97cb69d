"""`chainrule predict`: from a model and a table to a file of predictions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.cli.paths import checked_output
from chainrule.errors import FileFormatError
from chainrule.tables import (
    Predictions,
    Preparation,
    predictions_of,
    preparation_from,
    read_table,
)
from chainrule.train import FitResult, load, write_whole


@dataclass(frozen=True)
class PredictionReport:
    """Predictions, and where they were written."""

    model: Path
    table: str
    preparation: Preparation
    predictions: Predictions
    out: Path

    def as_json(self) -> dict[str, Any]:
        """The report as one JSON object."""
        return {
            "task": self.preparation.task.value,
            "target": self.preparation.target,
            "model": str(self.model),
            "data": self.table,
            "rows": len(self.predictions.answers),
            "predictions": str(self.out),
        }


def predict(model: Path, source: str, out: Path) -> PredictionReport:
    """Write a model's prediction for every row of a table.

    Raises
    ------
    ArgumentError, FileFormatError, DataError
        If the model or the table cannot be read, do not fit, or the output cannot be written.
    """
    result = load(model)
    preparation = preparation_from(result.preprocessing, str(model))
    _check_fit(model, result, preparation)
    table = read_table(source)
    X = preparation.inputs_of(table)
    checked_output("predict", out, model, source)
    predictions = predictions_of(preparation, result.predict(X))
    write_whole(out, predictions.csv().encode())
    return PredictionReport(model, source, preparation, predictions, out)


def _check_fit(model: Path, result: FitResult, preparation: Preparation) -> None:
    """The network must take the columns and give the classes that its file describes."""
    sizes = result.network.sizes
    described = (len(preparation.columns), len(preparation.classes or (preparation.target,)))
    if (sizes[0], sizes[-1]) != described:
        raise FileFormatError(
            str(model),
            "the network does not fit the table that its file describes",
            f"{sizes[0]} inputs and {sizes[-1]} outputs for {described[0]} columns and "
            f"{described[1]} answers",
            "save it with the preprocessing that it was trained with",
        )
