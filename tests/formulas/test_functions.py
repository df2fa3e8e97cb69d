"""Formulas as functions: gradients, names in what is traced, numbers, and wrong arguments."""

import inspect

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ArgumentError, DtypeError, SingularError
from chainrule.formulas import FormulaError, FormulaShapeError, parse
from chainrule.formulas.operations import spelled, spellings
from chainrule.primitives.elementwise import ROWS

RNG = np.random.default_rng(7)
A, x, b = RNG.standard_normal((3, 4)), RNG.standard_normal(4), RNG.standard_normal(3)

NETWORK = (
    "Z1 = A0 @ X + b0; f1 = σ(Z1); Z2 = A1 @ f1 + b1; f2 = σ(Z2); E = ½ * (f2 - Y)' @ (f2 - Y)"
)


def test_a_function_looks_like_one_written_by_hand():
    f = parse("f(A, x) = A @ x").function()
    assert f.__name__ == "f"
    assert str(inspect.signature(f)) == "(A, x)"
    assert f.__doc__ == "f(A, x) = A @ x"
    with pytest.raises(TypeError, match="missing a required argument: 'x'"):
        f(A)


@pytest.mark.parametrize("wrt", ["A", "x", 2])
def test_gradients_of_a_formula(wrt):
    f = parse("½ * norm(σ(A @ x) − b)^2").function()

    def by_hand(A, x, b):
        return 0.5 * np.sum((1 / (1 + np.exp(-(A @ x))) - b) ** 2)

    # norm takes a root that is squared again: a few roundings
    np.testing.assert_allclose(
        cr.grad(f, wrt)(A, x, b), cr.grad(by_hand, wrt)(A, x, b), rtol=1e-13, atol=1e-15
    )


def test_the_names_of_definitions_reach_the_trace():
    f = parse(NETWORK).function()
    arrays = {
        "A0": (4, 3), "X": (3,), "b0": (4,), "A1": (2, 4), "b1": (2,), "Y": (2,),
    }  # fmt: skip
    graph = cr.trace(f, *(RNG.standard_normal(shape) for shape in arrays.values()))
    lines = [line.split(" = ")[0].strip() for line in str(graph).splitlines() if " = " in line]
    assert lines[-1] == "E"
    assert [line for line in lines if line in ("Z1", "f1", "Z2", "f2")] == ["Z1", "f1", "Z2", "f2"]
    assert "A0: float64[4, 3], X: float64[3]" in str(graph)


def test_a_formula_is_mapped_over_examples():
    f = parse("sum((A @ x - b)**2)").function()
    X = RNG.standard_normal((5, 4))
    each = [f(A, row, b) for row in X]
    # sums in another order
    np.testing.assert_allclose(cr.vmap(f, in_axes=(None, 0, None))(A, X, b), each, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_take_the_dtype_of_what_they_meet(dtype):
    f = parse("½·(2 + exp(½) / 3) * x - 1").function()
    assert f(x.astype(dtype)).dtype == dtype
    value, pullback = cr.vjp(f, x.astype(dtype))
    assert value.dtype == pullback(np.ones(4, dtype))[0].dtype == dtype


def test_whole_numbers_are_numbers():
    assert parse("x**-1").function()(2) == 0.5
    np.testing.assert_array_equal(parse("x**-1").function()(np.array([1, 2, 4])), [1, 0.5, 0.25])
    assert parse("1/3").function()() == pytest.approx(1 / 3, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "part"),
    [("9^9^9", "9^9^9"), ("sqrt(-1)", "sqrt(-1)"), ("s**(1e308*10)", "1e308*10"),
     ("s + log(0)*0", "log(0)"), ("s / (1 - 1) + 1/0", "1/0")],
)  # fmt: skip
def test_numbers_that_are_not_finite_are_refused(text, part):
    """At once, in floating point; what is given may be infinite, and an infinity comes out."""
    f = parse(text)
    with pytest.raises(FormulaError) as caught:
        f.function()(*[2.0] * len(f.names))
    assert caught.value.sentence == (
        f"{part}: this number is too large or not defined; write one that is finite"
    )
    assert parse("log(s)").function()(0.0) == -np.inf


def test_arrays_that_do_not_fit_are_refused_with_the_formula():
    f = parse("sum(A @ x - b)").function()
    for call in (f, cr.grad(f)):
        with pytest.raises(FormulaShapeError) as caught:
            call(A, b, b)
        assert str(caught.value).splitlines() == [
            "A @ x: A is 3×4 but x has 3 entries; write A.T to transpose it",
            "    sum(A @ x - b)",
            "        ^^^^^",
        ]


@pytest.mark.parametrize("value", ["text", np.array([1j]), None, np.array(["a"])])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(DtypeError, match="formula: y must hold real numbers; got dtype"):
        parse("y + 1").function()(value)


def test_a_singular_matrix_is_named_by_its_part_of_the_formula():
    with pytest.raises(SingularError, match=r"inv\(A @ A.T\): the matrix is singular"):
        parse("sum(inv(A @ A.T))").function()(np.ones((2, 2)))


@pytest.mark.parametrize("order", [["A"], ["A", "x", "b"], ["A", "A"], []])
def test_an_order_that_is_none(order):
    with pytest.raises(ArgumentError, match="the order must name each of the formula's names once"):
        parse("A @ x").function(order)


def test_shapes_of_every_part():
    shapes = parse(NETWORK).shapes({
        "A0": ("h", "n"), "X": ("n",), "b0": ("h",), "A1": ("m", "h"), "b1": ("m",), "Y": ("m",),
    })  # fmt: skip
    assert shapes.result == ()
    assert shapes.names["Z1"] == shapes.names["f1"] == ("h",)
    assert dict(shapes.parts)["A1 @ f1"] == ("m",)
    assert dict(shapes.parts)["½ * (f2 - Y)' @ (f2 - Y)"] == ()


OF_ROWS = sorted(name for name in spellings() if spelled(name) in ROWS)


@pytest.mark.parametrize("name", OF_ROWS)
def test_rows_are_functions_of_the_language(name):
    """Whatever has a derivative and is neither a sign nor a part of another's derivative."""
    row = ROWS[spelled(name)]
    rng = np.random.default_rng(3)
    arrays = [rng.uniform(low, high, 3) for low, high in row.domain]
    f = parse(f"{name}({', '.join('abc'[: len(arrays)])})").function()
    np.testing.assert_array_equal(f(*arrays), row(*arrays))
    cr.check_grads(f, arrays, order=1)


def test_which_rows_are_none():
    """Signs, steps, choices, and what derivatives of other rows are made of."""
    without = {name for name, row in ROWS.items() if row.varies} - set(spellings())
    assert without == {
        "remainder", "where", "ldexp", "component", "logistic_density", "sech_squared",
        "one_minus_square", "one_over_one_plus_square",
    }  # fmt: skip


@pytest.mark.parametrize(("written", "meant"), [("SIN", "sin"), ("arcsine", "arcsin")])
def test_a_function_is_found_whatever_its_capitals(written, meant):
    with pytest.raises(FormulaError, match=f"did you mean {meant}?"):
        parse(f"{written}(x)")
