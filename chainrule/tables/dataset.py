"""A table made ready to train on: parts with inputs, targets, and the preparation they share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.errors import DataError
from chainrule.tables.encoders import (
    Encoder,
    learn_alike,
    learn_amount,
    learn_category,
    learn_moment,
)
from chainrule.tables.look import Column, Kind, Look, look
from chainrule.tables.notes import notes_of
from chainrule.tables.preparation import Preparation, scaling_of
from chainrule.tables.split import split_rows
from chainrule.tables.table import Floats, Table
from chainrule.tables.target import Classes, Task, amounts_of, classes_of, task_of, with_target
from chainrule.tables.words import quoted


@dataclass(frozen=True)
class Portion:
    """Some rows of a table as a network takes them.

    Attributes
    ----------
    X : array of shape (N, n0)
        The network's inputs.
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

    `notes` say what was guessed about the table, `look` what each column was taken for.
    """

    preparation: Preparation
    train: Portion
    validation: Portion
    test: Portion
    notes: tuple[str, ...] = ()
    look: Look | None = None


def prepare(
    table: Table,
    target: str,
    task: Task | None = None,
    seed: int = 0,
    kinds: Mapping[str, Kind] | None = None,
    dropped: Sequence[str] = (),
) -> Dataset:
    """Look at a table, split it, and make it a network's inputs and answers.

    Parameters
    ----------
    table : Table
    target : str
        The column to learn; rows without a value there are left out.
    task : Task, optional
        None tells it from the target, as `task_of` says.
    seed : int
        Decides which rows are held out.
    kinds : mapping of str to Kind, optional
        What columns are, where they are not to be told from their cells.
    dropped : sequence of str
        Columns to leave out.

    Returns
    -------
    Dataset

    Raises
    ------
    DataError
        If the target is missing, no column is left to learn from, a column's cells do not agree on
        what they are, or there is nothing to learn.

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
    if target in dropped:
        raise DataError(table.source, f"the target {quoted(target)} cannot be left out as well")
    table, without = with_target(table, target)
    task = task or task_of(table, target)
    seen = look(table, target, kinds, dropped)
    seen.settle()
    classes, truth = _truth(table, target, task)
    split = split_rows(table.source, len(table), None if classes is None else truth, seed)
    inputs = tuple(_learnt(table, seen.used, split.train))
    outputs = None if classes else scaling_of(table, target, truth[split.train])
    identifiers = tuple(item.name for item in seen.columns if item.kind is Kind.identifier)
    preparation = Preparation(task, inputs, target, identifiers, classes, outputs)
    X, filled = preparation.inputs_of(table)
    Y = truth if outputs is None else outputs.apply(truth)
    train, validation, test = (
        Portion(X[r], Y[r], truth[r]) for r in (split.train, split.validation, split.test)
    )
    notes = (*without, *notes_of(table, target, preparation.numeric, task), *seen.notes, *filled)
    return Dataset(preparation, train, validation, test, notes, seen)


def _learnt(
    table: Table, columns: Sequence[Column], rows: npt.NDArray[np.intp]
) -> Iterator[Encoder]:
    """An encoder for each column, of what the training rows tell."""
    if table.one_unit:
        names = [column.name for column in columns]
        yield from learn_alike(table, names, rows)
        return
    for column in columns:
        if column.kind is Kind.number:
            yield learn_amount(table, column.name, rows, table.amounts(column.name))
        elif column.kind is Kind.date:
            yield learn_moment(table, column.name, rows, column.style)
        else:
            yield learn_category(table, column.name, rows)


def _truth(table: Table, target: str, task: Task) -> tuple[Classes | None, npt.NDArray[Any]]:
    if task is Task.classification:
        return classes_of(table, target)
    return None, amounts_of(table, target)
