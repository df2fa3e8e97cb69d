"""The laws on every function of the parity table: pairing, vmap, capture, dtypes."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.tracing import capture
from tests.laws.problems import close
from tests.parity import (
    cases_arithmetic,
    cases_contraction,
    cases_linear_algebra,
    cases_models,
    cases_shapes,
)

CASES = [
    *cases_arithmetic.CASES,
    *cases_contraction.CASES,
    *cases_linear_algebra.CASES,
    *cases_shapes.CASES,
    *cases_models.CASES,
]


@pytest.fixture(name="case", params=CASES, ids=lambda case: case.name)
def _case(request):
    return request.param


def shaken(array, amount=1e-3):
    """The same numbers, each a little larger or smaller: on the same side of every kink."""
    return array * (1 + amount * np.sin(1.0 + np.arange(array.size)).reshape(array.shape))


def test_pairing(case):
    f, xs = case.bound(np, cr), case.arguments
    vs = tuple(np.sin(2.0 + np.arange(x.size)).reshape(x.shape) for x in xs)
    value, Jv = cr.jvp(f, xs, vs)
    u = np.cos(np.arange(np.size(value))).reshape(np.shape(value))
    uJ = cr.vjp(f, *xs)[1](u)
    close((u * Jv).sum(), sum((a * v).sum() for a, v in zip(uJ, vs, strict=True)))


def test_vmap_is_a_loop_over_any_of_the_arguments(case):
    f, xs = case.bound(np, cr), case.arguments
    stacks = [np.stack([x, shaken(x), shaken(x, -2e-3)]) for x in xs]
    whole = [tuple(range(len(xs)))]
    for mapped in whole + [(i,) for i in range(len(xs)) if len(xs) > 1]:
        axes = tuple(0 if i in mapped else None for i in range(len(xs)))
        args = [stacks[i] if i in mapped else xs[i] for i in range(len(xs))]
        expected = [
            f(*(stacks[i][r] if i in mapped else xs[i] for i in range(len(xs)))) for r in range(3)
        ]
        close(cr.vmap(f, axes)(*args), np.stack(expected))


def test_vmap_of_the_gradient_is_a_loop(case):
    every = tuple(range(len(case.arguments)))
    g = cr.grad(case.weighted(np, cr), every)
    stacks = [np.stack([x, shaken(x)]) for x in case.arguments]
    batched = cr.vmap(g)(*stacks)
    for r in range(2):
        for own, alone in zip(batched, g(*(s[r] for s in stacks)), strict=True):
            close(own[r], alone)


def test_a_captured_gradient_serves_other_numbers(case):
    every = tuple(range(len(case.arguments)))
    g = cr.value_and_grad(case.weighted(np, cr), every)
    others = [shaken(x) for x in case.arguments]
    value, gradients = capture(g, *case.arguments)(*others)
    expected, expected_gradients = g(*others)
    close(value, expected)
    for own, right in zip(gradients, expected_gradients, strict=True):
        close(own, right)


def test_dtypes_are_those_of_numpy(case):
    f = case.bound(np, cr)
    singles = [x.astype(np.float32) for x in case.arguments]
    plain = f(*singles)
    value, pullback = cr.vjp(f, *singles)
    assert value.dtype == plain.dtype
    for own in pullback(np.ones_like(plain)):
        assert own.dtype == np.float32
    _, tangent = cr.jvp(f, tuple(singles), tuple(np.ones_like(x) for x in singles))
    assert tangent.dtype == plain.dtype
    for i in range(len(singles)):
        assert cr.jacobian(f, i)(*singles).toarray().dtype in (np.float32, plain.dtype)
