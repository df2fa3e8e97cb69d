"""How formulas read: precedence, spellings, definitions, and the notation of the language."""

import re

import numpy as np
import pytest

from chainrule.formulas import parse
from chainrule.formulas.operations import OPERATIONS
from chainrule.formulas.steps import INFIX, SIGNS


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        # Python's order: ** from the right and before the sign, then products from the left
        ("-x**2", "-x ** 2"),
        ("(-x)**2", "(-x) ** 2"),
        ("a**b**c", "a ** b ** c"),
        ("(a**b)**c", "(a ** b) ** c"),
        ("2**-x", "2 ** (-x)"),
        ("a - b - c", "a - b - c"),
        ("a - (b - c)", "a - (b - c)"),
        ("a / b * c", "a / b * c"),
        ("a / (b * c)", "a / (b * c)"),
        ("a @ b @ c * d", "a @ b @ c * d"),
        ("a @ (b @ c)", "a @ (b @ c)"),
        ("-a * b", "-a * b"),
        ("-(a * b)", "-(a * b)"),
        ("a - -b", "a - -b"),
        ("+a + +b", "a + b"),
        ("((a))", "a"),
        # the transpose binds before everything
        ("-A'**2", "-A.T ** 2"),
        ("(A @ B)'", "(A @ B).T"),
        ("A''", "A.T.T"),
        ("A.T @ Bᵀ @ C⊤ @ transpose(D)", "A.T @ B.T @ C.T @ D.T"),
        ("2 * x.T", "2 * x.T"),
        # spellings
        ("x^2 − y ⊙ z", "x ** 2 - y * z"),
        ("½ norm(x)".replace(" ", " * "), "0.5 * norm(x)"),
        ("a·b ⋅ c", "dot(dot(a, b), c)"),
        ("np.exp(x) + numpy.sin(x)", "exp(x) + sin(x)"),
        ("np.linalg.norm(x) * np.linalg.det(A)", "norm(x) * det(A)"),
        ("cr.softmax(x, axis=-1)", "softmax(x, axis=-1)"),
        ("tr(A) + ln(σ(x)) + absolute(y)", "trace(A) + log(sigmoid(x)) + abs(y)"),
        ("x.sum() + A.mean(axis=0) + x.dot(y)", "sum(x) + mean(A, axis=0) + dot(x, y)"),
        ("1. + .5 + 1e3 + 007 + 2.50", "1.0 + 0.5 + 1000.0 + 7 + 2.5"),
        # names
        ("A₀ @ f₀ + b_0", "A0 @ f0 + b_0"),
        ("Φ @ θ + σ + x′", "Φ @ θ + σ + xʹ"),
        ("exp * sum", "exp * sum"),  # a function only before a bracket
        # statements
        ("Z = A @ x; E = sum(Z)", "Z = A @ x; E = sum(Z)"),
        ("\n Z = A @ x ;\n\n E = (Z\n @ Z)\n", "Z = A @ x; E = Z @ Z"),
        ("Z = a +\n b\nZ * Z", "Z = a + b; Z * Z"),
        ("f(A, x) = A @ x", "f(A, x) = A @ x"),
    ],
)
def test_a_formula_and_the_notation_it_is_written_in(text, plain):
    formula = parse(text)
    assert str(formula) == plain
    assert parse(plain) == formula
    assert hash(parse(plain)) == hash(formula)


@pytest.mark.parametrize(
    ("text", "names", "name"),
    [
        ("norm(A @ x - b)**2", ("A", "x", "b"), "f"),
        ("y + x * y", ("y", "x"), "f"),
        ("Z = A @ x; E = sum(Z * c)", ("A", "x", "c"), "E"),
        ("f(x, A) = A @ x", ("x", "A"), "f"),
        ("f @ x", ("f", "x"), "g"),
        ("µ + \N{GREEK SMALL LETTER MU}", ("\N{GREEK SMALL LETTER MU}",), "f"),  # as in Python
        ("f(x, unused) = x", ("x", "unused"), "f"),
        ("1 + 2", (), "f"),
        ("np + x", ("np", "x"), "f"),
    ],
)
def test_names_that_must_be_given(text, names, name):
    formula = parse(text)
    assert formula.names == names
    assert formula.name == name


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("x^T", "x'"), ("x^{T} @ A^⊤", "x' @ A.T"), ("x ^ T", "x.T"), ("x^Tau", "x**Tau"),
        ("x ** T", "x**T"), ("‖A x‖".replace(" ", "@"), "norm(A@x)"), ("||x||^2", "norm(x)**2"),
        ("∥x∥ + ‖y‖", "norm(x) + norm(y)"), ("|a - (|b|)|", "|(a - |b|)|"), ("-x²", "-(x²)"),
        ("x⁻¹⁰", "x⁻¹⁰"), ("(x²)³", "((x)²)³"), ("(2)²", "2²"), ("‖x‖²", "(norm(x))²"),
        ("a'² * 2", "(a')² * 2"),
    ],
)  # fmt: skip
def test_signs_are_read_as_they_are_written_on_paper(text, plain):
    assert parse(text) == parse(plain)
    assert parse(str(parse(text))) == parse(text)


X = np.array([[2.0, 1.0], [0.5, -3.0]])
v = np.array([-1.5, 2.0])


@pytest.mark.parametrize(
    ("text", "given", "wanted"),
    [
        ("x²", v, v**2), ("x⁻¹", v, 1 / v), ("x³", 2.0, 8.0), ("x⁻¹", X, np.linalg.inv(X)),
        ("|x|", v, np.abs(v)), ("|x|", -2.0, 2.0), ("|x|", X, np.linalg.det(X)),
        ("‖x‖", v, 2.5), ("‖x‖²", X, np.sum(X**2)),
    ],
)  # fmt: skip
def test_what_signs_on_paper_mean(text, given, wanted):
    np.testing.assert_allclose(parse(text).function()(given), wanted, rtol=1e-15)


def test_different_formulas_differ():
    texts = ["a - b", "b - a", "a * b", "a @ b", "sum(a)", "sum(a, axis=0)", "Z = a; Z", "f(a) = a"]
    assert len({parse(text) for text in texts}) == len(texts)


def test_every_function_is_documented():
    operators = {word for word, _ in INFIX.values()} | SIGNS
    listed = set(re.findall(r"\w+", parse.__doc__))
    assert set(OPERATIONS) - operators - listed == set()


DEEP = {
    "brackets": "(" * 1990 + "x" + ")" * 1990,
    "signs": "-" * 3999 + "x",
    "transposes": "x" + "'" * 3999,
    "sums": "+".join("x" * 2000),
    "powers": "^".join("x" * 2000),
    "calls": "cos(" * 790 + "x" + ")" * 790,
}


@pytest.mark.parametrize("kind", DEEP)
def test_depth_is_no_recursion(kind):
    formula = parse(DEEP[kind])
    if kind != "signs" and kind != "transposes":
        assert parse(
            str(formula)[:4000] if kind == "calls" else str(formula).replace(" ", "")[:4000]
        )
    assert formula == parse(DEEP[kind])
    assert formula.shapes({"x": (3,)}).result == (3,)
    assert formula.function()([0.5, 0.25, 1.0]).shape == (3,)
    assert repr(formula)
