"""A model's predictions for a table, and the CSV file they are written to."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.errors import DataError
from chainrule.tables.preparation import Preparation
from chainrule.tables.table import Floats
from chainrule.tables.target import Task
from chainrule.tables.words import quoted


@dataclass(frozen=True)
class Predictions:
    """One answer for each row of a table.

    Attributes
    ----------
    answers : list of str, int or float
        Classes, or amounts in the target's unit.
    probabilities : array or None
        In classification how probable the network holds its answer.
    rows : sequence of int or None
        The row of the table's file that each answer belongs to; the header is row 1.
    identifiers : mapping of str to sequence of str
        Columns of the table that tell its rows apart.
    """

    answers: list[Any]
    probabilities: npt.NDArray[Any] | None = None
    rows: Sequence[int] | None = None
    identifiers: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def csv(self) -> str:
        """The text of a CSV file: a header, and one line for each row of the table.

        Examples
        --------
        >>> print(Predictions([1.5, 2.0], rows=[2, 4]).csv(), end="")
        row,prediction
        2,1.5
        4,2.0
        """
        columns: dict[str, Iterable[Any]] = {} if self.rows is None else {"row": self.rows}
        columns |= self.identifiers
        columns["prediction"] = self.answers
        if self.probabilities is not None:
            columns["probability"] = (f"{sure:.6f}" for sure in self.probabilities)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
        return text.getvalue()


def predictions_of(
    preparation: Preparation, outputs: Floats, rows: Sequence[int] | None = None
) -> Predictions:
    """Say a network's outputs in the words of the table it was trained on.

    Parameters
    ----------
    preparation : Preparation
    outputs : array of shape (N, nK)
    rows : sequence of int, optional
        The rows of the file that the examples stand in.

    Raises
    ------
    DataError
        If an amount is not finite.
    """
    if preparation.task is Task.regression:
        amounts = preparation.amounts(outputs)
        wrong = np.flatnonzero(~np.isfinite(amounts))
        if wrong.size:
            raise DataError(
                "predict",
                f"a prediction of {quoted(preparation.target)} is not finite",
                f"{amounts[wrong[0]]} in row {rows[wrong[0]] if rows else wrong[0]}",
                "its inputs, or the model's parameters, are too large",
            )
        return Predictions(amounts.tolist(), rows=rows)
    assert preparation.classes is not None
    codes = preparation.codes(outputs)
    answers = [preparation.classes[code] for code in codes]
    return Predictions(answers, outputs[np.arange(len(codes)), codes], rows)
