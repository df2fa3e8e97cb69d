"""Simplifying changes no value, and gives the form that a person would write."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.notation.algebra import (
    SCALAR,
    Diag,
    Expr,
    Hadamard,
    Identity,
    Inverse,
    Kronecker,
    Norm,
    Number,
    Ones,
    Power,
    Product,
    Sum,
    Symbol,
    Trace,
    Transpose,
    dense_shape,
    number,
)
from chainrule.notation.evaluation import evaluate
from chainrule.notation.rewriting import simplified
from chainrule.notation.text import TextNotation
from tests.notation.expressions import SHAPES, expressions, large_expressions, values

VALUES = values()
# Up to five products deep in another order, entries up to about 1e3.
CLOSE = {"rtol": 1e-9, "atol": 1e-9}

A, B = Symbol((3, 3), "A"), Symbol((3, 3), "B")
x, y, a, b = (Symbol((3, None), name) for name in "xyab")
Phi, theta = Symbol((3, 2), "Phi"), Symbol((2, None), "theta")
s, t = Symbol(SCALAR, "s"), Symbol(SCALAR, "t")
MINUS = Number(Fraction(-1))


def assert_same_value(expr: Expr) -> None:
    before, after = evaluate(expr, VALUES), evaluate(simplified(expr), VALUES)
    assert before.shape == dense_shape(expr.shape)
    if np.isfinite(before).all():  # 0/0 may become 1: what a person writes, too
        np.testing.assert_allclose(after, before, **CLOSE)


@settings(max_examples=300)  # a rule that is wrong for one pair of shapes shows after about 200
@given(st.sampled_from(SHAPES).flatmap(expressions))
def test_simplifying_changes_no_value(expr: Expr):
    assert_same_value(expr)


@settings(max_examples=100)
@given(large_expressions())
def test_simplifying_changes_no_value_of_large_matrices(expr: Expr):
    assert_same_value(expr)


@given(st.sampled_from(SHAPES).flatmap(expressions))
def test_simplifying_twice_changes_nothing_that_is_seen(expr: Expr):
    once = simplified(expr)
    again = evaluate(simplified(once), VALUES)
    before = evaluate(once, VALUES)
    if np.isfinite(before).all():
        np.testing.assert_allclose(again, before, **CLOSE)


@given(st.sampled_from(SHAPES).flatmap(expressions))
def test_simplifying_keeps_the_shape(expr: Expr):
    assert dense_shape(simplified(expr).shape) == dense_shape(expr.shape)


RULES = [
    (Transpose(Transpose(A)), "A"),
    (Inverse(Transpose(A)), "A⁻ᵀ"),
    (Inverse(Inverse(A)), "A"),
    (Product((B, A, Inverse(A), x)), "B x"),
    (Inverse(Product((Number(Fraction(2)), A))), "½ A⁻¹"),
    (Product((Ones((None, 3)), Diag(x))), "xᵀ"),
    (Product((Diag(a), Diag(b))), "diag(a ⊙ b)"),
    (Product((A, Identity(3), B)), "A B"),
    (Product((Identity(3), Identity(3))), "I"),
    (Product((Number(Fraction(2)), A, Number(Fraction(3)), B)), "6 A B"),
    (
        Product((Number(Fraction(2)), Transpose(Sum((y, Product((MINUS, A, x))))),
                 Product((MINUS, A)))),
        "−2(y − A x)ᵀ A",
    ),
    (Sum((A, Product((MINUS, A)))), "0"),
    (Sum((Product((Transpose(x), A)), Product((Transpose(x), Transpose(A))))), "xᵀ(A + Aᵀ)"),
    (Sum((Product((A, x)), x)), "(A + I) x"),
    (Transpose(Product((A, B, x))), "xᵀ Bᵀ Aᵀ"),
    (Transpose(Sum((A, Transpose(A)))), "A + Aᵀ"),
    (Product((A, s, B, t, s)), "s² t A B"),
    (Product((s, Power(s, Fraction(-1)), x)), "x"),
    (Product((Power(Norm(x), Fraction(2)), Power(Norm(x), Fraction(-1)))), "‖x‖"),
    (Power(Product((Transpose(x), x)), Fraction(1, 2)), "‖x‖"),
    (Trace(Product((Transpose(A), A))), "‖A‖²"),
    (Hadamard((x, Ones((3, None)), y)), "x ⊙ y"),
    (Hadamard((x, x)), "x^⊙2"),
    (Hadamard((Product((s, x)), y)), "s (x ⊙ y)"),
    (Product((Ones((2, 3)), Ones((3, 3)), x)), "3·1 x"),
    (Diag(Ones((3, None))), "I"),
    (Kronecker(Identity(2), Identity(3)), "I"),
    (Product((MINUS, Sum((Product((MINUS, x)), Product((MINUS, y)))))), "x + y"),
    (Product((Number(Fraction(3)), Sum((Product((Number(Fraction(2)), x)),
                                         Product((Number(Fraction(-1, 3)), Ones((3, None)))))))),
     "6 x − 1"),
]  # fmt: skip


@pytest.mark.parametrize(("expr", "text"), RULES, ids=[text for _, text in RULES])
def test_as_a_person_would_write_it(expr: Expr, text: str):
    assert TextNotation()(simplified(expr)) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.5, Fraction(1, 2)), (1 / 7, Fraction(1, 7)), (-3.0, Fraction(-3)), (np.pi, float(np.pi))],
)
def test_simple_fractions_are_exact(value: float, expected: object):
    assert number(value).value == expected


def test_letters_stand_for_sizes():
    notation = TextNotation({7: "n", 5: "m"})
    assert notation(Product((number(1 / 7), x))) == "(1/n) x"
    assert notation(Product((number(1 / 35), x))) in ("(1/(mn)) x", "(1/(nm)) x")
