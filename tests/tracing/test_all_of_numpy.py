"""All that NumPy lets others answer is answered as NumPy does, or refused: nothing is lost.

Each function and method is called on plain arrays and on traced ones. The results have the same
values, dtypes and types, and errors are of the same kind; the arguments hold the same afterwards;
what is written into a result is seen in the arguments where NumPy gives a view, and the other way
round; and where NumPy's result is read-only, so is ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule.errors import ChainruleError, Refusal
from chainrule.graph.node import new_input
from chainrule.interpret.run import keep_value
from chainrule.primitives.expression import Expression
from chainrule.tracing.session import recording
from chainrule.tracing.traced import Traced
from tests.tracing.calls import calls, functions

FUNCTIONS = dict(functions())
pytestmark = pytest.mark.filterwarnings("ignore")


def is_turned(array):
    return array.ndim > 1 and not array.flags.c_contiguous


def plain_copy(array):
    return array.T.copy().T if is_turned(array) else array.copy()


def traced_copy(array):
    if not array.ndim:
        return Traced(new_input((), array.dtype, array.copy()), np.ndarray)
    value = np.array(array.T if is_turned(array) else array, order="C")
    traced = Traced(new_input(value.shape, value.dtype, value)).copy()
    return traced.T if is_turned(array) else traced


class Arguments:
    """The arguments of one call, the floating-point arrays among them copied, each once."""

    def __init__(self, args: Any, copy: Callable[[Any], Any]) -> None:
        self._copy = copy
        self.copies: dict[int, Any] = {}
        self.args = [self._of(item) for item in args]

    def _of(self, item: Any) -> Any:
        if type(item) is list:
            return [self._of(part) for part in item]
        if not isinstance(item, np.ndarray) or item.dtype.kind != "f":
            return item
        if id(item) not in self.copies:
            self.copies[id(item)] = self._copy(item)
        return self.copies[id(item)]

    def result(self, function: Any, kwargs: Any) -> Any:
        try:
            return function(*self.args, **kwargs)
        except Exception as error:
            return error


def parts(result: Any) -> list[Any]:
    if isinstance(result, (tuple, list)):
        return [part for item in result for part in parts(item)]
    return [result]


def value(item: Any) -> Any:
    return keep_value(item.node) if isinstance(item, Expression) else item


def assert_same(one: Any, other: Any, where: str) -> None:
    if isinstance(one, (np.ndarray, np.generic)):
        found = np.asarray(value(other))
        assert isinstance(other, type(one)), f"{where}: {type(one)} came as {other.__class__}"
        assert (found.dtype, found.shape) == (one.dtype, one.shape), where
        # The order of summation is our own: a few units in the last place of numbers up to 20.
        tolerance = 1e-5 if one.dtype.itemsize < 8 else 1e-12
        np.testing.assert_allclose(found, one, rtol=tolerance, atol=tolerance, err_msg=where)


def assert_same_arguments(plain: Arguments, traced: Arguments, where: str) -> None:
    for key, array in plain.copies.items():
        assert_same(array, traced.copies[key], where)


def write(array: Any, number: float) -> Exception | None:
    try:
        array[...] = number
    except (ValueError, TypeError) as error:
        return error
    return None


def check_views(plain: Arguments, traced: Arguments, pairs: list[Any], where: str) -> None:
    """Write into the results, then into the arguments; a refusal ends it, for nothing is wrong."""
    for one, other in pairs:
        if isinstance(one, np.ndarray) and isinstance(other, Expression) and one.size:
            number = 9.25 if one.dtype.kind == "f" else 1
            errors = write(one, number), write(other, number)
            if isinstance(errors[1], Refusal):
                return
            assert type(errors[0]) is type(errors[1]) or (
                isinstance(errors[1], ChainruleError) and isinstance(errors[1], type(errors[0]))
            ), f"{where}: {errors}"
            assert_same_arguments(plain, traced, f"{where}, written into the result")
    for key in plain.copies:
        errors = write(plain.copies[key], -3.5), write(traced.copies[key], -3.5)
        if isinstance(errors[1], Refusal):
            return
        assert errors == (None, None)
    for one, other in pairs:
        try:
            value(other)
        except Refusal:
            return
        assert_same(one, other, f"{where}, written into the arguments")


def check(name: str, args: Any, kwargs: Any) -> bool:
    """One call; whether it was answered."""
    function, where = FUNCTIONS[name], f"{name}{args}{kwargs}"
    plain = Arguments(args, plain_copy)
    if not plain.copies:
        return False
    expected = plain.result(function, kwargs)
    with recording():
        traced = Arguments(args, traced_copy)
        result = traced.result(function, kwargs)
        if isinstance(result, Refusal):
            return False
        if isinstance(expected, np.linalg.LinAlgError):  # it goes by the values
            return False
        if isinstance(expected, Exception) or isinstance(result, Exception):
            assert isinstance(expected, Exception), f"{where}: {result!r}"
            assert isinstance(result, Exception), f"{where}: {expected!r}"
            return False
        pairs = list(zip(parts(expected), parts(result), strict=True))
        for one, other in pairs:
            assert_same(one, other, where)
        assert_same_arguments(plain, traced, f"{where}, after the call")
        check_views(plain, traced, pairs, where)
    return True


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_is_as_numpy_or_refused(name):
    for args, kwargs in calls(name):
        check(name, args, kwargs)


def test_many_are_answered():
    answered = [
        name for name in FUNCTIONS if any(check(name, *call) for call in list(calls(name))[:60])
    ]
    assert len(answered) >= 220, len(answered)


TWICE = {
    name: (FUNCTIONS[f"np.linalg.{name}"], FUNCTIONS[f"np.{name}"])
    for name in ("trace", "diagonal", "outer", "cross", "matmul", "tensordot", "vecdot")
    if f"np.linalg.{name}" in FUNCTIONS and f"np.{name}" in FUNCTIONS
}


@pytest.mark.parametrize("name", TWICE)
def test_what_numpy_has_twice_is_two_functions(name):
    T = np.arange(8.0).reshape(2, 2, 2)
    three = np.arange(6.0).reshape(2, 3)
    arguments = [(T,), (T, 1), (T, T), (three, three), (three[0], three[1]), (T, T[0])]
    for function in TWICE[name]:
        for args in arguments:
            plain = Arguments(args, plain_copy)
            with recording():
                traced = Arguments(args, traced_copy)
                expected, result = plain.result(function, {}), traced.result(function, {})
                if not isinstance(result, Refusal):
                    assert isinstance(expected, Exception) == isinstance(result, Exception)
                    assert_same(expected, result, f"{name}{args}")
