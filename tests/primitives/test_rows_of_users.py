"""A function that a user adds: one row and one emitter make it first-class everywhere."""

from __future__ import annotations

import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.formulas import parse
from chainrule.graph.node import PRIMITIVES
from chainrule.native.code.functions import EMITTERS, in_own_precision
from chainrule.primitives.elementwise import ROWS, elementwise
from chainrule.primitives.stated import PRIME, Written

W = np.array([[1.0, 2.0, -1.0], [0.5, -0.3, 0.8]])
X = np.array([0.3, -0.7, 1.1])
RIGHT, WRONG = "softsign", "softsign_doubled"


def softsign_of(x):
    return x / (1 + np.abs(x))


def softsign_of_complex(z):
    return z / (1 + np.where(np.real(z) < 0, -z, z))


def softsign_emitter(m, x):
    f = m.f
    return f.div(x, f.add(m.number(1.0), f.abs(x)))


@pytest.fixture(scope="module")
def softsign():
    """All that there is to write."""
    row = elementwise(
        softsign_of, name=RIGHT, derivative=lambda x, y: np.square(1 - np.abs(y)),
        domain=(0.2, 2), symbol=Written("ς", r"\varsigma"), slopes=PRIME,
        on_complex=softsign_of_complex, source="D. L. Elliott, A better activation function (1993)",
    )  # fmt: skip
    EMITTERS[RIGHT] = in_own_precision(softsign_emitter)
    yield row
    for table in (ROWS, PRIMITIVES, EMITTERS):
        del table[RIGHT]


@pytest.fixture(scope="module")
def doubled():
    """The same with a derivative that is twice as large as it should be."""
    row = elementwise(
        softsign_of, name=WRONG, derivative=lambda x, y: (2, np.square(1 - np.abs(y))),
        domain=(0.2, 2),
    )  # fmt: skip
    yield row
    for table in (ROWS, PRIMITIVES):
        del table[WRONG]


@pytest.fixture
def cost(softsign):
    def E(x):
        Z = W @ x
        f = softsign(Z)
        return 0.5 * np.sum(f**2)

    return E


def plain(x):
    return 0.5 * np.sum(softsign_of(W @ x) ** 2)


def slope(z):
    return 1 / (1 + np.abs(z)) ** 2


def gradient(x):
    return (softsign_of(W @ x) * slope(W @ x)) @ W


def test_it_is_a_function_of_arrays_numbers_and_whole_numbers(softsign):
    np.testing.assert_array_equal(softsign(X), softsign_of(X))
    assert softsign(3) == 0.75
    assert softsign(np.array([1, 3])).tolist() == [0.5, 0.75]
    assert cr.grad(lambda x: softsign(3) * x)(2.0) == 0.75
    whole = lambda x: np.sum(softsign(np.sign(x).astype(int)) * x)  # noqa: E731
    assert cr.grad(whole)(np.array([2.0, -3.0])).tolist() == [0.5, -0.5]


def test_derivatives(cost):
    # a dozen roundings each
    np.testing.assert_allclose(cr.grad(cost)(X), gradient(X), rtol=1e-14)
    np.testing.assert_allclose(cr.jvp(cost, (X,), (X,))[1], gradient(X) @ X, rtol=1e-14)
    cr.check_grads(cost, (X,))


def test_jacobian_and_hessian(softsign, cost):
    J = cr.jacobian(lambda x: softsign(W @ x))(X)
    np.testing.assert_allclose(J.toarray(), slope(W @ X)[:, None] * W, rtol=1e-14)
    assert "diagonal" in str(cr.jacobian(softsign)(X))
    H = cr.hessian(cost)(X).toarray()
    z, f = W @ X, softsign_of(W @ X)
    second = slope(z) ** 2 - 2 * f * np.sign(z) / (1 + np.abs(z)) ** 3
    np.testing.assert_allclose(H, W.T @ np.diag(second) @ W, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_native_code(softsign, dtype):
    x = X.astype(dtype)
    f = cr.compile(cr.value_and_grad(lambda x: np.sum(softsign(x))))
    value, gradient = f(x)
    rounding = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(value, np.sum(softsign_of(x)), rtol=rounding)
    np.testing.assert_allclose(gradient, slope(x), rtol=rounding)
    assert "NumPy" not in f.report()  # nothing of it is left to the interpreter


def test_a_derivation_in_text_and_in_latex(cost):
    d = cr.derive(cost)(X)
    assert d.ok
    assert {step.check.method for step in d.steps} == {"complex step"}
    assert "f = ς(Z)" in str(d)
    assert "diag(ς′(Z))" in str(d)
    assert r"\varsigma(\mathbf{Z})" in d.latex()
    assert r"\operatorname{diag}(\varsigma'(\mathbf{Z}))" in d.latex()
    assert cr.derive(cost, expanded=True)(X).ok


@pytest.mark.parametrize("spelling", ["softsign", "ς"])
def test_the_language_of_formulas(softsign, spelling):
    f = parse(f"½ * norm({spelling}(W @ x))^2")
    assert "softsign(W @ x)" in str(f)
    np.testing.assert_allclose(f.function()(W, X), plain(X), rtol=1e-15)
    np.testing.assert_allclose(cr.grad(f.function(), "x")(W, X), gradient(X), rtol=1e-14)
    with pytest.raises(ValueError, match="did you mean softsign"):
        parse("softsing(x)")


def test_a_gradient_made_by_hand_is_judged(cost, softsign):
    assert cr.check(cost, gradient, X).ok
    report = cr.check(cost, lambda x: softsign_of(W @ x) @ W, X)
    assert "∂E/∂x lacks ς′(Z): the derivative of softsign at Z was left out" in str(report)


# -- a row that is wrong --------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_check_grads_names_an_entry_of_a_wrong_row(doubled, mode):
    with pytest.raises(AssertionError, match="order 1") as caught:
        cr.check_grads(lambda x: doubled(W @ x), (X,), modes=(mode,))
    pattern = r"derivative of entry \[(\d)\] of the result by entry \[(\d)\] of the argument: it "
    pattern += r"is (\S+), and differences give (\S+)$"
    i, k, wrong, right = re.search(pattern, str(caught.value)).groups()
    true = (slope(W @ X)[:, None] * W)[int(i), int(k)]
    assert f"{mode} mode" in str(caught.value)
    assert float(wrong) == pytest.approx(2 * true, rel=1e-9)  # ten digits are shown
    assert float(right) == pytest.approx(true, rel=1e-9)  # extrapolated differences


def test_check_grads_names_arguments_and_results(doubled):
    def f(a, b):
        return np.sum(b), {"one": doubled(a[1])}

    with pytest.raises(AssertionError) as caught:
        cr.check_grads(f, ([X, 0.5], np.ones((2, 2))))
    assert "derivative of result 1 by argument 1: it is 0.8888888889, and" in str(caught.value)


def test_the_first_derivation_shows_an_entry_of_a_wrong_row(doubled):
    d = cr.derive(lambda x: np.sum(doubled(W @ x)))(X)
    assert not d.ok
    text = " ".join(str(d).split())
    pattern = r"✗ ∂f/∂x: a relative error of 5\.0e-01; its entry \[(\d)\] is (\S+), and should be "
    k, wrong, right = re.search(pattern + r"(\S+)\.(?= )", text).groups()
    true = (slope(W @ X) @ W)[int(k)]
    assert float(wrong) == pytest.approx(2 * true, rel=1e-5)  # six digits are shown
    assert float(right) == pytest.approx(true, rel=1e-5)


def test_a_wrong_gradient_is_not_taken_for_right(doubled):
    """What the row says and what the function does differ: the judge says so."""
    f = lambda x: np.sum(doubled(W @ x))  # noqa: E731
    assert not cr.check(f, lambda x: slope(W @ x) @ W, X).ok
