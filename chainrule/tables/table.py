"""A table of cells by column, and its columns as numbers or as text."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.errors import DataError
from chainrule.properties import cached_property
from chainrule.spelling import closest
from chainrule.tables.amounts import remedy_for
from chainrule.tables.cells import NO_NUMBER, is_missing, number_in, parsed, texts_of
from chainrule.tables.words import listed, quoted

Floats = npt.NDArray[np.float64]
CODE = re.compile(r"[-+]?0\d+")


@dataclass(frozen=True)
class Table:
    """Named columns of equal length.

    Attributes
    ----------
    source : str
        What errors call the table: a path, or the name of bundled data.
    columns : mapping of str to cells
        Text as it stands in the file, or numbers.
    rows : sequence of int
        For each example the row of the file that it begins in; the header is row 1.
    one_unit : bool
        Whether all columns but the target are measured in one unit, as the pixels of a picture.
    delimiter : str
        What parts the cells in the file; empty where there is none.
    notes : tuple of str
        What was guessed about the file.
    """

    source: str
    columns: Mapping[str, Sequence[str] | Floats]
    rows: Sequence[int]
    one_unit: bool = False
    delimiter: str = ""
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names in the order of the file."""
        return tuple(self.columns)

    def numbers(self, name: str, remedy: str = "") -> Floats:
        """The column as finite float64 numbers.

        Parameters
        ----------
        name : str
        remedy : str, optional
            What to do about text, if not what is usual.

        Raises
        ------
        DataError
            If a cell is empty, is not a number, or is NaN or infinite.
        """
        cells = self.columns[name]
        values = _converted(cells)
        if values is None:
            found = ((row, problem_of(cell)) for row, cell in enumerate(cells))
            row, problem = next((row, problem) for row, problem in found if problem)
            raise self._refusal(name, row, problem, remedy if problem is TEXT else "")
        return values

    def amounts(self, name: str) -> Floats:
        """The column as float64 numbers, NaN where a cell has no value.

        Raises
        ------
        DataError
            If a cell is not a number, or is infinite.
        """
        cells = self.columns[name]
        if isinstance(cells, np.ndarray):
            values = np.asarray(cells, np.float64)
            wrong = np.flatnonzero(np.isinf(values))
            if wrong.size:
                raise self._refusal(name, int(wrong[0]), NOT_FINITE)
            return values
        known: dict[str, float] = {}
        for row, cell in enumerate(cells):
            if cell in known:
                continue
            number = math.nan if is_missing(cell) or cell in NO_NUMBER else number_in(cell)
            if number is None or math.isinf(number):
                raise self._refusal(name, row, TEXT if number is None else NOT_FINITE)
            known[cell] = number
        return np.array([known[cell] for cell in cells], np.float64)

    def texts(self, name: str) -> list[str]:
        """The column as labels, empty where a cell has no value."""
        if name not in self._texts:
            self._texts[name] = texts_of(self.columns[name])
        return self._texts[name]

    def codes(self, name: str) -> list[str]:
        """Cells such as 01067: a quantity is not written with a 0 before it."""
        cells = self.columns[name]
        if isinstance(cells, np.ndarray):
            return []
        return [cell for cell in cells if CODE.fullmatch(cell)]

    def refusal(self, name: str, cell: str) -> DataError:
        """What to say about the first cell of this text in a column of numbers."""
        row = self.texts(name).index(cell)
        problem = TEXT if number_in(cell) is None else NOT_FINITE
        remedy = AS_CATEGORY.format(name) if problem is TEXT else ""
        return self._refusal(name, row, problem, remedy)

    def only(self, rows: npt.NDArray[np.intp]) -> Table:
        """Some rows of the table."""
        columns = {
            name: cells[rows] if isinstance(cells, np.ndarray) else [cells[row] for row in rows]
            for name, cells in self.columns.items()
        }
        return replace(self, columns=columns, rows=[self.rows[row] for row in rows])

    @cached_property
    def _texts(self) -> dict[str, list[str]]:
        return {}

    def labels(self, name: str) -> list[str]:
        """The column as text, no cell of it empty.

        Raises
        ------
        DataError
            If a cell is empty, or says NaN or Inf.
        """
        cells = [str(cell) for cell in self.columns[name]]
        for row, cell in enumerate(cells):
            problem = problem_of(cell)
            if problem is not None and problem is not TEXT:
                raise self._refusal(name, row, problem)
        return cells

    def is_number(self, name: str) -> list[bool]:
        """For each cell of a column whether it is a finite number."""
        return [problem_of(cell) is None for cell in self.columns[name]]

    def require(self, name: str) -> None:
        """Raise `DataError`, with the columns there are, unless there is a column of this name."""
        if name not in self.columns:
            raise DataError(
                self.source,
                f"there is no column {quoted(name)}",
                self.inventory,
                self.hint(name, "choose one of these"),
            )

    @property
    def inventory(self) -> str:
        """The columns there are, in words."""
        return f"the column{'s' * (len(self.names) > 1)} {listed(self.names)}"

    def hint(self, missing: str, otherwise: str) -> str:
        """What may be wrong where a column is missing; `otherwise` if there is nothing to see."""
        if all(problem_of(name) is None for name in self.names):
            return "the first row must hold the columns' names, and here it holds numbers"
        match = closest(missing, self.names)
        return f"did you mean {quoted(match)}?" if match else otherwise

    def without(self, name: str) -> tuple[str, ...]:
        """The names of all columns but one."""
        return tuple(other for other in self.names if other != name)

    def _refusal(self, name: str, row: int, problem: Problem, remedy: str = "") -> DataError:
        cell = str(self.columns[name][row])
        column = [str(other) for other in self.columns[name]]
        written = remedy_for(cell, column, self.delimiter) if problem is TEXT else None
        got = f"{quoted(cell)} in row" if cell.strip() else "nothing in row"
        return DataError(
            self.source,
            f"the column {quoted(name)} {problem.problem}",
            f"{got} {self.rows[row]}",
            written or remedy or problem.remedy,
        )


@dataclass(frozen=True)
class Problem:
    """Why a cell is not a finite number, and what to do about it."""

    problem: str
    remedy: str


AS_CATEGORY = "write a number there, leave the column out, or say --column {}=category"
EMPTY = Problem("has an empty cell", "fill it or remove the row")
TEXT = Problem("must hold numbers", "write a number there, or remove the column")
NOT_FINITE = Problem("holds a value that is not finite", "replace it or remove the row")


def problem_of(cell: Any) -> Problem | None:
    """What keeps a cell from being a finite number; None if nothing does."""
    value = parsed(cell)
    if value is None:
        return TEXT if cell.strip() else EMPTY
    return None if math.isfinite(value) else NOT_FINITE


def _converted(cells: Sequence[str] | Floats) -> Floats | None:
    """All cells as float64, or None if one of them is not a finite number."""
    try:
        values = np.array(cells, dtype=np.float64)
    except ValueError:
        return None
    text = not isinstance(cells, np.ndarray) and any("_" in cell for cell in cells)
    return None if text or not np.isfinite(values).all() else values
