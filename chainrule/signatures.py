"""The names of a function's parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Destination(NamedTuple):
    """The parameter that a positional argument goes to.

    Attributes
    ----------
    name : str
        Empty where the function does not say.
    place : int or None
        Which of those it is that ``*name`` collects.
    """

    name: str
    place: int | None = None


def parameter_names(f: Callable[..., Any]) -> list[str]:
    """The parameters that positional arguments go to, without one that collects the rest.

    Examples
    --------
    >>> parameter_names(lambda a, b, *rest, c=1: 0)
    ['a', 'b']
    """
    return [parameter.name for parameter in _parameters(f) if parameter.kind in POSITIONAL]


def collecting_parameter(f: Callable[..., Any]) -> str | None:
    """The parameter that collects the positional arguments that are left."""
    kind = inspect.Parameter.VAR_POSITIONAL
    return next((item.name for item in _parameters(f) if item.kind is kind), None)


def destinations(f: Callable[..., Any], count: int) -> list[Destination]:
    """Where the first positional arguments go; nowhere known, where f cannot take them.

    Examples
    --------
    >>> [(name, place) for name, place in destinations(lambda a, *rest: 0, 3)]
    [('a', None), ('rest', 0), ('rest', 1)]
    """
    try:
        bound = inspect.signature(f).bind_partial(*range(count)).arguments
    except (TypeError, ValueError):
        return [Destination("", place) for place in range(count)]
    found: list[Destination] = []
    for name, value in bound.items():
        many = isinstance(value, tuple)
        found += [Destination(name, k) for k in range(len(value))] if many else [Destination(name)]
    return found


def _parameters(f: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        return []
