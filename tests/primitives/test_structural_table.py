"""Every primitive that is not elementwise: complex steps, adjoints, second order, vmap, dtype.

Each case is one function in plain NumPy. Run on complex numbers by NumPy itself it gives its own
derivative, Im f(x + ihv) / h, without subtraction: exact to rounding.
"""

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.node import PRIMITIVES, make
from chainrule.graph.program import check
from chainrule.primitives import norms
from chainrule.primitives.elementwise import ROWS
from chainrule.primitives.identities import new_alias
from chainrule.primitives.reductions import SHARES
from chainrule.tracing import wrap

INDEX = np.array([2, 0, 2, 1])
MASK = np.array([[True, False, True, True]] * 3)


def replaced(x):
    y = x * 1.0
    y[1:, ::2] = x[0, :2] ** 2
    return y * x


def softmax(x):
    e = np.exp(x - x.real.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def logsumexp(x):
    return np.log(np.exp(x).sum(axis=0))


def length(x, axis):
    return np.sqrt(np.sum(x * x, axis=axis))


def square(x):
    return x[:, :3] + 2 * np.eye(3, dtype=x.dtype)


# name of the primitive: the function in NumPy, and how it is called here where NumPy lacks it
CASES = {
    "contract": (lambda x: x @ x.T * np.trace(x[:, :3]) + np.einsum("ij,kj->ik", x, x), None),
    "cast": (lambda x: x.astype(x.dtype) ** 2, lambda x: x.astype(np.float32).astype(float) ** 2),
    "alias": (lambda x: x**3, lambda x: wrap(new_alias(x.node)) ** 3),
    "derived_as": (lambda x: x**2 * x, lambda x: abs(x) ** 2 * x),
    "slice": (lambda x: x[::-2, 1:3] ** 2, None),
    "place": (lambda x: np.pad(x, ((1, 2), (0, 3))) ** 2, None),
    "replace": (replaced, None),
    "take": (lambda x: x[:, INDEX] ** 2 + x[INDEX[:3]][:, [0, 0, 1, 3]], None),
    "put": (lambda x: x[:, INDEX] * x, "pull-back"),
    "reshape": (lambda x: x.reshape(2, 6) ** 2, None),
    "concatenate": (lambda x: np.concatenate([x, x[:1] ** 2, 2 * x]), None),
    "cumsum": (lambda x: np.cumsum(x**2, axis=1), None),
    "max": (lambda x: x.max(axis=0) ** 2, None),
    "min": (lambda x: x.min(axis=(0, 1)) ** 2, None),
    "argsort": (lambda x: np.sort(x, axis=1) * x, None),
    "argmax": (lambda x: x[np.argmax(x.real, axis=0), np.arange(4)] ** 2, None),
    "argmin": (lambda x: x[np.argmin(x.real, axis=0), np.arange(4)] ** 2, None),
    "softmax": (softmax, lambda x: cr.softmax(x)),
    "shares": (softmax, lambda x: wrap(make(SHARES, (x.node,), 1))),
    "log_softmax": (lambda x: np.log(softmax(x)), lambda x: cr.log_softmax(x)),
    "logsumexp": (logsumexp, lambda x: cr.logsumexp(x, axis=0)),
    "norm": (lambda x: length(x, axis=1) * x[:, 0], lambda x: np.linalg.norm(x, axis=1) * x[:, 0]),
    "length": (lambda x: length(x, axis=0), lambda x: wrap(make(norms.LENGTH, (x.node,), (0,)))),
    "direction": (
        lambda x: x / length(x, axis=1)[:, None],
        lambda x: wrap(make(norms.DIRECTION, (x.node,), (1,))),
    ),
    "inv": (lambda x: np.linalg.inv(square(x)), None),
    "det": (lambda x: np.linalg.det(square(x)), None),
    "logabsdet": (
        lambda x: np.log(np.linalg.det(square(x))),
        lambda x: np.linalg.slogdet(square(x)).logabsdet,
    ),
    "detsign": (lambda x: -x, lambda x: np.linalg.slogdet(-square(x)).sign * x),
    "solve": (lambda x: np.linalg.solve(square(x), x[:, 1:]), None),
}
LEAVES = {"input", "constant"}  # every case has both
# no derivative by design: test_gradients_stop below; first and second derivative of det, which has
# no third: test_determinants.py
OTHERWISE = {"stop_gradient", "cofactor", "pair_factors"}
X = np.random.default_rng(3).uniform(0.3, 1.7, (3, 4))
DIRECTION = np.random.default_rng(4).standard_normal(X.shape)


def ours(name):
    plain, called = CASES[name]
    return called if callable(called) else plain


def complex_step(f, x, v, h=1e-30):
    return np.imag(f(x + 1j * h * v)) / h


def test_no_primitive_is_without_a_test():
    assert set(PRIMITIVES) - set(ROWS) == set(CASES) | LEAVES | OTHERWISE


@pytest.mark.parametrize("name", CASES)
def test_the_case_uses_its_primitive_and_is_well_formed(name):
    f = ours(name)
    if CASES[name][1] == "pull-back":
        graph = cr.trace(cr.grad(lambda x: np.sum(f(x))), X)
    else:
        graph = cr.trace(f, X)
    check(graph)
    assert name in {node.primitive.name for node in graph.nodes}


@pytest.mark.parametrize("name", CASES)
def test_value_and_push_forward(name):
    plain, _ = CASES[name]
    value, tangent = cr.jvp(ours(name), (X,), (DIRECTION,))
    # Single precision in the middle of "cast": 1e-7 a rounding. Else a few roundings of float64.
    tolerance = 1e-6 if name == "cast" else 1e-13
    np.testing.assert_allclose(value, plain(X), rtol=tolerance)
    wanted = complex_step(plain, X, DIRECTION)
    np.testing.assert_allclose(tangent, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", CASES)
def test_adjoint(name):
    value, tangent = cr.jvp(ours(name), (X,), (DIRECTION,))
    cotangent = np.random.default_rng(5).standard_normal(np.shape(value))
    (pulled,) = cr.vjp(ours(name), X)[1](cotangent)
    left, right = np.sum(cotangent * tangent), np.sum(pulled * DIRECTION)
    # Sums of some dozen products in another order; through float32 for "cast".
    assert abs(left - right) <= (1e-5 if name == "cast" else 1e-12) * (1 + abs(left))


@pytest.mark.parametrize("name", CASES)
def test_second_order(name):
    plain, _ = CASES[name]
    f = ours(name)
    weight = np.random.default_rng(6).standard_normal(np.shape(plain(X)))
    H = cr.hessian(lambda x: np.sum(weight * f(x)))(X).toarray().reshape(12, 12)
    np.testing.assert_allclose(H, H.T, atol=1e-12)  # a few roundings of numbers of size 1 to 10
    step = 1e-4 if name != "cast" else 1e-2
    gradient = cr.grad(lambda x: np.sum(weight * f(x)))
    numeric = (gradient(X + step * DIRECTION) - gradient(X - step * DIRECTION)) / (2 * step)
    # Central differences: step² times a third derivative of some tens; cast rounds at 1e-7.
    atol = 1e-5 if name != "cast" else 1e-3
    np.testing.assert_allclose(H @ DIRECTION.ravel(), numeric.ravel(), rtol=1e-5, atol=atol)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("axis", [0, 2])
def test_vmap_is_the_loop(name, axis):
    f = ours(name)
    batch = np.stack([X, X[::-1] * 1.1, X + 0.05])
    mapped = cr.vmap(f, in_axes=axis)(np.moveaxis(batch, 0, axis))
    loop = np.stack([np.asarray(cr.vjp(f, x)[0]) for x in batch])
    np.testing.assert_allclose(mapped, loop, rtol=1e-13)  # sums in another order
    per_example = cr.vmap(cr.grad(lambda x: np.sum(f(x) ** 2)), in_axes=axis)
    gradients = per_example(np.moveaxis(batch, 0, axis))
    each = np.stack([cr.grad(lambda x: np.sum(f(x) ** 2))(x) for x in batch])
    tolerance = 1e-6 if name == "cast" else 1e-12
    np.testing.assert_allclose(gradients, each, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", sorted(set(CASES) - {"cast"}))
def test_single_precision_stays(name):
    x = X.astype(np.float32)
    value, tangent = cr.jvp(ours(name), (x,), (np.ones_like(x),))
    assert value.dtype == tangent.dtype == np.float32
    assert cr.grad(lambda x: np.sum(ours(name)(x)))(x).dtype == np.float32


def test_gradients_stop():
    f = lambda x: np.sum(cr.stop_gradient(x**2) * x)  # noqa: E731
    np.testing.assert_array_equal(cr.grad(f)(X), X**2)
    np.testing.assert_array_equal(cr.vmap(cr.grad(f))(X), X**2)


@pytest.mark.parametrize("index", [np.array([1, 0, 2]), np.array([[1, 2], [0, 0]]), 1])
@pytest.mark.parametrize("mapped", [(0, 0), (0, None), (None, 0)])
def test_gathers_with_mapped_positions(index, mapped):
    arrays = np.stack([X, 2 * X])
    indices = np.stack([np.asarray(index), 2 - np.asarray(index)])
    array_axis, index_axis = mapped
    f = lambda x, k: x[:, k] ** 2  # noqa: E731
    given = (arrays if array_axis == 0 else X, indices if index_axis == 0 else np.asarray(index))
    found = cr.vmap(f, in_axes=mapped)(*given)
    loop = [
        f(arrays[r] if array_axis == 0 else X, indices[r] if index_axis == 0 else np.asarray(index))
        for r in range(2)
    ]
    np.testing.assert_array_equal(found, np.stack(loop))
    gradient = cr.vmap(cr.grad(lambda x, k: np.sum(f(x, k))), in_axes=mapped)(*given)
    for r in range(2):
        x = arrays[r] if array_axis == 0 else X
        k = indices[r] if index_axis == 0 else np.asarray(index)
        np.testing.assert_array_equal(gradient[r], cr.grad(lambda x: np.sum(f(x, k)))(x))  # noqa: B023
