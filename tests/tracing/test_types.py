"""Code that asks what it was given is answered as for the array, so that it takes its branch."""

from __future__ import annotations

import collections.abc
import contextlib
import functools
import io
import numbers
import os
import threading
import typing

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import Refusal
from chainrule.tracing.exact_types import ExactType

X = np.array([0.5, -1.2, 2.0])


@functools.singledispatch
def dispatched(value):
    return "other"


@dispatched.register
def _(value: np.ndarray):
    return "array"


@dispatched.register
def _(value: float):
    return "float"


def matched(value):
    match value:
        case np.ndarray():
            return "array"
        case np.float32():
            return "single"
        case float():
            return "float"
        case _:
            return "other"


def helper(value):
    return type(value) is np.ndarray


ATTRIBUTES = sorted(set(dir(np.ndarray)) | set(dir(np.float64)) | {"columns", "iloc", "ptp"})
ANSWERED = ("shape", "ndim", "size", "dtype", "itemsize", "nbytes", "device", "strides")

QUESTIONS = {
    "isinstance": lambda x: isinstance(x, np.ndarray),
    "of an entry": lambda x: [
        isinstance(x[0], kind)
        for kind in (float, np.floating, np.float64, np.generic, numbers.Number, numbers.Real,
                     int, np.ndarray, np.float32)
    ],
    "isscalar": lambda x: (np.isscalar(x[0]), np.isscalar(x), np.isscalar(x.sum())),
    "collections": lambda x: [
        isinstance(x, getattr(collections.abc, name))
        for name in ("Sequence", "Iterable", "Sized", "Mapping", "Callable", "Container")
    ],
    "singledispatch": lambda x: (dispatched(x), dispatched(x[0])),
    "match": lambda x: (matched(x), matched(x[0]), matched(x.sum())),
    "class": lambda x: (x.__class__ is np.ndarray, x[0].__class__ is np.float64),
    "exact": lambda x: type(x) is np.ndarray,
    "exact, of an entry": lambda x: (type(x[0]) is np.float64, type(x[0]) != float),  # noqa: E721
    "exact, of another": lambda x: (type(QUESTIONS) is dict, type(X) is np.ndarray),
    "exact, in a helper": helper,
    "exact, inside": lambda x: [type(item) in (np.float64, float) for item in x],
    "type as a class": lambda x: (isinstance(int, type), isinstance(3, type), type(int) is type),
    "a class made by it": lambda x: type("Made", (), {"a": 1}).a,
    "without axes": lambda x: [
        isinstance(item, np.ndarray)
        for item in (x[0], x[0, ...], x[:1].squeeze(), np.where(True, x[0], 0.0), x.sum(),
                     x[0].copy(), x[0, ...].copy(), x[0] * 2, x[0, ...] * 2, np.copy(x[0]))
    ],
    "strides": lambda x: (
        x.strides, x[::2].strides, x[::-1].strides, np.outer(x, x).T.strides, x[None].strides
    ),
    "flags": lambda x: (
        np.outer(x, x).flags.c_contiguous, np.outer(x, x).T.flags.c_contiguous,
        x.flags.writeable, np.broadcast_to(x, (2, 3)).flags.writeable,
    ),
    "attributes": lambda x: [getattr(x, name) for name in ANSWERED],
    "namespace": lambda x: x.__array_namespace__() is np,
    "is_integer": lambda x: [item.is_integer() for item in x],
    "imag": lambda x: (x.imag.tolist() if False else x.imag.shape, x.real is x),
    "identity": lambda x: (
        np.atleast_1d(x) is x, x.astype(float, copy=False) is x, x.conj() is x, np.real(x) is x,
        np.diff(x, n=0) is x, x.astype(float) is x, np.atleast_2d(x) is x,
    ),
}  # fmt: skip


def asked(question, x=X):
    answers = []

    def f(x):
        answers.append(question(x))
        return np.sum(x * x)

    cr.grad(f)(x)
    return answers[0]


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_answer_is_the_arrays(name):
    assert asked(QUESTIONS[name]) == QUESTIONS[name](X)


CLASSES = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in (collections.abc, numbers, contextlib, os, io)
    for name in dir(module)
    if isinstance(getattr(module, name), type)
}
PROTOCOLS = ("SupportsAbs", "SupportsBytes", "SupportsFloat", "SupportsIndex", "SupportsInt",
             "SupportsRound")  # fmt: skip
"""SupportsComplex goes by the value itself, and a traced number refuses `complex`."""


def belongs(value):
    """The abstract classes that a value belongs to, and what is asked of it instead."""
    protocols = {name: getattr(typing, name) for name in PROTOCOLS}
    known = {n: c for n, c in CLASSES.items() if not getattr(c, "_is_protocol", False)}
    classes = [n for n, c in (known | protocols).items() if isinstance(value, c)]
    return [*classes, *(name for name in ("__len__", "__contains__", "__round__", "__index__")
                        if hasattr(value, name))]  # fmt: skip


@pytest.mark.parametrize(
    "x", [1.5, np.float64(1.5), np.float32(1.5), np.array(1.5), X, np.outer(X, X)], ids=repr
)
@pytest.mark.parametrize(
    "part", [lambda x: x, lambda x: x * 2, lambda x: x[...] if np.ndim(x) else x + 1.0,
             lambda x: np.sum(x), lambda x: np.ravel(x)[0]],
)  # fmt: skip
def test_abstract_classes_are_those_of_what_it_stands_for(x, part):
    assert asked(lambda x: belongs(part(x)), x) == belongs(part(x))


@pytest.mark.parametrize("name", ["Iterable", "Sized", "Hashable", "Sequence"])
def test_classes_of_typing_that_see_the_exact_type_alone_are_refused(name):
    with pytest.raises(Refusal, match=r"write those of collections\.abc instead"):
        asked(lambda x: isinstance(x, getattr(typing, name)))
    assert isinstance(cr.jacobian(np.sin)(X), typing.Hashable)


@pytest.mark.parametrize("act", [len, lambda t: 0.5 in t, iter, lambda t: range(3)[t]])
def test_a_number_is_no_container_and_no_position(act):
    for x in (1.5, np.float64(1.5)):
        with pytest.raises((TypeError, IndexError)) as plain:
            act(x)

        def f(x, kind=plain.type):
            with pytest.raises(kind):
                act(x)
            return x * 2.0

        assert cr.grad(f)(x) == 2.0


def test_a_traced_array_is_not_rounded_as_a_number():
    def f(x):
        with pytest.raises(TypeError, match=r"'numpy\.ndarray' object has no __round__"):
            round(x)
        return np.sum(x)

    cr.grad(f)(X)


@pytest.mark.parametrize("x", [1.5, np.float64(1.5), np.float32(1.5), np.array(1.5), X], ids=repr)
def test_an_argument_is_what_was_given(x):
    def question(x):
        kinds = (float, np.floating, np.float32, np.ndarray, np.generic)
        return [isinstance(x, kind) for kind in kinds], type(x).__name__, np.isscalar(x)

    assert asked(question, x) == question(x)


@pytest.mark.parametrize("which", ["array", "entry"])
@pytest.mark.parametrize("name", ATTRIBUTES)
def test_every_attribute_is_there_or_refused_or_missing_as_in_numpy(name, which):
    if which == "entry" and hasattr(np.ndarray, name) and not hasattr(np.float64, name):
        pytest.skip("what arrays have and NumPy's numbers lack is refused when it is used")
    if name == "mT":
        pytest.skip("NumPy raises ValueError for it here")

    def question(x):
        return hasattr(x if which == "array" else x[0], name)

    try:
        answer = asked(question)
    except Refusal:
        assert question(X)
    else:
        assert answer == question(X) or name.startswith("__")


def test_type_is_pythons_own_again_afterwards():
    space = test_type_is_pythons_own_again_afterwards.__globals__
    assert asked(lambda x: "type" in globals() and helper(x))
    assert "type" not in space

    def failing(x):
        raise LookupError(type(x).__name__)

    with pytest.raises(LookupError, match="ndarray"):
        cr.grad(failing)(X)
    assert "type" not in space


def test_a_modules_own_type_stays():
    space = {"np": np, "type": lambda x: "mine"}
    exec("def f(x):\n    return np.sum(x) * (2.0 if type(x) == 'mine' else 1.0)\n", space)
    np.testing.assert_array_equal(cr.grad(space["f"])(X), [2.0, 2.0, 2.0])
    assert space["type"](1) == "mine"


def test_calls_at_the_same_time_share_the_namespace():
    gradients = []
    meeting = threading.Barrier(4)

    def f(x):
        meeting.wait()
        is_array = type(x) is np.ndarray
        meeting.wait()
        return np.sum(x * x) if is_array else np.sum(x)

    threads = [threading.Thread(target=lambda: gradients.append(cr.grad(f)(X))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(gradients, [2 * X] * 4)
    assert "type" not in globals()


def test_what_stands_for_type_is_taken_for_it():
    assert isinstance(int, ExactType)
    assert issubclass(ExactType, type)
    assert ExactType is not type


def test_no_c_code_takes_a_traced_value_for_an_array():
    def f(x):
        return np.sum(np.frombuffer(x))

    with pytest.raises((TypeError, ValueError), match=r".") as caught:
        cr.grad(f)(X)
    assert caught.value is not None


def test_random_shuffles_write_into_the_traced_array():
    def f(x, shuffle):
        y = x * 1.0
        shuffle(y)
        return np.sum(y * np.arange(3.0))

    def modern(y):
        np.random.default_rng(0).shuffle(y)

    def old(y):
        np.random.RandomState(0).shuffle(y)

    for shuffle in (modern, old):
        with pytest.warns(UserWarning, match="shuffling"):
            value, gradient = cr.value_and_grad(f)(X, shuffle=shuffle)
        assert value == f(X, shuffle)
        assert sorted(gradient.tolist()) == [0.0, 1.0, 2.0]
