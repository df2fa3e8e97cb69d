"""What is said of a wrong formula: the sentence, the line, and the carets."""

import textwrap
from pathlib import Path

import pytest

from chainrule.errors import ArgumentError, ChainruleError, ShapeError
from chainrule.formulas import FormulaError, FormulaShapeError, parse


def cases(file):
    """Formulas, each with what is said of it."""
    table = (Path(__file__).parent / file).read_text("utf-8")
    for entry in table.split("--- ")[1:]:
        text, said = entry.split("\n", 1)
        yield pytest.param(text, said.rstrip("\n"), id=text)


@pytest.mark.parametrize(("text", "said"), list(cases("refused.txt")))
def test_what_is_said_of_a_text_that_is_no_formula(text, said):
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert str(caught.value) == said
    assert caught.value.sentence == said.splitlines()[0]
    assert isinstance(caught.value, ChainruleError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("text", ["", "  ", ";\n;"])
def test_an_empty_formula(text):
    with pytest.raises(FormulaError, match="formula: there is nothing in it; write an expression"):
        parse(text)


def test_the_line_that_is_wrong_is_the_one_shown():
    with pytest.raises(FormulaError) as caught:
        parse("Z = A @ x\nE = sum(Z)\nF = Z @ )")
    assert str(caught.value).splitlines()[1:] == ["    F = Z @ )", "          ^"]


def test_wide_and_combining_characters_keep_the_carets_in_place():
    with pytest.raises(FormulaError) as caught:
        parse("x\N{COMBINING CIRCUMFLEX ACCENT} + 数 $ y")
    line, carets = str(caught.value).splitlines()[1:]
    assert line == "    x\N{COMBINING CIRCUMFLEX ACCENT} + 数 $ y"
    assert carets == "    " + " " * len("x + ## ") + "^"  # the ideograph is two columns wide


def test_a_long_line_is_cut_around_what_is_wrong():
    with pytest.raises(FormulaError) as caught:
        parse(" + ".join(["x"] * 300) + " + $ + " + " + ".join(["y"] * 300))
    line, carets = str(caught.value).splitlines()[1:]
    assert len(line) < 90
    assert line[carets.index("^")] == "$"
    assert line.startswith("    … ")
    assert line.endswith(" …")


@pytest.mark.parametrize("text", ["(" * 10_000, "(" * 10_000 + "x" + ")" * 10_000, "x" * 4001])
def test_too_long_a_formula_is_a_sentence(text):
    with pytest.raises(FormulaError, match=r"formula: the formula has [\d,]+ characters, and no"):
        parse(text)


def test_a_number_beyond_all_floats():
    with pytest.raises(FormulaError, match="this number is too large for a floating-point number"):
        parse("1 + " + "9" * 400)


def given(text):
    """``A=3×4 x=n`` as shapes."""
    pairs = (part.split("=") for part in text.split())
    return {
        name: tuple(int(size) if size.isdigit() else size for size in sizes.split("×") if size)
        for name, sizes in pairs
    }


@pytest.mark.parametrize(("text", "said"), list(cases("misfits.txt")))
def test_what_is_said_of_shapes_that_do_not_fit(text, said):
    text, shapes = text.split(" | ")
    with pytest.raises(FormulaShapeError) as caught:
        parse(text).shapes(given(shapes))
    assert str(caught.value) == said
    assert isinstance(caught.value, ShapeError)
    assert isinstance(caught.value, FormulaError)


def test_a_name_without_a_shape():
    with pytest.raises(FormulaError) as caught:
        parse("A @ xs").shapes({"A": (2, 3)})
    assert str(caught.value) == textwrap.dedent("""\
        xs: this name has no shape; give it one, such as xs=m×n
            A @ xs
                ^^""")


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ({"A": (2, 2), "X": (2,)}, "the formula has no X to give a shape to; got names A, x"),
        ({"A": (2, 0), "x": (2,)}, "shape of A: a size must be a whole number from 1.*not 0"),
        ({"A": (2, 2.0), "x": (2,)}, "shape of A: a size must be a whole number.*not 2.0"),
        ({"A": (2, True), "x": (2,)}, "not True"),
        ({"A": (2, ""), "x": (2,)}, "not ''"),
        ({"A": (2, "²"), "x": (2,)}, "not '²'"),
        ({"A": "2×", "x": "2"}, "shape: a size is missing; got '2×'"),
    ],
)
def test_what_is_no_shape(shapes, said):
    with pytest.raises(ArgumentError, match=said):
        parse("A @ x").shapes(shapes)
