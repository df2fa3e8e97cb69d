"""Examples as training needs them: two arrays of finite floats, one example a row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.arguments import shown
from chainrule.errors import DataError, DtypeError, ShapeError
from chainrule.train.arguments import refuse_stripped
from chainrule.train.network import Network

Array = npt.NDArray[Any]
ROWS = 1024
"""How many rows are evaluated at a time where all of them are asked for."""


def as_inputs(X: Any, network: Network, operation: str = "fit", name: str = "X") -> Array:
    """X as a float array of shape (N, n0): float32 stays float32, all else becomes float64.

    Raises
    ------
    ShapeError
        If X is not a table with one column for each input of the network.
    DataError
        If X has no rows, or holds NaN or Inf.
    """
    X, inputs = as_floats(X, operation, name), network.sizes[0]
    if X.ndim != 2 or X.shape[1] != inputs:
        raise ShapeError(
            operation,
            f"{name} must have {inputs} columns, one for each input of the network",
            f"{name} of shape {X.shape}",
            f"pass an array of shape (N, {inputs}), or build Network([{columns(X)}, …])",
        )
    if len(X) == 0:
        raise DataError(operation, f"{name} has no rows", f"shape {X.shape}", "pass examples")
    return finite(X, operation, name)


def as_targets(Y: Any, X: Array, network: Network, name: str = "Y") -> Array:
    """Y as an array of shape (N, nK) in the dtype of X.

    Whole numbers of shape (N,) are class labels when the network has several outputs, and become
    rows with a 1 in the label's place. Of one output, shape (N,) is a column.

    Raises
    ------
    ShapeError
        If Y has not one row for each row of X and one column for each output of the network.
    DataError
        If a label is not one of 0, …, nK − 1, or Y holds NaN or Inf.
    """
    Y, outputs = _array(Y, "fit", name), network.sizes[-1]
    if Y.shape[:1] != (len(X),):
        raise ShapeError(
            "fit",
            f"{name} must have one row for each row of X",
            f"{name} of shape {Y.shape} and X of shape {X.shape}",
            "pass as many targets as examples",
        )
    if Y.ndim == 1 and outputs > 1 and Y.dtype.kind in "iu":
        return one_hot(Y, outputs, X.dtype, name)
    if Y.ndim == 1 and outputs == 1:
        Y = Y[:, None]
    if Y.shape != (len(X), outputs):
        raise ShapeError(
            "fit",
            f"{name} must have {outputs} columns, one for each output of the network",
            f"{name} of shape {Y.shape} and dtype {Y.dtype}",
            f"pass an array of shape (N, {outputs}), or N integer class labels",
        )
    return finite(as_floats(Y, "fit", name).astype(X.dtype, copy=False), "fit", name)


def one_hot(labels: Array, classes: int, dtype: Any, name: str = "Y") -> Array:
    """Rows of zeros with a 1 in the place of each label.

    Raises
    ------
    DataError
        If a label is not one of 0, …, classes − 1.
    """
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size:
        raise DataError(
            "fit",
            f"class labels must be whole numbers from 0 to {classes - 1}",
            f"{labels[wrong[0]]} in row {wrong[0]} of {name}",
            "number the classes from 0, or give the network more outputs",
        )
    rows = np.zeros((len(labels), classes), dtype)
    rows[np.arange(len(labels)), labels] = 1
    return rows


def check_probabilities(Y: Array, cost: str, name: str = "Y") -> None:
    """Raise `DataError` if a target of a cross-entropy is not between 0 and 1."""
    wrong = np.argwhere((Y < 0) | (Y > 1))
    if "cross-entropy" in cost and len(wrong):
        row, column = wrong[0]
        raise DataError(
            "fit",
            f"targets of {cost} are probabilities, from 0 to 1",
            f"{Y[row, column]} in row {row}, column {column} of {name}",
            'scale them, or write cost="squared"',
        )


def finite(table: Array, operation: str, name: str) -> Array:
    """Return the table, or raise `DataError` naming the first NaN or Inf; rows count from 0."""
    if not np.isfinite(table).all():
        row, column = np.argwhere(~np.isfinite(table))[0]
        raise DataError(
            operation,
            f"{name} holds a value that is not finite",
            f"{table[row, column]} in row {row}, column {column} (counted from 0)",
            "remove or fill such rows",
        )
    return table


def columns(X: Array) -> int:
    """The number of columns of a table, 1 for a single column."""
    return X.shape[1] if X.ndim == 2 else 1


def as_floats(values: Any, operation: str, name: str) -> Array:
    """Real numbers of any shape as floats: float32 stays float32, all else becomes float64.

    Raises
    ------
    ShapeError, DtypeError
        If they are no array of numbers, or a class of arrays with rules of its own.
    """
    array = _array(values, operation, name)
    return array if array.dtype == np.float32 else array.astype(np.float64, copy=False)


def _array(values: Any, operation: str, name: str) -> Array:
    refuse_stripped(values, operation, name)
    try:
        array = np.asarray(values)
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise _no_numbers(operation, name, shown(values)) from None
        raise ShapeError(
            operation, f"the rows of {name} differ in length", remedy="give every row the same"
        ) from None
    except Exception:  # whatever the class raises where it is asked for an array
        raise _no_numbers(operation, name, shown(values)) from None
    if array.dtype.kind not in "fiub":
        raise _no_numbers(operation, name, f"dtype {array.dtype}")
    return array


def _no_numbers(operation: str, name: str, got: str) -> DtypeError:
    return DtypeError(
        operation, f"{name} must be numbers", got, f"convert it with {name}.astype(float)"
    )


def row_blocks(rows: int) -> Iterator[slice]:
    """Slices of at most `ROWS` rows that cover all of them in order."""
    for start in range(0, rows, ROWS):
        yield slice(start, min(start + ROWS, rows))
