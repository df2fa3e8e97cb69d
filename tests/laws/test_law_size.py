"""Long functions: no recursion, memory in proportion, and a gradient for at most 4 functions."""

import inspect
import sys
import tracemalloc

import numpy as np
import pytest

import chainrule as cr
from tests.laws.problems import close

X = np.linspace(0.1, 0.9, 8)


def chain(x, count):
    y = x
    for i in range(count // 2):
        y = np.sin(y)
        y = y * x + (i % 7)
    return y.sum()


def slope_of_chain(x, count):
    """By hand, forwards: dy = cos(y) x dy + sin(y)."""
    y, slope = x, np.ones_like(x)
    for i in range(count // 2):
        slope = np.cos(y) * slope * x + np.sin(y)
        y = np.sin(y) * x + (i % 7)
    return slope


def test_ten_thousand_operations():
    """How long it takes is what benchmarks/size.py prints."""
    gradient = cr.grad(chain)(X, 10_000)
    # The slopes shrink by |x cos y| < 1 a step: rounding does not pile up.
    close(gradient, slope_of_chain(X, 10_000))


def test_the_recursion_limit_is_never_met():
    limit = sys.getrecursionlimit()
    depth = len(inspect.stack())
    sys.setrecursionlimit(depth + 150)
    try:
        for derivative in (
            lambda f: cr.grad(f)(X),
            lambda f: cr.jvp(f, (X,), (X,)),
            lambda f: cr.hvp(f, X, X),
            lambda f: cr.vmap(f)(np.stack([X, X])),
            lambda f: str(cr.trace(f, X)),
        ):
            derivative(lambda x: chain(x, 2_000))
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize(
    "derivative", [cr.grad, lambda f: lambda x: cr.hvp(f, x, x)], ids=["grad", "hvp"]
)
def test_memory_grows_in_proportion(derivative):
    def peak(count):
        tracemalloc.start()
        derivative(lambda x: chain(x, count))(X)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(100)  # caches
    # Ten times the operations: ten times the memory; quadratic growth would be a hundred.
    assert peak(3_000) < 20 * peak(300)


def E(A0, b0, A1, b1, X, Y):
    f1 = cr.sigmoid(A0 @ X + b0)
    f2 = cr.sigmoid(A1 @ f1 + b1)
    return 0.5 * (f2 - Y).T @ (f2 - Y)


def total(*arguments):
    return cr.vmap(E, in_axes=(None, None, None, None, 0, 0))(*arguments).sum()


@pytest.mark.parametrize(
    ("sizes", "rows"),
    [((3, 4, 2), ()), ((64, 32, 10), ()), ((64, 32, 10), (32,)), ((784, 128, 10), (64,))],
    ids=str,
)
def test_the_gradient_of_the_lectures_network_costs_at_most_four_times_the_function(sizes, rows):
    n0, n1, n2 = sizes
    shapes = [(n1, n0), (n1,), (n2, n1), (n2,), (*rows, n0), (*rows, n2)]
    arguments = [np.ones(shape) for shape in shapes]
    f = total if rows else E
    forward = cr.trace(f, *arguments)
    with_gradient = cr.trace(cr.value_and_grad(f, wrt=(0, 1, 2, 3)), *arguments)
    assert with_gradient.operations <= 4 * forward.operations
    assert with_gradient.bytes <= 4 * forward.bytes
