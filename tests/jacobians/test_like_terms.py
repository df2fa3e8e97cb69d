"""Terms are added only where they are alike in what is summed, too."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr

CLOSE = 1e-13  # a few products of float64 numbers of size 10 in another order


def rows_taken_twice(v):
    """Row 0 is taken twice, row 1 once: sums of two entries and of one."""
    x = np.arange(4.0) + 0.3
    return np.sum(np.take(np.stack([v, v, v + x, v]), [2, 0, 1, 0], axis=0) ** 2)


@pytest.mark.parametrize("order", ["forward", "reverse", "mixed"])
def test_summed_labels_of_unequal_sizes(order: str):
    v = np.array([0.1, 0.2, 0.3, 0.5])
    J = cr.jacobian(rows_taken_twice, order=order)(v).toarray()
    expected = 2 * (4 * v + np.arange(4.0) + 0.3)
    np.testing.assert_allclose(J, expected, rtol=CLOSE)


def rolled(x):
    W = np.array([[1.0, 2.0], [3.0, 5.0], [7.0, 11.0]])
    y = np.broadcast_to(np.broadcast_to(x, (1,)) @ np.array([[1.0, 2.0]]), (3, 2))
    z = np.roll(y, 1, axis=0) * y
    return np.sum(W * z * z)


@pytest.mark.parametrize("order", ["forward", "reverse", "mixed"])
def test_a_roll_of_repeated_rows(order: str):
    J = cr.jacobian(rolled, order=order)(1.5).toarray()
    np.testing.assert_allclose(J, cr.grad(rolled)(1.5), rtol=CLOSE)
