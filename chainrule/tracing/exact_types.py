"""``type(x) is np.ndarray`` in the user's code, answered as for the array.

Nothing that a class can define answers ``type(x)``. So while a function is traced, the modules of
the code that it runs, where that code calls ``type``, find one in their namespace that gives a
traced value's class as ``x.__class__`` does, and is Python's own to everything else. Code that
comes by ``type`` in another way is not reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from inspect import getattr_static
from threading import Lock
from types import CodeType, FunctionType, MethodType
from typing import Any

from chainrule import forks
from chainrule.primitives.expression import Expression

_OWN = ("chainrule", "numpy", "scipy")
_changed: dict[int, int] = {}
"""How many calls under way need each changed namespace, by its identity."""
_lock = Lock()


def _begin_anew() -> None:
    """In the child of a fork: another thread may have had the lock."""
    global _lock
    _lock = Lock()


forks.in_child(_begin_anew)


class _Asked(type):
    """What stands for ``type``: its class answers as ``type`` does."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is not ExactType:
            return super().__call__(*args, **kwargs)
        if len(args) == 1 and isinstance(args[0], Expression) and not kwargs:
            return args[0].__class__
        found = type(*args, **kwargs)
        return cls if found is type else found

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, type)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, type)

    def __eq__(cls, other: object) -> bool:
        return other is type or other is cls

    def __hash__(cls) -> int:
        return hash(type)


class ExactType(type, metaclass=_Asked):
    """``type``, that takes a traced value for what it stands for."""


@contextmanager
def exact_types_of(f: Callable[..., Any]) -> Iterator[None]:
    """Within the block, the code of ``f`` is told the types that it would find in NumPy."""
    start = _function(f)
    found = [] if start is None else _namespaces(start)
    changed = [space for space in found if _enter(space)]
    try:
        yield
    finally:
        for space in changed:
            _leave(space)


def _enter(space: dict[str, Any]) -> bool:
    with _lock:
        if space.get("type", ExactType) is not ExactType:
            return False  # the module's own
        space["type"] = ExactType
        _changed[id(space)] = _changed.get(id(space), 0) + 1
    return True


def _leave(space: dict[str, Any]) -> None:
    with _lock:
        _changed[id(space)] = _changed.get(id(space), 1) - 1
        if not _changed[id(space)]:
            del _changed[id(space)]
            if space.get("type") is ExactType:
                del space["type"]


def _function(f: Any) -> FunctionType | None:
    while not isinstance(f, FunctionType):
        if isinstance(f, MethodType):
            f = f.__func__
        elif hasattr(f, "func"):  # functools.partial
            f = f.func
        else:
            f = None if isinstance(f, type) else getattr_static(type(f), "__call__", None)
            if not isinstance(f, FunctionType):
                return None
    return f


def _namespaces(start: FunctionType) -> list[dict[str, Any]]:
    """The namespaces in which code that ``start`` reaches by name looks for ``type``."""
    found: dict[int, dict[str, Any]] = {}
    stack, seen = [start], {start}
    while stack:
        f = stack.pop()
        space = f.__globals__
        names = _names(f.__code__)
        if "type" in names:
            found[id(space)] = space
        cells = [cell.cell_contents for cell in f.__closure__ or () if _is_filled(cell)]
        for item in (*map(space.get, names), *cells):
            if type(item) is FunctionType and item not in seen and not _is_own(item):
                seen.add(item)
                stack.append(item)
    return list(found.values())


def _is_own(f: FunctionType) -> bool:
    return (f.__module__ or "").partition(".")[0] in _OWN


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018  # an empty one raises
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1024)
def _names(code: CodeType) -> frozenset[str]:
    """What the code looks up by name, in the functions within it too."""
    inner = [_names(item) for item in code.co_consts if isinstance(item, CodeType)]
    return frozenset(code.co_names).union(*inner)
