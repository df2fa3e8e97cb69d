"""`chainrule predict`: from a model and a table to a file of predictions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.cli.paths import checked_output
from chainrule.tables import (
    Predictions,
    Preparation,
    notes_of_inputs,
    predictions_of,
    preparation_from,
    read_table,
)
from chainrule.train import load, write_whole


@dataclass(frozen=True)
class PredictionReport:
    """Predictions, and where they were written."""

    model: Path
    table: str
    preparation: Preparation
    predictions: Predictions
    out: Path
    notes: tuple[str, ...] = ()

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
    preparation = preparation_from(result.preprocessing, str(model), result.network.sizes)
    table = read_table(source)
    X = preparation.inputs_of(table)
    checked_output("predict", out, model, source)
    predictions = predictions_of(preparation, result.predict(X), table.rows)
    write_whole(out, predictions.csv().encode())
    notes = notes_of_inputs(table, preparation.columns)
    return PredictionReport(model, source, preparation, predictions, out, notes)
