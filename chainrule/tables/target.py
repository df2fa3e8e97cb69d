"""What is to be predicted: classes or a number, told from the column itself."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.errors import DataError
from chainrule.tables.amounts import Comma, amount_in, comma_in, is_decimal, remedy_for
from chainrule.tables.cells import MISSING
from chainrule.tables.table import Table
from chainrule.tables.words import quoted

MOST_CLASSES = 20
ROWS_A_CLASS = 5
"""Whole numbers count as classes if there are at most 20 of them, with 5 rows each on average."""

NOT_ALL_NUMBERS = "write a number there, or pass --task classification to take all cells as classes"

Classes = tuple[str, ...] | tuple[int, ...] | tuple[float, ...]


class Task(StrEnum):
    """What a network learns of a column: which class, or how much."""

    classification = "classification"
    regression = "regression"


UNKNOWN = MISSING - {"none", "null"}
"""What says that the target of a row is not known; None may be a class."""


def with_target(table: Table, target: str) -> tuple[Table, tuple[str, ...]]:
    """The rows whose target is known, and a note on the others."""
    cells = table.columns[target]
    if isinstance(cells, np.ndarray):
        known = ~np.isnan(cells)
    else:
        known = np.array([cell.casefold() not in UNKNOWN for cell in cells], bool)
    if known.all():
        return table, ()
    first, left = int(np.flatnonzero(~known)[0]), int(np.sum(~known))
    if left == len(table):
        raise DataError(
            table.source, f"the target {quoted(target)} has no value in any row",
            remedy="choose another target",
        )  # fmt: skip
    note = (
        f"{left:,} row{'s' * (left > 1)} without a value of {quoted(target)} "
        f"{'are' if left > 1 else 'is'} left out, the first of them row {table.rows[first]}"
    )
    return table.only(np.flatnonzero(known)), (note,)


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
        _refuse_written_amounts(table, target, sum(numeric))
        return Task.classification
    values = table.numbers(target, NOT_ALL_NUMBERS)
    cells = table.columns[target]
    different = len(np.unique(values)) if isinstance(cells, np.ndarray) else len(set(cells))
    if table.codes(target):
        return Task.classification
    whole = bool(np.all(values == np.round(values)))
    few = different <= min(MOST_CLASSES, len(values) / ROWS_A_CLASS)
    return Task.classification if whole and few else Task.regression


def _refuse_written_amounts(table: Table, target: str, plain: int) -> None:
    """A column of 5%, €10, 10,000.00, 1,5 or 2k is meant as numbers, not as classes."""
    cells = [str(cell).strip() for cell in table.columns[target]]
    written = [(cell, amount) for cell in cells if (amount := amount_in(cell)) is not None]
    if not written or 2 * (len(written) + plain) <= len(cells):
        return
    comma = comma_in([amount.number for _, amount in written], table.delimiter)
    sure = next((cell for cell, amount in written if is_decimal(amount.number)), None)
    if sure and comma is Comma.decimals and all(amount.is_bare for _, amount in written):
        raise DataError(
            table.source,
            f"the target {quoted(target)} holds numbers with a decimal comma",
            quoted(sure),
            f"{remedy_for(sure, cells, table.delimiter)}, or pass --task classification",
        )
    raise DataError(
        table.source,
        f"the target {quoted(target)} holds numbers that are not written plainly",
        quoted(written[0][0]),
        f"{remedy_for(written[0][0], cells, table.delimiter)}; or pass --task classification to "
        "take the cells as classes",
    )


def classes_of(table: Table, target: str) -> tuple[Classes, npt.NDArray[np.intp]]:
    """The classes in order, and for each row the position of its class among them.

    Raises
    ------
    DataError
        If there is only one class, or one has a single row, or a cell is empty, NaN or infinite.
    """
    numeric = all(table.is_number(target))
    is_text = not isinstance(table.columns[target], np.ndarray)
    cells: Any = table.labels(target) if is_text else table.numbers(target)
    if is_text:  # what is written is the label: 1067 is not 01067, nor 1.0 the same as 1
        key = (lambda text: (Decimal(text), text)) if numeric else None
        classes: Any = np.array(sorted(set(cells), key=key), object)
        place = {text: code for code, text in enumerate(classes)}
        codes = np.array([place[text] for text in cells], np.intp)
    else:
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
