"""Structured Jacobians and Hessians beside NumPy's closed forms, JAX, PyTorch and CasADi.

    python benchmarks/jacobians.py [--rounds 5] [--only ROW ...] [--json FILE]

Everything runs in this one process. In each round every contestant of a row has its turn: one run
that is not counted, to find its threads and caches warm, then two that are; the table gives the
medians. ``new`` traces and differentiates the function from the start each time; ``plan`` evaluates
a Jacobian that was planned before, as JAX's column runs a function that was compiled before. Peers
compute dense arrays, except CasADi, and run at the smaller size in the note where the dense array
would not fit. Results are compared with each other before anything is timed.

On a machine that does other work besides, matrix products on several BLAS threads take tens of
times their least: set OPENBLAS_NUM_THREADS=1 there, for NumPy's closed forms as for us.

A peak is the most memory that one run has at a time, counted by tracemalloc, without the function's
arguments.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from common import installed, processor, timed, versions
from scipy.sparse import csr_array

import chainrule as cr

DENSE_AT = 4000
"""Where n is a million, the peers' dense Jacobians are of this size: 128 MB."""


class Bound(NamedTuple):
    """What a row is required to take: a factor of another contestant, or milliseconds."""

    of: str  # the contestant that must keep it
    factor: float
    beside: str = ""  # "" means milliseconds

    def milliseconds(self, medians: dict[str, float]) -> float | None:
        """The bound in this run; None where what it refers to is not installed."""
        if not self.beside:
            return self.factor
        return self.factor * medians[self.beside] if self.beside in medians else None

    def __str__(self) -> str:
        unit = f" × {self.beside}" if self.beside else " ms"
        return f"{self.of} ≤ {self.factor:g}{unit}"


@dataclass
class Case:
    """One row: a function at a point, the ways to its derivative, and what is required."""

    name: str
    planned: Callable[[], Any]
    new: Callable[[], Any]
    plan: Callable[[], Any]
    peers: dict[str, Callable[[], Any]] = field(default_factory=dict)
    bound: Bound | None = None
    memory: tuple[str, int] = ("bytes", 1)  # a unit for the peak, and its bytes
    dense: Callable[[Any], Any] | None = np.asarray  # None: nothing to compare
    notes: list[str] = field(default_factory=list)


def normal(*shape: int, dtype: Any = np.float32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def computed(J: cr.Jacobian) -> cr.Jacobian:
    """The Jacobian with its coefficients, still structured."""
    assert J._values is not None
    return J


# -- the peers' side ------------------------------------------------------------------------------


def jax_dense(transform: str, f: Callable[..., Any], *args: np.ndarray) -> Callable[[], Any]:
    """A compiled ``jax.jacrev``, ``jacfwd`` or ``hessian`` at the arguments, already compiled."""
    import jax

    ready = [jax.numpy.asarray(a) for a in args]
    run = jax.jit(getattr(jax, transform)(f))
    return lambda: run(*ready).block_until_ready()


def torch_dense(transform: str, f: Callable[..., Any], *args: np.ndarray) -> Callable[[], Any]:
    """``torch.func.jacrev`` or ``hessian`` at the arguments."""
    import torch

    ready = [torch.from_numpy(a) for a in args]
    run = getattr(torch.func, transform)(f)
    return lambda: run(*ready)


def casadi_sparse(
    f: Callable[[Any], Any], x: np.ndarray, notes: list[str], is_hessian: bool = False
) -> Callable[[], Any]:
    """CasADi's sparse Jacobian in float64, built before; the notes say how long that took."""
    import casadi

    start = time.perf_counter()
    X = casadi.MX.sym("x", *x.shape)
    result = casadi.hessian(f(X), X)[0] if is_hessian else casadi.jacobian(f(X), X)
    J = casadi.Function("J", [X], [result])
    notes.append(f"CasADi (float64) took {time.perf_counter() - start:.2f} s to build first")
    return lambda: J(x)


# -- the rows -------------------------------------------------------------------------------------


def sigmoid_row(has: set[str]) -> Case:
    x = np.linspace(-1, 1, 10**6)
    small = x[:DENSE_AT].copy()
    plan = cr.jacobian(cr.sigmoid).plan(x)
    notes: list[str] = []

    def closed() -> np.ndarray:
        s = 1 / (1 + np.exp(-x))
        return s * (1 - s)

    peers: dict[str, Callable[[], Any]] = {"NumPy": closed}
    if "jax" in has:
        import jax

        peers["JAX"] = jax_dense("jacrev", jax.nn.sigmoid, small)
    if "torch" in has:
        import torch

        peers["PyTorch"] = torch_dense("jacrev", torch.sigmoid, small)
    if "casadi" in has:
        import casadi

        peers["CasADi"] = casadi_sparse(lambda x: 1 / (1 + casadi.exp(-x)), x, notes)
    notes.append(f"JAX and PyTorch at n = {DENSE_AT:,}, dense")
    return Case(
        "∂σ(x)/∂x, n = 10⁶",
        planned=lambda: plan(x).diagonal(),
        new=lambda: cr.jacobian(cr.sigmoid)(x).diagonal(),
        plan=lambda: plan,
        peers=peers,
        bound=Bound("new", 4, "NumPy"),
        memory=("n numbers", 8 * x.size),
        notes=notes,
    )


def stencil(x: Any) -> Any:
    return x[2:] - 2 * x[1:-1] + x[:-2] + x[1:-1] ** 3


def stencil_closed(x: np.ndarray) -> csr_array:
    """The three bands written into CSR by hand."""
    n = x.size
    data = np.empty((n - 2, 3))
    data[:, 0] = data[:, 2] = 1
    data[:, 1] = 3 * x[1:-1] ** 2 - 2
    columns = np.arange(n - 2, dtype=np.int32)[:, None] + np.arange(3, dtype=np.int32)
    rows = np.arange(0, 3 * n - 5, 3, dtype=np.int32)
    return csr_array((data.ravel(), columns.ravel(), rows), shape=(n - 2, n))


def stencil_row(has: set[str]) -> Case:
    x = np.linspace(-1, 1, 10**6)
    small = x[:DENSE_AT].copy()
    plan = cr.jacobian(stencil).plan(x)
    notes: list[str] = []
    peers: dict[str, Callable[[], Any]] = {"NumPy": lambda: stencil_closed(x)}
    if "jax" in has:
        peers["JAX"] = jax_dense("jacfwd", stencil, small)
    if "torch" in has:
        peers["PyTorch"] = torch_dense("jacfwd", stencil, small)
    if "casadi" in has:
        peers["CasADi"] = casadi_sparse(stencil, x, notes)
    notes.append(f"JAX and PyTorch at n = {DENSE_AT:,}, dense")
    matrix = stencil_closed(x)
    size = matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes
    return Case(
        "x[2:] − 2x[1:−1] + x[:−2] + x[1:−1]³, n = 10⁶",
        planned=lambda: plan(x).tosparse(),
        new=lambda: cr.jacobian(stencil)(x).tosparse(),
        plan=lambda: plan,
        peers=peers,
        bound=Bound("new", 150),
        memory=("CSR matrices", size),
        dense=lambda found: found.data if isinstance(found, csr_array) else None,
        notes=notes,
    )


def factorisation_row(has: set[str]) -> Case:
    m, k = 200, 5
    notes: list[str] = []
    T, U, V = normal(m, m), normal(m, k, seed=1), normal(m, k, seed=2)

    def cost(U: Any, V: Any = V, T: Any = T) -> Any:
        return ((T - U @ V.T) ** 2).sum()

    plan = cr.hessian(cost).plan(U)
    peers: dict[str, Callable[[], Any]] = {"NumPy": lambda: 2 * V.T @ V}
    if "jax" in has:
        peers["JAX"] = jax_dense("hessian", cost, U, V, T)
    if "torch" in has:
        peers["PyTorch"] = torch_dense("hessian", cost, U, V, T)
    if "casadi" in has:
        import casadi

        TV = [casadi.DM(a.astype(float)) for a in (T, V)]
        peers["CasADi"] = casadi_sparse(
            lambda U: casadi.sumsqr(TV[0] - U @ TV[1].T), U, notes, is_hessian=True
        )
    return Case(
        "Hessian of ‖T − UVᵀ‖² by U, m = 200, k = 5",
        planned=lambda: computed(plan(U)),
        new=lambda: computed(cr.hessian(cost)(U)),
        plan=lambda: plan,
        peers=peers,
        bound=Bound("plan", 1),
        memory=("k² numbers", k * k * 4),
        dense=lambda H: None if np.shape(H) == (k, k) else np.asarray(H),
        notes=notes,
    )


def large_factorisation_row() -> Case:
    m, k = 100_000, 5
    t, U, V = normal(m, 1), normal(m, k, seed=1), normal(m, k, seed=2)

    def cost(U: Any) -> Any:
        return ((t - U @ V.T) ** 2).sum()  # every column of T is t

    plan = cr.hessian(cost).plan(U)
    return Case(
        "the same, m = 100,000",
        planned=lambda: computed(plan(U)),
        new=lambda: computed(cr.hessian(cost)(U)),
        plan=lambda: plan,
        peers={"NumPy": lambda: 2 * V.T @ V},
        memory=("V's bytes", V.nbytes),
        dense=None,
        notes=[
            "T has m equal columns, so that it fits; the residual of 40 GB is traced, never formed",
            f"‖T − UVᵀ‖² itself cannot be computed at this m; dense, H has {(m * k) ** 2 * 4:,} "
            "bytes",
        ],
    )


def quadratic_row(has: set[str]) -> Case:
    n = 2048
    A, x = normal(n, n), normal(n, seed=1)

    def form(x: Any, A: Any = A) -> Any:
        return x @ A @ x

    plan = cr.hessian(form).plan(x)
    peers: dict[str, Callable[[], Any]] = {"NumPy": lambda: A + A.T}
    if "jax" in has:
        peers["JAX"] = jax_dense("hessian", form, x, A)
    if "torch" in has:
        peers["PyTorch"] = torch_dense("hessian", form, x, A)
    return Case(
        "Hessian of xᵀAx, n = 2048",
        planned=lambda: plan(x).toarray(),
        new=lambda: cr.hessian(form)(x).toarray(),
        plan=lambda: plan,
        peers=peers,
        bound=Bound("plan", 1.3, "NumPy"),
        memory=("n×n arrays", n * n * 4),
        notes=["new also copies A, which the function captures"],
    )


def logistic_row(has: set[str]) -> Case:
    X, w = normal(2048, 256), normal(256, seed=1) / 16
    y = np.sign(normal(2048, seed=2))

    def cost(w: Any) -> Any:
        return np.logaddexp(0, -y * (X @ w)).sum()

    def closed() -> np.ndarray:
        s = 1 / (1 + np.exp(-(X @ w)))
        return (X.T * (s * (1 - s))) @ X

    plan = cr.hessian(cost).plan(w)
    peers: dict[str, Callable[[], Any]] = {"NumPy": closed}
    if "jax" in has:
        import jax.numpy as jnp

        peers["JAX"] = jax_dense(
            "hessian", lambda w, X, y: jnp.logaddexp(0, -y * (X @ w)).sum(), w, X, y
        )
    if "torch" in has:
        import torch

        peers["PyTorch"] = torch_dense(
            "hessian", lambda w, X, y: torch.nn.functional.softplus(-y * (X @ w)).sum(), w, X, y
        )
    notes = ["new also copies X, which the function captures"]
    if "casadi" in has:
        import casadi

        Xy = [casadi.DM(a.astype(float)) for a in (X, y)]
        peers["CasADi"] = casadi_sparse(
            lambda w: casadi.sum1(casadi.log1p(casadi.exp(-Xy[1] * (Xy[0] @ w)))),
            w, notes, is_hessian=True,
        )  # fmt: skip
    return Case(
        "Hessian of the logistic cost, 2048×256",
        planned=lambda: plan(w).toarray(),
        new=lambda: cr.hessian(cost)(w).toarray(),
        plan=lambda: plan,
        peers=peers,
        bound=Bound("plan", 1.3, "NumPy"),
        memory=("X's bytes", X.nbytes),
        notes=notes,
    )


def logsumexp_rows(has: set[str]) -> list[Case]:
    z = normal(1024)
    plan = cr.hessian(cr.logsumexp).plan(z)

    def softmax() -> np.ndarray:
        e = np.exp(z - z.max())
        return e / e.sum()

    def closed() -> np.ndarray:
        p = softmax()
        return np.diag(p) - np.outer(p, p)

    peers: dict[str, Callable[[], Any]] = {"NumPy": closed}
    if "jax" in has:
        import jax

        peers["JAX"] = jax_dense("hessian", jax.nn.logsumexp, z)
    if "torch" in has:
        import torch

        peers["PyTorch"] = torch_dense("hessian", lambda z: torch.logsumexp(z, 0), z)
    structured = Case(
        "Hessian of logsumexp, n = 1024, structured",
        planned=lambda: computed(plan(z)),
        new=lambda: computed(cr.hessian(cr.logsumexp)(z)),
        plan=lambda: plan,
        peers={"NumPy": softmax},
        bound=Bound("plan", 0.1),
        memory=("n numbers", z.nbytes),
        dense=None,
        notes=["NumPy: the softmax, which is all that the structure holds"],
    )
    dense = Case(
        "Hessian of logsumexp, n = 1024, dense",
        planned=lambda: plan(z).toarray(),
        new=lambda: cr.hessian(cr.logsumexp)(z).toarray(),
        plan=lambda: plan,
        peers=peers,
        bound=Bound("plan", 1.5, "JAX"),
        memory=("n×n arrays", z.size * z.nbytes),
    )
    return [structured, dense]


def network_rows(has: set[str]) -> list[Case]:
    n, layers = 64, 10
    A = [normal(n, n, seed=i) / 8 for i in range(layers)]
    x, y = normal(n, seed=20), normal(n, seed=21)

    def cost_with(tanh: Callable[[Any], Any]) -> Callable[..., Any]:
        def cost(A0: Any, *rest: Any) -> Any:
            f = tanh(A0 @ rest[-2])
            for Ai in rest[:-2]:
                f = tanh(Ai @ f)
            return 0.5 * ((f - rest[-1]) ** 2).sum()

        return cost

    cost = cost_with(np.tanh)

    def of_A0(A0: Any) -> Any:
        return cost(A0, *A[1:], x, y)

    plan = cr.hessian(of_A0).plan(A[0])
    peers: dict[str, Callable[[], Any]] = {}
    arguments = (*A, x, y)
    if "jax" in has:
        import jax.numpy as jnp

        peers["JAX"] = jax_dense("hessian", cost_with(jnp.tanh), *arguments)
    if "torch" in has:
        import torch

        peers["PyTorch"] = torch_dense("hessian", cost_with(torch.tanh), *arguments)
    size = f"{layers} layers {n}×{n}"
    structured = Case(
        f"Hessian by A0 of the cost of {size}, structured",
        planned=lambda: computed(plan(A[0])),
        new=lambda: computed(cr.hessian(of_A0)(A[0])),
        plan=lambda: plan,
        memory=("n×n arrays", n * n * 4),
        dense=None,
        notes=["no bound: the comparison is the next row's"],
    )
    dense = Case(
        f"Hessian by A0 of the cost of {size}, dense",
        planned=lambda: plan(A[0]).toarray(),
        new=lambda: cr.hessian(of_A0)(A[0]).toarray(),
        plan=lambda: plan,
        peers=peers,
        memory=("n²×n² arrays", n**4 * 4),
    )
    return [structured, dense]


ROWS: dict[str, Callable[[set[str]], list[Case]]] = {
    "sigmoid": lambda has: [sigmoid_row(has)],
    "stencil": lambda has: [stencil_row(has)],
    "factorisation": lambda has: [factorisation_row(has), large_factorisation_row()],
    "quadratic": lambda has: [quadratic_row(has)],
    "logistic": lambda has: [logistic_row(has)],
    "logsumexp": logsumexp_rows,
    "network": network_rows,
}


# -- measuring ------------------------------------------------------------------------------------


def compared(case: Case) -> list[str]:
    """Who gave the same numbers; raises where one did not."""
    if case.dense is None:
        return []
    ours = case.dense(case.new())
    ways = {"plan": case.planned, **case.peers}
    agree = []
    for label, run in ways.items():
        found = run()
        if label == "CasADi":
            continue
        other = case.dense(found)
        if other is None or np.shape(other) != np.shape(ours):
            continue
        scale = float(np.abs(ours).max())
        tolerance = 2e-4 if ours.dtype == np.float32 else 1e-10
        np.testing.assert_allclose(other, ours, rtol=0, atol=tolerance * scale, err_msg=label)
        agree.append(label)
    return agree


def medians(case: Case, rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """The median and the least of every contestant's times, taken by turns."""
    ways = {"new": case.new, "plan": case.planned, **case.peers}
    times: dict[str, list[float]] = {label: [] for label in ways}
    spent = dict.fromkeys(ways, 0.0)
    for _ in range(rounds):
        for label, run in ways.items():
            if spent[label] > 3:  # seconds: enough of one that is slow
                continue
            time.sleep(0.002)  # the one before may have threads that are still waiting for work
            start = time.perf_counter()
            times[label] += timed(run)
            spent[label] += time.perf_counter() - start
    return (
        {label: statistics.median(found) for label, found in times.items()},
        {label: min(found) for label, found in times.items()},
    )


def peak(run: Callable[[], Any]) -> int:
    """Bytes that one run has at most at a time, beyond those before it."""
    run()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        run()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def measured(case: Case, rounds: int) -> dict[str, Any]:
    agree = compared(case)
    middle, least = medians(case, rounds)
    plan = case.plan()
    unit, size = case.memory
    peaks = {"new": peak(case.new), "plan": peak(case.planned)}
    limit = case.bound.milliseconds(middle) if case.bound else None
    return {
        "case": case.name,
        "structure": plan.structure,
        "bytes": plan.nbytes,
        "dense_bytes": plan.dense_nbytes,
        "peak_bytes": peaks,
        "peak_times": {way: round(found / size, 3) for way, found in peaks.items()},
        "unit": unit,
        "milliseconds": middle,
        "least_milliseconds": least,
        "bound": str(case.bound) if case.bound else None,
        "bound_milliseconds": limit,
        "of_bound": {way: middle[way] / limit for way in ("new", "plan")} if limit else None,
        "kept_by": case.bound.of if case.bound else None,
        "agree": agree,
        "notes": case.notes,
    }


# -- the table ------------------------------------------------------------------------------------


def shown(milliseconds: float | None) -> str:
    if milliseconds is None:
        return "–"
    digits = 3 if milliseconds < 1 else 2 if milliseconds < 10 else 1 if milliseconds < 100 else 0
    return f"{milliseconds:,.{digits}f}"


COLUMNS = ("new", "plan", "NumPy", "JAX", "PyTorch", "CasADi")


def print_row(row: dict[str, Any]) -> None:
    """What a row is, as soon as it is measured; its times are in the table at the end."""
    print(f"\n{row['case']}: {row['structure']}")
    print(f"  {row['bytes']:,} bytes structured, {row['dense_bytes']:,} dense")
    for way, in_bytes in row["peak_bytes"].items():
        print(f"  peak of {way}: {in_bytes:,} bytes = {row['peak_times'][way]:,.2f} {row['unit']}")
    if row["agree"]:
        print(f"  same numbers: {', '.join(['new', *row['agree']])}")
    for note in row["notes"]:
        print(f"  {note}")


def print_table(rows: list[dict[str, Any]], times: str, title: str) -> None:
    width = max(len(row["case"]) for row in rows)
    print(f"\n{title}".ljust(width + 1) + "".join(f"{way:>9}" for way in COLUMNS) + "  required")
    for row in rows:
        cells = "".join(f"{shown(row[times].get(way)):>9}" for way in COLUMNS)
        print(f"{row['case']:{width}}{cells}  {required(row, times)}")


def required(row: dict[str, Any], times: str) -> str:
    limit = row["bound_milliseconds"]
    if row["bound"] is None or limit is None or times != "milliseconds":
        return row["bound"] or "reported"
    ratio = row["of_bound"][row["kept_by"]]
    return f"{row['bound']}: {ratio:.2f} of it{'' if ratio <= 1 else ', MISSED'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each has its turn")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW",
                        help=", ".join(ROWS))  # fmt: skip
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    start = time.perf_counter()
    peers = installed()
    found = versions(peers)
    print(f"{processor()}; {', '.join(f'{name} {v}' for name, v in found.items())}")
    rows = []
    for name in options.only:
        for case in ROWS[name](set(peers)):
            rows.append(measured(case, options.rounds))
            print_row(rows[-1])
    seconds = time.perf_counter() - start
    print_table(rows, "milliseconds", "medians in ms")
    print_table(rows, "least_milliseconds", "least in ms")
    print(f"\n{seconds:.0f} s in all; medians and least of at most {2 * options.rounds} runs each")
    if options.json:
        report = {"cpu": processor(), "versions": found, "seconds": seconds, "rows": rows}
        options.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
