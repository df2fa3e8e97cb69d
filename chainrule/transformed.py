"""Functions made of functions: what grad, vmap, compile and their kin return.

Each is its recipe: the user's function and the options. So it can be copied, pickled, shown, used
as a decorator of functions and of methods, and it keeps the name, the docstring and the signature.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from copy import deepcopy
from functools import partial, reduce, update_wrapper
from inspect import currentframe
from types import FunctionType, MethodType
from typing import Any, ClassVar, Self

from chainrule.arguments import name_of, require_function, shown
from chainrule.errors import UnpicklableError

STANDARD_PICKLERS = ("pickle", "_pickle", "multiprocessing.reduction")
"""Modules whose picklers write a function as its name; those of other packages may do more."""

USUAL = {"wrt": 0, "in_axes": 0, "when": "first call", "expanded": False}
"""What options are where they are left out."""


class Transformed:
    """A function of the user's, transformed: f and the options that it is transformed with.

    Parameters
    ----------
    f : callable
        The user's function, or one that is transformed itself.
    **options
        What else the transformation was asked for, by the names of its parameters.
    """

    operation: ClassVar[str]
    """The public name of the transformation."""

    def __init__(self, f: Callable[..., Any], **options: Any) -> None:
        require_function(self.operation, f)
        self._f, self._options = f, options
        _take_after(self, f)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The transformed function of f's own arguments."""
        raise NotImplementedError

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """In a class it is a method, as a function would be."""
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> Any:
        """A decorated function as its name, any other as its recipe."""
        if _by_name(self) is self:
            return vars(self)["__qualname__"]
        require_picklable(f"pickle {self.operation}", self._f)
        return _again, (type(self), self._f, self._options)

    def __copy__(self) -> Self:
        return self if _by_name(self) is self else type(self)(self._f, **self._options)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        if _by_name(self) is self:
            return self
        f, options = deepcopy((self._f, self._options), memo)
        return type(self)(f, **options)

    def __repr__(self) -> str:
        return f"<{text_of(self)}>"


def _again(cls: type[Transformed], f: Callable[..., Any], options: dict[str, Any]) -> Transformed:
    return cls(f, **options)


def _take_after(wrapper: Transformed, f: Callable[..., Any]) -> None:
    """As `functools.wraps`: names, docstring and attributes, but nothing that f is made of."""
    update_wrapper(wrapper, f, updated=())
    if not hasattr(wrapper, "__name__"):
        vars(wrapper).update(__name__=name_of(f), __qualname__=name_of(f))
    for name, value in getattr(f, "__dict__", {}).items():
        is_private = name.startswith("_") and not isinstance(f, FunctionType)
        if not is_private and not hasattr(wrapper, name):
            setattr(wrapper, name, value)


# -- texts ----------------------------------------------------------------------------------------


def text_of(f: Any) -> str:
    """A function as its recipe, such as ``cr.compile(cr.grad(cost, wrt='A'))``."""
    calls: list[str] = []
    while isinstance(f, Transformed):
        given = {name: item for name, item in f._options.items() if not _is_usual(name, item)}
        options = "".join(f", {name}={shown(item)}" for name, item in given.items())
        calls.append(f"cr.{f.operation}(")
        calls.append(f"{options})")
        f = f._f
    name = f"{name_of(f):.60}"
    if isinstance(f, partial):
        name = f"partial({name}, ...)"
    return "".join(calls[::2]) + name + "".join(calls[1::2][::-1])


def _is_usual(name: str, value: Any) -> bool:
    """Whether an option says nothing that goes without saying."""
    usual = USUAL.get(name)
    return value is None or (type(value) is type(usual) and value == usual)


# -- what can be pickled --------------------------------------------------------------------------


def require_picklable(operation: str, f: Any) -> None:
    """Raise `UnpicklableError` for a function that pickle can't find by its name.

    Picklers of other packages, such as cloudpickle's, may write it nevertheless: they get it.
    """
    while isinstance(f, partial):
        f = f.func
    if not isinstance(f, FunctionType) or _by_name(f) is f or _other_pickler():
        return
    raise UnpicklableError(
        operation, f"{name_of(f)} cannot be found by its name in its module",
        got=f"{f.__module__}.{f.__qualname__}",
        remedy="define it with def at the top level of a module (options: functools.partial)",
    )  # fmt: skip


def _by_name(f: Any) -> Any:
    """What the name and the module of a function lead to."""
    try:
        return reduce(getattr, f.__qualname__.split("."), sys.modules[f.__module__])
    except (AttributeError, KeyError, TypeError):
        return None


def _other_pickler() -> bool:
    """Whether a pickler that is not the standard library's is at work."""
    frame = currentframe()
    while frame is not None:
        at_work = frame.f_locals.get("self")
        is_pickler = isinstance(at_work, (pickle.Pickler, pickle._Pickler))
        if is_pickler and type(at_work).__module__ not in STANDARD_PICKLERS:
            return True
        frame = frame.f_back
    return False
