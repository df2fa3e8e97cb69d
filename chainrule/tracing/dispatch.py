"""The tables of what replaces NumPy's functions and ufunc methods on traced values."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from chainrule.errors import MissingRuleError

FUNCTIONS: dict[Any, tuple[Callable[..., Any], frozenset[str] | None]] = {}
"""NumPy's functions, each with what replaces it and the keywords that it takes (None: any)."""


ARRAYS = frozenset({
    np.where, np.select, np.block, np.tensordot, np.linalg.tensordot, np.copy, np.zeros_like,
    np.empty_like, np.ones_like, np.full_like, np.broadcast_to,
})  # fmt: skip
"""Functions whose results are arrays also where they have no axes, and no numbers."""

METHODS: dict[np.ufunc, dict[str, Callable[..., Any]]] = {}
"""Methods of ufuncs, such as ``np.add.reduce``, with what replaces them on traced values."""


def implements(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register what replaces NumPy's functions on traced values."""

    def register(implementation: Callable[..., Any]) -> Callable[..., Any]:
        parameters = inspect.signature(implementation).parameters
        takes_all = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
        for function in functions:
            FUNCTIONS[function] = (implementation, None if takes_all else frozenset(parameters))
        return implementation

    return register


@lru_cache(maxsize=1024)
def _parameters(function: Any) -> tuple[str, ...] | None:
    """The names of the arguments that NumPy's function takes by position; None if not known."""
    try:
        given = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in given):
        return None
    return tuple(p.name for p in given if p.kind is not inspect.Parameter.KEYWORD_ONLY)


@lru_cache(maxsize=1024)
def _own_parameters(function: Any) -> tuple[str, ...]:
    parameters = inspect.signature(FUNCTIONS[function][0]).parameters.values()
    return tuple(p.name for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY)


def by_name(
    function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """The same arguments, the first by position, and the others by NumPy's names for them.

    What stands in for a function may take fewer of them, so that places differ.
    """
    names = _parameters(function)
    if names is None or (len(args) == 1 and not kwargs):
        return args, kwargs
    kwargs = dict(kwargs)
    if names and not args and names[0] in kwargs:
        args = (kwargs.pop(names[0]),)
    own = _own_parameters(function)
    same = max(1, _without_names(function))
    while same < min(len(names), len(own)) and names[same] == own[same]:
        same += 1
    return args[:same], {**dict(zip(names[same:], args[same:], strict=False)), **kwargs}


@lru_cache(maxsize=1024)
def _without_names(function: Any) -> int:
    """How many of the arguments that a function takes can be given by position only."""
    given = inspect.signature(function).parameters.values()
    return sum(p.kind is inspect.Parameter.POSITIONAL_ONLY for p in given)


def name_of(function: Any) -> str:
    """A function of NumPy as one writes it."""
    return f"{function.__module__.replace('numpy', 'np', 1)}.{function.__name__}"


def is_default(function: Any, key: str, value: Any) -> bool:
    """Whether an argument says no more than leaving it out would, to NumPy's own function."""
    if value is np._NoValue:
        return True
    default = _defaults(function).get(key, np._NoValue)
    return value is default or (type(value) is type(default) is str and value == default)


@lru_cache(maxsize=1024)
def _defaults(function: Any) -> dict[str, Any]:
    """The values of what is left out; `out`, `dtype` and `initial` are None also for ufuncs."""
    always: dict[str, Any] = {"out": None, "dtype": None, "initial": None}
    try:
        given = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return always
    told = (type(None), bool, str)
    return always | {p.name: p.default for p in given if type(p.default) in told}


def _refuse_keywords(name: str, keywords: Mapping[str, Any]) -> None:
    if keywords:
        raise MissingRuleError(
            name,
            "this keyword is not supported on traced values",
            got=", ".join(f"{key}=..." for key in keywords),
            remedy="leave it out",
        )
