"""What turns a table into a network's inputs and its outputs into answers; kept with the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chainrule.errors import DataError, FileFormatError
from chainrule.tables.cells import DATES, ISO, TIMES
from chainrule.tables.encoders import (
    CYCLES,
    Amount,
    Category,
    Encoder,
    Moment,
    Remarks,
    described,
    too_large,
)
from chainrule.tables.table import Floats, Table
from chainrule.tables.target import Classes, Task
from chainrule.tables.words import listed
from chainrule.train.description import (
    Check,
    Malformed,
    every,
    fields_of,
    mapping,
    number,
    or_none,
    text,
    word,
)

STYLES = frozenset(day + time for day in DATES for time in TIMES)


@dataclass(frozen=True)
class Scaling:
    """(x − mean) / scale of the target, and back."""

    mean: float
    scale: float

    def apply(self, x: Floats) -> Floats:
        """Standardise amounts."""
        scaled: Floats = (x - self.mean) / self.scale
        return scaled

    def undo(self, x: Floats) -> Floats:
        """Give standardised amounts their own unit again."""
        with np.errstate(over="ignore", invalid="ignore"):
            plain: Floats = x * self.scale + self.mean
        return plain


def scaling_of(table: Table, target: str, amounts: Floats) -> Scaling:
    """The mean and the standard deviation of the target, 1 where it is constant.

    Raises
    ------
    DataError
        If the numbers are so large that their variance overflows.
    """
    # Imported here: scikit-learn takes most of a second, and predicting does without it.
    from sklearn.preprocessing import StandardScaler

    with np.errstate(over="ignore", invalid="ignore"):
        scaler = StandardScaler().fit(amounts[:, None])
    if not np.isfinite(scaler.var_).all():
        raise too_large(table, target, amounts, int(np.abs(amounts).argmax()))
    return Scaling(float(scaler.mean_[0]), float(scaler.scale_[0]))


@dataclass(frozen=True)
class Preparation:
    """How the columns of a table become a network's inputs, and what its outputs mean.

    Attributes
    ----------
    task : Task
    inputs : tuple of encoders
        One for each input column, in the network's order.
    target : str
    identifiers : tuple of str
        Columns that tell rows apart, which predictions are given beside.
    classes : tuple or None
        In classification the class that each output stands for.
    outputs : Scaling or None
        In regression how the target was standardised.
    """

    task: Task
    inputs: tuple[Encoder, ...]
    target: str
    identifiers: tuple[str, ...] = ()
    classes: Classes | None = None
    outputs: Scaling | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the input columns."""
        return tuple(encoder.name for encoder in self.inputs)

    @property
    def numeric(self) -> tuple[str, ...]:
        """Those of them that are numbers."""
        return tuple(item.name for item in self.inputs if isinstance(item, Amount))

    @property
    def width(self) -> int:
        """How many inputs the network has."""
        return sum(encoder.width for encoder in self.inputs)

    def inputs_of(self, table: Table) -> Inputs:
        """The network's inputs, one row an example, and what was done about single cells.

        Raises
        ------
        DataError
            If a column is missing, or a cell is not of the column's kind or cannot be scaled.
        """
        self._require_columns(table)
        remarks = Remarks()
        X = [encoder.encode(table, remarks) for encoder in self.inputs]
        return Inputs(np.hstack(X), remarks.notes())

    def _require_columns(self, table: Table) -> None:
        missing = [name for name in self.columns if name not in table.columns]
        if not missing:
            return
        many = len(missing) > 1
        which = f"{len(missing)} of the model's {len(self.columns)} columns are missing, "
        raise DataError(
            table.source,
            (which if many else "a column of the model is missing, ") + listed(missing),
            table.inventory,
            table.hint(missing[0], "give a table like the one that the model was trained on"),
        )

    def codes(self, outputs: Floats) -> npt.NDArray[np.intp]:
        """In classification, the position of the class that each row of outputs speaks for."""
        codes: npt.NDArray[np.intp] = outputs.argmax(axis=1)
        return codes

    def amounts(self, outputs: Floats) -> Floats:
        """In regression, the prediction of each row of outputs in the target's own unit."""
        assert self.outputs is not None
        return self.outputs.undo(outputs[:, 0])

    def description(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        inputs = [described(encoder) for encoder in self.inputs]
        return asdict(self) | {"task": self.task.value, "inputs": inputs}


class Inputs(NamedTuple):
    """What a network is given, and what was done about single cells."""

    X: Floats
    notes: tuple[str, ...]


def preparation_from(
    description: Mapping[str, Any] | None, source: str, sizes: Sequence[int] | None = None
) -> Preparation:
    """Read back what `Preparation.description` wrote.

    Parameters
    ----------
    description : dict or None
    source : str
        What errors call the model.
    sizes : sequence of int, optional
        The network's: it must take the columns and answer as the description says.

    Raises
    ------
    FileFormatError
        If the model was not trained on a table, or the description says what no table gives, or
        does not fit the network.
    """
    if not description:
        raise FileFormatError(
            source,
            "this model does not say which columns it takes",
            remedy="use a model that `chainrule train` wrote, or chainrule.load in Python",
        )
    try:
        read = _checked(Preparation(**fields_of(description, "the table", PARTS)))
    except Malformed as error:
        raise FileFormatError(
            source,
            "the model's description of its table cannot be understood",
            str(error),
            "train it again with this version",
        ) from None
    widths = (read.width, 1 if read.classes is None else len(read.classes))
    if sizes is not None and (sizes[0], sizes[-1]) != widths:
        raise FileFormatError(
            source,
            "the network does not fit the table that its file describes",
            f"{sizes[0]} inputs and {sizes[-1]} outputs for columns of {widths[0]} inputs and "
            f"{widths[1]} answers",
            "save it with the preprocessing that it was trained with",
        )
    return read


def _checked(read: Preparation) -> Preparation:
    """The preparation, unless its parts contradict one another."""
    is_classification = read.task is Task.classification
    if (read.classes is not None, read.outputs is None) != (is_classification, is_classification):
        raise Malformed(f"a {read.task} has classes or a scale, and not both")
    if len(set(read.columns)) != len(read.columns) or read.target in read.columns:
        raise Malformed("two columns have the same name")
    if not read.inputs:
        raise Malformed("there is no column")
    return read


def _scaling(value: Any, where: str) -> Scaling:
    return Scaling(**fields_of(value, where, {"mean": number, "scale": _positive}))


def _positive(value: Any, where: str) -> float:
    if number(value, where) <= 0:
        raise Malformed(f"{where} must be positive")
    return float(value)


def _yes_or_no(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise Malformed(f"{where} must be true or false")
    return value


def _style(value: Any, where: str) -> str:
    if text(value, where) != ISO and text(value, where) not in STYLES:
        raise Malformed(f"{where} is no way of writing dates")
    return str(value)


AMOUNT: dict[str, Check] = {
    "name": text, "centre": number, "scale": _positive, "fill": number, "flags": _yes_or_no,
}  # fmt: skip
CATEGORY: dict[str, Check] = {
    "name": text, "values": every(text), "rare": every(text), "missing": _yes_or_no,
}  # fmt: skip
MOMENT: dict[str, Check] = {
    "name": text, "style": _style, "centre": number, "scale": _positive,
    "cycles": every(word(*CYCLES)), "flags": _yes_or_no,
}  # fmt: skip
ENCODERS: dict[str, tuple[Any, dict[str, Check]]] = {
    Amount.kind: (Amount, AMOUNT),
    Category.kind: (Category, CATEGORY),
    Moment.kind: (Moment, MOMENT),
}


def _encoder(value: Any, where: str) -> Encoder:
    given = mapping(value, where)
    kind = word(*ENCODERS)(given.get("kind"), f"{where}'s kind")
    made, parts = ENCODERS[kind]
    fields = fields_of(given, where, {"kind": text, **parts})
    del fields["kind"]
    encoder: Encoder = made(**fields)
    values = (*fields.get("values", ()), *fields.get("rare", ()), *fields.get("cycles", ()))
    if len(set(values)) != len(values) or not encoder.width:
        raise Malformed(f"{where} has a value twice, or none")
    return encoder


def _classes(value: Any, where: str) -> Any:
    """Two or more different texts, or numbers."""
    is_text = isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)
    classes = every(text if is_text else _plain_number)(value, where)
    if len(classes) < 2 or len(set(classes)) != len(classes):
        raise Malformed(f"{where} must be two or more different ones")
    return classes


def _plain_number(value: Any, where: str) -> Any:
    number(value, where)
    return value


PARTS: dict[str, Check] = {
    "task": lambda value, where: Task(word(*Task)(value, where)),
    "inputs": every(_encoder),
    "target": text,
    "identifiers": every(text),
    "classes": or_none(_classes),
    "outputs": or_none(_scaling),
}
