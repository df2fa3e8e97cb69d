"""Whatever is passed to cr.check and cr.check_grads, what comes is a report or one sentence."""

from __future__ import annotations

import re
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ArgumentError, ChainruleError, DtypeError, ShapeError

x = np.array([1.0, -2.0, 3.0])


def squares(x):
    return np.sum(x**2)


def product(a, b):
    return a @ b


class Thing:
    pass


class Broken:
    def __array__(self, *args, **kwargs):
        raise RuntimeError("no array")


class BrokenTruth:
    def __bool__(self):
        raise RuntimeError("no truth value")

    def __len__(self):
        raise RuntimeError("no length")


class BrokenMatrix:
    def toarray(self):
        raise OSError("no array")


async def later(x):
    return 2 * x


def endless(x):
    return endless(x)


def yielding(x):
    yield 2 * x


itself: list[object] = []
itself.append(itself)

VALUES = {
    "None": None, "an object": Thing(), "ragged": [[1, 2], [3]], "a text": "abc(", "no text": "",
    "bytes": b"x", "an empty dict": {}, "another key": {"y": 2 * x}, "numbers as keys": {1: 2},
    "None in a dict": {"x": None}, "nan": np.full(3, np.nan), "inf": np.full(3, np.inf),
    "complex": x * 1j, "objects": np.array([1, None, 2], object), "letters": np.array(["a", "b"]),
    "dates": np.array(["2020-01-01"], "datetime64[D]"), "an empty list": [],
    "an empty array": np.zeros(0), "a set": {1, 2, 3}, "an iterator": iter(range(3)),
    "a range": range(3), "a class": dict, "a function of nothing": lambda: x,
    "a function of three": lambda a, b, c: x, "a function of a keyword": lambda *, q: x,
    "a division by zero": lambda x: 1 / 0, "a function of functions": lambda x: lambda y: y,
    "a broken array": Broken(), "a broken truth": BrokenTruth(), "a broken matrix": BrokenMatrix(),
    "masked": np.ma.masked_array(2 * x, [0, 1, 0]), "six axes": np.ones((2,) * 6),
    "too large for float": [10**400, 1, 1], "large integers": [10**30] * 3,
    "fractions": [Fraction(1, 2)] * 3, "decimals": [Decimal(2)] * 3, "True": True,
    "booleans": x > 0, "itself": itself, "a type": int, "a ufunc of two": np.add,
    "a structure": np.zeros(3, [("a", float)]), "float16": (2 * x).astype(np.float16),
    "long double": (2 * x).astype(np.longdouble), "resizes": lambda x: x.resize(1),
    "nested": {"x": {"x": 2 * x}}, "a pair": (2 * x, 2 * x), "endless": endless,
    "a generator": yielding, "a coroutine": later, "-1": -1, "0": 0, "a NumPy integer": np.int64(3),
    "1e308": np.full(3, 1e308), "a module": np,
}  # fmt: skip

PLACES = {
    "gradient": lambda v: cr.check(squares, v, x),
    "what the gradient returns": lambda v: cr.check(squares, lambda x: v, x),
    "gradients": lambda v: cr.check(product, v, x, x, wrt=(0, 1)),
    "what the gradients return": lambda v: cr.check(product, lambda a, b: v, x, x, wrt=(0, 1)),
    "one of two": lambda v: cr.check(product, lambda a, b: (v, a), x, x, wrt=("a", "b")),
    "function": lambda v: cr.check(v, lambda x: 2 * x, x),
    "what the function returns": lambda v: cr.check(lambda x: v, lambda x: 2 * x, x),
    "point": lambda v: cr.check(squares, lambda x: 2 * x, v),
    "wrt": lambda v: cr.check(squares, lambda x: 2 * x, x, wrt=v),
    "another argument": lambda v: cr.check(
        lambda x, y: np.sum(x * x) + 0 * np.sum(y), lambda x, y: 2 * x, x, v
    ),
    "check_grads' function": lambda v: cr.check_grads(v, (x,)),
    "check_grads' args": lambda v: cr.check_grads(squares, v),
    "check_grads' argument": lambda v: cr.check_grads(squares, (v,)),
    "check_grads' result": lambda v: cr.check_grads(lambda x: v, (x,)),
    "check_grads' order": lambda v: cr.check_grads(squares, (x,), order=v),
    "check_grads' modes": lambda v: cr.check_grads(squares, (x,), modes=v),
    "check_grads' rtol": lambda v: cr.check_grads(squares, (x,), rtol=v),
    "check_grads' atol": lambda v: cr.check_grads(squares, (x,), atol=v),
    "check_grads' seed": lambda v: cr.check_grads(squares, (x,), seed=v),
}


@pytest.mark.parametrize("place", PLACES)
def test_any_value_in_any_place_gives_a_report_or_a_sentence(place):
    for name, value in VALUES.items():
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                told = str(PLACES[place](value))
            except ChainruleError as error:
                told = f"REFUSED  {error}"
            except BaseException as error:
                raise AssertionError(f"{name}: {type(error).__name__}: {error}") from error
        assert told.startswith(("RIGHT", "WRONG", "REFUSED  ", "None")), name


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: cr.check(None, lambda x: x, x), ArgumentError,
         "check: the function cannot be called; got NoneType; pass a function in plain NumPy, then "
         "its gradient, then the point"),
        (lambda: cr.check(squares, lambda x: 2 * x, x, x), ArgumentError,
         "check: the function failed at the given point; got TypeError: squares() takes 1 "
         "positional argument but 2 were given; call it there by itself first"),
        (lambda: cr.check(lambda x: "word", lambda x: x, x), DtypeError,
         "check: the function's result does not hold real numbers; got dtype <U4"),
        (lambda: cr.check(squares, np.ma.masked_array(2 * x, [0, 1, 0]), x), ArgumentError,
         "check: the gradient by x has masked entries; got MaskedArray; fill them in, for instance "
         "with gradient.filled(0)"),
        (lambda: cr.check(squares, [itself], x), ArgumentError, "check: the gradient by x is not"),
        (lambda: cr.check(squares, lambda x: x, itself), ArgumentError,
         "arguments: a container holds itself, or is nested too deep"),
        (lambda: cr.check(lambda x: (x, 1.0), lambda x: x, x), ShapeError,
         "check: the function must return one array or number; got 2 results; check one result at "
         "a time"),
        (lambda: cr.check_grads(3, (x,)), ArgumentError,
         "check_grads: the function cannot be called; got int; pass a function in plain NumPy, "
         "then a tuple of its arguments"),
        (lambda: cr.check_grads(squares, x), ArgumentError,
         "check_grads: args must be a tuple or a list of the function's arguments; got ndarray; "
         "write (x,) for one argument"),
        (lambda: cr.check_grads(squares, (x * 1j,)), DtypeError,
         "check_grads: an argument does not hold real numbers; got dtype complex128"),
        (lambda: cr.check_grads(squares, (x,), order=x), ArgumentError,
         "check_grads: modes must name forward, reverse or both, and order be from 1 to 8; got "
         "modes=('forward', 'reverse'), order=ndarray"),
        (lambda: cr.check_grads(squares, (x,), rtol="1e-3"), ArgumentError,
         "check_grads: rtol must be a number that is not negative; got '1e-3'"),
        (lambda: cr.check_grads(squares, (x,), seed=-1), ArgumentError,
         "check_grads: seed must be a whole number that is not negative; got -1"),
        (lambda: cr.check_grads(np.log, (np.array([-1.0]),)), ArgumentError,
         "check_grads: the function is not finite around the given point; give a point inside the "
         "function's domain"),
        (lambda: cr.check_grads(lambda x: x.nothing, (x,)), ArgumentError,
         "check_grads: the function failed; got AttributeError: 'numpy.ndarray' object has no "
         "attribute 'nothing'; it is called with the arguments in args, near the given point"),
    ],
)  # fmt: skip
def test_what_was_wrong_is_told(call, error, said):
    with pytest.raises(error, match=f"^{re.escape(said)}"):
        call()


def test_a_long_double_is_a_number():
    assert cr.check(squares, (2 * x).astype(np.longdouble), x).ok
