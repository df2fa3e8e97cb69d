"""Functions of one array, with structured Jacobians of every kind, that several tests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import chainrule as cr


class Function(NamedTuple):
    """A function and the shape of its argument."""

    name: str
    call: Callable[[Any], Any]
    shape: tuple[int, ...]


A = np.random.default_rng(1).normal(size=(5, 6))
S = np.random.default_rng(2).normal(size=(6, 6))
TWICE = np.array([0, 3, 3, 5, 0, 0])
TABLE = np.array([[1, 1], [4, 2], [0, 5]])


def point(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Distinct numbers away from zero, of both signs: no ties of max, no kinks of abs."""
    rng = np.random.default_rng(seed)
    size = int(np.prod(shape))
    sizes = 0.3 + 1.2 * (rng.permutation(size) + 0.5) / max(size, 1)
    return np.where(rng.random(size) < 0.5, -sizes, sizes).reshape(shape)


def scattered(x: Any) -> Any:
    """Sums of products scattered back to where a table with duplicates took them from."""
    return cr.grad(lambda y: np.sum(y[TWICE] ** 3))(x)


def stencil(x: Any) -> Any:
    """Second differences and a cube of the middle."""
    return x[2:] - 2 * x[1:-1] + x[:-2] + x[1:-1] ** 3


def padded(x: Any) -> Any:
    """A slice, between zeros, sliced again."""
    return np.concatenate([np.zeros(2), x[1:-1], np.zeros(3)])[1:-2:2]


VECTOR: list[tuple[str, Callable[[Any], Any]]] = [
    ("sine", np.sin),
    ("polynomial", lambda x: 3 * x**2 - x),
    ("identity", lambda x: x),
    ("scaled", lambda x: 2.5 * x),
    ("zero", lambda x: np.ones(6) * 2.0),
    ("absolute", np.abs),
    ("where", lambda x: np.where(x > 0, x**2, 3 * x)),
    ("maximum", lambda x: np.maximum(x, x[::-1] ** 2)),
    ("matrix", lambda x: A @ x),
    ("layer", lambda x: np.tanh(A @ x + 0.3)),
    ("quadratic", lambda x: x @ S @ x),
    ("reversed", lambda x: x[::-1]),
    ("every second", lambda x: x[1::2]),
    ("backwards by two", lambda x: np.exp(x[4::-2])),
    ("slices of slices", lambda x: x[1:][::2] * x[:3]),
    ("padded slices", padded),
    ("part of itself", lambda x: np.concatenate([np.zeros(1), x[1:]])),
    ("stencil", stencil),
    ("differences", lambda x: np.diff(x) ** 2),
    ("joined", lambda x: np.concatenate([x[3:], np.cos(x), 2 * x[:2]])),
    ("stacked", lambda x: np.stack([x, x**2], axis=1)),
    ("gather", lambda x: x[TWICE] ** 2),
    ("table", lambda x: np.sin(x)[TABLE]),
    ("gather of gather", lambda x: x[TWICE][TABLE] * 2),
    ("scatter", scattered),
    ("folded", lambda x: np.reshape(x**2, (2, 3))),
    ("folded twice", lambda x: np.reshape(np.reshape(np.sin(x), (2, 3)).T, (3, 2))),
    ("four of six", lambda x: np.reshape(np.reshape(x, (2, 3)), (3, 2)) ** 2),
    ("sum", lambda x: np.sum(x**2)),
    ("mean removed", lambda x: x - np.mean(x)),
    ("norm", lambda x: x / np.sqrt(np.sum(x**2))),
    ("times its sum", lambda x: np.exp(x) * np.sum(x)),
    ("running sum", np.cumsum),
    ("running sum of squares", lambda x: np.cumsum(x**2)),
    ("slice of a running sum", lambda x: np.cumsum(x)[1::2]),
    ("running sum of a slice", lambda x: np.cumsum(x[::-2] ** 2)),
    ("two running sums", lambda x: np.cumsum(np.cumsum(np.sin(x)))),
    ("running sum backwards", lambda x: np.cumsum(x[::-1])[::-1]),
    ("largest", lambda x: np.max(x)),
    ("smallest", lambda x: np.min(x) * x),
    ("softmax", cr.softmax),
    ("logsumexp", cr.logsumexp),
    ("log_softmax", cr.log_softmax),
    ("outer", lambda x: np.outer(x, x[:2])),
    ("outer of itself", lambda x: x[:, None] * x[None, :]),
    ("spread", lambda x: np.broadcast_to(x, (2, 6)) * np.array([[1.0], [2.0]])),
    ("to a diagonal", np.diag),
    ("empty", lambda x: x[6:]),
    ("empty sum", lambda x: np.sum(x[:0])),
    ("one entry", lambda x: x[2:3] ** 2),
    ("a number", lambda x: x[4] ** 3),
]
MATRIX: list[tuple[str, Callable[[Any], Any]]] = [
    ("cosine of a matrix", np.cos),
    ("times a vector", lambda X: X @ np.arange(3.0)),
    ("between matrices", lambda X: A[:, :4] @ X @ A[:3, :2]),
    ("gram", lambda X: X.T @ X),
    ("transposed", lambda X: X.T**2),
    ("column sums", lambda X: np.sum(np.sin(X), axis=0)),
    ("row softmax", lambda X: cr.softmax(X, axis=1)),
    ("row logsumexp", lambda X: cr.logsumexp(X, axis=1)),
    ("row largest", lambda X: np.max(X, axis=1)),
    ("running sums of rows", lambda X: np.cumsum(X**2, axis=1)),
    ("unfolded", lambda X: np.reshape(X, (12,))),
    ("refolded", lambda X: np.reshape(X, (2, 6)) ** 2),
    ("three of four", lambda X: np.reshape(X, (3, 4)) ** 2),
    ("unfolded transposed", lambda X: np.reshape(X.T, (12,))[::5]),
    ("from its diagonal", lambda X: np.diag(X[:3]) ** 2),
    ("trace", lambda X: np.trace(X[1:])),
    ("rows with duplicates", lambda X: X[np.array([3, 0, 3])]),
    ("pairs", lambda X: X[np.array([3, 0, 3]), np.array([1, 1, 1])] ** 2),
    ("corner", lambda X: X[1:3, ::-1] ** 2),
    ("centred", lambda X: X - np.mean(X, axis=0)),
    ("with an axis of one", lambda X: np.sum(X, axis=1, keepdims=True) * X),
]
OTHER = [
    Function("number to number", lambda x: np.sin(x) ** 2, ()),
    Function("number to vector", lambda x: x ** np.arange(1.0, 4.0), ()),
    Function("number to matrix", lambda x: x * A, ()),
    Function("nothing", np.sin, (0,)),
    Function("single", lambda x: np.exp(x) * np.sum(x), (1,)),
    Function("no rows", lambda X: np.sum(X**2, axis=0), (0, 3)),
    Function("three axes", lambda X: np.einsum("ijk,kl->lij", X, A[:4, :2]), (2, 3, 4)),
]
FUNCTIONS = [
    *(Function(name, call, (6,)) for name, call in VECTOR),
    *(Function(name, call, (4, 3)) for name, call in MATRIX),
    *OTHER,
]
"""The table: each with its argument's shape."""


def columns(f: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    """The dense Jacobian, one directional derivative for each entry of the argument."""
    value = np.asarray(f(x))
    found = np.zeros((*value.shape, x.size))
    for k in range(x.size):
        unit = np.zeros(x.size)
        unit[k] = 1.0
        found[..., k] = cr.jvp(f, (x,), (unit.reshape(x.shape),))[1]
    return found.reshape((*value.shape, *x.shape))
