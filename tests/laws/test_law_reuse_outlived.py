"""Values that outlive the call that made them keep the values that they had."""

import contextvars
import gc

import numpy as np
import pytest

import chainrule as cr
from chainrule.tracing import lanes

X = np.array([0.4, -1.1, 0.7])


@pytest.fixture
def empty(monkeypatch):
    """No lanes of earlier calls."""
    monkeypatch.setattr(lanes, "_waiting", [])


@pytest.mark.parametrize("way", [lambda x: x, lambda x: x * 2, lambda x: np.exp(x)[1:]])
def test_a_value_that_outlived_its_call_keeps_its_value(way):
    kept = []

    def f(x):
        kept.append(way(x))
        return (x**2).sum()

    for k in (1.0, 2.0, 3.0):
        np.testing.assert_array_equal(cr.grad(f)(k * X), 2 * k * X)
    for k, value in zip((1.0, 2.0, 3.0), kept, strict=True):
        expected = way(k * X)
        slope = cr.grad(lambda x: (x[: len(expected)] * value).sum())(X)  # noqa: B023
        np.testing.assert_array_equal(slope[: len(expected)], expected)
        assert str(value) == str(expected)


def test_a_value_asked_for_that_outlived_its_call():
    kept = []

    def f(x):
        y = np.exp(x)
        assert y.sum() > 0
        kept.append(y)
        return y.sum()

    cr.grad(f)(X)
    cr.grad(f)(2 * X)
    np.testing.assert_array_equal(np.array2string(np.exp(X)), repr(kept[0])[7:-1].replace(",", ""))


def test_values_kept_by_an_error_a_generator_a_closure_and_a_context():
    kept = {}

    def values(x):
        yield x
        yield np.exp(x)

    def f(x, way):
        if way == "error":
            try:
                raise ValueError(x)
            except ValueError as error:
                kept["itself"] = error
            kept[way] = lambda: kept["itself"].args[0]
        elif way == "generator":
            rest = values(x)
            next(rest)
            kept[way] = lambda: np.log(next(rest))
        elif way == "closure":
            kept[way] = lambda: x + 0.0
        else:
            context = contextvars.copy_context()
            kept[way] = lambda: context.run(lambda: x * 1.0)
        return (x**2).sum()

    for way in ("error", "generator", "closure", "context"):
        np.testing.assert_array_equal(cr.grad(f)(X, way), 2 * X)
        np.testing.assert_array_equal(cr.grad(f)(5 * X, "none"), 10 * X)
        found = cr.grad(lambda x: (x * kept[way]()).sum())(np.ones(3))  # noqa: B023
        np.testing.assert_allclose(found, X, rtol=1e-15)  # the logarithm of the exponential


def test_an_error_that_is_kept_with_its_frames():
    kept = []

    def f(x):
        y = np.exp(x)
        if x[0] > 1:
            raise RuntimeError
        return y.sum()

    for k in (1.0, 5.0, 1.0):
        try:
            np.testing.assert_array_equal(cr.grad(f)(k * X), np.exp(k * X))
        except RuntimeError as error:
            kept.append(error)
    frame = kept[0].__traceback__
    while frame.tb_next is not None:
        frame = frame.tb_next
    assert str(frame.tb_frame.f_locals["y"]) == str(np.exp(5 * X))


def test_a_value_in_a_cycle_is_let_go_with_it(empty):
    def f(x):
        cycle = [x]
        cycle.append(cycle)
        return (x**2).sum()

    gc.collect()
    for k in (1.0, 2.0):
        np.testing.assert_array_equal(cr.grad(f)(k * X), 2 * k * X)
    gc.collect()
    assert not lanes._waiting  # never given back, as the value lived longer than the call
