"""How a table stands in its text: what parts its cells, where it begins, what was guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass

DELIMITERS = ",;\t|"
NAMES = {"|": "a vertical bar", " ": "blanks"}
HEAD = 100_000
"""Characters by which a table is known."""
LINE = re.compile(r"\r\n?|\n")
QUOTED = re.compile(r'(^|[,;\t|\r\n])([ ]*)"(?:[^"]|"")*"')


@dataclass(frozen=True)
class Layout:
    """The delimiter, the lines above the header, whether the header is a comment, and notes."""

    delimiter: str
    skipped: int = 0
    is_comment: bool = False
    notes: tuple[str, ...] = ()


def layout_of(text: str) -> Layout:
    """Tell how a table is written from its first lines.

    A line such as ``sep=;`` says what parts the cells. Lines above the header that begin with #
    are comments; the last of them is the header if a row of numbers follows that has as many cells.
    """
    lines = LINE.split(text[:HEAD])
    said = re.fullmatch(r'"?(?i:sep)=(.)"?\s*', lines[0].lstrip("\ufeff")) if lines else None
    skipped = 1 if said else 0
    comments = 0
    while skipped + comments < len(lines) and lines[skipped + comments].startswith("#"):
        comments += 1
    below = lines[skipped + comments :]
    delimiter = said[1] if said else delimiter_of("\n".join(below))
    last = lines[skipped + comments - 1] if comments else ""
    row = next((line for line in below if line.strip()), "")
    notes: tuple[str, ...] = ()
    is_header = bool(comments) and _cells(last.lstrip("# "), delimiter) == _cells(row, delimiter)
    if is_header and re.match(r"#\S|#\s*" + re.escape(delimiter), last) and comments == 1:
        comments, is_header = 0, False  # the name of its first column begins with #
    elif is_header and _is_numbers(row, delimiter):
        comments -= 1
        notes = (f"the names of the columns are those of row {skipped + comments + 1}, after #",)
    else:
        is_header = False
    if comments:
        left_out = (
            "the first line, which begins with #, is left out"
            if comments == 1
            else f"{comments} lines that begin with # are left out"
        )
        notes = (left_out, *notes)
    if delimiter in NAMES and not said:
        notes = (f"the cells are taken to be parted by {NAMES[delimiter]}", *notes)
    return Layout(delimiter, skipped + comments, is_header, notes)


def delimiter_of(text: str) -> str:
    """The delimiter of a table: of those in its header the one that its first rows repeat most.

    Blanks part the cells where nothing else does, and every row has as many words as the header.
    The standard library's Sniffer guesses from all characters and fails on a single column.

    >>> delimiter_of("a;b\\n1,5;2,5\\n"), delimiter_of("a\\n1\\n"), delimiter_of("a b\\n1  2\\n")
    (';', ',', ' ')
    """
    head = QUOTED.sub(r'\1\2""', text[:HEAD].lstrip("\r\n"))
    lines = LINE.split(head)[:21]
    header, rows = lines[0], [line for line in lines[1:] if line.strip()]

    def fit(delimiter: str) -> tuple[bool, int, int]:
        count = header.count(delimiter)
        return count > 0, sum(row.count(delimiter) == count for row in rows), count

    best = max(DELIMITERS, key=fit)
    words = len(header.split())
    if not fit(best)[0] and words > 1 and rows and all(len(row.split()) == words for row in rows):
        return " "
    return best


def _cells(line: str, delimiter: str) -> int:
    return len(line.split()) if delimiter == " " else line.count(delimiter) + 1


def _is_numbers(line: str, delimiter: str) -> bool:
    cells = line.split(None if delimiter == " " else delimiter)
    return all(re.fullmatch(r"\s*[-+]?[\d.][\d.eE+-]*\s*", cell) for cell in cells)
