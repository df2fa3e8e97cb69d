"""What a row states besides its value and derivative: signs, cost, kinks, and the way on to ℂ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.node import Array


class Written(NamedTuple):
    """How a sign is written."""

    text: str
    latex: str


class Infix(NamedTuple):
    """A sign between two operands, as code writes it.

    Attributes
    ----------
    sign : str
    binding : int
        How tightly it binds: operands that bind more loosely stand in brackets.
    regroups : bool
        Whether a + (b + c) needs no brackets; a − (b − c) does.
    """

    sign: str
    binding: int
    regroups: bool = True


COMPARED, SUMMED, MULTIPLIED = 1, 3, 5
"""How tightly Python's signs bind."""

ONE_INSTRUCTION, A_SERIES = 1, 12
"""What an element costs, in additions: what processors have an instruction for, and what not."""


class Slope(NamedTuple):
    """The name of a derivative by one input, where it has one of its own.

    Attributes
    ----------
    relation : Written or None
        The sign of a bracket such as [a ≻ b]; None for the function's own name with a prime, σ′(Z).
    order : tuple of int
        The places of the inputs in what is written.
    """

    relation: Written | None = None
    order: tuple[int, ...] = (0,)


PRIME = Slope()
_WINS = Written("≻", r"\succ")
FIRST_WINS, SECOND_WINS = Slope(_WINS, (0, 1)), Slope(_WINS, (1, 0))
"""[a ≻ b] is one where a is larger, ½ where both are equal: the derivative of a maximum."""


class Kink(NamedTuple):
    """Where a function has no derivative, and what is used for it there.

    Attributes
    ----------
    is_met : callable
        Whether each entry is at such a point, given the inputs.
    convention : str
    """

    is_met: Callable[..., Array]
    convention: str


def at_zero(convention: str) -> Kink:
    """A kink at 0."""
    return Kink(lambda x: np.asarray(x == 0), convention)


def at_whole_numbers(convention: str) -> Kink:
    """A jump at every whole number."""
    return Kink(lambda x: np.asarray(x == np.rint(x)), convention)


AT_TIES = Kink(lambda a, b: np.asarray(a == b), "a tie gives each side ½")

COMPLEX = np.dtype(np.complex128)


def goes_on(function: Callable[..., Any]) -> bool:
    """Whether NumPy itself computes a ufunc of complex numbers."""
    if not isinstance(function, np.ufunc):
        return False
    return "D" * function.nin + "->D" in function.types


def by_real_parts(
    function: Callable[..., Any], dtypes: Sequence[np.dtype[Any]]
) -> Callable[..., Array]:
    """A comparison or another choice, which looks at the real parts."""
    return lambda *z: np.asarray(
        function(*(np.real(a).astype(d) for a, d in zip(z, dtypes, strict=True)))
    )
