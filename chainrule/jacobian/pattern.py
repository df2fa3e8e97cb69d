"""Where a Jacobian can have entries: patterns handed on from node to node, and given ones."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chainrule.errors import ArgumentError, ShapeError
from chainrule.graph.node import Array, Node, constant
from chainrule.graph.sweeps import between, forward
from chainrule.interpret.run import evaluate
from chainrule.jacobian.composing import known
from chainrule.jacobian.merging import simplified
from chainrule.jacobian.summands import Unstructured, sized
from chainrule.jacobian.writing import write_sparse
from chainrule.primitives.axes import kind
from chainrule.primitives.terms import Coefficient, Term
from chainrule.shapes import Shape

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MOST_ENTRIES = 3 * 10**7
"""A pattern with more entries than this is given up: its indices would take 100 MB and more."""


def detected(output: Node, leaf: Node) -> csr_array:
    """The pattern that follows from the graph: every entry outside of it is zero at any point.

    Zeros of constant coefficients, such as a constant matrix, are outside.

    Raises
    ------
    Unstructured
        Where the pattern depends on values, as in sorting, or has very many entries.
    """
    from scipy.sparse import csr_array

    region = between([output], [leaf])
    found: dict[Node, Any] = {leaf: _identity(leaf.size)}
    forward(region, found, _through, _united, wanted=[output])
    pattern: csr_array = found.get(output, csr_array((output.size, leaf.size), dtype=np.float32))
    return pattern


def _identity(size: int) -> csr_array:
    from scipy.sparse import csr_array

    ones = np.ones(size, np.float32)
    return csr_array((ones, np.arange(size), np.arange(size + 1)), shape=(size, size))


def _through(node: Node, position: int, pattern: csr_array) -> csr_array | None:
    """The pattern of a node by the leaf, along one edge."""
    item = node.inputs[position]
    total: csr_array | None = None
    for term in node.primitive.jacobian(node, position):
        local = _local(term, node, item)
        total = _united(total, pattern if local is None else _marked(local @ pattern))
    return total


def _united(total: csr_array | None, part: csr_array) -> csr_array:
    return part if total is None else _marked(total + part)


def _marked(pattern: csr_array) -> csr_array:
    """A new pattern with ones in place of sums of them."""
    if pattern.nnz > MOST_ENTRIES:
        raise Unstructured("a pattern with very many entries")
    pattern.data[:] = 1
    return pattern


def _local(term: Term, out: Node, into: Node) -> csr_array | None:
    """The pattern of a local Jacobian; None for the identity."""
    summand = sized(term, out, into)
    for axis in (*summand.out, *summand.into):
        table = kind(axis).table
        if table is not None and known(table) is None:
            raise Unstructured("positions that depend on values")
    values = [(item, known(item.node)) for item in summand.coefficients]
    masks = [
        Coefficient(constant((value != 0).astype(np.float32)), item.labels)
        for item, value in values
        if value is not None and not value.all()
    ]
    plain = not masks and not summand.virtual and out.shape == into.shape
    if plain and summand.out == summand.into and len(set(summand.out)) == len(summand.out):
        return None
    bare = simplified(summand._replace(coefficients=tuple(masks), scale=1.0), eager=True)
    ones = _computed(bare._replace(scale=1.0))
    written = write_sparse([ones], out.shape, into.shape, np.dtype(np.float32), {})
    written.eliminate_zeros()
    return written


def _computed(summand: Term) -> Term:
    """A summand of constants with their values at hand."""
    nodes = [item.node for item in summand.coefficients]
    arrays = evaluate(nodes)
    return summand._replace(
        coefficients=tuple(
            Coefficient(constant(array), item.labels)
            for array, item in zip(arrays, summand.coefficients, strict=True)
        )
    )


class Marks(NamedTuple):
    """A pattern as the caller gave it: the flat places of what is not zero, and the shape."""

    places: Array
    shape: Shape


def marks(sparsity: Any) -> Marks:
    """What an array or a sparse array marks, read at once: the caller may change it later."""
    from scipy.sparse import coo_array, issparse

    if issparse(sparsity):
        matrix: Any = sparsity
        entries: Any = coo_array(matrix)
        coordinates = tuple(table[entries.data != 0] for table in entries.coords)
        return Marks(np.ravel_multi_index(coordinates, entries.shape), tuple(entries.shape))
    try:
        array = np.asarray(sparsity)
        return Marks(np.flatnonzero(array), array.shape)
    except (TypeError, ValueError):
        raise ArgumentError(
            "jacobian", "the sparsity must be one array or one sparse array",
            got=type(sparsity).__name__,
            remedy="ask for one argument and one result at a time, each with its own pattern",
        ) from None  # fmt: skip


def given(pattern: Marks, out: Shape, into: Shape) -> csr_array:
    """A pattern that the caller gives, as outputs by inputs."""
    from scipy.sparse import coo_array, csr_array

    sides = (prod(out), prod(into))
    if pattern.shape not in (sides, out + into):
        raise ShapeError(
            "jacobian",
            "the sparsity must have the Jacobian's shape, or outputs by inputs, both flattened",
            got=f"{pattern.shape} for {out} by {into}",
        )
    places = np.unique(pattern.places)
    rows, columns = np.divmod(places, max(sides[1], 1))
    entries: Any = coo_array((np.ones(places.size, np.float32), (rows, columns)), shape=sides)
    return csr_array(entries)


def groups(pattern: csr_array) -> Array:
    """A number for each column, so that columns with equal numbers have no row in common.

    The greedy colouring of Curtis, Powell and Reid (1974), as SciPy has it, over columns in their
    own order and in a random one: the better of both.
    """
    from scipy.optimize._numdiff import group_columns

    orders: Sequence[Any] = (np.arange(pattern.shape[1]), 0)
    found = [np.asarray(group_columns(pattern, order)) for order in orders]
    return min(found, key=lambda numbers: int(numbers.max(initial=-1)))
