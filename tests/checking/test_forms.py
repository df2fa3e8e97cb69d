"""The forms that a gradient may come in, shapes that do not fit, kinks, and what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.checking.given import read
from chainrule.checking.subject import subject
from chainrule.errors import ArgumentError, ChainruleError, DtypeError, ShapeError, TracingError

RNG = np.random.default_rng(3)
x = np.array([1.0, -2.0, 3.0])
A = RNG.normal(size=(2, 3))


def squares(x):
    return np.sum(x**2)


def cost(params, x):
    z = params["A"] @ x + params["b"]
    return z @ z


PARAMS = {"A": A, "b": np.array([0.5, -1.0])}


def by_hand(params, x):
    z = params["A"] @ x + params["b"]
    return {"A": 2 * np.outer(z, x), "b": 2 * z}


# -- forms that are right -------------------------------------------------------------------------


@pytest.mark.parametrize("gradient", [2 * x, [2, -4, 6], (2 * x)[None, :], lambda x: [2 * x]])
def test_functions_arrays_lists_and_rows(gradient):
    assert cr.check(squares, gradient, x).kind == "right"


def test_a_jacobian_object_is_an_answer():
    assert cr.check(np.sin, lambda x: cr.jacobian(np.sin)(x), x)


def test_integers_are_numbers():
    assert cr.check(squares, np.array([2, -4, 6]), x)


@pytest.mark.parametrize(
    "gradient",
    [by_hand, lambda p, x: tuple(by_hand(p, x).values()), by_hand(PARAMS, x)],
    ids=["a dict", "a tuple", "arrays"],
)
def test_containers_are_judged_leaf_by_leaf(gradient):
    report = cr.check(cost, gradient, PARAMS, x)
    assert report
    assert [part.kind for part in report.parts] == ["right", "right"]


def test_several_arguments_by_name_or_in_order():
    def f(u, v):
        return u @ v

    u, v = RNG.normal(size=(2, 3))
    for gradient in (lambda u, v: (v, u), lambda u, v: {"v": u, "u": v}):
        assert cr.check(f, gradient, u, v, wrt=("u", "v"))
    report = cr.check(f, lambda u, v: (v, -u), u, v, wrt=(0, 1))
    assert [part.kind for part in report.parts] == ["right", "wrong sign"]
    assert report.diagnosis.startswith("1 of 2 gradients are wrong: ∂f/∂v has the wrong sign")


def test_keyword_arguments_reach_both_functions():
    def f(x, power=2):
        return np.sum(x**power)

    assert cr.check(f, lambda x, power: power * x ** (power - 1), x, power=3)


def test_one_entry_by_one_entry():
    assert cr.check(np.sin, np.cos, 0.3)
    assert cr.check(lambda x: x @ x, lambda x: 2 * x.T, np.array([[1.0], [2.0]]).T[0])


def test_a_column_vector_may_have_its_row_as_gradient():
    def f(X):
        return X.T @ X

    assert cr.check(f, lambda X: 2 * X.T, np.array([[1.0], [2.0], [3.0]]))


def test_a_gradient_function_may_change_its_arguments():
    def gradient(x):
        x *= 2
        return x

    assert cr.check(squares, gradient, x)
    assert x[0] == 1.0


def test_a_formula_may_leave_arguments_out():
    def f(eta, unused, theta):
        return eta * theta @ theta

    args = (0.5, 7.0, x)
    given = read("2 * eta * theta", subject(f, "theta", args, {}))
    np.testing.assert_array_equal(given.at(args, {})[0], x)


# -- shapes that do not fit -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "gradient", "args", "kind", "words"),
    [
        (squares, lambda x: 2 * x[:, None], (x,), "column", "a column"),
        (squares, lambda x: np.ones((2, 7)), (x,), "wrong shape", "fits no layout"),
        (lambda A: np.sum(A**2), lambda A: (2 * A).T, (A,), "transposed", "transpose"),
        (lambda A: np.sum(A**2), lambda A: (2 * A).ravel(), (A,), "flattened", "row by row"),
        (lambda A: np.sum(A**2), lambda A: (2 * A).T.ravel(), (A,), "flattened", "column by"),
        (lambda A: np.sum(A**2), lambda A: 3 * A.T, (A,), "wrong shape", "shape of the transpose"),
        (lambda x: A @ x, lambda x: A.T, (x,), "transposed", "denominator layout"),
        (np.sin, np.cos, (x,), "diagonal only", "the diagonal of the Jacobian"),
        (lambda x: A @ x, lambda x: A.sum(axis=0), (x,), "summed", "sum of the Jacobian's rows"),
        (lambda x: x * x[::-1], lambda x: x, (x,), "wrong shape", "has 3 entries, and yours has"),
    ],
)
def test_another_shape_is_told_with_the_layout_that_it_fits(f, gradient, args, kind, words):
    report = cr.check(f, gradient, *args)
    assert not report
    assert report.kind == kind
    assert words in report.diagnosis
    assert np.isnan(report.error)
    assert "is wanted" in report.evidence[0]


def test_a_derivative_by_an_earlier_value_is_told():
    def E(b, X):
        Z = X + b
        return np.sum(Z**3)

    report = cr.check(E, lambda b, X: (X + b) ** 2 * 2, RNG.normal(size=2), RNG.normal(size=(4, 2)))
    assert report.kind == "wrong shape"
    report = cr.check(E, lambda b, X: 3 * (X + b) ** 2, RNG.normal(size=2), RNG.normal(size=(4, 2)))
    assert report.kind == "missing sum"

    def G(A, X):
        Z = X @ A
        return np.sum(np.tanh(Z))

    args = RNG.normal(size=(3, 2)), RNG.normal(size=(4, 3))
    report = cr.check(G, lambda A, X: 1 - np.tanh(X @ A) ** 2, *args)
    assert report.kind == "stopped early"
    assert "is ∂G/∂Z: the last step to ∂G/∂A is missing" in report.diagnosis


# -- where the function is not smooth -------------------------------------------------------------


KINK = np.array([0.0, -1.0, 2.0])


@pytest.mark.parametrize(
    ("f", "gradient", "ok"),
    [
        (lambda x: np.sum(np.abs(x)), lambda x: np.where(x >= 0, 1.0, -1.0), True),
        (lambda x: np.sum(np.abs(x)), lambda x: np.where(x == 0, 3.0, np.sign(x)), False),
        (lambda x: np.sum(cr.relu(x)), lambda x: (x >= 0) * 1.0, True),
        (lambda x: np.sum(np.maximum(x, 0)), lambda x: (x > 0) * 1.0, True),
        (lambda x: np.sum(cr.relu(x)), lambda x: np.where(x == 0, -0.5, x > 0), False),
    ],
)
def test_at_a_kink_what_lies_between_both_sides_is_admitted(f, gradient, ok):
    report = cr.check(f, gradient, KINK)
    assert report.ok is ok
    assert report.kind == "not smooth"
    assert "x[0] = 0 is a kink of the function" in report.diagnosis


def test_the_conventions_at_ties_are_told():
    def f(x):
        return np.max(x)

    report = cr.check(f, lambda x: np.eye(3)[np.argmax(x)], np.array([2.0, 2.0, 1.0]))
    assert report.ok
    assert "yours is 1, which is as good as the convention here, 0.5" in report.diagnosis


def test_a_mistake_beside_a_kink_is_a_mistake():
    report = cr.check(lambda x: np.sum(np.abs(x)), lambda x: -np.sign(x), KINK)
    assert (report.ok, report.kind) == (False, "wrong sign")


# -- rounding -------------------------------------------------------------------------------------


def test_float32_in_between_is_called_rounding():
    def gradient(x):
        return (1 - np.tanh(x.astype(np.float32)) ** 2).astype(float)

    report = cr.check(lambda x: np.sum(np.tanh(x)), gradient, RNG.normal(size=5))
    assert (report.ok, report.kind) == (True, "rounding")


@pytest.mark.parametrize("seed", range(6))
def test_noise_of_the_size_of_rounding_is_no_slip(seed):
    """Of float32 and of differences: nothing that is known gives those numbers."""
    rng = np.random.default_rng(seed)
    A, p = 0.3 * rng.normal(size=(4, 3)), rng.normal(size=3)  # far from saturation

    def f(p):
        z = np.tanh(A @ p)
        return np.mean(z**2) + 1e-8 * p @ p

    def by_differences(p):
        h = 1e-5
        return np.array([(f(p + h * u) - f(p - h * u)) / (2 * h) for u in np.eye(3)])

    def in_float32(p):
        z = np.tanh(A @ p).astype(np.float32)
        return (A.T @ (z * (1 - z**2)) / 2).astype(np.float32).astype(float) + 2e-8 * p

    for gradient in (by_differences, in_float32, by_differences(p)):
        report = cr.check(f, gradient, p)
        assert (report.ok, report.kind) == (True, "rounding"), str(report)


def test_a_difference_beyond_rounding_is_wrong():
    # 1e-4 is far above float32's 1e-7
    report = cr.check(squares, lambda x: 2 * x * (1 + 1e-4), x)
    assert not report.ok


# -- what is refused ------------------------------------------------------------------------------


def unstable(x, state=[0]):  # noqa: B006
    state[0] += 1
    return 2 * x + state[0]


@pytest.mark.parametrize(
    ("f", "gradient", "args", "error", "said"),
    [
        (squares, lambda x: 1 / 0, (x,), ArgumentError,
         "check: the gradient function failed at the given point; got ZeroDivisionError: division "
         "by zero; it takes f's own arguments and returns the gradient"),
        (squares, lambda x: None, (x,), ArgumentError,
         "check: the gradient by x is missing; got None; end the gradient function with return"),
        (squares, "2 * y", (x,), ArgumentError,
         "check: the formula mentions y, which f does not take; got a function of x"),
        (squares, lambda x: x * 1j, (x,), DtypeError,
         "check: the gradient by x does not hold real numbers; got dtype complex128"),
        (squares, unstable, (x,), ArgumentError,
         "check: the gradient function returns other numbers when it is called again; take random "
         "numbers from a generator with a fixed seed inside it"),
        (squares, lambda x: 2 * x, (np.array([1, 2]),), DtypeError,
         "check: argument 0 (x) holds integers, which have no derivative; got dtype int64; pass "
         "floating-point numbers, for instance x.astype(float) or 3.0 instead of 3"),
        (np.log, lambda x: 1 / x, (-1.0,), ArgumentError,
         "check: the function or its derivative is not finite at the given point; give a point "
         "inside the function's domain"),
        (lambda x: (x, x), lambda x: x, (x,), ShapeError,
         "check: the function must return one array or number; got 2 results; check one result at "
         "a time"),
        (cost, lambda p, x: (1, 2, 3), (PARAMS, x), ArgumentError,
         "check: the gradient must hold one array for each argument that is differentiated by; got "
         "3 for 2; return a tuple of the gradients by A, b"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_one_sentence(f, gradient, args, error, said):
    with pytest.raises(error, match=f"^{re.escape(said)}$"):
        cr.check(f, gradient, *args)


def test_a_function_that_cannot_be_traced_says_what_to_write():
    def f(x):
        return np.sum(np.array([x[0], x[1]]))

    with pytest.raises(TracingError, match=r"np\.stack"):
        cr.check(f, lambda x: x, x)
    with pytest.raises(ChainruleError, match="check: wrt"):
        cr.check(squares, lambda x: 2 * x, x, wrt=3)


def test_a_formula_as_the_gradient():
    assert cr.check(squares, "2 * x", x).ok
    assert cr.check(squares, "x", x).kind == "constant factor"
    with pytest.raises(ChainruleError, match=r"something must stand before it"):
        cr.check(squares, "2 * * x", x)


# -- a slip is told where it fits at a second point -----------------------------------------------


def test_more_points_are_looked_for_close_by_where_the_domain_is_small():
    narrow = np.array([0.999, -0.9995, 0.998])

    def f(x):
        return np.sum(np.arcsin(x))

    report = cr.check(f, lambda x: 0.5 / np.sqrt(1 - x**2), narrow)
    assert report.kind == "constant factor"
    assert "random point" in " ".join(report.evidence)


def test_one_number_at_one_point_is_explained_by_a_simple_factor_or_not_at_all():
    """Of many slips, with many factors each, some would give any one number by chance."""
    named = {"constant factor", "wrong sign", "sum against mean"}
    for seed in range(40):
        rng = np.random.default_rng(seed)
        c = rng.normal(size=6)

        def f(x, c=c):
            return np.mean(np.tanh(c * x) ** 2) + np.exp(0.3 * x) * x

        wrong = float(rng.normal())  # has nothing to do with f
        report = cr.check(f, wrong, 0.7)
        assert report.kind == "unexplained" or report.kind in named, str(report)
