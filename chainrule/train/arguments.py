"""Checks of single arguments: each returns what it was given, or says what to write instead."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from chainrule.arguments import shown
from chainrule.errors import ArgumentError, ArgumentTypeError, DtypeError

T = TypeVar("T")


def positive(value: Any, operation: str, name: str, example: float) -> float:
    """Return the value as a float, or raise `ArgumentError` if it is not positive and finite."""
    return _number(value, lambda x: x > 0, "a positive, finite number", operation, name, example)


def not_negative(value: Any, operation: str, name: str, example: float) -> float:
    """Return the value as a float, or raise `ArgumentError` if it is negative or not finite."""
    return _number(value, lambda x: x >= 0, "0 or a positive number", operation, name, example)


def below_one(value: Any, operation: str, name: str, example: float) -> float:
    """Return the value as a float, or raise `ArgumentError` if it is not in [0, 1)."""
    return _number(value, lambda x: 0 <= x < 1, "0 or more and below 1", operation, name, example)


def whole(value: Any, operation: str, name: str, least: int) -> int:
    """Return the value as an int, or raise `ArgumentError` if it is not whole or below `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ArgumentError(
            operation,
            f"{name} must be a whole number from {least} up",
            shown(value),
            f"write {name}={least}",
        )
    return int(value)


def one_of(value: Any, operation: str, name: str, allowed: tuple[Any, ...]) -> Any:
    """Return the value, or raise `ArgumentError` if it is not one of those allowed."""
    for item in allowed:  # no array is asked for its truth, and 1 is not True
        if type(value) is type(item) and value == item:
            return item
    choices = " or ".join(f"{name}={choice!r}" for choice in allowed)
    raise ArgumentError(operation, f"unknown {name}", shown(value), f"write {choices}")


def instance_of(value: Any, kind: type[T], operation: str, name: str, example: str) -> T:
    """Return the value, or raise `ArgumentError` if it is of another type."""
    if not isinstance(value, kind):
        raise ArgumentError(
            operation, f"{name} must be a {kind.__name__}", shown(value), f"write {example}"
        )
    return value


def function_or_none(value: Any, operation: str, name: str, example: str) -> Any:
    """Return the value, or raise `ArgumentTypeError` if it is neither a function nor None."""
    if value is not None and not callable(value):
        raise ArgumentTypeError(
            operation, f"{name} must be a function", shown(value), f"write {example}"
        )
    return value


def refuse_stripped(values: Any, operation: str, name: str) -> None:
    """Raise `DtypeError` if making an array of the values would quietly take something away."""
    odd = stripped(values)
    if odd is not None:
        raise DtypeError(
            operation,
            f"{name} is a {odd}, which follows rules of its own that training would not keep",
            remedy=f"convert it with np.asarray({name}), and leave out rows whose entries are "
            "masked",
        )


def stripped(values: Any) -> str | None:
    """The type of what `numpy.asarray` would quietly take something from; None if there is none.

    A mask, a unit, the rules of a matrix: whatever a class adds to an array is lost on the way,
    also from within lists. Files mapped into memory add nothing. Of NumPy's own numbers only the
    masked one is an array.

    Examples
    --------
    >>> stripped([np.zeros(2), np.ma.masked_equal([1, 2], 2)]), stripped([[1.0], (2.0,)])
    ('MaskedArray', None)
    """
    level: list[Any] = [_as_it_converts(values)]
    seen: set[int] = set()
    while level:
        for kind in set(map(type, level)):
            if issubclass(kind, np.ndarray) and kind not in (np.ndarray, np.memmap):
                return kind.__name__
        lists = [item for item in level if isinstance(item, (list, tuple)) and id(item) not in seen]
        seen.update(map(id, lists))  # a list may hold itself
        level = [part for item in lists for part in item]
    return None


def _as_it_converts(values: Any) -> Any:
    """What an `__array__` returns, which may have a mask; else the values themselves."""
    if isinstance(values, (np.ndarray, np.generic)) or not hasattr(type(values), "__array__"):
        return values
    try:
        return np.asanyarray(values)
    except Exception:  # whatever it raises is told where the values are converted
        return values


def _number(
    value: Any, fits: Callable[[float], bool], what: str, operation: str, name: str, example: float
) -> float:
    single = not isinstance(value, (bool, np.bool_, str, bytes)) and not getattr(value, "ndim", 0)
    try:
        number = float(value) if single else math.nan
    except Exception:  # whatever its class raises where a number is asked for
        number = math.nan
    if not (math.isfinite(number) and fits(number)):
        raise ArgumentError(
            operation, f"the {name} must be {what}", shown(value), f"write {name}={example}"
        )
    return number
