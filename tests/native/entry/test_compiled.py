"""``cr.compile``: the same values as the interpreter, for any arguments."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given

import chainrule as cr
from chainrule.errors import ArgumentError, TracingError
from chainrule.native.entry.compiled import compile
from chainrule.native.run.machine import CompilationError
from tests.jacobians.generated import Generated, functions, point

# Each function is within 2 units in the last place of the exact value, NumPy's within 1, and sums
# are ordered otherwise; up to five steps multiply that by their condition, a few hundred at most.
DOUBLE, SINGLE = 2e-13, 2e-4


def parts(result) -> tuple:
    return result if isinstance(result, tuple) else (result,)


def assert_close(found, expected, tolerance: float, note: str = "") -> None:
    assert np.shape(found) == np.shape(expected), note
    largest = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * largest, err_msg=note)


@given(functions())
def test_generated_functions(case: Generated):
    assert_close(compile(case.function)(case.x), case.function(case.x), DOUBLE)


@given(functions(3))
def test_their_gradients(case: Generated):
    gradient = cr.grad(case.scalar())
    assert_close(compile(gradient)(case.x), gradient(case.x), 10 * DOUBLE)


@given(functions(3, dtype=np.float32))
def test_in_single_precision(case: Generated):
    found = compile(case.function)(case.x)
    expected = case.function(case.x)
    assert np.asarray(found).dtype == np.asarray(expected).dtype
    assert_close(found, expected, SINGLE)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 1000, 70_001])
def test_every_length(n: int):
    """Rows shorter than a vector, and ends that do not fill one; blocks of sums and their rest."""

    def f(x):
        return np.tanh(x) * 2 + x.sum(), (x * x).sum(), x[::-1] - 1

    for dtype, tolerance in ((np.float64, 1e-13), (np.float32, 1e-5)):
        x = np.cos(np.arange(n)).astype(dtype)
        for found, expected in zip(compile(f)(x), f(x), strict=True):
            assert_close(found, expected, tolerance)


@pytest.mark.parametrize("shape", [(5, 7), (7, 5), (1, 9), (9, 1), (3, 4, 5), (33, 2)])
def test_sums_along_every_axis(shape):
    x = np.sin(np.arange(np.prod(shape))).reshape(shape)
    for axis in range(len(shape)):
        for f in (
            lambda x, axis=axis: x.sum(axis=axis),
            lambda x, axis=axis: (x - x.mean(axis=axis, keepdims=True)) ** 2,
            lambda x, axis=axis: np.exp(x).sum(axis=axis) * 3,
            lambda x, axis=axis: (x.T.sum(axis=axis), x.T + x.T.sum()),
        ):
            for found, expected in zip(parts(compile(f)(x)), parts(f(x)), strict=True):
                assert_close(found, expected, 1e-13)


def test_a_long_sum_in_single_precision_keeps_its_digits():
    """A million equal numbers: one running sum would lose four digits.

    Sixteen at a time are added in single precision, which may lose half a unit each time.
    """
    x = np.full(10**6, 0.1, np.float32)
    total = compile(lambda x: x.sum())(x)
    assert total == pytest.approx(10**6 * float(np.float32(0.1)), rel=16 * 2**-25)


SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-310, -1e300, 1e300, 1.0])


@pytest.mark.parametrize(
    "f",
    [
        np.exp, np.tanh, np.sqrt, np.abs, np.sign, cr.sigmoid, cr.relu, np.log1p,
        lambda x: 1 / x, lambda x: x * x, lambda x: np.maximum(x, 0), lambda x: np.minimum(x, 1),
        lambda x: np.where(x > 0, x, -x), lambda x: x > 1, lambda x: np.isnan(x) | (x == 0),
        cr.grad(lambda x: np.where(x > 0, np.sqrt(x), 0).sum()), cr.grad(lambda x: (x**3).sum()),
        cr.grad(lambda x: np.abs(x).sum()), lambda x: x.sum(), lambda x: x - x,
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_special_values_are_numpys(f):
    np.testing.assert_allclose(compile(f)(SPECIAL), f(SPECIAL), rtol=1e-15)
    for k in range(SPECIAL.size):
        one = SPECIAL[k : k + 1]
        np.testing.assert_allclose(compile(f)(one), f(one), rtol=1e-15)


def test_arguments_of_every_kind():
    f = compile(lambda x, y: (x * y + x, {"sum": x.sum()}))
    x, y = np.arange(12.0).reshape(3, 4), np.ones(4)
    big = np.arange(24.0).reshape(3, 8)[:, ::2]
    read_only = x.copy()
    read_only.flags.writeable = False
    for a, b in [
        (x, y), (x.T.copy().T, y), (x[::-1], y[::-1]), (big, y), (read_only, y),
        (x.astype(">f8"), y.astype(">f8")), (x, x), (x, 2.0), (x.astype(np.float32), 2.0),
        (x.astype(np.int64), 3), (np.float64(2), np.float64(3)), (x, True), (x[:0], y),
    ]:  # fmt: skip
        product, rest = f(a, b)
        expected = a * b + a
        assert np.asarray(product).dtype == np.asarray(expected).dtype.newbyteorder("=")
        np.testing.assert_allclose(product, expected, rtol=1e-15)
        np.testing.assert_allclose(rest["sum"], np.asarray(a).sum(), rtol=1e-15)


def test_results_are_the_callers_own():
    x = np.arange(6.0)
    f = compile(lambda x: (x, x[::-1], x + 0, x.reshape(2, 3), np.ones(3)))
    first = [np.array(item) for item in f(x)]
    results = f(x)
    for item in results:
        item += 100
    assert x.tolist() == [0, 1, 2, 3, 4, 5]
    for again, before in zip(f(x), first, strict=True):
        assert np.array_equal(again, before)


def test_static_arguments_and_their_programs():
    f = compile(lambda x, n, power=2: (x**power) * n)
    x = np.arange(3.0)
    assert f(x, 2).tolist() == [0, 2, 8]
    assert f(x, 3).tolist() == [0, 3, 12]
    assert f(x, 3, power=1).tolist() == [0, 3, 6]
    assert f.report().count("made in") == 3
    with pytest.raises(ArgumentError, match=r"^compile: a static argument must be hashable"):
        f(x, 3, power=[1])


def test_inside_other_transformations():
    inner = compile(lambda x: np.sum(np.sin(x) * x))
    x = point((5,))
    assert_close(cr.grad(inner)(x), cr.grad(lambda x: np.sum(np.sin(x) * x))(x), 1e-15)
    assert_close(compile(cr.grad(inner))(x), np.cos(x) * x + np.sin(x), 1e-14)
    mapped = compile(cr.vmap(lambda a: a @ a))
    assert_close(mapped(np.ones((3, 4))), [4, 4, 4], 1e-15)


def test_several_threads_share_one_function():
    f = compile(lambda x: np.exp(-x * x).sum() * x)
    inputs = [np.linspace(0, k, 501) for k in range(1, 9)]
    results: list[list[np.ndarray]] = [[] for _ in inputs]

    def work(k: int) -> None:
        for _ in range(50):
            results[k].append(f(inputs[k]))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for x, found in zip(inputs, results, strict=True):
        assert all(np.array_equal(item, found[0]) for item in found)
        assert_close(found[0], np.exp(-x * x).sum() * x, 1e-13)


def test_the_report_says_what_is_native():
    f = compile(lambda A, x: np.tanh(A @ x).sum())
    assert "nothing compiled" in f.report()
    f(np.ones((200, 100)), np.ones(100))
    assert "native  loop over [200, 100]" in f.report()
    g = compile(lambda A, B: np.tanh(A @ B))
    g(np.ones((3, 4)), np.ones((4, 2)))
    assert "native  product of [3, 4] and [4, 2]" in g.report()
    assert "native  loop over [6]: 1 operations an element, 1 results" in g.report()


def test_a_branch_on_values_is_refused():
    f = compile(lambda x: x if x[0] > 0 else -x)  # the line that is named
    here = (
        r"in line \d+ of test_compiled\.py \(f = compile\(lambda x: .* # the line that is named\)"
    )
    with pytest.raises(TracingError, match=rf"a truth value {here}, .* write np\.where"):
        f(np.ones(2))


def test_code_that_does_not_compile_is_interpreted(monkeypatch):
    def refuse(*_, **__):
        raise CompilationError("compile", "LLVM refuses the code")

    monkeypatch.setattr("chainrule.native.run.program.compile_text", refuse)
    f = compile(lambda x: np.exp(x) + 1)
    assert f(np.zeros(2)).tolist() == [2, 2]
    assert "interpreted with NumPy: compile: LLVM refuses the code" in f.report()


def test_jacobians_and_hessians_become_arrays():
    def f(x):
        return np.tanh(np.outer(x, x) @ x)

    x = np.linspace(0.1, 1, 5)
    for derivative in (cr.jacobian(f), cr.hessian(lambda x: np.sum(f(x) ** 2))):
        found = compile(derivative)(x)
        assert type(found) is np.ndarray
        # the same sums of some products of size one, in another order
        np.testing.assert_allclose(found, derivative(x).toarray(), rtol=1e-13, atol=1e-13)


def test_a_zero_wins_over_an_infinite_argument():
    """The program is made before it is known what the arguments will hold."""
    g = compile(cr.grad(lambda x, y: np.sum(np.where(x > 5, 0.0, x * x * y)), wrt=(0, 1)))
    g(np.array([2.0, 3.0]), np.array([1.0, 1.0]))
    dx, dy = g(np.array([np.inf, 1.0]), np.array([1.0, 1.0]))
    assert dx.tolist() == [0, 2]
    assert dy.tolist() == [0, 1]
