"""Special methods that only some of the classes that a traced value stands for have."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any

from chainrule.errors import TracingError
from chainrule.tracing.interpreter import finds_frames, frame_of


class MissingMethod(AttributeError, TypeError):
    """A `TypeError` where an operation needs the method, an `AttributeError` where code asks."""


class Special:
    """A method that is there if the class that the value stands for has it: `len` of an array."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.name = function, function.__name__
        self.__doc__ = function.__doc__

    def __get__(self, value: Any, owner: type | None = None) -> Any:
        if value is None:
            return self.function
        stood_for = value.__class__
        if not hasattr(stood_for, self.name):
            name = f"{stood_for.__module__}.{stood_for.__name__}".removeprefix("builtins.")
            raise MissingMethod(f"'{name}' object has no {self.name}()")
        return MethodType(self.function, value)


class _Nothing:
    """A class that abstract classes find nothing in."""

    __hash__ = None  # type: ignore[assignment]


class Silent(type):
    """Of classes whose objects stand for others: abstract classes learn nothing from them.

    ``isinstance(x, Hashable)`` asks ``x.__class__``, which is the class that x stands for, and
    ``type(x)`` too, and one yes is enough. They look for methods in ``__mro__``; Python itself does
    not, which finds all of them.
    """

    @property  # type: ignore[misc]
    def __class__(cls) -> type:
        """Asked by typing's classes, which look at ``type(x)`` alone: an array, or a number."""
        frame = frame_of(1) if finds_frames and frame_of is not None else None
        if frame is not None and frame.f_globals.get("__name__") == "typing":
            raise TracingError(
                "isinstance", "the classes of typing do not see what a traced value stands for",
                remedy="write those of collections.abc instead",
            )  # fmt: skip
        return Silent

    @property
    def __mro__(cls) -> tuple[type, ...]:
        return (_Nothing,)
