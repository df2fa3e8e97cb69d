"""The same functions through JAX: values, gradients, Jacobians and Hessians agree."""

from __future__ import annotations

import functools
import types
from typing import Any, NamedTuple

import numpy as np
import pytest

import chainrule as cr
from tests.parity import (
    cases_arithmetic,
    cases_contraction,
    cases_linear_algebra,
    cases_models,
    cases_shapes,
)
from tests.parity.cases import Case

jax = pytest.importorskip("jax")

CASES = [
    *cases_arithmetic.CASES,
    *cases_contraction.CASES,
    *cases_linear_algebra.CASES,
    *cases_shapes.CASES,
    *cases_models.CASES,
]

# The figure the project promises; entries are of size 1 to 100 and sums have a few dozen terms.
assert_close = functools.partial(np.testing.assert_allclose, rtol=1e-10, atol=1e-10)


class Reference(NamedTuple):
    """What JAX says: nested tuples, one entry an argument (and a pair of arguments)."""

    value: Any
    gradients: Any
    jacobians: Any
    hessians: Any


@pytest.fixture(autouse=True, scope="module")
def _float64_on_the_cpu():
    with jax.enable_x64(True), jax.default_device(jax.devices("cpu")[0]):
        yield


@functools.cache
def reference(case: Case) -> Reference:
    networks = types.SimpleNamespace(
        sigmoid=jax.nn.sigmoid,
        relu=jax.nn.relu,
        softmax=jax.nn.softmax,
        log_softmax=jax.nn.log_softmax,
        logsumexp=jax.scipy.special.logsumexp,
    )
    function = case.bound(jax.numpy, networks)
    weighted = case.weighted(jax.numpy, networks)
    every = tuple(range(len(case.arguments)))

    @jax.jit
    def all_at_once(*arguments: Any) -> Reference:
        return Reference(
            function(*arguments),
            jax.grad(weighted, every)(*arguments),
            jax.jacobian(function, every)(*arguments),
            jax.hessian(weighted, every)(*arguments),
        )

    return all_at_once(*case.arguments)


@pytest.fixture(name="case", params=CASES, ids=lambda case: case.name, scope="module")
def _case(request: pytest.FixtureRequest) -> Case:
    return request.param


def test_there_are_enough_functions_and_no_name_twice():
    names = [case.name for case in CASES]
    assert len(names) >= 70
    assert len(set(names)) == len(names)


def test_value(case: Case):
    function = case.bound(np, cr)
    plain = function(*case.arguments)
    traced, _ = cr.vjp(function, *case.arguments)
    assert_close(plain, reference(case).value)
    assert_close(traced, plain)
    assert np.shape(traced) == np.shape(plain)


def test_gradient(case: Case):
    every = tuple(range(len(case.arguments)))
    gradients = cr.grad(case.weighted(np, cr), every)(*case.arguments)
    for own, theirs, argument in zip(
        gradients, reference(case).gradients, case.arguments, strict=True
    ):
        assert own.shape == argument.shape
        assert_close(own, theirs)


def test_jacobian(case: Case):
    every = tuple(range(len(case.arguments)))
    function = case.bound(np, cr)
    jacobians = cr.jacobian(function, every)(*case.arguments)
    for own, theirs in zip(jacobians, reference(case).jacobians, strict=True):
        assert own.shape == theirs.shape
        assert_close(own.toarray(), theirs)


def test_hessian(case: Case):
    weighted = case.weighted(np, cr)
    for i in range(len(case.arguments)):
        own = cr.hessian(weighted, i)(*case.arguments)
        assert_close(own.toarray(), reference(case).hessians[i][i])
        for j in set(range(len(case.arguments))) - {i}:
            mixed = cr.jacobian(cr.grad(weighted, i), j)(*case.arguments)
            assert_close(mixed.toarray(), reference(case).hessians[i][j])
