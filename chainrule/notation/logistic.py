"""The logistic function written out, and its kin: e ⊘ (1 + e) is σ, and p ⊙ e is 1 − p.

Here e is any exponential, and p what the user called 1 ⊘ (1 + e).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from chainrule.notation.algebra import (
    Apply,
    Expr,
    Hadamard,
    Number,
    Ones,
    Power,
    Product,
    Sum,
    Symbol,
    replace_parts,
)
from chainrule.notation.pieces import ONE
from chainrule.notation.rewriting import constants_first, hadamard, power, product, total

MINUS = Number(Fraction(-1))


class Reciprocal(NamedTuple):
    """A value with a name that is 1 ⊘ (1 + e)."""

    symbol: Symbol
    below: Expr
    more: Expr
    """What is added to 1 below."""


def reciprocals(symbol: Symbol, definition: Expr) -> Iterator[Reciprocal]:
    """What a value with a name is, if it is one over 1 + e."""
    if isinstance(definition, Power) and definition.exponent == -1:
        below = constants_first(definition.inner)
        more = _beside_one(below)
        if more is not None:
            yield Reciprocal(symbol, below, more)


def _beside_one(expr: Expr) -> Expr | None:
    """e in 1 + e."""
    if not isinstance(expr, Sum) or len(expr.terms) != 2:
        return None
    for one, other in (expr.terms, expr.terms[::-1]):
        if one == ONE or isinstance(one, Ones):
            return other
    return None


def by_names(expr: Expr, known: Sequence[Reciprocal]) -> Expr:
    """The expression with the user's name where it is 1 ⊘ (1 + e), and with σ elsewhere."""
    if not expr.parts:
        return expr
    expr = replace_parts(expr, tuple(by_names(item, known) for item in expr.parts))
    if isinstance(expr, Power) and expr.exponent < 0:
        for item in known:
            if constants_first(expr.inner) == item.below:
                return power(item.symbol, -expr.exponent)
    if isinstance(expr, Hadamard):
        return _joined(list(expr.factors), known) or expr
    if isinstance(expr, Product):
        joined = _joined([item for item in expr.factors if item.is_scalar], known)
        if joined is not None:
            return product([joined, *(item for item in expr.factors if not item.is_scalar)])
    return expr


def _joined(factors: list[Expr], known: Sequence[Reciprocal]) -> Expr | None:
    """An elementwise product, or one of numbers, with what goes together in it."""
    for item in known:
        if item.more in factors and (item.symbol in factors or _raised(item, factors)):
            factors.remove(item.more)
            less = total([_one_like(item.symbol), product([MINUS, item.symbol])])
            # p ⊙ e is 1 − p, with one p fewer
            return hadamard([*factors, power(item.symbol, Fraction(-1)), less])
    for factor in factors:
        if isinstance(factor, Apply) and factor.function == "exp":
            for other in factors:
                if isinstance(other, Power) and other.exponent == -1 and (
                    _beside_one(other.inner) == factor
                ):  # fmt: skip
                    rest = [part for part in factors if part not in (factor, other)]
                    return hadamard([*rest, Apply("sigmoid", factor.args)])
    return None


def _raised(item: Reciprocal, factors: Sequence[Expr]) -> bool:
    return any(isinstance(f, Power) and f.inner == item.symbol and f.exponent > 0 for f in factors)


def _one_like(symbol: Symbol) -> Expr:
    return ONE if symbol.is_scalar else Ones(symbol.shape)
