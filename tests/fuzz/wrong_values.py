"""Values of every sort, most of them wrong wherever they are passed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse

import chainrule as cr


class Unruly:
    """An object that answers every question with an error."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise RuntimeError("the object's own: no array")

    def __repr__(self) -> str:
        raise RuntimeError("no text")

    def __bool__(self) -> bool:
        raise RuntimeError("no truth")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparison")

    __hash__ = None  # type: ignore[assignment]


def escaped() -> Any:
    """A traced value whose trace has ended."""
    kept = []

    def f(x):
        kept.append(x)
        return np.sum(x)

    cr.grad(f)(np.ones(2))
    return kept[0]


def _self_containing() -> list[Any]:
    items: list[Any] = [1.0]
    items.append(items)
    return items


def _frame() -> Any:
    pandas = __import__("pandas")
    return pandas.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})


VALUES: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "empty text": lambda: "",
    "text": lambda: "word",
    "digits": lambda: "3",
    "a NUL": lambda: "a\0b",
    "bytes": lambda: b"bytes",
    "empty list": list,
    "empty tuple": lambda: (),
    "list": lambda: [1, 2],
    "ragged list": lambda: [[1.0], [2.0, 3.0]],
    "tuple of texts": lambda: ("a", "b"),
    "itself": _self_containing,
    "empty dict": dict,
    "dict": lambda: {"a": 1.0},
    "dict of keys of two types": lambda: {"a": 1.0, 1: 2.0},
    "set": lambda: {1, 2},
    "object": object,
    "unruly": Unruly,
    "array ()": lambda: np.array(2.0),
    "array (3,)": lambda: np.arange(3.0),
    "array (2, 2)": lambda: np.eye(2),
    "array (0,)": lambda: np.zeros(0),
    "whole numbers": lambda: np.arange(3),
    "booleans": lambda: np.array([True, False, True]),
    "texts": lambda: np.array(["a", "b"]),
    "objects": lambda: np.array([1.0, None, "x"], dtype=object),
    "dates": lambda: np.array(["2020-01-01"], dtype="datetime64[D]"),
    "records": lambda: np.zeros(2, dtype=[("a", float), ("b", int)]),
    "halves": lambda: np.ones(3, np.float16),
    "long doubles": lambda: np.ones(3, np.longdouble),
    "complex array": lambda: np.ones(3, complex),
    "masked": lambda: np.ma.masked_array([1.0, 2.0, 3.0], [False, True, False]),
    "matrix": lambda: np.asmatrix(np.eye(2)),
    "sparse": lambda: scipy.sparse.csr_array(np.eye(3)),
    "frame": _frame,
    "NaN": lambda: float("nan"),
    "infinity": lambda: float("inf"),
    "NaNs": lambda: np.full(3, np.nan),
    "huge": lambda: 10**30,
    "large": lambda: 2**40,
    "negative": lambda: -1,
    "far negative": lambda: -(10**30),
    "zero": lambda: 0,
    "seven": lambda: 7,
    "fraction": lambda: 1.5,
    "True": lambda: True,
    "False": lambda: False,
    "np.True_": lambda: np.True_,
    "np.int64": lambda: np.int64(1),
    "complex": lambda: 1j,
    "function": lambda: lambda *args, **kwargs: 1.0,
    "function that fails": lambda: lambda: None,
    "class": lambda: int,
    "module": lambda: np,
    "generator": lambda: (k for k in range(3)),
    "range": lambda: range(3),
    "slice": lambda: slice(0, 2),
    "Ellipsis": lambda: ...,
    "dtype": lambda: np.dtype(float),
    "escaped": escaped,
    "Jacobian": lambda: cr.jacobian(np.sin)(np.ones(3)),
    "Network": lambda: cr.Network([2, 1]),
    "grad": lambda: cr.grad(np.sum),
}
"""Made anew for each call."""
