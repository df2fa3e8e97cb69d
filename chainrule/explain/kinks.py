"""Points at which a function has no derivative, and the convention that is used there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.graph.node import Array, Node


@dataclass(frozen=True)
class Kink:
    """A function met where it has no derivative.

    Attributes
    ----------
    node : Node
        The operation.
    function : str
        Its name.
    entries : int
        How many entries of its input are at such a point.
    convention : str
        What is used for the derivative there, in words.
    """

    node: Node
    function: str
    entries: int
    convention: str


Count = Callable[..., Any]


def _zeros(x: Array, *_: Array) -> int:
    return int(np.count_nonzero(x == 0))


def _equal(a: Array, b: Array) -> int:
    return int(np.count_nonzero(a == b))


def _whole(x: Array, *_: Array) -> int:
    return int(np.count_nonzero(x == np.rint(x)))


_SHARED = "entries that tie share the derivative equally"
_ELEMENTWISE: dict[str, tuple[Count, str]] = {
    "relu": (_zeros, "relu′(0) = 0"),
    "absolute": (_zeros, "|x|′ = 0 at 0"),
    "fabs": (_zeros, "|x|′ = 0 at 0"),
    "sign": (_zeros, "sign′(0) = 0"),
    "sqrt": (_zeros, "√x has no finite derivative at 0; a factor 0 before it wins"),
    "cbrt": (_zeros, "∛x has no finite derivative at 0; a factor 0 before it wins"),
    "floor": (_whole, "the derivative of floor is 0"),
    "ceil": (_whole, "the derivative of ceil is 0"),
    **dict.fromkeys(("maximum", "minimum", "fmax", "fmin"), (_equal, "a tie gives each side ½")),
}


def kinks(nodes: Iterable[Node], values: Mapping[Node, Array]) -> list[Kink]:
    """The operations among some nodes that meet a point without a derivative."""
    found = []
    for node in nodes:
        name = node.primitive.name
        if name in _ELEMENTWISE:
            count, convention = _ELEMENTWISE[name]
            entries = count(*(values[item] for item in node.inputs))
        elif name in ("max", "min"):
            entries, convention = _ties(node, values), _SHARED
        else:
            continue
        if entries:
            found.append(Kink(node, name, entries, convention))
    return found


def _ties(node: Node, values: Mapping[Node, Array]) -> int:
    array, best = values[node.inputs[0]], values[node]
    hits = array == np.expand_dims(best, node.params)
    counts = np.count_nonzero(hits, axis=node.params)
    return int(np.sum(counts[counts > 1]))
