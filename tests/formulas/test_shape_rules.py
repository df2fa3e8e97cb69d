"""Every operation on every combination of small shapes: refused where NumPy refuses, else alike."""

import itertools

import numpy as np
import pytest

from chainrule.formulas import FormulaShapeError, parse
from chainrule.formulas.operations import OPERATIONS
from tests.formulas.generated import FUNCTIONS

SHAPES = [
    (), (1,), (2,), (3,), (1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 2), (3, 3), (2, 2, 2),
    (1, 2, 2), (3, 2, 2), (2, 3, 3), (2, 1, 2, 2),
]  # fmt: skip
OPERATORS = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide,
    "power": np.power, "matmul": np.matmul, "negative": np.negative,
}  # fmt: skip
PLAIN = {**FUNCTIONS, **OPERATORS}
AXES = (None, 0, 1, 2, -1, -2, -3)


def array(shape, seed=0):
    return np.random.default_rng([seed, *shape]).uniform(0.3, 1.7, shape)


def outcome(call, *refusals):
    """The shape of the result, or None where it is refused."""
    try:
        with np.errstate(all="ignore"):
            return np.shape(call())
    except refusals:
        return None


def cases(name):
    """Shapes and an axis; but for what the rules refuse on purpose."""
    axes = AXES if OPERATIONS[name].takes_axis else (None,)
    for shapes in itertools.product(SHAPES, repeat=OPERATIONS[name].operands):
        for axis in axes:
            number_with_axis = axis is not None and () in shapes
            square = len(shapes[0]) == 2 and shapes[0][0] == shapes[0][-1]
            if not number_with_axis and (name != "trace" or square or len(shapes[0]) < 2):
                yield shapes, axis


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - {"size", "raised"}))
def test_every_rule_is_numpys(name):
    accepted = 0
    for shapes, axis in cases(name):
        names = ["a", "b"][: len(shapes)]
        keyword = {} if axis is None else {"axis": axis}
        arrays = [array(shape, k) for k, shape in enumerate(shapes)]
        wanted = outcome(
            lambda: PLAIN[name](*arrays, **keyword),  # noqa: B023
            ValueError, TypeError, np.linalg.LinAlgError,
        )  # fmt: skip
        options = "" if axis is None else f", axis={axis}"
        formula = parse(f"{name}({', '.join(names)}{options})")
        given = dict(zip(names, shapes, strict=True))
        found = outcome(lambda: np.empty(formula.shapes(given).result), FormulaShapeError)  # noqa: B023
        assert found == wanted, f"{formula} with {given}"
        accepted += wanted is not None
        if wanted is not None:
            with np.errstate(all="ignore"):
                value = formula.function()(*arrays)
            # the same functions, or two ways to compute softmax, of well-conditioned numbers
            np.testing.assert_allclose(value, PLAIN[name](*arrays, **keyword), rtol=1e-12)
    assert accepted


@pytest.mark.parametrize("shape", [(2, 3), (3, 2), (2, 2, 2)])
def test_the_trace_of_a_square_matrix_only(shape):
    assert np.shape(np.trace(array(shape))) == shape[2:]  # NumPy has one
    with pytest.raises(FormulaShapeError, match="only a square matrix has a trace"):
        parse("trace(A)").shapes({"A": shape})


@pytest.mark.parametrize("text", ["y @ x'", "A @ x.T", "dot(y, x')", "(y + y) · (2 * x)ᵀ"])
def test_a_transposed_vector_on_the_right_is_refused(text):
    with pytest.raises(FormulaShapeError, match=r"is a vector, .* write outer\("):
        parse(text).shapes({name: {"A": (3, 3)}.get(name, (3,)) for name in parse(text).names})


def test_a_transposed_vector_on_the_left_is_the_row_that_it_looks_like():
    assert parse("x' @ A @ x").shapes({"x": ("n",), "A": ("n", "n")}).result == ()
    assert parse("(A @ x)' @ y").shapes({"x": ("n",), "A": ("m", "n"), "y": ("m",)}).result == ()
