"""Functions of arrays, made by Hypothesis: up to five steps, each of any kind that fits the shape.

A function takes ``np`` and ``nn`` and the array, so that JAX can run it too. Every step keeps its
values bounded and away from points where a derivative does not exist or is unbounded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import chainrule as cr

Array = Any
LARGEST = 36
"""Elements of an intermediate result: enough for every pattern, and quick."""


@dataclass(frozen=True)
class Step:
    """One operation in words and as a function of NumPy's namespace, the networks', and x."""

    words: str
    apply: Callable[[Any, Any, Array], Array]


@dataclass(frozen=True)
class Generated:
    """A composition of steps and the point to differentiate it at."""

    steps: tuple[Step, ...]
    x: np.ndarray

    def bound(self, numpy: Any = np, networks: Any = cr) -> Callable[[Array], Array]:
        def function(x: Array) -> Array:
            for step in self.steps:
                x = step.apply(numpy, networks, x)
            return x

        return function

    @property
    def function(self) -> Callable[[Array], Array]:
        return self.bound()

    def scalar(self, numpy: Any = np, networks: Any = cr) -> Callable[[Array], Array]:
        """The squares of the output, each with a weight of its own, summed."""
        function = self.bound(numpy, networks)

        def total(x: Array) -> Array:
            output = function(x)
            return (weights(output.shape) * output * output).sum()

        return total

    def __repr__(self) -> str:
        steps = " | ".join(step.words for step in self.steps)
        return f"{steps} at x of {self.x.dtype}{list(self.x.shape)} = {self.x.tolist()}"


def weights(shape: Sequence[int]) -> np.ndarray:
    """Fixed numbers of either sign, no two alike."""
    return np.cos(1.0 + 2.0 * np.arange(int(np.prod(shape)))).reshape(tuple(shape))


def point(shape: Sequence[int], seed: int = 0, dtype: Any = np.float64) -> np.ndarray:
    """Entries of either sign, 0.2 to 1.2 in size: away from kinks and ties."""
    rng = np.random.default_rng([len(shape), *shape, seed])
    return (rng.uniform(0.2, 1.2, shape) * rng.choice([-1.0, 1.0], shape)).astype(dtype)


ELEMENTWISE = (
    Step("tanh", lambda np, nn, x: np.tanh(x)),
    Step("sin", lambda np, nn, x: np.sin(x)),
    Step("square", lambda np, nn, x: x**2 / 2),
    Step("x - x³/9", lambda np, nn, x: x - x**3 / 9),
    Step("exp(-x²)", lambda np, nn, x: np.exp(-x * x)),
    Step("sigmoid", lambda np, nn, x: nn.sigmoid(x)),
    Step("relu", lambda np, nn, x: nn.relu(x - 0.0123)),
    Step("absolute", lambda np, nn, x: np.abs(x + 0.0123)),
    Step("maximum", lambda np, nn, x: np.maximum(x, 0.0321)),
    Step("minimum of two", lambda np, nn, x: np.minimum(x * x, 0.3 + np.sin(x))),
    Step("where", lambda np, nn, x: np.where(x > 0.0123, np.log1p(x * x), np.cos(x))),
    Step("weighted", lambda np, nn, x: weights(x.shape) * x + 0.5),
    Step("twice", lambda np, nn, x: x + x),
    Step("negative", lambda np, nn, x: -x),
    Step("constant", lambda np, nn, x: 0.0 * x + 1.5),
    Step("clip", lambda np, nn, x: np.clip(x, -0.71, 0.83)),
)

WHOLE = (  # of any shape with at least one axis and one element
    Step("normalised", lambda np, nn, x: x / (1.0 + (x * x).sum())),
    Step("times its sum", lambda np, nn, x: x * np.sin(x.sum())),
    Step("minus its mean", lambda np, nn, x: x - x.mean()),
    Step("sum of squares", lambda np, nn, x: (x * x).sum() / 4),
    Step("largest", lambda np, nn, x: x.max()),
    Step("logsumexp", lambda np, nn, x: nn.logsumexp(x)),
    Step("norm", lambda np, nn, x: np.sqrt((x * x).sum() + 0.1)),
    Step("ravel", lambda np, nn, x: x.ravel()),
)

VECTOR = (
    Step("outer product", lambda np, nn, x: np.outer(x, np.cos(x))),
    Step("x xᵀ", lambda np, nn, x: np.outer(x, x)),
    Step("all differences", lambda np, nn, x: x[:, None] - x[None, :] * 2),
    Step("x @ x", lambda np, nn, x: x @ x / 4),
    Step("diag", lambda np, nn, x: np.diag(x)),
    Step("three-point stencil", lambda np, nn, x: x[2:] - 2 * x[1:-1] + x[:-2] + x[1:-1] ** 3),
    Step("upwind", lambda np, nn, x: np.concatenate([x[:1], np.diff(x) * x[1:]])),
    Step("quadratic form", lambda np, nn, x: x @ weights((*x.shape, *x.shape)) @ x / 4),
    Step("convolution", lambda np, nn, x: np.pad(x, 1)[:-2] * 0.5 + np.pad(x, 1)[2:] * x),
)

MATRIX = (
    Step("X Xᵀ", lambda np, nn, x: x @ x.T / 2),
    Step("Xᵀ X", lambda np, nn, x: x.T @ x / 2),
    Step("X + column means", lambda np, nn, x: x + x.mean(axis=0)),
    Step("row sums outside", lambda np, nn, x: x * x.sum(axis=1, keepdims=True)),
    Step("tril", lambda np, nn, x: np.tril(x)),
    Step("triu", lambda np, nn, x: np.triu(x, 1)),
    Step("diagonal", lambda np, nn, x: np.diagonal(x)),
    Step("trace", lambda np, nn, x: np.trace(x) / 2),
    Step("kron", lambda np, nn, x: np.kron(x[:2, :2], x[:1])),
    Step("einsum", lambda np, nn, x: np.einsum("ij,kj->ik", x, np.sin(x)) / 2),
)

OF_AN_AXIS: dict[str, Callable[[Any, Any, Array, int], Array]] = {
    "sum": lambda np, nn, x, axis: x.sum(axis=axis) / 2,
    "mean": lambda np, nn, x, axis: x.mean(axis=axis, keepdims=True),
    "cumsum": lambda np, nn, x, axis: np.cumsum(x, axis=axis) / 2,
    "cumsum from behind": lambda np, nn, x, axis: np.flip(
        np.cumsum(np.flip(x, axis), axis=axis), axis
    ),
    "cumsum of cumsum": lambda np, nn, x, axis: np.cumsum(np.cumsum(x, axis=axis) / 2, axis=axis),
    "cumsum beside x": lambda np, nn, x, axis: np.cumsum(x, axis=axis) * x + np.sin(x),
    "two cumsums": lambda np, nn, x, axis: np.cumsum(x, axis) + np.cumsum(x * x, axis) / 2,
    "diff": lambda np, nn, x, axis: np.diff(x, axis=axis),
    "max": lambda np, nn, x, axis: x.max(axis=axis),
    "min": lambda np, nn, x, axis: x.min(axis=axis, keepdims=True),
    "softmax": lambda np, nn, x, axis: nn.softmax(x, axis=axis),
    "log_softmax": lambda np, nn, x, axis: nn.log_softmax(x, axis=axis) / 2,
    "logsumexp": lambda np, nn, x, axis: nn.logsumexp(x, axis=axis),
    "roll": lambda np, nn, x, axis: np.roll(x, 1, axis=axis) * x,
    "flip": lambda np, nn, x, axis: np.flip(x, axis=axis),
    "sort": lambda np, nn, x, axis: np.sort(x, axis=axis),
    "x beside sin(x)": lambda np, nn, x, axis: np.concatenate([x, np.sin(x)], axis=axis),
    "x beside itself": lambda np, nn, x, axis: np.concatenate([x, x], axis=axis),
    "stacked": lambda np, nn, x, axis: np.stack([x, x * x / 2], axis=axis),
    "repeated": lambda np, nn, x, axis: np.repeat(x, 2, axis=axis),
    "prod": lambda np, nn, x, axis: x.prod(axis=axis),
}
NEEDS_AN_ELEMENT = {"max", "min", "mean", "softmax", "log_softmax", "logsumexp"}

slices = st.builds(
    slice,
    st.none() | st.integers(-4, 4),
    st.none() | st.integers(-4, 4),
    st.sampled_from([None, 1, 2, 3, -1, -2]),
)
entire = st.just(slice(None))


@st.composite
def _sliced(draw: Any, shape: tuple[int, ...]) -> Step:
    axes = [entire | slices | (st.integers(-n, n - 1) if n else entire) for n in shape]
    key = tuple(draw(axis) for axis in axes)
    words = ", ".join(
        str(k) if isinstance(k, int) else f"{k.start}:{k.stop}:{k.step}".replace("None", "")
        for k in key
    )
    return Step(f"[{words}]", lambda np, nn, x: x[key])


@st.composite
def _padded(draw: Any, shape: tuple[int, ...]) -> Step:
    widths = [(draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in shape]
    return Step(f"pad {widths}", lambda np, nn, x: np.pad(x, widths))


@st.composite
def _gathered(draw: Any, shape: tuple[int, ...]) -> Step:
    axis = draw(st.integers(0, len(shape) - 1))
    where = st.integers(-shape[axis], shape[axis] - 1)
    rows = draw(st.lists(where, min_size=0, max_size=4))
    index = np.array(rows, int)
    if len(rows) == 4 and draw(st.booleans()):
        index = index.reshape(2, 2)
    return Step(f"take {index.tolist()} on {axis}", lambda np, nn, x: np.take(x, index, axis=axis))


@st.composite
def _scattered(draw: Any, shape: tuple[int, ...]) -> Step:
    """Rows placed among others with one-hot rows, duplicates added."""
    where = draw(st.lists(st.integers(0, 3), min_size=shape[0], max_size=shape[0]))
    return Step(f"add rows at {where} of 4", lambda np, nn, x: nn_scatter(np, x, where))


def nn_scatter(np: Any, x: Array, where: Sequence[int]) -> Array:
    return np.stack([sum((x[k] for k, w in enumerate(where) if w == row), 0.0 * x[0])
                     for row in range(4)])  # fmt: skip


@st.composite
def _reshaped(draw: Any, shape: tuple[int, ...]) -> Step:
    size = int(np.prod(shape))
    if size == 0:
        new = draw(st.permutations(shape))
    else:
        first = draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
        rest = size // first
        second = draw(st.sampled_from([n for n in range(1, rest + 1) if rest % n == 0]))
        new = draw(st.sampled_from([(size,), (first, rest), (first, second, rest // second)]))
    return Step(f"reshape {list(new)}", lambda np, nn, x: np.reshape(x, tuple(new)))


@st.composite
def _transposed(draw: Any, shape: tuple[int, ...]) -> Step:
    axes = draw(st.permutations(range(len(shape))))
    return Step(f"transpose {axes}", lambda np, nn, x: np.transpose(x, axes))


@st.composite
def _broadcast(draw: Any, shape: tuple[int, ...]) -> Step:
    new = (draw(st.integers(0, 3)), *(draw(st.integers(1, 3)) if n == 1 else n for n in shape))
    return Step(f"broadcast to {list(new)}", lambda np, nn, x: np.broadcast_to(x, new))


@st.composite
def _multiplied(draw: Any, shape: tuple[int, ...]) -> Step:
    size = draw(st.integers(1, 4))
    if draw(st.booleans()):
        W = weights((size, shape[-2] if len(shape) > 1 else shape[0]))
        return Step(f"W @ x, W of {list(W.shape)}", lambda np, nn, x: W @ x / 2)
    W = weights((shape[-1], size))
    return Step(f"x @ W, W of {list(W.shape)}", lambda np, nn, x: x @ W / 2)


@st.composite
def _of_an_axis(draw: Any, shape: tuple[int, ...]) -> Step:
    axis = draw(st.integers(0, len(shape) - 1))
    name = draw(
        st.sampled_from([n for n in OF_AN_AXIS if shape[axis] or n not in NEEDS_AN_ELEMENT])
    )
    function = OF_AN_AXIS[name]
    return Step(f"{name} on {axis}", lambda np, nn, x: function(np, nn, x, axis))


def steps_for(shape: tuple[int, ...]) -> st.SearchStrategy[Step]:
    """Every kind of step that an array of this shape allows."""
    kinds: list[st.SearchStrategy[Step]] = [st.sampled_from(ELEMENTWISE), _broadcast(shape)]
    kinds += [_reshaped(shape)]
    if shape:
        makers = [_sliced, _sliced, _padded, _transposed, _multiplied, _of_an_axis, _of_an_axis]
        kinds += [maker(shape) for maker in makers]
        if all(shape):
            kinds += [st.sampled_from(WHOLE), _gathered(shape), _scattered(shape)]
    if len(shape) == 1 and shape[0]:
        kinds.append(st.sampled_from(VECTOR))
    if len(shape) == 2 and all(shape):
        kinds.append(st.sampled_from(MATRIX))
    return st.one_of(kinds)


shapes = st.sampled_from(
    [(), (1,), (3,), (5,), (6,), (0,), (2, 3), (4, 3), (1, 4), (3, 3), (2, 2, 2), (2, 0)]
)


@st.composite
def functions(
    draw: Any, depth: int = 5, starts: st.SearchStrategy[Any] = shapes, dtype: Any = np.float64
) -> Generated:
    """A function and a point, up to ``depth`` steps, none of a result that is too large."""
    x = point(draw(starts), draw(st.integers(0, 3)), dtype)
    steps: list[Step] = []
    value = x
    for _ in range(draw(st.integers(1, depth))):
        step = draw(steps_for(np.shape(value)))
        result = np.array(step.apply(np, cr, value))  # no views, no strides of 0
        if np.size(result) > LARGEST:
            continue
        steps.append(step)
        value = result
    return Generated(tuple(steps), x)
