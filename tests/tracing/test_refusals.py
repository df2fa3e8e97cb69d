"""A refusal that the user's code catches still ends the call; NumPy's own errors are the user's."""

from __future__ import annotations

import copy
import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError, Refusal

X = np.array([0.5, -1.2, 2.0])

REFUSED = {
    "float": lambda x: float(x[0]),
    "item": lambda x: x.sum().item(),
    "tolist": lambda x: x.tolist(),
    "complex": lambda x: complex(x[0]),
    "math": lambda x: math.sin(x[0]),
    "a plain array": lambda x: np.array([x[0], x[1]]),
    "asarray": lambda x: np.asarray(x),
    "storing in a plain array": lambda x: np.zeros(2).__setitem__(0, x[0]),
    "out": lambda x: np.add(x, 1.0, out=np.zeros(3)),
    "a function without a rule": lambda x: np.unwrap(x),
    "a keyword": lambda x: np.sum(x, where=x > 0, initial=0.0),
    "a method of a ufunc": lambda x: np.multiply.reduceat(x, [0, 1]),
    "complex numbers": lambda x: x * 1j,
    "pickle": lambda x: pickle.dumps(x),
    "the buffer": lambda x: x.data,
    "bytes": lambda x: x.tobytes(),
    "the address": lambda x: x.ctypes,
    "the interface": lambda x: x.__array_interface__,
    "a dictionary's key": lambda x: {x[0]: 1},
    "lru_cache": lambda x: lru_cache(lambda t: t * 2)(x[0]),
}


def swallowing(act):
    """Code that goes on where the library refuses, as no plain array would make it do."""

    def f(x):
        try:
            act(x)
            s = 1.0
        except Exception:
            s = 0.0
        return np.sum(x * x) * s

    return f


TRANSFORMATIONS = {
    "grad": lambda f: cr.grad(f)(X),
    "jvp": lambda f: cr.jvp(f, (X,), (X,)),
    "vjp": lambda f: cr.vjp(f, X),
    "jacobian": lambda f: cr.jacobian(f)(X),
    "hessian": lambda f: cr.hessian(f)(X),
    "vmap": lambda f: cr.vmap(f)(np.stack([X, X])),
    "compile": lambda f: cr.compile(f)(X),
    "trace": lambda f: cr.trace(f, X),
    "derive": lambda f: cr.derive(f)(X),
    "grad of grad": lambda f: cr.grad(lambda x: cr.grad(f)(x).sum())(X),
}


@pytest.mark.parametrize("act", REFUSED)
def test_every_refusal_comes_out_of_code_that_swallows_it(act):
    with pytest.raises(Refusal):
        cr.grad(lambda x: np.sum(REFUSED[act](x)))(X)
    with pytest.raises(Refusal):
        cr.grad(swallowing(REFUSED[act]))(X)


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_of_every_transformation(name):
    with pytest.raises(Refusal, match="float: "):
        TRANSFORMATIONS[name](swallowing(REFUSED["float"]))


RAISED_BY_NUMPY_TOO = {
    "the truth of many": lambda x: bool(x),
    "float of many": lambda x: float(x),
    "int of many": lambda x: int(x),
    "shapes": lambda x: x + np.ones(4),
    "an index out of range": lambda x: x[3],
    "too many indices": lambda x: x[0, 0],
    "no such attribute": lambda x: x.columns,
    "len of a number": lambda x: len(x[0]),
    "iterating over a number": lambda x: list(x[0]),
    "an index that is no number": lambda x: x["a"],
    "hash of an array": lambda x: hash(x),
    "reshape": lambda x: x.reshape(2, 2),
    "matmul": lambda x: np.ones((2, 2)) @ x,
    "einsum": lambda x: np.einsum("ij->i", x),
    "an axis too many": lambda x: x.sum(axis=1),
    "a read-only view": lambda x: np.broadcast_to(x, (2, 3)).__setitem__(0, 1.0),
    "values that do not fit": lambda x: (x * 1).__setitem__(slice(0, 2), x),
}


@pytest.mark.parametrize("name", RAISED_BY_NUMPY_TOO)
@pytest.mark.parametrize("way", ["grad", "vmap"])
def test_what_numpy_raises_too_is_the_users_to_catch(name, way):
    act = RAISED_BY_NUMPY_TOO[name]
    with pytest.raises(Exception, match=r".") as plain:
        act(X)

    def f(x):
        try:
            act(x)
        except type(plain.value):
            return np.sum(x * x)
        return np.sum(x)

    if way == "grad":
        np.testing.assert_array_equal(cr.grad(f)(X), 2 * X)
    else:
        np.testing.assert_allclose(cr.vmap(f)(np.stack([X, X])), [np.sum(X * X)] * 2, rtol=1e-15)


def test_a_refusal_in_a_thread_of_the_users_is_noticed():
    def f(x):
        with ThreadPoolExecutor(1) as pool:
            failed = pool.submit(lambda: float(x[0])).exception()
        return np.sum(x * x) * (0.0 if failed else 1.0)

    with pytest.raises(Refusal, match="float: "):
        cr.grad(f)(X)


def test_a_refusal_of_an_inner_call_ends_the_outer_one_too():
    def f(x):
        try:
            return cr.grad(lambda y: y * float(x[0]))(x[1])
        except TypeError:
            return np.sum(x)

    with pytest.raises(Refusal, match="float: "):
        cr.grad(f)(X)


def test_the_next_call_knows_nothing_of_it():
    with pytest.raises(Refusal):
        cr.grad(swallowing(REFUSED["float"]))(X)
    np.testing.assert_array_equal(cr.grad(lambda x: np.sum(x * x))(X), 2 * X)


def test_an_error_of_the_users_own_goes_first():
    def f(x):
        try:
            return float(x[0])
        except TypeError:
            raise LookupError("mine") from None

    with pytest.raises(LookupError, match="mine"):
        cr.grad(f)(X)


def test_copies_are_traced():
    def f(x):
        y, z = copy.copy(x), copy.deepcopy({"a": x})["a"]
        y[0] = 0.0
        z[1] = 0.0
        return np.sum(x * y * z)

    np.testing.assert_array_equal(cr.grad(f)(X), [0.0, 0.0, 3 * X[2] ** 2])


def test_refusals_are_errors_of_ours():
    assert issubclass(Refusal, ChainruleError)
