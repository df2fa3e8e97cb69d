"""Checks of single arguments, made where the user's values come in, whatever their type.

Each returns what it was given, or says what to write instead. No value is compared, or asked for
its truth, before its type is known: arrays answer such questions with errors of their own.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import partial
from reprlib import Repr
from typing import Any, TypeVar

import numpy as np

from chainrule.errors import ArgumentError, ArgumentTypeError, DtypeError

T = TypeVar("T")
Array = np.ndarray[Any, Any]

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60


def shown(value: Any) -> str:
    """An argument in a few words, however large it is and whatever its class says of it."""
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if isinstance(shape, tuple) and not isinstance(value, (type, np.generic)):
        return f"{type(value).__name__} of shape {shape}" + (f" and dtype {dtype}" if dtype else "")
    if callable(value) and not isinstance(value, type):
        return name_of(value)
    try:
        return " ".join(_SHORT.repr(value).split())
    except Exception:  # the class' own repr fails, or NumPy's does, on what it holds
        return f"a {type(value).__name__}"


def name_of(f: Any) -> str:
    """What a person would call a function."""
    if isinstance(f, partial):
        return name_of(f.func)
    name = getattr(f, "__name__", None)
    return name if isinstance(name, str) else type(f).__name__


def require_function(operation: str, f: Any) -> None:
    """Raise `ArgumentTypeError` unless f can be called."""
    if not callable(f):
        raise ArgumentTypeError(
            operation, "the first argument must be a function", got=shown(f),
            remedy=f"pass the function itself, as in cr.{operation}(f, ...), not its result",
        )  # fmt: skip


def one_of(operation: str, name: str, value: Any, allowed: Sequence[T]) -> T:
    """One of a few words or flags; an equal number or array is none."""
    for item in allowed:
        if type(value) is type(item) and value == item:
            return item
    words = ", ".join(repr(item) for item in allowed[:-1])
    kind = ArgumentError if type(value) in map(type, allowed) else ArgumentTypeError
    raise kind(operation, f"{name} must be {words} or {allowed[-1]!r}", got=shown(value))


def flag(operation: str, name: str, value: Any) -> bool:
    """True or False, Python's or NumPy's."""
    if not isinstance(value, (bool, np.bool_)):
        raise ArgumentTypeError(operation, f"{name} must be True or False", got=shown(value))
    return bool(value)


def whole(operation: str, name: str, value: Any, least: int | None = None) -> int:
    """A whole number, and no boolean."""
    try:
        number = None if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except TypeError:
        number = None
    at_least = "" if least is None else f" from {least} up"
    if number is None:
        raise ArgumentTypeError(
            operation, f"{name} must be a whole number{at_least}", got=shown(value)
        )
    if least is not None and number < least:
        raise ArgumentError(operation, f"{name} must be a whole number{at_least}", got=shown(value))
    return number


def real_array(operation: str, where: str | Callable[[], str], value: Any) -> Array:
    """An argument as an array of real numbers or booleans.

    ``where`` says which one it is: a text, or a function that is asked for it only for an error.
    """

    def place() -> str:
        return where if isinstance(where, str) else where()

    try:
        array = np.asanyarray(value)  # what an `__array__` returns may have a mask, too
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        text = " ".join(str(error).split())
        raise DtypeError(operation, f"{place()} is not an array of numbers: {text:.200}") from None
    if isinstance(array, (np.matrix, np.ma.MaskedArray)):
        raise DtypeError(
            operation, f"{place()} is a {type(array).__name__}, which follows rules of its own",
            remedy="convert it with np.asarray; leave entries out with np.where(mask, 0, ...)",
        )  # fmt: skip
    array = np.asarray(array)
    if array.dtype.kind not in "fiub":
        kind = "complex numbers" if array.dtype.kind == "c" else "no real numbers"
        raise DtypeError(
            operation,
            f"{place()} holds {kind}",
            got=f"{type(value).__name__} of dtype {array.dtype}",
            remedy="pass real arrays or numbers by position and everything else by keyword",
        )  # fmt: skip
    return array
