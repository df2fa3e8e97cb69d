"""The one contraction: products, sums, transposes, broadcasts, traces and diagonals.

``C[out] = scale * sum of A[labels of A] * B[labels of B] * ...`` over the labels that ``out``
lacks. Elementwise products, ``matmul``, ``sum``,
``transpose``, ``broadcast``, ``trace`` and ``diagonal`` are all this one primitive, and so are all
their derivatives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from chainrule.graph.examples import Example, Region
from chainrule.graph.node import (
    CONSTANT,
    Array,
    Node,
    Primitive,
    Signature,
    constant,
    is_constant,
    make,
    register,
    scalar_value,
)
from chainrule.primitives.complex_products import product_of_complex
from chainrule.primitives.identities import DERIVED_AS, cast
from chainrule.primitives.notation import contraction_text
from chainrule.primitives.products import Spec, multiplications, plan
from chainrule.primitives.terms import Coefficient, Term
from chainrule.shapes import Labels, Shape, broadcast_shapes

LARGEST_SCALE = 2.0**32
"""The largest number that is taken out of a product's factors, and its reciprocal the smallest.

(10²⁰⁰ x)² is not 10⁴⁰⁰ x²: what leaves the range of floating-point numbers depends on the order.
"""


class Contraction(Primitive):
    """A labelled product; its params are a :class:`~chainrule.primitives.products.Spec`."""

    name = "contract"
    source = "linear in each input: (5.68), (5.92)"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        sizes = params.sizes
        shape = tuple([sizes[label] for label in params.out])
        return Signature(shape, params.dtype, are_finite(inputs))

    def bind(self, node: Node) -> Callable[..., Array]:
        return plan(node.params, tuple(item.dtype for item in node.inputs))

    def continued(self, node: Node) -> Callable[..., Array]:
        return product_of_complex(node.params)

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        """Linear in every input: the other inputs are the coefficients, e.g. (5.68), (5.92)."""
        spec: Spec = node.params
        others = tuple(
            Coefficient(item, labels)
            for k, (item, labels) in enumerate(zip(node.inputs, spec.operands, strict=True))
            if k != position
        )
        return (Term(others, spec.out, spec.operands[position], spec.scale),)

    def examples(self) -> Sequence[Example]:
        real = np.dtype(float)
        product = Spec(((0, 1), (1, 2)), (0, 2), (2, 3, 4), 0.5, real, False)
        diagonal = Spec(((0,),), (0, 0), (3,), 1.0, real, False)
        summed = Spec(((0, 1), (0,)), (1, 2), (2, 3, 2), -1.0, real, True)
        return (
            Example((Region((2, 3)), Region((3, 4))), product),
            Example((Region((3,)),), diagonal),
            Example((Region((2, 3)), Region((2,))), summed),
        )

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        spec: Spec = node.params
        new = len(spec.sizes)
        size = next(
            item.shape[0] for item, is_mapped in zip(inputs, mapped, strict=True) if is_mapped
        )
        labels = [
            (new, *item) if is_mapped else item
            for item, is_mapped in zip(spec.operands, mapped, strict=True)
        ]
        shape = (size, *node.shape)
        return contract(
            inputs, labels, (new, *spec.out), shape,
            scale=spec.scale, dtype=spec.dtype, strong=spec.strong,
        )  # fmt: skip

    def operations(self, node: Node) -> int:
        return multiplications(node.params)

    def text(self, node: Node, operands: Sequence[tuple[str, int]]) -> tuple[str, int]:
        return contraction_text(node.params, operands)


CONTRACT = register(Contraction())


def contract(
    operands: Sequence[Node],
    labels: Sequence[Labels],
    out: Labels,
    shape: Shape,
    *,
    scale: float = 1.0,
    dtype: np.dtype[Any] | None = None,
    strong: bool = False,
) -> Node:
    """The node of a labelled product, simplified where that costs nothing.

    Parameters
    ----------
    operands, labels
        Nodes, and the labels of their axes. Equal labels must have equal sizes.
    out, shape
        The labels and sizes of the result's axes.
    strong : bool
        Whether a factor that is exactly zero wins over an infinite or undefined one.
    """
    result_dtype = common_dtype(operands) if dtype is None else dtype
    nodes, lists, scale = _inlined(operands, labels, out, scale)
    if len(nodes) > 1 and result_dtype.kind == "f":
        nodes, lists, scale = _without_numbers(nodes, lists, scale)
        if len({*nodes}) < len(nodes):
            nodes, lists = _with_smooth_squares(nodes, lists)
    same = len(nodes) == 1 and lists[0] == out and scale == 1.0 and nodes[0].dtype == result_dtype
    if same and len(set(out)) == len(out):
        return nodes[0]
    spec = _canonical(
        tuple(lists),
        tuple([node.shape for node in nodes]),
        tuple(out),
        tuple(shape),
        float(scale),
        result_dtype,
        strong and not are_finite(nodes),
        _is_symmetric(nodes, lists, out),
    )
    return make(CONTRACT, tuple(nodes), spec)


def are_finite(nodes: Sequence[Node]) -> bool:
    """Whether none of the nodes may be infinite or undefined."""
    return False not in [node.finite for node in nodes]


def common_dtype(nodes: Sequence[Node]) -> np.dtype[Any]:
    """The dtype of NumPy's result for arrays of the nodes' dtypes."""
    first = nodes[0].dtype
    for node in nodes:
        if node.dtype is not first:
            return np.result_type(*[item.dtype for item in nodes])
    return first


@lru_cache(maxsize=2048)
def _canonical(
    lists: tuple[Labels, ...], shapes: tuple[Shape, ...], out: Labels, shape: Shape,
    scale: float, dtype: np.dtype[Any], strong: bool, symmetric: bool,
) -> Spec:  # fmt: skip
    """Labels numbered in the order of their first appearance, so that equal products are equal."""
    numbers: dict[int, int] = {}
    sizes: list[int] = []
    for item, axes in zip((*lists, out), (*shapes, shape), strict=True):
        for label, size in zip(item, axes, strict=True):
            if label not in numbers:
                numbers[label] = len(sizes)
                sizes.append(size)
    operands = tuple(tuple(numbers[label] for label in item) for item in lists)
    result = tuple(numbers[label] for label in out)
    return Spec(operands, result, tuple(sizes), scale, dtype, strong, symmetric)


def _is_symmetric(nodes: Sequence[Node], lists: Sequence[Labels], out: Labels) -> bool:
    """Whether exchanging the labels of a matrix gives the same product, as in Xᵀ D X."""
    if len(out) != 2 or len(nodes) < 2 or out[0] == out[1]:
        return False
    across = {out[0]: out[1], out[1]: out[0]}
    exchanged = [tuple(across.get(label, label) for label in labels) for labels in lists]
    mine = Counter(zip(nodes, lists, strict=True))
    return mine == Counter(zip(nodes, exchanged, strict=True))


def is_relabelling(node: Node) -> bool:
    """Whether a node only moves, repeats, inserts or drops axes of another, times a number."""
    if node.primitive is not CONTRACT or len(node.inputs) != 1:
        return False
    return _relabels(node.params, node.inputs[0].dtype)


@lru_cache(maxsize=2048)
def _relabels(spec: Spec, dtype: np.dtype[Any]) -> bool:
    return (
        spec.dtype == dtype
        and len(set(spec.out)) == len(spec.out)
        and all(label in spec.out or spec.sizes[label] == 1 for label in spec.operands[0])
    )


def _inlined(
    operands: Sequence[Node], labels: Sequence[Labels], out: Labels, scale: float
) -> tuple[list[Node], list[Labels], float]:
    """Operands that are mere relabellings are replaced by what they relabel."""
    nodes, lists = [*operands], [*map(tuple, labels)]
    relabelled = [k for k, node in enumerate(nodes) if is_relabelling(node)]
    together = prod([abs(nodes[k].params.scale) for k in relabelled])
    if not relabelled or not 1 / LARGEST_SCALE <= together <= LARGEST_SCALE:
        return nodes, lists, scale
    fresh = 1 + max([-1, *out, *(label for item in lists for label in item)])
    for k in relabelled:
        node = nodes[k]
        spec: Spec = node.params
        outer = dict(zip(spec.out, lists[k], strict=True))
        inner = []
        for label in spec.operands[0]:
            if label not in outer:  # a summed axis of size 1
                outer[label] = fresh
                fresh += 1
            inner.append(outer[label])
        elsewhere = set(out).union(inner, *(item for j, item in enumerate(lists) if j != k))
        vanished = {outer[label]: spec.sizes[label] for label in spec.out}
        for label, size in vanished.items():
            if label not in elsewhere:  # summed over an axis along which the values repeat
                scale *= size
        nodes[k], lists[k] = node.inputs[0], tuple(inner)
        scale *= spec.scale
    return nodes, lists, scale


def _without_numbers(
    nodes: list[Node], lists: list[Labels], scale: float
) -> tuple[list[Node], list[Labels], float]:
    """Constant numbers such as 2, -1 or 1/2 join the scale; others stay, to be inputs some day."""
    for k in range(len(nodes) - 1, -1, -1):
        if nodes[k].primitive is CONSTANT and not nodes[k].shape and len(nodes) > 1:
            factor = scalar_value(nodes[k])
            if factor and (2 * factor) % 1 == 0 and abs(factor) <= LARGEST_SCALE:
                scale *= factor
                del nodes[k], lists[k]
    return nodes, lists, scale


def _with_smooth_squares(nodes: list[Node], lists: list[Labels]) -> tuple[list[Node], list[Labels]]:
    """Factors that are there twice become one, their square, where the row knows a smoother one."""
    for k, node in enumerate(nodes):
        for other in range(k + 1, len(nodes)):
            if nodes[other] is not node or lists[other] != lists[k]:
                continue
            smooth = node.primitive.square(node)
            if smooth is None:
                break
            labels = tuple(range(node.ndim))
            spec = _canonical(
                (labels, labels), (node.shape, node.shape), labels, node.shape, 1.0, node.dtype,
                False, _is_symmetric([node, node], [labels, labels], labels),
            )  # fmt: skip
            both = make(DERIVED_AS, (make(CONTRACT, (node, node), spec), smooth))
            rest = [j for j in range(len(nodes)) if j not in (k, other)]
            return [both, *(nodes[j] for j in rest)], [lists[k], *(lists[j] for j in rest)]
    return nodes, lists


# -- what NumPy's functions are made of -----------------------------------------------------------


def relabel(node: Node, labels: Labels, out: Labels, shape: Shape) -> Node:
    """Axes moved, dropped (summed), repeated or created."""
    return contract([node], [labels], out, shape, dtype=node.dtype)


def transpose(node: Node, order: Sequence[int]) -> Node:
    """Axes in another order."""
    labels = tuple(range(node.ndim))
    return relabel(node, labels, tuple(order), tuple(node.shape[axis] for axis in order))


def is_transpose(node: Node, of: Node) -> bool:
    """Whether a matrix is the transpose of another, which is never formed."""
    return (
        node.primitive is CONTRACT
        and node.inputs == (of,)
        and node.params.out == node.params.operands[0][::-1] == (1, 0)
        and node.params.scale == 1.0
        and node.dtype == of.dtype
    )


def insert_axes(node: Node, axes: Sequence[int]) -> Node:
    """New axes of size 1 at the given positions of the result."""
    rank = node.ndim + len(axes)
    old = iter(range(node.ndim))
    out = tuple(node.ndim + k if k in axes else next(old) for k in range(rank))
    shape = tuple(1 if k in axes else node.shape[label] for k, label in enumerate(out))
    return relabel(node, tuple(range(node.ndim)), out, shape)


def drop_axes(node: Node, axes: Sequence[int]) -> Node:
    """Axes summed away: a squeeze where they have size 1."""
    labels = tuple(range(node.ndim))
    out = tuple(label for label in labels if label not in axes)
    return relabel(node, labels, out, tuple(node.shape[label] for label in out))


def broadcast_to(node: Node, shape: Shape) -> Node:
    """Values repeated along new axes and along axes of size 1."""
    if node.shape == shape:
        return node
    offset = len(shape) - node.ndim
    repeated = {
        axis for axis in range(node.ndim) if node.shape[axis] == 1 and shape[axis + offset] != 1
    }
    rank = len(shape)
    labels = tuple(rank + axis if axis in repeated else axis + offset for axis in range(node.ndim))
    return relabel(node, labels, tuple(range(rank)), shape)


def scaled(node: Node, scale: float) -> Node:
    """A node times a number."""
    labels = tuple(range(node.ndim))
    return contract([node], [labels], labels, node.shape, scale=scale, dtype=node.dtype)


def multiply(a: Node, b: Node, *, strong: bool = False) -> Node:
    """The elementwise product with broadcasting."""
    shape = broadcast_shapes("multiply", (a.shape, b.shape))
    dtype = common_dtype((a, b))
    if a.dtype is not b.dtype:
        a, b = as_numbers([a, b])
    labels = (_aligned(a.shape, shape), _aligned(b.shape, shape))
    return contract((a, b), labels, _aligned(shape, shape), shape, dtype=dtype, strong=strong)


def as_numbers(nodes: Sequence[Node]) -> list[Node]:
    """Booleans among numbers as numbers: in the user's products they multiply, as in NumPy.

    In derivatives they are left as they are, and select: a NaN that a mask excludes stays out.
    """
    dtype = common_dtype(nodes)
    return [cast(n, dtype) if n.dtype is not dtype and n.dtype.kind == "b" else n for n in nodes]


def cast_to(node: Node, dtype: np.dtype[Any]) -> Node:
    """The node in another dtype; a constant, also one that is repeated, stays one."""
    if node.dtype is dtype:
        return node
    number = None if node.dtype == dtype else repeated_scalar(node)
    if number is None or number.value is None:
        return cast(node, dtype)
    return broadcast_to(constant(number.value.astype(dtype)), node.shape)


@lru_cache(maxsize=2048)
def _aligned(own: Shape, shape: Shape) -> Labels:
    """Labels of an operand that broadcasts to ``shape``; its axes of size 1 get their own."""
    rank, offset = len(shape), len(shape) - len(own)
    return tuple(
        rank + 100 * axis + len(own) if size != shape[axis + offset] else axis + offset
        for axis, size in enumerate(own)
    )


def full(shape: Shape, value: float, dtype: np.dtype[Any]) -> Node:
    """A constant array that is never formed."""
    scalar = constant(np.asarray(value, dtype))
    return relabel(scalar, (), tuple(range(len(shape))), shape)


def repeated_scalar(node: Node) -> Node | None:
    """The constant number that a node repeats along all its axes, or None."""
    if node.primitive is CONTRACT and len(node.inputs) == 1 and node.params.scale == 1.0:
        out = node.params.out
        if len(set(out)) < len(out):  # a diagonal of it among zeros
            return None
        node = node.inputs[0]
    return node if is_constant(node) and node.ndim == 0 else None
