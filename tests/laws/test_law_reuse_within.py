"""Calls within calls, and calls in several threads, meet no nodes but their own."""

import contextlib
import contextvars
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import chainrule as cr
from chainrule.tracing.session import current
from tests.laws.reuse import alone, same

X = np.array([0.4, -1.1, 0.7])


# -- calls within calls -------------------------------------------------------------------------


def test_inner_gradients_over_outer_values_and_over_plain_ones():
    def f(x):
        inner = cr.grad(lambda y: (y**2 * x).sum())(x)
        plain = cr.grad(lambda y: (y**3).sum())(np.ones(3) * 2)
        mixed = cr.grad(lambda y: (y * x).sum())(np.ones(3))
        return (inner * plain * mixed).sum()

    for x in (X, 2 * X, X):
        np.testing.assert_allclose(
            cr.grad(f)(x), 72 * x**2, rtol=1e-14
        )  # products of a few numbers
        same(cr.grad(f), x)
        same(cr.grad(lambda x: cr.grad(f)(x).sum()), x)


def test_a_recursive_function_and_a_recursive_gradient():
    def power(x, n):
        return x if n == 1 else x * power(x, n - 1)

    def derivative(f, n):
        return f if n == 0 else derivative(cr.grad(f), n - 1)

    for n in (1, 4, 2, 4):
        assert cr.grad(power)(2.0, n) == n * 2.0 ** (n - 1)
        found = derivative(lambda x: x**4.0 + 0 * power(x, 5), n)(1.5)
        factors = [4.0, 3.0, 2.0, 1.0][:n]
        np.testing.assert_allclose(found, np.prod(factors) * 1.5 ** (4 - n), rtol=1e-14)  # as above


def test_other_transformations_inside():
    def f(x):
        jacobian = cr.jacobian(lambda y: y**2 * x)(x)
        value, pullback = cr.vjp(lambda y: y * x, x)
        mapped = cr.vmap(lambda e: e**2 * x.sum())(x)
        graph = cr.trace(lambda y: y * 2, np.ones(2))
        assert len(graph.outputs) == 1
        return (jacobian @ x).sum() + (pullback(value)[0] * mapped).sum()

    for x in (X, 2 * X, X):
        same(cr.grad(f), x)


def test_what_an_inner_transformation_made_outlives_the_call():
    kept = []

    def f(x):
        kept.append(cr.jacobian(lambda y: y**2)(np.array([1.0, 2.0])))
        kept.append(cr.vjp(lambda y: y**2, np.array([1.0, 2.0]))[1])
        return (x**2).sum()

    for k in (1.0, 2.0, 3.0):
        np.testing.assert_array_equal(cr.grad(f)(k * X), 2 * k * X)
    for jacobian, pullback in zip(kept[::2], kept[1::2], strict=True):
        np.testing.assert_array_equal(jacobian.toarray(), np.diag([2.0, 4.0]))
        np.testing.assert_array_equal(pullback(np.ones(2))[0], [2.0, 4.0])


def test_an_error_inside_does_no_harm():
    def f(x, fails):
        y = np.exp(x)
        inner = 0.0
        with contextlib.suppress(ValueError):
            inner = cr.grad(lambda z: z.sum() if not fails else z)(X * 3).sum()
        if fails == 2:
            raise RuntimeError
        return (y * x).sum() * (1 + inner)

    for fails in (0, 1, 2, 0, 2, 1, 0):
        if fails == 2:
            with pytest.raises(RuntimeError):
                cr.grad(f)(X, fails)
        else:
            same(cr.grad(lambda x: f(x, fails)), X)  # noqa: B023
    assert current() is None


# -- threads ------------------------------------------------------------------------------------


def test_concurrent_calls_of_one_gradient():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def f(x):
        y = np.sin(x) * x
        if y.sum() > 0:
            y = y * 2
        return (y + cr.grad(lambda z: (z**2 * x).sum())(x)).sum()

    gradient = cr.grad(f)
    points = [X * k for k in np.linspace(-2, 2, 40)]
    expected = [alone(gradient, x) for x in points]
    try:
        with ThreadPoolExecutor(4) as pool:
            for _ in range(5):
                for found, value in zip(pool.map(gradient, points), expected, strict=True):
                    np.testing.assert_array_equal(found, value)
    finally:
        sys.setswitchinterval(interval)


def test_threads_that_share_the_context_of_a_call():
    """Each must get argument nodes of its own, though they are one call to the session."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def f(x):
        def slope(k):
            return cr.grad(lambda z: (z**2 * x).sum() * k)(x * k)

        contexts = [contextvars.copy_context() for _ in range(8)]
        with ThreadPoolExecutor(4) as pool:
            parts = list(pool.map(lambda k: contexts[k].run(slope, k + 1.0), range(8)))
        return sum(part.sum() for part in parts)

    try:
        for x in (X, 2 * X, X, 3 * X):
            # the sum of 2 k^2 x^2, whose terms are added in another order
            np.testing.assert_allclose(cr.grad(f)(x), 4 * 204 * x, rtol=1e-14)
    finally:
        sys.setswitchinterval(interval)


def test_threads_inside_a_call():
    def f(x):
        found = []

        def work():
            found.append(np.exp(x) * x)
            found.append(cr.grad(lambda z: (z**3 * x).sum())(x))
            assert (x**2).sum() > 0

        worker = threading.Thread(target=work)
        worker.start()
        worker.join()
        return (found[0] + found[1]).sum() + x.sum()

    for x in (X, 2 * X, X):
        same(cr.grad(f), x)


def test_a_value_kept_by_a_thread_of_an_earlier_call():
    proceed, found = threading.Event(), []

    def f(x):
        def work():
            y = x * 2
            proceed.wait(10)
            found.append(cr.grad(lambda z: (z * y).sum())(np.ones(3)))

        worker = threading.Thread(target=work)
        worker.start()
        kept.append(worker)
        return (x**2).sum()

    kept = []
    cr.grad(f)(X)
    np.testing.assert_array_equal(cr.grad(lambda x: (x**2).sum())(9 * X), 18 * X)
    proceed.set()
    kept[0].join()
    np.testing.assert_array_equal(found[0], 2 * X)
