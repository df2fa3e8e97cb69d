"""Functions that choose between values: where, clip, gathers, triangles, rounding, differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.errors import ArgumentError, MissingRuleError
from chainrule.graph.node import Node
from chainrule.primitives import arrangement, cardinal, reductions
from chainrule.primitives.arithmetic import binary_exponent
from chainrule.primitives.arithmetic import where as where_row
from chainrule.primitives.elementwise import apply
from chainrule.primitives.expression import UFUNCS
from chainrule.primitives.identities import cast
from chainrule.shapes import normalize_axis
from chainrule.tracing.dispatch import METHODS, implements
from chainrule.tracing.traced import Traced, as_node


@implements(np.where)
def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None and y is None:
        return np.nonzero(_known(condition))
    if x is None or y is None:
        raise MissingRuleError(
            "np.where", "one of the two results is missing",
            remedy="write np.where(condition, a, b)",
        )  # fmt: skip
    mask = cast(as_node(condition), bool)
    template = Traced(mask)
    return Traced(apply(where_row, mask, *template._nodes([x, y])))


def _known(value: Any) -> Any:
    """A traced value's own value, or an error if it is not known yet; anything else as it is."""
    return value.concrete("the positions of elements") if isinstance(value, Traced) else value


def _on_known_values(function: Any) -> Callable[..., Any]:
    def compute(*args: Any, **kwargs: Any) -> Any:
        known = {key: _known(value) for key, value in kwargs.items()}
        return function(*(_known(value) for value in args), **known)

    return compute


for _function in (
    np.nonzero, np.flatnonzero, np.argwhere, np.searchsorted, np.digitize, np.isin,
    np.array2string, np.array_repr, np.array_str,
):  # fmt: skip
    implements(_function)(_on_known_values(_function))  # whole numbers and texts: no derivative


@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    result = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        result = where(condition, choice, result)
    return result


@implements(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, min: Any = None, max: Any = None) -> Any:
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if low is None and high is None:
        raise ArgumentError("np.clip", "neither a smallest nor a largest value was given")
    result: Any = Traced(as_node(a))
    if low is not None:
        result = np.maximum(result, low)
    return result if high is None else np.minimum(result, high)


@implements(np.take)
def take(a: Any, indices: Any, axis: int | None = None) -> Any:
    array: Any = Traced(as_node(a))
    if axis is None:
        array, axis = np.ravel(array), 0
    place = normalize_axis("take", axis, array.ndim)
    index: Any = indices if type(indices) is Traced else np.asarray(indices)
    if not np.can_cast(index.dtype, np.intp) and index.size:
        raise TypeError(f"Cannot cast array data from {index.dtype!r} to dtype('int64') according "
                        "to the rule 'safe'")  # fmt: skip
    index = index.astype(np.intp)
    return array[(*[slice(None)] * place, index)]


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    array: Any = Traced(as_node(arr))
    if axis is None:
        return take_along_axis(np.ravel(array), indices, 0)
    place = normalize_axis("take_along_axis", axis, array.ndim)
    index = Traced(as_node(indices))
    grids = [
        np.arange(size).reshape([-1 if k == j else 1 for j in range(array.ndim)])
        for k, size in enumerate(index.shape)
    ]
    key: list[Any] = [
        index if k == place else np.minimum(grid, array.shape[k] - 1)
        for k, grid in enumerate(grids)
    ]
    return array[tuple(key)]


@implements(np.argsort)
def argsort(a: Any, axis: int | None = -1, kind: Any = None, stable: bool | None = None) -> Any:
    array: Any = Traced(as_node(a))
    if axis is None:
        array, axis = np.ravel(array), 0
    place = normalize_axis("argsort", axis, array.ndim)
    return Traced(reductions.position(reductions.ARGSORT, array.node, place))


@implements(np.sort)
def sort(a: Any, axis: int | None = -1, kind: Any = None, stable: bool | None = None) -> Any:
    array: Any = Traced(as_node(a))
    if axis is None:
        array, axis = np.ravel(array), 0
    return take_along_axis(array, argsort(array, axis), axis)


def _masked(m: Any, mask: Any) -> Any:
    return where(mask, Traced(as_node(m)), 0)


def _lower(m: Any, k: int) -> Any:
    shape = np.shape(m)[-2:]
    rows, columns = shape if len(shape) == 2 else (*shape, *shape)  # a row is repeated, as in NumPy
    return np.tri(rows, columns, k=k, dtype=bool)


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    return _masked(m, _lower(m, k))


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    return _masked(m, ~_lower(m, k - 1))


@implements(np.round, np.around)
def round_(a: Any, decimals: int = 0) -> Any:
    factor = 10.0**decimals
    array = Traced(as_node(a))
    return np.rint(array * factor) / factor if decimals else np.rint(array)


MOST_DIFFERENCES = 1000
"""More are taken only of an axis that is longer: NumPy itself would count them all."""


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n!r}")
    if n == 0 and type(a) is Traced:
        return a  # the very argument, as NumPy gives
    array: Any = Traced(as_node(a))
    place = normalize_axis("diff", axis, array.ndim)
    if n > max(array.shape[place], MOST_DIFFERENCES):
        raise MissingRuleError(
            "diff", f"of an axis of size {array.shape[place]}, nothing is left", got=f"n={n}",
            remedy="give n below the size of the axis",
        )  # fmt: skip
    head = (slice(None),) * place
    for _ in range(n):
        array = array[(*head, slice(1, None))] - array[(*head, slice(None, -1))]
    return array


@implements(np.cumsum)
def cumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    node = as_node(a)
    if axis is None:
        node, axis = arrangement.reshape(node, (-1,)), 0
    kind = np.dtype(dtype) if dtype is not None else np.cumsum(np.empty(0, node.dtype)).dtype
    place = normalize_axis("cumsum", axis, node.ndim)
    return Traced(arrangement.cumulative_sum(cast(node, kind), place))


@implements(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    values: Any = Traced(as_node(y))
    array = np.moveaxis(values, axis, -1)
    if x is not None:
        points: Any = Traced(as_node(x))
        dx = np.diff(points if points.ndim == 1 else np.moveaxis(points, axis, -1))
    return np.sum(0.5 * dx * (array[..., 1:] + array[..., :-1]), axis=-1)


@implements(np.nan_to_num)
def nan_to_num(
    x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    array = Traced(as_node(x))
    limit = np.finfo(array.dtype).max
    result = where(np.isnan(array), nan, array)
    result = where(array == np.inf, limit if posinf is None else posinf, result)
    result = where(array == -np.inf, -limit if neginf is None else neginf, result)
    if copy or type(x) is not Traced or not x.is_array:
        return result
    x[...] = result
    return x


@implements(np.sinc)
def sinc(x: Any) -> Any:
    return Traced(apply(cardinal.sinc, as_node(x)))


@implements(np.real)
def real(val: Any) -> Any:
    return val  # the very argument, as NumPy gives


@implements(np.real_if_close)
def real_if_close(a: Any, tol: float = 100) -> Any:
    return a


@implements(np.imag)
def imag(val: Any) -> Any:
    return val.imag


@implements(np.isrealobj)
def isrealobj(x: Any) -> bool:
    return True


@implements(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    return False


@implements(np.result_type)
def result_type(*arrays_and_dtypes: Any) -> Any:
    return np.result_type(
        *(item.dtype if isinstance(item, Traced) else item for item in arrays_and_dtypes)
    )


def _divmod(a: Any, b: Any) -> tuple[Any, Any]:
    return np.floor_divide(a, b), np.remainder(a, b)


def _modf(x: Any) -> tuple[Any, Any]:
    whole = np.trunc(x)
    return x - whole, whole


def _clip(a: Node, low: Node, high: Node) -> Node:
    return UFUNCS[np.minimum](UFUNCS[np.maximum](a, low), high)


UFUNCS[getattr(np, "_core").umath.clip] = _clip  # noqa: B009  # what ndarray.clip calls


def _frexp(x: Any) -> tuple[Any, Any]:
    exponent = Traced(apply(binary_exponent, as_node(x)))
    return np.ldexp(x, -exponent), exponent


METHODS.setdefault(np.frexp, {})["__call__"] = _frexp
METHODS.setdefault(np.divmod, {})["__call__"] = _divmod
METHODS.setdefault(np.modf, {})["__call__"] = _modf
