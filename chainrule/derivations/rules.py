"""The names of the rules, with the lecture's equation numbers, read off a local Jacobian."""

from __future__ import annotations

from chainrule.derivations.steps import Rule
from chainrule.notation.algebra import (
    Apply,
    Call,
    Diag,
    Expr,
    Hadamard,
    Identity,
    Kronecker,
    Norm,
    Number,
    Ones,
    Power,
    Product,
    Sum,
    Swap,
    Symbol,
)
from chainrule.notation.pieces import split_number
from chainrule.notation.rewriting import transpose

SQUARES = Rule("least squares", "5.81")
SQUARES_OF_LINEAR = Rule("least squares", "5.83")
SUM = Rule("sum rule", "5.47")
PRODUCT = Rule("product rule", "5.46")
CHAIN = Rule("chain rule", "5.48")
SEVERAL = Rule("chain rule, summed over paths", "5.53")
LINEAR = Rule("f = Ax", "5.68")
BY_MATRIX = Rule("f = Ax by A", "5.92")
LINEAR_MAP = Rule("linear")
ELEMENTWISE = Rule("elementwise")
INDEPENDENT = Rule("does not depend on it")
ITSELF = Rule("the result itself")
REPEATED = Rule("the same in every row")
OPAQUE = Rule("computed, not written")


def contains(expr: Expr, name: str) -> bool:
    """Whether a symbol occurs in an expression."""
    pending = [expr]
    while pending:
        item = pending.pop()
        if isinstance(item, Symbol) and item.name == name:
            return True
        pending.extend(item.parts)
    return False


def rule_of(definition: Expr, jacobian: Expr, top: str, bottom: Symbol) -> Rule:
    """The rule behind one local Jacobian, ∂top/∂bottom.

    Parameters
    ----------
    definition : Expr
        What the top quantity is made of.
    jacobian : Expr
        The local Jacobian.
    top : str
        The name of the result.
    bottom : Symbol
        What is differentiated by.
    """
    core = split_number(jacobian)[1]
    squared = _squared(definition)
    if squared is not None and contains(squared, bottom.name):
        is_plain = isinstance(squared, (Symbol, Sum)) and not _has_product(squared)
        return SQUARES if is_plain else SQUARES_OF_LINEAR
    if isinstance(core, (Identity, Number, Ones)):
        return SUM if isinstance(definition, Sum) else _constant(core)
    if isinstance(definition, Call):
        return Rule(definition.function)
    if isinstance(core, Diag) and isinstance(definition, (Apply, Power, Hadamard)):
        return ELEMENTWISE
    if contains(jacobian, bottom.name) or contains(jacobian, top):
        return PRODUCT if _times_itself(definition, bottom.name) else CHAIN
    return _linear(core, bottom)


def _constant(core: Expr) -> Rule:
    return REPEATED if isinstance(core, Ones) and core.is_column else LINEAR_MAP


def _linear(core: Expr, bottom: Symbol) -> Rule:
    """The result is linear in what is differentiated by."""
    if isinstance(core, Product) and len(core.factors) == 2 and isinstance(core.factors[1], Swap):
        core = core.factors[0]
    if isinstance(core, Kronecker):
        sides = {type(core.left), type(core.right)}
        if sides == {Ones, Identity}:
            return REPEATED
        return BY_MATRIX if Identity in sides else LINEAR_MAP
    if core.is_scalar or not bottom.is_column or isinstance(core, Swap):
        return LINEAR_MAP
    return LINEAR


def _has_product(expr: Expr) -> bool:
    """Whether a sum has a term that is a product of arrays."""
    terms = expr.terms if isinstance(expr, Sum) else (expr,)
    return any(isinstance(split_number(item)[1], Product) for item in terms)


def _times_itself(definition: Expr, bottom: str) -> bool:
    """Whether several factors of one product depend on what is differentiated by."""
    pending = [definition]
    while pending:
        item = pending.pop()
        factors = item.factors if isinstance(item, (Product, Hadamard)) else ()
        if sum(contains(factor, bottom) for factor in factors) > 1:
            return True
        pending.extend(item.parts)
    return False


def _squared(definition: Expr) -> Expr | None:
    """What a cost is the sum of squares of, with a number in front; None if it is none."""
    core = split_number(definition)[1]
    if isinstance(core, Power) and isinstance(core.inner, Norm) and core.exponent == 2:
        return core.inner.inner
    if isinstance(core, Product) and len(core.factors) == 2:
        row, column = core.factors
        if core.is_scalar and column.is_column and transpose(column) == row:
            return column
    return None
