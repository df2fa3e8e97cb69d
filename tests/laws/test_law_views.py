"""A slice, a transpose, a reshaped array are views: writing to one is seen in the other."""

import numpy as np
import pytest

import chainrule as cr
from tests.laws.problems import close

POINT = np.array([0.7, -1.2, 0.4, 1.5])


def a_slice(x):
    y = x**2
    v = y[1:]
    v *= 3.0
    return y * x


def the_transpose(x):
    A = np.outer(x, x)
    B = A.T
    B[0] = 7.0 * x
    return A @ x


def a_reshaped_array(x):
    y = x**2
    y.reshape(2, 2)[0] = x[:2]
    return y * x


def a_view_of_a_view(x):
    y = x**2
    v = y[::-1][1:3]
    v[0] = x[0] * x[1]
    return y * x


def a_row_of_a_row(x):
    A = np.outer(x, x)
    A[1][2] = x[0]
    A[3][1:] += x[:3]
    return A @ x


def rows_in_a_loop(x):
    A = np.outer(x, np.sin(x))
    for i, row in enumerate(A):
        row *= i + 1
        row[0] = x[i]
    return A @ x


def unpacked_rows(x):
    a, b = np.stack([x, x**2])
    a += b
    return a * b


def the_base_after_the_view_was_taken(x):
    y = x**2
    v = y[:2]
    y[0] = x[3]
    y += 1.0
    return v * x[:2]


def both_by_turns(x):
    y = x**2
    v, w = y[:3], y[1:]
    v *= x[0]
    w += v
    y[2] = 5.0
    return np.concatenate([v, w, y])


def overlapping(x):
    y = x**2
    y[1:] += y[:-1]
    y[:-1] = y[1:]
    return y * x


def an_integer_index_is_no_view(x):
    y = x**2
    first = y[0]
    first += 10.0
    y[1] = 2.0
    second = y[1]
    y[1] = 3.0
    return y * first * second


def a_fancy_index_is_a_copy(x):
    y = x**2
    z, m = y[np.array([0, 1])], y[y > 0.1]
    z += 5.0
    m *= 2.0
    return y[:2] * z + m[:2]


def a_reshape_that_must_copy(x):
    A = np.outer(x, x) + np.arange(4.0)
    z = A.T.reshape(-1)
    z[1] = 100.0
    return A @ x + z[:4]


def ravel_is_a_view_and_flatten_a_copy(x):
    A = np.outer(x, x)
    A.ravel()[0] = x[1]
    A.flatten()[1] = 100.0
    return A @ x


def swapped_and_squeezed(x):
    A = np.outer(x, x)
    A.swapaxes(0, 1)[0, 2] = x[1]
    np.expand_dims(A, 0)[0, 3, 3] = x[0]
    A[None].squeeze()[1, 1] = 4.0
    return A @ x


def the_halves_of_a_split(x):
    y = x**2
    left, _right = np.split(y, 2)
    left *= 3.0
    return y * x


def through_a_function(x):
    def scale(part, by):
        part *= by
        part[-1] = by

    y = x**2
    scale(y[:2], x[3])
    return y * x


def a_slice_assigned_from_itself(x):
    y = x**2
    y[::2] = y[::-2]
    y[:] = y[::-1]
    return y * x


def an_ellipsis_is_a_view(x):
    y = x**2
    y[...][0] = x[1]
    y[:][1] = x[0]
    return y * x


def a_view_kept_when_its_base_is_bound_anew(x):
    y = x**2
    v = y[1:]
    y = y * 2.0
    v *= 10.0
    return np.concatenate([v, y])


VIEWS = [
    a_slice,
    a_view_of_a_view,
    a_row_of_a_row,
    rows_in_a_loop,
    unpacked_rows,
    the_base_after_the_view_was_taken,
    both_by_turns,
    overlapping,
    an_integer_index_is_no_view,
    a_fancy_index_is_a_copy,
    the_halves_of_a_split,
    through_a_function,
    a_slice_assigned_from_itself,
    an_ellipsis_is_a_view,
    a_view_kept_when_its_base_is_bound_anew,
]
# NumPy's rearranging functions: what they return may be refused for writing, never written wrongly.
REARRANGED = [
    the_transpose,
    a_reshaped_array,
    a_reshape_that_must_copy,
    ravel_is_a_view_and_flatten_a_copy,
    swapped_and_squeezed,
]


def differences(f, x):
    """Central differences: the functions are polynomials of degree 5 at most."""
    steps = [(f(x + 1e-5 * e) - f(x - 1e-5 * e)) / 2e-5 for e in np.eye(x.size)]
    return np.stack(steps, axis=-1)


@pytest.mark.parametrize("f", VIEWS, ids=lambda f: f.__name__)
def test_writing_means_what_it_means_in_numpy(f):
    value, _ = cr.vjp(f, POINT)
    close(value, f(POINT))
    # Differences err by h^2 = 1e-10 times a third derivative of size 100.
    np.testing.assert_allclose(
        cr.jacobian(f)(POINT).toarray(), differences(f, POINT), rtol=0, atol=1e-7
    )


# Its mask differs from example to example.
BATCHED = [f for f in VIEWS if f is not a_fancy_index_is_a_copy]


@pytest.mark.parametrize("f", BATCHED, ids=lambda f: f.__name__)
def test_the_same_under_vmap(f):
    X = np.stack([POINT, POINT[::-1] ** 2 + 0.5])
    close(cr.vmap(f)(X), np.stack([f(x) for x in X]))


@pytest.mark.parametrize("f", REARRANGED, ids=lambda f: f.__name__)
def test_writing_to_a_rearranged_array_is_either_right_or_refused(f):
    try:
        value, _ = cr.vjp(f, POINT)
    except TypeError as error:
        refusal = str(error)
        assert "view" in refusal
    else:
        close(value, f(POINT))
        J = cr.jacobian(f)(POINT).toarray()
        np.testing.assert_allclose(J, differences(f, POINT), rtol=0, atol=1e-7)  # as above


def a_temporary_reshaped(x):
    h = (x**2).reshape(2, 2)
    h += x[0]
    h[0, 0] = x[1]
    return h @ h


def a_temporary_transposed(x):
    h = np.outer(x, x).T
    h *= x
    return h @ x


def a_temporary_raveled(x):
    h = np.outer(x, x).ravel()
    h[:4] = x
    return h


@pytest.mark.parametrize(
    "f",
    [a_temporary_reshaped, a_temporary_transposed, a_temporary_raveled],
    ids=lambda f: f.__name__,
)
def test_a_rearranged_array_that_nobody_else_holds_is_ones_own(f):
    close(cr.vjp(f, POINT)[0], f(POINT))
    J = cr.jacobian(f)(POINT).toarray()
    np.testing.assert_allclose(J, differences(f, POINT), rtol=0, atol=1e-7)  # as above


def test_an_array_that_is_no_view_for_writing_is_refused():
    def diagonal(x):
        A = np.outer(x, x)
        np.diagonal(A)[0] = 1.0
        return A.sum()

    def stretched(x):
        y = x**2
        np.broadcast_to(y, (2, 4))[0] = 1.0
        return y.sum()

    for f in (diagonal, stretched):
        with pytest.raises(ValueError, match="read-only"):
            f(POINT)
        with pytest.raises((ValueError, TypeError), match=r"(?i)read-only|writ|view"):
            cr.grad(f)(POINT)


def test_the_argument_itself_may_be_written_to_through_a_view():
    x = POINT.copy()

    def f(x):
        x[1:][0] = x[0] ** 2
        return (x**2).sum()

    expected = 2 * POINT
    expected[0] += 4 * POINT[0] ** 3
    expected[1] = 0.0
    close(cr.grad(f)(x), expected)
    np.testing.assert_array_equal(x, POINT)
