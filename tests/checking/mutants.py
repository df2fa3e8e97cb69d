"""Compositions of hand-written layers, each with a backward step and wrong versions of it.

Nothing here knows how the library differentiates: a gradient is a loop over backward steps in
NumPy, and a mistake is one of them replaced by a wrong one that a person might write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import chainrule as cr

N = 4
RNG = np.random.default_rng(12)
A, B, Q = (RNG.normal(size=(N, N)) for _ in range(3))
w, c, y = (RNG.normal(size=N) for _ in range(3))


@dataclass(frozen=True)
class Layer:
    """A function of a vector, how it pulls a cotangent d back, and wrong ways to do that.

    ``backward(d, x, f)`` has the value that came in and the one that went out.
    """

    name: str
    forward: Callable[[Any], Any]
    backward: Callable[[Any, Any, Any], Any]
    wrong: dict[str, tuple[tuple[str, ...], Callable[[Any, Any, Any], Any]]]


def sigma(z):
    return 1 / (1 + np.exp(-z))


def _product(p, d):
    return p * d - p * (p @ d)


def _standardised(x):
    return (x - x.mean()) / np.sqrt(x.var() + 0.1)


def _standard(d, x, f):
    return (d - d.mean() - f * (d @ f) / N) / np.sqrt(x.var() + 0.1)


def _unrolled(x):
    for _ in range(3):
        x = np.tanh(A @ x / 2)
    return x


def _through(d, x, slope, back):
    xs = [x]
    for _ in range(3):
        xs.append(np.tanh(A @ xs[-1] / 2))
    for a in reversed(xs[1:]):
        d = back(d * slope(a)) / 2
    return d


def _slope(a):
    return 1 - a * a


ONLY_A = ("forgotten transpose", "symmetric only")
LAYERS = (
    Layer("tanh", lambda x: np.tanh(x), lambda d, x, f: d * (1 - f * f), {
        "no slope": (("missing factor",), lambda d, x, f: d),
        "no square": (("wrong derivative",), lambda d, x, f: d * (1 - f)),
        "slope at f": (("wrong argument",), lambda d, x, f: d * (1 - np.tanh(f) ** 2)),
        "slope twice": (("extra factor",), lambda d, x, f: d * (1 - f * f) ** 2),
    }),
    Layer("sigmoid", lambda x: cr.sigmoid(x), lambda d, x, f: d * f * (1 - f), {
        "no slope": (("missing factor",), lambda d, x, f: d),
        "half a slope": (("missing factor",), lambda d, x, f: d * f),
        "other half": (("missing factor",), lambda d, x, f: d * (1 - f)),
    }),
    Layer("sigmoid by hand", lambda x: 1 / (1 + np.exp(-x)), lambda d, x, f: d * f * (1 - f), {
        "no slope": (("missing factor",), lambda d, x, f: d),
        "slope at f": (("wrong argument",), lambda d, x, f: d * sigma(f) * (1 - sigma(f))),
    }),
    Layer("sine", lambda x: np.sin(x), lambda d, x, f: d * np.cos(x), {
        "no slope": (("missing factor",), lambda d, x, f: d),
        "slope at f": (("wrong argument",), lambda d, x, f: d * np.cos(f)),
        "itself": (("wrong derivative",), lambda d, x, f: d * f),
    }),
    Layer("exp", lambda x: np.exp(0.5 * x), lambda d, x, f: 0.5 * d * f, {
        "no slope": (("missing factor", "constant factor"), lambda d, x, f: 0.5 * d),
        "no inner slope": (("constant factor",), lambda d, x, f: d * f),
    }),
    Layer("square", lambda x: x**2 / 4 + 1, lambda d, x, f: d * x / 2, {
        "no inner x": (("missing factor",), lambda d, x, f: d / 2),
    }),
    Layer("cube", lambda x: x**3 / 4, lambda d, x, f: 0.75 * d * x**2, {
        "no exponent": (("constant factor", "missing factor"), lambda d, x, f: 0.25 * d * x**2),
        "exponent kept": (("extra factor",), lambda d, x, f: 0.75 * d * x**3),
    }),
    Layer("A @ x", lambda x: A @ x, lambda d, x, f: A.T @ d, {
        "no transpose": (ONLY_A, lambda d, x, f: A @ d),
        "left out": (("missing factor",), lambda d, x, f: d),
    }),
    Layer("x @ B", lambda x: x @ B, lambda d, x, f: B @ d, {
        "one transpose": (ONLY_A, lambda d, x, f: B.T @ d),
    }),
    Layer("x + c", lambda x: x + c, lambda d, x, f: d, {}),
    Layer("c - x", lambda x: c - x, lambda d, x, f: -d, {
        "plus": (("wrong sign",), lambda d, x, f: d),
    }),
    Layer("w * x", lambda x: w * x, lambda d, x, f: w * d, {
        "left out": (("missing factor",), lambda d, x, f: d),
    }),
    Layer("x * sin(x)", lambda x: x * np.sin(x), lambda d, x, f: d * (np.sin(x) + x * np.cos(x)), {
        "first half": (("dropped term",), lambda d, x, f: d * np.sin(x)),
        "second half": (("dropped term",), lambda d, x, f: d * x * np.cos(x)),
        "minus": (("wrong sign",), lambda d, x, f: d * (np.sin(x) - x * np.cos(x))),
    }),
    Layer("softmax", lambda x: cr.softmax(x), lambda d, x, f: _product(f, d), {
        "diagonal": (("dropped term",), lambda d, x, f: f * d),
        "logistic": (("dropped term",), lambda d, x, f: f * (1 - f) * d),
    }),
    Layer("centred", lambda x: x - x.mean(), lambda d, x, f: d - d.mean(), {
        "constant mean": (("dropped term",), lambda d, x, f: d),
        "sum for mean": (("sum against mean",), lambda d, x, f: d - d.sum()),
    }),
    Layer("standardised", _standardised, _standard, {
        "both constant": (("dropped term",), lambda d, x, f: d / np.sqrt(x.var() + 0.1)),
        "variance constant": (("dropped term",), lambda d, x, f: (
            (d - d.mean()) / np.sqrt(x.var() + 0.1))),
        "no epsilon": (("wrong value",), lambda d, x, f: (
            (d - d.mean() - (x - x.mean()) * (d @ (x - x.mean())) / N / x.var()) / x.std())),
    }),
    Layer("three steps", _unrolled, lambda d, x, f: _through(d, x, _slope, lambda d: A.T @ d), {
        "no transposes": (("forgotten transpose",), lambda d, x, f: (
            _through(d, x, _slope, lambda d: A @ d))),
        "no slopes": (("missing factor",), lambda d, x, f: (
            _through(d, x, lambda a: 1.0, lambda d: A.T @ d))),
        "slopes at a": (("wrong argument",), lambda d, x, f: (
            _through(d, x, lambda a: _slope(np.tanh(a)), lambda d: A.T @ d))),
        "no matrices": (("missing factor",), lambda d, x, f: _through(d, x, _slope, lambda d: d)),
        "no squares": (("wrong derivative",), lambda d, x, f: (
            _through(d, x, lambda a: 1 - a, lambda d: A.T @ d))),
    }),
    Layer("arctan", lambda x: np.arctan(x), lambda d, x, f: d / (1 + x * x), {
        "a root": (("wrong derivative",), lambda d, x, f: d / np.sqrt(1 + x * x)),
        "minus": (("wrong derivative",), lambda d, x, f: d / (1 - x * x)),
        "its square": (("wrong derivative", "extra factor"), lambda d, x, f: d / (1 + x * x) ** 2),
    }),
    Layer("softplus", lambda x: np.logaddexp(0, x), lambda d, x, f: d * sigma(x), {
        "tanh": (("wrong derivative",), lambda d, x, f: d * np.tanh(x)),
    }),
    Layer("normalised", lambda x: x / np.sqrt(1 + x @ x), lambda d, x, f: (
        d / np.sqrt(1 + x @ x) - x * (d @ x) / (1 + x @ x) ** 1.5), {
        "constant norm": (("dropped term",), lambda d, x, f: d / np.sqrt(1 + x @ x)),
        "plus": (("wrong sign",), lambda d, x, f: (
            d / np.sqrt(1 + x @ x) + x * (d @ x) / (1 + x @ x) ** 1.5)),
    }),
)  # fmt: skip

COSTS = (
    Layer("½‖x − y‖²", lambda x: 0.5 * np.sum((x - y) ** 2), lambda d, x, f: d * (x - y), {
        "factor 2": (("constant factor",), lambda d, x, f: 2 * d * (x - y)),
        "sign": (("wrong sign",), lambda d, x, f: d * (y - x)),
        "mean": (("sum against mean",), lambda d, x, f: d * (x - y) / N),
    }),
    Layer("mean square", lambda x: np.mean((x - y) ** 2), lambda d, x, f: 2 * d * (x - y) / N, {
        "sum": (("sum against mean",), lambda d, x, f: 2 * d * (x - y)),
        "no 2": (("constant factor",), lambda d, x, f: d * (x - y) / N),
    }),
    Layer("x Q x", lambda x: x @ Q @ x, lambda d, x, f: d * (Q + Q.T) @ x, {
        "symmetric": (("symmetric only", "forgotten transpose"), lambda d, x, f: 2 * d * Q @ x),
        "half": (("dropped term",), lambda d, x, f: d * Q @ x),
    }),
    Layer("norm", lambda x: np.sqrt(1 + x @ x), lambda d, x, f: d * x / f, {
        "no denominator": (("extra factor", "missing factor"), lambda d, x, f: d * x),
        "no half": (("constant factor",), lambda d, x, f: 2 * d * x / f),
    }),
    Layer("logsumexp", lambda x: cr.logsumexp(x), lambda d, x, f: d * np.exp(x - f), {}),
)  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A composition with one backward step replaced by a wrong one."""

    layers: tuple[Layer, ...]
    place: int
    mistake: str

    @property
    def kinds(self) -> tuple[str, ...]:
        return self.layers[self.place].wrong[self.mistake][0]

    def f(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def _pulled(self, x, place):
        values = [x]
        for layer in self.layers:
            values.append(layer.forward(values[-1]))
        d = 1.0
        for k in reversed(range(len(self.layers))):
            layer = self.layers[k]
            step = layer.wrong[self.mistake][1] if k == place else layer.backward
            d = step(d, values[k], values[k + 1])
        return d

    def right(self, x):
        return self._pulled(x, None)

    def wrong(self, x):
        return self._pulled(x, self.place)

    def __str__(self) -> str:
        words = " | ".join(layer.name for layer in self.layers)
        return f"{words}: {self.layers[self.place].name}, {self.mistake}"


def mutant(rng: np.random.Generator) -> Mutant | None:
    """A random composition with a random mistake; None where the drawn step can have none."""
    depth = int(rng.integers(1, 5))
    drawn = [LAYERS[k] for k in rng.integers(0, len(LAYERS), depth)]
    layers = (*drawn, COSTS[int(rng.integers(len(COSTS)))])
    place = int(rng.integers(len(layers)))
    if not layers[place].wrong:
        return None
    mistakes = sorted(layers[place].wrong)
    return Mutant(layers, place, mistakes[int(rng.integers(len(mistakes)))])
