"""Assigning into a traced array means what it means in NumPy."""

import numpy as np
import pytest
from hypothesis import given

import chainrule as cr
from tests.laws.problems import close, numbers, scalar

INDEX, MASK = np.array([2, 0]), np.array([True, False, True, False])


def assigned_entry(x):
    y = x * 1.0
    y[1] = x[0] ** 2
    return y * x


def assigned_slice(x):
    y = np.sin(x)
    y[1:3] = x[:2] * x[2:]
    return y * x


def assigned_from_zeros(x):
    y = np.zeros_like(x)
    for i in range(len(x)):
        y[i] = x[i] * x[i - 1]
    return y


def assigned_a_number(x):
    y = x**2
    y[::2] = 3.0
    return y * x


def assigned_everything(x):
    y = x**2
    y[...] = np.cos(x)
    return y * x


def assigned_by_index(x):
    y = x**2
    y[INDEX] = x[:2] * 3
    return y


def assigned_by_mask(x):
    y = x**2
    y[MASK] = -x[MASK]
    return y * x


def assigned_where_positive(x):
    y = x * 2.0
    y[y < 0] = 0.0
    return y * x


def assigned_broadcast(x):
    y = np.outer(x, x)
    y[1:3] = x
    y[:, 0] = x[3]
    return y


def added_in_place(x):
    y = x**2
    y += x
    y -= 0.5
    y *= x
    y /= 2.0
    y **= 2
    return y


def added_to_a_slice(x):
    y = x**2
    y[1:] += x[:-1]
    y[0] *= x[3]
    return y


def added_by_index(x):
    y = x**2
    y[INDEX] += x[1]
    return y


def accumulated_in_an_array_of_zeros(x):
    total = np.zeros(4)
    for i in range(3):
        total += x**i
    return total


def matrix_in_place(x):
    A = np.outer(x, x)
    A @= np.diag(x)
    return A


def two_names_for_one_array(x):
    y = x**2
    z = y
    z += 1.0
    z[0] = x[1]
    return y * x


def a_copy_is_apart(x):
    y = x**2
    z = y.copy()
    z[0] = 5.0
    z += x
    return y * x + z


def a_scalar_is_apart(x):
    y = x.sum()
    z = y
    z += x[0]
    return y * x


def an_earlier_result_keeps_its_value(x):
    y = x**2
    z = y * 3
    y[0] = 0.0
    return z + y


def swapped(x):
    y = x * 1.0
    y[0], y[-1] = y[-1], y[0] * 2
    return y * x


def in_a_loop(x):
    y = x * 1.0
    for i in range(1, len(y)):
        y[i] = y[i - 1] * np.sin(y[i])
    return y


MUTATING = [
    assigned_entry,
    assigned_slice,
    assigned_from_zeros,
    assigned_a_number,
    assigned_everything,
    assigned_by_index,
    assigned_by_mask,
    assigned_where_positive,
    assigned_broadcast,
    added_in_place,
    added_to_a_slice,
    added_by_index,
    accumulated_in_an_array_of_zeros,
    matrix_in_place,
    two_names_for_one_array,
    a_copy_is_apart,
    a_scalar_is_apart,
    an_earlier_result_keeps_its_value,
    swapped,
    in_a_loop,
]
POINT = np.array([0.7, -1.2, 0.4, 1.5])


def complex_step(f, x):
    """The Jacobian from plain NumPy on complex numbers: no subtraction, so exact to rounding."""
    h = 1e-30
    columns = [np.imag(f(x + 1j * h * e)) / h for e in np.eye(x.size)]
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("f", MUTATING, ids=lambda f: f.__name__)
def test_values_and_jacobians(f):
    value, _ = cr.vjp(f, POINT)
    close(value, f(POINT))
    J = cr.jacobian(f)(POINT).toarray()
    if f is assigned_where_positive or f is accumulated_in_an_array_of_zeros:
        steps = [(f(POINT + 1e-6 * e) - f(POINT - 1e-6 * e)) / 2e-6 for e in np.eye(4)]
        # A central difference of a quadratic errs by rounding alone: 1e-16 / 1e-6.
        close(J, np.stack(steps, axis=-1), 1e-9)
    else:
        close(J, complex_step(f, POINT))


@pytest.mark.parametrize("f", MUTATING, ids=lambda f: f.__name__)
def test_forward_mode_and_vmap(f):
    v = np.array([1.0, -0.5, 2.0, 0.3])
    value, tangent = cr.jvp(f, (POINT,), (v,))
    close(value, f(POINT))
    close(tangent, cr.jacobian(f)(POINT).toarray() @ v)
    X = np.stack([POINT, 2 * POINT])
    if f is not assigned_where_positive:  # its mask differs from example to example
        close(cr.vmap(f)(X), np.stack([f(x) for x in X]))
        g = cr.grad(scalar(f))
        close(cr.vmap(g)(X), np.stack([g(x) for x in X]))


@given(numbers((4,)))
def test_mutation_equals_the_functional_form(x):
    def mutating(x):
        y = np.sin(x)
        y[1:3] = y[:2] * x[2:]
        y += x
        return (y**2).sum()

    def functional(x):
        s = np.sin(x)
        y = np.concatenate([s[:1], s[:2] * x[2:], s[3:]]) + x
        return (y**2).sum()

    close(cr.grad(mutating)(x), cr.grad(functional)(x))
    close(cr.hessian(mutating)(x).toarray(), cr.hessian(functional)(x).toarray())


def test_the_callers_array_is_never_changed():
    x, w = POINT.copy(), np.ones(4)

    def f(x):
        x[0] = 10.0
        x *= 2.0
        return (x * w).sum()

    close(cr.grad(f)(x), [0.0, 2.0, 2.0, 2.0])
    np.testing.assert_array_equal(x, POINT)
    cr.jvp(f, (x,), (w,))
    cr.vjp(f, x)[1](1.0)
    cr.hessian(f)(x).toarray()
    cr.vmap(f)(np.stack([x, x]))
    np.testing.assert_array_equal(x, POINT)
    np.testing.assert_array_equal(w, np.ones(4))


def test_out_names_what_to_write():
    y = np.zeros(4)
    with pytest.raises(TypeError, match="out"):
        cr.grad(lambda x: np.add(x, 1.0, out=y).sum())(POINT)
    np.testing.assert_array_equal(y, np.zeros(4))


def test_writing_into_a_plain_array_names_what_to_write():
    def f(x):
        y = np.zeros(4)
        y[0] = x[0]
        return y.sum()

    with pytest.raises(TypeError, match="zeros_like"):
        cr.grad(f)(POINT)


def test_a_shape_that_does_not_fit_is_refused_as_in_numpy():
    def f(x):
        y = x * 1.0
        y[:2] = x[:3]
        return y.sum()

    with pytest.raises(ValueError, match=r"(?s)\(3,\).*\(2,\)|\(2,\).*\(3,\)"):
        cr.grad(f)(POINT)
