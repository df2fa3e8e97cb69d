"""Reads a CSV file with a header, as spreadsheets and programs write it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from chainrule.errors import DataError
from chainrule.tables.encoding import text_of
from chainrule.tables.layout import LINE, Layout, layout_of
from chainrule.tables.table import Table
from chainrule.tables.words import quoted

COMMENT = "lines that begin with # are comments only above the header: remove it"


def read_table(path: str | Path) -> Table:
    """Read a CSV file whose first row names the columns.

    Parameters
    ----------
    path : str or Path
        A text file in UTF-8, or in another encoding that is guessed. Cells are parted by commas,
        semicolons, tabs, vertical bars or blanks, and may be quoted. Blanks around a cell are
        skipped, and so are blank lines; but in a table of one column, a blank line between others
        is a row whose cell is empty. What was guessed is in the table's `notes`.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        If there is no such file or it cannot be read, is not text, has no rows, rows of different
        lengths, or a column without a name or with another one's name.

    Examples
    --------
    >>> _ = Path("houses.csv").write_text("area;price\\n50;120\\n70;150\\n")
    >>> table = read_table("houses.csv")
    >>> table.names, table.numbers("price")
    (('area', 'price'), array([120., 150.]))
    """
    source = str(path)
    text, notes = text_of(source, _contents(source))
    layout = layout_of(text)
    records = list(_records(source, text, layout))
    first = next((place for place, (_, cells) in enumerate(records) if cells), None)
    if first is None:
        raise DataError(source, "the file is empty", remedy="write a header and one row an example")
    names = _names(records[first][1], layout)
    _check_names(source, names)
    body = _body(records[first + 1 :], len(names))
    if not body:
        raise DataError(
            source, "there is a header but no row below it", remedy="write one row an example"
        )
    for row, cells in body:
        _check_length(source, row, cells, names)
    columns = zip(*(cells for _, cells in body), strict=True)
    return Table(
        source,
        dict(zip(names, columns, strict=True)),
        [row for row, _ in body],
        delimiter=layout.delimiter,
        notes=(*notes, *layout.notes),
    )


def _contents(source: str) -> bytes:
    try:
        return Path(source).read_bytes()
    except FileNotFoundError:
        raise DataError(
            source, "there is no such file", remedy="give the path of a CSV file"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(source, "the file cannot be read", reason) from None


def _records(source: str, text: str, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Every line of the table: its number in the file, and its cells; none if it is blank."""
    lines = _Lines(text, layout.skipped)
    reader = csv.reader(lines, delimiter=layout.delimiter, skipinitialspace=True, strict=True)
    while True:
        row, lines.seen = lines.number + 1, ""  # a quoted cell may go on over several lines
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            raise _malformed(source, row, str(error)) from None
        if layout.delimiter == " " and len(cells) > 1 and not cells[-1]:
            cells.pop()  # a blank at the end of the line parts nothing
        is_blank = not any(cells) and len(cells) < 2 and '"' not in lines.seen
        yield row, [] if is_blank else cells


def _malformed(source: str, row: int, why: str) -> DataError:
    closing = "close every quotation mark that a cell opens, and double those inside"
    if "field limit" in why:
        longest = f"more than {csv.field_size_limit():,} characters"
        return DataError(
            source, f"a cell of row {row} is too long", longest, f"shorten it, or {closing}"
        )
    return DataError(source, f"row {row} is not well-formed CSV", why, closing)


class _Lines:
    """The lines of a text with their line ends, counted; `seen` is what was read of them."""

    def __init__(self, text: str, skipped: int) -> None:
        self._lines = io.StringIO(text, newline="")
        self.number = 0
        self.seen = ""
        for _ in range(skipped):
            next(self)

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        self.seen += line
        return line


def _names(cells: list[str], layout: Layout) -> list[str]:
    """The columns' names; a line break within one is a blank."""
    if layout.is_comment:
        cells = [cells[0].lstrip("# "), *cells[1:]] if cells[0].strip("# ") else cells[1:]
    return [" ".join(name.split()) if LINE.search(name) else name for name in cells]


def _body(records: list[tuple[int, list[str]]], columns: int) -> list[tuple[int, list[str]]]:
    """The rows. In a table of one column a blank line between others is an empty cell."""
    while records and not records[-1][1]:
        records.pop()
    if columns == 1:
        return [(row, cells or [""]) for row, cells in records]
    return [(row, cells) for row, cells in records if cells]


def _check_names(source: str, names: list[str]) -> None:
    if "" in names:
        raise DataError(
            source,
            f"column {names.index('') + 1} has no name",
            f"{len(names)} columns",
            "name it in the first row, or remove the column (pandas: to_csv(…, index=False))",
        )
    places: dict[str, int] = {}
    for position, name in enumerate(names, 1):
        if places.setdefault(name, position) != position:
            raise DataError(
                source,
                "two columns have the same name",
                f"{quoted(name)} as columns {places[name]} and {position}",
                "rename one of them",
            )


def _check_length(source: str, row: int, cells: list[str], names: list[str]) -> None:
    if len(cells) != len(names):
        raise DataError(
            source,
            "a row has more cells than the header"
            if len(cells) > len(names)
            else "a row has fewer cells than the header",
            f"{len(cells)} in row {row}, and {len(names)} columns",
            COMMENT if cells[0].startswith("#") else "give every row one cell for each column",
        )
