"""Functions that once had a wrong Jacobian, or none: each stands for a way to go wrong."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import coo_array

import chainrule as cr
from chainrule.errors import ArgumentError, MemoryRefused
from chainrule.graph.node import constant
from chainrule.interpret.run import evaluate
from chainrule.primitives import contraction
from chainrule.primitives.elementwise import ROWS
from tests.jacobians.generated import point
from tests.jacobians.references import assert_same, columns

M = np.array([[3, 1], [1, 2]])
SMALL = np.full(30, 100, np.int8)
LOGICAL = np.array([1, 0], np.uint8)
W4, W1, W42 = point((50, 4)), point((50, 1), 1), point((50, 2), 2)
P, B, C, D = point((50, 40)), point((40, 2)), point((2, 40)), point((40, 50))
ORDERS = ("auto", "reverse", "mixed", "forward")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("f", "size"),
    [
        (lambda x: 0.5 * (M @ x), 2),
        (lambda x: M @ (0.5 * x), 2),
        (lambda x: 0.5 * (np.array([3, 1]) * x), 2),
        (lambda x: -(LOGICAL * x), 2),
        (lambda x: (x * SMALL).sum(), 30),
    ],
)
def test_whole_numbers_as_coefficients(f, size: int, order):
    """A scale of ½ in whole numbers would be 0, and sums of an int8 would run over."""
    x = point((size,))
    J = cr.jacobian(f, order=order)(x)
    assert_same(J.toarray(), columns(f, x))
    assert_same((0.5 * J).toarray(), 0.5 * columns(f, x))
    assert_same((J.T @ J).toarray(), np.tensordot(columns(f, x).T, columns(f, x), np.ndim(f(x))))


def test_the_hessian_of_a_form_in_whole_numbers():
    assert_same(cr.hessian(lambda x: 0.5 * (x @ M @ x))(np.ones(2)).toarray(), (M + M.T) / 2)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "f",
    [
        lambda v: (v[:, None] * W4).sum(1) + v,
        lambda v: v + (v[:, None] * W4).sum(1),
        lambda v: (v[:, None] * W1).sum(1) + (v[:, None] * W4).sum(1),
        lambda v: np.sin(v[:, None] * W4).sum(1) + np.sin(v[:, None] * W42).sum(1),
        lambda v: P @ (B @ (C @ (D @ v))) + (v[:, None] * W4).sum(1) + v,
    ],
)
def test_like_terms_with_a_label_yet_to_be_summed(f, order):
    """In mixed order a component waits: what is added to it meanwhile would count several times."""
    x = point((50,))
    assert_same(cr.jacobian(f, order=order)(x).toarray(), columns(f, x), "", 1e-11)


def test_a_plan_tries_its_pattern_at_another_point():
    """At the origin a product of neighbours has no entries at all."""
    wrong, right = np.eye(5, 6), np.eye(5, 6) + np.eye(5, 6, 1)

    def neighbours(v):
        return v[:-1] * v[1:]

    with pytest.raises(ArgumentError, match="lacks entries"):
        cr.jacobian(neighbours, sparsity=wrong).plan(np.zeros(6))
    plan = cr.jacobian(neighbours, sparsity=right).plan(np.zeros(6))
    x = point((6,))
    assert_same(plan(x).toarray(), columns(neighbours, x))


def test_a_small_entry_of_float32_is_missed_by_no_pattern():
    x = np.arange(1.0, 7.0, dtype=np.float32)
    with pytest.raises(ArgumentError, match="lacks entries"):
        cr.jacobian(lambda v: v[:-1] + 1e-3 * v[1:], sparsity=np.eye(5, 6))(x).toarray()


def test_patterns_of_every_form():
    A, x = point((4, 6)), point((6,))
    forms = [
        np.ones((4, 6)), [[1] * 6] * 4, coo_array(np.ones((4, 6))),
        coo_array(([1, -1, *[1] * 24], ([0, 0, *np.repeat(range(4), 6)],
                                        [0, 0, *np.tile(range(6), 4)])), shape=(4, 6)),
    ]  # fmt: skip
    for form in forms:
        assert_same(cr.jacobian(lambda x: A @ x, sparsity=form)(x).toarray(), A)
    across = coo_array(np.ones((2, 2, 6)))  # the Jacobian's own shape, with three axes
    J = cr.jacobian(lambda x: (A @ x).reshape(2, 2), sparsity=across)(x)
    assert_same(J.toarray(), A.reshape(2, 2, 6))
    assert_same(cr.jacobian(np.sum, sparsity=coo_array(np.ones(6)))(x).toarray(), np.ones(6))
    with pytest.raises(ArgumentError, match=r"one array or one sparse array; got list"):
        cr.jacobian(np.sin, sparsity=[[1, 0], [1]])


def test_a_pattern_is_read_at_once():
    pattern = np.eye(6)
    f = cr.jacobian(np.sin, sparsity=pattern)
    pattern[:] = 0
    assert_same(f(np.zeros(6)).toarray(), np.eye(6))


def test_large_tables_that_meet_stay_tables():
    """Each entry has one place; a table over pairs of them would have 168 GiB."""
    x = np.linspace(1, 2, 30_000)
    J = cr.jacobian(lambda v: (v.reshape(100, 300).T ** 2).ravel()[::2])(x)
    assert J.nbytes <= 4 * 8 * 15_000
    assert J.tosparse().nnz == 15_000


def test_a_product_that_is_too_large_is_refused():
    z = np.arange(300_000) % 50
    x = np.linspace(1, 2, 300_000)
    J = cr.jacobian(lambda v: v[z] * x)(np.ones(50))
    try:
        assert (J @ J.T).nbytes < 10**9  # kept in a structure
    except MemoryRefused as error:
        assert str(error).startswith("J1 @ J2: ")  # noqa: PT017


@pytest.mark.parametrize(
    "f",
    [
        lambda v: np.cumsum(v[np.array([0, 2, 1, 3])]), lambda v: np.cumsum(v)[::-1],
        lambda v: np.cumsum(v[::-1]), lambda v: np.cumsum(np.pad(v, 1)),
    ],
)  # fmt: skip
def test_not_every_running_sum_is_triangular(f):
    x = point((4,))
    J = cr.jacobian(f)(x)
    assert "triangular" not in J.structure
    assert_same(J.toarray(), columns(f, x))
    assert cr.jacobian(np.cumsum)(x).structure == "triangular"
    assert cr.jacobian(np.cumsum)(x)[::-1].structure == "running sums"


def test_keys_of_every_kind():
    J = cr.jacobian(lambda x: x**2)(np.arange(1000.0))
    dense = J.toarray()
    for key in (np.array([1, 2], np.int8), np.array(1), [], (slice(None), [])):
        assert_same(J[key].toarray(), dense[key])
    for key in (True, np.bool_(False)):
        with pytest.raises(ArgumentError):
            J[key]
    with pytest.raises(IndexError, match="single ellipsis"):
        J[..., ...]


def test_a_constant_on_a_diagonal_is_no_constant_array():
    """exp of the unit matrix was e everywhere, where the matrix was a diagonal of the number 1."""
    eye = contraction.relabel(constant(np.asarray(1.0)), (), (0, 0), (3, 3))
    assert contraction.repeated_scalar(eye) is None
    np.testing.assert_allclose(evaluate([ROWS["exp"](eye)])[0], np.exp(np.eye(3)), rtol=1e-15)


def test_many_running_sums_are_not_rounded_to_single_precision():
    """Whole numbers beyond 2^24: exact in float64, not in the narrow dtype of zeros and ones."""
    n = 60

    def f(x):
        for _ in range(8):
            x = np.cumsum(x)
        return x

    expected = np.linalg.matrix_power(np.tri(n), 8)
    assert expected.max() > 2**24
    for order in ORDERS:
        np.testing.assert_array_equal(cr.jacobian(f, order=order)(np.ones(n)).toarray(), expected)
