"""Unnamed values get the name that a textbook would give them, and no more than are needed."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from tests.jacobians.generated import point

A, B, b, x, y = point((4, 3)), point((2, 4)), point((4,)), point((3,)), point((4,))


def names(f, *args) -> list[str]:
    return [q.name for q in cr.derive(f)(*args).quantities if q.definition is not None]


@pytest.mark.parametrize(
    ("f", "args", "expected"),
    [
        (lambda A, x: cr.sigmoid(A @ x).sum(), (A, x), ["f"]),  # a product alone reads well
        (lambda A, x, b: cr.sigmoid(A @ x + b).sum(), (A, x, b), ["Z1", "f"]),
        (lambda A, x, b: B @ np.tanh(A @ x + b), (A, x, b), ["Z1", "f1", "f"]),
        (lambda A, x, b: np.sum((cr.sigmoid(A @ x + b) - y) ** 2), (A, x, b), ["Z1", "f1", "f"]),
        (
            lambda A, x, b: np.linalg.norm(cr.sigmoid(B @ cr.sigmoid(A @ x + b) + 1) - 2) ** 2,
            (A, x, b),
            ["Z1", "f1", "Z2", "f2", "f"],
        ),
        (lambda A, x, b: np.sum((y - np.tanh(A @ x + b)) ** 2), (A, x, b), ["Z1", "f1", "f"]),
        (lambda A, x, b: cr.softmax(A @ x + b) @ y, (A, x, b), ["Z1", "f1", "f"]),
        (lambda A, x, b: np.sum((y - np.tanh(x)) ** 2), (A, point((4,)), b), None),
        (lambda x, A: np.sum((y - A @ x) ** 2), (x, A), ["f"]),  # the residual of (5.84) is short
        (lambda x, A: np.exp(x @ (A.T @ A) @ x + 1.0), (x, A), None),  # not affine in x
        (lambda x: np.exp(x + 1).sum(), (x,), ["f"]),
    ],
)
def test_which_values_are_named(f, args, expected):
    found = names(f, *args)
    if expected is None:
        assert not any(name.startswith(("Z", "z")) for name in found)
    else:
        assert found == expected


def test_a_name_that_is_taken_is_left_alone():
    def f(Z1, x, b):
        return np.sum((cr.sigmoid(Z1 @ x + b) - y) ** 2)

    assert names(f, A, x, b) == ["Z2", "f1", "f"]


def test_layers_in_a_loop_read_like_the_lecture():
    def network(params, x):
        for A, b in params:
            x = cr.relu(A @ x + b)
        return x.sum()

    params = [(A, b), (B, point((2,)))]
    d = cr.derive(network)(params, x)
    assert d.ok
    assert d.step("Z1").shape == (1, 4)
    assert "= (∂network/∂Z1)ᵀ xᵀ" in str(d)
