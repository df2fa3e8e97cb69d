"""Structured linear maps as data: the language in which local Jacobians are declared.

A term is a product of coefficients whose axes carry labels, with the labels of the output's and of
the input's axes. A label on both sides is a Kronecker delta; a label on neither side is summed. A
coefficient is a node of the graph, or a virtual one: a matrix of zeros and ones, never formed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

from chainrule.graph.node import Node
from chainrule.shapes import Labels, Shape


class Select(NamedTuple):
    """``S[row, column] = 1`` where ``column = start + step * row``: a slice of an axis."""

    start: int
    step: int
    rows: int
    columns: int


class OneHot(NamedTuple):
    """``S[*rows, column] = 1`` where ``column = positions[*rows]``: a gather along an axis."""

    positions: Node
    columns: int


class Regroup(NamedTuple):
    """The identity between two shapes of the same elements in row-major order: a reshape."""

    rows: Shape
    columns: Shape


class Triangle(NamedTuple):
    """``S[row, column] = 1`` where ``column <= row``, or ``>=``: a cumulative sum along an axis."""

    size: int
    upper: bool


Virtual = Select | OneHot | Regroup | Triangle
Matrix = TypeVar("Matrix", bound=Virtual, covariant=True)


class VirtualCoefficient(NamedTuple, Generic[Matrix]):
    """A virtual coefficient with the labels of its rows and of its columns."""

    matrix: Matrix
    rows: Labels
    columns: Labels


class Coefficient(NamedTuple):
    """A node of the graph whose axes carry labels."""

    node: Node
    labels: Labels


class Term(NamedTuple):
    """One summand of a structured linear map.

    ``J[out, into] = scale * sum over inner labels of the product of all coefficients``.
    """

    coefficients: tuple[Coefficient, ...]
    out: Labels
    into: Labels
    scale: float = 1.0
    virtual: tuple[VirtualCoefficient[Virtual], ...] = ()

    @property
    def transposed(self) -> Term:
        """The map from outputs to inputs: pulling back is pushing forward through it."""
        return self._replace(out=self.into, into=self.out)


@lru_cache(maxsize=64)
def identity(rank: int, scale: float = 1.0) -> Term:
    """``scale`` times the identity on an array with ``rank`` axes."""
    labels = tuple(range(rank))
    return Term((), labels, labels, scale)


def diagonal(*coefficients: Node, scale: float = 1.0) -> Term:
    """The diagonal map whose entries are the product of the coefficients, all of one shape."""
    labels = tuple(range(coefficients[0].ndim))
    return Term(tuple(Coefficient(node, labels) for node in coefficients), labels, labels, scale)
