"""The short form of the wrong calls: every parameter with a sample of the values."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError
from tests.fuzz import wrong_calls
from tests.fuzz.calls import CALLS
from tests.fuzz.wrong_calls import faults, outcome


def test_wrong_calls_end_in_a_result_or_an_error_of_ours():
    assert not [str(fault) for fault in faults(2000, 0)]


def test_calls_that_write_leave_nothing_where_they_are_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(wrong_calls, "drawn", lambda *_: [("save", {"path": "text"})])
    assert not faults(1, 0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", CALLS)
def test_the_right_calls_are_right(name):
    how, error, _ = outcome(CALLS[name], {})
    assert how == "result", error


def test_every_public_function_is_called():
    called = {name.split(".")[0].split(" ")[0].removesuffix("'s") for name in CALLS}
    known = {"Jacobian", "Graph", "Derivation", "CheckReport", "FitResult", "Compiled"}
    assert set(cr.__all__) - called - known == {"__version__", "get_threads"}


# -- what some of them say ------------------------------------------------------------------------

X = np.array([[0.5, -1.0], [2.0, 0.25]])


@pytest.mark.parametrize(
    ("call", "kinds", "text"),
    [
        (
            lambda: cr.grad(3.0),
            (TypeError, ValueError),
            "grad: the first argument must be a function; got 3.0; "
            "pass the function itself, as in cr.grad(f, ...), not its result",
        ),
        (
            lambda: cr.grad(np.sum, wrt=True),
            (TypeError, ValueError),
            "grad: wrt must be a position, a name, or a tuple of them; got True",
        ),
        (
            lambda: cr.softmax(X, axis="1"),
            (TypeError,),
            "softmax: an axis must be a whole number; got '1'",
        ),
        (
            lambda: cr.grad(lambda x: np.sum(np.tile(x, [[1], [1.0, 2]])))(X),
            (TypeError,),
            "np.tile: NumPy takes no such arguments: 'list' object cannot be interpreted as an "
            "integer; got [[1], [1.0, 2]]; see help(np.tile)",
        ),
        (
            lambda: cr.grad(lambda x: np.sum(np.var(x, ddof=[1, 2])))(X),
            (ValueError,),
            "np.var: NumPy takes no such arguments: The truth value of an array with more than "
            "one element is ambiguous. Use a.any() or a.all(); got ddof=[1, 2]; see help(np.var)",
        ),
        (
            lambda: cr.grad(lambda x: np.sum(x.take("first")))(X),
            (ValueError,),
            "np.take: NumPy takes no such arguments: invalid literal for int() with base 10: "
            "'first'; got 'first'; see help(np.take)",
        ),
        (
            lambda: cr.grad(lambda x: np.sum(np.diff(x, n=2**40)))(X),
            (NotImplementedError,),
            "diff: of an axis of size 2, nothing is left; got n=1099511627776; give n below the "
            "size of the axis",
        ),
        (
            lambda: cr.grad(lambda x: np.sum(np.add.reduce(x, axis=[0])))(X),
            (TypeError,),
            "np.add.reduce: NumPy takes no such arguments: 'list' object cannot be interpreted "
            "as an integer; got axis=[0]; see help(np.add.reduce)",
        ),
        (
            lambda: cr.grad(lambda x: x.sum() + np.sum(np.zeros_like(x, shape=2**62)))(X),
            (ValueError,),
            "np.zeros_like: no array is so large; got a result of shape (4611686018427387904,)",
        ),
        (
            lambda: cr.grad(lambda x: np.sum(x[True]))(X),
            (NotImplementedError,),
            "x[...]: a single truth value as an index is not supported on traced values; got "
            "True; write np.where(condition, x, y), or if condition:",
        ),
        (
            lambda: cr.set_threads(True),
            (TypeError,),
            "set_threads: the number of threads must be a whole number; got True; 1 to 64",
        ),
        (
            lambda: cr.softmax(X, axis=True),
            (TypeError,),
            "softmax: an axis must be a whole number; got True",
        ),
        (
            lambda: cr.grad(lambda x: np.sum(np.sum(x, axis=X)))(X),
            (TypeError,),
            "sum: an axis must be a whole number; got ndarray of shape (2, 2) and dtype float64",
        ),
        (
            lambda: cr.softmax(X, axis=2),
            (np.exceptions.AxisError, IndexError, ValueError),
            "softmax: axis 2 does not exist; got an array with 2 axes; give an axis from -2 to 1",
        ),
        (
            lambda: cr.jacobian(np.sin, order=X),
            (TypeError,),
            "jacobian: the order must be 'auto', 'reverse', 'mixed' or 'forward'; "
            "got ndarray of shape (2, 2) and dtype float64",
        ),
        (
            lambda: cr.compile(np.sin, when="later"),
            (ValueError,),
            "compile: when must be 'first call' or 'auto'; got 'later'",
        ),
        (
            lambda: cr.logsumexp(X, keepdims=X),
            (TypeError,),
            "logsumexp: keepdims must be True or False; got ndarray of shape (2, 2) and "
            "dtype float64",
        ),
        (
            lambda: cr.jacobian(np.sin)(X[0]) + 1,
            (TypeError,),
            "J1 + J2: only Jacobians can be added to a Jacobian; got 1; write J.toarray() + array",
        ),
        (
            lambda: cr.jacobian(np.sin)(X[0]) * X,
            (TypeError,),
            "number * J: a Jacobian is multiplied by a real number here; got ndarray of shape "
            "(2, 2) and dtype float64; write J @ v and u @ J for products with arrays, and "
            "J.toarray() * array",
        ),
        (
            lambda: cr.jacobian(np.sin)(X[0])[5],
            (IndexError,),
            "Jacobian[...]: index 5 is out of bounds for axis 0 of size 2",
        ),
        (
            lambda: cr.jacobian(np.sin)(X[0]) @ (X[0] * 1j),
            (TypeError,),
            "J @ v: what a Jacobian is multiplied by holds complex numbers; got ndarray of dtype "
            "complex128; pass real arrays or numbers by position and everything else by keyword",
        ),
        (
            lambda: cr.vmap(np.sin, in_axes={"a": 0})(X),
            (ValueError,),
            "vmap: an entry of in_axes must be one value, or a container that matches the "
            "argument's; got {'a': 0} for ndarray of shape (2, 2) and dtype float64",
        ),
    ],
)
def test_texts(call, kinds, text):
    with pytest.raises(ChainruleError) as caught:
        call()
    assert str(caught.value) == text
    assert all(isinstance(caught.value, kind) for kind in kinds)


def test_a_mask_is_never_dropped_without_a_word():
    masked = np.ma.masked_array([1.0, 2.0], [False, True])
    with pytest.raises(TypeError, match="MaskedArray"):
        cr.vmap(np.multiply, in_axes=(None, 0))(masked, X)
