"""Checks of single arguments: each returns what it was given, or says what to write instead."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from chainrule.errors import ArgumentError

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
            repr(value),
            f"write {name}={least}",
        )
    return int(value)


def one_of(value: T, operation: str, name: str, allowed: tuple[T, ...]) -> T:
    """Return the value, or raise `ArgumentError` if it is not one of those allowed."""
    if value not in allowed:
        choices = " or ".join(f"{name}={choice!r}" for choice in allowed)
        raise ArgumentError(operation, f"unknown {name}", repr(value), f"write {choices}")
    return value


def instance_of(value: Any, kind: type[T], operation: str, name: str, example: str) -> T:
    """Return the value, or raise `ArgumentError` if it is of another type."""
    if not isinstance(value, kind):
        raise ArgumentError(
            operation,
            f"{name} must be a {kind.__name__}",
            f"{value!r:.80}",
            f"write {example}",
        )
    return value


def _number(
    value: Any, fits: Callable[[float], bool], what: str, operation: str, name: str, example: float
) -> float:
    try:
        number = math.nan if isinstance(value, (bool, str)) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and fits(number)):
        raise ArgumentError(
            operation, f"the {name} must be {what}", repr(value), f"write {name}={example}"
        )
    return number
