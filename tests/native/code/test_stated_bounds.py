"""How far compiled results may be from interpreted ones, as docs/speed.md states it.

Each row: units in the last place. Each sum: a multiple of what rounding may do to n terms.

    python -m tests.native.code.test_stated_bounds

prints what is found. What several operations in a row may give: `test_generated_graphs`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.node import Node, make, new_input
from chainrule.interpret.run import Program
from chainrule.native.code.functions import EMITTERS
from chainrule.native.plan.planning import plan
from chainrule.native.run.program import NativeProgram
from chainrule.primitives.elementwise import ROWS
from tests.native.accuracy import every_exponent
from tests.project.imports import REPOSITORY

DTYPES = ["float32", "float64"]
UNITS = 4
"""Units in the last place between the two ways: native functions are within 2 of the true value
(`test_function_accuracy`), NumPy's own were found within 2 here."""
COUNT = 4000


def both(inputs: Sequence[Node], output: Node, arrays: Sequence[Any]) -> tuple[Any, Any]:
    native = NativeProgram(plan(inputs, [output], EMITTERS.keys()))
    with np.errstate(all="ignore"):
        return native(*arrays)[0], Program(inputs, [output])(*arrays)[0]


def points(name: str, dtype: str) -> list[Any]:
    """Of the row's domain, of every exponent, and what is special."""
    rng = np.random.default_rng(0)
    special = np.array([0.0, -0.0, 1.0, -1.0, 0.5, np.inf, -np.inf, np.nan], dtype)
    rows = []
    for k, (low, high) in enumerate(ROWS[name].domain):
        inside = rng.uniform(low, high, COUNT).astype(dtype)
        rows.append(np.concatenate([inside, every_exponent(dtype, COUNT, k), np.roll(special, k)]))
    least = min(map(len, rows))
    return [row[:least] for row in rows]


def units_between(a: Any, b: Any, least: Any = 0.0) -> float:
    """The largest difference in units in the last place; infinite where only one is NaN.

    The unit is that of the results, or of what is at ``least`` as large.
    """
    if a.dtype.kind != "f":
        return 0.0 if np.array_equal(a, b) else np.inf
    with np.errstate(all="ignore"):
        largest = np.finfo(a.dtype).max
        size = np.maximum(np.maximum(abs(a), abs(b)), least)
        size = np.clip(size, np.finfo(a.dtype).tiny, largest)
        # beyond the largest number comes infinity, as one unit more
        near = [np.clip(item, -largest, largest).astype(np.longdouble) for item in (a, b)]
        off = abs(near[0] - near[1]) / np.spacing(size).astype(np.longdouble)
        off = off + (np.isinf(a) != np.isinf(b))
    off = np.where(np.isnan(a) | np.isnan(b), np.where(np.isnan(a) == np.isnan(b), 0, np.inf), off)
    return float(off.max(initial=0.0))


def measured(name: str, dtype: str) -> float:
    arrays = points(name, dtype)
    inputs = [new_input(array.shape, array.dtype) for array in arrays]
    for node in inputs:
        node.finite = False
    found = both(inputs, make(ROWS[name], tuple(inputs)), arrays)
    # the sum of two powers may cancel: it is rounded as the larger of the two
    least = np.maximum(*map(np.abs, arrays)) if name in ("logaddexp", "logaddexp2") else 0.0
    return units_between(*found, least)


def is_of_numbers(name: str, dtype: str) -> bool:
    """Whether NumPy has the function for floating-point numbers."""
    try:
        with np.errstate(all="ignore"):
            ROWS[name].value(*[np.ones(1, dtype) for _ in ROWS[name].domain])
    except TypeError:
        return False
    return True


@pytest.mark.parametrize(
    ("name", "dtype"), [(n, d) for n in ROWS for d in DTYPES if is_of_numbers(n, d)]
)
def test_every_row(name: str, dtype: str):
    assert measured(name, dtype) <= UNITS


# -- sums and products ----------------------------------------------------------------------------

SUMS: dict[str, Any] = {
    "sum": (lambda A, B: A.sum(axis=0), 0),
    "sum of neighbours": (lambda A, B: A.reshape(7, -1).sum(axis=1), 0),
    "mean": (lambda A, B: A.mean(axis=0), 1),
    "sum of squares": (lambda A, B: (A * A).sum(axis=0), 1),
    "product of matrices": (lambda A, B: A.T @ B, 1),
    "product of three": (lambda A, B: np.einsum("ni,ni,nj->ij", A, A, B), 2),
    "cumulative sum": (lambda A, B: np.cumsum(A, axis=0), 0),
}
"""Sums of as many terms as there are rows, and how many multiplications a term takes."""


def share(name: str, dtype: str, n: int) -> float:
    """The largest difference between the two ways, in eps · Σ|terms|."""
    f, _ = SUMS[name]
    rng = np.random.default_rng(n)
    A, B = (
        (rng.normal(size=(n, 7)) * 10.0 ** rng.uniform(-4, 4, (n, 7))).astype(dtype)
        for _ in range(2)
    )
    native = cr.compile(f)(A, B)
    graph = cr.trace(f, A, B)
    interpreted = Program(graph.inputs, graph.outputs)(A, B)[0]
    terms = f(abs(A.astype(np.longdouble)), abs(B.astype(np.longdouble)))
    off = abs(native.astype(np.longdouble) - interpreted) / terms
    return float(off.max() / np.finfo(dtype).eps)


@pytest.mark.parametrize("n", [1, 2, 17, 400, 5000])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SUMS)
def test_sums_and_products(name: str, dtype: str, n: int):
    """Either way is within (n + k) · eps/2 · Σ|terms| of the sum, in any order (N. Higham, Accuracy
    and stability of numerical algorithms, 3.1 and 4.2): together they are within twice that."""
    assert share(name, dtype, n) <= n + SUMS[name][1]


# -- the page says the same -----------------------------------------------------------------------


def test_the_page_states_these_bounds():
    page = " ".join((REPOSITORY / "docs" / "speed.md").read_text("utf-8").split())
    assert re.search(rf"by at most {UNITS} units in the last place", page)
    assert "n · eps · Σ|terms|" in page


if __name__ == "__main__":
    for name in ROWS:
        for dtype in DTYPES:
            if is_of_numbers(name, dtype):
                print(f"{name:16} {dtype} {measured(name, dtype):.2f} units")
    for name in SUMS:
        for dtype in DTYPES:
            shares = ", ".join(f"{n}: {share(name, dtype, n):.2f}" for n in (2, 17, 400, 5000))
            print(f"{name:20} {dtype} eps · Σ|terms| times {shares}")
