"""Structured linear maps as data: the language in which local Jacobians are declared.

A term is a product of coefficients whose axes carry labels, with what the output's and the input's
axes are in terms of those labels. A label on both sides is a Kronecker delta; a label on neither
side is summed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from chainrule.graph.node import Node
from chainrule.primitives.axes import Axes, all_labels
from chainrule.shapes import Labels


class Triangle(NamedTuple):
    """``T[row, column] = 1`` where ``column <= row`` (or ``>=``, if upper): a cumulative sum."""

    row: int
    column: int
    size: int
    upper: bool


class Coefficient(NamedTuple):
    """A node of the graph whose axes carry labels."""

    node: Node
    labels: Labels


class Term(NamedTuple):
    """One summand of a structured linear map.

    ``J[out, into] = scale * product of all coefficients``, summed over all labels.
    """

    coefficients: tuple[Coefficient, ...]
    out: Axes
    into: Axes
    scale: float = 1.0
    triangles: tuple[Triangle, ...] = ()
    sizes: Mapping[int, int] = {}
    """The size of every label; a row leaves it to the arrays between which its term stands."""

    @property
    def transposed(self) -> Term:
        """The map from outputs to inputs: pulling back is pushing forward through it."""
        return self._replace(out=self.into, into=self.out)

    @property
    def outer_labels(self) -> set[int]:
        """Labels of the output and of the input; all others are summed."""
        ends = [label for item in self.triangles for label in (item.row, item.column)]
        return {*all_labels(self.out), *all_labels(self.into), *ends}


@lru_cache(maxsize=64)
def identity(rank: int, scale: float = 1.0) -> Term:
    """``scale`` times the identity on an array with ``rank`` axes."""
    labels = tuple(range(rank))
    return Term((), labels, labels, scale)


def diagonal(*coefficients: Node, scale: float = 1.0) -> Term:
    """The diagonal map whose entries are the product of the coefficients, all of one shape."""
    labels = tuple(range(coefficients[0].ndim))
    return Term(tuple(Coefficient(node, labels) for node in coefficients), labels, labels, scale)
