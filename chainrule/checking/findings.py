"""What the search for a slip works on, and what it comes back with."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from chainrule.checking.factors import Surroundings
from chainrule.checking.naming import Words
from chainrule.checking.trials import Trial, largest_difference
from chainrule.graph.node import Array, Node, is_constant
from chainrule.graph.walk import topological
from chainrule.properties import cached_property


@dataclass(frozen=True)
class Finding:
    """An explanation of the numbers that were given.

    Attributes
    ----------
    kind : str
        A short word.
    says : str
        A clause that follows "∂E/∂x".
    cost : float
        How unlikely: the cheapest is named.
    evidence : tuple of str
        Sentences.
    """

    kind: str
    says: str
    cost: float
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """The derivative by one array at one point: given, true, and what rounding allows."""

    where: str
    given: Array
    true: Array
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the two are the same but for rounding."""
        return self.is_near(self.true)

    @property
    def scale(self) -> float:
        """The largest entry of either."""
        return max(_largest(self.true), _largest(self.given))

    def is_near(self, other: Array) -> bool:
        """Whether the given one is another array but for rounding, at that array's size."""
        if other.shape != self.given.shape:
            return False
        size = _largest(self.true)
        stretch = max(1.0, _largest(other) / size) if size else 1.0
        return largest_difference(self.given, other) <= self.tolerance * stretch

    def reshaped(self, shape: tuple[int, ...]) -> Comparison:
        """The same with the given array in another shape of the same size."""
        return replace(self, given=self.given.reshape(shape))


def _largest(array: Array) -> float:
    with np.errstate(all="ignore"):
        return float(np.max(np.abs(array), initial=0.0)) if array.size else 0.0


@dataclass(frozen=True)
class Case:
    """The derivative by one array, at all points.

    Attributes
    ----------
    which : int
        The array's place among those that are differentiated by.
    label : str
        Its name.
    trials : tuple of Trial
    comparisons : tuple of Comparison
        One a trial, in numerator layout.
    """

    which: int
    label: str
    trials: tuple[Trial, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def leaf(self) -> Node:
        return self.trials[0].recorded.wrt[self.which]

    @property
    def output(self) -> Node:
        return self.trials[0].recorded.output

    @cached_property
    def words(self) -> Words:
        return Words(self.trials[0].recorded.names)

    @property
    def quantity(self) -> str:
        """``∂E/∂x``."""
        return self.words.partial(self.output, self.leaf)

    @property
    def is_one_number(self) -> bool:
        """Whether all that is known is one number, which many factors would explain by chance."""
        return sum(comparison.given.size for comparison in self.comparisons) == 1

    @cached_property
    def around(self) -> Surroundings:
        """Sizes and numbers of the program that a factor may be."""
        sizes: dict[int, list[str]] = {}
        numbers: dict[float, str] = {}
        order = topological([self.output])
        for node in sorted(order, key=_is_told_later):
            if node.size == 1 and node.value is not None and not node.inputs:
                value = float(node.value.reshape(()))
                name = self.words.names.get(node, "")
                text = f"{name} = {value:.6g}" if name else f"{value:.6g}"
                if node is not self.leaf and (name or is_constant(node)):
                    numbers.setdefault(value, text)
            if self.words.has_name(node) and node is not self.output:
                for axis, size in enumerate(node.shape):
                    what = _counted(self.words.of(node), axis, node.ndim)
                    sizes.setdefault(size, []).append(what)
                sizes.setdefault(node.size, []).append(f"entries of {self.words.of(node)}")
        shown = {size: " and ".join(dict.fromkeys(names[:2])) for size, names in sizes.items()}
        return Surroundings(shown, numbers)


def _is_told_later(node: Node) -> tuple[bool, bool]:
    """What an argument holds is said before what was computed from it, and a matrix first."""
    return bool(node.inputs), node.ndim < 2


def _counted(name: str, axis: int, rank: int) -> str:
    if rank == 1:
        return f"entries of {name}"
    if rank == 2:
        return f"{('rows', 'columns')[axis]} of {name}"
    return f"places along axis {axis} of {name}"
