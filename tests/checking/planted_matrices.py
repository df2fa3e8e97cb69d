"""Mistakes with factors, matrices and arguments: what was multiplied with what, and by what."""

from __future__ import annotations

import numpy as np

import chainrule as cr
from tests.checking.planted import normal, planted, sigma, slope

# -- factors: the simplest number that it can be --------------------------------------------------


def penalised(theta, Phi, y, lam):
    e = Phi @ theta - y
    return 0.5 * e @ e + lam * theta @ theta


def penalised_with(factor):
    def gradient(theta, Phi, y, lam):
        return Phi.T @ (Phi @ theta - y) + 2 * lam * factor * theta

    return gradient


for rows, columns, factor, words in (
    (6, 3, 3.0, ["3 times"]),
    (6, 4, 3.0, ["3 times"]),
    (8, 3, 4.0, ["4 times"]),
    (10, 2, 5.0, ["5 times"]),
    (6, 4, 1 / 3, ["1/3 times"]),
    (7, 4, 3.0, ["3 times"]),
    (12, 5, 6.0, ["6 times"]),
):
    wrong = penalised_with(factor)
    wrong.__name__ = f"penalty_times_{factor:.3g}_with_{rows}_rows"
    case = (normal(columns), normal(rows, columns), normal(rows), 0.3)
    planted(penalised, case, ("constant factor", "sum against mean"), ["lam", *words])(wrong)


@planted(penalised, (normal(3), normal(6, 3), normal(6), 0.3), "sum against mean", ["6", "lam"])
def penalty_times_the_number_of_rows(theta, Phi, y, lam):
    return Phi.T @ (Phi @ theta - y) + 2 * 6 * lam * theta


def squares(theta, Phi, y):
    e = Phi @ theta - y
    return e @ e


@planted(squares, (normal(4), normal(6, 4), normal(6)), "constant factor", ["3 times"])
def squares_times_3(theta, Phi, y):
    return 6 * Phi.T @ (Phi @ theta - y)


# -- the gradient by another argument -------------------------------------------------------------


def two(U, V, C):
    S = U @ V
    return np.sum(np.tanh(S) * C)


@planted(two, (normal(3, 3), normal(3, 3), normal(3, 3)), "another argument", ["∂two/∂V"])
def by_the_other_matrix(U, V, C):
    return U.T @ (C * (1 - np.tanh(U @ V) ** 2))


@planted(two, (normal(3, 2), normal(2, 4), normal(3, 4)), "another argument", ["∂two/∂V"])
def by_the_other_matrix_of_another_shape(U, V, C):
    return U.T @ (C * (1 - np.tanh(U @ V) ** 2))


def inner(u, v):
    return np.exp(u @ v)


@planted(inner, (normal(4), normal(4)), "another argument", ["∂inner/∂v"])
def by_the_other_vector(u, v):
    return u * np.exp(u @ v)


def line(a, b, x, y):
    r = a * x + b - y
    return np.mean(r**2)


@planted(line, (0.7, -0.3, normal(6), normal(6)), "another argument", ["∂line/∂b"])
def by_the_intercept(a, b, x, y):
    return 2 * np.mean(a * x + b - y)


def by_data(theta, Phi, y):
    e = y - Phi @ theta
    return e @ e


@planted(by_data, (normal(4), normal(4, 4), normal(4)), "another argument", ["∂by_data/∂y"])
def by_the_data(theta, Phi, y):
    return 2 * (y - Phi @ theta)


# -- symmetric matrices ---------------------------------------------------------------------------


def positive(n):
    R = normal(n, n)
    return R @ R.T + n * np.eye(n)


def log_determinant(S):
    return np.linalg.slogdet(S)[1]


def log_of_determinant(S):
    return np.log(np.linalg.det(S))


def likelihood(S, X):
    return 0.5 * np.linalg.slogdet(S)[1] + 0.5 * np.trace(X @ np.linalg.inv(S) @ X.T)


def of_a_symmetric(G):
    return 2 * G - np.diag(np.diag(G))


@planted(log_determinant, (positive(3),), "symmetric only", ["symmetric", "diag"])
def log_determinant_by_a_symmetric_matrix(S):
    return of_a_symmetric(np.linalg.inv(S))


@planted(log_of_determinant, (positive(4),), "symmetric only", ["symmetric", "diag"])
def log_of_determinant_by_a_symmetric_matrix(S):
    return of_a_symmetric(np.linalg.inv(S))


@planted(likelihood, (positive(3), normal(2, 3)), "symmetric only", ["symmetric", "diag"])
def likelihood_by_a_symmetric_matrix(S, X):
    P = np.linalg.inv(S)
    return of_a_symmetric(0.5 * P - 0.5 * P @ X.T @ X @ P)


@planted(log_determinant, (positive(3),), ("symmetric only", "transposed"), ["transpose"])
def log_determinant_without_the_transpose(S):
    return np.linalg.inv(S)


@planted(likelihood, (positive(3), normal(2, 3)), ("symmetric only", "transposed"), ["∂S"])
def likelihood_without_the_transpose(S, X):
    P = np.linalg.inv(S)
    return 0.5 * P - 0.5 * P @ X.T @ X @ P


@planted(log_determinant, (positive(3),), ("symmetric only", "transposed"), ["twice"])
def log_determinant_twice_of_a_symmetric_matrix(S):
    return 2 * np.linalg.inv(S)


# -- inverses -------------------------------------------------------------------------------------


def trace_of_inverse(X):
    return np.trace(np.linalg.inv(X))


def weighted_inverse(X, C):
    M = np.linalg.inv(X)
    return np.sum(C * M)


def form_of_inverse(X, a, b):
    return a @ np.linalg.inv(X) @ b


INVERSE = (normal(3, 3) + 3 * np.eye(3), normal(3, 3))


@planted(trace_of_inverse, INVERSE[:1], ("transposed", "wrong order"), ["transpose"])
def trace_of_inverse_as_minus_the_square(X):
    M = np.linalg.inv(X)
    return -M @ M


@planted(weighted_inverse, INVERSE, "wrong order", ["M", "order"])
def inverse_as_minus_its_square_times_what_comes_in(X, C):
    M = np.linalg.inv(X)
    return -M @ M @ C


@planted(weighted_inverse, INVERSE, "wrong order", ["M", "order"])
def inverse_as_what_comes_in_times_minus_its_square(X, C):
    M = np.linalg.inv(X)
    return -C @ M.T @ M.T


@planted(weighted_inverse, INVERSE, "elementwise product", ["M", "elementwise"])
def inverse_as_minus_its_square_by_elements(X, C):
    M = np.linalg.inv(X)
    return -(M @ M) * C


@planted(weighted_inverse, INVERSE, "elementwise product", ["M", "elementwise"])
def inverse_as_minus_one_over_squares(X, C):
    return -C * np.linalg.inv(X) ** 2


@planted(form_of_inverse, (INVERSE[0], normal(3), normal(3)), "forgotten transpose", ["X"])
def form_of_inverse_without_transposes(X, a, b):
    M = np.linalg.inv(X)
    return -np.outer(M @ a, M.T @ b)


@planted(weighted_inverse, INVERSE, ("missing factor", "forgotten inverse"), ["X"])
def inverse_with_one_factor(X, C):
    return -np.linalg.inv(X).T @ C


@planted(weighted_inverse, INVERSE, "forgotten inverse", ["X", "inverse"])
def inverse_with_the_matrix_itself(X, C):
    return -X.T @ C @ X.T


def solution(A, b, c):
    x = np.linalg.solve(A, b)
    return c @ x


SYSTEM = (normal(3, 3) + 3 * np.eye(3), normal(3), normal(3))


@planted(solution, SYSTEM, "forgotten inverse", ["A", "inverse"])
def solve_without_the_inverse(A, b, c):
    return -np.outer(A.T @ c, np.linalg.solve(A, b))


@planted(solution, SYSTEM, "missing factor", ["A"])
def solve_without_the_adjoint(A, b, c):
    return -np.outer(c, np.linalg.solve(A, b))


@planted(solution, SYSTEM, "forgotten transpose", ["A"], wrt="b")
def solve_without_the_transpose(A, b, c):
    return np.linalg.solve(A, c)


@planted(solution, SYSTEM, "forgotten inverse", ["A", "inverse"], wrt="b")
def solve_by_multiplying(A, b, c):
    return A.T @ c


@planted(log_determinant, (normal(3, 3) + 3 * np.eye(3),), "forgotten inverse", ["S", "inverse"])
def log_determinant_without_the_inverse(S):
    return S.T


def mahalanobis(mu, X, S):
    D = X - mu
    return 0.5 * np.sum(D @ np.linalg.inv(S) * D)


@planted(mahalanobis, (normal(3), normal(5, 3), positive(3)), "forgotten inverse", ["S", "inverse"])
def mahalanobis_without_the_inverse(mu, X, S):
    return -np.sum((X - mu) @ (S + S.T) / 2, axis=0)


# -- factors in the wrong order -------------------------------------------------------------------


def network(A0, A1, X, Y):
    Z1 = A0 @ X
    f1 = cr.sigmoid(Z1)
    Z2 = A1 @ f1
    f2 = cr.sigmoid(Z2)
    return 0.5 * np.sum((f2 - Y) ** 2)


EVEN = (normal(3, 3), normal(3, 3), normal(3), normal(3))


@planted(network, EVEN, "wrong order", ["A1", "σ′(Z1)"])
def network_with_matrix_and_slope_swapped(A0, A1, X, Y):
    f1 = sigma(A0 @ X)
    f2 = sigma(A1 @ f1)
    return np.outer(A1.T @ ((f2 - Y) * slope(f2) * slope(f1)), X)


def chained(X, A, B):
    S = A @ (B @ X)
    return 0.5 * np.sum(S**2)


@planted(chained, (normal(3, 3), normal(3, 3), normal(3, 3)), "wrong order", ["A", "B"])
def chain_with_its_matrices_swapped(X, A, B):
    return A.T @ B.T @ (A @ (B @ X))


def chained_vectors(x, A, B, y):
    u = B @ x
    v = A @ u
    return np.sum(np.cosh(v / 3) * y)


@planted(
    chained_vectors, (normal(3), normal(3, 3), normal(3, 3), normal(3)), "wrong order", ["A", "B"]
)
def chain_of_vectors_with_its_matrices_swapped(x, A, B, y):
    d = y * np.sinh(A @ (B @ x) / 3) / 3
    return A.T @ B.T @ d


def sandwich(X, A, B, C):
    return np.sum(C * (A @ X @ B))


@planted(
    sandwich, (normal(3, 3), normal(3, 3), normal(3, 3), normal(3, 3)), "wrong order", ["A", "B"]
)
def sandwich_with_its_slices_swapped(X, A, B, C):
    return B.T @ C @ A.T


@planted(
    sandwich, (normal(3, 3), normal(3, 3), normal(3, 3), normal(3, 3)), "forgotten transpose",
    ["A", "B"],
)  # fmt: skip
def sandwich_without_transposes(X, A, B, C):
    return A @ C @ B
