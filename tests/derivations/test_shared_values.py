"""What jumps is computed once: a derivation takes comparisons from the forward path."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr

CHOICES = {
    "min": lambda z: np.min(z, axis=1),
    "max": lambda z: np.max(z, axis=1),
    "min of all": lambda z: np.min(z),
    "max over axes": lambda z: np.max(z, axis=(0, 1)),
    "sort": lambda z: np.sort(z, axis=1)[:, 0],
    "maximum": lambda z: np.maximum(z, z[:, ::-1] + 0.0),
    "where": lambda z: np.where(z == np.min(z, axis=1, keepdims=True), z, 0.0),
    "clip": lambda z: np.clip(z, np.min(z), np.max(z)),
    "abs": lambda z: np.abs(z - np.min(z)),
}


def softmax_of_products(P, Q, B):
    return cr.softmax(B ** (-1.0) @ (Q @ P), axis=1)


def long_product(P, Q, B):
    return (B @ Q) @ P / 3.0 @ (P.T @ Q.T)


@pytest.mark.parametrize("inner", [softmax_of_products, long_product])
@pytest.mark.parametrize("name", CHOICES)
def test_what_is_rounded_otherwise_in_notation_chooses_the_same_entries(name, inner):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        P, Q, B = rng.normal(size=(4, 3)), rng.normal(size=(3, 4)), rng.normal(size=(3, 3))

        def f(P, Q, B):
            return np.sum(CHOICES[name](inner(P, Q, B)))

        d = cr.derive(f)(P, Q, B)
        # Products of a few rounded numbers in another order.
        np.testing.assert_allclose(d.targets[0].value, cr.grad(f)(P, Q, B), rtol=1e-9, atol=1e-12)
