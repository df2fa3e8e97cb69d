"""NumPy itself is asked whether it takes such arguments, and what the result is like.

What stands in for a function is written for the calls that are meant; NumPy may refuse others. So
the function is run once, for each kind of arguments, on plain arrays of the same shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np

from chainrule.errors import MissingRuleError
from chainrule.primitives.expression import Expression
from chainrule.tracing.dispatch import name_of

MOST_ELEMENTS = 1 << 20
"""Of larger arrays nothing is asked: it would take as long as the function itself."""
_PLAIN = (bool, int, float, str, type(None), type, np.dtype, type(...), type(np._NoValue))


def answered(function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]) -> bool:
    """Whether NumPy gives a result for plain arrays of the same shapes."""
    try:
        _run(function, args, kwargs)
    except Exception:
        return False
    return True


def agree(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any
) -> None:
    """Raise what NumPy raises; refuse a result of another shape or dtype than NumPy's."""
    try:
        known = _agreed((function, *map(_kind, args), *((k, _kind(kwargs[k])) for k in kwargs)))
        if known:
            return
    except _NotAsked:
        return
    try:
        wanted = _run(function, args, kwargs)
    except np.linalg.LinAlgError:  # it goes by the values
        return
    _compare(function, wanted, result)
    known.append(True)


@lru_cache(maxsize=1024)
def _agreed(kind: Hashable) -> list[bool]:
    """Whether a kind of call has been compared: empty until it has."""
    return []


def _compare(function: Callable[..., Any], wanted: Any, result: Any) -> None:
    if isinstance(wanted, (tuple, list)) and type(result) in (tuple, list):
        for one, other in zip(wanted, result, strict=True):
            _compare(function, one, other)
    elif isinstance(result, Expression):
        found, due = (result.node.dtype, result.node.shape), (wanted.dtype, wanted.shape)
        if found != due:
            raise MissingRuleError(
                name_of(function), "this call is not supported on traced values",
                got=f"{found[0]}{list(found[1])} where NumPy gives {due[0]}{list(due[1])}",
            )  # fmt: skip


class _NotAsked(Exception):
    """An argument by which a call is not known, or too large a one."""


def _kind(item: Any) -> Any:
    """What a result's shape and dtype may depend on."""
    if isinstance(item, Expression):
        if item.node.size > MOST_ELEMENTS:
            raise _NotAsked
        return item.node.shape, item.node.dtype, _is_array(item)
    kind = type(item)
    if kind in (list, tuple):
        return kind, *map(_kind, item)
    if isinstance(item, _PLAIN):
        return kind, item
    if isinstance(item, (np.ndarray, np.generic)) and item.nbytes <= 1024:
        return kind, item.shape, item.dtype, item.tobytes()
    raise _NotAsked


def _run(function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]) -> Any:
    with np.errstate(all="ignore"), catch_warnings():
        simplefilter("ignore")
        given = {key: _plain(item) for key, item in kwargs.items()}
        return function(*map(_plain, args), **given)


def _plain(item: Any) -> Any:
    if isinstance(item, Expression):
        return _ones(item)
    return type(item)(map(_plain, item)) if type(item) in (list, tuple) else item


def _ones(item: Expression) -> Any:
    """As good as any numbers; positions of the first element, where they are whole numbers."""
    node = item.node
    value = np.zeros if node.dtype.kind in "iu" else np.ones
    array = value(node.shape, node.dtype)
    return array if _is_array(item) else array[()]


def _is_array(item: Expression) -> bool:
    """Whether it stands for an array, which it may without axes, too."""
    return bool(getattr(item, "is_array", True))
