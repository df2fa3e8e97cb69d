"""The gradient of Σ(5.109), compiled and not, beside JAX, autograd and PyTorch, in float64.

    python benchmarks/gradients.py [--rounds 5] [--json FILE] [--markdown] [--page docs/speed.md]

NumPy arrays go in and come out. In each round every contestant has its turn; the table gives the
medians in microseconds and, in brackets, how many times longer than ours, compiled, a peer takes.
Set OPENBLAS_NUM_THREADS=1 on a machine that does other work besides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from common import Table, installed, medians, options_of, published, ratio

import chainrule as cr
from chainrule.cli.measuring import example_function, microseconds

SIZES = (1, 1000, 10**6)


def contestants(has: set[str], x: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Each as a function that computes the gradient at x, from NumPy and to NumPy."""
    gradient = cr.grad(example_function())
    compiled = cr.compile(gradient)
    ways: dict[str, Callable[[], Any]] = {
        "compiled": lambda: compiled(x), "uncompiled": lambda: gradient(x),
    }  # fmt: skip
    if "jax" in has:
        import jax

        run = jax.jit(jax.grad(example_function(jax.numpy)))
        ways["JAX jit"] = lambda: np.asarray(run(x))
    if "autograd" in has:
        import autograd

        old = autograd.grad(example_function(autograd.numpy))
        ways["autograd"] = lambda: old(x)
    if "torch" in has:
        import torch

        def by_torch() -> np.ndarray:
            leaf = torch.from_numpy(x).requires_grad_()
            example_function(torch)(leaf).backward()
            return leaf.grad.numpy()

        ways["PyTorch"] = by_torch
    return ways


def assert_agreed(ways: dict[str, Callable[[], Any]]) -> None:
    """All give the same gradient."""
    expected = ways["uncompiled"]()
    for label, run in ways.items():
        # the same formula in other libraries' exponentials: some units in the last place of terms
        # of size one, which cancel where the gradient passes through zero
        np.testing.assert_allclose(run(), expected, rtol=1e-12, atol=1e-14, err_msg=label)


def main() -> None:
    options = options_of(__doc__).parse_args()
    peers = installed(("jax", "autograd", "torch"))
    rows: dict[int, dict[str, float]] = {}
    for n in SIZES:
        ways = contestants(set(peers), np.linspace(0.1, 1.0, n))
        assert_agreed(ways)
        rounds, at_least = (2, 1e-3) if options.quick else (options.rounds, 5e-3)
        rows[n] = medians(ways, rounds, at_least)
    labels = list(rows[1])
    tables = [
        beside("gradient", "compiled", labels, rows),
        beside(
            "gradient, uncompiled",
            "uncompiled",
            [w for w in ("uncompiled", "autograd") if w in labels],
            rows,
        ),
    ]
    published(options, tables, {"microseconds": rows}, peers)


def beside(name: str, ours: str, labels: list[str], rows: dict[int, dict[str, float]]) -> Table:
    """Some contestants' times, with their ratios to ours in brackets."""
    table = Table(name, ["µs, elements", *labels])
    for n, found in rows.items():
        cells = [f"{n:,}"]
        for label in labels:
            times = "" if label == ours else f" ({ratio(found[label], found[ours])})"
            cells.append(microseconds(found[label]) + times)
        table.rows.append(cells)
    return table


if __name__ == "__main__":
    main()
