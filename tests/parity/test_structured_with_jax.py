"""The structured Jacobians and Hessians of generated functions are JAX's dense ones."""

from __future__ import annotations

import types

import numpy as np
import pytest
from hypothesis import given, settings

import chainrule as cr
from tests.jacobians.generated import Generated, functions, weights
from tests.jacobians.references import assert_same

jax = pytest.importorskip("jax")

# JAX's own sums and exponentials round in other places: as for our own references, and for second
# derivatives two digits less.
FIRST, SECOND = 1e-12, 1e-10


@pytest.fixture(autouse=True, scope="module")
def _float64_on_the_cpu():
    with jax.enable_x64(True), jax.default_device(jax.devices("cpu")[0]):
        yield


NETWORKS = types.SimpleNamespace(
    sigmoid=jax.nn.sigmoid,
    relu=jax.nn.relu,
    softmax=jax.nn.softmax,
    log_softmax=jax.nn.log_softmax,
    logsumexp=jax.scipy.special.logsumexp,
)


def dense(case: Generated) -> tuple[np.ndarray, np.ndarray]:
    """The value and the Jacobian by JAX."""
    function = case.bound(jax.numpy, NETWORKS)

    @jax.jit
    def both(x):
        return function(x), jax.jacobian(function)(x)

    value, jacobian = both(case.x)
    return np.asarray(value), np.asarray(jacobian)


@settings(max_examples=60)
@given(functions())
def test_jacobians(case: Generated):
    value, expected = dense(case)
    assert_same(case.function(case.x), value, "value", FIRST)
    for order in ("auto", "forward", "reverse", "mixed"):
        J = cr.jacobian(case.function, order=order)(case.x)
        assert_same(J.toarray(), expected, order, FIRST)
        flat = expected.reshape(value.size, case.x.size)
        assert_same(J.tosparse().toarray(), flat, f"{order}, tosparse", FIRST)
    v, u = weights(case.x.shape), weights(value.shape)
    assert_same(J @ v, np.tensordot(expected, v, v.ndim), "J @ v", FIRST)
    assert_same(u @ J, np.tensordot(u, expected, u.ndim), "u @ J", FIRST)


@given(functions(3))
def test_hessians(case: Generated):
    expected = np.asarray(jax.jit(jax.hessian(case.scalar(jax.numpy, NETWORKS)))(case.x))
    H = cr.hessian(case.scalar())(case.x)
    assert_same(H.toarray(), expected, H.structure, SECOND)
    flat = expected.reshape(case.x.size, case.x.size)
    assert_same(H.tosparse().toarray(), flat, "tosparse", SECOND)


@given(functions(4, dtype=np.float32))
def test_float32(case: Generated):
    """Both round each step to 6e-8, and sums differ in order: three digits are lost on the way."""
    _, expected = dense(case)
    J = cr.jacobian(case.function)(case.x)
    assert_same(J.toarray(), expected, "", 2e-4)
