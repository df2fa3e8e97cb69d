"""NumPy itself is asked whether it takes such arguments, and what the result is like.

What stands in for a function is written for the calls that are meant; NumPy may refuse others. So
the function is run once, for each kind of arguments, on plain arrays of the same shapes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from chainrule.arguments import shown
from chainrule.errors import (
    ArgumentError,
    ArgumentTypeError,
    AxisError,
    MissingRuleError,
    PositionError,
)
from chainrule.primitives.expression import Expression

MOST_ELEMENTS = 1 << 20
"""Of larger arrays nothing is asked: it would take as long as the function itself."""
DEEPEST = 64
"""Lists within lists: an array has no more axes, and a list may hold itself."""
_PLAIN = (bool, int, float, str, type(None), type, np.dtype, type(...), type(np._NoValue))


_OURS = (
    (np.exceptions.AxisError, AxisError), (IndexError, PositionError),
    (TypeError, ArgumentTypeError), (ValueError, ArgumentError),
)  # fmt: skip
"""NumPy's errors about arguments, each with ours; others are no refusals, and stay as they are."""


def numpys_error(
    function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]
) -> Exception | None:
    """What NumPy raises for plain arrays of the same shapes; None if it gives a result."""
    try:
        _run(function, args, kwargs)
    except Exception as error:
        return error
    return None


def as_ours(name: str, error: Exception, args: Sequence[Any], kwargs: Any) -> Exception:
    """NumPy's error about arguments as one that says what came, of the same kind for ``except``."""
    for numpys, ours in _OURS:
        if isinstance(error, numpys):
            text = " ".join(str(error).split())
            given = [*map(shown, args[1:]), *(f"{key}={shown(kwargs[key])}" for key in kwargs)]
            return ours(
                name, f"NumPy takes no such arguments: {text:.200}", got=", ".join(given),
                remedy=f"see help({name})",
            )  # fmt: skip
    return error


def agree(
    function: Callable[..., Any], name: str, args: Sequence[Any], kwargs: Mapping[str, Any],
    result: Any,
) -> None:  # fmt: skip
    """Raise where NumPy raises; refuse a result of another shape or dtype than NumPy's."""
    if _is_large(name, result):
        return
    try:
        key = (function, *map(_kind, args), *((k, _kind(kwargs[k])) for k in kwargs))
    except _TooLarge:
        return
    except _Unknown:
        known: list[bool] = []
    else:
        known = _agreed(key)
        if known:
            return
    try:
        wanted = _run(function, args, kwargs)
    except np.linalg.LinAlgError:  # it goes by the values
        return
    except Exception as error:
        raise as_ours(name, error, args, kwargs) from error
    _compare(name, wanted, result)
    known.append(True)


@lru_cache(maxsize=1024)
def _agreed(kind: Hashable) -> list[bool]:
    """Whether a kind of call has been compared: empty until it has."""
    return []


def _compare(name: str, wanted: Any, result: Any) -> None:
    if isinstance(wanted, (tuple, list)) and type(result) in (tuple, list):
        for one, other in zip(wanted, result, strict=True):
            _compare(name, one, other)
    elif isinstance(result, Expression):
        found, due = (result.node.dtype, result.node.shape), (wanted.dtype, wanted.shape)
        if found != due:
            raise MissingRuleError(
                name, "this call is not supported on traced values",
                got=f"{found[0]}{list(found[1])} where NumPy gives {due[0]}{list(due[1])}",
            )  # fmt: skip


def _is_large(name: str, result: Any) -> bool:
    """Whether NumPy would work long on it, or fail for want of memory; nobody may ask for it."""
    results = result if isinstance(result, (list, tuple)) else (result,)
    nodes = [item.node for item in results if isinstance(item, Expression)]
    for node in nodes:
        if node.size * node.dtype.itemsize > sys.maxsize:
            raise ArgumentError(
                name, "no array is so large", got=f"a result of shape {shown(node.shape)}"
            )
    return any(node.size > MOST_ELEMENTS for node in nodes)


class _TooLarge(Exception):
    """An argument that takes as long to look at as the function itself."""


class _Unknown(Exception):
    """An argument of a sort by which no call is found again, and which few functions take."""


def _kind(item: Any, depth: int = 0) -> Any:
    """What a result's shape and dtype may depend on."""
    if isinstance(item, Expression):
        if item.node.size > MOST_ELEMENTS:
            raise _TooLarge
        return item.node.shape, item.node.dtype, _is_array(item)
    kind = type(item)
    if kind in (list, tuple) and depth < DEEPEST:
        return kind, *(_kind(part, depth + 1) for part in item)
    if isinstance(item, _PLAIN):
        return kind, item
    if kind is np.ndarray or isinstance(item, np.generic):
        if item.dtype.kind in "fiub" and item.nbytes > 1024:
            raise _TooLarge
        if item.dtype.kind != "O" and item.nbytes <= 1024:
            return kind, item.shape, item.dtype, item.tobytes()
    raise _Unknown


def _run(function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]) -> Any:
    with np.errstate(all="ignore"):  # what NumPy says else, it says to plain arrays too
        given = {key: _plain(item) for key, item in kwargs.items()}
        return function(*map(_plain, args), **given)


def _plain(item: Any, depth: int = 0) -> Any:
    if isinstance(item, Expression):
        return _ones(item)
    if type(item) not in (list, tuple) or depth == DEEPEST:
        return item
    return type(item)(_plain(part, depth + 1) for part in item)


def _ones(item: Expression) -> Any:
    """As good as any numbers; positions of the first element, where they are whole numbers."""
    node = item.node
    value = np.zeros if node.dtype.kind in "iu" else np.ones
    array = value(node.shape, node.dtype)
    return array if _is_array(item) else array[()]


def _is_array(item: Expression) -> bool:
    """Whether it stands for an array, which it may without axes, too."""
    return bool(getattr(item, "is_array", True))
