"""Section 5.4: the Jacobian of a matrix, by collating partial derivatives and by flattening."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr

# The same few float64 operations in another order: a few units in the last place.
EXACT = 1e-14

x = np.array([0.4, -1.2, 0.9])
A = np.array([[2.0, -1.0, 0.5], [0.3, 4.0, -2.0]])


def matrix_of(x):
    """A(x), 4×2, of the three entries of x, as in the figure of section 5.4."""
    return np.stack(
        [
            np.stack([x[0] * x[1], np.sin(x[2])]),
            np.stack([x[0] + x[1] * x[2], np.exp(x[0])]),
            np.stack([x[1] ** 2, x[2] ** 3]),
            np.stack([x.sum(), x[0] * x[1] * x[2]]),
        ]
    )


def collated(f, x):
    """Approach 1: ∂A/∂x1, ∂A/∂x2, ∂A/∂x3, each a 4×2 matrix, side by side in a 4×2×3 tensor."""
    partials = [cr.jvp(f, (x,), (direction,))[1] for direction in np.eye(x.size)]
    return np.stack(partials, axis=-1)


def flattened(f, x):
    """Approach 2: the Jacobian 8×3 of the flattened matrix, reshaped into the tensor."""
    J = cr.jacobian(lambda x: f(x).reshape(-1))(x)
    assert J.shape == (np.size(f(x)), x.size)
    return J.toarray().reshape(*np.shape(f(x)), x.size)


def test_both_approaches_give_the_tensor():
    J = cr.jacobian(matrix_of)(x)
    assert J.shape == (4, 2, 3)
    np.testing.assert_allclose(collated(matrix_of, x), J.toarray(), rtol=EXACT)
    np.testing.assert_allclose(flattened(matrix_of, x), J.toarray(), rtol=EXACT)
    by_hand = [
        [[x[1], x[0], 0], [0, 0, np.cos(x[2])]],
        [[1, x[2], x[1]], [np.exp(x[0]), 0, 0]],
        [[0, 2 * x[1], 0], [0, 0, 3 * x[2] ** 2]],
        [[1, 1, 1], [x[1] * x[2], x[0] * x[2], x[0] * x[1]]],
    ]
    np.testing.assert_allclose(J.toarray(), by_hand, rtol=EXACT)


def test_tosparse_is_the_second_approach():
    """Rows and columns are flattened in row-major order."""
    sparse = cr.jacobian(matrix_of)(x).tosparse()
    assert sparse.shape == (8, 3)
    np.testing.assert_allclose(sparse.toarray(), flattened(matrix_of, x).reshape(8, 3), rtol=EXACT)


def test_a_slice_of_the_tensor_is_one_partial_derivative():
    J = cr.jacobian(matrix_of)(x)
    for k, direction in enumerate(np.eye(3)):
        np.testing.assert_allclose(
            J[:, :, k].toarray(), cr.jvp(matrix_of, (x,), (direction,))[1], rtol=EXACT
        )
    np.testing.assert_allclose(
        J[3, 1].toarray(), cr.grad(lambda x: matrix_of(x)[3, 1])(x), rtol=EXACT
    )


class TestExample512:
    """f = Ax by A: M × (M × N), xᵀ in row i of ∂f_i/∂A and zeros elsewhere."""

    J = cr.jacobian(lambda A: A @ x)(A)

    def test_5_86_its_dimension(self):
        assert self.J.shape == (2, 2, 3)

    def test_5_89_to_5_91_partial_derivatives(self):
        tensor = self.J.toarray()
        for i in range(2):
            for k in range(2):
                np.testing.assert_array_equal(tensor[i, k], x if i == k else np.zeros(3))

    def test_5_92_is_a_delta_times_x(self):
        assert self.J.structure == "I ⊗ A: 2 equal blocks of 1×3"
        assert self.J.nbytes == x.nbytes
        np.testing.assert_array_equal(self.J.toarray(), np.einsum("ik,q->ikq", np.eye(2), x))
        np.testing.assert_array_equal(self.J.tosparse().toarray(), np.kron(np.eye(2), x))

    def test_flattening_agrees(self):
        by_vec = cr.jacobian(lambda a: a.reshape(2, 3) @ x)(A.reshape(-1))
        np.testing.assert_array_equal(by_vec.toarray(), self.J.toarray().reshape(2, 6))


@pytest.mark.parametrize(
    "f",
    [lambda R: R.T @ R, lambda R: R @ R.T, lambda R: np.exp(R) @ np.ones((3, 2))],
    ids=["RᵀR", "RRᵀ", "exp(R)B"],
)
def test_matrices_by_matrices_both_ways(f):
    """(m×n)×(p×q), J_ijkl = ∂K_ij/∂R_kl."""
    J = cr.jacobian(f)(A)
    assert J.shape == (*np.shape(f(A)), 2, 3)
    both = np.zeros(J.shape)
    for k, q in np.ndindex(2, 3):
        direction = np.zeros((2, 3))
        direction[k, q] = 1
        both[:, :, k, q] = cr.jvp(f, (A,), (direction,))[1]
    np.testing.assert_allclose(J.toarray(), both, rtol=EXACT, atol=EXACT)
    flat = cr.jacobian(lambda r: f(r.reshape(2, 3)).reshape(-1))(A.reshape(-1))
    np.testing.assert_allclose(flat.toarray().reshape(J.shape), both, rtol=EXACT, atol=EXACT)


def test_the_gram_matrix_by_hand():
    """K = RᵀR: ∂K_pq/∂R_ij is R_iq for j = p ≠ q, R_ip for j = q ≠ p, 2R_iq for j = p = q."""
    J = cr.jacobian(lambda R: R.T @ R)(A).toarray()
    for p, q, i, j in np.ndindex(3, 3, 2, 3):
        np.testing.assert_allclose(
            J[p, q, i, j], A[i, q] * (j == p) + A[i, p] * (j == q), rtol=EXACT
        )
