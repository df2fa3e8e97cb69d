"""Expressions evaluated with numbers, so that what is printed can be held against the truth."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np

from chainrule.graph.node import Array
from chainrule.notation.algebra import (
    Apply,
    Call,
    Diag,
    Diagonal,
    Expr,
    Hadamard,
    Identity,
    Index,
    Indexed,
    Inverse,
    Kronecker,
    Norm,
    Number,
    Ones,
    Partial,
    Power,
    Product,
    Selector,
    Slope,
    Sum,
    Swap,
    Symbol,
    Trace,
    Transpose,
    Triangle,
    Unit,
    Vec,
    Zero,
    dense_shape,
)
from chainrule.primitives.elementwise import ROWS

Values = Mapping[str, Any]


def partial_key(item: Partial) -> str:
    """The name under which the value of a derivative's symbol is looked up."""
    return f"∂{item.top}/∂{item.bottom}"


def evaluate(expr: Expr, values: Values) -> Array:
    """The array that an expression stands for.

    Parameters
    ----------
    expr : Expr
        The expression.
    values : mapping
        An array for the name of every symbol.

    Returns
    -------
    ndarray
        With two axes (a column is (n, 1), a number (1, 1)), or with as many as a tensor has.
    """
    with np.errstate(all="ignore"):
        return np.asarray(_value(expr, values))


def _value(expr: Expr, values: Values) -> Any:
    match expr:
        case Symbol() | Partial():
            name = expr.name if isinstance(expr, Symbol) else partial_key(expr)
            return np.asarray(values[name], np.float64).reshape(dense_shape(expr.shape))
        case Number():
            return np.full((1, 1), float(expr.value))
        case Product():
            return _product(expr, values)
        case Indexed():
            return _indexed(expr, values)
        case Apply():
            run = expr.run or ROWS[expr.function].value
            return np.asarray(run(*(_value(item, values) for item in expr.args)), np.float64)
        case Slope():
            return np.asarray(expr.value, np.float64).reshape(dense_shape(expr.shape))
        case Call():
            return _call(expr, values)
        case Index():
            return _index(expr, values)
    if not expr.parts:
        return _constant(expr)
    return _composite(expr, [_value(item, values) for item in expr.parts])


def _constant(expr: Expr) -> Any:
    match expr:
        case Ones():
            return np.ones(dense_shape(expr.shape))
        case Zero():
            return np.zeros(dense_shape(expr.shape))
        case Identity():
            return np.eye(expr.size)
        case Unit():
            return np.eye(expr.size)[:, [expr.index]]
        case Selector():
            return np.eye(expr.size)[:, expr.start + expr.step * np.arange(expr.length)]
        case Triangle():
            return np.tri(expr.size).T if expr.upper else np.tri(expr.size)
        case Swap():
            order = np.arange(expr.rows * expr.columns).reshape(expr.rows, expr.columns)
            return np.eye(expr.rows * expr.columns)[order.T.ravel()]
    raise AssertionError(f"no value for {type(expr).__name__}")


def _composite(expr: Expr, parts: list[Any]) -> Any:
    match expr:
        case Sum():
            return reduce(np.add, parts)
        case Hadamard():
            return reduce(np.multiply, parts)
        case Transpose():
            return parts[0].T
        case Inverse():
            return np.linalg.inv(parts[0])
        case Diag():
            return np.diagflat(parts[0])
        case Diagonal():
            return np.diagonal(parts[0])[:, None]
        case Trace():
            return np.full((1, 1), np.trace(parts[0]))
        case Norm():
            return np.full((1, 1), np.sqrt(np.sum(parts[0] ** 2)))
        case Vec():
            return parts[0].reshape(-1, 1)
        case Power():
            exponent = expr.exponent
            return parts[0] ** float(exponent)
        case Kronecker():
            return np.kron(*parts)
    raise AssertionError(f"no value for {type(expr).__name__}")


def _product(expr: Product, values: Values) -> Any:
    """From the end that is a vector, where there is one; diagonal matrices are never formed."""
    scale = 1.0
    factors: list[Expr] = []
    for item in expr.factors:
        if item.is_scalar:
            scale = scale * float(_value(item, values)[0, 0])
        elif not isinstance(item, Identity):
            factors.append(item)
    if not factors:
        rows, columns = dense_shape(expr.shape)
        return scale * np.eye(rows, columns)
    if factors[-1].is_column:
        result = _value(factors[-1], values)
        for item in reversed(factors[:-1]):
            result = _times(item, result, values, left=True)
    else:
        result = _value(factors[0], values)
        for item in factors[1:]:
            result = _times(item, result, values, left=False)
    return scale * result


def _times(item: Expr, other: Any, values: Values, left: bool) -> Any:
    if isinstance(item, Diag):
        column = _value(item.inner, values)
        return column * other if left else other * column.T
    return _value(item, values) @ other if left else other @ _value(item, values)


def _call(expr: Call, values: Values) -> Any:
    assert expr.run is not None, f"{expr.function} has no values"
    args = [_value(item, values) for item in expr.args]
    return np.asarray(expr.run(*args), np.float64).reshape(dense_shape(expr.shape))


def _index(expr: Index, values: Values) -> Any:
    inner = _value(expr.inner, values)
    inner = inner.reshape([size for size in expr.inner.shape if size is not None])
    key = tuple(
        item if isinstance(item, int) else item[0] + item[1] * np.arange(item[2])
        for item in expr.key
    )
    for axis in range(len(key) - 1, -1, -1):
        inner = np.take(inner, key[axis], axis=axis)
    return inner.reshape(dense_shape(expr.shape))


def _indexed(expr: Indexed, values: Values) -> Any:
    """The sum by einsum, its deltas by embedding; labels that no factor has repeat."""
    distinct = tuple(dict.fromkeys(expr.out))
    arrays: list[Any] = []
    for item, labels in zip(expr.factors, expr.labels, strict=True):
        sizes = [expr.sizes[label] for label in labels]
        arrays += [_value(item, values).reshape(sizes), list(labels)]
    present = {label for labels in expr.labels for label in labels}
    for label in distinct:
        if label not in present:
            arrays += [np.ones(expr.sizes[label]), [label]]
    core = np.einsum(*arrays, list(distinct)) if arrays else np.ones(())
    result = np.zeros(expr.sizes_out)
    grids = np.ogrid[tuple(slice(0, expr.sizes[label]) for label in distinct)]
    place = dict(zip(distinct, grids, strict=True))
    if distinct:
        result[tuple(place[label] for label in expr.out)] = core
    else:
        result = core
    return result.reshape(dense_shape(expr.shape))
