"""Generated formulas: what they are worth, their shapes, and that nothing else is ever raised."""

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.formulas import Formula, FormulaError, FormulaShapeError, concrete, parse
from tests.formulas.generated import NAMES, Generated, arrays_of, formulas, given_shapes

MANY = settings(max_examples=max(300, settings().max_examples))


def used(formula, shapes):
    return {name: shapes[name] for name in formula.names}


def is_stricter(formula, shapes):
    """Whether shapes() refuses on purpose what NumPy computes, as its module says."""
    try:
        formula.shapes(used(formula, shapes))
    except FormulaShapeError as error:
        reasons = ("has a trace", "transposing leaves as it is", "a number and has no axis")
        return any(reason in str(error) for reason in reasons)
    return False


@MANY
@given(formulas())
def test_the_notation_reads_as_the_same_formula(generated):
    formula = parse(generated.text)
    assert parse(str(formula)) == formula


@MANY
@given(formulas(), given_shapes)
def test_shapes_are_those_of_numpy_and_refused_where_numpy_refuses(generated, shapes):
    formula = parse(generated.text)
    assume(not is_stricter(formula, shapes))
    arrays = arrays_of(shapes)
    try:
        wanted = np.shape(generated.value(arrays))
    except (ValueError, TypeError, np.linalg.LinAlgError) as error:
        assume("Singular" not in str(error))  # of the numbers, not of the shapes
        with pytest.raises(FormulaShapeError):
            formula.shapes(used(formula, shapes))
    else:
        assert formula.shapes(used(formula, shapes)).result == wanted


@MANY
@given(formulas(), given_shapes)
def test_values_are_those_of_numpy(generated, shapes):
    formula = parse(generated.text)
    assume(not is_stricter(formula, shapes))
    arrays = arrays_of(shapes)
    try:
        wanted = generated.value(arrays)
    except (ValueError, TypeError, np.linalg.LinAlgError):
        assume(False)
    arguments = [arrays[name] for name in formula.names]
    with np.errstate(all="ignore"):
        found = formula.function()(*arguments)
    # The same functions in the same order, but softmax and its like, to a rounding or two; a
    # difference of nearly equal numbers, or a nearly singular matrix, magnifies that.
    np.testing.assert_allclose(found, wanted, rtol=1e-7, atol=1e-9)


@given(formulas(), given_shapes)
def test_traced_values_are_the_plain_ones(generated, shapes):
    formula = parse(generated.text)
    f = formula.function()
    arguments = [np.asarray(value) for value in arrays_of(used(formula, shapes)).values()]
    try:
        with np.errstate(all="ignore"):
            plain = f(*arguments)
    except (FormulaError, cr.errors.SingularError):
        assume(False)
    assume(arguments)
    traced, _ = cr.vjp(f, *arguments)
    np.testing.assert_allclose(traced, plain, rtol=1e-7, atol=1e-9)


LETTERS = {1: 1, 2: "m", 3: "n"}


@MANY
@given(formulas(), given_shapes)
def test_letters_stand_for_numbers(generated, shapes):
    """Shapes in letters, put into numbers, are the shapes in numbers, and are refused alike."""
    formula = parse(generated.text)
    assume("diag(" not in generated.text)  # m×n has a diagonal whose length the letters don't say
    lettered = {
        name: tuple(LETTERS[size] for size in shape)
        for name, shape in used(formula, shapes).items()
    }
    sizes = concrete(lettered)
    try:
        found = formula.shapes(lettered)
    except FormulaShapeError:
        with pytest.raises(FormulaShapeError):
            formula.shapes(sizes.shapes)
        return
    wanted = formula.shapes(sizes.shapes)
    for (text, shape), (same, numbers) in zip(found.parts, wanted.parts, strict=True):
        assert text == same
        assert tuple(sizes.letter(size) for size in numbers) == shape


@pytest.mark.parametrize("names", [("A", "x"), ("x", "A")])
def test_the_order_of_arguments(names):
    f = parse("A @ x").function(names)
    arrays = {"A": np.array([[1.0, 2.0]]), "x": np.array([3.0, 4.0])}
    np.testing.assert_array_equal(f(*(arrays[name] for name in names)), [11.0])
    np.testing.assert_array_equal(f(**arrays), [11.0])


# -- whatever the text ----------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        *"()+-*/@^'.,;=\n ·⊙ᵀ½²×xAσθ019e",
        "**",
        "sum(",
        "axis=",
        ".T",
        "np.",
        "linalg.",
        "norm(",
        "Z =",
    ]
)


@st.composite
def mutated(draw):
    """A formula with some of its characters removed, replaced or joined by others."""
    text = draw(formulas()).text
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 3)))
        text = text[:start] + draw(PIECES | st.just("")) + text[end:]
    return text


def is_formula_or_says_why(text):
    try:
        formula = parse(text)
    except FormulaError as error:
        sentence, *below = str(error).split("\n")
        assert ": " in sentence
        assert len(below) in (0, 2)
        return
    assert isinstance(formula, Formula)
    assert parse(str(formula)) == formula
    shapes = {name: [(), ("n",), ("n", "n")][k % 3] for k, name in enumerate(formula.names)}
    try:
        result = formula.shapes(shapes).result
    except FormulaShapeError:
        return
    numbers = concrete(shapes)
    assert formula.shapes(numbers.shapes).result == tuple(
        numbers.size_of.get(size, size) for size in result
    ) or any("·" in str(size) for size in result)
    assert list(formula.function().__signature__.parameters) == list(formula.names)


@MANY
@given(st.text(max_size=40))
@example("\x00")
@example("x\u0301' + \u2028 y")
@example("١ + ٢")
@example("ﬀ(x) = x")
@example("__import__('os').system('true')")
@example("x.__class__")
def test_any_text_is_a_formula_or_a_sentence(text):
    is_formula_or_says_why(text)


@MANY
@given(st.lists(PIECES, max_size=30).map("".join))
def test_any_pieces_are_a_formula_or_a_sentence(text):
    is_formula_or_says_why(text)


@MANY
@given(mutated())
def test_a_damaged_formula_is_a_formula_or_a_sentence(text):
    is_formula_or_says_why(text)


def test_the_evaluator_of_these_tests_sees_a_difference():
    generated = Generated("A - (x - y)", "((A - x) - y)")
    arrays = arrays_of(dict.fromkeys(NAMES, (2,)))
    f = parse(generated.text).function()
    assert not np.allclose(f(arrays["A"], arrays["x"], arrays["y"]), generated.value(arrays))
