"""Single cells: which have no value, and what a number, a truth or a date looks like."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

Cells = Sequence[str] | npt.NDArray[np.float64]

MISSING = frozenset(("", "na", "n/a", "#n/a", "nan", "<na>", "nat", "null", "none", "?"))
"""What programs and people write where a value is missing, in small letters."""
NO_NUMBER = frozenset(("-", "--", "."))
"""What stands for a missing number or date, and may be a category elsewhere."""
TRUTHS = (
    frozenset(("true", "false")), frozenset(("yes", "no")), frozenset(("t", "f")),
    frozenset(("y", "n")),
)  # fmt: skip
DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%Y", "%m/%d/%Y", "%m-%d-%Y",
    "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%Y-%m", "%b-%Y", "%b %Y",
    "%d-%b-%y", "%m/%d/%y", "%d/%m/%y",
)  # fmt: skip
"""Ways in which a day is written."""
TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", "T%H:%M", "T%H:%M:%S", " %I:%M %p")
ISO = "ISO 8601"
DATED = re.compile(r"[^\d]*\d{1,4}[-/. ](\d{1,2}|[A-Za-z]{3,9})[-/., ].*|[A-Za-z]{3,9}\.? \d.*")


def is_missing(cell: str) -> bool:
    """Whether a cell says that its value is not known."""
    return cell.casefold() in MISSING


def parsed(cell: Any) -> float | None:
    """A cell as Python reads it, which may be NaN or infinite; None if it is no number."""
    if isinstance(cell, str) and "_" in cell:  # Python reads 1_000 as a number; tables do not
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def number_in(cell: str) -> float | None:
    """The number that a cell is, which may be infinite; None if it is none."""
    value = parsed(cell)
    return None if value is None or math.isnan(value) else value


def text_of_number(value: float) -> str:
    """A number as a label."""
    return str(int(value)) if value.is_integer() else repr(float(value))


def texts_of(cells: Cells) -> list[str]:
    """The cells as labels; those that are missing are empty."""
    if isinstance(cells, np.ndarray):
        return ["" if np.isnan(value) else text_of_number(float(value)) for value in cells]
    return ["" if is_missing(cell) else cell for cell in cells]


def date_formats(cells: Iterable[str]) -> list[str]:
    """The ways of writing dates that fit all cells; several if a day may be a month."""
    different = list(dict.fromkeys(cells))
    if not different or not all(DATED.fullmatch(cell) for cell in different[:100]):
        return []
    if all(_iso(cell) is not None for cell in different):
        return [ISO]
    fitting = [day + time for day in DATES for time in TIMES]
    for cell in different:
        fitting = [style for style in fitting if date_in(cell, style) is not None]
    short = [style for style in fitting if "%y" in style]
    return [style for style in fitting if style not in short] or short


def date_in(cell: str, style: str) -> datetime | None:
    """The moment that a cell names, without its time zone; None if it is not written so."""
    if style == ISO:
        return _iso(cell)
    try:
        return datetime.strptime(cell, style)
    except ValueError:
        return None


def _iso(cell: str) -> datetime | None:
    try:
        return datetime.fromisoformat(cell).replace(tzinfo=None)
    except ValueError:
        return None


def is_truth(values: Iterable[Any]) -> bool:
    """Whether values are the two words of yes and no, or one of them."""
    words = frozenset(str(value).casefold() for value in values)
    return any(words <= pair for pair in TRUTHS)
