"""Orders K and A, and whether a result is a view, go by the order of the array in memory."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import Refusal
from tests.laws.problems import close

SHAPES = [(4,), (2, 3), (2, 3, 2)]


def laid_out(shape):
    """Arrays of one shape in all the orders that memory may have, with gaps, and reversed."""
    given = np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape) / 4
    for axes in itertools.permutations(range(len(shape))):
        back = np.argsort(axes)
        yield given.transpose(axes).copy().transpose(back)
        spaced = np.zeros([2 * shape[axis] for axis in axes])[(slice(None, None, 2),) * len(shape)]
        spaced[...] = given.transpose(axes)
        yield spaced.transpose(back)
    yield given[::-1]


PRODUCERS = {
    "the argument": lambda x: x,
    "its transpose": lambda x: x.T,
    "elementwise": lambda x: np.sin(x),
    "of the transpose": lambda x: x.T * 2,
    "copied": lambda x: x.T.copy(),
    "copied as it is": lambda x: np.copy(x.T),
    "in Fortran's order": lambda x: x.copy(order="F"),
    "cast in that order": lambda x: x.astype(np.float32, order="F").astype(float),
    "a slice": lambda x: x[::-1],
    "every second": lambda x: x[..., ::2],
    "gathered": lambda x: x[..., [0, 1]],
    "taken": lambda x: np.take(x, [0, 1], axis=-1),
    "joined": lambda x: np.concatenate([x.T, x.T]),
    "summed": lambda x: x.T[None].sum(axis=0),
    "sorted": lambda x: np.sort(x.T, axis=0),
    "like": lambda x: np.zeros_like(x.T, order="F") + x.T,
    "where": lambda x: np.where(x.T > 0, x.T, 0.0),
    "a product": lambda x: np.outer(x, x),
    "by einsum": lambda x: np.einsum("i...,j->j...i", x, np.ones(2)),
    "with a constant": lambda x: x + np.asfortranarray(np.ones(x.shape)),
}
READERS = {
    **{f"ravel {order}": (lambda y, order=order: y.ravel(order)) for order in "CFKA"},
    **{f"flatten {order}": (lambda y, order=order: y.flatten(order)) for order in "CFKA"},
    **{
        f"reshape {order}": (lambda y, order=order: np.reshape(y, (-1, 1), order))
        for order in "CFA"
    },
}
WRITERS = {
    "ravel": lambda y: y.ravel(),
    "ravel K": lambda y: y.ravel("K"),
    "ravel F": lambda y: y.ravel("F"),
    "reshape": lambda y: y.reshape(-1),
    "reshaped transpose": lambda y: y.T.reshape(-1),
    "squeezed": lambda y: y.squeeze(),
    "diagonal": lambda y: np.einsum("ii->i", y[:2, :2]) if y.ndim == 2 else y,
    "atleast_2d": lambda y: np.atleast_2d(y),
    "moved": lambda y: np.moveaxis(y, 0, -1),
    "rotated": lambda y: np.rot90(y) if y.ndim > 1 else y,
}


def right_or_refused(f, x):
    """Whether it is answered; then the value is NumPy's."""
    given = x.copy()
    try:
        value, _ = cr.vjp(f, x)
    except Refusal:
        return False
    try:
        np.testing.assert_array_equal(value, f(x))
    finally:
        x[...] = given  # f may write into it
    return True


@pytest.mark.parametrize("producer", PRODUCERS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_order_is_numpys_or_refused(producer, shape):
    for x in laid_out(shape):
        for read in READERS.values():
            right_or_refused(lambda x, read=read: read(PRODUCERS[producer](x)), x)


@pytest.mark.parametrize("producer", PRODUCERS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_writing_is_numpys_or_refused(producer, shape):
    for x in laid_out(shape):
        for view in WRITERS.values():

            def through(x, view=view):
                y = PRODUCERS[producer](x)
                part = view(y)
                part[0] = 7.5
                return y * 1.0

            def behind(x, view=view):
                y = PRODUCERS[producer](x)
                part = view(y)
                y[0] = 7.5
                return part * 1.0

            for f in (through, behind):
                right_or_refused(f, x)


@pytest.mark.parametrize("order", "CFKA")
def test_what_is_certain_is_answered(order):
    x = np.arange(6.0).reshape(2, 3)
    assert right_or_refused(lambda x: x.ravel(order), x)
    assert right_or_refused(lambda x: x.T.ravel(order), x)
    assert right_or_refused(lambda x: (x @ x.T).flatten(order), x)
    J = cr.jacobian(lambda x: x.T.ravel(order))(x)
    close(J.toarray().reshape(6, 6), np.eye(6)[np.arange(6).reshape(2, 3).T.ravel(order)])


def test_a_program_for_arrays_yet_to_come_does_not_go_by_the_order_of_the_first():
    x = np.arange(6.0).reshape(2, 3)
    for f in (lambda x: x.ravel("K"), lambda x: (x * 2).flatten("A")):
        g = cr.compile(f)
        try:
            g(x)
        except Refusal:
            continue
        turned = np.asfortranarray(x)
        np.testing.assert_array_equal(g(turned), f(turned))
