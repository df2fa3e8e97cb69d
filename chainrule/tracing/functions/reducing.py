"""Functions that reduce axes: sums, means, extrema, products, norms, predicates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.errors import MissingRuleError, ShapeError
from chainrule.graph.node import Node
from chainrule.primitives import contraction, reductions
from chainrule.primitives.arrangement import reshape
from chainrule.primitives.identities import cast
from chainrule.primitives.norms import norm as lengths
from chainrule.shapes import normalize_axes, normalize_axis, without
from chainrule.tracing.dispatch import METHODS, implements
from chainrule.tracing.traced import Traced, as_node


def _keep(node: Node, axes: tuple[int, ...], keepdims: bool) -> Traced:
    """A reduced node, with the axes back as axes of size 1 if they are to be kept."""
    return Traced(contraction.insert_axes(node, axes) if keepdims else node)


def _sum(node: Node, axes: tuple[int, ...], dtype: Any = None, scale: float = 1.0) -> Node:
    labels = tuple(range(node.ndim))
    out = tuple(label for label in labels if label not in axes)
    kind = np.dtype(dtype) if dtype is not None else np.add.reduce(np.empty(0, node.dtype)).dtype
    shape = without(node.shape, axes)
    return contraction.contract([node], [labels], out, shape, scale=scale, dtype=kind)


@implements(np.sum)
def sum(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    node = as_node(a)
    axes = normalize_axes("sum", axis, node.ndim)
    return _keep(_sum(node, axes, dtype), axes, keepdims)


def _count(node: Node, axes: tuple[int, ...]) -> int:
    return int(np.prod([node.shape[axis] for axis in axes], dtype=np.int64))


@implements(np.mean)
def mean(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    node = as_node(a)
    if not node.differentiable:
        node = cast(node, np.float64)
    axes = normalize_axes("mean", axis, node.ndim)
    count = _count(node, axes)
    scale = 1.0 / count if count else float("nan")
    return _keep(_sum(node, axes, dtype, scale), axes, keepdims)


@implements(np.average)
def average(a: Any, axis: Any = None, weights: Any = None, keepdims: bool = False) -> Any:
    if weights is None:
        return mean(a, axis, keepdims=keepdims)
    array: Any = Traced(as_node(a))
    w: Any = Traced(as_node(weights))
    exact = array.dtype.kind in "iub"
    w = w.astype(np.result_type(array.dtype, w.dtype, *([np.float64] if exact else [])))
    if w.ndim != array.ndim and axis is not None:
        place = normalize_axis("average", axis, array.ndim)
        w = np.reshape(w, [-1 if k == place else 1 for k in range(array.ndim)])
    total = np.broadcast_to(w, array.shape)
    return sum(array * w, axis, keepdims=keepdims) / sum(total, axis, keepdims=keepdims)


@implements(np.var)
def var(
    a: Any, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False,
    correction: float | None = None,
) -> Any:  # fmt: skip
    array = Traced(as_node(a))
    if dtype is not None:
        array = array.astype(dtype)
    axes = normalize_axes("var", axis, array.ndim)
    deviation = array - mean(array, axes, keepdims=True)
    count = _count(array.node, axes) - (ddof if correction is None else correction)
    return sum(deviation * deviation, axes, keepdims=keepdims) / float(max(count, 0))


@implements(np.std)
def std(
    a: Any, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False,
    correction: float | None = None,
) -> Any:  # fmt: skip
    return np.sqrt(var(a, axis, dtype, ddof, keepdims, correction))


def _extremum(primitive: reductions.Extremum) -> Callable[..., Any]:
    def reduce(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
        node = as_node(a)
        axes = normalize_axes(primitive.name, axis, node.ndim)
        return _keep(reductions.extremum(primitive, node, axes), axes, keepdims)

    return reduce


maximum_of = implements(np.max, np.amax)(_extremum(reductions.MAX))
minimum_of = implements(np.min, np.amin)(_extremum(reductions.MIN))


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return maximum_of(a, axis, keepdims) - minimum_of(a, axis, keepdims)


def _position(primitive: reductions.Position) -> Callable[..., Any]:
    def find(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
        node = as_node(a)
        flat = axis is None
        place = 0 if flat else normalize_axis(primitive.name, axis, node.ndim)
        found = reductions.position(primitive, reshape(node, (-1,)) if flat else node, place)
        return _keep(found, tuple(range(node.ndim)) if flat else (place,), keepdims)

    return find


implements(np.argmax)(_position(reductions.ARGMAX))
implements(np.argmin)(_position(reductions.ARGMIN))


@implements(np.prod)
def prod(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """Halves multiplied elementwise until one is left: exact derivatives also at zeros."""
    node = as_node(a)
    axes = normalize_axes("prod", axis, node.ndim)
    rest = [k for k in range(node.ndim) if k not in axes]
    moved = contraction.transpose(node, [*axes, *rest])
    shape = without(node.shape, axes)
    array: Any = Traced(reshape(moved, (_count(node, axes), *shape)))
    if dtype is not None:
        array = array.astype(dtype)
    if array.shape[0] == 0:
        return np.ones_like(array, shape=shape)
    while array.shape[0] > 1:
        half = array.shape[0] // 2
        product = array[:half] * array[half : 2 * half]
        odd = array.shape[0] % 2
        array = np.concatenate([product, array[-1:]]) if odd else product
    return _keep(array[0].node, axes, keepdims)


@implements(np.any)
def any_(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return sum(Traced(as_node(a)) != 0, axis, keepdims=keepdims) > 0


@implements(np.all)
def all_(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return sum(Traced(as_node(a)) == 0, axis, keepdims=keepdims) == 0


@implements(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return sum(Traced(as_node(a)) != 0, axis, keepdims=keepdims)


@implements(np.isclose)
def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    x, y = Traced(as_node(a)), Traced(as_node(b))
    close = (abs(x - y) <= atol + rtol * abs(y)) & np.isfinite(y) | (x == y)
    return close | (np.isnan(x) & np.isnan(y)) if equal_nan else close


@implements(np.allclose)
def allclose(
    a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    return bool(np.all(isclose(a, b, rtol, atol, equal_nan)))


@implements(np.array_equal)
def array_equal(a1: Any, a2: Any) -> bool:
    x, y = Traced(as_node(a1)), Traced(as_node(a2))
    return x.shape == y.shape and bool(np.all(x == y))


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Euclidean, Frobenius, 1-, p- and maximum norms; those by singular values are not here."""
    array = Traced(as_node(x))
    if not array.node.differentiable:
        array = array.astype(np.float64)
    axes = normalize_axes("norm", axis, array.ndim)
    if ord is not None and not 1 <= len(axes) <= 2:
        raise ShapeError(
            "np.linalg.norm", "a vector or a matrix is needed, or the axes of such", got=
            f"shape {array.shape} and axis={axis}",
        )  # fmt: skip
    matrix = len(axes) == 2 and ord is not None
    if ord is None or ord == "fro" or (ord == 2 and not matrix):
        return _keep(lengths(array.node, axes), axes, keepdims)
    size = abs(array)
    if matrix and ord in (1, -1, np.inf, -np.inf):
        place = 0 if abs(ord) == 1 else 1
        size = sum(size, axes[place], keepdims=True)
        result = (maximum_of if ord > 0 else minimum_of)(size, axes, True)
        return result if keepdims else np.sum(result, axes)
    if matrix or isinstance(ord, str):
        raise MissingRuleError(
            "np.linalg.norm", "this norm has no derivative rule here", got=f"ord={ord!r}"
        )
    if ord in (np.inf, -np.inf):
        return (maximum_of if ord > 0 else minimum_of)(size, axes, keepdims)
    if ord == 0:
        return sum(array != 0, axes, keepdims=keepdims).astype(array.dtype)
    return sum(size**ord, axes, keepdims=keepdims) ** (1.0 / ord)


@implements(np.linalg.vector_norm)
def vector_norm(x: Any, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """The norm of all elements along the axes, as those of one vector."""
    node = as_node(x)
    axes = normalize_axes("vector_norm", axis, node.ndim)
    rest = tuple(k for k in range(node.ndim) if k not in axes)
    moved = contraction.transpose(node, (*rest, *axes))
    vectors = Traced(reshape(moved, (*moved.shape[: len(rest)], _count(node, axes))))
    result = norm(vectors, ord, -1)
    return _keep(result.node, axes, keepdims)


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, keepdims: bool = False, ord: Any = "fro") -> Any:
    return norm(x, ord, (-2, -1), keepdims)


# -- methods of ufuncs ----------------------------------------------------------------------------


def _reduce(function: Callable[..., Any]) -> Callable[..., Any]:
    def reduce(
        ufunc: np.ufunc, array: Any, axis: Any = 0, dtype: Any = None, keepdims: bool = False
    ) -> Any:
        keywords = {} if dtype is None else {"dtype": dtype}
        return function(array, axis, keepdims=keepdims, **keywords)

    return reduce


for _ufunc, _function in (
    (np.add, sum), (np.multiply, prod), (np.maximum, maximum_of), (np.minimum, minimum_of),
    (np.logical_and, all_), (np.logical_or, any_),
):  # fmt: skip
    METHODS.setdefault(_ufunc, {})["reduce"] = _reduce(_function)
