"""Sums of products: matmul in all ranks, dot, inner, outer, tensordot, einsum, traces, norms."""

from tests.parity.cases import at, case

MATMUL = [
    case("matmul 1-1", lambda np, x, y: x @ y, at(3), at(3, seed=5)),
    case("matmul 2-1", lambda np, A, x: A @ x, at(2, 3), at(3)),
    case("matmul 1-2", lambda np, x, A: x @ A, at(2), at(2, 3)),
    case("matmul 2-2", lambda np, A, B: A @ B, at(2, 3), at(3, 2)),
    case("matmul 3-3", lambda np, A, B: A @ B, at(2, 2, 3), at(2, 3, 2)),
    case("matmul 3-2", lambda np, A, B: np.matmul(A, B), at(2, 2, 3), at(3, 2)),
    case("matmul 2-3", lambda np, A, B: np.matmul(A, B), at(2, 3), at(2, 3, 2)),
    case("matmul 3-1", lambda np, A, x: A @ x, at(2, 2, 3), at(3)),
    case("matmul 1-3", lambda np, x, A: x @ A, at(2), at(3, 2, 2)),
    case("matmul stretched", lambda np, A, B: A @ B, at(2, 1, 2, 3), at(3, 3, 2)),
    case("matmul by its own transpose", lambda np, A: A @ A.T, at(2, 3)),
    case("quadratic form", lambda np, x, A: x @ A @ x, at(3), at(3, 3)),
    case("chain of three", lambda np, A, B, C: A @ B @ C, at(2, 3), at(3, 2), at(2, 2)),
    case(
        "constant matrix on the left", lambda np, x: (np.arange(6.0).reshape(2, 3) @ x) ** 2, at(3)
    ),
    case("vecdot by hand", lambda np, x, y: (x * y).sum(axis=-1), at(2, 3), at(2, 3, seed=5)),
]

PRODUCTS = [
    case("dot 1-1", lambda np, x, y: np.dot(x, y), at(3), at(3, seed=5)),
    case("dot 2-1", lambda np, A, x: np.dot(A, x), at(2, 3), at(3)),
    case("dot 2-2", lambda np, A, B: np.dot(A, B), at(2, 3), at(3, 2)),
    case("dot with a scalar", lambda np, A, x: np.dot(A, x), at(2, 3), at()),
    case("dot 3-2", lambda np, A, B: np.dot(A, B), at(2, 2, 3), at(3, 2)),
    case("dot 2-3", lambda np, A, B: np.dot(A, B), at(2, 3), at(2, 3, 2)),
    case("vdot", lambda np, x, y: np.vdot(x, y), at(2, 2), at(2, 2, seed=5)),
    case("outer", lambda np, x, y: np.outer(x, y), at(3), at(2)),
    case("outer of a matrix", lambda np, x, y: np.outer(x, y), at(2, 2), at(3)),
    case("inner 1-1", lambda np, x, y: np.inner(x, y), at(3), at(3, seed=5)),
    case("inner 2-2", lambda np, A, B: np.inner(A, B), at(2, 3), at(4, 3)),
    case("kron", lambda np, A, B: np.kron(A, B), at(2, 2), at(2, 3)),
    case("tensordot of one axis", lambda np, A, B: np.tensordot(A, B, axes=1), at(2, 3), at(3, 2)),
    case("tensordot of two axes", lambda np, A, B: np.tensordot(A, B), at(2, 2, 3), at(2, 3, 2)),
    case("tensordot of none", lambda np, A, B: np.tensordot(A, B, axes=0), at(2), at(3)),
    case(
        "tensordot of named axes",
        lambda np, A, B: np.tensordot(A, B, axes=([0, 2], [1, 0])),
        at(2, 2, 3),
        at(3, 2, 2),
    ),
]

EINSUM = [
    case("einsum ij,jk", lambda np, A, B: np.einsum("ij,jk->ik", A, B), at(2, 3), at(3, 2)),
    case("einsum without an arrow", lambda np, A, B: np.einsum("ij,jk", A, B), at(2, 3), at(3, 2)),
    case("einsum sorts its output", lambda np, A: np.einsum("ba", A) ** 2, at(2, 3)),
    case("einsum ii->", lambda np, A: np.einsum("ii->", A**2), at(3, 3)),
    case("einsum ii", lambda np, A: np.einsum("ii", np.sin(A)), at(3, 3)),
    case("einsum ii->i", lambda np, A: np.einsum("ii->i", A) ** 2, at(3, 3)),
    case("einsum iij->j", lambda np, A: np.einsum("iij->j", A) ** 2, at(2, 2, 3)),
    case("einsum ij->", lambda np, A: np.einsum("ij->", A**3), at(2, 3)),
    case("einsum ij->j", lambda np, A: np.einsum("ij->j", A) ** 2, at(2, 3)),
    case("einsum ij->ji", lambda np, A: np.einsum("ij->ji", A) ** 2, at(2, 3)),
    case("einsum i,i->i", lambda np, x, y: np.einsum("i,i->i", x, y), at(3), at(3, seed=5)),
    case("einsum i,j->ij", lambda np, x, y: np.einsum("i,j->ij", x, y), at(3), at(2)),
    case(
        "einsum of three",
        lambda np, x, A, y: np.einsum("i,ij,j->", x, A, y),
        at(2),
        at(2, 3),
        at(3),
    ),
    case(
        "einsum with an ellipsis",
        lambda np, A, B: np.einsum("...ij,...jk->...ik", A, B),
        at(2, 2, 3),
        at(2, 3, 2),
    ),
    case(
        "einsum whose ellipsis stretches",
        lambda np, A, B: np.einsum("...ij,jk->...ik", A, B),
        at(2, 2, 3),
        at(3, 2),
    ),
    case("einsum sums an ellipsis out", lambda np, A: np.einsum("i...->...", A) ** 2, at(2, 2, 2)),
    case("einsum twice the same", lambda np, A: np.einsum("ij,ij->i", A, A), at(2, 3)),
]

DIAGONALS_AND_NORMS = [
    case("trace", lambda np, A: np.trace(A**2), at(3, 3)),
    case("trace off the diagonal", lambda np, A: np.trace(A**2, offset=1), at(3, 4)),
    case("trace of the method", lambda np, A: (A @ A).trace(), at(3, 3)),
    case("diagonal", lambda np, A: np.diagonal(A) ** 2, at(3, 3)),
    case("diagonal below", lambda np, A: np.diagonal(A, offset=-1) ** 2, at(3, 2)),
    case("diagonal of a stack", lambda np, A: np.diagonal(A, axis1=1, axis2=2) ** 2, at(2, 3, 3)),
    case("diag of a vector", lambda np, x, y: np.diag(x) @ y, at(3), at(3, 2)),
    case("diag of a vector, shifted", lambda np, x: np.diag(x, k=1) ** 2, at(2)),
    case("diag of a matrix", lambda np, A: np.diag(A) ** 2, at(3, 3)),
    case("norm", lambda np, x: np.linalg.norm(x), at(4)),
    case("norm squared", lambda np, x: np.linalg.norm(x) ** 2, at(4)),
    case("norm of a matrix", lambda np, A: np.linalg.norm(A), at(2, 3)),
    case("norm along an axis", lambda np, A: np.linalg.norm(A, axis=1), at(2, 3)),
    case("norm, kept", lambda np, A: A / np.linalg.norm(A, axis=0, keepdims=True), at(2, 3)),
    case("norm of order 1", lambda np, x: np.linalg.norm(x, ord=1) ** 2, at(4)),
    case("norm of order inf", lambda np, x: np.linalg.norm(x, ord=np.inf) ** 2, at(4)),
    case("norm of order 3", lambda np, x: np.linalg.norm(x, ord=3), at(4)),
    case("tril and triu", lambda np, A: np.tril(A) @ np.triu(A, k=1), at(3, 3)),
]

CASES = [*MATMUL, *PRODUCTS, *EINSUM, *DIAGONALS_AND_NORMS]
