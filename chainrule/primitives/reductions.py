"""Reductions that are not sums: extrema with their positions, and what softmax is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np

from chainrule.errors import ShapeError
from chainrule.graph.examples import Example, Region
from chainrule.graph.node import Array, Node, Primitive, Signature, make, register
from chainrule.primitives import contraction
from chainrule.primitives.expression import UFUNCS
from chainrule.primitives.identities import cast
from chainrule.primitives.terms import Coefficient, Term, identity
from chainrule.shapes import without

APART = Region((3, 4), -6, 6, apart=True)
"""Arrays whose order stays as it is where the entries change a little."""


class Extremum(Primitive):
    """The largest or smallest element over axes, which are the params; ties share equally."""

    def __init__(self, name: str, ufunc: np.ufunc) -> None:
        self.name = name
        self.ufunc = ufunc

    source = "a weight for each element that is largest or smallest; ties share equally"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        (array,) = inputs
        if any(array.shape[axis] == 0 for axis in params):
            raise ShapeError(
                self.name, "an empty axis has no largest or smallest element",
                got=f"shape {array.shape}, axis {params}",
            )  # fmt: skip
        return Signature(without(array.shape, params), array.dtype, array.finite)

    def bind(self, node: Node) -> Callable[..., Array]:
        reduce, axes = self.ufunc.reduce, node.params
        return lambda a: np.asarray(reduce(a, axis=axes))

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        """``mask / count``: each of n elements that tie carries 1/n."""
        (array,) = node.inputs
        labels = tuple(range(array.ndim))
        out = tuple(label for label in labels if label not in node.params)
        whole = contraction.relabel(node, out, labels, array.shape)
        mask = UFUNCS[np.equal](array, whole)
        count = contraction.contract([mask], [labels], out, node.shape, dtype=node.dtype)
        share = UFUNCS[np.reciprocal](count)
        return (Term((Coefficient(mask, labels), Coefficient(share, out)), out, labels),)

    def examples(self) -> Sequence[Example]:
        return tuple(Example((APART,), axes) for axes in ((1,), (0, 1)))

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        return make(self, tuple(inputs), tuple(axis + 1 for axis in node.params))

    convention = "entries that tie share the derivative equally"

    def entries_at_kinks(self, node: Node, inputs: Sequence[Array], output: Array) -> int:
        hits = inputs[0] == np.expand_dims(output, node.params)
        counts = np.count_nonzero(hits, axis=node.params)
        return int(np.sum(counts[counts > 1]))

    def continued(self, node: Node) -> Callable[..., Array]:
        """The entry whose real part is the largest or smallest."""
        axes, sign = node.params, 1 if self.ufunc is np.maximum else -1

        def run(z: Array) -> Array:
            rest = [k for k in range(z.ndim) if k not in axes]
            count = prod(z.shape[k] for k in axes)
            flat = z.transpose(*rest, *axes).reshape(*(z.shape[k] for k in rest), count)
            place = (sign * flat.real).argmax(axis=-1)
            return np.take_along_axis(flat, place[..., None], axis=-1)[..., 0]

        return run

    def operations(self, node: Node) -> int:
        return node.inputs[0].size


class Position(Primitive):
    """Where elements stand along one axis, which is the params: whole numbers, no derivative."""

    def __init__(self, name: str, function: Callable[..., Any], reduces: bool = True) -> None:
        self.name = name
        self.function = function
        self.reduces = reduces

    source = "whole numbers have no derivative"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        shape = inputs[0].shape
        return Signature(without(shape, (params,)) if self.reduces else shape, np.dtype(np.intp))

    def bind(self, node: Node) -> Callable[..., Array]:
        function, axis = self.function, node.params
        return lambda a: np.asarray(function(a, axis=axis))

    def examples(self) -> Sequence[Example]:
        return (Example((APART,), 1),)

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        return make(self, tuple(inputs), node.params + 1)

    def operations(self, node: Node) -> int:
        return node.inputs[0].size


MAX = register(Extremum("max", np.maximum))
MIN = register(Extremum("min", np.minimum))
ARGMAX = register(Position("argmax", np.argmax))
ARGMIN = register(Position("argmin", np.argmin))
ARGSORT = register(Position("argsort", partial(np.argsort, stable=True), reduces=False))


# -- softmax and its relatives, along one axis, which is the params -------------------------------
# Their values are of real and of complex arrays: largest is then what has the largest real part.


def _shifted(a: Array, axis: int) -> tuple[Array, Array]:
    """The array less its largest element along the axis, which itself is kept if infinite."""
    top = a.real.max(axis=axis, keepdims=True)
    finite = np.isfinite(top)
    if not finite.all():
        top = np.where(finite, top, top.dtype.type(0))
    return a - top, top


def _softmax(a: Array, axis: int) -> Array:
    e = np.exp(_shifted(a, axis)[0])
    return np.asarray(e / e.sum(axis=axis, keepdims=True))


def _log_softmax(a: Array, axis: int) -> Array:
    shifted, _ = _shifted(a, axis)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True)))


def _logsumexp(a: Array, axis: int) -> Array:
    shifted, top = _shifted(a, axis)
    total = np.log(np.exp(shifted).sum(axis=axis, keepdims=True)) + top
    return np.asarray(total.squeeze(axis))


class Normalisation(Primitive):
    """Softmax, its logarithm, or the logarithm of its denominator, along one axis."""

    def __init__(
        self,
        name: str,
        value: Callable[[Array, int], Array],
        jacobian: Callable[[Node], Sequence[Term]],
        reduces: bool = False,
    ) -> None:
        self.name = name
        self.value = value
        self.terms = jacobian
        self.reduces = reduces

    source = "softmax: C. M. Bishop, Pattern Recognition and Machine Learning (2006), (4.106)"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        (array,) = inputs
        if array.shape[params] == 0:
            raise ShapeError(self.name, "the axis is empty", got=f"{array.shape}, axis {params}")
        shape = without(array.shape, (params,)) if self.reduces else array.shape
        return Signature(shape, array.dtype, array.finite)

    def bind(self, node: Node) -> Callable[..., Array]:
        value, axis = self.value, node.params
        return lambda a: value(a, axis)

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        return self.terms(node)

    def examples(self) -> Sequence[Example]:
        return tuple(Example((Region((3, 4), -2, 2),), axis) for axis in (0, 1))

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        return make(self, tuple(inputs), node.params + 1)

    def continued(self, node: Node) -> Callable[..., Array]:
        return self.bind(node)

    def operations(self, node: Node) -> int:
        return 4 * node.inputs[0].size


def _axis_labels(node: Node) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Labels of the input, and the same with another label on the axis."""
    labels = tuple(range(node.inputs[0].ndim))
    other = tuple(len(labels) if label == node.params else label for label in labels)
    return labels, other


def _softmax_terms(node: Node) -> Sequence[Term]:
    """diag(p) - p p^T."""
    out, into = _axis_labels(node)
    p, q = Coefficient(node, out), Coefficient(node, into)
    return Term((p,), out, out), Term((p, q), out, into, -1.0)


def _log_softmax_terms(node: Node) -> Sequence[Term]:
    """I - 1 p^T."""
    out, into = _axis_labels(node)
    p = Coefficient(softmax(node.inputs[0], node.params), into)
    return identity(node.ndim), Term((p,), out, into, -1.0)


def _logsumexp_terms(node: Node) -> Sequence[Term]:
    """p^T, a row."""
    labels, _ = _axis_labels(node)
    out = tuple(label for label in labels if label != node.params)
    return (Term((Coefficient(_weights(node.inputs[0], node.params), labels),), out, labels),)


def _weights(x: Node, axis: int) -> Node:
    """The softmax, which is undefined where the largest elements are infinite: they share."""
    return softmax(x, axis) if x.finite else make(SHARES, (x,), axis)


def _shares(a: Array, axis: int) -> Array:
    top = a.real.max(axis=axis, keepdims=True)
    e = np.exp(np.where(a == top, a.dtype.type(0), a - top))
    return np.asarray(e / e.sum(axis=axis, keepdims=True))


SOFTMAX = register(Normalisation("softmax", _softmax, _softmax_terms))
SHARES = register(Normalisation("shares", _shares, _softmax_terms))
LOG_SOFTMAX = register(Normalisation("log_softmax", _log_softmax, _log_softmax_terms))
LOGSUMEXP = register(Normalisation("logsumexp", _logsumexp, _logsumexp_terms, reduces=True))


def _floating(node: Node) -> Node:
    return node if node.differentiable else cast(node, np.result_type(node.dtype, np.float16))


def softmax(node: Node, axis: int) -> Node:
    """exp(z) / sum(exp(z)) along an axis."""
    return make(SOFTMAX, (_floating(node),), axis)


def log_softmax(node: Node, axis: int) -> Node:
    """z - logsumexp(z) along an axis."""
    return make(LOG_SOFTMAX, (_floating(node),), axis)


def logsumexp(node: Node, axis: int) -> Node:
    """log(sum(exp(z))) along an axis, which is removed."""
    return make(LOGSUMEXP, (_floating(node),), axis)


def extremum(primitive: Extremum, node: Node, axes: tuple[int, ...]) -> Node:
    """The largest or smallest element over axes, which are removed."""
    return make(primitive, (node,), axes) if axes else node


def position(primitive: Position, node: Node, axis: int) -> Node:
    """Where the largest or smallest element stands, or the order of all, along an axis."""
    return make(primitive, (node,), axis)
