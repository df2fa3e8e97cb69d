"""Inverses, determinants, linear systems and powers, of one matrix and of stacks."""

import numpy

from tests.parity.cases import at, case


def regular(*shape: int, seed: int = 0) -> numpy.ndarray:
    """Square matrices whose diagonal outweighs the rest: condition numbers below 10."""
    return at(*shape, seed=seed) + 4 * numpy.eye(shape[-1])


INVERSES = [
    case("inv", lambda np, A: np.linalg.inv(A), regular(3, 3)),
    case("inv of 1x1", lambda np, A: np.linalg.inv(A), regular(1, 1)),
    case("inv of a stack", lambda np, A: np.linalg.inv(A), regular(2, 3, 3)),
    case("inv twice", lambda np, A: np.linalg.inv(np.linalg.inv(A) + A), regular(2, 2)),
    case("trace of inv", lambda np, A, B: np.trace(np.linalg.inv(A) @ B), regular(3, 3), at(3, 3)),
    case("quadratic form of inv", lambda np, A, x: x @ np.linalg.inv(A) @ x, regular(3, 3), at(3)),
]

DETERMINANTS = [
    case("det", lambda np, A: np.linalg.det(A), regular(3, 3)),
    case("det of 1x1", lambda np, A: np.linalg.det(A) ** 2, regular(1, 1)),
    case("det of a stack", lambda np, A: np.linalg.det(A), regular(3, 2, 2)),
    case("det of a stack of one", lambda np, A: np.linalg.det(A), regular(1, 3, 3)),
    case("det below zero", lambda np, A: np.linalg.det(-A), regular(3, 3)),
    case("log det", lambda np, A: np.linalg.slogdet(A)[1], regular(3, 3)),
    case("log det of a Gram matrix", lambda np, A: np.linalg.slogdet(A @ A.T)[1], at(2, 4)),
    case("log det of a stack", lambda np, A: np.linalg.slogdet(-A)[1], regular(2, 3, 3)),
    case(
        "det by slogdet",
        lambda np, A: np.linalg.slogdet(A)[0] * np.exp(np.linalg.slogdet(A)[1]),
        -regular(3, 3),
    ),
]

SYSTEMS = [
    case("solve", lambda np, A, b: np.linalg.solve(A, b), regular(3, 3), at(3)),
    case("solve, many sides", lambda np, A, B: np.linalg.solve(A, B), regular(3, 3), at(3, 2)),
    case("solve, stacks", lambda np, A, B: np.linalg.solve(A, B), regular(3, 2, 2), at(3, 2, 1)),
    case("solve, one matrix", lambda np, A, B: np.linalg.solve(A, B), regular(2, 2), at(3, 2, 2)),
    case("solve, one side", lambda np, A, B: np.linalg.solve(A, B), regular(3, 2, 2), at(2, 2)),
    case(
        "solve, stretched",
        lambda np, A, B: np.linalg.solve(A, B),
        regular(2, 1, 2, 2),
        at(3, 2, 1),
    ),
    case("least squares", lambda np, A, y: np.linalg.solve(A.T @ A, A.T @ y), at(4, 2), at(4)),
    case("solve twice", lambda np, A, b: np.linalg.solve(A, np.linalg.solve(A, b)), regular(3, 3),
         at(3)),
]  # fmt: skip

POWERS = [
    case("matmul of linalg", lambda np, A, B: np.linalg.matmul(A, B), at(2, 3), at(3, 2)),
    case("matrix_power 3", lambda np, A: np.linalg.matrix_power(A, 3), at(3, 3)),
    case("matrix_power 6 of a stack", lambda np, A: np.linalg.matrix_power(A, 6), at(2, 2, 2)),
    case("matrix_power -2", lambda np, A: np.linalg.matrix_power(A, -2), regular(3, 3)),
    case("matrix_power 1", lambda np, A: np.linalg.matrix_power(A, 1) ** 2, at(2, 2)),
    case(
        "multi_dot",
        lambda np, A, B, C: np.linalg.multi_dot([A, B, C]),
        at(2, 3), at(3, 4), at(4, 2),
    ),
    case(
        "multi_dot between vectors",
        lambda np, x, A, B, y: np.linalg.multi_dot([x, A, B, y]),
        at(2), at(2, 3), at(3, 2), at(2, seed=5),
    ),
]  # fmt: skip

CASES = [*INVERSES, *DETERMINANTS, *SYSTEMS, *POWERS]
