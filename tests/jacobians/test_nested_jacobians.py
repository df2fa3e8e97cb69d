"""Jacobians inside gradients, maps and other Jacobians."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from tests.jacobians.generated import point
from tests.jacobians.references import assert_same, columns

x = point((4,))
X = point((3, 4))
W = point((3, 4), 1)


def f(x):
    return np.tanh(W @ x) * np.sin(x[:3])


def frobenius(x):
    """A function of the entries of its Jacobian, as in regularised networks."""
    J = cr.jacobian(f)(x).toarray()
    return (J * J).sum()


def difference(g, x, step=1e-6):
    """Central differences: their error is step² ≈ 1e-12 and rounding 1e-16 / step ≈ 1e-10."""
    units = np.eye(x.size).reshape(x.size, *x.shape) * step
    parts = [(np.asarray(g(x + d)) - np.asarray(g(x - d))) / (2 * step) for d in units]
    return np.stack(parts, axis=-1).reshape(*np.shape(g(x)), *x.shape)


def test_a_gradient_through_toarray():
    gradient = cr.grad(frobenius)(x)
    np.testing.assert_allclose(gradient, difference(frobenius, x), rtol=1e-8, atol=1e-8)
    value, again = cr.value_and_grad(frobenius)(x)
    assert_same(again, gradient)
    assert_same(value, (columns(f, x) ** 2).sum())


@pytest.mark.parametrize("order", ["auto", "forward", "reverse", "mixed"])
def test_a_jacobian_inside_a_jacobian(order: str):
    def inner(x):
        return cr.jacobian(f, order=order)(x).toarray()

    twice = cr.jacobian(inner, order=order)(x)
    assert twice.shape == (3, 4, 4)
    np.testing.assert_allclose(twice.toarray(), difference(inner, x), rtol=1e-8, atol=1e-8)
    assert_same(twice.toarray(), np.swapaxes(twice.toarray(), 1, 2), "second derivatives commute")


@pytest.mark.parametrize(
    "g", [np.sin, np.cumsum, cr.softmax, lambda x: x[::-1] * x, lambda x: np.outer(x, x)],
    ids=["sin", "cumsum", "softmax", "reversed", "outer"],
)  # fmt: skip
def test_each_structure_inside(g):
    def inner(x):
        return (cr.jacobian(g)(x).toarray() ** 2).sum()

    np.testing.assert_allclose(cr.grad(inner)(x), difference(inner, x), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    ("name", "product"),
    [
        ("J @ v", lambda J: J @ np.arange(4.0)),
        ("u @ J", lambda J: np.arange(3.0) @ J),
        ("asarray-free sum", lambda J: J.toarray().sum(axis=0)),
    ],
)
def test_gradients_through_products(name, product):
    def g(x):
        return (product(cr.jacobian(f)(x)) ** 2).sum()

    np.testing.assert_allclose(cr.grad(g)(x), difference(g, x), rtol=1e-8, atol=1e-8, err_msg=name)


def test_the_tangent_may_vary_too():
    def g(x):
        return cr.jacobian(f)(x) @ (x * x)

    np.testing.assert_allclose(cr.jacobian(g)(x).toarray(), difference(g, x), rtol=1e-8, atol=1e-8)


def test_vmap_of_jacobians_is_the_loop():
    mapped = cr.vmap(lambda x: cr.jacobian(f)(x).toarray())(X)
    assert_same(mapped, np.stack([columns(f, row) for row in X]))
    mapped = cr.vmap(lambda x: cr.hessian(lambda x: f(x).sum())(x).toarray())(X)
    assert_same(mapped, np.stack([columns(cr.grad(lambda x: f(x).sum()), row) for row in X]))


def test_the_jacobian_of_a_vmap_is_block_diagonal():
    J = cr.jacobian(cr.vmap(f))(X)
    assert J.shape == (3, 3, 3, 4)
    assert_same(J.toarray(), columns(cr.vmap(f), X))
    assert J.nbytes < J.dense_nbytes


def test_grad_of_vmap_of_jacobian():
    def g(X):
        return (cr.vmap(lambda x: cr.jacobian(f)(x).toarray())(X) ** 2).sum()

    assert_same(cr.grad(g)(X), np.stack([cr.grad(frobenius)(row) for row in X]))


def test_hessians_are_jacobians_of_gradients():
    g = frobenius
    assert_same(cr.hessian(g)(x).toarray(), cr.jacobian(cr.grad(g))(x).toarray())
    assert_same(cr.hessian(g)(x) @ x, cr.hvp(g, x, x))


def test_newton_by_hand_through_a_traced_jacobian():
    """One step of Gauss–Newton as a function: JᵀJ formed while traced."""

    def gram(x):
        J = cr.jacobian(f)(x).toarray()
        return J.T @ J

    dense = columns(f, x)
    assert_same(gram(x), dense.T @ dense)
    np.testing.assert_allclose(
        cr.jacobian(gram)(x).toarray(), difference(gram, x), rtol=1e-8, atol=1e-8
    )


def test_a_traced_jacobian_says_so():
    seen = []

    def g(x):
        J = cr.jacobian(f)(x)
        seen.append(repr(J))
        return J.toarray().sum()

    cr.grad(g)(x)
    assert any("traced" in text for text in seen)
