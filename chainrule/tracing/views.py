"""Functions of NumPy whose results may show their arguments, and how the two are linked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.graph.node import Array, Node
from chainrule.tracing.places import ByFunction

if TYPE_CHECKING:
    from chainrule.tracing.traced import Traced

FIRST = frozenset({
    np.transpose, np.permute_dims, np.matrix_transpose, np.linalg.matrix_transpose, np.swapaxes,
    np.moveaxis, np.rollaxis, np.expand_dims, np.squeeze, np.flip, np.fliplr, np.flipud, np.rot90,
    np.reshape, np.ravel, np.diagonal, np.linalg.diagonal, np.diag, np.broadcast_to,
})  # fmt: skip
"""The result may show the first argument."""
EACH = frozenset({np.atleast_1d, np.atleast_2d, np.atleast_3d, np.broadcast_arrays})
"""Each result may show the argument of the same position."""
ONLY = frozenset({np.einsum})
"""The result may show the only array among the arguments."""
VIEWS = FIRST | EACH | ONLY

Call = Callable[[Sequence[Any], Mapping[str, Any]], Any]


def links(
    function: Any, replacement: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any],
    results: Sequence[Any],
) -> list[tuple[Traced, ByFunction] | None]:  # fmt: skip
    """For each result, what it may show, and how."""
    sources = _sources(function, args)
    if len(sources) != len(results):
        return [None] * len(results)
    return [
        None if place is None else (args[place], _link(function, replacement, args, kwargs, which))
        for place, which in zip(sources, _each(function, sources), strict=True)
    ]


def _each(function: Any, sources: Sequence[int | None]) -> list[tuple[int, int | None]]:
    """The place of an argument, and of its result among several; None for the only one."""
    several = function is np.broadcast_arrays or len(sources) > 1
    return [(place or 0, k if several else None) for k, place in enumerate(sources)]


def _sources(function: Any, args: Sequence[Any]) -> list[int | None]:
    if function in EACH:
        return [place if _is_traced(item) else None for place, item in enumerate(args)]
    traced = [place for place, item in enumerate(args) if _is_traced(item)]
    if function in ONLY:
        return [traced[0]] if len(traced) == 1 and _are_labels(args, traced[0]) else [None]
    return [0 if traced[:1] == [0] else None]


def _are_labels(args: Sequence[Any], place: int) -> bool:
    """Whether all the other arguments are subscripts."""
    return all(k == place or isinstance(item, (str, list, tuple)) for k, item in enumerate(args))


def _is_traced(item: Any) -> bool:
    return hasattr(type(item), "_place")


def _link(
    function: Any, replacement: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any],
    which: tuple[int, int | None],
) -> ByFunction:  # fmt: skip
    place, part = which
    frozen = [_frozen(item) for item in args]

    def picked(call: Callable[..., Any], item: Any) -> Any:
        result = call(*frozen[:place], item, *frozen[place + 1 :], **kwargs)
        return result if part is None else result[part]

    def on_array(array: Array) -> Any:
        return picked(function, array)

    def on_node(node: Node) -> Node:
        found: Node = picked(replacement, type(args[place])(node)).node
        return found

    return ByFunction(on_array, on_node)


def _frozen(item: Any) -> Any:
    """Other traced arguments matter by their shapes alone."""
    return np.zeros(item.shape, item.dtype) if _is_traced(item) else item
