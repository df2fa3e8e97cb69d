"""Formulas made at random: read, evaluated and differentiated, beside NumPy itself.

Each is built for the shape that it is to have, so that nearly all of them can be computed; beside
every one stands the Python source that NumPy evaluates. What is found:

- an error that is not a sentence of this project's (foreign),
- a formula that takes longer than a second (slow),
- a value other than NumPy's (value),
- a derivative that an independent way does not confirm (derivative).

``python tests/fuzz/formulas.py --number 20000 --seed 1``
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.special

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import chainrule as cr
from chainrule.errors import ChainruleError
from chainrule.formulas import parse

SIZES = (1, 2, 3, 4)
SLOWEST = 1.0
ROUNDING = 1e-6
Shape = tuple[int, ...]

UNARY = {
    "exp": "np.exp", "log": "np.log", "sqrt": "np.sqrt", "sin": "np.sin", "cos": "np.cos",
    "tanh": "np.tanh", "sigmoid": "scipy.special.expit", "σ": "scipy.special.expit",
    "relu": "relu", "abs": "np.abs", "log1p": "np.log1p", "expm1": "np.expm1",
    "square": "np.square", "arctan": "np.arctan", "cosh": "np.cosh", "sinh": "np.sinh",
}  # fmt: skip
REDUCTIONS = {
    "sum": "np.sum", "mean": "np.mean", "max": "np.max", "min": "np.min",
    "logsumexp": "scipy.special.logsumexp", "norm": "np.linalg.norm",
}  # fmt: skip
ALONG = {"softmax": "scipy.special.softmax", "log_softmax": "scipy.special.log_softmax"}
NUMBERS = ("2", "3", "0.5", "1", "0.1")


class Made(NamedTuple):
    """A formula and the Python source of the same."""

    formula: str
    source: str


class Maker:
    """Makes formulas, and the names that they are of."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.shapes: dict[str, Shape] = {}

    def name(self, shape: Shape) -> Made:
        known = [name for name, own in self.shapes.items() if own == shape]
        if known and self.random.random() < 0.6:
            text = self.random.choice(known)
        else:
            letter = "sxAT"[len(shape)] if len(shape) < 3 else "T"
            text = f"{letter}{sum(name[0] == letter for name in self.shapes)}"
            self.shapes[text] = shape
        return Made(text, text)

    def size(self) -> int:
        return self.random.choice(SIZES)

    def of(self, shape: Shape, depth: int) -> Made:
        """A formula of a shape."""
        if depth <= 0 or self.random.random() < 0.12:
            if not shape and self.random.random() < 0.3:
                number = self.random.choice(NUMBERS)
                return Made(number, f"np.float64({number})")
            return self.name(shape)
        kinds = [self.sum, self.product, self.unary, self.negative, self.quotient, self.power]
        kinds += [self.choice, self.unary]
        kinds += {0: [self.reduced, self.reduced, self.inner, self.of_square, self.bars],
                  1: [self.along, self.matvec, self.reduced_axis, self.raised, self.solved],
                  2: [self.along, self.matmul, self.matmul, self.transposed, self.outer,
                      self.inverted]}[len(shape)]  # fmt: skip
        return self.random.choice(kinds)(shape, depth - 1)

    # -- kinds ------------------------------------------------------------------------------------

    def sum(self, shape: Shape, depth: int) -> Made:
        sign = self.random.choice("+-")
        a, b = self.of(shape, depth), self.of(self.broadcast(shape), depth)
        return Made(f"({a.formula} {sign} {b.formula})", f"({a.source} {sign} {b.source})")

    def broadcast(self, shape: Shape) -> Shape:
        if self.random.random() < 0.7:
            return shape
        return self.random.choice([(), shape[-1:], tuple(1 for _ in shape)])

    def product(self, shape: Shape, depth: int) -> Made:
        sign = self.random.choice("*⊙")
        a, b = self.of(self.broadcast(shape), depth), self.of(shape, depth)
        return Made(f"({a.formula} {sign} {b.formula})", f"({a.source} * {b.source})")

    def quotient(self, shape: Shape, depth: int) -> Made:
        a, b = self.of(shape, depth), self.of(self.broadcast(shape), depth)
        return Made(f"({a.formula} / (2 + {b.formula}**2))", f"({a.source} / (2 + {b.source}**2))")

    def power(self, shape: Shape, depth: int) -> Made:
        a, p = self.of(shape, depth), self.random.choice(["2", "3", "(-1)", "0.5", "(-2)", "1"])
        sign = self.random.choice(["**", "^"])
        return Made(f"(({a.formula}){sign}{p})", f"(({a.source}) ** np.float64({p}))")

    def raised(self, shape: Shape, depth: int) -> Made:
        a = self.of(shape, depth)
        raised, p = self.random.choice([("²", 2), ("³", 3), ("⁻¹", -1)])
        return Made(f"(({a.formula}){raised})", f"(({a.source}) ** np.float64({p}))")

    def unary(self, shape: Shape, depth: int) -> Made:
        a, name = self.of(shape, depth), self.random.choice(list(UNARY))
        return Made(f"{name}({a.formula})", f"{UNARY[name]}({a.source})")

    def negative(self, shape: Shape, depth: int) -> Made:
        a, sign = self.of(shape, depth), self.random.choice("-−")
        return Made(f"({sign}{a.formula})", f"(-{a.source})")

    def choice(self, shape: Shape, depth: int) -> Made:
        a, b = self.of(shape, depth), self.of(shape, depth)
        name = self.random.choice(["maximum", "minimum"])
        return Made(f"{name}({a.formula}, {b.formula})", f"np.{name}({a.source}, {b.source})")

    def reduced(self, shape: Shape, depth: int) -> Made:
        rank = self.random.choice([1, 1, 2, 2])
        a = self.of(tuple(self.size() for _ in range(rank)), depth)
        name = self.random.choice(list(REDUCTIONS))
        return Made(f"{name}({a.formula})", f"{REDUCTIONS[name]}({a.source})")

    def reduced_axis(self, shape: Shape, depth: int) -> Made:
        axis = self.random.choice([0, 1])
        inner = [shape[0], shape[0]]
        inner[axis] = self.size()
        a, name = self.of((inner[0], inner[1]), depth), self.random.choice(list(REDUCTIONS))
        source = f"{REDUCTIONS[name]}({a.source}, axis={axis})"
        return Made(f"{name}({a.formula}, axis={axis})", source)

    def along(self, shape: Shape, depth: int) -> Made:
        a, name = self.of(shape, depth), self.random.choice(list(ALONG))
        axis = self.random.choice(range(-len(shape), len(shape)))
        source = f"{ALONG[name]}({a.source}, axis={axis})"
        return Made(f"{name}({a.formula}, axis={axis})", source)

    def inner(self, shape: Shape, depth: int) -> Made:
        n = self.size()
        a, b = self.of((n,), depth), self.of((n,), depth)
        turned = self.random.choice(["", "'", "^T", "ᵀ"])
        sign = self.random.choice("@·") if not turned else "@"
        return Made(f"(({a.formula}){turned} {sign} {b.formula})", f"({a.source} @ {b.source})")

    def matvec(self, shape: Shape, depth: int) -> Made:
        n = self.size()
        A, x = self.of((shape[0], n), depth), self.of((n,), depth)
        return Made(f"({A.formula} @ {x.formula})", f"({A.source} @ {x.source})")

    def matmul(self, shape: Shape, depth: int) -> Made:
        n = self.size()
        A, B = self.of((shape[0], n), depth), self.of((n, shape[1]), depth)
        return Made(f"({A.formula} @ {B.formula})", f"({A.source} @ {B.source})")

    def transposed(self, shape: Shape, depth: int) -> Made:
        A = self.of(shape[::-1], depth)
        sign = self.random.choice([".T", "'", "^T", "ᵀ"])
        return Made(f"({A.formula}){sign}", f"(({A.source}).T)")

    def outer(self, shape: Shape, depth: int) -> Made:
        a, b = self.of(shape[:1], depth), self.of(shape[1:], depth)
        return Made(f"outer({a.formula}, {b.formula})", f"np.outer({a.source}, {b.source})")

    def square(self, n: int, depth: int) -> Made:
        """A matrix that is regular at nearly every point."""
        A, E = self.of((n, n), depth), self.name((n, n))
        return Made(f"({A.formula} + 3 * {E.formula})", f"({A.source} + 3 * {E.source})")

    def inverted(self, shape: Shape, depth: int) -> Made:
        if shape[0] != shape[1]:
            return self.matmul(shape, depth)
        A = self.square(shape[0], depth)
        form = self.random.choice(["inv({})", "({})⁻¹"])
        return Made(form.format(A.formula), f"np.linalg.inv({A.source})")

    def solved(self, shape: Shape, depth: int) -> Made:
        A, b = self.square(shape[0], depth), self.of(shape, depth)
        source = f"np.linalg.solve({A.source}, {b.source})"
        return Made(f"solve({A.formula}, {b.formula})", source)

    def of_square(self, shape: Shape, depth: int) -> Made:
        A = self.square(self.size(), depth)
        form, source = self.random.choice([
            ("det({})", "np.linalg.det({})"), ("|{}|", "np.linalg.det({})"),
            ("logdet({})", "np.linalg.slogdet({})[1]"), ("tr({})", "np.trace({})"),
        ])  # fmt: skip
        return Made(form.format(A.formula), source.format(A.source))

    def bars(self, shape: Shape, depth: int) -> Made:
        if self.random.random() < 0.5:
            a = self.of((), depth)
            return Made(f"|({a.formula})|", f"np.abs({a.source})")
        a = self.of(self.random.choice([(3,), (2, 3)]), depth)
        return Made(f"‖({a.formula})‖", f"np.linalg.norm({a.source})")


class Found(NamedTuple):
    """What is wrong with a formula."""

    kind: str
    formula: str
    shapes: dict[str, Shape]
    detail: str


NAMESPACE = {"np": np, "scipy": scipy, "relu": lambda x: np.maximum(x, 0)}


def formula_number(number: int, seed: int) -> tuple[Made, dict[str, np.ndarray], Maker]:
    maker = Maker(seed * 10**6 + number)
    rank = maker.random.choice([0, 0, 0, 1, 2])
    made = maker.of(tuple(maker.size() for _ in range(rank)), maker.random.choice([2, 3, 4]))
    if not maker.shapes:
        name = maker.name(())
        made = Made(f"{made.formula} * {name.formula}", f"{made.source} * {name.source}")
    rng = np.random.default_rng([seed, number])
    values = {
        name: rng.uniform(0.3, 1.7, shape) * (1 if maker.random.random() < 0.7 else -1)
        for name, shape in maker.shapes.items()
    }
    return made, values, maker


def examine(number: int, seed: int, tally: Counter[str]) -> Found | None:
    """Read, evaluate and derive one formula."""
    made, values, maker = formula_number(number, seed)
    start = time.process_time()
    try:
        found = _examined(made, values, maker, tally)
    except ChainruleError as error:
        tally["refused"] += 1
        found = None if len(str(error).splitlines()) <= 4 else ("sentence", str(error))
    except Exception as error:
        found = ("foreign", f"{type(error).__name__}: {error}")
    seconds = time.process_time() - start
    if found is None and seconds > SLOWEST:
        found = ("slow", f"{seconds:.1f} s")
    return found and Found(found[0], made.formula, maker.shapes, found[1])


def _examined(
    made: Made, values: dict[str, Any], maker: Maker, tally: Counter[str]
) -> tuple[str, str] | None:
    formula = parse(made.formula)
    if parse(str(formula)) != formula:
        return "notation", str(formula)
    f = formula.function()
    args = [values[name] for name in formula.names]
    with np.errstate(all="ignore"):
        value, wanted = f(*args), eval(made.source, {**NAMESPACE, **values})
    # The same functions in the same order; expit and softmax are computed in two ways.
    if not np.allclose(value, wanted, rtol=1e-10, atol=1e-12, equal_nan=True):
        return "value", f"{value} for {wanted}"
    finite = np.isfinite(wanted).all()
    tally["finite" if finite else "not finite"] += 1
    by = maker.random.choice(formula.names)
    derivation = cr.derive(f, by if len(formula.names) > 1 else 0)(*args)
    str(derivation), derivation.latex()
    if not finite or derivation.notices:
        tally["at a kink" if finite else "derivative not compared"] += 1
        return None
    step = derivation.targets[0]
    if not np.isfinite(step.value).all():
        tally["derivative not finite"] += 1
        return None
    # A step allows 1e-10; a matrix that is nearly singular magnifies rounding beyond that.
    wrong = [s for s in derivation.steps if not s.check.ok and not s.check.error < ROUNDING]
    tally["ill-conditioned"] += not derivation.ok and not wrong
    if wrong:
        found = ", ".join(f"∂/∂{w.bottom} {w.check.error:.1e} {w.check.method}" for w in wrong)
        return "derivative", f"by {by}: {found}"
    tally["derivatives confirmed"] += 1
    return None


def run(number: int, seed: int, tally: Counter[str]) -> Iterator[Found]:
    """Formulas 0 … number − 1 of a seed: what is wrong, and in the tally how many of each kind."""
    for k in range(number):
        found = examine(k, seed, tally)
        tally["formulas"] += 1
        if found is not None:
            tally[found.kind] += 1
            yield found


def main() -> int:
    parser = argparse.ArgumentParser(description="Formulas made at random, beside NumPy.")
    parser.add_argument("--number", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    tally: Counter[str] = Counter()
    wrong = 0
    for item in run(options.number, options.seed, tally):
        wrong += 1
        print(f"{item.kind}: {item.formula}  {item.shapes}\n    {item.detail}", flush=True)
    print(dict(tally))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
