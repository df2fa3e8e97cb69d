"""Sums, multiples and compositions of Jacobians, and what does not fit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given

import chainrule as cr
from chainrule.errors import ArgumentError, ChainruleError, DtypeError, ShapeError, TracingError
from tests.jacobians.generated import Generated, functions, point, weights
from tests.jacobians.references import assert_same, columns

x = point((5,))
J35 = cr.jacobian(lambda x: x[:3] * x[1:4])(x)  # 3 by 5


@given(functions(2), functions(2))
def test_a_product_is_the_chain_rule(first: Generated, second: Generated):
    """∂g(f(x))/∂x = ∂g/∂f · ∂f/∂x, (5.53), where g first brings f's result into its own shape."""
    f = first.function

    def g(value):
        flat = np.concatenate([np.ravel(value), np.ones(second.x.size)])[: second.x.size]
        return second.function(np.reshape(flat, second.x.shape))

    value = np.asarray(f(first.x))
    outer, inner = cr.jacobian(g)(value), cr.jacobian(f)(first.x)
    product = outer @ inner
    assert isinstance(product, cr.Jacobian)
    assert_same(product.toarray(), columns(lambda x: g(f(x)), first.x))
    assert_same(product.tosparse().toarray().ravel(), product.toarray().ravel(), "tosparse")


@given(functions(3), functions(3))
def test_sums_differences_and_multiples(first: Generated, second: Generated):
    """Both functions of the first's point, the second's result cut to the first's shape."""
    f = first.function
    shape = np.shape(f(first.x))
    size = int(np.prod(shape))

    def g(x):
        flat = np.concatenate([np.ravel(x), np.ones(second.x.size)])[: second.x.size]
        made = np.ravel(second.function(np.reshape(flat, second.x.shape)))
        return np.reshape(np.concatenate([made, np.ones(size)])[:size], shape)

    A, B = cr.jacobian(f)(first.x), cr.jacobian(g)(first.x)
    a, b = columns(f, first.x), columns(g, first.x)
    for made, expected in [
        (A + B, a + b), (A - B, a - b), (A - A, 0 * a), (-A, -a), (2.5 * A, 2.5 * a),
        (A * np.float64(2.5), 2.5 * a), (A + A + 2 * B, 2 * a + 2 * b), (0.0 * A, 0 * a),
    ]:  # fmt: skip
        assert made.shape == a.shape
        assert_same(made.toarray(), expected)
        assert_same(made @ weights(first.x.shape), np.tensordot(expected, weights(first.x.shape),
                                                                first.x.ndim))  # fmt: skip


def test_like_terms_are_merged():
    D, E = cr.jacobian(np.sin)(x), cr.jacobian(np.cos)(x)
    assert (D + E).structure == (D @ E).structure == (D.T @ D).structure == "diagonal"
    assert (D + E).nbytes == (D @ E).nbytes == 8 * 5
    eye = cr.jacobian(lambda x: x + 1)(x)
    assert (eye @ D).nbytes == (D @ eye).nbytes == 8 * 5
    assert (eye @ eye).structure == "identity"
    assert (3 * eye).structure == "3 × identity"


def test_products_keep_the_structure():
    flip, D = cr.jacobian(lambda x: x[::-1])(x), cr.jacobian(np.sin)(x)
    assert (flip @ flip).toarray().tolist() == np.eye(5).tolist()
    assert (flip @ flip).nbytes == 0
    assert (flip @ D @ flip).toarray().tolist() == np.diag(np.cos(x)[::-1]).tolist()
    assert (flip @ D @ flip).nbytes <= 8 * 5
    stencil = cr.jacobian(np.diff)(x)
    assert (stencil @ D).structure == "banded, at most 2 of 5 per row"
    assert (stencil.T @ stencil).nbytes == 0


def test_matrices_on_both_sides():
    dense = columns(lambda x: x[:3] * x[1:4], x)
    M, L = weights((5, 7)), weights((2, 3))
    assert_same(J35 @ M, dense @ M)
    assert_same(L @ J35, L @ dense)
    assert_same(J35 @ [1, 2, 3, 4, 5], dense @ [1, 2, 3, 4, 5], "a list of whole numbers")
    assert_same([1, 2, 3] @ J35, [1, 2, 3] @ dense, "a list")
    assert isinstance(J35 @ M, np.ndarray)


@pytest.mark.parametrize("shape", [(), (3,), (4,), (3, 5), (1, 5), (6, 2)])
def test_a_vector_that_does_not_fit_behind(shape):
    with pytest.raises(ShapeError, match=r"^J @ v: .*got .* for \(3,\) by \(5,\)"):
        J35 @ np.ones(shape)


@pytest.mark.parametrize("shape", [(), (5,), (4,), (3, 5), (3, 1)])
def test_a_vector_that_does_not_fit_in_front(shape):
    with pytest.raises(ShapeError, match=r"^u @ J: .*got .* for \(3,\) by \(5,\)"):
        np.ones(shape) @ J35


def test_jacobians_that_do_not_fit():
    with pytest.raises(ShapeError, match=r"^J1 @ J2: .*got \(5,\) and \(3,\)"):
        J35 @ J35
    with pytest.raises(ShapeError, match=r"^J1 \+ J2: .*got \(3,\) by \(5,\) and \(5,\) by \(3,\)"):
        J35 + J35.T
    X = cr.jacobian(lambda X: X.sum(axis=0))(np.ones((3, 5)))  # (5,) by (3, 5), and below (5, 3)
    with pytest.raises(ShapeError, match=r"^J1 \+ J2: "):
        X + cr.jacobian(lambda x: np.outer(x, np.ones(3)))(x)
    with pytest.raises(ShapeError, match=r"^diagonal: .*got \(3,\) by \(5,\)"):
        J35.diagonal()
    for wrong in (lambda: J35 + 1.0, lambda: J35 * "2", lambda: J35 - np.ones((3, 5))):
        with pytest.raises(TypeError):
            wrong()


@pytest.mark.parametrize(
    "key", [[0, 2], [2, 2, -1], np.array([], int), (slice(None), [4, 0]), ([1], slice(1, 3)),
            np.array([True, False, True]), (slice(None), np.arange(5) > 2)],
    ids=str,
)  # fmt: skip
def test_arrays_of_positions_select_rows_and_columns(key):
    picked = J35[key]
    assert_same(picked.toarray(), J35.toarray()[key])
    assert picked.structure != "dense"


def test_keys_that_are_refused():
    for key in (3, (0, 5), (0, 0, 0)):
        with pytest.raises(IndexError):
            J35[key]
    for key in ([0, 3], np.array([-4]), (slice(None), [5])):
        with pytest.raises(IndexError):
            J35[key]
    for key in (None, 1.5, [[0, 1]], "x", (0, [1]), ([0], [1]), np.array([True, False])):
        with pytest.raises(ArgumentError, match=r"^Jacobian\[...\]: .*; got "):
            J35[key]
    assert_same(J35[np.int64(1), 2].toarray(), J35.toarray()[1, 2])


@pytest.mark.parametrize(
    ("f", "at", "error", "text"),
    [
        (lambda x: x * 2, np.arange(3), DtypeError, "int64"),
        (lambda x: x > 0, np.ones(3), DtypeError, "bool"),
        (lambda x: np.argsort(x), np.ones(3), DtypeError, "int64"),
        (lambda x: np.array([x[0], x[1]]), np.ones(3), TracingError, "np.stack"),
        (lambda x: float(x[0]), np.ones(3), TracingError, "float"),
        (lambda x: math.sin(x[0]), np.ones(3), TracingError, "np.sin"),
        (lambda x: np.array(x) * 2, np.ones(3), TracingError, "np.array"),
        (lambda x: "text", np.ones(3), ChainruleError, ""),
        (lambda x: None, np.ones(3), ChainruleError, ""),
    ],
)
def test_functions_without_a_jacobian(f, at, error, text):
    """One sentence that names the operation and what came."""
    with pytest.raises(error) as caught:
        cr.jacobian(f)(at).toarray()
    assert text in str(caught.value)
    assert ": " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_constant_has_the_zero_jacobian():
    """Also where the function returns a plain number: no digit of it depends on x."""
    for f in (lambda x: 1.5, lambda x: np.ones(2), lambda x: np.zeros((2, 0))):
        J = cr.jacobian(f)(np.ones(3))
        assert (J.structure, J.nbytes) == ("zero", 0)
        assert J.toarray().shape == (*np.shape(f(1.0)), 3)
        assert not J.toarray().any()
