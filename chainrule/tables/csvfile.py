"""Reads a CSV file with a header: UTF-8, cells parted by commas, semicolons or tabs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from chainrule.errors import DataError
from chainrule.tables.table import Table
from chainrule.tables.words import quoted

DELIMITERS = ",;\t"


def read_table(path: str | Path) -> Table:
    """Read a CSV file whose first row names the columns.

    Parameters
    ----------
    path : str or Path
        A text file in UTF-8, with or without a byte order mark. Cells are parted by commas,
        semicolons or tabs, and may be quoted. Blank lines are skipped, and so are blanks around a
        cell.

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
    records = list(_records(source, _text(source, _contents(source))))
    if not records:
        raise DataError(source, "the file is empty", remedy="write a header and one row an example")
    (_, names), *body = records
    _check_names(source, names)
    if not body:
        raise DataError(
            source, "there is a header but no row below it", remedy="write one row an example"
        )
    for row, cells in body:
        _check_length(source, row, cells, names)
    columns = zip(*(cells for _, cells in body), strict=True)
    return Table(source, dict(zip(names, columns, strict=True)), [row for row, _ in body])


def delimiter_of(text: str) -> str:
    """The delimiter of a table: of those in its header the one that its first rows repeat most.

    The standard library's Sniffer guesses from all characters and fails on a single column.

    >>> delimiter_of("a;b\\n1,5;2,5\\n"), delimiter_of("a\\n1\\n")
    (';', ',')
    """
    lines = [re.sub(r'"(?:[^"]|"")*"', "", line) for line in text.lstrip().split("\n", 20)[:20]]
    header, rows = lines[0], [line for line in lines[1:] if line.strip()]

    def fit(delimiter: str) -> tuple[bool, int, int]:
        count = header.count(delimiter)
        return count > 0, sum(row.count(delimiter) == count for row in rows), count

    return max(DELIMITERS, key=fit)


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


def _text(source: str, contents: bytes) -> str:
    if contents.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise DataError(
            source, "this is a spreadsheet or an archive, not text", remedy="save the sheet as CSV"
        )
    try:
        text = contents.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte, row = contents[error.start], contents[: error.start].count(b"\n") + 1
        raise DataError(
            source,
            "the file is not text in UTF-8",
            f"the byte 0x{byte:02x} in row {row}",
            "save it as CSV UTF-8",
        ) from None
    if "\0" in text:
        raise DataError(source, "the file is not text", "a zero byte", "save it as CSV UTF-8")
    return text


def _records(source: str, text: str) -> Iterator[tuple[int, list[str]]]:
    """Every row that is not blank: its number in the file, and its cells."""
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter_of(text), skipinitialspace=True, strict=True)
    while True:
        row = reader.line_num + 1  # a quoted cell may go on over several lines
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                source,
                f"row {row} is not well-formed CSV",
                str(error),
                "close every quotation mark that a cell opens, and double those inside",
            ) from None
        if any(cells) or len(cells) > 1:
            yield row, cells


def _check_names(source: str, names: list[str]) -> None:
    for position, name in enumerate(names, 1):
        if not name:
            raise DataError(
                source,
                f"column {position} has no name",
                f"{len(names)} columns",
                "name it in the first row, or remove the column (pandas: to_csv(…, index=False))",
            )
        if name in names[: position - 1]:
            raise DataError(
                source,
                "two columns have the same name",
                f"{quoted(name)} as columns {names.index(name) + 1} and {position}",
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
            "give every row one cell for each column",
        )
