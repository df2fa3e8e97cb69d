"""The tables of what replaces NumPy's functions and ufunc methods on traced values."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.errors import MissingRuleError

FUNCTIONS: dict[Any, tuple[Callable[..., Any], frozenset[str] | None]] = {}
"""NumPy's functions, each with what replaces it and the keywords that it takes (None: any)."""


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


def name_of(function: Any) -> str:
    """A function of NumPy as one writes it."""
    return f"{function.__module__.replace('numpy', 'np', 1)}.{function.__name__}"


def _is_default(key: str, value: Any) -> bool:
    return value is np._NoValue or (key in ("out", "dtype", "initial") and value is None)


def _refuse_keywords(name: str, keywords: Mapping[str, Any]) -> None:
    if keywords:
        raise MissingRuleError(
            name,
            "this keyword is not supported on traced values",
            got=", ".join(f"{key}=..." for key in keywords),
            remedy="leave it out",
        )
