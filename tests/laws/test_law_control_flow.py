"""Python's own control flow works under grad, as it would in plain NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from tests.laws.problems import close, numbers

VALUES = st.floats(-2, 2)


@given(VALUES)
def test_if(x):
    def f(x):
        if x > 0:
            return x**2
        return -3 * x

    close(cr.grad(f)(x), 2 * x if x > 0 else -3.0)
    close(cr.jvp(f, (x,), (1.0,))[1], 2 * x if x > 0 else -3.0)


@given(numbers((3,)))
def test_branches_on_arrays(x):
    def f(x):
        if (x > 0).all() or x.sum() > 1:
            return (x**2).sum()
        if not (x > 0).any():
            return x.sum()
        return (3 * x).sum()

    whole = (x > 0).all() or x.sum() > 1
    expected = 2 * x if whole else np.ones(3) if not (x > 0).any() else 3 * np.ones(3)
    close(cr.grad(f)(x), expected)


@given(st.floats(0.5, 6))
def test_while_and_loop_bounds(x):
    def halved(x):
        y, n = x, 0
        while y > 1:
            y = y / 2
            n += 1
        return y * n

    n = 0
    while x / 2**n > 1:
        n += 1
    close(cr.grad(halved)(x), n / 2**n)

    def power(x):
        result = 1.0
        for _ in range(int(x)):
            result = result * x
        return result

    n = int(x)
    close(cr.grad(power)(x), n * x ** (n - 1) if n else 0.0)


@given(numbers((4,)))
def test_whole_numbers_taken_from_values_can_index_and_bound_loops(x):
    def f(x):
        i = np.argmax(x)
        total = x[i] * x[int(np.argmin(x))]
        for k in range(np.count_nonzero(x > 0)):
            total = total + x[k] ** 2
        return total

    expected = np.zeros(4)
    expected[np.argmax(x)] += x.min()
    expected[np.argmin(x)] += x.max()
    n = np.count_nonzero(x > 0)
    expected[:n] += 2 * x[:n]
    close(cr.grad(f)(x), expected)


@given(numbers((3, 2)))
def test_iterating_unpacking_and_asking_for_the_shape(A):
    def f(A):
        total = 0.0
        for row in A:
            a, b = row
            total = total + a * b**2
        assert A.shape == (3, 2)
        assert A.ndim == 2
        assert A.size == 6
        assert len(A) == 3
        assert A.dtype == np.float64
        assert np.shape(A) == (3, 2)
        assert np.ndim(A[0]) == 1
        assert np.size(A) == 6
        rows, columns = A.shape
        return total / (rows * columns)

    close(cr.grad(f)(A), np.stack([A[:, 1] ** 2, 2 * A[:, 0] * A[:, 1]], axis=1) / 6)


@given(numbers((4,)))
def test_sum_max_min_and_abs_of_python(x):
    close(cr.grad(lambda x: sum(x) ** 2)(x), np.full(4, 2 * x.sum()))
    close(cr.grad(lambda x: abs(x).sum())(x), np.sign(x))
    if len(set(x)) == 4:
        close(
            cr.grad(lambda x: max(x) * min(x))(x),
            (x == x.max()) * x.min() + (x == x.min()) * x.max(),
        )


@given(numbers((3,)))
def test_predicates_give_plain_truth_values(x):
    def f(x):
        assert np.allclose(x, x + 0.0)
        assert np.isfinite(x).all()
        assert not np.isnan(x).any()
        assert np.array_equal(x, x * 1.0)
        assert np.any(x == x)
        assert isinstance(bool(x[0] < 5), bool)
        return x.sum()

    close(cr.grad(f)(x), np.ones(3))


@pytest.mark.parametrize(
    "places",
    [
        lambda x: np.nonzero(x > 0),
        lambda x: np.where(x > 0),
        lambda x: np.flatnonzero(x > 0),
        lambda x: x > 0,
        lambda x: np.argwhere(x > 0)[:, 0],
    ],
    ids=["nonzero", "where", "flatnonzero", "comparison", "argwhere"],
)
def test_the_places_where_something_holds(places):
    x = np.array([0.5, -1.0, 2.0, -0.3])
    close(cr.grad(lambda x: (x[places(x)] ** 2).sum())(x), np.where(x > 0, 2 * x, 0.0))


def test_list_comprehensions_dicts_and_closures():
    def f(x):
        layers = {"a": [x * i for i in range(3)], "b": lambda y: y * x}
        return sum(layers["b"](y).sum() for y in layers["a"])

    x = np.array([1.0, -2.0])
    close(cr.grad(f)(x), 6 * x)


def test_try_and_generators():
    def f(x):
        def pieces():
            yield x[0] ** 2
            yield x[1] * 3

        try:
            _ = x[7]
        except IndexError:
            return sum(pieces())

    close(cr.grad(f)(np.array([2.0, 1.0])), [4.0, 3.0])


def test_an_exception_of_the_users_passes_through_and_nothing_is_left_behind():
    def f(x):
        if x > 1:
            raise KeyError("the user's own")
        return x**2

    with pytest.raises(KeyError, match="the user's own"):
        cr.grad(f)(2.0)
    close(cr.grad(f)(0.5), 1.0)
    with pytest.raises(KeyError, match="the user's own"):
        cr.grad(cr.grad(f))(2.0)
    close(cr.grad(cr.grad(f))(0.5), 2.0)


def test_the_branch_is_chosen_anew_at_every_call():
    def f(x):
        return x**2 if x > 0 else -x

    g = cr.grad(f)
    assert [g(x) for x in (1.0, -1.0, 2.0, -2.0)] == [2.0, -1.0, 4.0, -1.0]


def test_shapes_may_differ_from_call_to_call():
    g = cr.grad(lambda x: (x**2).sum())
    for shape in [(3,), (2, 2), (), (0,), (3,)]:
        x = np.full(shape, 1.5)
        np.testing.assert_array_equal(g(x), 2 * x)


def test_random_numbers_and_other_plain_numpy_inside():
    def f(x):
        noise = np.random.default_rng(3).normal(size=3)
        grid = np.linspace(0, 1, 3) + np.arange(3) + np.eye(3)[1]
        return (x * noise * grid).sum()

    expected = np.random.default_rng(3).normal(size=3) * np.array([0.0, 2.5, 3.0])
    close(cr.grad(f)(np.ones(3)), expected)
