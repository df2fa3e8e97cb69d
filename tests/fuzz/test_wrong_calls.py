"""The short form of the wrong calls: every parameter with a sample of the values."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError
from tests.fuzz import wrong_calls
from tests.fuzz.calls import CALLS
from tests.fuzz.wrong_calls import faults, outcome

MENDED = frozenset({"objects", "explain", "tables"})


def test_wrong_calls_end_in_a_result_or_an_error_of_ours():
    assert not [str(fault) for fault in faults(1500, 0, MENDED)]


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
