"""Signs of functions, as their rows state them."""

from __future__ import annotations

from chainrule.graph.node import PRIMITIVES
from chainrule.notation.algebra import Apply, Slope
from chainrule.primitives.elementwise import ROWS
from chainrule.primitives.stated import Slope as Name
from chainrule.primitives.stated import Written

LATEX_COMMANDS = frozenset(
    "exp log sin cos tan sinh cosh tanh max min arcsin arccos arctan det".split()
)
"""Names that LaTeX has a command for."""


def written(name: str) -> Written:
    """A function's name in text and in LaTeX."""
    row = PRIMITIVES.get(name)
    stated: Written | None = getattr(row, "symbol", None)
    if stated is not None:
        return stated
    if name in LATEX_COMMANDS:
        return Written(name, rf"\{name}")
    plain = name.replace("_", r"\_")
    return Written(name, rf"\operatorname{{{plain}}}")


def slope_of(expr: Slope) -> Name:
    """How the derivative of a row by one of its inputs is written."""
    return ROWS[expr.function].slopes[expr.position]


def raises(expr: Apply | Slope) -> bool:
    """Whether the second of two arguments is written as an exponent of the first."""
    row = ROWS.get(expr.function)
    return row is not None and row.raises


def relation_of(expr: Apply | Slope) -> Written | None:
    """The sign between two operands in brackets, [a > b]; None for what is written otherwise."""
    if isinstance(expr, Slope):
        return slope_of(expr).relation
    row = ROWS.get(expr.function)
    return None if row is None else row.relation
