"""Functions made up of up to five steps: what is printed, evaluated, is their derivative."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

import chainrule as cr
from chainrule.notation.evaluation import evaluate
from tests.jacobians.functions import FUNCTIONS, Function, columns, point
from tests.jacobians.generated import Generated, functions
from tests.parity import cases_models

# Sums over paths of products of up to a dozen factors, in another order than the engine's.
CLOSE = 1e-9
HALF_A_THOUSANDTH = 1e-3  # derivatives that are smaller are compared as if they had this size


def assert_derivation_holds(f, x: np.ndarray) -> None:
    d = cr.derive(f)(x)
    (step,) = d.targets
    expected = columns(f, x)
    size = max(float(np.abs(expected).max(initial=0.0)), HALF_A_THOUSANDTH)
    assert step.value.shape == expected.shape
    np.testing.assert_allclose(step.value, expected, rtol=CLOSE, atol=CLOSE * size)
    printed = evaluate(step.expression, d.values).reshape(expected.shape)
    np.testing.assert_allclose(printed, expected, rtol=CLOSE, atol=CLOSE * size)
    assert d.ok or d.notices


@given(functions())
def test_an_array_by_an_array(case: Generated):
    assert_derivation_holds(case.function, case.x)


@given(functions())
def test_a_number_by_an_array(case: Generated):
    assert_derivation_holds(case.scalar(), case.x)


@given(functions(3))
def test_the_factors_multiplied_are_the_derivative(case: Generated):
    """Jacobians side by side, arrays laid out row by row."""
    for f in (case.function, case.scalar()):
        d = cr.derive(f)(case.x)
        for step in d.steps:
            if not step.factors:
                continue
            product = evaluate(step.factors[0].expression, d.values)
            assert product.shape == step.factors[0].shape
            for factor in step.factors[1:]:
                matrix = evaluate(factor.expression, d.values)
                assert matrix.shape == factor.shape
                product = product @ matrix
            size = max(float(np.abs(step.value).max(initial=0.0)), HALF_A_THOUSANDTH)
            np.testing.assert_allclose(
                product.ravel(), step.value.ravel(), rtol=CLOSE, atol=CLOSE * size
            )


@given(functions(3))
def test_it_can_always_be_shown(case: Generated):
    d = cr.derive(case.function)(case.x)
    assert str(d)
    assert d.text(ascii=True).isascii()
    assert d.latex(standalone=True).count("{") == d.latex(standalone=True).count("}")
    assert d.markdown().count("$") % 2 == 0


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda item: item.name)
def test_functions_of_every_structure(function: Function):
    assert_derivation_holds(function.call, point(function.shape))


@pytest.mark.parametrize("case", cases_models.MODELS, ids=lambda item: item.name)
def test_models(case):
    f = case.weighted(np, cr)
    d = cr.derive(f, wrt=tuple(range(len(case.arguments))))(*case.arguments)
    gradients = cr.grad(f, wrt=tuple(range(len(case.arguments))))(*case.arguments)
    names = [f"arguments{k}" for k in range(1, len(case.arguments) + 1)]
    for name, gradient in zip(names, gradients, strict=True):
        step = d.step(name)
        np.testing.assert_allclose(step.value, gradient, rtol=CLOSE, atol=CLOSE, err_msg=name)
    assert d.ok
