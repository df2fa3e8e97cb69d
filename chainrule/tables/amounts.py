"""Numbers as people write them, 5%, €10, 10,000.00, 1,5, 2k, and what to write instead.

None of them is read as a number: 5,000 is five thousand to one half of the world and five to the
other. Whoever wrote it is told what a plain number looks like.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum, auto
from typing import NamedTuple

CURRENCY = r"[€$£¥₹₽₩₺]|(?:USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|SEK|NOK|DKK|PLN|CZK|BRL)"
UNIT = rf"{CURRENCY}|[%‰°]|°[CF]|kg|mg|g|km|cm|mm|ml|kWh|Hz|(?<=\s)[a-zA-Zµ°²³/]{{1,6}}"
SPACE = " \u00a0\u202f"
NUMBER = (
    rf"(?:\d{{1,3}}(?:[,.'’_{SPACE}]\d{{3}})+|\d{{1,2}}(?:,\d{{2}})+,\d{{3}})(?:[.,]\d+)?"
    r"|(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?"
)
POWERS = {
    "k": 3, "K": 3, "thousand": 3,
    "M": 6, "mn": 6, "Mio": 6, "million": 6,
    "bn": 9, "Mrd": 9, "billion": 9, "B": 9, "T": 12,
}  # fmt: skip
"""The power of ten that a word or letter after a number stands for; B and T only after money."""
MAGNITUDE = r"(?:thousand|million|billion|mn|bn|Mio|Mrd|[kKM]|(?(coin)[BT]|(?!)))"
WRITTEN = re.compile(
    rf"(?P<open>\()?\s*(?P<sign>[-+−]?)\s*(?P<coin>{CURRENCY})?\s*(?P<second>[-+−]?)"
    rf"(?P<number>{NUMBER})(?:\s*(?P<magnitude>{MAGNITUDE})(?![a-z])\.?)?"
    rf"\s*(?P<unit>{UNIT})?\s*(?(open)\))"
)
LONGEST = 60
"""Characters of an amount: longer cells are text, and would take the pattern long to refuse."""
PLAIN = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
THOUSANDS = re.compile(r"(?:\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3})(?:\.\d*)?")


class Comma(Enum):
    """What the commas of a column part."""

    decimals = auto()
    thousands = auto()
    unclear = auto()


class Amount(NamedTuple):
    """A number with something about it, part by part."""

    sign: str
    number: str
    power: int = 0
    unit: str = ""
    in_brackets: bool = False

    @property
    def is_bare(self) -> bool:
        """Whether all that is about it are separators."""
        return not (self.power or self.unit or self.in_brackets)


def amount_in(cell: str) -> Amount | None:
    """The amount that a cell is, if it is not a plain number, nor something else.

    >>> amount_in("€-10")
    Amount(sign='-', number='10', power=0, unit='€', in_brackets=False)
    >>> amount_in("2.5 k").power, amount_in("5.5"), amount_in("5 red roses")
    (3, None, None)
    """
    cell = cell.strip()
    match = WRITTEN.fullmatch(cell) if len(cell) <= LONGEST else None
    if match is None or PLAIN.fullmatch(cell):
        return None
    if match["magnitude"] and "e" in match["number"].lower():
        return None  # nobody writes a power of ten twice
    sign = (match["sign"] or match["second"]).replace("−", "-").replace("+", "")
    unit = (match["coin"] or "") + (match["unit"] or "")
    power = POWERS[match["magnitude"]] if match["magnitude"] else 0
    return Amount(sign, match["number"], power, unit, match["open"] is not None)


def comma_in(numbers: Sequence[str], delimiter: str) -> Comma:
    """What a comma parts in numbers of one column of a file with this delimiter.

    A comma that is not followed by just three digits, or follows a 0 or a point, parts decimals;
    several commas, or a point after one, part thousands. What fits both is thousands in a file
    whose cells are parted by commas, as countries with a decimal comma use another delimiter;
    otherwise it is unclear.

    >>> comma_in(["5,000"], ","), comma_in(["5,000", "2,5"], ";"), comma_in(["5,000"], ";")
    (<Comma.thousands: 2>, <Comma.decimals: 1>, <Comma.unclear: 3>)
    """
    found = [number for number in numbers if "," in number]
    thousands = [n for n in found if THOUSANDS.fullmatch(n)]
    sure = [n for n in thousands if n.count(",") > 1 or "." in n]
    decimals = [n for n in found if is_decimal(n)]
    if bool(sure) == bool(decimals):
        unclear = bool(sure) or delimiter != ","
        return Comma.unclear if unclear else Comma.thousands
    return Comma.thousands if sure else Comma.decimals


def is_decimal(number: str) -> bool:
    """Whether the comma in a number can part nothing but decimals.

    >>> is_decimal("1,5"), is_decimal("0,500"), is_decimal("80,500"), is_decimal("80")
    (True, True, False, False)
    """
    return "," in number and (not THOUSANDS.fullmatch(number) or number.startswith("0,"))


def remedy_for(cell: str, column: Sequence[str], delimiter: str) -> str | None:
    """What to write instead of a cell; None if it is no number with something about it.

    >>> remedy_for("2.5k", ["2.5k", "1k"], ","), remedy_for("5%", ["5%", "7 kg"], ",")
    ('write the number in full, as in 2500', 'write all cells in one unit, and the numbers alone')
    """
    amount = amount_in(cell)
    if amount is None:
        return None
    amounts = [found for other in column if (found := amount_in(other)) is not None]
    if _units(column, amounts) > 1:
        return "write all cells in one unit, and the numbers alone"
    comma = comma_in([other.number for other in amounts], delimiter)
    if "," in amount.number and comma is Comma.unclear:
        first, second = plainly(amount, Comma.thousands), plainly(amount, Comma.decimals)
        return (
            "a comma before three digits may part thousands or decimals: write "
            f"{first} or {second}, whichever is meant"
        )
    number = plainly(amount, comma)
    if amount.in_brackets and not amount.sign:
        return f"brackets may stand for a minus: write -{number} or {number}, whichever is meant"
    if amount.power:
        return f"write the number in full, as in {number}"
    if not amount.is_bare:
        return f"write the number alone, as in {number}"
    if "," in amount.number and comma is Comma.decimals:
        # Where a comma parts decimals, a point does not.
        alone = " and nothing between thousands" if any("." in other for other in column) else ""
        return f"write decimals with a point{alone}, as in {number}"
    return f"write numbers without separators of thousands, as in {number}"


def plainly(amount: Amount, comma: Comma) -> str:
    """The amount as Python reads it.

    >>> plainly(Amount("-", "1.234,5"), Comma.decimals)
    '-1234.5'
    >>> plainly(Amount("", "1,2", power=6), Comma.decimals)
    '1200000'
    """
    number = re.sub(rf"['’_{SPACE}]", "", amount.number)
    if "," not in number:
        number = number.replace(".", "") if number.count(".") > 1 else number
    elif comma is Comma.decimals:
        number = number.replace(".", "").replace(",", ".")
    else:
        number = number.replace(",", "")
    if amount.power:
        number = f"{Decimal(number).scaleb(amount.power).normalize():f}"
    return amount.sign + number


def _units(column: Sequence[str], amounts: Sequence[Amount]) -> int:
    """In how many units the column is measured; numbers without one beside others are in one."""
    is_mixed = any(PLAIN.fullmatch(cell.strip()) for cell in column)
    return len({amount.unit for amount in amounts} | ({""} if is_mixed else set()))
