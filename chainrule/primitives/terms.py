"""Structured linear maps as data: the language in which local Jacobians are declared.

A term is a product of coefficients whose axes carry labels, with what the output's and the input's
axes are in terms of those labels. A label on both sides is a Kronecker delta; a label on neither
side is summed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from chainrule.graph.node import Array, Node, constant
from chainrule.primitives.axes import Axes, all_labels
from chainrule.shapes import Labels


class Coefficient(NamedTuple):
    """A node of the graph whose axes carry labels."""

    node: Node
    labels: Labels


@dataclass(frozen=True)
class Virtual(ABC):
    """A matrix that is multiplied with and hardly ever formed: a coefficient known by its class.

    A subclass says what the matrix is, as :class:`~chainrule.primitives.arrangement.Triangle` does;
    a row puts it in its terms, and nothing else has to know it.

    Attributes
    ----------
    row, column : int
        The labels of its two axes.
    dtype : numpy.dtype
        Of the map that it is part of: products with it are not rounded to less.
    """

    row: int
    column: int
    dtype: np.dtype[Any]

    words: ClassVar[tuple[str, str]] = ("dense", "dense")
    """What a map is that consists of it, where both labels are axes themselves, and elsewhere."""

    symbol: ClassVar[str] = "M"
    """Its letter in formulas."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """How many rows and columns it has."""

    @abstractmethod
    def formed(self) -> Array:
        """All of its entries, in a dtype that does not widen what they are multiplied with."""

    @abstractmethod
    def times(self, node: Node, axis: int, transposed: bool) -> Node:
        """It, or its transpose, times all columns of an array, which stand along an axis."""

    @property
    def turned(self) -> Virtual | None:
        """With rows and columns in the opposite order, where that is such a matrix again."""
        return None

    def on_diagonal(self) -> Coefficient | None:
        """Its diagonal, once both labels have become one; None where all of it are ones."""
        return self.written()

    # -- what follows from that -------------------------------------------------------------------

    @property
    def ends(self) -> tuple[int, int]:
        return self.row, self.column

    @property
    def sizes(self) -> dict[int, int]:
        """The sizes of its labels."""
        return dict(zip(self.ends, self.shape, strict=True))

    def written(self) -> Coefficient:
        """As an array among the other coefficients."""
        return Coefficient(constant(self.formed()), self.ends)

    def renamed(self, names: Mapping[int, int]) -> Virtual:
        """With other labels, where they have others."""
        row, column = (names.get(label, label) for label in self.ends)
        return replace(self, row=row, column=column)

    def through(self, node: Node, labels: Labels) -> tuple[Node, Labels]:
        """The product with an array that has the label of one side, which becomes the other's."""
        backward = self.row in labels
        here, there = self.ends if backward else self.ends[::-1]
        product = self.times(node, labels.index(here), transposed=backward)
        return product, tuple(there if label == here else label for label in labels)


class Term(NamedTuple):
    """One summand of a structured linear map.

    ``J[out, into] = scale * product of all coefficients``, summed over all labels.
    """

    coefficients: tuple[Coefficient, ...]
    out: Axes
    into: Axes
    scale: float = 1.0
    virtual: tuple[Virtual, ...] = ()
    sizes: Mapping[int, int] = {}
    """The size of every label; a row leaves it to the arrays between which its term stands."""

    @property
    def transposed(self) -> Term:
        """The map from outputs to inputs: pulling back is pushing forward through it."""
        return self._replace(out=self.into, into=self.out)

    @property
    def outer_labels(self) -> set[int]:
        """Labels of the output and of the input; all others are summed."""
        ends = [label for item in self.virtual for label in item.ends]
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
