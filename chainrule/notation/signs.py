"""A function that its row states by Python's signs, read as an expression."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from chainrule.notation.algebra import Apply, Expr, Number
from chainrule.notation.rewriting import hadamard, power, product, total
from chainrule.primitives.elementwise import ROWS

MINUS = Number(Fraction(-1))


def by_signs(formula: Callable[..., Any], args: Sequence[Expr]) -> Expr:
    """The expression that a formula of +, −, /, ``**`` and ~ makes of others.

    Examples
    --------
    >>> from chainrule.notation.algebra import SCALAR, Symbol
    >>> by_signs(lambda x: x**-1, [Symbol(SCALAR, "x")]).exponent
    Fraction(-1, 1)
    """
    result: Signed = formula(*map(Signed, args))
    return result.expr


class Signed(NamedTuple):
    """An expression that is computed with by signs."""

    expr: Expr

    def __add__(self, other: Signed) -> Signed:  # type: ignore[override]  # no tuples are joined
        return Signed(total([self.expr, other.expr]))

    def __sub__(self, other: Signed) -> Signed:
        return Signed(total([self.expr, product([MINUS, other.expr])]))

    def __truediv__(self, other: Signed) -> Signed:
        return Signed(hadamard([self.expr, power(other.expr, Fraction(-1))]))

    def __pow__(self, exponent: int | Fraction) -> Signed:
        return Signed(power(self.expr, Fraction(exponent)))

    def __invert__(self) -> Signed:
        return Signed(_negated(self.expr))


def _negated(a: Expr) -> Expr:
    """[x ≤ 0] for what is not [x > 0]."""
    row = ROWS.get(a.function) if isinstance(a, Apply) else None
    if not isinstance(a, Apply) or row is None or row.opposite is None:
        return Apply("logical_not", (a,))
    return Apply(row.opposite.__name__, a.args, Otherwise(a.run) if a.run else None)


@dataclass(frozen=True, eq=False)
class Otherwise:
    """One where a condition does not hold."""

    holds: Callable[..., Any]

    def __call__(self, *arrays: Any) -> Any:
        return 1 - self.holds(*arrays)
