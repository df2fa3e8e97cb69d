"""Derivations read as a textbook writes them: names, order, places, lines, pictures."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
import scipy.special

import chainrule as cr
from chainrule.cli.points import point_for
from chainrule.derivations.text import WIDTH, _wrapped
from chainrule.errors import MissingRuleError
from chainrule.formulas import parse
from chainrule.notation.algebra import number
from chainrule.notation.latex import LatexNotation
from chainrule.notation.text import TextNotation

TEXT = TextNotation()


@pytest.mark.parametrize("order", [("sin", "cos"), ("cos", "sin")])
def test_a_derivative_is_not_written_by_a_value_that_it_only_equals(order):
    """For x1 = sin t and x2 = cos t the derivative of x1 is cos(t), not x2."""
    first, second = (getattr(np, name) for name in order)

    def f(t):
        x1 = first(t)
        x2 = second(t)
        return x1**2 + 2 * x2

    d = cr.derive(f)(0.5)
    signs = {"sin": "cos(t)", "cos": "−sin(t)"}
    found = [TEXT(part.factors[-1].expression) for part in d.step("t").parts]
    assert sorted(found) == sorted(signs[name] for name in order)
    assert "x" not in TEXT(d.step("t").expression)
    assert d.ok


def test_a_derivative_may_be_written_by_its_own_function():
    def f(t):
        e = np.exp(t)
        return np.sin(e)

    assert TEXT(cr.derive(f)(0.5).step("t").factors[-1].expression) == "e"


@pytest.mark.parametrize("names", [("x1", "x2"), ("x2", "x1")])
def test_what_was_asked_for_first_comes_first(names):
    d = cr.derive(parse("x1**2 * sin(x2)").function(), wrt=names)(1.0, 2.0)
    assert tuple(step.bottom for step in d.targets) == names


def test_sizes_are_products_of_letters():
    formula = parse("outer(x, y) @ (A' @ B)")
    point = point_for(formula, ["x=m", "y=n", "A=k×n", "B=k×m"], [])
    d = cr.derive(formula.function(), "x", letters=point.letters)(*point.arrays.values())
    assert "m·m×m" in str(d)
    assert r"m m \times m" in d.latex()


def test_a_size_that_is_no_product_of_letters_stays_a_number():
    d = cr.derive(lambda x: np.concatenate([x, x[:1]]), letters={3: "m"})(np.ones(3))
    assert "4×m" in str(d)


def replaced(alpha, A1, x):
    A = A1.copy()
    A[0, 1] = alpha
    Z = A @ x
    f1 = cr.sigmoid(Z)
    return np.sum(f1**2)


def test_what_is_replaced_is_told_with_its_place():
    d = cr.derive(replaced)(0.5, np.eye(3), np.ones(3))
    assert "replace(A1, alpha; [0, 1]) x" in str(d)

    def rows(alpha, A1):
        A = A1 * 1.0
        A[1:, ::2] = 2 * alpha
        return np.sum(A**2)

    d = cr.derive(rows)(0.5, np.eye(3))
    assert "2 alpha; [1:3, 0:4:2])" in str(d)
    assert d.ok


def test_an_arrow_to_what_is_asked_for_is_not_one_through_a_layer():
    picture = cr.derive(replaced)(0.5, np.eye(3), np.ones(3)).svg()
    arrows = re.findall(r'<g class="(\w+)"', picture)
    assert "parameter" in arrows
    assert "layer" not in arrows


@pytest.mark.parametrize("count", [3, 9, 20])
def test_lines_end_outside_brackets_where_they_can(count):
    text = " + ".join(f"f{k}(a + b{k} − c · d)" for k in range(count))
    lines = _wrapped(f"  E = {text}", 6)
    assert all(len(line) <= WIDTH for line in lines)
    assert " ".join(" ".join(lines).split()) == f"E = {text}"
    for line in lines:
        assert line.count("(") == line.count(")")


def test_functions_of_scipy_bear_its_name():
    with pytest.raises(MissingRuleError, match=r"^scipy\.special\.gammaln: "):
        cr.grad(scipy.special.gammaln)(2.0)


def test_a_plain_viewer_shows_colours_and_spaces():
    """Viewers that know no style variables take colours from attributes; none collapses spaces."""
    picture = cr.derive(replaced, wrt=(0, 2))(0.5, np.eye(3), np.ones(3)).svg()
    root = ElementTree.fromstring(picture)
    for group in root.iter("{http://www.w3.org/2000/svg}g"):
        if group.get("class") in ("forward", "layer", "parameter"):
            assert re.fullmatch("#[0-9A-F]{6}", group.get("color"))
        assert "style" not in group.attrib
    texts = list(root.iter("{http://www.w3.org/2000/svg}text"))
    assert texts
    assert all(
        text.get("{http://www.w3.org/XML/1998/namespace}space") == "preserve" for text in texts
    )


def test_what_divides_cancels():
    """Softmax under cross-entropy: −(y ⊘ p)ᵀ (diag(p) − p pᵀ) is (1ᵀ y) pᵀ − yᵀ."""

    def E(z, y):
        p = cr.softmax(z)
        return -np.sum(y * np.log(p))

    d = cr.derive(E)(np.array([0.3, -1.0, 2.0]), np.array([0.2, 0.5, 0.1]))
    assert TEXT(d.step("z").expression) == "(1ᵀ y) pᵀ − yᵀ"
    assert d.ok


@pytest.mark.parametrize(
    ("value", "text", "latex"),
    [
        (np.sqrt(2), "√2", r"\sqrt{2}"), (1 / np.sqrt(2), "1/√2", r"\tfrac{1}{\sqrt{2}}"),
        (2 / np.sqrt(3), "2/√3", r"\tfrac{2}{\sqrt{3}}"), (0.707107, "0.707107", "0.707107"),
        (2 * np.pi, "2π", r"2\pi"), (np.pi / 2, "π/2", r"\tfrac{\pi}{2}"),
        (1 / np.pi, "1/π", r"\tfrac{1}{\pi}"), (np.sqrt(np.pi), "√π", r"\sqrt{\pi}"),
        (1 / (2 * np.pi), "1/(2π)", r"\tfrac{1}{2\pi}"),
        (np.sqrt(2 / np.pi), "√(2/π)", r"\sqrt{2/\pi}"),
        (1 / np.sqrt(2 * np.pi), "1/√(2π)", r"\tfrac{1}{\sqrt{2\pi}}"),
        (np.log(2), "log(2)", r"\log(2)"), (1 / np.log(2), "1/log(2)", r"\tfrac{1}{\log(2)}"),
        (0.1 + 0.2, "0.3", "0.3"), (0.044715, "0.044715", "0.044715"),
        (1e-5, "1e-05", r"1 \cdot 10^{-5}"), (1 / 3, "⅓", r"\tfrac{1}{3}"),
        (1 / 65536, "1/65536", r"\tfrac{1}{65536}"), (np.inf, "inf", r"\infty"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_they_were_meant(value, text, latex):
    assert TEXT(number(value)) == text
    assert LatexNotation()(number(value)) == latex


EPS = 1e-5


def with_a_variable(x, g):
    eps = 1e-5
    return g @ x / np.sqrt(x @ x + eps)


def with_a_default(x, g, eps=1e-5):
    return g @ x / np.sqrt(x @ x + eps)


def with_a_constant_of_the_module(x, g):
    return g @ x / np.sqrt(x @ x + EPS)


def in_a_closure():
    eps = np.float64(1e-5)
    return lambda x, g: g @ x / np.sqrt(x @ x + eps)


def in_a_helper(x, g):
    def length(v, eps):
        return np.sqrt(v @ v + eps)

    return g @ x / length(x, 1e-5)


def in_every_entry(x, g):
    eps = 1e-5
    return np.sum(g / np.sqrt(x**2 + eps))


NAMED = (with_a_variable, with_a_default, with_a_constant_of_the_module, in_a_closure(),
         in_a_helper, in_every_entry)  # fmt: skip


@pytest.mark.parametrize("f", NAMED)
def test_numbers_bear_the_names_that_the_code_gives_them(f):
    d = cr.derive(f)(np.arange(1.0, 4.0), np.ones(3))
    name = "EPS" if f is with_a_constant_of_the_module else "eps"
    assert d.ok
    for text in (str(d), d.latex(), d.markdown(), d.html()):
        assert name in text
    assert f"{name} = 1e-05" in str(d)
    assert str(d).count("1e-05") == 1
    assert "100000" not in str(d)


def test_a_named_number_in_a_formula():
    d = cr.derive(parse("eps = 1e-5; v = x' @ x; sum(x) / sqrt(v + eps)").function())(np.ones(3))
    assert "v + eps" in str(d)
    assert "eps = 1e-05" in str(d)


def test_a_number_of_several_names_or_of_none_is_written_out():
    def two(x):
        eps, delta = 1e-5, 1e-5
        return np.sqrt(x + eps) + np.sin(x + delta)

    def changing(x):
        eps = 1e-5
        for _ in range(2):
            x = np.sqrt(x + eps)
            eps = eps / 10
        return x

    def plain(x):
        one = 1.0
        return np.sqrt(x + one)

    for f in (two, changing, plain, lambda x: np.sqrt(x + 1e-5)):
        d = cr.derive(f)(2.0)
        assert d.ok
        assert not {"eps", "delta", "one"} & set(d.by_name)


def test_what_varies_is_no_number_with_a_name():
    """A variable whose value a constant equals is not the name of that constant."""
    d = cr.derive(lambda x, t: np.sqrt(x + 0.3) * t)(1.0, 0.3)
    assert "x + 0.3" in str(d)


def test_the_legend_explains_only_what_is_shown():
    d = cr.derive(lambda y, x: np.sum(np.sqrt(y / x)))(np.ones(3), np.ones(3))
    assert "⊘" in str(d)
    assert "^⊙" not in str(d)
    assert "power" not in str(d)
    d = cr.derive(lambda x: np.sum(1 / x**3))(np.ones(3))
    assert str(d).count("^⊙") > 1
    assert "x^⊙p is a power entry by entry" in str(d)
