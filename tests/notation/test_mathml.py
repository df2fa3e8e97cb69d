"""Expressions as MathML: well-formed, of MathML Core alone, and the same as in the other styles."""

from __future__ import annotations

import re
from fractions import Fraction
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.derivations.html_style import FRAGMENT
from chainrule.notation.algebra import (
    SCALAR,
    Number,
    Partial,
    Power,
    Product,
    Sum,
    Symbol,
    Transpose,
    number,
)
from chainrule.notation.lettering import lettered
from chainrule.notation.mathml import MathmlNotation, lines, math, symbol_mathml
from chainrule.notation.text import TextNotation
from tests.notation.expressions import SHAPES, expressions

ARGUMENTS = {"mfrac": 2, "msup": 2, "msub": 2, "munder": 2, "msubsup": 3}
"""Elements that want so many children and no other number."""
CORE = {"math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "msqrt", "mstyle", *ARGUMENTS}
ANY = st.sampled_from(SHAPES).flatmap(expressions)
NAME = re.compile(r"[ab]\dx\d")


def parsed(content: str) -> ElementTree.Element:
    return ElementTree.fromstring(math(content))


def said(content: str) -> str:
    """What a reader without the markup would hear."""
    return "".join(parsed(content).itertext())


@given(ANY)
def test_every_expression_is_well_formed(expr):
    for item in parsed(MathmlNotation()(expr)).iter():
        assert item.tag in CORE
        assert len(item) == ARGUMENTS.get(item.tag, len(item))
        has_text = bool((item.text or "").strip())
        assert has_text == (item.tag in {"mi", "mn", "mo", "mtext"})  # no text outside a token
        assert not (item.tail or "").strip()


@given(ANY)
def test_the_names_stand_in_the_order_of_plain_text(expr):
    found = NAME.findall(said(MathmlNotation()(expr)))
    assert found == NAME.findall(TextNotation()(expr))


@given(ANY)
def test_a_broken_formula_has_all_its_parts_in_order(expr):
    content = MathmlNotation()(expr)
    parts = lines(content)
    assert "".join(map(said, parts)) == said(content)


def test_a_long_sum_is_broken_before_its_terms_and_a_short_one_not():
    x = Symbol((3, None), "abcdefghij")
    terms = tuple(Product((Number(number(k).value), x)) for k in range(2, 9))
    parts = lines(MathmlNotation()(Sum(terms)))
    assert [said(part) for part in parts] == ["2⁢abcdefghij".replace("⁢", "")] + [
        f"+{k}abcdefghij" for k in range(3, 9)
    ]
    assert len(lines(MathmlNotation()(Sum(terms[:2])))) == 1


def test_what_the_lecture_writes():
    f2, Y = Symbol((2, None), "f2"), Symbol((2, None), "Y")
    row = Transpose(Sum((f2, Product((number(-1), Y)))))
    shown = said(MathmlNotation()(Product((row, Symbol((2, 4), "A1")))))
    assert shown.replace("\u2062", "") == "(f2−Y)⊤A1"
    partial = MathmlNotation()(Partial((None, 4), "E", "b0"))
    assert partial.startswith("<mfrac><mrow><mi>∂</mi>")
    assert said(partial) == "∂E∂b0"


def test_a_subscript_and_a_transpose_stand_above_each_other():
    shown = MathmlNotation()(Transpose(Symbol((4, None), "f1")))
    assert [item.tag for item in parsed(shown)[0]] == ["msubsup"]
    square = MathmlNotation()(Power(Symbol((None, None), "v1"), number(2).value))
    assert said(square) == "v12"
    assert "<msubsup>" in square


@pytest.mark.parametrize(
    ("name", "base", "below"),
    [("Z1", "Z", "1"), ("theta", "θ", ""), ("Phi_12", "Φ", "12"), ("b_out", "b", "out"),
     ("f", "f", ""), ("δ2", "δ", "2"), ("loss", "loss", "")],
)  # fmt: skip
def test_names_as_letters(name: str, base: str, below: str):
    assert lettered(name) == (base, below, False)


def test_a_name_that_is_markup_is_text():
    shown = symbol_mathml("p['<b>&']", bold=True)
    assert said(shown) == "p['<b>&']"
    assert "<b>" not in shown


def test_arrays_are_bold_and_numbers_are_not():
    notation = MathmlNotation()
    assert 'class="b"' in notation(Symbol((3, None), "x"))
    assert 'class="b"' not in notation(Symbol((None, None), "x"))


def test_brackets_grow_with_what_they_are_around():
    """As borders that the style sheet draws, for fonts whose signs no browser can stretch."""
    x, y, z = (Symbol(SCALAR, name) for name in "xyz")
    notation = MathmlNotation()
    tall = notation(Product((Sum((x, Product((y, Power(z, Fraction(-1)))))), x)))
    flat = notation(Product((Sum((x, y)), z)))
    assert '<mrow class="paren"><mo stretchy="true">(</mo>' in tall
    assert "paren" not in flat
    assert 'stretchy="false">(' in flat
    assert ".chainrule mrow.paren {" in FRAGMENT


def test_a_transpose_is_a_superscript_that_does_not_float():
    shown = MathmlNotation()(Transpose(Symbol((3, None), "x")))
    assert shown.startswith("<msup>")
    assert '<mi class="top" mathvariant="normal">⊤</mi></msup>' in shown
    assert ".chainrule .top {" in FRAGMENT
