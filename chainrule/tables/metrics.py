"""How well answers agree with the truth, and how well a constant answer would."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.tables.dataset import Dataset
from chainrule.tables.preparation import Preparation
from chainrule.tables.table import Floats
from chainrule.tables.target import Task

Metrics = dict[str, float | None]

HUGE = 1e150
"""Where squares near the largest float64."""


def answers(preparation: Preparation, outputs: Floats) -> npt.NDArray[Any]:
    """Outputs in the terms of the truth: positions of classes, or amounts in their own unit."""
    if preparation.task is Task.classification:
        return preparation.codes(outputs)
    return preparation.amounts(outputs)


def constant_answers(dataset: Dataset) -> npt.NDArray[Any]:
    """The same answer to every test row: the most frequent class or the mean of the training."""
    train, rows = dataset.train.truth, len(dataset.test)
    if dataset.preparation.task is Task.classification:
        return np.full(rows, np.bincount(train).argmax())
    return np.full(rows, train.mean())


def judged(task: Task, truth: npt.NDArray[Any], given: npt.NDArray[Any]) -> Metrics:
    """Compare answers with the truth.

    Returns
    -------
    dict
        ``accuracy``, the share of right answers; or ``r2``, the share of the variance explained,
        and ``rmse`` and ``mae``, the root of the mean squared error and the mean absolute error,
        in the target's unit. None where the answers are too far off for a finite number.
    """
    # Imported here: scikit-learn takes most of a second, and predicting does without it.
    from sklearn import metrics

    if task is Task.classification:
        return {"accuracy": float(metrics.accuracy_score(truth, given))}
    if not np.abs(given).max() < HUGE:
        return {"r2": None, "rmse": None, "mae": None}
    return {
        "r2": float(metrics.r2_score(truth, given)),
        "rmse": float(metrics.root_mean_squared_error(truth, given)),
        "mae": float(metrics.mean_absolute_error(truth, given)),
    }
