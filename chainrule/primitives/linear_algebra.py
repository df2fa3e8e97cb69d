"""Inverses and linear systems, of one square matrix or of a stack of them.

Formulas are those of Petersen and Pedersen, The Matrix Cookbook (2012), whose equations are named
below, and of Giles (2008), Collected Matrix Derivative Results for Forward and Reverse Mode
Algorithmic Differentiation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from chainrule.errors import DtypeError, ShapeError, SingularError
from chainrule.graph.examples import Example, Region
from chainrule.graph.node import Array, Node, Primitive, Signature, make, register
from chainrule.primitives import contraction
from chainrule.primitives.arrangement import reshape
from chainrule.primitives.terms import Coefficient, Term
from chainrule.shapes import Labels


class SingularMatrixError(SingularError, np.linalg.LinAlgError):
    """A singular matrix; code that catches NumPy's own error catches this too."""


def square(operation: str, node: Node) -> None:
    """Refuse what is not a square matrix, or a stack of them, of single or double precision."""
    if node.ndim < 2 or node.shape[-1] != node.shape[-2]:
        raise ShapeError(
            operation,
            "a square matrix is needed, or a stack of them",
            got=str(node.shape),
            remedy="use np.linalg.lstsq on plain arrays, or A.T @ A, for another shape",
        )
    if node.dtype not in (np.float32, np.float64):
        raise DtypeError(
            operation, "NumPy has no such function of this dtype", got=str(node.dtype),
            remedy="convert the matrix with A.astype(float)",
        )  # fmt: skip


def _refusing_singular(operation: str, function: Callable[..., Array]) -> Callable[..., Array]:
    """A function of NumPy whose LinAlgError becomes a sentence."""

    def run(*arrays: Array) -> Array:
        try:
            return function(*arrays)
        except np.linalg.LinAlgError:
            raise SingularMatrixError(
                operation,
                "the matrix is singular, so that it has no inverse",
                got=_described(arrays[0]),
                remedy="add a multiple of np.eye(n) to it, or use the least-squares solution",
            ) from None

    return run


def _described(matrix: Array) -> str:
    if matrix.ndim > 2:
        return f"a stack of shape {matrix.shape} with at least one such matrix"
    size = matrix.shape[0]
    if not np.isfinite(matrix).all():
        return f"a {size}×{size} matrix with nan or inf"
    return f"a {size}×{size} matrix of rank {np.linalg.matrix_rank(matrix)}"


class OfSquare(Primitive):
    """A function of square matrices: the last two axes are a matrix, all before are a stack."""

    def __init__(
        self,
        name: str,
        value: Callable[[Array], Array],
        jacobian: Callable[[Node], Sequence[Term]],
        *,
        gives: str,
        finite: bool = True,
        on_complex: Callable[[Array], Array] | None = None,
        source: str = "",
    ) -> None:
        self.name = name
        self.source = source
        self.value = value
        self.terms = jacobian
        self.gives = gives
        self.finite = finite
        self.on_complex = on_complex

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        (matrix,) = inputs
        square(f"np.linalg.{self.name}", matrix)
        ending = {"matrix": matrix.shape[-2:], "number": (), "factors": (3, *matrix.shape[-2:])}
        shape = (*matrix.shape[:-2], *ending[self.gives])
        return Signature(shape, matrix.dtype, self.finite and matrix.finite)

    def bind(self, node: Node) -> Callable[..., Array]:
        """The function; the params are the operation that a message names, where it is another."""
        if node.params is None:
            return self.value
        return _refusing_singular(node.params, np.linalg.inv)

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        return self.terms(node)

    def examples(self) -> Sequence[Example]:
        return tuple(Example((Region(shape, -1, 1, 4.0),)) for shape in ((3, 3), (2, 2, 2)))

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        return make(self, tuple(inputs), node.params)

    def continued(self, node: Node) -> Callable[..., Array] | None:
        return self.on_complex

    def operations(self, node: Node) -> int:
        return node.inputs[0].size * node.inputs[0].shape[-1]


def labels_of_two(matrix: Node) -> tuple[Labels, int, int, int, int]:
    """Labels of the stack's axes, and four more: two for each of two matrices."""
    rank = matrix.ndim - 2
    return (tuple(range(rank)), rank, rank + 1, rank + 2, rank + 3)


# -- the inverse ----------------------------------------------------------------------------------


def _inverse_terms(node: Node) -> Sequence[Term]:
    """∂(A⁻¹)_ij/∂A_kl = −(A⁻¹)_ik (A⁻¹)_lj: The Matrix Cookbook, equation (60)."""
    stack, i, j, k, l = labels_of_two(node)  # noqa: E741  # the letters of the formula
    left, right = Coefficient(node, (*stack, i, k)), Coefficient(node, (*stack, l, j))
    return (Term((left, right), (*stack, i, j), (*stack, k, l), -1.0),)


INV = register(
    OfSquare(
        "inv", _refusing_singular("np.linalg.inv", np.linalg.inv), _inverse_terms,
        gives="matrix", finite=False, on_complex=np.linalg.inv,
        source="The Matrix Cookbook, (60)",
    )
)  # fmt: skip


_OF_SOLVE = "derivative of np.linalg.solve"


def inverse_factor(matrix: Node) -> Node:
    """An inverse as a coefficient: applied by solving, formed only where a map is written out."""
    return make(INV, (matrix,), _OF_SOLVE)


def is_inverse_factor(node: Node) -> bool:
    """Whether a coefficient is such an inverse, and none that the program has formed anyway."""
    return node.primitive is INV and node.params == _OF_SOLVE


# -- linear systems -------------------------------------------------------------------------------


class Solve(Primitive):
    """x with A x = b: b is a vector for one matrix A, or has A's rank and the same stack."""

    name = "solve"
    value = staticmethod(_refusing_singular("np.linalg.solve", np.linalg.solve))
    source = "dA x + A dx = db"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        matrix, right = inputs
        square("np.linalg.solve", matrix)
        return Signature(right.shape, np.result_type(matrix.dtype, right.dtype), False)

    def bind(self, node: Node) -> Callable[..., Array]:
        return self.value

    def continued(self, node: Node) -> Callable[..., Array]:
        return np.linalg.solve

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        """∂x/∂b = A⁻¹ and ∂x_ij/∂A_kl = −(A⁻¹)_ik x_lj, from dA x + A dx = db."""
        matrix = node.inputs[0]
        stack, i, j, k, l = labels_of_two(matrix)  # noqa: E741
        columns = (j,) if node.ndim > 1 else ()
        inverse = Coefficient(inverse_factor(matrix), (*stack, i, k))
        out = (*stack, i, *columns)
        if position == 1:
            return (Term((inverse,), out, (*stack, k, *columns)),)
        solution = Coefficient(node, (*stack, l, *columns))
        return (Term((inverse, solution), out, (*stack, k, l), -1.0),)

    def examples(self) -> Sequence[Example]:
        matrix = Region((3, 3), -1, 1, 4.0)
        return Example((matrix, Region((3,)))), Example((matrix, Region((3, 2))))

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        (matrix, right), size = inputs, inputs[0 if mapped[0] else 1].shape[0]
        if not mapped[0] and matrix.ndim == 2:
            return solve_for_all(matrix, right)
        if not mapped[0]:
            matrix = contraction.broadcast_to(matrix, (size, *matrix.shape))
        if not mapped[1]:
            right = contraction.broadcast_to(right, (size, *right.shape))
        if matrix.ndim == right.ndim:
            return make(self, (matrix, right))
        solved = make(self, (matrix, reshape(right, (*right.shape, 1))))
        return reshape(solved, right.shape)

    def operations(self, node: Node) -> int:
        matrix, right = node.inputs
        return matrix.size * matrix.shape[-1] + right.size * matrix.shape[-1]


SOLVE = register(Solve())


def solve_for_all(matrix: Node, right: Node) -> Node:
    """One matrix and a stack of right-hand sides, along the first axis: one factorisation."""
    rest = range(2, right.ndim)
    sides = contraction.transpose(right, (1, 0, *rest))
    solved = make(SOLVE, (matrix, reshape(sides, (right.shape[1], prod(sides.shape[1:])))))
    return contraction.transpose(reshape(solved, sides.shape), (1, 0, *rest))


def solve_along(matrix: Node, right: Node, labels: Labels, axes: Labels) -> tuple[Node, Labels]:
    """A⁻¹ times an array, where the labels say what is summed.

    Parameters
    ----------
    matrix : Node
        A, with the labels ``axes`` of A⁻¹: those of the stack, of its rows and of its columns.
    right, labels : Node, labels
        What A⁻¹ is multiplied with; it carries the columns' label, and all those of the stack.

    Returns
    -------
    Node, labels
        The product; the rows' label stands in place of the columns'.
    """
    *stack, row, column = axes
    rest = [label for label in labels if label not in (*stack, column)]
    order = [*stack, column, *rest]
    moved = contraction.transpose(right, [labels.index(label) for label in order])
    columns = prod(moved.shape[matrix.ndim - 1 :])
    sides = reshape(moved, (*matrix.shape[:-1], columns)) if rest or stack else moved
    solved = reshape(make(SOLVE, (matrix, sides)), moved.shape)
    return solved, (*stack, row, *rest)


def transposed(matrix: Node) -> Node:
    """The matrices of a stack, each transposed."""
    rank = matrix.ndim
    return contraction.transpose(matrix, (*range(rank - 2), rank - 1, rank - 2))
