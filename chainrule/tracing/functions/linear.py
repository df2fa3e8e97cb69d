"""Products of arrays: all of them are the one contraction."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import opt_einsum
from opt_einsum.parser import parse_einsum_input

from chainrule.errors import ShapeError
from chainrule.graph.node import Node
from chainrule.primitives import contraction
from chainrule.primitives.arrangement import reshape
from chainrule.primitives.expression import UFUNCS
from chainrule.shapes import Labels, Shape, broadcast_shapes, normalize_axis
from chainrule.tracing.dispatch import METHODS, implements
from chainrule.tracing.layouts import forget_order
from chainrule.tracing.traced import Traced, as_node


def _mismatch(operation: str, a: Node, b: Node, problem: str) -> ShapeError:
    return ShapeError(
        operation,
        problem,
        got=f"{a.shape} and {b.shape}",
        remedy="transpose one of them with .T, or check their sizes",
    )


def matmul(a: Node, b: Node) -> Node:
    """``a @ b`` with NumPy's rules for vectors and for batches of matrices."""
    if not a.ndim or not b.ndim:
        raise _mismatch("matmul", a, b, "a number has no axes to multiply along; use *")
    inner = b.shape[-2] if b.ndim > 1 else b.shape[0]
    if a.shape[-1] != inner:
        raise _mismatch("matmul", a, b, f"inner sizes differ, {a.shape[-1]} and {inner}")
    core_a = ("m", "k") if a.ndim > 1 else ("k",)
    core_b = ("k", "n") if b.ndim > 1 else ("k",)
    out = (("m",) if a.ndim > 1 else ()) + (("n",) if b.ndim > 1 else ())
    return _with_batch("matmul", [a, b], [core_a, core_b], out)


def _with_batch(
    operation: str, nodes: Sequence[Node], cores: Sequence[Sequence[str]], out: Sequence[str]
) -> Node:
    """A contraction of core axes, over leading axes that broadcast."""
    nodes = contraction.as_numbers(nodes)
    heads = [node.shape[: node.ndim - len(core)] for node, core in zip(nodes, cores, strict=True)]
    batch = broadcast_shapes(operation, heads)
    names = {name: len(batch) + k for k, name in enumerate(dict.fromkeys("".join(
        "".join(core) for core in cores
    )))}  # fmt: skip
    fresh = len(batch) + len(names)
    labels: list[Labels] = []
    sizes: dict[str, int] = {}
    for node, head, core in zip(nodes, heads, cores, strict=True):
        offset = len(batch) - len(head)
        front = []
        for axis, size in enumerate(head):
            if size == batch[axis + offset]:
                front.append(axis + offset)
            else:
                front.append(fresh)
                fresh += 1
        labels.append((*front, *(names[name] for name in core)))
        sizes.update(zip(core, node.shape[len(head) :], strict=True))
    shape = (*batch, *(sizes[name] for name in out))
    out_labels = (*range(len(batch)), *(names[name] for name in out))
    return contraction.contract(nodes, labels, out_labels, shape)


def _core_product(name: str, core_a: str, core_b: str, out: str) -> Any:
    def build(a: Node, b: Node) -> Node:
        needed = (len(core_a), len(core_b))
        if a.ndim < needed[0] or b.ndim < needed[1] or (
            a.shape[core_a.index("k") - len(core_a)] != b.shape[core_b.index("k") - len(core_b)]
        ):  # fmt: skip
            raise _mismatch(name, a, b, "inner sizes differ")
        return _with_batch(name, [a, b], [core_a, core_b], out)

    return build


UFUNCS[np.matmul] = matmul
UFUNCS[np.vecdot] = _core_product("vecdot", "k", "k", "")
UFUNCS[np.matvec] = _core_product("matvec", "mk", "k", "m")
UFUNCS[np.vecmat] = _core_product("vecmat", "k", "kn", "n")


@implements(np.dot)
def dot(a: Any, b: Any) -> Any:
    x, y = as_node(a), as_node(b)
    if not x.ndim or not y.ndim:
        return Traced(contraction.multiply(x, y))
    axis = y.ndim - 2 if y.ndim > 1 else 0
    return Traced(_tensordot("dot", x, y, [x.ndim - 1], [axis]))


@implements(np.inner)
def inner(a: Any, b: Any) -> Any:
    x, y = as_node(a), as_node(b)
    if not x.ndim or not y.ndim:
        return Traced(contraction.multiply(x, y))
    return Traced(_tensordot("inner", x, y, [x.ndim - 1], [y.ndim - 1]))


@implements(np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    first: Any = Traced(as_node(x1))
    second: Any = Traced(as_node(x2))
    return np.vecdot(np.moveaxis(first, axis, -1), np.moveaxis(second, axis, -1))


@implements(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    x, y = (reshape(as_node(item), (-1,)) for item in (a, b))
    return Traced(_tensordot("vdot", x, y, [0], [0]))


@implements(np.linalg.outer)
def linalg_outer(x1: Any, x2: Any) -> Any:
    shapes = [np.shape(x1), np.shape(x2)]
    if any(len(shape) != 1 for shape in shapes):
        raise ShapeError(
            "np.linalg.outer", "vectors are needed", got=" and ".join(map(str, shapes)),
            remedy="use np.outer, which takes all elements as a vector",
        )  # fmt: skip
    return outer(x1, x2)


@implements(np.outer)
def outer(a: Any, b: Any) -> Any:
    x, y = (reshape(as_node(item), (-1,)) for item in (a, b))
    return Traced(_tensordot("outer", x, y, [], []))


@implements(np.tensordot, np.linalg.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    x, y = as_node(a), as_node(b)
    if np.ndim(axes) == 0 and not isinstance(axes, (tuple, list)):
        count = int(axes)
        first, second = list(range(x.ndim - count, x.ndim)), list(range(count))
    else:
        first, second = (list(np.atleast_1d(item)) for item in axes)
    first = [normalize_axis("tensordot", axis, x.ndim) for axis in first]
    second = [normalize_axis("tensordot", axis, y.ndim) for axis in second]
    return Traced(_tensordot("tensordot", x, y, first, second))


def _tensordot(
    operation: str, a: Node, b: Node, axes_a: Sequence[int], axes_b: Sequence[int]
) -> Node:
    """Sum over pairs of axes; the other axes of ``a``, then those of ``b``, remain."""
    a, b = contraction.as_numbers([a, b])
    sizes_a, sizes_b = [a.shape[k] for k in axes_a], [b.shape[k] for k in axes_b]
    if sizes_a != sizes_b:
        raise _mismatch(operation, a, b, f"inner sizes differ, {sizes_a} and {sizes_b}")
    labels_a = tuple(range(a.ndim))
    labels_b = tuple(axes_a[axes_b.index(k)] if k in axes_b else a.ndim + k for k in range(b.ndim))
    out = tuple(k for k in labels_a if k not in axes_a) + tuple(k for k in labels_b if k >= a.ndim)
    shape = contraction_shape([a, b], [labels_a, labels_b], out)
    return contraction.contract([a, b], [labels_a, labels_b], out, shape)


def contraction_shape(nodes: Sequence[Node], labels: Sequence[Labels], out: Labels) -> Shape:
    """The sizes of the labels ``out``, read off the operands."""
    sizes: dict[int, int] = {}
    for node, item in zip(nodes, labels, strict=True):
        sizes.update(zip(item, node.shape, strict=True))
    return tuple(sizes[label] for label in out)


@implements(np.einsum)
def einsum(subscripts: Any, *arrays: Any, optimize: Any = False) -> Any:
    """Labels as in NumPy, ellipsis and repeated labels included; the order is always optimised."""
    operands: Sequence[Any] = arrays
    if not isinstance(subscripts, str):
        subscripts, operands = _from_lists((subscripts, *arrays))
    nodes = contraction.as_numbers([as_node(operand) for operand in operands])
    try:
        shapes = [node.shape for node in nodes]
        inputs, output, _ = parse_einsum_input((subscripts, *shapes), shapes=True)
        lists = [list(term) for term in inputs.split(",")]
        labels, sizes = _einsum_labels(lists, nodes)
        out = tuple(labels[letter] for letter in output)
    except (ValueError, KeyError, IndexError) as error:
        raise ShapeError(
            "einsum", f"the subscripts do not fit: {error}",
            got=f"'{subscripts}' for " + " and ".join(str(node.shape) for node in nodes),
        ) from None  # fmt: skip
    fresh = iter(range(len(labels), len(labels) + 100))
    axes = [
        tuple(
            labels[letter] if size == sizes[letter] else next(fresh)
            for letter, size in zip(term, node.shape, strict=True)
        )
        for term, node in zip(lists, nodes, strict=True)
    ]
    shape = tuple(sizes[letter] for letter in output)
    if len(nodes) > 1 and len(shape) > 1:
        forget_order()  # NumPy's result lies in the order that suits its operands
    return Traced(contraction.contract(nodes, axes, out, shape))


def _from_lists(arguments: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """``A, [0, 1], B, [1, 2], [0, 2]`` as ``'ab,bc->ac', A, B``."""

    def letters(labels: Any) -> str:
        return "".join("..." if n is Ellipsis else opt_einsum.get_symbol(n) for n in labels)

    count = len(arguments) // 2
    operands = [arguments[2 * k] for k in range(count)]
    subscripts = ",".join(letters(arguments[2 * k + 1]) for k in range(count))
    return subscripts + ("->" + letters(arguments[-1]) if len(arguments) % 2 else ""), operands


def _einsum_labels(
    lists: Sequence[Sequence[str]], nodes: Sequence[Node]
) -> tuple[dict[str, int], dict[str, int]]:
    """A number and a size for every letter; sizes of 1 stretch, as in broadcasting."""
    labels: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for term, node in zip(lists, nodes, strict=True):
        for letter, size in zip(term, node.shape, strict=True):
            labels.setdefault(letter, len(labels))
            known = sizes.setdefault(letter, size)
            if known != size and 1 not in (known, size):
                raise ValueError(f"label {letter} has sizes {known} and {size}")
            sizes[letter] = max(known, size)
    return labels, sizes


@implements(np.linalg.diagonal)
def linalg_diagonal(x: Any, offset: int = 0) -> Any:
    return diagonal(x, offset, -2, -1)


@implements(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    node = as_node(a)
    if node.ndim < 2:
        raise ShapeError("diagonal", "an array of two or more axes is needed", got=str(node.shape))
    first = normalize_axis("diagonal", axis1, node.ndim)
    second = normalize_axis("diagonal", axis2, node.ndim)
    if first == second:
        raise ShapeError("diagonal", "two different axes are needed", got=f"{axis1} and {axis2}")
    rows, columns = node.shape[first], node.shape[second]
    skip_rows, skip_columns = max(-offset, 0), max(offset, 0)
    length = max(min(rows - skip_rows, columns - skip_columns), 0)
    key: list[slice] = [slice(None)] * node.ndim
    key[first] = slice(skip_rows, skip_rows + length)
    key[second] = slice(skip_columns, skip_columns + length)
    square = Traced(node)[tuple(key)].node
    labels = tuple(first if k == second else k for k in range(node.ndim))
    out = (*(k for k in range(node.ndim) if k not in (first, second)), first)
    shape = contraction_shape([square], [labels], out)
    return Traced(contraction.relabel(square, labels, out, shape))


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    node = as_node(v)
    if node.ndim == 2:
        return diagonal(v, k)
    if node.ndim != 1:
        raise ShapeError("diag", "an array of one or two axes is needed", got=str(node.shape))
    embedded: Any = Traced(contraction.relabel(node, (0,), (0, 0), node.shape * 2))
    widths = ((max(-k, 0), max(k, 0)), (max(k, 0), max(-k, 0)))
    return embedded if k == 0 else np.pad(embedded, widths)


@implements(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    return np.sum(diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)


@implements(np.linalg.trace)
def linalg_trace(x: Any, offset: int = 0, dtype: Any = None) -> Any:
    return trace(x, offset, -2, -1, dtype)


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    x, y = as_node(a), as_node(b)
    rank = max(x.ndim, y.ndim)
    x = reshape(x, (1,) * (rank - x.ndim) + x.shape)
    y = reshape(y, (1,) * (rank - y.ndim) + y.shape)
    labels_x, labels_y = tuple(range(rank)), tuple(range(rank, 2 * rank))
    out = tuple(label for pair in zip(labels_x, labels_y, strict=True) for label in pair)
    shape = contraction_shape([x, y], [labels_x, labels_y], out)
    product = contraction.contract([x, y], [labels_x, labels_y], out, shape)
    return Traced(reshape(product, [prod(pair) for pair in zip(x.shape, y.shape, strict=True)]))


@implements(np.cross, np.linalg.cross)
def cross(a: Any, b: Any, axis: int = -1) -> Any:
    first: Any = Traced(as_node(a))
    second: Any = Traced(as_node(b))
    x, y = np.moveaxis(first, axis, -1), np.moveaxis(second, axis, -1)
    if x.shape[-1] != 3 or y.shape[-1] != 3:
        raise ShapeError(
            "cross", "vectors of three entries are needed", got=f"{x.shape} and {y.shape}"
        )
    product = x[..., [1, 2, 0]] * y[..., [2, 0, 1]] - x[..., [2, 0, 1]] * y[..., [1, 2, 0]]
    return np.moveaxis(product, -1, axis)


def _ufunc_outer(ufunc: np.ufunc, a: Any, b: Any) -> Any:
    x, y = as_node(a), as_node(b)
    return ufunc(Traced(reshape(x, (*x.shape, *[1] * y.ndim))), Traced(y))


METHODS.setdefault(np.add, {})["any outer"] = _ufunc_outer
