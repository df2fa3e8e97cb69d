"""Functions of single elements in notation: how they are written, and their values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from chainrule.primitives.elementwise import ROWS


class Written(NamedTuple):
    """How a function's name is written."""

    text: str
    latex: str


NAMES = {
    "sigmoid": Written("σ", r"\sigma"),
    "relu": Written("relu", r"\operatorname{relu}"),
    "det": Written("det", r"\det"),
    "logabsdet": Written("logabsdet", r"\operatorname{logabsdet}"),
    "absolute": Written("abs", r"\operatorname{abs}"),
    "softmax": Written("softmax", r"\operatorname{softmax}"),
    **{
        name: Written(name, rf"\{name}")
        for name in "exp log sin cos tan sinh cosh tanh max min arcsin arccos arctan".split()
    },
}
"""Functions with a symbol of their own; all others are written by their NumPy name."""

COMPARISONS = {
    "greater": Written(">", ">"), "less": Written("<", "<"),
    "greater_equal": Written("≥", r"\ge"), "less_equal": Written("≤", r"\le"),
    "equal": Written("=", "="), "not_equal": Written("≠", r"\ne"),
    "wins": Written("≻", r"\succ"),
}  # fmt: skip
"""Written in Iverson's brackets, [a > b]: one where it holds, zero elsewhere.

``wins`` is the derivative of a maximum: as ``greater``, but ½ where both are equal.
"""

PRIMED = frozenset({"sigmoid", "tanh", "relu"})
"""Functions whose derivative is written σ′ rather than by its formula, unless expanded."""


def written(name: str) -> Written:
    """A function's name in text and in LaTeX."""
    plain = name.replace("_", r"\_")
    return NAMES.get(name) or Written(name, rf"\operatorname{{{plain}}}")


def _wins(a: Any, b: Any) -> Any:
    return np.where(a > b, 1.0, np.where(a == b, 0.5, 0.0))


_DERIVATIVES: dict[str, Callable[..., Any]] = {
    "sigmoid": lambda x: 0.25 / np.cosh(x / 2) ** 2,
    "tanh": lambda x: 1 / np.cosh(x) ** 2,
    "relu": lambda x: np.where(x > 0, 1.0, 0.0),
}


def value_of(name: str, primes: int, args: list[Any]) -> Any:
    """The value of a function of elements, or of its derivative."""
    if primes:
        return _DERIVATIVES[name](*args)
    if name == "wins":
        return _wins(*args)
    if name == "where":
        return np.where(np.asarray(args[0]) != 0, args[1], args[2])
    if name in COMPARISONS:
        return np.where(ROWS[name].value(*args), 1.0, 0.0)
    if name.startswith(("logical_", "bitwise_", "invert")):
        return np.asarray(ROWS[name].value(*(np.asarray(item) != 0 for item in args)), float)
    return ROWS[name].value(*args)
