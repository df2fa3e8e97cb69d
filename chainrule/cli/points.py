"""Options of `chainrule derive`: shapes in letters, values, and the point that they make."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import typer

from chainrule.errors import ArgumentError, FileFormatError
from chainrule.formulas import (
    Dimensions,
    Formula,
    concrete,
    normal_name,
    parse_shape,
    shape_text,
)
from chainrule.spelling import closest

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Point:
    """Where a formula is differentiated.

    Attributes
    ----------
    shapes : dict
        Of every name, in letters where letters were given.
    arrays : dict
        An array for every name, in the order of the function's arguments.
    letters : dict
        The letter that each size stands for.
    is_given : bool
        Whether the numbers are the user's own, rather than made for the shapes.
    """

    shapes: dict[str, Dimensions]
    arrays: dict[str, Array]
    letters: dict[int, str]
    is_given: bool


def point_for(formula: Formula, shapes: Sequence[str], at: Sequence[str]) -> Point:
    """The point that the options ``--shape`` and ``--at`` describe.

    Raises
    ------
    typer.BadParameter
        If an option is not of its form.
    ArgumentError, FileFormatError
        If a name is not the formula's, a value is missing or does not fit its shape.
    FormulaError
        If the shapes do not fit together.
    """
    given = dict(_named_shape(text) for text in shapes)
    values = values_from(formula, at)
    for name in given:
        _known(formula, name, "--shape")
    if not values:
        formula.shapes(given)
        sizes = concrete(given)
        arrays = {name: made(sizes.shapes[name], k) for k, name in enumerate(formula.names)}
        return Point(given, arrays, sizes.letter_of, is_given=False)
    missing = [name for name in formula.names if name not in values]
    if missing:
        raise ArgumentError(
            "derive", f"there is no value for {' and '.join(missing)}",
            got=", ".join(values), remedy="give every name a value with --at, or none",
        )  # fmt: skip
    letters = _letters({name: (shape, values[name]) for name, shape in given.items()})
    lettered: dict[str, Dimensions] = {name: values[name].shape for name in formula.names}
    lettered.update(given)
    formula.shapes({name: values[name].shape for name in formula.names})
    return Point(lettered, {name: values[name] for name in formula.names}, letters, is_given=True)


def made(shape: tuple[int, ...], seed: int) -> Array:
    """Positive numbers of size 1, at which every function is smooth; square matrices are regular.

    Rows of a matrix sum to 1 or so, lest activations that they lead to be flat.
    """
    numbers = np.random.default_rng([seed, *shape]).uniform(0.3, 1.7, shape)
    if len(shape) < 2:
        return np.asarray(numbers)
    numbers /= shape[-1]
    return numbers + np.eye(shape[-1]) if shape[-1] == shape[-2] else numbers


def _pair(option: str, text: str, example: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise typer.BadParameter(f"write {example}, not {text!r}", param_hint=f"'{option}'")
    return normal_name(name), value.strip()


def _named_shape(text: str) -> tuple[str, Dimensions]:
    name, shape = _pair("--shape", text, "NAME=m×n")
    try:
        return name, parse_shape(shape)
    except ArgumentError as error:
        raise typer.BadParameter(str(error), param_hint="'--shape'") from None


def _known(formula: Formula, name: str, option: str) -> None:
    if name not in formula.names:
        close = closest(name, list(formula.names))
        raise ArgumentError(
            "derive", f"the formula has no {name}",
            got=f"names {', '.join(formula.names) or '(none)'}",
            remedy=f"did you mean {close}?" if close else f"leave {option} {name} out",
        )  # fmt: skip


def values_from(formula: Formula, at: Sequence[str]) -> dict[str, Array]:
    """Values by name, from ``NAME=1.5``, ``NAME=[[1, 2], [3, 4]]`` and files of NumPy's.

    Of a file, arrays that the formula has no name for are left aside.
    """
    values: dict[str, Array] = {}
    for text in at:
        if "=" not in text and text.endswith(".npz"):
            found = _from_file(text)
            values.update({name: found[name] for name in formula.names if name in found})
            continue
        name, written = _pair("--at", text, "NAME=1.5, NAME=[1, 2] or FILE.npz")
        _known(formula, name, "--at")
        values[name] = _array(name, written)
    return values


def _from_file(path: str) -> dict[str, Array]:
    try:
        with np.load(Path(path), allow_pickle=False) as archive:
            return {name: _numbers(f"{path}: {name}", archive[name]) for name in archive.files}
    except (ValueError, BadZipFile, EOFError) as error:
        if isinstance(error, ArgumentError):
            raise
        raise FileFormatError(
            path, "it is not an archive of arrays", remedy="write it with np.savez(path, A=A, x=x)"
        ) from None


def _array(name: str, written: str) -> Array:
    """A number, a list or a list of rows; brackets around a list may be left out."""
    text = written if written.startswith("[") or "," not in written else f"[{written}]"
    try:
        value = json.loads(text)
        return _numbers(name, np.array(value))
    except (ValueError, RecursionError) as error:
        if isinstance(error, ArgumentError):
            raise
        raise typer.BadParameter(
            f"write {name}=1.5, {name}=[1, 2] or {name}=[[1, 2], [3, 4]], not {written!r}",
            param_hint="'--at'",
        ) from None


def _numbers(name: str, array: Array) -> Array:
    if array.dtype.kind not in "fiub" or not np.isfinite(array).all():
        raise ArgumentError(
            "derive", f"the value of {name} must be finite real numbers",
            got=f"dtype {array.dtype}" if array.dtype.kind not in "fiub" else "nan or inf",
        )  # fmt: skip
    return array.astype(float)


def _letters(given: Mapping[str, tuple[Dimensions, Array]]) -> dict[int, str]:
    """What the sizes of values are called, where a shape in letters says so."""
    found: dict[str, int] = {}
    for name, (shape, array) in given.items():
        ranks_agree = len(shape) == array.ndim
        pairs = list(zip(shape, array.shape, strict=ranks_agree)) if ranks_agree else []
        agree = all(size == (found.setdefault(s, size) if isinstance(s, str) else s)
                    for s, size in pairs)  # fmt: skip
        if not ranks_agree or not agree:
            raise ArgumentError(
                "derive", f"the value of {name} does not have the shape that --shape gives it",
                got=f"{shape_text(array.shape)} for {shape_text(shape)}",
            )  # fmt: skip
    letters = {size: letter for letter, size in found.items()}
    return letters if len(letters) == len(found) else {}
