"""Right and wrong gradients of random functions: cr.check must tell them apart, always.

    python -m tests.fuzz.gradients --number 1000 --seed 0

A function is a random composition of the hand-written layers of tests/checking/mutants.py,
behind an entry that may be a vector or a matrix; its gradient is a loop over their backward steps
in NumPy, and the library takes no part in it. A right gradient is written in one of several ways; a
wrong one has a wrong backward step, or its numbers are changed.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.checking.judging import check
from tests.checking.mutants import COSTS, LAYERS, Mutant, N

SECONDS = 2.0
"""Of processor time for one check: what is slower is listed."""

DIFFERS = 1e-4
"""Relative: float32 is good to 4e-6 at the most, and what differs by less may be its rounding."""


@dataclass(frozen=True)
class Case:
    """A function, a gradient of it, whether that is right, and the point."""

    name: str
    f: Callable[..., Any]
    gradient: Any
    is_right: bool
    args: tuple[Any, ...]


# -- functions ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """How the argument becomes the vector that the layers take, and how a cotangent goes back."""

    name: str
    shape: tuple[int, ...]
    forward: Callable[..., Any]
    backward: Callable[..., Any]


ENTRIES = (
    Entry("x", (N,), lambda x, v, M: x, lambda d, x, v, M: d),
    Entry("W v", (N, 3), lambda W, v, M: W @ v, lambda d, W, v, M: np.outer(d, v)),
    Entry("v W", (3, N), lambda W, v, M: v @ W, lambda d, W, v, M: np.outer(v, d)),
    Entry("M w", (3,), lambda w, v, M: M @ w, lambda d, w, v, M: M.T @ d),
    Entry("M w + w.w", (3,), lambda w, v, M: M @ w + w @ w, lambda d, w, v, M: (
        M.T @ d + 2 * w * d.sum())),
    Entry("rows", (5, N), lambda X, v, M: X.mean(axis=0), lambda d, X, v, M: (
        np.tile(d / len(X), (len(X), 1)))),
    Entry("scaled", (N,), lambda x, v, M: x * v[0], lambda d, x, v, M: d * v[0]),
)  # fmt: skip


@dataclass(frozen=True)
class Composition:
    """An entry and layers behind it; with the place of a mistake, or without one."""

    entry: Entry
    layers: Mutant

    def f(self, x, v, M):
        return self.layers.f(self.entry.forward(x, v, M))

    def right(self, x, v, M):
        return self.entry.backward(self.layers.right(self.entry.forward(x, v, M)), x, v, M)

    def wrong(self, x, v, M):
        return self.entry.backward(self.layers.wrong(self.entry.forward(x, v, M)), x, v, M)

    def __str__(self):
        return f"{self.entry.name} | {self.layers}"


def composition(rng: np.random.Generator) -> Composition:
    """Up to three layers and a cost, with a mistake in one that may have one."""
    depth = int(rng.integers(0, 4))
    drawn = [LAYERS[k] for k in rng.integers(0, len(LAYERS), depth)]
    layers = (*drawn, COSTS[int(rng.integers(len(COSTS)))])
    places = [k for k, layer in enumerate(layers) if layer.wrong]
    place = int(rng.choice(places)) if places else 0
    mistakes = sorted(layers[place].wrong) or [""]
    mistake = mistakes[int(rng.integers(len(mistakes)))]
    return Composition(ENTRIES[int(rng.integers(len(ENTRIES)))], Mutant(layers, place, mistake))


# -- right gradients, written in several ways -----------------------------------------------------


def _by_columns(c: Composition, x, v, M):
    """Forward mode, one entry after the other."""
    units = np.eye(x.size).reshape(x.size, *x.shape)
    columns = [cr.jvp(lambda x: c.f(x, v, M), (x,), (unit,))[1] for unit in units]
    return np.array(columns).reshape(x.shape)


def _by_matrices(c: Composition, x, v, M):
    """All Jacobians written out, each from its backward step, and multiplied from the right."""
    values = [c.entry.forward(x, v, M)]
    for layer in c.layers.layers:
        values.append(layer.forward(values[-1]))
    row = np.eye(N)
    for layer, z, f in zip(c.layers.layers, values[:-1], values[1:], strict=True):
        units = np.eye(N) if np.ndim(f) else np.ones(1)
        row = np.array([layer.backward(unit, z, f) for unit in units]) @ row
    return c.entry.backward(row[0], x, v, M)


def _by_differences(c: Composition, x, v, M):
    """Central differences with Richardson's extrapolation: good to about 1e-10."""
    found = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        slopes = []
        for h in (1e-3, 5e-4, 2.5e-4):
            up, down = x.copy(), x.copy()
            up[index] += h
            down[index] -= h
            slopes.append((c.f(up, v, M) - c.f(down, v, M)) / (2 * h))
        one, two = ((4 * b - a) / 3 for a, b in pairwise(slopes))
        found[index] = (16 * two - one) / 15
    return found


def _in_float32(c: Composition, x, v, M):
    return c.right(x, v, M).astype(np.float32)


WAYS: dict[str, Callable[..., Any]] = {
    "backwards": lambda c, x, v, M: c.right(x, v, M),
    "by columns": _by_columns,
    "by matrices": _by_matrices,
    "by differences": _by_differences,
    "rounded to float32": _in_float32,
    "a list": lambda c, x, v, M: c.right(x, v, M).tolist(),
    "in halves": lambda c, x, v, M: c.right(x, v, M) / 3 + c.right(x, v, M) * (2 / 3),
    "by cr.grad": lambda c, x, v, M: cr.grad(c.f)(x, v, M),
}


# -- wrong numbers --------------------------------------------------------------------------------


def _one_entry(g, rng):
    g = np.array(g)
    index = tuple(int(rng.integers(n)) for n in g.shape)
    g[index] += (0.5 + rng.random()) * (np.abs(g).max() + 0.1)
    return g


def _mixed(g, rng):
    order = np.roll(np.arange(g.size), 1)
    return g.ravel()[order].reshape(g.shape)


CHANGES: dict[str, Callable[..., Any]] = {
    "one entry": _one_entry,
    "mixed": _mixed,
    "a factor": lambda g, rng: g * (1.0 + 10.0 ** rng.uniform(-3, 1)),
    "a term": lambda g, rng: g + 10.0 ** rng.uniform(-2, 0) * (np.abs(g).max() + 0.1),
    "noise": lambda g, rng: g + 0.01 * np.abs(g).max() * rng.standard_normal(g.shape),
    "signs": lambda g, rng: np.abs(g) - (np.abs(g) == 0),
    "zero": lambda g, rng: 0 * g,
    "squared": lambda g, rng: g * np.abs(g),
}


def _changed(c: Composition, name: str, seed: int) -> Callable[..., Any]:
    return lambda x, v, M: CHANGES[name](c.right(x, v, M), np.random.default_rng(seed))


# -- cases ----------------------------------------------------------------------------------------


def case(seed: int) -> Case | None:
    """The case of a seed; None where the mistake makes no difference, or nothing is finite."""
    rng = np.random.default_rng(seed)
    c = composition(rng)
    args = (rng.normal(size=c.entry.shape), rng.normal(size=3), rng.normal(size=(N, 3)))
    kind = int(rng.integers(4))
    if kind < 2:
        way = sorted(WAYS)[int(rng.integers(len(WAYS)))]
        made = Case(f"{c}: right, {way}", c.f, lambda *a: WAYS[way](c, *a), True, args)
    elif kind == 2 and c.layers.mistake:
        made = Case(f"{c}: wrong", c.f, c.wrong, False, args)
    else:
        change = sorted(CHANGES)[int(rng.integers(len(CHANGES)))]
        made = Case(f"{c}: right but for {change}", c.f, _changed(c, change, seed), False, args)
    with np.errstate(all="ignore"):
        value, right = np.asarray(c.f(*args)), c.right(*args)
        given = np.asarray(made.gradient(*args), float)
    if not (np.isfinite(value).all() and np.isfinite(right).all() and np.isfinite(given).all()):
        return None
    gap = np.abs(given - right).max() / max(float(np.abs(right).max()), 1e-300)
    if not made.is_right and not gap > DIFFERS:
        return None
    return replace(made, gradient=given) if rng.random() < 0.2 else made


def judge(made: Case) -> tuple[str, str, float]:
    """What is amiss with the check of a case (nothing, if all is well), the kind, and the time."""
    start = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            report = check(made.f, made.gradient, *made.args)
        text = str(report)
    except Exception as error:
        spent = time.process_time() - start
        return f"raises {type(error).__name__}: {error}", "error", spent
    spent = time.process_time() - start
    if report.ok is not made.is_right:
        return f"is called {'right' if report.ok else 'wrong'}: {text}", report.kind, spent
    return "", report.kind, spent


def run(number: int, seed: int) -> tuple[list[str], list[str], Counter[str], float]:
    """The faults, the slow ones, the kinds that were told, and the longest time."""
    faults, slow, longest = [], [], 0.0
    kinds: Counter[str] = Counter()
    done = 0
    while done < number:
        made = case(seed)
        if made is not None:
            done += 1
            fault, kind, spent = judge(made)
            kinds[kind] += 1
            longest = max(longest, spent)
            if fault:
                faults.append(f"seed {seed}, {made.name} {fault}")
            if spent > SECONDS:
                slow.append(f"seed {seed}, {made.name}: {spent:.2f} s")
        seed += 1
    return faults, slow, kinds, longest


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--number", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    faults, slow, kinds, longest = run(asked.number, asked.seed)
    for line in (*faults, *slow):
        print(line)
    print(", ".join(f"{kind} {count}" for kind, count in kinds.most_common()))
    print(f"{asked.number} gradients: {len(faults)} faults, {len(slow)} over {SECONDS} s, "
          f"the longest {longest:.2f} s")  # fmt: skip
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
