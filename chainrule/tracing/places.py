"""Where traced values lie: each in memory of its own, or in that of another, which it shows.

Writing to a view reaches the array behind it, and a view shows what has been written since, as in
NumPy. Whether a function gives a view or a copy, which elements it shows, and whether it may be
written to, NumPy itself says: the function is run on an array of the same layout.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, NoReturn

import numpy as np

from chainrule.errors import ArgumentError, TracingError
from chainrule.graph.node import Array, Node, constant
from chainrule.primitives.arrangement import reshape
from chainrule.primitives.gathers import take
from chainrule.tracing import indexing
from chainrule.tracing.layouts import same_for_all


class ByKey(NamedTuple):
    """A view by a key of slices and whole numbers, which is one whatever the layout."""

    key: tuple[Any, ...]

    def shown(self, array: Array) -> Any:
        """What a plain array shows by the key."""
        return array[self.key]

    def read(self, node: Node) -> Node:
        """This part of the base."""
        return indexing.get(node, self.key)

    def write(self, base: Node, values: Node, _: Array | None) -> Node:
        """The base after an assignment to this part."""
        return indexing.assign(base, self.key, values)


class ByFunction(NamedTuple):
    """What a function gives, which may be a view or a copy.

    Attributes
    ----------
    function : callable
        The function of NumPy with its other arguments.
    again : callable
        What replaces it, from the base's node to this one's.
    """

    function: Callable[[Array], Any]
    again: Callable[[Node], Node]

    def shown(self, array: Array) -> Any:
        """What NumPy's function gives of a plain array."""
        with np.errstate(all="ignore"):
            return self.function(array)

    def read(self, node: Node) -> Node:
        """What the function gives of the base."""
        return self.again(node)

    def write(self, base: Node, values: Node, places: Array | None) -> Node:
        """The base after its elements at these places were given new values."""
        assert places is not None, "nothing is written through what is a copy"
        index = places.ravel().astype(np.intp)
        flat = reshape(values, (-1,))
        if index.size == base.size:
            moved = take(flat, constant(np.argsort(index)), 0)
        else:
            moved = indexing.assign(reshape(base, (-1,)), (index,), flat)
        return reshape(moved, base.shape)


class Place:
    """One array, or a view, with its present value.

    Attributes
    ----------
    base, link
        What it shows, and how; None for an array of its own.
    born : Node
        The value that it had at first, by which its layout is known.
    version, seen : int
        How often an array of its own was written to, and at which count a value was read.
    holders : list of weakref.ref
        The traced values that show the array.
    """

    __slots__ = ("_answer", "base", "born", "holders", "link", "node", "seen", "version")

    def __init__(
        self, node: Node, base: Place | None = None, link: ByKey | ByFunction | None = None
    ) -> None:
        self.node = self.born = node
        self.base, self.link = base, link
        self._answer: tuple[bool, Array | None] | None = None
        self.holders: list[weakref.ref[Any]] = []
        self.version = 0
        self.seen = 0 if base is None else base.root.version

    @property
    def root(self) -> Place:
        """The array of its own behind this."""
        place = self
        while place.base is not None:
            place = place.base
        return place

    def held_by(self, value: Any) -> None:
        """Remember a traced value that shows the array, without keeping it alive."""
        holders = self.root.holders
        holders.append(weakref.ref(value))
        if len(holders) & (len(holders) - 1) == 0:  # at powers of two: forget those that are gone
            holders[:] = [item for item in holders if item() is not None]

    def current(self) -> Node:
        """The present value."""
        if self.seen != self.root.version:
            self._settle(None)
            root = self.root
            for place in self._chain():
                if place.seen != root.version:
                    assert place.link is not None, "a view shows its base by a link"
                    assert place.base is not None, "a view shows a base"
                    place.node = place.link.read(place.base.node)
                    place.seen = root.version
        return self.node

    def store(self, node: Node, holder: Any) -> None:
        """Write another value to all elements, through a traced value that shows them."""
        self._settle(holder)
        self._refuse_if_read_only()
        place = self
        while place.base is not None:
            assert place.link is not None, "a view shows its base by a link"
            places = None if isinstance(place.link, ByKey) else place._places()[1]
            node = place.link.write(place.base.current(), node, places)
            place = place.base
        place.node = node
        place.version += 1
        place.seen = place.version

    def shown(self, memory: Array) -> Array:
        """What this shows of a plain array that has the root's place."""
        if self.base is None or self.link is None:
            return memory
        return np.asarray(self.link.shown(self.base.shown(memory)))

    def array(self) -> Array | None:
        """A plain array of this layout, or None where the layout is uncertain."""
        self._settle(None)
        strides: set[tuple[int, ...]] = set()
        found: list[Array] = []

        def look(memory: Array) -> Array:
            found.append(self.shown(memory))
            strides.add(found[-1].strides)
            return found[-1]

        same_for_all(self.root.born, look)
        return found[0] if len(strides) == 1 else None

    def elements(self, function: Callable[[Array], Array]) -> Array | None:
        """Where a function that only moves elements takes them from; None where that is uncertain.

        The elements are counted in the order of rows.
        """
        self._settle(None)

        def answer(memory: Array) -> Array | None:
            array = self.shown(memory)
            if not array.flags.writeable:
                return None
            array[...] = np.arange(array.size).reshape(array.shape)
            return np.array(function(array))

        return same_for_all(self.root.born, answer)[1]

    # -- views and copies -------------------------------------------------------------------------

    def _chain(self) -> Iterator[Place]:
        """From the array behind all views down to this."""
        chain: list[Place] = [self]
        while (base := chain[-1].base) is not None:
            chain.append(base)
        return reversed(chain)

    def _settle(self, holder: Any) -> None:
        """Part from what this only copied; refuse where it is uncertain and makes a difference."""
        for place in self._chain():
            if isinstance(place.link, ByFunction):
                is_certain, places = place._places()
                if places is None and is_certain:
                    place._part()
                elif not is_certain:
                    if holder is None or not place._is_held_by_none_but(holder):
                        _refuse(
                            "whether this result of a function is a view or a copy depends on the "
                            "order of the array in memory, which is not known"
                        )
                    place._part()

    def _places(self) -> tuple[bool, Array | None]:
        """Whether it is certain, and which elements of the base are shown; None for a copy."""
        if self._answer is None:
            base, link = self.base, self.link
            assert base is not None, "only a view is asked what it shows"
            assert link is not None, "only a view is asked what it shows"

            def answer(memory: Array) -> Array | None:
                array = base.shown(memory)
                if array.flags.writeable:
                    array[...] = np.arange(array.size).reshape(array.shape)
                result = link.shown(array)
                is_view = isinstance(result, np.ndarray) and np.may_share_memory(result, memory)
                return result if is_view else None

            self._answer = same_for_all(base.root.born, answer)
        return self._answer

    def _part(self) -> None:
        """From now on this is an array of its own."""
        root = self.root
        self.holders, self.version, self.seen = root.holders, root.version, root.version
        self.base = self.link = None
        self.born = self.node

    def _is_held_by_none_but(self, holder: Any) -> bool:
        return all(item() is None or item() is holder for item in self.root.holders)

    def _refuse_if_read_only(self) -> None:
        for place in self._chain():
            if isinstance(place.link, ByFunction):
                _, places = place._places()
                assert places is not None, "what is a copy has been parted"
                if not places.flags.writeable:
                    raise ArgumentError("assignment", "assignment destination is read-only")
                if np.unique(places).size < places.size:
                    _refuse("a view that shows elements several times cannot be written to")


def _refuse(problem: str) -> NoReturn:
    raise TracingError(
        "assignment", problem, got="an assignment to an array while a view of it is in use",
        remedy="write .copy() after the function, or assign before it",
    )  # fmt: skip
