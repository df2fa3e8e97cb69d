"""Functions of arrays written down by Hypothesis: a few lines of NumPy, and arguments for them.

A function is text, so that a failure shows what to paste. Each line takes values of earlier lines;
a value used twice is a shared subexpression. Shapes and dtypes come from running the line on a
sample, and a line that does not run, or makes too much, is left out.
"""

from __future__ import annotations

import random
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import chainrule as cr

Array = np.ndarray[Any, Any]
LARGEST = 600
"""Elements of one value."""
LAST = 3
"""Values that a cost is made of; twice as many are results of a function of arrays."""

ONE = """
    np.absolute np.fabs np.sign np.rint np.floor np.ceil np.trunc np.spacing np.sqrt np.cbrt
    np.reciprocal np.exp np.exp2 np.expm1 np.log np.log2 np.log10 np.log1p np.tanh np.sinh np.cosh
    np.arcsinh np.arccosh np.arctanh np.sin np.cos np.tan np.arcsin np.arccos np.arctan np.degrees
    np.rad2deg np.radians np.deg2rad np.square np.negative cr.sigmoid cr.relu
""".split()
OF_ONE = [
    *(f"{name}({{x}})" for name in ONE),
    "np.log(np.abs({x}) + 0.5)", "np.sqrt({x} * {x} + 0.25)", "np.arcsin(np.tanh({x}))",
    "np.arccos(np.sin({x}))", "np.arctanh(0.5 * np.tanh({x}))", "np.arccosh(1.0 + {x} * {x})",
    "np.exp(-{x} * {x})", "1.0 / (1.0 + {x} * {x})", "(np.abs({x}) + 0.5) ** 1.7", "{x} ** 2",
    "{x} ** 3", "{x} ** 5", "{x} ** -1", "{x} ** -2.0", "{x} ** 0.5", "-{x}", "0.5 * {x}",
    "2.0 * {x} - 1.0", "{x} / 3.0", "3.0 / {x}", "1.0 - {x}", "np.clip({x}, -1.0, 2.0)",
    "{x} - {x}", "{x} + {x}", "{x} * {x} * {x}", "np.tanh({x}) * np.tanh({x})",
    "np.nan_to_num({x}, nan=7.0)", "{x} + np.arange({x}.shape[-1])", "np.ones_like({x}) - {x}",
]  # fmt: skip
OF_TWO = [
    "{x} + {y}", "{x} - {y}", "{x} * {y}", "{x} / {y}", "{x} / (np.abs({y}) + 0.5)",
    "np.maximum({x}, {y})", "np.minimum({x}, {y})", "np.fmax({x}, {y})", "np.fmin({x}, {y})",
    "np.arctan2({x}, {y})", "np.hypot({x}, {y})", "np.logaddexp({x}, {y})",
    "np.logaddexp2({x}, {y})", "np.copysign({x}, {y})", "np.heaviside({x}, {y})",
    "np.nextafter({x}, {y})", "np.power({x}, {y})", "np.float_power({x}, {y})",
    "(np.abs({x}) + 0.5) ** {y}", "np.where({x} > {y}, {x}, {y} * 2.0)",
    "{x} * np.exp(-{y} * {y})", "{x} * {y} + {x}", "{x} * {y} - {y} * {y}",
]  # fmt: skip
TRUTHS = [
    "{x} < {y}", "{x} <= {y}", "{x} > {y}", "{x} >= {y}", "{x} == {y}", "{x} != {y}",
    "np.isnan({x})", "np.isinf({x})", "np.isfinite({x})", "np.signbit({x})", "{x} > 0.25",
    "np.logical_not({x})", "np.logical_and({x}, {y})", "np.logical_or({x}, {y})",
    "np.logical_xor({x}, {y})", "{x}.astype(bool)",
]  # fmt: skip
OF_TRUTHS = ["{m} & {k}", "{m} | {k}", "{m} ^ {k}", "~{m}", "{m} == {k}", "{m}.astype(np.float64)",
             "{m}.astype(np.float32)"]  # fmt: skip
CHOICES = ["np.where({m}, {x}, {y})", "np.where({m}, {x}, 0.0)", "{m} * {x}", "{x} + {m}",
           "np.where({m}, np.sqrt({x}), {y})", "np.where({m}, 1.0, {x})"]  # fmt: skip
OF_AN_AXIS = [
    "{x}.sum(axis={a})", "{x}.sum(axis={a}, keepdims=True)", "{x}.mean(axis={a})",
    "{x} - {x}.mean(axis={a}, keepdims=True)", "{x}.max(axis={a})", "{x}.min(axis={a})",
    "{x} - {x}.max(axis={a}, keepdims=True)", "np.cumsum({x}, axis={a})",
    "np.flip(np.cumsum(np.flip({x}, {a}), axis={a}), {a})", "np.flip({x}, {a})",
    "np.roll({x}, 1, axis={a})", "np.diff({x}, axis={a})", "np.concatenate([{x}, {x}], axis={a})",
    "np.stack([{x}, {x} * 2.0], axis={a})", "np.repeat({x}, 2, axis={a})",
    "np.expand_dims({x}, {a})", "np.swapaxes({x}, {a}, 0)", "cr.softmax({x}, axis={a})",
    "cr.log_softmax({x}, axis={a})", "cr.logsumexp({x}, axis={a})", "{x}.prod(axis={a})",
    "np.take({x}, [0, -1, 0], axis={a})", "np.take({x}, [], axis={a}).sum(axis={a})",
    "np.sqrt(({x} * {x}).sum(axis={a}))", "np.exp({x} - {x}.max(axis={a}, keepdims=True))",
    "np.var({x}, axis={a})", "{x}[np.argmax({x}, axis={a}) * 0]", "np.sort({x}, axis={a})",
]  # fmt: skip
OF_ALL = [
    "{x}.sum()", "{x}.mean()", "{x}.max()", "{x}.min()", "{x} * {x}.sum()", "{x} / {x}.size",
    "{x} - {x}.mean()", "({x} * {x}).sum()", "{x}.ravel()", "{x}.reshape(-1, 1)",
    "{x}.reshape(1, -1)", "{x}.T", "{x}.T * 2.0", "{x}[..., None]", "{x}[None]", "{x}[::-1]",
    "{x}[..., ::2]", "{x}[1:]", "{x}[..., :-1]", "{x}[::-2, ...]", "{x}[..., 1::3]", "{x}[-1]",
    "{x}[..., 0]", "{x}[[0, 2, -1, 0]]", "np.pad({x}, 1)", "np.broadcast_to({x}, (2,) + {x}.shape)",
    "np.tril({x})", "np.triu({x}, 1)", "np.diagonal({x})", "np.diag({x})", "np.trace({x})",
    "np.squeeze({x})", "np.tile({x}, 2)", "{x}.astype(np.float32)", "{x}.astype(np.float64)",
    "{x} @ {x}.T", "{x}.T @ {x}", "np.einsum('i->', {x})", "np.einsum('ij->ji', {x})",
    "np.einsum('ii->i', {x})", "np.einsum('ii', {x})", "np.einsum('ij,kj->ik', {x}, {x})",
    "np.einsum('ij,ij->i', {x}, {x})", "np.einsum('ij,ij->', {x}, {x})", "np.outer({x}, {x})",
    "np.einsum('...i->...', {x})", "np.linalg.norm({x})", "np.concatenate([{x}, {x}[:1]])",
    "np.transpose({x})", "np.moveaxis({x}, 0, -1)", "{x}.reshape({x}.shape[::-1])",
]  # fmt: skip
PRODUCTS = [
    "{x} @ {y}", "{x} @ {y}.T", "{x}.T @ {y}", "np.tanh({x} @ {y})", "np.dot({x}, {y})",
    "np.outer({x}, {y})", "np.tensordot({x}, {y}, axes=1)", "np.einsum('ij,jk->ik', {x}, {y})",
    "np.einsum('ij,jk->ki', {x}, {y})", "np.einsum('ij,ij->i', {x}, {y})",
    "np.einsum('ij,j->i', {x}, {y})", "np.einsum('i,j->ij', {x}, {y})",
    "np.einsum('bij,bjk->bik', {x}, {y})", "np.einsum('ij,kj->', {x}, {y})",
    "np.einsum('ij,ik,il->jkl', {x}, {y}, {x})", "({x}[:, None] - {y}[None]).sum(axis=1)",
    "np.concatenate([{x}, {y}])", "np.concatenate([{x}, {y}], axis=-1)", "np.stack([{x}, {y}])",
    "np.where({x} > 0.0, {x} @ {y}, 0.0)", "{x} @ {y} + {x}[0, 0]", "np.inner({x}, {y})",
]  # fmt: skip
ASSIGNMENTS = ["{v}[1:] = {x}[:-1] * 2.0", "{v}[..., ::2] = 0.5", "{v}[0] = {x}.sum()",
               "{v} += {x}", "{v} *= 0.5", "{v}[..., -1] += {x}[..., 0]"]  # fmt: skip

ENDS = ["np.sum({x})", "np.mean({x})", "np.sum({x} * {x})", "np.sum(np.tanh({x}))",
        "np.sum({x} * np.cos(np.arange({x}.size)).reshape({x}.shape))"]  # fmt: skip


@dataclass(frozen=True)
class Written:
    """A function as text, and the shapes and dtypes of its arguments."""

    text: str
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    seed: int

    @property
    def function(self) -> Callable[..., Any]:
        space: dict[str, Any] = {"np": np, "cr": cr}
        exec(self.text, space)
        return space["f"]

    def arguments(self, kind: str, batch: tuple[int, ...] = ()) -> list[Array]:
        """Arguments of one kind, with more axes in front: see KINDS."""
        rng = np.random.default_rng([self.seed, sum(map(ord, kind))])
        return [
            np.asarray(KINDS[kind](rng, batch + shape, dtype) if dtype != "bool"
                       else rng.random(batch + shape) < 0.5)
            for shape, dtype in zip(self.shapes, self.dtypes, strict=True)
        ]  # fmt: skip

    def __repr__(self) -> str:
        kinds = zip(self.dtypes, self.shapes, strict=True)
        arguments = ", ".join(f"{dtype}{list(shape)}" for dtype, shape in kinds)
        return f"seed {self.seed}, arguments {arguments}\n{self.text}"


def _edges(rng: Any, shape: Any, dtype: str) -> Array:
    """Numbers at which functions are special, among others."""
    info = np.finfo(dtype)
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, info.smallest_subnormal, -info.tiny / 2,
               info.tiny, info.max, -info.max, 1.0, -1.0, 0.5, 88.8, -709.9, 1e15]  # fmt: skip
    chosen = rng.choice(np.array(special, dtype), shape)
    return np.where(rng.random(shape) < 0.4, chosen, rng.normal(size=shape)).astype(dtype)


KINDS: dict[str, Callable[..., Array]] = {
    "real": lambda rng, shape, dtype: rng.normal(size=shape).astype(dtype),
    "whole": lambda rng, shape, dtype: (rng.integers(-6, 7, shape) / 2).astype(dtype),
    "edges": _edges,
}

SHAPES: list[tuple[int, ...]] = [
    (), (1,), (3,), (5,), (8,), (17,), (33,), (0,), (2, 3), (3, 2), (4, 5), (5, 4), (1, 5), (5, 1),
    (3, 3), (4, 4), (16, 9), (9, 16), (33, 7), (7, 33), (0, 3), (3, 0), (2, 1, 3), (2, 3, 4),
]  # fmt: skip


@st.composite
def written(
    draw: Any, dtypes: Sequence[str] = ("float64",), lines: int = 12, to_number: bool = False
) -> Written:
    """A function of one to three arrays; its result is one number, or up to seven arrays."""
    count = draw(st.integers(1, 3))
    first = draw(st.sampled_from(SHAPES))
    names = ["a", "b", "c"][:count]
    related = [first, first, first[::-1], first[-1:], first[:-1], (*first[:-1], 1), (1, *first[1:])]
    shapes = (first, *(draw(st.sampled_from([*related, *SHAPES])) for _ in names[1:]))
    kinds = tuple(draw(st.sampled_from(list(dtypes))) for _ in names)
    program = Written("", shapes, kinds, draw(st.integers(0, 99)))
    writer = _Writer(dict(zip(names, program.arguments("real"), strict=True)))
    # A number for each line: what Hypothesis would choose itself is too often the first of a list.
    for number in draw(st.lists(st.integers(0, 2**31), min_size=lines // 2, max_size=lines)):
        writer.add_line(random.Random(f"{number} {len(writer.lines)}"))
    text = writer.text(names, random.Random(draw(st.integers(0, 2**31))), to_number)
    return Written(text, shapes, kinds, program.seed)


class _Writer:
    """The lines so far, and the values that they have for a sample."""

    def __init__(self, sample: dict[str, Array]) -> None:
        self.sample: dict[str, Any] = dict(sample)
        self.lines: dict[str, str] = {}

    def _names(self, kind: str) -> list[str]:
        return [name for name, value in self.sample.items() if value.dtype.kind == kind]

    def add_line(self, rng: random.Random) -> None:
        numbers, truths = self._names("f"), self._names("b")
        tables = [OF_ONE, OF_ONE, OF_TWO, OF_TWO, OF_ALL, OF_AN_AXIS, PRODUCTS, TRUTHS, ASSIGNMENTS]
        tables += [CHOICES, CHOICES, OF_TRUTHS] if truths else []
        table = rng.choice(tables)
        pattern, name = rng.choice(table), f"v{len(self.lines) + 1}"
        pattern = (
            f"{name} = {{x}}.copy(); {pattern}" if table is ASSIGNMENTS else f"{name} = {pattern}"
        )
        for _ in range(4):  # others are tried where shapes do not fit
            candidates = numbers or truths
            x = rng.choice([*candidates, *candidates[-2:], *[candidates[-1]] * 4])
            y = rng.choice([n for n in candidates if n != x or rng.random() < 0.1] or candidates)
            filled = {"x": x, "y": y, "a": rng.randint(-1, 1), "v": name}
            filled |= {"m": rng.choice(truths), "k": rng.choice(truths)} if truths else {}
            text = pattern.format(**filled)
            value = _tried(text, name, self.sample)
            if value is not None:
                self.lines[name], self.sample[name] = text, value
                return

    def text(self, arguments: Sequence[str], rng: random.Random, to_number: bool) -> str:
        """The function: the last values that no line uses are its results, and one other value."""
        used = " ".join(line.split(" = ", 1)[1] for line in self.lines.values())
        ends = [name for name in self.sample if not re.search(rf"\b{name}\b", used)]
        chosen = list(dict.fromkeys([*ends[: -1 - 2 * LAST : -1], rng.choice(list(self.sample))]))
        if to_number:
            numbers = [name for name in chosen[:LAST] if self.sample[name].dtype.kind == "f"]
            results = " + ".join(rng.choice(ENDS).format(x=name) for name in numbers)
            results = results or f"np.sum({arguments[0]}) * 2.0"
        else:
            results = f"{', '.join(chosen)}," if len(chosen) > 1 else chosen[0]
        kept = [f"return {results}"]
        for name, line in reversed(self.lines.items()):
            if any(re.search(rf"\b{name}\b", later) for later in kept):
                kept.insert(0, line)
        body = "\n".join(f"    {line}" for line in kept)
        return f"def f({', '.join(arguments)}):\n{body}"


def _tried(text: str, name: str, sample: dict[str, Any]) -> Any:
    """The value of a line, or None where it fails or is too large or no number."""
    space = {"np": np, "cr": cr, **sample}
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(text, space)
    except Exception:
        return None
    value = np.asarray(space[name])
    return value if value.size <= LARGEST and value.dtype.kind in "fb" else None
