"""Sections 5.3 and 5.4: vector-valued functions, least squares, and gradients of matrices."""

import numpy as np
import pytest

import chainrule as cr

# Both sides are the same few float64 operations in another order: a few units in the last place.
EXACT = 1e-14

A = np.array([[2.0, -1.0, 0.5], [0.3, 4.0, -2.0]])
X = np.array([0.4, -1.2, 0.9])


def vector_function(x):
    return np.stack([x[0] * x[1], np.sin(x[2]), x[0] + x[1] * x[2], np.exp(x[0])])


def test_5_55_a_column_of_the_jacobian_is_one_partial_derivative():
    J = cr.jacobian(vector_function)(X).toarray()
    for j, direction in enumerate(np.eye(3)):
        _, column = cr.jvp(vector_function, (X,), (direction,))
        np.testing.assert_allclose(J[:, j], column, rtol=EXACT)


def test_5_56_a_row_of_the_jacobian_is_the_gradient_of_one_component():
    J = cr.jacobian(vector_function)(X).toarray()
    for i in range(4):
        row = cr.grad(lambda x, i=i: vector_function(x)[i])(X)
        np.testing.assert_allclose(J[i], row, rtol=EXACT)


def test_5_58_the_jacobian_is_outputs_by_inputs():
    x1, x2, x3 = X
    by_hand = [[x2, x1, 0], [0, 0, np.cos(x3)], [1, x3, x2], [np.exp(x1), 0, 0]]
    J = cr.jacobian(vector_function)(X)
    assert J.shape == (4, 3)
    np.testing.assert_allclose(J.toarray(), by_hand, rtol=EXACT)
    np.testing.assert_array_equal(np.asarray(J), J.toarray())


def test_5_59_a_scalar_function_has_a_row_vector():
    J = cr.jacobian(lambda x: x.sum())(X)
    assert J.shape == (3,)
    np.testing.assert_array_equal(J.toarray(), np.ones(3))


@pytest.mark.parametrize("product", [lambda x: A @ x, lambda x: np.dot(A, x), lambda x: x.dot(A.T)])
def test_5_68_the_jacobian_of_Ax_is_A(product):
    J = cr.jacobian(product)(X)
    assert J.shape == (2, 3)
    np.testing.assert_array_equal(J.toarray(), A)


class TestLeastSquares:
    """Example 5.11: L(e) = ||e||^2, e(theta) = y - Phi theta."""

    Phi = np.array([[1.0, 0.2], [1.0, -0.7], [1.0, 1.9], [1.0, 3.1]])
    y = np.array([0.5, -1.0, 2.0, 3.3])
    theta = np.array([0.3, -0.8])

    def e(self, theta):
        return self.y - self.Phi @ theta

    @staticmethod
    def L(e):
        return np.linalg.norm(e) ** 2

    def test_5_78_the_gradient_is_one_row_of_D(self):
        assert cr.jacobian(lambda theta: self.L(self.e(theta)))(self.theta).shape == (2,)

    @pytest.mark.parametrize(
        "L",
        [lambda e: np.linalg.norm(e) ** 2, lambda e: e @ e, lambda e: (e**2).sum(), np.vdot],
        ids=["norm squared", "e @ e", "sum of squares", "vdot"],
    )
    def test_5_81_dL_de_is_twice_e_transposed(self, L):
        e = self.e(self.theta)
        loss = (lambda e: L(e, e)) if L is np.vdot else L
        np.testing.assert_allclose(cr.grad(loss)(e), 2 * e, rtol=EXACT)

    def test_5_82_de_dtheta_is_minus_Phi(self):
        J = cr.jacobian(self.e)(self.theta)
        assert J.shape == (4, 2)
        np.testing.assert_array_equal(J.toarray(), -self.Phi)

    def test_5_79_and_5_80_the_chain_rule_element_by_element(self):
        dL_de = cr.grad(self.L)(self.e(self.theta))
        de_dtheta = cr.jacobian(self.e)(self.theta).toarray()
        gradient = cr.grad(lambda theta: self.L(self.e(theta)))(self.theta)
        for d in range(2):
            element = sum(dL_de[n] * de_dtheta[n, d] for n in range(4))
            np.testing.assert_allclose(gradient[d], element, rtol=EXACT)

    def test_5_83_the_gradient_in_closed_form(self):
        gradient = cr.grad(lambda theta: self.L(self.e(theta)))(self.theta)
        closed = -2 * (self.y - self.Phi @ self.theta) @ self.Phi
        np.testing.assert_allclose(gradient, closed, rtol=EXACT)

    def test_5_84_the_same_without_the_chain_rule(self):
        def L2(theta):
            return (self.y - self.Phi @ theta).T @ (self.y - self.Phi @ theta)

        closed = -2 * (self.y - self.Phi @ self.theta) @ self.Phi
        np.testing.assert_allclose(cr.grad(L2)(self.theta), closed, rtol=EXACT)
        np.testing.assert_allclose(
            cr.hessian(L2)(self.theta).toarray(), 2 * self.Phi.T @ self.Phi, rtol=EXACT
        )


class TestMatrixByVector:
    """Section 5.4: a 4x2 matrix A(x) by a 3-vector x is a 4x2x3 tensor, in either of two ways."""

    U = np.arange(12.0).reshape(4, 3) / 7
    V = np.array([[0.3, -0.2, 0.9], [1.1, 0.5, -0.4]])

    def matrix(self, x):
        return np.sin(self.U * x) @ (self.V * x).T  # 4x2

    def by_hand(self, x):
        """d/dx_k of sum_l sin(U_il x_l) V_jl x_l, which is the term l = k alone."""
        slope = np.cos(self.U * x) * self.U * x + np.sin(self.U * x)  # 4x3
        return slope[:, None, :] * self.V[None, :, :]

    def test_the_tensor_is_4x2x3(self):
        J = cr.jacobian(self.matrix)(X)
        assert J.shape == (4, 2, 3)
        np.testing.assert_allclose(J.toarray(), self.by_hand(X), rtol=EXACT, atol=EXACT)

    def test_approach_1_collates_three_4x2_matrices(self):
        slices = [cr.jvp(self.matrix, (X,), (direction,))[1] for direction in np.eye(3)]
        assert [one.shape for one in slices] == [(4, 2)] * 3
        J = cr.jacobian(self.matrix)(X).toarray()
        np.testing.assert_allclose(J, np.stack(slices, axis=-1), rtol=EXACT, atol=EXACT)

    def test_approach_2_flattens_and_reshapes(self):
        flat = cr.jacobian(lambda x: self.matrix(x).reshape(8))(X)
        assert flat.shape == (8, 3)
        J = cr.jacobian(self.matrix)(X).toarray()
        np.testing.assert_allclose(J, flat.toarray().reshape(4, 2, 3), rtol=EXACT, atol=EXACT)


def test_matrix_by_matrix_is_a_tensor_of_four_axes():
    B = np.array([[1.0, 2.0], [-0.5, 0.3], [0.1, 0.7]])
    J = cr.jacobian(lambda B: A @ B)(B)  # (2x2) x (3x2)
    assert J.shape == (2, 2, 3, 2)
    # J_ijkl = dF_ij / dB_kl = A_ik delta_jl
    np.testing.assert_array_equal(J.toarray(), np.einsum("ik,jl->ijkl", A, np.eye(2)))


class TestVectorByMatrix:
    """Example 5.12: f = Ax, with respect to A."""

    J = property(lambda self: cr.jacobian(lambda A: A @ X)(A).toarray())

    def test_5_86_the_shape_is_M_by_MxN(self):
        assert self.J.shape == (2, 2, 3)

    def test_5_87_the_gradient_stacks_one_block_for_each_output(self):
        for i in range(2):
            np.testing.assert_array_equal(self.J[i], cr.grad(lambda A, i=i: (A @ X)[i])(A))

    def test_5_89_one_entry(self):
        for i in range(2):
            for q in range(3):
                assert self.J[i, i, q] == X[q]

    def test_5_90_and_5_91_the_row_of_A_that_makes_f_i_gives_x_and_the_others_zero(self):
        for i in range(2):
            for k in range(2):
                np.testing.assert_array_equal(self.J[i, k], X if i == k else np.zeros(3))

    def test_5_92_x_transposed_stands_in_row_i(self):
        for i in range(2):
            block = np.zeros((2, 3))
            block[i] = X
            np.testing.assert_array_equal(self.J[i], block)

    def test_5_92_for_a_batch_of_examples(self):
        Xs = np.stack([X, -2 * X, X**2])
        tensors = cr.vmap(lambda x: cr.jacobian(lambda A: A @ x)(A).toarray())(Xs)
        np.testing.assert_array_equal(tensors, np.einsum("ik,rq->rikq", np.eye(2), Xs))
