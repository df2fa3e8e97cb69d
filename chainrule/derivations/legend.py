"""What the less common signs of a derivation mean: only those that occur in it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from chainrule.derivations.steps import Passes
from chainrule.notation.algebra import (
    Apply,
    Expr,
    Indexed,
    Kronecker,
    Ones,
    Power,
    Selector,
    Slope,
    Swap,
    Triangle,
    Unit,
)
from chainrule.notation.names import relation_of

MEANINGS = {
    "ones": "1 is an array of ones; 1ᵀ sums over rows",
    "kronecker": "A ⊗ B is the Kronecker product, for arrays laid out row by row",
    "swap": "K(m,n) vec(X) = vec(Xᵀ)",
    "unit": "e[k] is column k of I, counted from 0",
    "selector": "I[a:b] are those rows of I, counted from 0",
    "triangle": "tril(1) has ones on and below the diagonal, triu(1) on and above",
    "logistic": "σ(x) = 1 / (1 + exp(−x))",
    "power": "x^⊙p is a power entry by entry",
    "holds": "[a > b] is 1 where that holds, else 0",
    "wins": "[a ≻ b] is 1 where a > b, ½ where both are equal, else 0",
    "indexed": "{…}[i,j; k,l] is given by its entries, rows before the semicolon",
}


def legend(passes: Passes) -> list[str]:
    """One clause for each kind of sign that occurs."""
    found = {_kind(item) for expr in _shown(passes) for item in _walk(expr)}
    if any(_kind(item) == "logistic" for expr in _written(passes) for item in _walk(expr)):
        found.remove("logistic")  # whoever writes it knows it
    return [text for name, text in MEANINGS.items() if name in found]


def _written(passes: Passes) -> Iterator[Expr]:
    """What the user wrote."""
    yield from (item.definition for item in passes.quantities if item.definition is not None)


def _shown(passes: Passes) -> Iterator[Expr]:
    yield from _written(passes)
    for step in passes.steps:
        yield step.local
        yield step.expression


def _walk(expr: Expr) -> Iterator[Expr]:
    pending = [expr]
    while pending:
        item = pending.pop()
        yield item
        pending.extend(item.parts)


def _kind(item: Expr) -> str:
    match item:
        case Ones():
            return "ones"
        case Kronecker():
            return "kronecker"
        case Swap():
            return "swap"
        case Unit():
            return "unit"
        case Selector():
            return "selector"
        case Triangle():
            return "triangle"
        case Power() if not item.is_scalar and abs(item.exponent) not in (1, Fraction(1, 2)):
            return "power"
        case Slope() if relation_of(item) is not None:
            return "wins"
        case Apply() | Slope() if item.function == "sigmoid":
            return "logistic"
        case Apply() if relation_of(item) is not None:
            return "holds"
        case Indexed():
            return "indexed"
    return ""
