"""Some fifty matrix identities: a function, its gradient in closed form, its notation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import chainrule as cr

Arrays = dict[str, np.ndarray]


class Identity(NamedTuple):
    """A function of named arrays, differentiated by one of them."""

    name: str
    function: Callable[..., Any]
    wrt: str
    closed_form: Callable[..., Any]
    text: str
    latex: str


SHAPES: dict[str, tuple[int, ...]] = {
    "a": (3,), "b": (4,), "x": (3,), "y": (5,), "s": (), "t": (), "A": (3, 3), "B": (4, 3),
    "C": (3, 4), "X": (3, 4), "S": (4, 4), "W": (4, 3), "Phi": (5, 3), "theta": (3,), "u": (3,),
    "v": (3,), "D": (3, 4), "U": (3, 2), "V": (2, 4), "S3": (3, 3),
}  # fmt: skip


def point(function: Callable[..., Any], seed: int) -> list[np.ndarray]:
    """Random arrays for the parameters of a function."""
    rng = np.random.default_rng(seed)
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    arrays = [rng.normal(size=SHAPES[name]) for name in names]
    return [array if array.ndim else array[()] for array in arrays]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def least_squares(theta, Phi, y):
    e = y - Phi @ theta
    return np.sum(e**2)


def ridge(theta, Phi, y, s):
    return np.sum((y - Phi @ theta) ** 2) + s * np.sum(theta**2)


def logistic(theta, Phi, y):
    z = Phi @ theta
    return np.sum(np.log(1 + np.exp(z)) - y * z)


def mean_squares(theta, Phi, y):
    return np.mean((Phi @ theta - y) ** 2)


IDENTITIES = [
    Identity("inner product", lambda x, a: a @ x, "x", lambda x, a: a, "aᵀ",
             r"\mathbf{a}^{\top}"),
    Identity("matrix times column", lambda x, B: B @ x, "x", lambda x, B: B, "B",
             r"\mathbf{B}"),
    Identity("row times matrix", lambda x, C: x @ C, "x", lambda x, C: C.T, "Cᵀ",
             r"\mathbf{C}^{\top}"),
    Identity("quadratic form", lambda x, A: x @ A @ x, "x", lambda x, A: x @ (A + A.T),
             "xᵀ(A + Aᵀ)",
             r"\mathbf{x}^{\top} (\mathbf{A} + \mathbf{A}^{\top})"),
    Identity("bilinear form", lambda x, B, b: b @ B @ x, "x", lambda x, B, b: b @ B, "bᵀ B",
             r"\mathbf{b}^{\top} \mathbf{B}"),
    Identity("bilinear form by its matrix", lambda B, b, x: b @ B @ x, "B",
             lambda B, b, x: np.outer(b, x), "b xᵀ",
             r"\mathbf{b} \mathbf{x}^{\top}"),
    Identity("quadratic form by its matrix", lambda A, x: x @ A @ x, "A",
             lambda A, x: np.outer(x, x), "x xᵀ",
             r"\mathbf{x} \mathbf{x}^{\top}"),
    Identity("trace of a product", lambda X, B: np.trace(B @ X), "X", lambda X, B: B.T, "Bᵀ",
             r"\mathbf{B}^{\top}"),
    Identity("trace of a transposed product", lambda X, C: np.trace(C.T @ X), "X",
             lambda X, C: C, "C",
             r"\mathbf{C}"),
    Identity("trace of three", lambda X, A, B: np.trace(A @ X @ B), "X",
             lambda X, A, B: A.T @ B.T, "Aᵀ Bᵀ",
             r"\mathbf{A}^{\top} \mathbf{B}^{\top}"),
    Identity("trace of X'X", lambda X: np.trace(X.T @ X), "X", lambda X: 2 * X, "2 X",
             r"2\mathbf{X}"),
    Identity("trace of X'AX", lambda X, A: np.trace(X.T @ A @ X), "X",
             lambda X, A: (A + A.T) @ X, "(A + Aᵀ) X",
             r"(\mathbf{A} + \mathbf{A}^{\top}) \mathbf{X}"),
    Identity("trace of AXBX'", lambda X, A, S: np.trace(A @ X @ S @ X.T), "X",
             lambda X, A, S: A.T @ X @ S.T + A @ X @ S, "A X S + Aᵀ X Sᵀ",
             r"\mathbf{A} \mathbf{X} \mathbf{S} + \mathbf{A}^{\top} \mathbf{X} "
             r"\mathbf{S}^{\top}"),
    Identity("sum of entries", lambda X: np.sum(X), "X", lambda X: np.ones((3, 4)), "1",
             r"\mathbf{1}"),
    Identity("sum of an elementwise product", lambda X, C: np.sum(X * C), "X",
             lambda X, C: C, "C",
             r"\mathbf{C}"),
    Identity("squared norm", lambda x: x @ x, "x", lambda x: 2 * x, "2 xᵀ",
             r"2\mathbf{x}^{\top}"),
    Identity("norm", lambda x: np.linalg.norm(x), "x", lambda x: x / np.linalg.norm(x),
             "xᵀ/f",
             r"\frac{\mathbf{x}^{\top}}{f}"),
    Identity("norm of a difference", lambda x, a: np.linalg.norm(x - a), "x",
             lambda x, a: (x - a) / np.linalg.norm(x - a), "(x − a)ᵀ/f",
             r"\frac{(\mathbf{x} - \mathbf{a})^{\top}}{f}"),
    Identity("squared Frobenius norm", lambda X: np.linalg.norm(X) ** 2, "X",
             lambda X: 2 * X, "2 X",
             r"2\mathbf{X}"),
    Identity("residual of a matrix equation", lambda X, B, S: 0.5 * np.sum((B @ X - S) ** 2), "X",
             lambda X, B, S: B.T @ (B @ X - S), "Bᵀ(B X − S)",
             r"\mathbf{B}^{\top} (\mathbf{B} \mathbf{X} - \mathbf{S})"),
    Identity("factorisation", lambda U, V: np.sum((U @ V) ** 2), "U",
             lambda U, V: 2 * U @ V @ V.T, "2 U V Vᵀ",
             r"2\mathbf{U} \mathbf{V} \mathbf{V}^{\top}"),
    Identity("elementwise product", lambda x, a: x * a, "x", lambda x, a: np.diag(a), "diag(a)",
             r"\operatorname{diag}(\mathbf{a})"),
    Identity("elementwise square", lambda x: x * x, "x", lambda x: np.diag(2 * x), "2 diag(x)",
             r"2\operatorname{diag}(\mathbf{x})"),
    Identity("elementwise exponential", lambda x: np.exp(x), "x", lambda x: np.diag(np.exp(x)),
             "diag(f)",
             r"\operatorname{diag}(\mathbf{f})"),
    Identity("elementwise sine", lambda x: np.sin(x), "x", lambda x: np.diag(np.cos(x)),
             "diag(cos(x))",
             r"\operatorname{diag}(\cos(\mathbf{x}))"),
    Identity("elementwise quotient", lambda x, a: a / x, "x", lambda x, a: np.diag(-a / x**2),
             "−diag(f ⊘ x)",
             r"-\operatorname{diag}(\mathbf{f} \oslash \mathbf{x})"),
    Identity("reciprocal of an inner product", lambda x, a: 1 / (a @ x), "x",
             lambda x, a: -a / (a @ x) ** 2, "−f aᵀ/(aᵀ x)",
             r"-\frac{f \mathbf{a}^{\top}}{\mathbf{a}^{\top} \mathbf{x}}"),
    Identity("outer product by a column", lambda u, v: np.outer(u, v), "u",
             lambda u, v: np.einsum("ik,j->ijk", np.eye(3), v), "I ⊗ v",
             r"\mathbf{I} \otimes \mathbf{v}"),
    Identity("matrix product by its left factor", lambda X, S: X @ S, "X",
             lambda X, S: np.einsum("ik,lj->ijkl", np.eye(3), S), "I ⊗ Sᵀ",
             r"\mathbf{I} \otimes \mathbf{S}^{\top}"),
    Identity("matrix product by its right factor", lambda X, B: B @ X, "X",
             lambda X, B: np.einsum("ik,jl->ijkl", B, np.eye(4)), "B ⊗ I",
             r"\mathbf{B} \otimes \mathbf{I}"),
    Identity("matrix between two", lambda X, B, S: B @ X @ S, "X",
             lambda X, B, S: np.einsum("ik,lj->ijkl", B, S), "B ⊗ Sᵀ",
             r"\mathbf{B} \otimes \mathbf{S}^{\top}"),
    Identity("transpose", lambda X: X.T, "X",
             lambda X: np.einsum("il,jk->ijkl", np.eye(4), np.eye(3)), "K(3,4)",
             r"\mathbf{K}_{3,4}"),
    Identity("column times number", lambda s, x: s * x, "s", lambda s, x: x, "x",
             r"\mathbf{x}"),
    Identity("affine map by its matrix", lambda A, x, b: (A @ x) + x, "A",
             lambda A, x, b: np.einsum("ik,j->ikj", np.eye(3), x), "I ⊗ xᵀ",
             r"\mathbf{I} \otimes \mathbf{x}^{\top}"),
    Identity("softmax", lambda x: cr.softmax(x), "x",
             lambda x: np.diag(softmax(x)) - np.outer(softmax(x), softmax(x)), "diag(f) − f fᵀ",
             r"\operatorname{diag}(\mathbf{f}) - \mathbf{f} \mathbf{f}^{\top}"),
    Identity("log-sum-exp", lambda x: cr.logsumexp(x), "x", lambda x: softmax(x), "softmax(x)ᵀ",
             r"\operatorname{softmax}(\mathbf{x})^{\top}"),
    Identity("log-sum-exp written out", lambda x: np.log(np.sum(np.exp(x))), "x",
             lambda x: softmax(x), "exp(x)ᵀ/(1ᵀ exp(x))",
             r"\frac{\exp(\mathbf{x})^{\top}}{\mathbf{1}^{\top} \exp(\mathbf{x})}"),
    Identity("cross-entropy of softmax", lambda x, a: -np.sum(a * cr.log_softmax(x)), "x",
             lambda x, a: softmax(x) * a.sum() - a, "(1ᵀ a) softmax(x)ᵀ − aᵀ",
             r"(\mathbf{1}^{\top} \mathbf{a}) \operatorname{softmax}(\mathbf{x})^{\top} - "
             r"\mathbf{a}^{\top}"),
    Identity("least squares", least_squares, "theta",
             lambda theta, Phi, y: -2 * (y - Phi @ theta) @ Phi, "−2 eᵀ Phi",
             r"-2\mathbf{e}^{\top} \boldsymbol{\Phi}"),
    Identity("ridge regression", ridge, "theta",
             lambda theta, Phi, y, s: -2 * (y - Phi @ theta) @ Phi + 2 * s * theta,
             "2(s thetaᵀ − (y − Phi theta)ᵀ Phi)",
             r"2(s \boldsymbol{\theta}^{\top} - (\mathbf{y} - \boldsymbol{\Phi} "
             r"\boldsymbol{\theta})^{\top} \boldsymbol{\Phi})"),
    Identity("mean squares", mean_squares, "theta",
             lambda theta, Phi, y: 2 / 5 * (Phi @ theta - y) @ Phi, "0.4(Phi theta − y)ᵀ Phi",
             r"0.4(\boldsymbol{\Phi} \boldsymbol{\theta} - \mathbf{y})^{\top} "
             r"\boldsymbol{\Phi}"),
    Identity("logistic regression", logistic, "theta",
             lambda theta, Phi, y: (sigmoid(Phi @ theta) - y) @ Phi,
             "(σ(z) − y)ᵀ Phi", r"(\sigma(\mathbf{z}) - \mathbf{y})^{\top} \boldsymbol{\Phi}"),
    Identity("determinant", lambda A: np.linalg.det(A), "A",
             lambda A: np.linalg.det(A) * np.linalg.inv(A).T, "det(A) A⁻ᵀ",
             r"\det(\mathbf{A}) \mathbf{A}^{-\top}"),
    Identity("logarithm of a determinant", lambda A: np.linalg.slogdet(A)[1], "A",
             lambda A: np.linalg.inv(A).T, "A⁻ᵀ",
             r"\mathbf{A}^{-\top}"),
    Identity("inverse", lambda A: np.linalg.inv(A), "A",
             lambda A: -np.einsum("ik,lj->ijkl", np.linalg.inv(A), np.linalg.inv(A)),
             "−(f ⊗ fᵀ)",
             r"-(\mathbf{f} \otimes \mathbf{f}^{\top})"),
    Identity("bilinear form of an inverse", lambda A, a, x: a @ np.linalg.inv(A) @ x, "A",
             lambda A, a, x: -np.outer(np.linalg.solve(A.T, a), np.linalg.solve(A, x)),
             "−A⁻ᵀ a xᵀ A⁻ᵀ",
             r"-\mathbf{A}^{-\top} \mathbf{a} \mathbf{x}^{\top} \mathbf{A}^{-\top}"),
    Identity("trace of an inverse times a matrix", lambda A, S3: np.trace(np.linalg.inv(A) @ S3),
             "A", lambda A, S3: -(np.linalg.inv(A) @ S3 @ np.linalg.inv(A)).T,
             "−A⁻ᵀ S3ᵀ A⁻ᵀ",
             r"-\mathbf{A}^{-\top} \mathbf{S}_{3}^{\top} \mathbf{A}^{-\top}"),
    Identity("linear system by its right-hand side", lambda A, a: np.linalg.solve(A, a), "a",
             lambda A, a: np.linalg.inv(A), "A⁻¹",
             r"\mathbf{A}^{-1}"),
    Identity("linear system by its matrix", lambda A, a: np.linalg.solve(A, a), "A",
             lambda A, a: -np.einsum("ik,l->ikl", np.linalg.inv(A), np.linalg.solve(A, a)),
             "−(A⁻¹ ⊗ fᵀ)",
             r"-(\mathbf{A}^{-1} \otimes \mathbf{f}^{\top})"),
]  # fmt: skip
