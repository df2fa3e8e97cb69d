"""One look at a whole table: what every column is taken for, and all that has to be settled."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from chainrule.errors import ArgumentError, DataError
from chainrule.spelling import closest
from chainrule.tables.amounts import amount_in
from chainrule.tables.cells import DATED, NO_NUMBER, date_formats, is_truth, number_in
from chainrule.tables.table import Table
from chainrule.tables.words import listed, quoted

FEW = 20
"""So many different texts are categories in any table."""
ROWS_A_VALUE = 2
"""More are categories if each is there in so many rows on average."""
NUMBERING = re.compile(
    r"(unnamed: |column |level_|\.\.\.)?\d*|(.+[_ .])?id|uuid|guid|index|idx|key"
    r"|row|row[ _]?names?",
    re.IGNORECASE,
)
"""What columns are called that number the rows."""


Made = Callable[..., "Column"]


class Kind(StrEnum):
    """What a column is taken for."""

    number = "number"
    category = "category"
    boolean = "boolean"
    date = "date"
    identifier = "identifier"
    text = "text"
    constant = "constant"
    empty = "empty"
    duplicate = "duplicate"


USED = (Kind.number, Kind.category, Kind.boolean, Kind.date)
"""Kinds that a network is given; all others are left out."""
ASKED = (*USED, Kind.identifier, Kind.text)
"""Kinds that a person may say."""


@dataclass(frozen=True)
class Column:
    """What one column is taken for, and why.

    Attributes
    ----------
    name : str
    kind : Kind
    why : str
        In a few words.
    missing, different : int
        Cells without a value; different values among the others.
    example : str
        The first cell with a value.
    style : str
        How dates are written.
    problem : DataError or None
        What has to be settled before the column can be used.
    remark : str
        What one had better know: that it tells the target, say.
    """

    name: str
    kind: Kind
    why: str
    missing: int
    different: int
    example: str = ""
    style: str = ""
    problem: DataError | None = None
    remark: str = ""

    @property
    def is_used(self) -> bool:
        return self.kind in USED


@dataclass(frozen=True)
class Look:
    """What every column of a table is taken for.

    Attributes
    ----------
    table : Table
    columns : tuple of Column
        In the order of the table, without the target and what was to be dropped.
    target : str or None
    """

    table: Table
    columns: tuple[Column, ...]
    target: str | None = None

    @property
    def used(self) -> tuple[Column, ...]:
        """The columns that a network is given."""
        return tuple(column for column in self.columns if column.is_used)

    @property
    def problems(self) -> tuple[DataError, ...]:
        """All that has to be settled, in the order of the columns."""
        return tuple(column.problem for column in self.columns if column.problem is not None)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is left out, and what to look at, one sentence a kind."""
        found = []
        for kind in Kind:
            names = [column.name for column in self.columns if column.kind is kind]
            if kind not in USED and names:
                why = next(column.why for column in self.columns if column.kind is kind)
                more = "" if len(names) == 1 else "each "
                found.append(f"left out as {kind}: {listed(names)} ({more}{why})")
        found += [column.remark for column in self.columns if column.remark]
        return tuple(found)

    def settle(self) -> None:
        """Raise what keeps the table from being used.

        Raises
        ------
        DataError
            The one problem that there is, or a sentence with all of them; or that no column is
            left to learn from.
        """
        problems = self.problems
        if len(problems) == 1:
            raise problems[0]
        if problems:
            each = ", ".join(f"{item.problem} ({item.got})" for item in problems[:5])
            more = f", and {len(problems) - 5} more" if len(problems) > 5 else ""
            many = f"{len(problems)} columns have to be settled first"
            raise DataError(
                self.table.source, f"{many}: {each}{more}",
                remedy="mend the cells, leave columns out with --drop NAME, or say what they are "
                "with --column NAME=category; chainrule look shows all of them",
            )  # fmt: skip
        if not self.used:
            what = "; ".join(self.notes) or "there is no column beside the target"
            raise DataError(self.table.source, what, remedy="add columns to learn from")


def look(
    table: Table,
    target: str | None = None,
    kinds: Mapping[str, Kind] | None = None,
    dropped: Sequence[str] = (),
) -> Look:
    """Tell what every column of a table is.

    Parameters
    ----------
    table : Table
    target : str, optional
        The column to learn, which is not looked at itself; columns that tell it are remarked on.
    kinds : mapping of str to Kind, optional
        What columns are, where a person says it.
    dropped : sequence of str
        Columns to leave out.

    Returns
    -------
    Look

    Raises
    ------
    DataError
        If a name is none of the table's.

    Examples
    --------
    >>> table = Table("pets", {"id": ["1", "2", "3"], "kind": ["cat", "dog", "cat"]}, [2, 3, 4])
    >>> [(column.name, str(column.kind)) for column in look(table).columns]
    [('id', 'identifier'), ('kind', 'category')]
    """
    kinds = kinds or {}
    for name in (*kinds, *dropped):
        table.require(name)
    names = [name for name in table.names if name != target and name not in dropped]
    seen: dict[Any, str] = {}
    columns = []
    for name in names:
        texts = tuple(table.texts(name))
        first = seen.setdefault(texts, name)
        columns.append(
            _column(table, name, texts, kinds.get(name), None if first == name else first)
        )
    if target is not None:
        columns = [_with_remark(table, column, target) for column in columns]
    return Look(table, tuple(columns), target)


def kinds_from(pairs: Sequence[str]) -> dict[str, Kind]:
    """Read ``NAME=kind``.

    >>> kinds_from(["zip=category"])
    {'zip': <Kind.category: 'category'>}
    """
    found = {}
    for pair in pairs:
        name, sign, word = pair.rpartition("=")
        if not sign or word not in ASKED:
            match = closest(word, list(ASKED)) if sign else None
            hint = f"did you mean {name}={match}?" if match else f"write one of {', '.join(ASKED)}"
            raise ArgumentError("--column", "a column and a kind are needed", quoted(pair), hint)
        found[name] = Kind(word)
    return found


def _column(
    table: Table, name: str, texts: tuple[str, ...], asked: Kind | None, twin: str | None
) -> Column:
    present = [text for text in texts if text]
    different = dict.fromkeys(present)

    def made(kind: Kind, why: str, **more: Any) -> Column:
        example = present[0] if present else ""
        missing = len(texts) - len(present)
        return Column(name, kind, why, missing, len(different), example, **more)

    if not present:
        return made(Kind.empty, "no cell has a value")
    if table.one_unit:
        return made(Kind.number, "numbers in one unit")
    if asked is not None:
        return _asked(table, name, present, asked, made)
    if twin is not None:
        return made(Kind.duplicate, f"the same cells as {quoted(twin)}")
    if len(different) == 1 and len(present) == len(texts):
        return made(Kind.constant, f"{quoted(present[0])} in every row")
    return _told(table, name, present, different, made)


def _told(
    table: Table, name: str, present: list[str], different: Mapping[str, Any], made: Made
) -> Column:
    """The kind as the cells tell it."""
    numbers = {text: number_in(text) for text in different}
    words = [text for text, number in numbers.items() if number is None and text not in NO_NUMBER]
    if not words:
        return _numeric(table, name, present, numbers, made)
    if is_truth(different):
        return made(Kind.boolean, "two words for yes and no")
    styles = date_formats(text for text in different if text not in NO_NUMBER)
    if len(styles) == 1:
        return made(Kind.date, f"dates, written as {styles[0]}", style=styles[0])
    if styles:
        return made(
            Kind.date, "dates", style=styles[0], problem=_unclear(table, name, present, styles)
        )
    if 2 * sum(numbers[text] is not None for text in present) >= len(present):
        problem = table.refusal(name, words[0])
        return made(Kind.number, "most cells are numbers", problem=problem)
    if _are_amounts(present, numbers):
        return made(Kind.number, "amounts", problem=table.refusal(name, words[0]))
    if len(different) <= max(FEW, len(present) / ROWS_A_VALUE):
        return made(Kind.category, f"{len(different)} different texts")
    if len(different) == len(present) and NUMBERING.fullmatch(name.strip()):
        return made(Kind.identifier, "another one in every row")
    return made(Kind.text, "too many different texts to tell rows apart by")


def _numeric(
    table: Table, name: str, present: list[str], numbers: Mapping[str, float | None], made: Made
) -> Column:
    values = [number for number in numbers.values() if number is not None]
    infinite = next((text for text, x in numbers.items() if x is not None and np.isinf(x)), None)
    if infinite is not None:
        return made(Kind.number, "numbers", problem=table.refusal(name, infinite))
    is_unique = len(numbers) == len(present)
    is_whole = all(value.is_integer() for value in values)
    if is_unique and is_whole and NUMBERING.fullmatch(name.strip()) and len(present) > 2:
        return made(Kind.identifier, "another number in every row")
    codes = table.codes(name)
    if codes:
        if len(numbers) <= max(FEW, len(present) / ROWS_A_VALUE):
            return made(Kind.category, f"labels, as {quoted(codes[0])} begins with a 0")
        return made(Kind.identifier, f"labels, as {quoted(codes[0])} begins with a 0")
    return made(Kind.number, "numbers")


def _asked(table: Table, name: str, present: list[str], asked: Kind, made: Made) -> Column:
    """The kind that a person says, if the cells allow it."""
    if asked is Kind.number:
        bad = [text for text in present if text not in NO_NUMBER and number_in(text) is None]
        return made(asked, "as asked", problem=table.refusal(name, bad[0]) if bad else None)
    if asked is Kind.date:
        styles = date_formats(dict.fromkeys(text for text in present if text not in NO_NUMBER))
        if len(styles) != 1:
            return made(asked, "as asked", problem=_unclear(table, name, present, styles))
        return made(asked, "as asked", style=styles[0])
    return made(asked, "as asked")


def _unclear(table: Table, name: str, present: Sequence[str], styles: Sequence[str]) -> DataError:
    got = f"{quoted(present[0])} in row {table.rows[table.texts(name).index(present[0])]}"
    if not styles:
        return DataError(
            table.source, f"the column {quoted(name)} holds no dates, or not all alike",
            got, "write dates as 2024-12-31",
        )  # fmt: skip
    return DataError(
        table.source, f"the dates in {quoted(name)} can be read in {len(styles)} ways", got,
        "write them as 2024-12-31",
    )  # fmt: skip


def _are_amounts(present: Sequence[str], numbers: Mapping[str, float | None]) -> bool:
    """Whether most cells are numbers with a unit, a currency or separators about them."""
    if any(DATED.fullmatch(text) for text in present[:20]):
        return False
    written = sum(numbers[text] is not None or amount_in(text) is not None for text in present)
    return 2 * written > len(present)


def _with_remark(table: Table, column: Column, target: str) -> Column:
    """A column that has the target in it: it knows the answer, and new rows will not."""
    if not column.is_used or column.problem is not None:
        return column
    texts, wanted = table.texts(column.name), table.texts(target)
    pairs = {(a, b) for a, b in zip(texts, wanted, strict=True) if a and b}
    if len(pairs) < 2:
        return column
    is_same = len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)
    repeats = len(pairs) * 2 <= len(texts)
    is_line = column.kind is Kind.number and not repeats and _on_a_line(table, column.name, target)
    if not (is_same and repeats) and not is_line:
        return column
    values = vars(column) | {
        "remark": f"{quoted(column.name)} tells {quoted(target)} exactly; leave it out with "
        f"--drop {column.name} if it is not known beforehand"
    }
    return Column(**values)


def _on_a_line(table: Table, name: str, target: str) -> bool:
    try:
        x, y = table.amounts(name), table.amounts(target)
    except DataError:
        return False
    both = ~np.isnan(x) & ~np.isnan(y)
    x, y = x[both], y[both]
    if len(x) < 10 or not np.ptp(x) > 0 or not np.ptp(y) > 0:
        return False
    with np.errstate(all="ignore"):
        r = float(np.corrcoef(x, y)[0, 1])
    return abs(r) > 1 - 1e-12
