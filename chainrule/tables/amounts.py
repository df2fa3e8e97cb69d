"""Numbers as people write them: 5%, €10, 10,000.00, 1,5: what they are, and what to write instead.

None of them is read as a number: 5,000 is five thousand to one half of the world and five to the
other. Whoever wrote it is told what a plain number looks like.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum, auto

CURRENCY = r"[€$£¥₹₽₩₺]|(?:USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|SEK|NOK|DKK|PLN|CZK|BRL)"
UNIT = rf"(?:{CURRENCY}|[%‰°]|°[CF]|kg|mg|g|km|cm|mm|ml|kWh|Hz|\s[a-zA-Zµ°²³/]{{1,6}})"
SPACE = " \u00a0\u202f"
NUMBER = rf"\d{{1,3}}(?:[,.'’{SPACE}]\d{{3}})+(?:[.,]\d+)?|\d+(?:[.,]\d*)?|[.,]\d+"
WRITTEN = re.compile(
    rf"\(?\s*(?P<sign>[-+−]?)\s*(?:{CURRENCY})?\s*(?P<second>[-+−]?)(?P<number>{NUMBER})"
    rf"\s*{UNIT}?\s*\)?"
)


class Comma(Enum):
    """What the commas of a column part."""

    decimals = auto()
    thousands = auto()
    unclear = auto()


def number_in(cell: str) -> str | None:
    """The number within a cell that is one with a unit, or with commas or blanks in it.

    >>> number_in("€10"), number_in("10,000.00"), number_in("5.5"), number_in("5 red roses")
    ('10', '10,000.00', None, None)
    """
    cell = cell.strip()
    match = WRITTEN.fullmatch(cell)
    if match is None or re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)", cell):
        return None
    sign = (match["sign"] or match["second"]).replace("−", "-").replace("+", "")
    return sign + match["number"]


def comma_in(numbers: Sequence[str], delimiter: str) -> Comma:
    """What a comma parts in numbers of one column of a file with this delimiter.

    A comma that is not followed by just three digits, or follows a 0 or a point, parts decimals;
    several commas, or a point after one, part thousands. What fits both is thousands in a file
    whose cells are parted by commas, as countries with a decimal comma use another delimiter;
    otherwise it is unclear.

    >>> comma_in(["5,000"], ","), comma_in(["5,000", "2,5"], ";"), comma_in(["5,000"], ";")
    (<Comma.thousands: 2>, <Comma.decimals: 1>, <Comma.unclear: 3>)
    """
    found = [number.lstrip("-") for number in numbers if "," in number]
    thousands = [n for n in found if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d*)?", n)]
    sure = [n for n in thousands if n.count(",") > 1 or "." in n]
    decimals = [n for n in found if n not in thousands or n.startswith("0,")]
    if bool(sure) == bool(decimals):
        unclear = bool(sure) or delimiter != ","
        return Comma.unclear if unclear else Comma.thousands
    return Comma.thousands if sure else Comma.decimals


def remedy_for(cell: str, column: Sequence[str], delimiter: str) -> str | None:
    """What to write instead of a cell; None if it is no number with something about it."""
    number = number_in(cell)
    if number is None:
        return None
    comma = comma_in([n for n in map(number_in, map(str, column)) if n], delimiter)
    is_alone = cell.strip().lstrip("-+−") == number.lstrip("-")
    alone = "" if is_alone else "write the number alone, as in "
    if "," in number and comma is Comma.unclear:
        first, second = _plain(number, Comma.thousands), _plain(number, Comma.decimals)
        return (
            "a comma before three digits may part thousands or decimals: write "
            f"{first} or {second}, whichever is meant"
        )
    if "," in number and comma is Comma.decimals and is_alone:
        return "write decimals with a point"
    plain = _plain(number, comma)
    return (alone or "write numbers without separators of thousands, as in ") + plain


def _plain(number: str, comma: Comma) -> str:
    """The number as Python reads it."""
    number = re.sub(rf"['’{SPACE}]", "", number)
    if "," not in number:
        return number.replace(".", "") if number.count(".") > 1 else number
    if comma is Comma.decimals:
        return number.replace(".", "").replace(",", ".")
    return number.replace(",", "")
