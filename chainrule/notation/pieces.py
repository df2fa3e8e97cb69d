"""Products taken apart and put together: the number in front, scalars, matrices."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from chainrule.notation.algebra import Expr, Number, Product, Zero, number

ONE = Number(Fraction(1))
Value = Fraction | float


def magnitude(value: Value) -> Value:
    """A number without its sign."""
    return -value if value < 0 else value


def is_whole(value: Value) -> bool:
    """Whether a number is a whole one; an infinite one is not."""
    return (isinstance(value, Fraction) and value.denominator == 1) or float(value).is_integer()


def split_number(expr: Expr) -> tuple[Value, Expr]:
    """The number in front of an expression, and the rest."""
    if isinstance(expr, Number):
        return expr.value, ONE
    if isinstance(expr, Product) and isinstance(expr.factors[0], Number):
        rest = expr.factors[1:]
        return expr.factors[0].value, rest[0] if len(rest) == 1 else Product(rest)
    return Fraction(1), expr


def times_number(value: Value, expr: Expr) -> Expr:
    """A number times an expression that is simplified already."""
    mine, rest = split_number(expr)
    value = value * mine
    if value == 0:
        return Zero(expr.shape)
    if rest == ONE:
        return Number(value)
    if value == 1:
        return rest
    factors = rest.factors if isinstance(rest, Product) else (rest,)
    return Product((Number(value), *factors))


def product_of(a: Value, b: Value) -> Value:
    """The product of two numbers, exact where both are."""
    return (
        number(float(a) * float(b)).value if isinstance(a, float) or isinstance(b, float) else a * b
    )


def may_flatten(item: Expr) -> bool:
    """An inner product stays one factor of a longer chain: its rows and columns do not fit."""
    if not isinstance(item, Product):
        return False
    return not item.is_scalar or all(factor.is_scalar for factor in item.factors)


def factors_of(item: Expr) -> tuple[Expr, ...]:
    """The factors of a product that may join a longer one; anything else alone."""
    return item.factors if isinstance(item, Product) and may_flatten(item) else (item,)


def assembled(scale: Value, scalars: Sequence[Expr], matrices: Sequence[Expr]) -> Expr:
    """A number, scalars and matrices as one product."""
    front = [] if scale == 1 else [Number(scale)]
    everything = [*front, *scalars, *matrices]
    if not everything:
        return ONE
    return everything[0] if len(everything) == 1 else Product(tuple(everything))


def scalars_and_matrices(expr: Expr) -> tuple[Value, list[Expr], list[Expr]]:
    """What a product is made of."""
    scale, rest = split_number(expr)
    factors = tuple(item for item in factors_of(rest) if item != ONE)
    scalars = [item for item in factors if item.is_scalar]
    return scale, scalars, [item for item in factors if not item.is_scalar]
