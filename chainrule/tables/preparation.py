"""What turns a table into a network's inputs and its outputs into answers; kept with the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.errors import DataError, FileFormatError
from chainrule.tables.table import Floats, Table
from chainrule.tables.target import Classes, Task
from chainrule.tables.words import listed, quoted
from chainrule.train.description import (
    Check,
    Malformed,
    every,
    fields_of,
    number,
    or_none,
    text,
    word,
)


@dataclass(frozen=True)
class Scaling:
    """(x − mean) / scale, column by column, and back."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]

    def apply(self, x: Floats) -> Floats:
        """Standardise the columns of x."""
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is found, and named
            scaled: Floats = (x - np.array(self.mean)) / np.array(self.scale)
        return scaled

    def undo(self, x: Floats) -> Floats:
        """Give standardised columns their own units again."""
        with np.errstate(over="ignore", invalid="ignore"):
            plain: Floats = x * np.array(self.scale) + np.array(self.mean)
        return plain


def raw_inputs(table: Table, columns: Sequence[str]) -> Floats:
    """The columns side by side, as they stand in the table."""
    return np.column_stack([table.numbers(name) for name in columns])


def scaling_of(table: Table, columns: Sequence[str], x: Floats, one_unit: bool = False) -> Scaling:
    """The mean and the standard deviation of each column of x, 1 where a column is constant.

    Parameters
    ----------
    table, columns
        Where x comes from, for errors.
    x : array of shape (N, number of columns)
    one_unit : bool
        Whether all columns share one standard deviation, the root of the mean of their squares.

    Raises
    ------
    DataError
        If a column's numbers are so large that their variance overflows.
    """
    # Imported here: scikit-learn takes most of a second, and predicting does without it.
    from sklearn.preprocessing import StandardScaler

    with np.errstate(over="ignore", invalid="ignore"):
        scaler = StandardScaler().fit(x)
    wrong = np.flatnonzero(~np.isfinite(scaler.var_))
    if wrong.size:
        numbers = x[:, wrong[0]]
        raise _too_large(table, columns[wrong[0]], numbers, int(np.abs(numbers).argmax()))
    scale = scaler.scale_
    if one_unit:
        scale = np.full(len(scale), np.sqrt(scaler.var_.mean()) or 1.0)
    return Scaling(tuple(scaler.mean_.tolist()), tuple(scale.tolist()))


@dataclass(frozen=True)
class Preparation:
    """The columns a network takes, how they are scaled, and what its outputs mean.

    Attributes
    ----------
    task : Task
    columns : tuple of str
        The input columns in the network's order.
    inputs : Scaling
    target : str
    classes : tuple or None
        In classification the class that each output stands for.
    outputs : Scaling or None
        In regression how the target was standardised.
    """

    task: Task
    columns: tuple[str, ...]
    inputs: Scaling
    target: str
    classes: Classes | None = None
    outputs: Scaling | None = None

    def inputs_of(self, table: Table) -> Floats:
        """The network's inputs, one row an example.

        Raises
        ------
        DataError
            If a column is missing, or a cell is not a number that can be scaled.
        """
        self._require_columns(table)
        return self.scaled(table, raw_inputs(table, self.columns))

    def scaled(self, table: Table, raw: Floats) -> Floats:
        """Standardise input columns.

        Raises
        ------
        DataError
            If a number is so large that it cannot be scaled.
        """
        X = self.inputs.apply(raw)
        if not np.isfinite(X).all():
            row, column = np.argwhere(~np.isfinite(X))[0]
            raise _too_large(table, self.columns[column], raw[:, column], row)
        return X

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
        return self.outputs.undo(outputs)[:, 0]

    def description(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        return asdict(self) | {"task": self.task.value}


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
    described = (len(read.columns), 1 if read.classes is None else len(read.classes))
    if sizes is not None and (sizes[0], sizes[-1]) != described:
        raise FileFormatError(
            source,
            "the network does not fit the table that its file describes",
            f"{sizes[0]} inputs and {sizes[-1]} outputs for {described[0]} columns and "
            f"{described[1]} answers",
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
    for scaling, columns in ((read.inputs, len(read.columns)), (read.outputs, 1)):
        if scaling is not None and {len(scaling.mean), len(scaling.scale)} != {columns}:
            raise Malformed("there is not one mean and one scale for each column")
    return read


def _scaling(value: Any, where: str) -> Scaling:
    scaling = Scaling(**fields_of(value, where, {"mean": every(number), "scale": every(number)}))
    if not all(scale > 0 for scale in scaling.scale):
        raise Malformed(f"{where}'s scale must be positive")
    return scaling


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
    "columns": every(text),
    "inputs": _scaling,
    "target": text,
    "classes": or_none(_classes),
    "outputs": or_none(_scaling),
}


def _too_large(table: Table, name: str, numbers: Floats, row: int) -> DataError:
    return DataError(
        table.source,
        f"the column {quoted(name)} holds a number too large to scale",
        f"{numbers[row]:g}",
        "measure it in a larger unit, or remove the row",
    )
