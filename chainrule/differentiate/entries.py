"""The entries of a Jacobian: as structured summands, compressed where a pattern is known, or dense.

Structure comes from the graph of local Jacobians. Where that has no compact form but most entries
are known to be zero, columns (or rows) that share no row (no column) are computed together, as in
A. R. Curtis, M. J. D. Powell and J. K. Reid, On the estimation of sparse Jacobian matrices (1974).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from chainrule.differentiate.batching import batch
from chainrule.differentiate.modes import forward, reverse
from chainrule.errors import ArgumentError
from chainrule.graph.node import Array, Node, constant, new_input
from chainrule.graph.walk import dependents, older_than, topological
from chainrule.interpret.run import Program, missing_inputs
from chainrule.jacobian import summands
from chainrule.jacobian.accumulate import Accumulated, Order, accumulate, beyond, operations_of
from chainrule.jacobian.merging import simplified
from chainrule.jacobian.pattern import Marks, detected, given, groups
from chainrule.jacobian.structure import nbytes
from chainrule.jacobian.summands import Unstructured
from chainrule.primitives.arrangement import reshape
from chainrule.primitives.axes import Axes, Gather
from chainrule.primitives.contraction import broadcast_to, relabel, transpose
from chainrule.primitives.gathers import take
from chainrule.primitives.identities import cast
from chainrule.primitives.terms import Coefficient, Term
from chainrule.shapes import Shape

if TYPE_CHECKING:
    from scipy.sparse import csr_array

DECISION = 10**5
"""Operations that take about as long as to decide about one node: a tenth of a millisecond."""
FEW = 200
"""So many nodes are decided about whatever it takes: what a person wrote line by line."""
FEW_PRODUCTS = 16
"""A Jacobian of so few rows or columns is not much larger than its structure could be."""

DENSE_SHARE = 0.5
"""With more groups than this share of all columns (or rows), compression does not pay."""


def accumulated(
    output: Node,
    leaf: Node,
    orders: Sequence[Order],
    sparsity: Marks | str | None = None,
    thorough: bool = False,
) -> list[Accumulated]:
    """The Jacobian as summands, in the order of accumulation that takes the fewest operations.

    Parameters
    ----------
    output, leaf : Node
        ∂output/∂leaf is wanted.
    orders : sequence of str
        Those to choose from.
    sparsity : Marks, "detect" or None
        A pattern to compress by.
    thorough : bool
        Whether all orders are counted even if no other can be cheaper or deciding takes longer
        than it can save, and a given pattern is tried at another point too: for a plan.

    Returns
    -------
    list of Accumulated
        The cheapest first.
    """
    if sparsity is not None:
        return [_by_pattern(output, leaf, orders[0], sparsity, thorough)]
    if len(orders) > 1 and not thorough and not _pays(output, leaf):
        return [dense(output, leaf, orders[0])]
    try:
        found = _structured(output, leaf, orders, thorough)
    except Unstructured:
        return [_detected_or_dense(output, leaf, orders[0])]
    if nbytes(found[0].summands) > 2 * output.size * leaf.size * output.dtype.itemsize:
        return [dense(output, leaf, orders[0])]  # the structure would take more than the array
    return found


def _pays(output: Node, leaf: Node) -> bool:
    """Whether looking for structure can take less than the dense Jacobian by products would."""
    products = min(output.size, leaf.size)
    if products > FEW_PRODUCTS:
        return True
    order = topological([output], stop=older_than([leaf]))
    active = dependents(order, [leaf])
    operations = operations_of([node for node in order if node in active])
    return len(active) <= FEW or products * operations > DECISION * len(active)


def _structured(
    output: Node, leaf: Node, orders: Sequence[Order], thorough: bool
) -> list[Accumulated]:
    first = accumulate(output, leaf, orders[0])
    if not thorough and not first.has_products:
        return [first]  # no sums were multiplied out: the order makes no difference
    rest = [accumulate(output, leaf, order) for order in orders[1:]]
    return sorted([first, *rest], key=lambda item: item.operations)


# -- by a pattern ---------------------------------------------------------------------------------


def _by_pattern(
    output: Node, leaf: Node, order: Order, sparsity: Marks | str, elsewhere: bool
) -> Accumulated:
    if isinstance(sparsity, str):
        try:
            return _finished(output, order, compressed(output, leaf, detected(output, leaf)))
        except Unstructured:
            return dense(output, leaf, order)
    pattern = given(sparsity, output.shape, leaf.shape)
    summand = compressed(output, leaf, pattern)
    _check_pattern(output, leaf, pattern, summand, elsewhere)
    return _finished(output, order, summand)


def _detected_or_dense(output: Node, leaf: Node, order: Order) -> Accumulated:
    try:
        pattern = detected(output, leaf)
    except Unstructured:
        return dense(output, leaf, order)
    if 2 * pattern.nnz > output.size * leaf.size:
        return dense(output, leaf, order)
    by_columns, by_rows = groups(pattern), groups(pattern.T.tocsr())
    fewest = min(
        (by_columns.max(initial=0) + 1) / max(leaf.size, 1),
        (by_rows.max(initial=0) + 1) / max(output.size, 1),
    )
    if fewest > DENSE_SHARE:
        return dense(output, leaf, order)
    return _finished(output, order, compressed(output, leaf, pattern, by_columns, by_rows))


def compressed(
    output: Node,
    leaf: Node,
    pattern: csr_array,
    by_columns: Array | None = None,
    by_rows: Array | None = None,
) -> Term:
    """The entries of a pattern, from few directional derivatives, forward or reverse."""
    by_columns = groups(pattern) if by_columns is None else by_columns
    by_rows = groups(pattern.T.tocsr()) if by_rows is None else by_rows
    rows = np.repeat(np.arange(output.size), np.diff(pattern.indptr))
    columns = pattern.indices.astype(np.intp)
    if by_columns.max(initial=0) <= by_rows.max(initial=0):
        sums = pushed(output, leaf, _seeds(by_columns, leaf))
        places = by_columns[columns] * output.size + rows
    else:
        sums = pulled(output, leaf, _seeds(by_rows, output))
        places = by_rows[rows] * leaf.size + columns
    if sums is None or not rows.size:
        sums, places = constant(np.zeros(1, output.dtype)), np.zeros(rows.size, np.intp)
    entries = take(cast(reshape(sums, (-1,)), output.dtype), constant(places), 0)
    listed = Term(
        (Coefficient(entries, (0,)),),
        _listed(rows, output.shape),
        _listed(columns, leaf.shape),
        sizes={0: rows.size},
    )
    return simplified(listed, eager=True)  # without any axes, the one entry is a number


def pushed(output: Node, leaf: Node, tangents: Node) -> Node | None:
    """J times each of several tangents, which stand along the first axis; None where J is zero."""
    seed = new_input(leaf.shape, leaf.dtype)
    column = forward([output], [leaf], [seed])[0]
    return None if column is None else batch([column], {seed: tangents}, tangents.shape[0])[column]


def pulled(output: Node, leaf: Node, cotangents: Node) -> Node | None:
    """Each of several cotangents, which stand along the first axis, times J; None for zero."""
    seed = new_input(output.shape, output.dtype)
    row = reverse([output], [seed], [leaf])[0]
    return None if row is None else batch([row], {seed: cotangents}, cotangents.shape[0])[row]


def _seeds(numbers: Array, like: Node) -> Node:
    """For each group of elements an array with ones at them."""
    seeds = np.zeros((int(numbers.max(initial=-1)) + 1, like.size), like.dtype)
    seeds[numbers, np.arange(like.size)] = 1
    return constant(seeds.reshape(len(seeds), *like.shape))


def _listed(flat: Array, shape: Shape) -> Axes:
    """Flat positions as one table for each axis, all over the label 0."""
    tables = np.unravel_index(flat, shape) if shape else ()
    return tuple(Gather(constant(table), (0,)) for table in tables)


def _check_pattern(
    output: Node, leaf: Node, pattern: csr_array, summand: Term, elsewhere: bool
) -> None:
    """A pattern that lacks an entry gives wrong numbers without a sign: a product shows it."""
    (entries,) = (item.node for item in summand.coefficients)
    rng = np.random.default_rng(0)
    direction = rng.uniform(0.5, 1.5, leaf.shape).astype(leaf.dtype)
    pushed_on = forward([output], [leaf], [constant(direction)])[0]
    if pushed_on is None or leaf.value is None or missing_inputs([pushed_on, entries]):
        return
    program = Program([leaf], [pushed_on, entries])
    points = [leaf.value]
    if elsewhere:  # entries may be zero at the point of a plan, often the origin
        points.append((leaf.value + rng.uniform(0.1, 0.9, leaf.shape)).astype(leaf.dtype))
    rows = np.repeat(np.arange(output.size), np.diff(pattern.indptr))
    for point in points:
        expected, values = program(point)
        parts = values * direction.ravel()[pattern.indices]
        found = np.bincount(rows, parts, output.size)
        scale = np.bincount(rows, np.abs(parts), output.size) + np.abs(expected.ravel())
        # both are sums of the same products, rounded in different orders; entries that cancel to
        # nothing leave roundings of the largest ones behind
        coarsest = max(float(np.finfo(node.dtype).eps) for node in (output, leaf))
        allowed = coarsest * (500 * scale + 100 * np.nanmax(scale, initial=0))
        wrong = np.abs(found - expected.ravel()) > allowed
        if wrong.any():
            raise ArgumentError(
                "jacobian",
                "the sparsity lacks entries that are not zero",
                got=f"row {int(np.argmax(wrong))} (flattened) among {int(wrong.sum())} such rows",
                remedy="mark every entry that can differ from zero, or write sparsity='detect'",
            )


def _finished(output: Node, order: Order, summand: Term) -> Accumulated:
    nodes = [item.node for item in summand.coefficients]
    return Accumulated(order, (summand,), operations_of(beyond(nodes, output)))


# -- dense ----------------------------------------------------------------------------------------


def dense(output: Node, leaf: Node, order: Order) -> Accumulated:
    """The Jacobian as one dense coefficient."""
    whole = summands.dense(dense_jacobian(output, leaf), output.ndim)
    return _finished(output, order, whole)


def dense_jacobian(output: Node, leaf: Node) -> Node:
    """All rows at once by reverse mode, or all columns at once by forward mode."""
    shape = output.shape + leaf.shape
    by_rows = output.size <= leaf.size
    found = None
    if output.size and leaf.size:
        found = (
            pulled(output, leaf, _units(output)) if by_rows else pushed(output, leaf, _units(leaf))
        )
    if found is None:
        return broadcast_to(constant(np.zeros((), output.dtype)), shape)
    if by_rows:
        return cast(reshape(found, shape), output.dtype)
    return reshape(transpose(found, (*range(1, found.ndim), 0)), shape)


def _units(like: Node) -> Node:
    """The unit arrays of a node's shape, one along a new axis in front for each element."""
    one = constant(np.ones((), like.dtype))
    eye = relabel(one, (), (0, 0), (like.size, like.size))
    return reshape(eye, (like.size, *like.shape))
