"""Lengths of vectors, and their directions, which are a length's derivative.

The square of a length leaves the range of floating-point numbers long before the length does. The
derivative x / ‖x‖ has all its digits there as well, and so have its own derivatives: they are made
of ``direction`` and ``length``, whose squares are scaled where it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.examples import Example, Region
from chainrule.graph.node import Array, Node, Primitive, Signature, make, register
from chainrule.primitives import contraction
from chainrule.primitives.arithmetic import reciprocal, sqrt
from chainrule.primitives.elementwise import apply
from chainrule.primitives.terms import Coefficient, Term
from chainrule.shapes import Labels, Shape, without

Axes = tuple[int, ...]


class Scales(NamedTuple):
    """Powers of two that bring lengths into the middle of the range, and when they are taken.

    ``low`` and ``high`` bound the sums of squares that have all their digits; ``up`` and ``down``
    are for what is shorter and longer. Scaling by a power of two rounds nothing.
    """

    low: float
    high: float
    up: float
    down: float


@lru_cache(maxsize=8)
def scales(dtype: np.dtype[Any]) -> Scales:
    """With the largest number near 2ᵉ, sums of squares are kept between 2^(−4e/5) and 2^(4e/5)."""
    e = int(np.finfo(dtype).maxexp)
    edge = 2.0 ** (2 * e // 5)
    return Scales(1 / edge / edge, edge * edge, 2.0 ** (4 * e // 5), 2.0 ** -(3 * e // 5))


# -- values ---------------------------------------------------------------------------------------


def _norm(a: Array, axes: Axes) -> Array:
    """NumPy's own, infinite and 0 where its sum of squares is."""
    if len(axes) == a.ndim:
        return np.asarray(np.linalg.norm(a))
    if len(axes) > 2:
        rest = [k for k in range(a.ndim) if k not in axes]
        shape = (*without(a.shape, axes), prod(a.shape[k] for k in axes))
        a, axes = a.transpose(*rest, *axes).reshape(shape), (len(rest),)
    return np.asarray(np.linalg.norm(a, axis=axes if len(axes) == 2 else axes[0]))


def _sum_of_squares(a: Array, axes: Axes) -> Array:
    return np.asarray(np.sum(np.square(a), axis=axes, keepdims=True))


def _scaled(a: Array, axes: Axes) -> tuple[Array, Array, Array]:
    """The array times a power of two for each length, its length then, and the powers."""
    scale = scales(a.dtype)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        total = _sum_of_squares(a, axes)
        powers = np.where(total < scale.low, scale.up, np.where(total > scale.high, scale.down, 1))
        powers = powers.astype(a.dtype)
        if np.any(powers != 1):
            a = a * powers
            total = _sum_of_squares(a, axes)
        return a, np.sqrt(total), powers


def _length(a: Array, axes: Axes) -> Array:
    _, length, powers = _scaled(a, axes)
    return np.asarray(np.squeeze(length / powers, axes))


def _direction(a: Array, axes: Axes) -> Array:
    scaled, length, _ = _scaled(a, axes)
    with np.errstate(invalid="ignore"):
        return np.asarray(scaled / np.where(length == 0, length.dtype.type(1), length))


# -- the same on complex numbers, and as a person writes it ---------------------------------------


def _root_of_complex(z: Array, axes: Axes, keepdims: bool = False) -> Array:
    return np.asarray(np.sqrt(np.sum(z * z, axis=axes, keepdims=keepdims)))


def _direction_of_complex(z: Array, axes: Axes) -> Array:
    length = _root_of_complex(z, axes, keepdims=True)
    return np.asarray(z / np.where(length == 0, 1, length))


def _labels(x: Node, axes: Axes) -> tuple[Labels, Labels, Shape]:
    """The labels of the input, and those of its length, with its shape."""
    labels = tuple(range(x.ndim))
    return labels, without(labels, axes), without(x.shape, axes)


def squares(x: Node, axes: Axes) -> Node:
    """The sum of the squares."""
    labels, out, shape = _labels(x, axes)
    return contraction.contract([x, x], [labels, labels], out, shape, dtype=x.dtype)


def _root_written(x: Node, axes: Axes) -> Node:
    return apply(sqrt, squares(x, axes))


def _direction_written(x: Node, axes: Axes) -> Node:
    labels, out, _ = _labels(x, axes)
    inverse = apply(reciprocal, make(NORM, (x,), axes))
    return contraction.contract([x, inverse], [labels, out], labels, x.shape, dtype=x.dtype)


# -- derivatives ----------------------------------------------------------------------------------


def _length_terms(x: Node, axes: Axes) -> Sequence[Term]:
    """uᵀ, the direction as a row."""
    labels, out, _ = _labels(x, axes)
    return (Term((Coefficient(make(DIRECTION, (x,), axes), labels),), out, labels),)


def _direction_terms(x: Node, axes: Axes) -> Sequence[Term]:
    """(I − u uᵀ) / ‖x‖."""
    labels, out, _ = _labels(x, axes)
    other = tuple(label + x.ndim if label in axes else label for label in labels)
    u = make(DIRECTION, (x,), axes)
    inverse = Coefficient(apply(reciprocal, make(LENGTH, (x,), axes)), out)
    return (
        Term((inverse,), labels, labels),
        Term((Coefficient(u, labels), Coefficient(u, other), inverse), labels, other, -1.0),
    )


class Norm(Primitive):
    """The 2-norm of all elements along axes, which are the params, or the vector divided by it."""

    def __init__(
        self,
        name: str,
        value: Callable[[Array, Axes], Array],
        on_complex: Callable[[Array, Axes], Array],
        terms: Callable[[Node, Axes], Sequence[Term]],
        written: Callable[[Node, Axes], Node],
        reduces: bool = True,
    ) -> None:
        self.name = name
        self.value = value
        self.on_complex = on_complex
        self.terms = terms
        self.as_written = written
        self.reduces = reduces

    source = "d‖x‖ = xᵀ dx / ‖x‖"
    convention = "‖x‖ has no derivative where x = 0; 0 is used there"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        (array,) = inputs
        shape = without(array.shape, params) if self.reduces else array.shape
        return Signature(shape, array.dtype, array.finite)

    def bind(self, node: Node) -> Callable[..., Array]:
        value, axes = self.value, node.params
        return lambda a: value(a, axes)

    def continued(self, node: Node) -> Callable[..., Array]:
        function, axes = self.on_complex, node.params
        return lambda z: function(z, axes)

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        return self.terms(node.inputs[0], node.params)

    def examples(self) -> Sequence[Example]:
        return tuple(Example((Region((3, 4)),), axes) for axes in ((1,), (0, 1)))

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        return make(self, tuple(inputs), tuple(axis + 1 for axis in node.params))

    def square(self, node: Node) -> Node | None:
        return squares(node.inputs[0], node.params) if self.reduces else None

    def written(self, node: Node) -> Node:
        return self.as_written(node.inputs[0], node.params)

    def entries_at_kinks(self, node: Node, inputs: Sequence[Array], output: Array) -> int:
        nonzero = np.any(inputs[0] != 0, axis=node.params)
        return int(np.count_nonzero(~nonzero))

    def operations(self, node: Node) -> int:
        return 2 * node.inputs[0].size


NORM = register(Norm("norm", _norm, _root_of_complex, _length_terms, _root_written))
LENGTH = register(Norm("length", _length, _root_of_complex, _length_terms, _root_written))
DIRECTION = register(
    Norm(
        "direction", _direction, _direction_of_complex, _direction_terms, _direction_written,
        reduces=False,
    )
)  # fmt: skip


def norm(x: Node, axes: Axes) -> Node:
    """√Σx² over axes, which are removed."""
    return make(NORM, (x,), axes)
