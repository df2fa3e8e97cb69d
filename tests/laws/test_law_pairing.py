"""Forward mode, reverse mode and the Jacobian are one linear map."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from tests.laws.problems import NAMES, SMOOTH, close, numbers, problems, scalar


@given(problems())
def test_the_pull_back_is_the_transpose_of_the_push_forward(problem):
    f, x, v, u = problem
    value, Jv = cr.jvp(f, (x,), (v,))
    same_value, pullback = cr.vjp(f, x)
    (uJ,) = pullback(u)
    close(value, f(x))
    close(same_value, f(x))
    assert uJ.shape == x.shape
    close((u * Jv).sum(), (uJ * v).sum())


@given(problems(max_dims=2))
def test_the_jacobian_is_the_stacked_push_forwards(problem):
    f, x, _, _ = problem
    basis = np.eye(x.size).reshape(-1, *x.shape)
    columns = np.stack([cr.jvp(f, (x,), (e,))[1] for e in basis], axis=-1)
    close(cr.jacobian(f)(x).toarray(), columns.reshape(columns.shape[:-1] + x.shape))


@given(problems(max_dims=2))
def test_the_jacobian_is_the_stacked_pull_backs(problem):
    f, x, _, u = problem
    basis = np.eye(u.size).reshape(-1, *u.shape)
    _, pullback = cr.vjp(f, x)
    rows = np.stack([pullback(e)[0] for e in basis]) if u.size else np.zeros((0, *x.shape))
    close(cr.jacobian(f)(x).toarray(), rows.reshape(u.shape + x.shape))


@given(problems(max_dims=2))
def test_a_jacobian_times_a_vector_from_either_side(problem):
    f, x, v, u = problem
    J = cr.jacobian(f)(x)
    dense = J.toarray()
    assert J.shape == u.shape + x.shape == dense.shape
    if x.ndim == 1:
        close(J @ v, dense @ v)
    if u.ndim == 1:
        close(u @ J, np.tensordot(u, dense, axes=1))
    close(np.asarray(J), dense)


@given(problems())
def test_the_gradient_of_a_scalar_is_its_pull_back_of_one_and_its_jacobian(problem):
    f, x, _, _ = problem
    g = scalar(f)
    value, gradient = cr.value_and_grad(g)(x)
    close(value, g(x))
    close(gradient, cr.grad(g)(x))
    close(gradient, cr.vjp(g, x)[1](1.0)[0])
    close(gradient, cr.jacobian(g)(x).toarray())


@given(problems(), st.floats(-2, 2), st.data())
def test_both_modes_are_linear(problem, a, data):
    f, x, v, u = problem
    v2, u2 = data.draw(numbers(x.shape)), data.draw(numbers(u.shape))

    def push(t):
        return cr.jvp(f, (x,), (t,))[1]

    _, pullback = cr.vjp(f, x)
    close(push(a * v + v2), a * push(v) + push(v2))
    close(pullback(a * u + u2)[0], a * pullback(u)[0] + pullback(u2)[0])


@given(problems(), problems(), st.floats(-2, 2))
def test_differentiation_is_linear(one, other, a):
    f, g, x = scalar(one.function), scalar(other.function), one.x
    close(cr.grad(lambda x: a * f(x) + g(x))(x), a * cr.grad(f)(x) + cr.grad(g)(x))


@given(problems(max_dims=2))
def test_the_hessian_is_symmetric(problem):
    f, x, _, _ = problem
    H = cr.hessian(scalar(f))(x)
    assert H.shape == x.shape + x.shape
    matrix = H.toarray().reshape(x.size, x.size)
    close(matrix, matrix.T)


@given(problems(max_dims=2))
def test_the_hessian_times_a_vector_in_every_order_of_the_two_modes(problem):
    f, x, v, _ = problem
    g = scalar(f)
    H = cr.hessian(g)(x).toarray()
    Hv = np.tensordot(H, v, axes=v.ndim)
    close(cr.hvp(g, x, v), Hv)
    close(cr.jvp(cr.grad(g), (x,), (v,))[1], Hv)
    close(cr.grad(lambda x: (cr.grad(g)(x) * v).sum())(x), Hv)
    close(cr.grad(lambda x: cr.jvp(g, (x,), (v,))[1])(x), Hv)
    close(cr.vjp(cr.grad(g), x)[1](v)[0], Hv)
    close(cr.jacobian(cr.grad(g))(x).toarray(), H)


@given(problems(max_dims=1))
def test_forward_over_forward_is_the_hessian_too(problem):
    f, x, v, u = problem
    g = scalar(f)
    t = np.resize(u, x.shape)
    inner = cr.jvp(lambda x: cr.jvp(g, (x,), (v,))[1], (x,), (t,))[1]
    close(inner, t @ cr.hessian(g)(x).toarray() @ v)


@pytest.mark.parametrize("name", NAMES)
def test_the_modes_agree_with_differences(name):
    x = np.array([[0.4, -1.1, 0.7], [1.3, 0.2, -0.6]])
    cr.check_grads(SMOOTH[name], (x,), order=2, modes=("forward", "reverse"))


@given(st.floats(-2, 2))
def test_third_and_fourth_derivatives(x):
    third = cr.grad(cr.grad(cr.grad(lambda x: x**5)))
    close(third(x), 60 * x**2)
    close(cr.grad(third)(x), 120 * x)
    close(cr.grad(cr.grad(cr.grad(np.sin)))(x), -np.cos(x))
