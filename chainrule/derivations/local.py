"""Local Jacobians between named values: the paths through unnamed ones, composed and added."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from chainrule.derivations.cancelling import turned
from chainrule.graph.node import Node, new_input
from chainrule.graph.sweeps import Region, backward
from chainrule.graph.walk import topological
from chainrule.jacobian.accumulate import Summands, composed, simple
from chainrule.jacobian.merging import merged
from chainrule.jacobian.summands import Unstructured, identity_on, plain_axes, sized
from chainrule.notation.algebra import (
    Call,
    Expr,
    Selector,
    Slope,
    Triangle,
    dense_shape,
    number,
    shape_of_array,
)
from chainrule.notation.jacobians import read_jacobian
from chainrule.notation.networks import Factor, NotMatrices, indexed
from chainrule.notation.pieces import Value, product_of
from chainrule.notation.reading import Reader
from chainrule.notation.rewriting import constants_first, total
from chainrule.primitives import arrangement
from chainrule.primitives.arithmetic import add, subtract
from chainrule.primitives.axes import (
    Affine,
    Axes,
    Axis,
    Digit,
    Gather,
    Group,
    all_labels,
    are_digits,
)
from chainrule.primitives.contraction import contract
from chainrule.primitives.elementwise import Elementwise
from chainrule.primitives.terms import Term, Virtual, diagonal
from chainrule.shapes import Labels, Shape

MOST = 16
"""More summands than this at one value are not worth reading."""


class LocalJacobians:
    """Local Jacobians of named values, with σ′(Z) kept as a symbol unless ``expanded``.

    ``forward`` are the nodes of the forward path, which the user has written.
    """

    def __init__(self, reader: Reader, expanded: bool, forward: Collection[Node]) -> None:
        self.reader = reader
        self.expanded = expanded
        self._forward = frozenset(forward)
        self._slopes: dict[tuple[Node, int], Node] = {}
        self.written_out: dict[Slope, Expr] = {}
        """What rows gave for the slopes that have names, as notation."""

    def of(self, top: Node, named: Collection[Node], active: Collection[Node]) -> dict[
        Node, Summands
    ]:  # fmt: skip
        """For each named value that ``top`` is computed from, the Jacobian of ``top`` by it.

        Raises
        ------
        Unstructured
            Where a composition has no compact form.
        """
        stops = set(named) - {top}
        order = topological([top], stop=lambda node: node in stops or node not in active)
        nodes = [node for node in order if node not in stops and node.inputs]
        ends = [node for node in reversed(order) if node in stops or not node.inputs]

        def through(node: Node, position: int, outer: Summands) -> Summands:
            item = node.inputs[position]
            inner = [sized(term, node, item) for term in self._terms(node, position)]
            return simple(inner, False) if node is top else composed(outer, inner, False)

        start = {top: [identity_on(top.shape)]}
        found = backward(Region(nodes, active), start, through, _added)
        return {node: found[node] for node in ends if found.get(node)}

    def _terms(self, node: Node, position: int) -> Sequence[Term]:
        """A primitive's own terms; what it has a name for, such as σ′, is one coefficient."""
        terms = node.primitive.jacobian(node, position)
        row = node.primitive
        if not terms or not isinstance(row, Elementwise) or self.expanded:
            return terms
        return (diagonal(self._slope(row, node, position, terms)),) if row.slopes else terms

    def _slope(self, row: Elementwise, node: Node, position: int, terms: Sequence[Term]) -> Node:
        """A stand-in for what the row gave, whose value is that and whose name the row states."""
        key = (node, position)
        if key not in self._slopes:
            (term,) = terms  # of an elementwise function, on the diagonal
            factors, labels = [item.node for item in term.coefficients], all_labels(term.out)
            given = contract(
                factors, [labels] * len(factors), labels, node.shape, scale=term.scale,
                dtype=node.dtype, strong=True,
            )  # fmt: skip
            args = tuple(self.reader.value(item) for item in node.inputs)
            stand_in = new_input(node.shape, node.dtype)
            value = self.reader.at_point[given]
            slope = Slope(row.name, position, args, value)
            self.reader.known[stand_in] = slope
            self.written_out[slope] = self.reader.value(given)
            self._slopes[key] = stand_in
        return self._slopes[key]

    # -- as notation ------------------------------------------------------------------------------

    def expression(self, summands: Summands, top: Shape, bottom: Shape, flat: bool) -> Expr:
        """Summands as one expression: with matrices if all of them can be, else with indices.

        Parameters
        ----------
        summands
            Of one Jacobian, ∂top/∂bottom.
        top, bottom
            The shapes of both arrays; ``()`` for what is a number.
        flat : bool
            Whether the derivative of a number by a matrix is a row rather than a matrix.
        """
        parts = [self._labelled(item, top, bottom) for item in summands]
        is_row = top == () and not flat  # in the shape of what is differentiated by
        flat = flat or any(part.is_grouped for part in parts)
        try:
            found = total([part.matrix(flat) for part in parts])
        except NotMatrices:
            found = total([part.with_indices(as_array=top == () and not flat) for part in parts])
        if any(map(self._is_sum_of_derivatives, summands)):
            found = turned(found)
        found = self.reader.by_names(constants_first(found))
        if is_row and dense_shape(found.shape) != dense_shape(row_shape(bottom)):
            return reshaped(found, bottom)
        return found

    def _is_sum_of_derivatives(self, summand: Term) -> bool:
        """Whether a factor is a sum that differentiating made: its sign is for us to choose."""
        return any(
            item.node.primitive in (add, subtract) and item.node not in self._forward
            for item in summand.coefficients
        )

    def _labelled(self, summand: Term, top: Shape, bottom: Shape) -> Labelled:
        summand = plain_axes(summand, top, bottom)
        sizes = dict(summand.sizes)
        extra = [Factor(self._virtual(item), item.ends) for item in summand.virtual]
        out = self._labels(summand.out, top, sizes, extra)
        into = self._labels(summand.into, bottom, sizes, extra)
        held = {label for factor in extra for label in factor.labels if sizes[label] != 1}
        outer = tuple(dict.fromkeys([*out, *into, *held]))
        made, all_sizes, scale = self.reader.factors(list(summand.coefficients), outer, None, sizes)
        scale = product_of(scale, number(summand.scale).value)
        axes = (*summand.out, *summand.into)
        grouped = any(isinstance(axis, (Group, Digit)) for axis in axes)
        return Labelled([*made, *extra], out, into, all_sizes, scale, grouped)

    def _virtual(self, item: Virtual) -> Expr:
        if isinstance(item, arrangement.Triangle):
            return Triangle(item.size, item.upper)
        return self.reader.constant_symbol(item.formed(), item.symbol)

    def _labels(
        self, axes: Axes, shape: Shape, sizes: dict[int, int], extra: list[Factor]
    ) -> Labels:
        """Axes as plain labels; a selection of positions is one more coefficient."""
        if are_digits(axes):
            return all_labels(axes)  # one label that counts all entries, row by row
        result: list[int] = []
        for axis, size in zip(axes, shape, strict=True):
            if isinstance(axis, int):
                result.append(axis)
            elif isinstance(axis, Group):
                result.extend(axis.labels)
            else:
                fresh = 1 + max([-1, *sizes])
                sizes[fresh] = size
                extra.append(self._selection(axis, fresh, size))
                result.append(fresh)
        return tuple(result)

    def _selection(self, axis: Axis, label: int, size: int) -> Factor:
        if isinstance(axis, Affine):
            chosen = Selector(axis.start, axis.step, axis.length, size)
            return Factor(chosen, (label, axis.label))
        if not isinstance(axis, Gather):
            raise Unstructured("an axis of a reshape whose boundaries do not match")
        table = self.reader.at_point[axis.positions]
        chosen_array = (np.arange(size).reshape(-1, *[1] * table.ndim) == table).astype(float)
        return Factor(self.reader.constant_symbol(chosen_array, "P"), (label, *axis.labels))


class Labelled(NamedTuple):
    """A summand as factors with labels."""

    factors: list[Factor]
    out: Labels
    into: Labels
    sizes: dict[int, int]
    scale: Value
    is_grouped: bool
    """Whether an axis stands for several labels, so that the array's rows are not a matrix's."""

    def matrix(self, flat: bool) -> Expr:
        return read_jacobian(self.factors, self.out, self.into, self.sizes, self.scale, flat)

    def with_indices(self, as_array: bool) -> Expr:
        axes = (*self.out, *self.into)
        split = None if as_array else len(self.out)
        return indexed(self.factors, axes, split, self.sizes, self.scale)


def row_shape(shape: Shape) -> tuple[int | None, ...]:
    """The shape in notation of the derivative of a number by an array: a row, or the array's."""
    return shape_of_array(shape)[::-1] if len(shape) < 2 else shape


def reshaped(expr: Expr, shape: Shape) -> Expr:
    """The entries of an expression, row by row, in another shape."""
    detail = "×".join(map(str, shape))
    return Call("reshape", (expr,), shape_of_array(shape), detail, lambda a: np.reshape(a, shape))


def _added(known: Summands | None, new: Summands) -> Summands:
    result = merged([*(known or ()), *new])
    if len(result) > MOST:
        raise Unstructured("too many summands at one value")
    return result
