"""vmap is a loop over one axis, and nests with the derivatives and with itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from tests.laws.problems import NAMES, SMOOTH, close, numbers, problems, scalar


def loop(f, *stacked):
    return np.stack([f(*one) for one in zip(*stacked, strict=True)])


@st.composite
def batches(draw):
    """A problem with its x repeated along a new first axis, with other numbers each."""
    problem = draw(problems(max_dims=2))
    count = draw(st.integers(1, 4))
    return problem.function, draw(numbers((count, *problem.x.shape)))


@given(batches())
def test_vmap_is_a_loop(batch):
    f, X = batch
    close(cr.vmap(f)(X), loop(f, X))


@given(batches(), st.data())
def test_the_axis_may_be_any(batch, data):
    f, X = batch
    axis = data.draw(st.integers(-X.ndim, X.ndim - 1))
    close(cr.vmap(f, in_axes=axis)(np.moveaxis(X, 0, axis)), loop(f, X))


@given(numbers((3, 4)), numbers((4,)))
def test_none_passes_an_argument_whole(A, x):
    def f(a, x):
        return np.sin(a) * x + (a @ x)

    close(cr.vmap(f, in_axes=(0, None))(A, x), np.stack([f(a, x) for a in A]))
    close(cr.vmap(f, in_axes=(None, 0))(x, A), np.stack([f(x, a) for a in A]))
    close(cr.vmap(f, in_axes=(1, None))(A.T, x), np.stack([f(a, x) for a in A]))
    close(cr.vmap(f, in_axes=(0, 1))(A, 2 * A.T), np.stack([f(a, 2 * a) for a in A]))


@given(numbers((3, 2)), numbers((3, 2)))
def test_an_axis_of_a_container_is_that_of_all_its_arrays(A, b):
    def f(theta, x):
        return {"sum": theta["A"] + x, "pair": (theta["A"] * theta["b"], x.sum())}

    both = cr.vmap(f)({"A": A, "b": b}, A)
    close(both["sum"], A + A)
    close(both["pair"][0], A * b)
    close(both["pair"][1], A.sum(axis=1))
    shared = cr.vmap(f, in_axes=(None, 0))({"A": A[0], "b": b[0]}, A)
    close(shared["pair"][0], np.stack([A[0] * b[0]] * 3))


@given(numbers((2, 3, 4)))
def test_vmap_of_vmap(X):
    close(cr.vmap(cr.vmap(lambda x: np.sin(x).sum()))(X), np.sin(X).sum(axis=-1))
    pairs = cr.vmap(cr.vmap(lambda x, y: x @ y, (None, 0)), (0, None))(X[0], X[1])
    close(pairs, X[0] @ X[1].T)


@given(batches())
def test_vmap_of_grad(batch):
    f, X = batch
    g = cr.grad(scalar(f))
    close(cr.vmap(g)(X), loop(g, X))


@given(batches())
def test_vmap_of_value_and_grad_of_hessian_and_of_jacobian(batch):
    f, X = batch
    values, gradients = cr.vmap(cr.value_and_grad(scalar(f)))(X)
    close(values, loop(scalar(f), X))
    close(gradients, loop(cr.grad(scalar(f)), X))
    close(
        cr.vmap(lambda x: cr.jacobian(f)(x).toarray())(X),
        loop(lambda x: cr.jacobian(f)(x).toarray(), X),
    )
    close(
        cr.vmap(lambda x: cr.hessian(scalar(f))(x).toarray())(X),
        loop(lambda x: cr.hessian(scalar(f))(x).toarray(), X),
    )


@given(batches())
def test_grad_of_a_function_that_calls_vmap(batch):
    f, X = batch
    g = scalar(f)
    gradient = cr.grad(lambda X: cr.vmap(g)(X).sum())(X)
    close(gradient, loop(cr.grad(g), X))
    J = cr.jacobian(cr.vmap(g))(X).toarray()
    for r in range(len(X)):
        close(J[r, r], cr.grad(g)(X[r]))
        assert not np.delete(J[r], r, axis=0).any()


@given(batches())
def test_jvp_and_vjp_of_vmap(batch):
    f, X = batch
    V = np.cos(np.arange(X.size)).reshape(X.shape)
    value, tangent = cr.jvp(cr.vmap(f), (X,), (V,))
    close(value, loop(f, X))
    close(tangent, np.stack([cr.jvp(f, (x,), (v,))[1] for x, v in zip(X, V, strict=True)]))
    U = np.sin(1.0 + np.arange(value.size)).reshape(value.shape)
    (cotangent,) = cr.vjp(cr.vmap(f), X)[1](U)
    close(cotangent, np.stack([cr.vjp(f, x)[1](u)[0] for x, u in zip(X, U, strict=True)]))


@pytest.mark.parametrize("name", NAMES)
def test_vmap_of_every_function_and_of_its_gradient(name):
    f, X = SMOOTH[name], np.sin(np.arange(24.0)).reshape(4, 3, 2)
    close(cr.vmap(f)(X), loop(f, X))
    close(cr.vmap(cr.grad(scalar(f)))(X), loop(cr.grad(scalar(f)), X))


@given(numbers((3, 4)))
def test_vmap_inside_grad_inside_vmap(X):
    def total(x, scale):
        return cr.vmap(lambda one: np.sin(scale * one))(x).sum()

    close(cr.vmap(cr.grad(total), in_axes=(0, None))(X, 2.0), 2 * np.cos(2 * X))
    by_scale = cr.vmap(cr.grad(total, wrt=1), in_axes=(0, None))(X, 2.0)
    close(by_scale, (X * np.cos(2 * X)).sum(axis=1))


def test_an_output_that_does_not_depend_on_the_example_is_repeated():
    close(cr.vmap(lambda x: np.ones(2))(np.zeros((3, 2))), np.ones((3, 2)))
    close(cr.vmap(lambda x: 2.0)(np.zeros((3, 2))), np.full(3, 2.0))


@given(numbers((3, 4)))
def test_gathering_sorting_and_choosing_by_the_example(X):
    index = np.array([2, 0, 3])
    close(cr.vmap(lambda x, i: x[i] ** 2)(X, index), X[np.arange(3), index] ** 2)
    close(cr.vmap(lambda x: np.where(x > 0, x, 0.1 * x))(X), np.where(X > 0, X, 0.1 * X))
    close(cr.vmap(lambda x: x.max() - x.min())(X), np.ptp(X, axis=1))


@given(numbers((5, 3)))
def test_closures_over_a_batched_value(X):
    def f(x):
        return cr.vmap(lambda a: (a * x).sum())(np.eye(3)) + cr.grad(lambda t: (t * x**2).sum())(x)

    close(cr.vmap(f)(X), X + X**2)


@given(numbers((2, 3)))
def test_assigning_at_an_index_of_the_example(X):
    def f(x, i):
        y = x * 2.0
        y[i] = x[0] ** 2
        y[0] += x[2]
        y[i] *= x[1]
        return y

    index = np.array([1, 2])
    expected = np.stack([f(x, i) for x, i in zip(X, index, strict=True)])
    close(cr.vmap(f)(X, index), expected)


@given(numbers((2, 3)))
def test_assigning_under_a_mask_of_the_example(X):
    def f(x):
        y = x * 2.0
        y[y < 0] = 0.0
        return y * x

    close(cr.vmap(f)(X), np.stack([f(x) for x in X]))
    g = cr.grad(lambda x: f(x).sum())
    close(cr.vmap(g)(X), np.stack([g(x) for x in X]))
