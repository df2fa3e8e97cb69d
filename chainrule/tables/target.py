"""What is to be predicted: classes or a number, told from the column itself."""

from __future__ import annotations

from collections import Counter
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
        return Task.classification
    values = table.numbers(target)
    different = np.unique(values)
    whole = bool(np.all(different == np.round(different)))
    few = len(different) <= min(MOST_CLASSES, len(values) / ROWS_A_CLASS)
    return Task.classification if whole and few else Task.regression


def classes_of(table: Table, target: str) -> tuple[Classes, npt.NDArray[np.intp]]:
    """The classes in order, and for each row the position of its class among them.

    Raises
    ------
    DataError
        If there is only one class, or one has a single row, or a cell is empty, NaN or infinite.
    """
    all_numbers = all(table.is_number(target))
    cells: Any = table.numbers(target) if all_numbers else np.array(table.labels(target))
    classes, codes = np.unique(cells, return_inverse=True)
    if len(classes) == 1:
        raise DataError(
            table.source,
            f"the target {quoted(target)} has only one class, so there is nothing to tell apart",
            quoted(str(_label(classes[0]))) + " in every row",
            "choose another target",
        )
    _check_single(table, target, codes, classes)
    return tuple(_label(value) for value in classes), codes


def amounts_of(table: Table, target: str) -> npt.NDArray[np.float64]:
    """The target's numbers.

    Raises
    ------
    DataError
        If they are all the same, or a cell is not a finite number.
    """
    values = table.numbers(target)
    if np.all(values == values[0]):
        raise DataError(
            table.source,
            f"the target {quoted(target)} is constant, so there is nothing to learn",
            f"{values[0]:g} in every row",
            "choose another target",
        )
    return values


def _check_single(table: Table, target: str, codes: Any, classes: Any) -> None:
    """One row of a class cannot be both learnt from and tested on."""
    counts = Counter(codes.tolist())
    single = [code for code in sorted(counts) if counts[code] == 1]
    if not single:
        return
    row = int(np.flatnonzero(codes == single[0])[0])
    raise DataError(
        table.source,
        f"every class of the target {quoted(target)} needs two rows or more, to learn and to test",
        f"a single row of {quoted(str(_label(classes[single[0]])))} (row {table.rows[row]})"
        + (f", and {len(single) - 1} more such classes" if len(single) > 1 else ""),
        "remove it, or pass --task regression" if table_is_numeric(table, target) else "remove it",
    )


def table_is_numeric(table: Table, target: str) -> bool:
    """Whether every cell of the column is a finite number."""
    return all(table.is_number(target))


def _label(value: Any) -> Any:
    """A class as JSON holds it: text, a whole number, or a fraction."""
    if isinstance(value, str):
        return str(value)
    return int(value) if float(value).is_integer() else float(value)
