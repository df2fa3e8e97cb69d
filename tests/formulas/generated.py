"""Generated formulas, each with the Python source that an evaluator of the tests runs with NumPy.

The source is written with every bracket; Python's own ``ast.unparse`` then leaves out those that
precedence makes superfluous, and the formula is that text in one of the language's spellings. So
neither precedence nor meaning is taken from the parser under test.
"""

from __future__ import annotations

import ast
import re
from typing import Any, NamedTuple

import numpy as np
import scipy.special
from hypothesis import strategies as st

NAMES = ("A", "B", "C", "x", "y", "c")
SHAPES = ((), (1,), (2,), (3,), (2, 2), (2, 3), (3, 2), (3, 3), (1, 3), (2, 3, 3))
NUMBERS = ("0.5", "2", "3")

UNARY = (
    "exp log sqrt sin cos tan tanh sigmoid relu log1p expm1 abs square arctan sinh cosh det logdet"
    " inv diag trace transpose norm sum mean max min softmax log_softmax logsumexp"
).split()
WITH_AXIS = "sum mean max min softmax log_softmax logsumexp norm".split()
BINARY = "dot outer kron solve maximum minimum".split()
OPERATORS = "+ - * / @ **".split()

FUNCTIONS: dict[str, Any] = {
    **{
        name: getattr(np, name)
        for name in "exp log sqrt sin cos tan tanh log1p expm1 abs square arctan sinh cosh diag"
        " trace transpose sum mean max min dot outer kron maximum minimum".split()
    },
    "sigmoid": scipy.special.expit,
    "relu": lambda x: np.maximum(x, 0),
    "softmax": lambda x, axis=-1: scipy.special.softmax(x, axis=_existing(x, axis)),
    "log_softmax": lambda x, axis=-1: scipy.special.log_softmax(x, axis=_existing(x, axis)),
    "logsumexp": lambda x, axis=None: scipy.special.logsumexp(x, axis=axis),
    "norm": np.linalg.norm,
    "det": np.linalg.det,
    "inv": np.linalg.inv,
    "solve": np.linalg.solve,
    "logdet": lambda A: np.linalg.slogdet(A)[1],
}


def _existing(x: Any, axis: int) -> int:
    """The axis itself; NumPy's error where there is none, also for a number."""
    np.sum(x, axis=axis) if np.ndim(x) else np.sum(np.zeros(()), axis=5)
    return axis


@st.composite
def sources(draw: st.DrawFn, depth: int = 3) -> str:
    """A Python expression with every bracket; numbers are written as names, ``num_2``."""
    if depth == 0 or draw(st.integers(0, 5)) == 0:
        if draw(st.integers(0, 4)) == 0:
            return "num_" + draw(st.sampled_from(NUMBERS)).replace(".", "p")
        return draw(st.sampled_from(NAMES))
    inner = sources(depth - 1)
    kind = draw(st.integers(0, 6))
    if kind <= 2:
        operator = draw(st.sampled_from(OPERATORS))
        return f"({draw(inner)} {operator} {draw(inner)})"
    if kind == 3:
        return draw(st.sampled_from(["(-{})", "({}).T"])).format(draw(inner))
    if kind == 4:
        return f"{draw(st.sampled_from(BINARY))}({draw(inner)}, {draw(inner)})"
    if kind == 5:
        axis = draw(st.integers(-3, 2))
        return f"{draw(st.sampled_from(WITH_AXIS))}({draw(inner)}, axis={axis})"
    return f"{draw(st.sampled_from(UNARY))}({draw(inner)})"


SPELLINGS = (
    (r"\.T\b", (".T", "'", "ᵀ")),
    (r" \*\* ", (" ** ", "^", "**")),
    (r" \* ", (" * ", " ⊙ ", "*")),
    (r" - ", (" - ", " − ", "-")),
    (r" @ ", (" @ ", "@", "\t@ ")),
    (r"\b(exp|log|sum|mean|sin|dot|kron)\(", (r"\1(", r"np.\1(", r"numpy.\1( ")),
    (r"\b(norm|det|inv)\(", (r"\1(", r"np.linalg.\1(")),
    (r"\btrace\(", ("trace(", "tr(")),
    (r"\bsigmoid\(", ("sigmoid(", "σ(")),
)


class Generated(NamedTuple):
    """A formula, and what computes it independently."""

    text: str
    source: str

    def value(self, arrays: dict[str, Any]) -> Any:
        """By Python and NumPy."""
        numbers = {f"num_{n.replace('.', 'p')}": np.float64(n) for n in NUMBERS}
        with np.errstate(all="ignore"):
            return eval(self.source, {**FUNCTIONS, **numbers, **arrays})


@st.composite
def formulas(draw: st.DrawFn) -> Generated:
    """A formula in some spelling, with its source."""
    source = draw(sources())
    text = ast.unparse(ast.parse(source, mode="eval"))
    text = re.sub(r"num_(\w+)\.T", r"(num_\1).T", text)  # 2.T would be the number 2. and a T
    text = re.sub(r"num_(\d)p?(\d*)", lambda m: m[1] + ("." + m[2] if m[2] else ""), text)
    for pattern, ways in SPELLINGS:
        text = re.sub(pattern, draw(st.sampled_from(ways)), text)
    return Generated(text, source)


given_shapes = st.fixed_dictionaries({name: st.sampled_from(SHAPES) for name in NAMES})


def arrays_of(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> dict[str, Any]:
    """Numbers from 0.3 to 1.7, no two alike."""
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(0.3, 1.7, shape) for name, shape in shapes.items()}
