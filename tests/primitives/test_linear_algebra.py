"""Inverses, systems without an inverse, powers of matrices, and what is refused."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import ChainruleError, SingularError


@given(seed=st.integers(0, 10**6))
def test_an_inverse_and_its_derivative_to_forty_digits(seed):
    rng = np.random.default_rng(seed)
    A, E = rng.standard_normal((2, 3, 3))
    A += 3 * np.eye(3)
    value, tangent = cr.jvp(np.linalg.inv, (A,), (E,))
    with mpmath.workdps(40):
        exact = mpmath.matrix(A.tolist()) ** -1
        slope = -exact * mpmath.matrix(E.tolist()) * exact
        # condition numbers up to some hundreds, squared in the slope
        np.testing.assert_allclose(value, np.array(exact.tolist(), float), rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(tangent, np.array(slope.tolist(), float), rtol=1e-9, atol=1e-10)


def primitives_of(f, *args):
    return [node.primitive.name for node in cr.trace(f, *args).nodes]


A = np.array([[4.0, 1.0, 0.0], [2.0, 5.0, 1.0], [0.0, 1.0, 3.0]])
B = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


@pytest.mark.parametrize("b", [B[:, 0], B])
@pytest.mark.parametrize("wrt", [0, 1, (0, 1)])
def test_the_gradient_of_a_system_solves_systems_and_forms_no_inverse(b, wrt):
    g = cr.grad(lambda A, b: np.sum(np.sin(np.linalg.solve(A, b))), wrt)
    names = primitives_of(g, A, b)
    assert names.count("solve") == 2  # the system, and the one with the transposed matrix
    assert "inv" not in names


def test_pushing_forward_solves_for_as_few_sides_as_there_are():
    names = cr.trace(lambda A, E: cr.jvp(lambda A: np.linalg.solve(A, B), (A,), (E,))[1], A, A)
    solves = [node for node in names.nodes if node.primitive.name == "solve"]
    assert [node.shape for node in solves] == [(3, 2), (3, 2)]


def test_one_matrix_and_mapped_sides_are_one_factorisation():
    sides = np.arange(12.0).reshape(4, 3)
    f = cr.vmap(np.linalg.solve, in_axes=(None, 0))
    (solved,) = [n for n in cr.trace(f, A, sides).nodes if n.primitive.name == "solve"]
    assert solved.inputs[0].shape == (3, 3)
    # two LAPACK calls with other blocks of columns: a few roundings
    np.testing.assert_allclose(f(A, sides), np.linalg.solve(A, sides.T).T, rtol=1e-13)


@pytest.mark.parametrize("b", [B[:, 0], B])
def test_a_system_agrees_with_the_inverse(b):
    solving = lambda A, b: np.sum(np.sin(np.linalg.solve(A, b)))  # noqa: E731
    inverting = lambda A, b: np.sum(np.sin(np.linalg.inv(A) @ b))  # noqa: E731
    for wrt in (0, 1):
        # condition number 4: a few roundings
        np.testing.assert_allclose(
            cr.grad(solving, wrt)(A, b), cr.grad(inverting, wrt)(A, b), rtol=1e-12, atol=1e-14
        )
        np.testing.assert_allclose(
            cr.hessian(solving, wrt)(A, b).toarray(),
            cr.hessian(inverting, wrt)(A, b).toarray(),
            rtol=1e-11,
            atol=1e-13,
        )


def test_the_jacobian_of_an_inverse_keeps_its_two_factors():
    J = cr.jacobian(np.linalg.inv)(A)
    inverse = np.linalg.inv(A)
    assert J.shape == (3, 3, 3, 3)
    assert J.nbytes <= 2 * inverse.nbytes
    wanted = -np.einsum("ik,lj->ijkl", inverse, inverse)
    np.testing.assert_allclose(J.toarray(), wanted, rtol=1e-14)
    E = np.arange(9.0).reshape(3, 3)
    np.testing.assert_allclose(J @ E, -inverse @ E @ inverse, rtol=1e-13)


SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])


@pytest.mark.parametrize(
    ("f", "said"),
    [
        (lambda A: np.sum(np.linalg.inv(A)), "np.linalg.inv: the matrix is singular"),
        (lambda A: np.linalg.solve(A, np.ones(2))[0], "np.linalg.solve: the matrix is singular"),
        (lambda A: np.linalg.slogdet(A)[1], "derivative of np.linalg.slogdet: the matrix is sing"),
        (lambda A: np.linalg.matrix_power(A, -1)[0, 0], "np.linalg.inv: the matrix is singular"),
    ],
)
def test_singular_matrices_are_refused_with_their_rank(f, said):
    with pytest.raises(SingularError, match=said + r".*; got a 2×2 matrix of rank 1; add"):
        cr.grad(f)(SINGULAR)
    with pytest.raises(np.linalg.LinAlgError):  # code that catches NumPy's error still does
        cr.grad(f)(SINGULAR)


@pytest.mark.parametrize(
    ("matrix", "right"),
    [((0, 0), (0,)), ((0, 0), (0, 2)), ((2, 2), (2, 0)), ((2, 2), (3, 2, 0)), ((0, 2, 2), (2,))],
)
def test_empty_systems(matrix, right):
    A, b = np.broadcast_to(np.eye(matrix[-1]), matrix), np.ones(right)
    value, pullback = cr.vjp(np.linalg.solve, A, b)
    assert value.shape == np.linalg.solve(A, b).shape
    assert [part.shape for part in pullback(value)] == [matrix, right]


def test_a_zero_stays_zero_beside_an_infinite_inverse():
    # not promised inside matrix products, such as the derivative of inv itself
    tiny = np.stack([np.eye(2), 1e-310 * np.eye(2)])
    f = lambda A: np.sum(np.where([True, False], np.linalg.slogdet(A)[1], 0))  # noqa: E731
    np.testing.assert_array_equal(cr.grad(f)(tiny), np.stack([np.eye(2), np.zeros((2, 2))]))


def test_a_singular_matrix_with_a_nan_is_described_too():
    with pytest.raises(SingularError, match="got a 2×2 matrix with nan or inf"):
        cr.grad(lambda A: np.sum(np.linalg.inv(A)))(np.array([[np.nan, 0], [0, 0]]))


def test_a_singular_matrix_of_a_stack():
    stack = np.stack([np.eye(2), SINGULAR])
    with pytest.raises(SingularError, match=r"a stack of shape \(2, 2, 2\) with at least one"):
        cr.grad(lambda A: np.sum(np.linalg.inv(A)))(stack)


@pytest.mark.parametrize(
    ("f", "x", "said"),
    [
        (np.linalg.inv, B, r"np.linalg.inv: a square matrix is needed.*got \(3, 2\)"),
        (np.linalg.det, B[0], r"np.linalg.det: a square matrix is needed.*got \(2,\)"),
        (np.linalg.slogdet, B, r"np.linalg.slogdet: a square matrix is needed"),
        (lambda x: np.linalg.solve(x, B), B, "np.linalg.solve: a square matrix"),
        (lambda x: np.linalg.solve(x, B[:2]), A, r"must have 3 rows.*got \(3, 3\) and \(2, 2\)"),
        (lambda x: np.linalg.solve(x, np.float64(3.0)), A, "must have 3 rows"),
        (lambda x: np.linalg.matrix_power(x, 0.5), A, "exponent must be a whole number; got 0.5"),
        (lambda x: np.linalg.matrix_power(x, 2), B, "matrix_power: a square matrix is needed"),
        (lambda x: np.linalg.multi_dot([x]), A, "multi_dot: two matrices or more are needed"),
        (lambda x: np.linalg.multi_dot([x, x, B[:2]]), A, "inner sizes differ at factor 3"),
        (
            lambda x: np.linalg.inv(x.astype(np.float16)),
            A,
            "no such function of this dtype; got float16",
        ),
    ],
)
def test_what_does_not_fit_is_named(f, x, said):
    with pytest.raises(ChainruleError, match=said):
        cr.jvp(f, (x,), (x,))


@pytest.mark.parametrize("power", [0, 1, 2, 5, -1, -3])
def test_powers_of_a_matrix_are_numpys(power):
    value, _ = cr.vjp(lambda A: np.linalg.matrix_power(A, power), A)
    np.testing.assert_allclose(value, np.linalg.matrix_power(A, power), rtol=1e-13, atol=1e-16)


def test_whole_numbers_as_numpy_has_them():
    f = lambda x: np.linalg.solve(np.array([[2, 0], [0, 4]]), x)  # noqa: E731
    np.testing.assert_array_equal(cr.jacobian(f)(np.ones(2)).toarray(), [[0.5, 0], [0, 0.25]])


def test_a_chain_of_products_is_multiplied_in_the_cheapest_order():
    big, thin = np.ones((40, 40)), np.ones((40, 1))
    graph = cr.trace(lambda a, b, c: np.linalg.multi_dot([a, b, c]), big, big, thin)
    (node,) = [node for node in graph.nodes if node.primitive.name == "contract"]
    assert node.primitive.operations(node) < 40**3  # (a b) c alone has 40³ multiplications
