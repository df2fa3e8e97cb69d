"""What was taken for what in a table, where it can be read in two ways."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from chainrule.tables.table import Table, problem_of
from chainrule.tables.target import Task, codes_in
from chainrule.tables.words import quoted

WHOLE = re.compile(r"[-+]?\d+")
GROUPED = re.compile(r"[-+]?[1-9]\d{0,2}\.\d{3}")
CODES = "begins with a 0 and is taken as a number; remove the column if its cells are labels"
ROUNDED = "is rounded, as numbers are kept to some 16 digits"
GROUPS = "is read with a decimal point; remove the point if it parts thousands"
Found = Callable[[Table, str], Sequence[str]]


def notes_of(table: Table, target: str, columns: Sequence[str], task: Task) -> tuple[str, ...]:
    """What was guessed of the file, its target and its inputs, one sentence a kind."""
    notes = list(table.notes)
    codes = codes_in(table, target)
    if codes and task is Task.classification:
        notes.append(
            f"{quoted(codes[0])} in {quoted(target)} begins with a 0, so its cells are labels; "
            "--task regression takes them as amounts"
        )
    twins = _written_differently(table, target) if task is Task.classification else []
    if twins:
        notes.append(
            f"{quoted(twins[0])} and {quoted(twins[1])} in {quoted(target)} are two classes, as "
            "they are written; write them alike if they are one"
        )
    amounts = () if task is Task.classification else (target,)
    return (*notes, *_of_numbers(table, columns, amounts))


def notes_of_inputs(table: Table, columns: Sequence[str]) -> tuple[str, ...]:
    """What was guessed of the file and its inputs, in the words of `notes_of`."""
    return (*table.notes, *_of_numbers(table, columns))


def _of_numbers(table: Table, columns: Sequence[str], amounts: Sequence[str] = ()) -> list[str]:
    """What may be lost or meant otherwise where cells are taken as numbers."""
    grouped = (*columns, *amounts) if table.delimiter == ";" else ()
    kinds = (
        (columns, codes_in, CODES),
        (columns, _rounded, f"{ROUNDED}; remove the column if its cells are labels"),
        (amounts, _rounded, f"{ROUNDED}; --task classification takes its cells as labels"),
        (grouped, _grouped, GROUPS),
    )
    return [note for kind in kinds if (note := _of_columns(table, *kind))]


def _of_columns(table: Table, columns: Sequence[str], found: Found, what: str) -> str | None:
    """One note of a kind for all columns that it holds for: a table may have thousands."""
    cells = {name: cells[0] for name in columns if (cells := found(table, name))}
    if not cells:
        return None
    name, cell = next(iter(cells.items()))
    more = len(cells) - 1
    others = f" (and so in {more} more column{'s' * (more > 1)})" if more else ""
    return f"{quoted(cell)} in {quoted(name)}{others} {what}"


def _rounded(table: Table, column: str) -> list[str]:
    """Whole numbers that float64 does not hold."""
    long = (cell for cell in _texts(table, column) if len(cell) > 15 and WHOLE.fullmatch(cell))
    return [cell for cell in long if Decimal(cell) != Decimal(float(cell))][:1]


def _grouped(table: Table, column: str) -> list[str]:
    """Cells such as 1.000, where every point of the column stands before three digits.

    Where a semicolon parts cells, a comma often parts decimals, and a point thousands.
    """
    pointed = [cell for cell in _texts(table, column) if "." in cell]
    return pointed[:1] if all(GROUPED.fullmatch(cell) for cell in pointed) else []


def _texts(table: Table, column: str) -> Sequence[str]:
    """The cells as they are written; none if they come as numbers."""
    cells = table.columns[column]
    return () if isinstance(cells, np.ndarray) else cells


def _written_differently(table: Table, target: str) -> list[str]:
    """Two classes of text that are the same number or the same word but for capitals."""
    seen: dict[Any, str] = {}
    for cell in sorted(set(_texts(table, target))):
        key = Decimal(cell) if problem_of(cell) is None else cell.casefold()
        if seen.setdefault(key, cell) != cell:
            return [seen[key], cell]
    return []
