"""Inverses, determinants, linear systems and powers of matrices."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import ArgumentError, ShapeError
from chainrule.graph.node import Node, make
from chainrule.primitives import contraction, determinants
from chainrule.primitives import linear_algebra as rules
from chainrule.primitives.arrangement import reshape
from chainrule.primitives.identities import cast
from chainrule.shapes import broadcast_shapes
from chainrule.tracing.dispatch import implements
from chainrule.tracing.functions.linear import contraction_shape, matmul
from chainrule.tracing.traced import Traced, as_node


def _floating(node: Node) -> Node:
    """Whole numbers and booleans as float64, which is what NumPy's linear algebra computes in."""
    return node if node.differentiable else cast(node, np.float64)


@implements(np.linalg.inv)
def inv(a: Any) -> Any:
    return Traced(make(rules.INV, (_floating(as_node(a)),)))


@implements(np.linalg.det)
def det(a: Any) -> Any:
    """Its gradient is the matrix of cofactors, which a singular matrix has too."""
    return Traced(make(determinants.DET, (_floating(as_node(a)),)))


class SlogdetResult(NamedTuple):
    """As NumPy's: the sign of a determinant, and the logarithm of its size."""

    sign: Any
    logabsdet: Any


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    node = _floating(as_node(a))
    rules.square("np.linalg.slogdet", node)
    return SlogdetResult(
        Traced(make(determinants.DETSIGN, (node,))), Traced(make(determinants.LOGABSDET, (node,)))
    )


@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    """A vector b is one right-hand side for every matrix; any other b is a stack of matrices."""
    matrix, right = _floating(as_node(a)), _floating(as_node(b))
    rules.square("np.linalg.solve", matrix)
    size = matrix.shape[-1]
    if not right.ndim or right.shape[-2 if right.ndim > 1 else -1] != size:
        raise ShapeError(
            "np.linalg.solve",
            f"the right-hand side must have {size} rows, as the matrix has",
            got=f"{matrix.shape} and {right.shape}",
            remedy="pass a vector, or a matrix whose columns are the right-hand sides",
        )
    if right.ndim == 1:
        return Traced(_solve_vector(matrix, right))
    if matrix.ndim == 2 and right.ndim == 3:
        return Traced(rules.solve_for_all(matrix, right))
    stack = broadcast_shapes("np.linalg.solve", [matrix.shape[:-2], right.shape[:-2]])
    matrix = contraction.broadcast_to(matrix, (*stack, size, size))
    right = contraction.broadcast_to(right, (*stack, *right.shape[-2:]))
    return Traced(make(rules.SOLVE, (matrix, right)))


def _solve_vector(matrix: Node, right: Node) -> Node:
    if matrix.ndim == 2:
        return make(rules.SOLVE, (matrix, right))
    column = contraction.broadcast_to(reshape(right, (-1, 1)), (*matrix.shape[:-1], 1))
    return reshape(make(rules.SOLVE, (matrix, column)), matrix.shape[:-1])


@implements(np.linalg.matmul)
def linalg_matmul(x1: Any, x2: Any) -> Any:
    return Traced(matmul(as_node(x1), as_node(x2)))


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: Any) -> Any:
    """By repeated squaring; a negative power is one of the inverse."""
    try:
        exponent = operator.index(n)
    except TypeError:
        raise ArgumentError(
            "np.linalg.matrix_power", "the exponent must be a whole number", got=repr(n)
        ) from None
    node = as_node(a)
    if node.ndim < 2 or node.shape[-1] != node.shape[-2]:
        raise ShapeError(
            "np.linalg.matrix_power", "a square matrix is needed, or a stack of them",
            got=str(node.shape),
        )  # fmt: skip
    if exponent == 1 and type(a) is Traced:
        return a  # the very argument, as NumPy gives
    if exponent < 0:
        node, exponent = make(rules.INV, (_floating(node),)), -exponent
    if exponent == 0:
        eye: Any = np.eye(node.shape[-1], dtype=node.dtype)
        return Traced(contraction.broadcast_to(as_node(eye), node.shape))
    result: Node | None = None
    while exponent:
        if exponent & 1:
            result = node if result is None else matmul(result, node)
        exponent >>= 1
        if exponent:
            node = matmul(node, node)
    assert result is not None, "a positive number has a digit that is one"
    return Traced(result)


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Any]) -> Any:
    """One product of many matrices, whose order is chosen by cost; its ends may be vectors."""
    nodes = contraction.as_numbers([as_node(item) for item in arrays])
    ranks = [node.ndim for node in nodes]
    inside = [rank != 2 for rank in ranks[1:-1]]
    if len(nodes) < 2 or any(inside) or not {ranks[0], ranks[-1]} <= {1, 2}:
        raise ShapeError(
            "np.linalg.multi_dot",
            "two matrices or more are needed, of which the first and the last may be vectors",
            got=" and ".join(str(node.shape) for node in nodes),
        )
    labels = [(k, k + 1) for k in range(len(nodes))]
    lists = [labels[0][-ranks[0] :], *labels[1:-1], labels[-1][: ranks[-1]]]
    for k in range(len(nodes) - 1):
        if nodes[k].shape[-1] != nodes[k + 1].shape[0]:
            raise ShapeError(
                "np.linalg.multi_dot", f"inner sizes differ at factor {k + 2}",
                got=f"{nodes[k].shape} and {nodes[k + 1].shape}",
            )  # fmt: skip
    out = (0,) * (ranks[0] == 2) + (len(nodes),) * (ranks[-1] == 2)
    return Traced(contraction.contract(nodes, lists, out, contraction_shape(nodes, lists, out)))
