"""The gradient of Σ(5.109), compiled and not, beside JAX, autograd and PyTorch, in float64.

    python benchmarks/gradients.py [--rounds 5] [--json FILE]

NumPy arrays go in and come out. In each round every contestant has its turn; the table gives the
medians in microseconds and, in brackets, how many times longer than ours, compiled, a peer takes.
Set OPENBLAS_NUM_THREADS=1 on a machine that does other work besides.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jacobians import installed, processor, timed

import chainrule as cr

SIZES = (1, 1000, 10**6)


def total(np: Any) -> Callable[[Any], Any]:
    """Σ √u + cos u with u = x² + exp(x²), (5.109), in one of NumPy's dialects."""

    def f(x: Any) -> Any:
        u = x**2 + np.exp(x**2)
        return np.sum(np.sqrt(u) + np.cos(u))

    return f


def contestants(has: set[str], x: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Each as a function that computes the gradient at x, from NumPy and to NumPy."""
    gradient = cr.grad(total(np))
    compiled = cr.compile(gradient)
    ways: dict[str, Callable[[], Any]] = {
        "compiled": lambda: compiled(x), "uncompiled": lambda: gradient(x),
    }  # fmt: skip
    if "jax" in has:
        import jax

        run = jax.jit(jax.grad(total(jax.numpy)))
        ways["JAX jit"] = lambda: np.asarray(run(x))
    if "autograd" in has:
        import autograd

        old = autograd.grad(total(autograd.numpy))
        ways["autograd"] = lambda: old(x)
    if "torch" in has:
        import torch

        def by_torch() -> np.ndarray:
            leaf = torch.from_numpy(x).requires_grad_()
            total(torch)(leaf).backward()
            return leaf.grad.numpy()

        ways["PyTorch"] = by_torch
    return ways


def medians(ways: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Microseconds, taken by turns, after all were found to agree."""
    expected = ways["uncompiled"]()
    for label, run in ways.items():
        # the same formula in other libraries' exponentials: some units in the last place of terms
        # of size one, which cancel where the gradient passes through zero
        np.testing.assert_allclose(run(), expected, rtol=1e-12, atol=1e-14, err_msg=label)
    times: dict[str, list[float]] = {label: [] for label in ways}
    for _ in range(rounds):
        for label, run in ways.items():
            times[label] += [ms * 1e3 for ms in timed(run, at_least=2e-3)]
    return {label: statistics.median(found) for label, found in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each has its turn")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    start = time.perf_counter()
    versions = installed(("jax", "autograd", "torch"))
    print(f"{processor()}; {', '.join(f'{name} {v}' for name, v in versions.items())}")
    rows = {}
    for n in SIZES:
        rows[n] = medians(contestants(set(versions), np.linspace(0.1, 1.0, n)), options.rounds)
        ours = rows[n]["compiled"]
        cells = [f"{label} {us:,.1f} ({us / ours:.1f}×)" for label, us in rows[n].items()]
        print(f"n = {n:9,}: {', '.join(cells)}")
    print(f"{time.perf_counter() - start:.0f} s in all")
    if options.json:
        report = {"cpu": processor(), "versions": versions, "microseconds": rows}
        options.json.write_text(json.dumps(report, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
