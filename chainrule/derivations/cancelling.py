"""What cancels when slopes are written out: ((1 − y) ⊘ (1 − p) − y ⊘ p) ⊙ σ′(z) is p − y.

A derivation speaks of σ′(z); where p (1 − p), which is what the row gave for it, makes the whole
shorter, it is that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from chainrule.notation.algebra import (
    Diag,
    Expr,
    Hadamard,
    Number,
    Power,
    Product,
    Slope,
    Sum,
    Transpose,
    replace_parts,
    weight,
)
from chainrule.notation.pieces import split_number, times_number
from chainrule.notation.rewriting import hadamard, product, simplified, total, transpose

MOST = 24
"""Terms up to which products of sums are multiplied out."""


def shortest(expr: Expr, slopes: Mapping[Slope, Expr]) -> Expr:
    """The expression, or what is left of it when its slopes are written out, if that is shorter."""
    if not _divides(expr):
        return expr
    opened = turned(_cancelled(simplified(_opened(expr, slopes))))
    return opened if weight(opened) < weight(expr) else expr


def _divides(expr: Expr) -> bool:
    """Whether something divides in it, which may cancel."""
    pending = [expr]
    while pending:
        item = pending.pop()
        if isinstance(item, Power) and item.exponent == -1:
            return True
        pending.extend(item.parts)
    return False


def turned(expr: Expr) -> Expr:
    """2(p − y)ᵀ X for −2(y − p)ᵀ X."""
    value, rest = split_number(expr)
    if value >= 0:
        return expr
    factors = list(rest.factors) if isinstance(rest, Product) else [rest]
    for k, item in enumerate(factors):
        inner = item.inner if isinstance(item, (Diag, Transpose)) else item
        signs = [split_number(term)[0] < 0 for term in inner.parts]
        if isinstance(inner, Sum) and sorted(signs) == [False, True]:
            terms = [times_number(-v, term) for v, term in map(split_number, inner.terms)]
            turned: Expr = Sum(tuple(terms if signs[0] else terms[::-1]))
            factors[k] = replace_parts(item, (turned,)) if inner is not item else turned
            return product([Number(-value), *factors])
    return expr


def _opened(expr: Expr, slopes: Mapping[Slope, Expr]) -> Expr:
    if isinstance(expr, Slope) and expr in slopes:
        return slopes[expr]
    if not expr.parts:
        return expr
    return replace_parts(expr, tuple(_opened(item, slopes) for item in expr.parts))


def _cancelled(expr: Expr) -> Expr:
    """Sums whose terms are divided by what they are multiplied by, multiplied out."""
    if not expr.parts:
        return expr
    parts = tuple(_cancelled(item) for item in expr.parts)
    if isinstance(expr, Product):
        parts = _rows_by_diagonals(parts)
    found = simplified(replace_parts(expr, parts))
    value, rest = split_number(found)
    if not isinstance(rest, (Hadamard, Product)):
        return found
    matrices: list[Expr] = []
    if isinstance(rest, Product):
        matrices = [item for item in rest.factors if not item.is_scalar]
    spread = _spread([item for item in rest.parts if item not in matrices])
    return found if spread is None else product([times_number(value, spread), *matrices])


def _rows_by_diagonals(factors: Sequence[Expr]) -> tuple[Expr, ...]:
    """vᵀ diag(w) as (v ⊙ w)ᵀ, where something cancels in it."""
    result: list[Expr] = []
    for item in factors:
        before = result[-1] if result else None
        if isinstance(item, Diag) and isinstance(before, Transpose) and before.is_row:
            spread = _spread([*_factors(before.inner), *_factors(item.inner)])
            if spread is not None:
                result[-1] = transpose(spread)
                continue
        result.append(item)
    return tuple(result)


def _factors(expr: Expr) -> Sequence[Expr]:
    whole = isinstance(expr, Hadamard) or (isinstance(expr, Product) and expr.is_scalar)
    return expr.parts if whole else (expr,)


def _spread(factors: Sequence[Expr]) -> Expr | None:
    """A sum times other factors as a sum of products, if those divide each of its terms."""
    for k, item in enumerate(factors):
        others = [*factors[:k], *factors[k + 1 :]]
        if isinstance(item, Sum) and all(_is_divided(term, others) for term in item.terms):
            terms = [hadamard([term, *others]) for term in item.terms]
            apart = _in_one_order(part for term in terms for part in _monomials(term))
            both = (total(terms), total(apart) if len(apart) <= MOST else None)
            return min((item for item in both if item is not None), key=weight)
    return None


def _in_one_order(terms: Iterable[Expr]) -> list[Expr]:
    """Elementwise products with the same factors written the same, so that they add up."""
    seen: dict[frozenset[Expr], Expr] = {}
    result = []
    for term in terms:
        value, rest = split_number(term)
        factors = _factors(rest)
        is_set = len(set(factors)) == len(factors) > 1
        same = seen.setdefault(frozenset(factors), rest) if is_set else rest
        result.append(times_number(value, same))
    return result


def _is_divided(term: Expr, others: Sequence[Expr]) -> bool:
    _, rest = split_number(term)
    return any(
        isinstance(factor, Power) and factor.exponent == -1 and factor.inner in others
        for factor in _factors(rest)
    )


def _monomials(expr: Expr) -> list[Expr]:
    """The terms of a product of sums."""
    value, rest = split_number(expr)
    if isinstance(rest, Sum):
        return [times_number(value, part) for term in rest.terms for part in _monomials(term)]
    factors = list(_factors(rest))
    place = next((k for k, item in enumerate(factors) if isinstance(item, Sum)), None)
    if place is None or len(factors) == 1:
        return [expr]
    inner = factors.pop(place)
    products = [hadamard([term, *factors]) for term in inner.parts]
    return [times_number(value, part) for item in products for part in _monomials(item)]
