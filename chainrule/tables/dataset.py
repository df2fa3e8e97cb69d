"""A table made ready to train on: parts with inputs, targets, and the preparation they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from chainrule.errors import DataError
from chainrule.tables.notes import notes_of
from chainrule.tables.preparation import Preparation, Scaling, raw_inputs, scaling_of
from chainrule.tables.split import split_rows
from chainrule.tables.table import Floats, Table
from chainrule.tables.target import Classes, Task, amounts_of, classes_of, task_of


@dataclass(frozen=True)
class Part:
    """Some rows of a table as a network takes them.

    Attributes
    ----------
    X : array of shape (N, n0)
        Standardised inputs.
    Y : array of shape (N,)
        Positions of classes, or standardised amounts.
    truth : array of shape (N,)
        Positions of classes, or amounts in their own unit.
    """

    X: Floats
    Y: npt.NDArray[Any]
    truth: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.X)


@dataclass(frozen=True)
class Dataset:
    """The three parts of a table; what they were scaled with was measured on `train` alone.

    `notes` say what was guessed about the table.
    """

    preparation: Preparation
    train: Part
    validation: Part
    test: Part
    notes: tuple[str, ...] = ()


def prepare(table: Table, target: str, task: Task | None = None, seed: int = 0) -> Dataset:
    """Split a table and standardise it.

    Parameters
    ----------
    table : Table
    target : str
        The column to learn; all others are inputs.
    task : Task, optional
        None tells it from the target, as `task_of` says.
    seed : int
        Decides which rows are held out.

    Returns
    -------
    Dataset

    Raises
    ------
    DataError
        If the target is missing, there is no other column, a cell is not a finite number, or there
        is nothing to learn.

    Examples
    --------
    >>> import numpy as np
    >>> area = np.arange(50.0)
    >>> table = Table("houses", {"area": area, "price": 2.5 * area}, range(2, 52))
    >>> houses = prepare(table, "price")
    >>> houses.preparation.task.value, len(houses.train), len(houses.test)
    ('regression', 40, 10)
    """
    table.require(target)
    columns = table.without(target)
    if not columns:
        raise DataError(
            table.source, "there is no column beside the target", remedy="add columns to learn from"
        )
    task = task or task_of(table, target)
    classes, truth = _truth(table, target, task)
    split = split_rows(table.source, len(table), None if classes is None else truth, seed)
    raw = raw_inputs(table, columns)
    inputs = scaling_of(table, columns, raw[split.train], table.one_unit)
    outputs = None if classes else scaling_of(table, [target], truth[split.train, None])
    preparation = Preparation(task, columns, inputs, target, classes, outputs)
    X, Y = preparation.scaled(table, raw), _wanted(truth, outputs)
    train, validation, test = (
        Part(X[r], Y[r], truth[r]) for r in (split.train, split.validation, split.test)
    )
    notes = notes_of(table, target, columns, task)
    return Dataset(preparation, train, validation, test, notes)


def _truth(table: Table, target: str, task: Task) -> tuple[Classes | None, npt.NDArray[Any]]:
    if task is Task.classification:
        return classes_of(table, target)
    return None, amounts_of(table, target)


def _wanted(truth: npt.NDArray[Any], outputs: Scaling | None) -> npt.NDArray[Any]:
    """What the network's outputs are compared with."""
    return truth if outputs is None else outputs.apply(truth[:, None])[:, 0]
