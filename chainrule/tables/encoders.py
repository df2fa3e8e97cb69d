"""Columns as numbers: amounts scaled, categories as units, dates as positions in their cycles.

What an encoder knows was learnt from the rows of the training alone, by scikit-learn's
transformers; it is kept with the model, and applied without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from chainrule.errors import DataError
from chainrule.tables.cells import NO_NUMBER, date_in
from chainrule.tables.table import Floats, Table
from chainrule.tables.words import listed, quoted

WILD = 5.0
"""Scaled numbers beyond this are wild: of a normal distribution, one in two million is."""
MOST_VALUES = 50
"""Values of a category with a unit of their own, the most frequent ones."""
EPOCH = np.datetime64("2000-01-01")
DAY = 86_400.0
CYCLES = {"year": 365.2425, "week": 7.0, "day": 1.0}
"""Periods in days."""


@dataclass
class Remarks:
    """What was done about single cells of a table: how many, of which column, and an example."""

    filled: dict[str, int] = field(default_factory=dict)
    unseen: dict[str, tuple[int, str]] = field(default_factory=dict)

    def notes(self) -> tuple[str, ...]:
        """One sentence a kind."""
        found = []
        if self.filled:
            total, names = sum(self.filled.values()), list(self.filled)
            found.append(
                f"{total:,} cell{'s' * (total > 1)} without a value in {listed(names)} "
                f"{'are' if total > 1 else 'is'} taken as usual in the training rows"
            )
        if self.unseen:
            total = sum(count for count, _ in self.unseen.values())
            name, (_, cell) = next(iter(self.unseen.items()))
            have = "s have values" if total > 1 else " has a value"
            first = f"{quoted(cell)} in {quoted(name)}" if len(self.unseen) > 1 else quoted(cell)
            found.append(
                f"{total:,} cell{have} that the training rows lack, in "
                f"{listed(list(self.unseen))}, such as {first}"
            )
        return tuple(found)


class Encoder(Protocol):
    """A column of a table as columns of a network's inputs."""

    kind: ClassVar[str]

    @property
    def name(self) -> str:
        """The column's name."""
        ...

    @property
    def width(self) -> int:
        """How many inputs it has."""
        ...

    def encode(self, table: Table, remarks: Remarks) -> Floats:
        """The inputs, one row an example."""
        ...


@dataclass(frozen=True)
class Amount:
    """A column of numbers: (x − centre) / scale, and less of what is wild.

    Attributes
    ----------
    name : str
    centre, scale : float
    fill : float
        What stands for a missing number: the median.
    flags : bool
        Whether one more input says that the number was missing.
    """

    kind: ClassVar[str] = "number"
    name: str
    centre: float
    scale: float
    fill: float
    flags: bool

    @property
    def width(self) -> int:
        return 1 + self.flags

    def encode(self, table: Table, remarks: Remarks) -> Floats:
        values = table.amounts(self.name)
        missing = np.isnan(values)
        if missing.any():
            if not self.flags:
                remarks.filled[self.name] = int(missing.sum())
            values = np.where(missing, self.fill, values)
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is found, and named
            z = (values - self.centre) / self.scale
        if not np.isfinite(z).all():
            raise too_large(table, self.name, values, int(np.flatnonzero(~np.isfinite(z))[0]))
        z = tamed(z)
        return np.column_stack([z, missing]) if self.flags else z[:, None]


@dataclass(frozen=True)
class Category:
    """A column of a few values: a unit for each that is 1 where the cell has it, 0 elsewhere.

    Two values without more have one unit, −1 or 1. What is neither known nor rare, or missing where
    nothing was in the training, is 0 throughout.

    Attributes
    ----------
    name : str
    values : tuple of str
    rare : tuple of str
        Values that share one unit.
    missing : bool
        Whether a missing value has a unit of its own.
    """

    kind: ClassVar[str] = "category"
    name: str
    values: tuple[str, ...]
    rare: tuple[str, ...] = ()
    missing: bool = False

    @property
    def is_pair(self) -> bool:
        return len(self.values) == 2 and not self.rare and not self.missing

    @property
    def width(self) -> int:
        return 1 if self.is_pair else len(self.values) + bool(self.rare) + self.missing

    def encode(self, table: Table, remarks: Remarks) -> Floats:
        places = {value: place for place, value in enumerate(self.values)}
        places |= dict.fromkeys(self.rare, len(self.values))
        unknown = self.width if not self.rare else len(self.values)
        texts = table.texts(self.name)
        none = self.width - 1 if self.missing else self.width
        found = np.array([places.get(text, unknown) if text else none for text in texts], np.intp)
        self._remark(texts, places, remarks)
        if self.is_pair:
            signs = np.array([-1.0, 1.0, 0.0])
            return signs[np.where([text in places for text in texts], found, 2)][:, None]
        return np.eye(self.width + 1)[found, : self.width]

    def _remark(self, texts: Sequence[str], places: dict[str, int], remarks: Remarks) -> None:
        unseen = [text for text in texts if text and text not in places]
        if unseen:
            remarks.unseen[self.name] = len(unseen), unseen[0]
        missing = texts.count("")
        if missing and not self.missing:
            remarks.filled[self.name] = missing


@dataclass(frozen=True)
class Moment:
    """A column of dates: how late, and where in the year, the week and the day.

    Attributes
    ----------
    name : str
    style : str
        How dates are written, in the terms of Python's strptime, or ISO 8601.
    centre, scale : float
        Of the days since the beginning of 2000.
    cycles : tuple of str
        Those of year, week and day in which the dates of the training differ.
    flags : bool
        Whether one more input says that the date was missing.
    """

    kind: ClassVar[str] = "date"
    name: str
    style: str
    centre: float
    scale: float
    cycles: tuple[str, ...]
    flags: bool

    @property
    def width(self) -> int:
        return 1 + 2 * len(self.cycles) + self.flags

    def encode(self, table: Table, remarks: Remarks) -> Floats:
        days = days_of(table, self.name, self.style)
        missing = np.isnan(days)
        if missing.any() and not self.flags:
            remarks.filled[self.name] = int(missing.sum())
        z = (days - self.centre) / self.scale
        columns = [tamed(z)]
        for cycle in self.cycles:
            turn = 2 * np.pi * turns(days, cycle)
            columns += [np.sin(turn), np.cos(turn)]
        X = np.where(missing[:, None], 0.0, np.column_stack(columns))
        return np.column_stack([X, missing]) if self.flags else X


def days_of(table: Table, name: str, style: str) -> Floats:
    """Dates as days since the beginning of 2000; NaN where there is none.

    Raises
    ------
    DataError
        If a cell is no date of this style.
    """
    texts = table.texts(name)
    known = dict.fromkeys(("", *NO_NUMBER), np.nan)
    for place, cell in enumerate(texts):
        if cell in known:
            continue
        moment = date_in(cell, style)
        if moment is None:
            raise DataError(
                table.source, f"the column {quoted(name)} must hold dates",
                f"{quoted(cell)} in row {table.rows[place]}",
                f"write it as the others are written ({style})",
            )  # fmt: skip
        known[cell] = float((np.datetime64(moment) - EPOCH) / np.timedelta64(1, "us")) / 1e6 / DAY
    return np.array([known[cell] for cell in texts])


def tamed(z: Floats) -> Floats:
    """Scaled numbers, the logarithm of what is wild, so that one cell does not rule a step."""
    over = np.maximum(np.abs(z) - WILD, 0.0)
    return np.where(over > 0, np.copysign(WILD + np.log1p(over), z), z)


def turns(days: Floats, cycle: str) -> Floats:
    """Positions in the year, the week or the day, from 0 to 1."""
    position: Floats = np.mod(days, CYCLES[cycle]) / CYCLES[cycle]
    return position


# -- learning what encoders know ------------------------------------------------------------------


def learn_amount(table: Table, name: str, rows: npt.NDArray[np.intp], values: Floats) -> Amount:
    """The median and the spread of the training rows.

    The spread is the distance of the quartiles, in units in which it is 1.349 for a normal
    distribution, or the standard deviation where that is smaller or most numbers are the same.
    """
    # Imported here: scikit-learn takes most of a second, and predicting does without it.
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import RobustScaler, StandardScaler

    learnt = values[rows, None]
    if np.isnan(learnt).all():  # the few numbers that there are happen to be in other rows
        return Amount(name, 0.0, 1.0, 0.0, flags=True)
    with np.errstate(over="ignore", invalid="ignore"):
        robust = RobustScaler(unit_variance=True).fit(learnt)
        plain = StandardScaler().fit(learnt)
    if not np.isfinite(plain.var_).all():
        numbers = np.where(np.isnan(values), 0, values)
        raise too_large(table, name, numbers, int(np.abs(numbers).argmax()))
    quartiles = np.subtract(*np.nanpercentile(learnt, [75, 25]))
    scale = min(robust.scale_[0], plain.scale_[0]) if quartiles > 0 else plain.scale_[0]
    fill = SimpleImputer(strategy="median").fit(learnt).statistics_[0]
    flags = bool(np.isnan(learnt).any())
    centre = float(robust.center_[0])
    return Amount(name, centre, float(scale), float(fill), flags)


def learn_alike(table: Table, names: Sequence[str], rows: npt.NDArray[np.intp]) -> list[Amount]:
    """Columns in one unit, such as pixels: centred each, with one standard deviation for all."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(np.column_stack([table.numbers(name) for name in names])[rows])
    scale = float(np.sqrt(scaler.var_.mean()) or 1.0)
    means = scaler.mean_.tolist()
    return [
        Amount(name, mean, scale, mean, flags=False)
        for name, mean in zip(names, means, strict=True)
    ]


def learn_category(table: Table, name: str, rows: npt.NDArray[np.intp]) -> Category:
    """The values of the training rows, of many the most frequent."""
    from sklearn.preprocessing import OneHotEncoder

    texts = np.array(table.texts(name), object)[rows]
    present = texts[texts != ""]
    if not present.size:  # the few values that there are happen to be in other rows
        return Category(name, (), missing=True)
    encoder = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=MOST_VALUES + 1
    ).fit(present[:, None])
    rare = encoder.infrequent_categories_[0]
    rare = [] if rare is None else rare.tolist()
    values = [value for value in encoder.categories_[0].tolist() if value not in set(rare)]
    return Category(name, tuple(values), tuple(rare), len(present) < len(texts))


def learn_moment(table: Table, name: str, rows: npt.NDArray[np.intp], style: str) -> Moment:
    """The cycles in which dates of the training rows differ, and the spread of all."""
    days = days_of(table, name, style)[rows]
    amount = learn_amount(table, name, np.arange(len(days)), days)
    present = days[~np.isnan(days)]
    cycles = []
    for cycle, period in CYCLES.items():
        # within a month a year's cycle is but the date once more
        if present.size and np.ptp(np.mod(present, period)) > 0 and np.ptp(present) > period / 12:
            cycles.append(cycle)
    return Moment(name, style, amount.centre, amount.scale, tuple(cycles), amount.flags)


def too_large(table: Table, name: str, numbers: Floats, row: int) -> DataError:
    """A number that cannot be scaled."""
    return DataError(
        table.source, f"the column {quoted(name)} holds a number too large to scale",
        f"{numbers[row]:g}", "measure it in a larger unit, or remove the row",
    )  # fmt: skip


def described(encoder: Encoder) -> dict[str, Any]:
    """An encoder as JSON can hold it."""
    return {"kind": encoder.kind, **asdict(encoder)}  # type: ignore[call-overload]
