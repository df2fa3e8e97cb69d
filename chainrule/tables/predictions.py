"""A model's predictions for a table, and the CSV file they are written to."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
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
    """

    answers: list[Any]
    probabilities: npt.NDArray[Any] | None = None

    def csv(self) -> str:
        """The text of a CSV file: a header, and one line for each row of the table.

        Examples
        --------
        >>> print(Predictions([1.5, 2.0]).csv(), end="")
        prediction
        1.5
        2.0
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if self.probabilities is None:
            writer.writerow(["prediction"])
            writer.writerows([answer] for answer in self.answers)
        else:
            writer.writerow(["prediction", "probability"])
            sure = (f"{probability:.6f}" for probability in self.probabilities)
            writer.writerows(zip(self.answers, sure, strict=True))
        return text.getvalue()


def predictions_of(preparation: Preparation, outputs: Floats) -> Predictions:
    """Say a network's outputs in the words of the table it was trained on.

    Parameters
    ----------
    preparation : Preparation
    outputs : array of shape (N, nK)
    """
    if preparation.task is Task.regression:
        amounts = preparation.amounts(outputs)
        wrong = np.flatnonzero(~np.isfinite(amounts))
        if wrong.size:
            raise DataError(
                "predict",
                f"a prediction of {quoted(preparation.target)} is not finite",
                f"{amounts[wrong[0]]} for example {wrong[0] + 1}",
                "its inputs, or the model's parameters, are too large",
            )
        return Predictions(amounts.tolist())
    assert preparation.classes is not None
    codes = preparation.codes(outputs)
    answers = [preparation.classes[code] for code in codes]
    return Predictions(answers, outputs[np.arange(len(codes)), codes])
