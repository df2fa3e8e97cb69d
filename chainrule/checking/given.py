"""The gradient that was worked out by hand, in the forms that it may come in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.checking.subject import (
    Subject,
    failures,
    leaves_of,
    parameter_name,
    real_array,
)
from chainrule.errors import ArgumentError
from chainrule.formulas import Formula, parse
from chainrule.graph.node import Array
from chainrule.signatures import parameter_names


@dataclass(frozen=True)
class Given:
    """A hand-derived gradient.

    Attributes
    ----------
    at : callable
        From the arguments to one array for each array that is differentiated by.
    is_function : bool
        Whether it can be asked at other points.
    """

    subject: Subject
    at: Callable[[Sequence[Any], Mapping[str, Any]], list[Array]]
    is_function: bool


def read(gradient: Any, subject: Subject) -> Given:
    """The gradient from a function, a formula, an array, or containers of arrays."""
    if isinstance(gradient, str):
        gradient = _as_function(parse(gradient), parameter_names(subject.f))
    if not callable(gradient):
        arrays = arranged(gradient, subject)
        return Given(subject, lambda args, kwargs: arrays, False)

    def at(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Array]:
        with failures("the gradient function"), np.errstate(all="ignore"):
            value = gradient(*_copies(args), **kwargs)
        return arranged(value, subject)

    return Given(subject, at, True)


def _as_function(formula: Formula, parameters: Sequence[str]) -> Callable[..., Any]:
    """The formula as a function of all of f's arguments, of which it may mention a few."""
    names = list(formula.names)
    unknown = [name for name in names if name not in parameters]
    if unknown:
        raise ArgumentError(
            "check", f"the formula mentions {', '.join(unknown)}, which f does not take",
            got=f"a function of {', '.join(parameters) or 'unknown parameters'}",
        )  # fmt: skip
    function = formula.function(names)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        known = {**dict(zip(parameters, args, strict=False)), **kwargs}
        return function(*(known[name] for name in names))

    return gradient


def arranged(value: Any, subject: Subject) -> list[Array]:
    """One array for each array that is differentiated by, in their order."""
    labels = subject.labels
    if len(labels) == 1:
        return [_array(_only(value, subject), labels[0])]
    if isinstance(value, Mapping):
        value = _ordered(value, subject)
    if isinstance(value, (tuple, list)) and len(value) == len(labels):
        return [_array(item, label) for item, label in zip(value, labels, strict=True)]
    leaves = leaves_of(value, "the gradient")
    if len(leaves) != len(labels):
        raise ArgumentError(
            "check", "the gradient must hold one array for each argument that is differentiated by",
            got=f"{len(leaves)} for {len(labels)}",
            remedy=f"return a tuple of the gradients by {', '.join(labels)}",
        )  # fmt: skip
    return [_array(item, label) for item, label in zip(leaves, labels, strict=True)]


def _only(value: Any, subject: Subject) -> Any:
    """The one gradient, taken out of a container of one."""
    if isinstance(value, Mapping) and len(value) == 1:
        return next(iter(value.values()))
    if isinstance(value, tuple) and len(value) == 1:
        return value[0]
    return value


def _ordered(value: Mapping[Any, Any], subject: Subject) -> Any:
    """The entries of a dict in the order of the arguments, if it is keyed by their names."""
    for names in (subject.labels, [parameter_name(subject.f, key) for key in subject.keys]):
        if set(names) == set(value):
            return tuple(value[name] for name in names)
    return value


def _array(value: Any, label: str) -> Array:
    if value is None:
        raise ArgumentError(
            "check", f"the gradient by {label} is missing", got="None",
            remedy="end the gradient function with return",
        )  # fmt: skip
    array = real_array(value, f"the gradient by {label}")
    if np.ma.is_masked(value):
        raise ArgumentError(
            "check", f"the gradient by {label} has masked entries", got=f"{type(value).__name__}",
            remedy="fill them in, for instance with gradient.filled(0)",
        )  # fmt: skip
    return array


def _copies(args: Sequence[Any]) -> list[Any]:
    """Arrays are copied: the function may change its arguments."""
    return [arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args]
