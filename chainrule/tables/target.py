"""What is to be predicted: classes or a number, told from the column itself."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.errors import DataError
from chainrule.tables.table import Table
from chainrule.tables.words import quoted

MOST_CLASSES = 20
ROWS_A_CLASS = 5
"""Whole numbers count as classes if there are at most 20 of them, with 5 rows each on average."""

NOT_ALL_NUMBERS = "write a number there, or pass --task classification to take all cells as classes"

DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+")

Classes = tuple[str, ...] | tuple[int, ...] | tuple[float, ...]


class Task(StrEnum):
    """What a network learns of a column: which class, or how much."""

    classification = "classification"
    regression = "regression"


def task_of(table: Table, target: str) -> Task:
    """Tell the task from the target column.

    Text is classification. So are whole numbers if there are at most 20 different ones, each in 5
    rows on average. All other numbers are regression.

    Raises
    ------
    DataError
        If most cells are numbers and some are text, or a cell is empty, NaN or infinite.
    """
    numeric = table.is_number(target)
    if 2 * sum(numeric) < len(numeric):
        _refuse_decimal_commas(table, target)
        return Task.classification
    values = table.numbers(target, NOT_ALL_NUMBERS)
    different = np.unique(values)
    whole = bool(np.all(different == np.round(different)))
    few = len(different) <= min(MOST_CLASSES, len(values) / ROWS_A_CLASS)
    return Task.classification if whole and few else Task.regression


def _refuse_decimal_commas(table: Table, target: str) -> None:
    """A column of 1,5 and 2,25 is meant as numbers, not as classes."""
    cells = [str(cell).strip() for cell in table.columns[target]]
    commas = [cell for cell in cells if DECIMAL_COMMA.fullmatch(cell)]
    if 2 * len(commas) > len(cells):
        raise DataError(
            table.source,
            f"the target {quoted(target)} holds numbers with a decimal comma",
            quoted(commas[0]),
            "write a point instead, as in 1.5, or pass --task classification",
        )


def classes_of(table: Table, target: str) -> tuple[Classes, npt.NDArray[np.intp]]:
    """The classes in order, and for each row the position of its class among them.

    Raises
    ------
    DataError
        If there is only one class, or one has a single row, or a cell is empty, NaN or infinite.
    """
    numeric = all(table.is_number(target))
    cells: Any = table.numbers(target) if numeric else np.array(table.labels(target))
    classes, codes = np.unique(cells, return_inverse=True)
    if len(classes) == 1:
        raise DataError(
            table.source,
            f"the target {quoted(target)} has only one class, so there is nothing to tell apart",
            quoted(str(_label(classes[0]))) + " in every row",
            "choose another target",
        )
    labels = tuple(_label(value) for value in classes)
    remedy = "remove it, or pass --task regression" if numeric else "remove it"
    _check_single(table, target, labels, codes, remedy)
    return labels, codes


def amounts_of(table: Table, target: str) -> npt.NDArray[np.float64]:
    """The target's numbers.

    Raises
    ------
    DataError
        If they are all the same, or a cell is not a finite number.
    """
    values = table.numbers(target, NOT_ALL_NUMBERS)
    if np.all(values == values[0]):
        raise DataError(
            table.source,
            f"the target {quoted(target)} is constant, so there is nothing to learn",
            f"{values[0]:g} in every row",
            "choose another target",
        )
    return values


def _check_single(
    table: Table, target: str, labels: Classes, codes: npt.NDArray[np.intp], remedy: str
) -> None:
    """One row of a class cannot be both learnt from and tested on."""
    single = np.flatnonzero(np.bincount(codes) == 1)
    if not single.size:
        return
    row = table.rows[int(np.flatnonzero(codes == single[0])[0])]
    more = f", and {single.size - 1} more such classes" if single.size > 1 else ""
    raise DataError(
        table.source,
        f"every class of the target {quoted(target)} needs two rows or more, to learn and to test",
        f"a single row of {quoted(str(labels[single[0]]))} (row {row}){more}",
        remedy,
    )


def _label(value: Any) -> Any:
    """A class as JSON holds it: text, a whole number, or a fraction."""
    if isinstance(value, str):
        return str(value)
    return int(value) if float(value).is_integer() else float(value)
