"""Views: values that show part of another, read through it and write through it, as NumPy's do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np

from chainrule.errors import TracingError
from chainrule.graph.node import Node, constant
from chainrule.primitives.arrangement import reshape
from chainrule.primitives.contraction import CONTRACT
from chainrule.primitives.elementwise import Elementwise
from chainrule.primitives.gathers import take
from chainrule.tracing import indexing
from chainrule.tracing.dispatch import name_of

if TYPE_CHECKING:
    from chainrule.tracing.traced import Traced

ALWAYS = frozenset({
    np.transpose, np.permute_dims, np.matrix_transpose, np.swapaxes, np.moveaxis, np.rollaxis,
    np.expand_dims, np.squeeze, np.flip, np.fliplr, np.flipud, np.rot90,
})  # fmt: skip
READ_ONLY = frozenset({np.diagonal, np.broadcast_to})
VIEWS = ALWAYS | READ_ONLY | {np.reshape, np.ravel}
"""Functions whose result NumPy lets show its argument; the last two copy what is not in order."""


class Root:
    """The array behind all views of it: its version counts the assignments."""

    __slots__ = ("version",)

    def __init__(self) -> None:
        self.version = 0


class View(NamedTuple):
    """How a value shows another, its base.

    Attributes
    ----------
    base : Traced
        The other value.
    read, write : callable
        From the base's node to this one's, and from both to the base's new node.
    is_certain : callable
        Gives False where NumPy may have copied instead, depending on the layout in memory.
    """

    base: Traced
    read: Callable[[Node], Node]
    write: Callable[[Node, Node], Node]
    is_certain: Callable[[], bool] = lambda: True

    def may_let_go(self) -> bool:
        """Whether it makes no difference if this is a view: nobody else holds what it shows."""
        return not self.is_certain() and self._is_only_holder()

    def _is_only_holder(self) -> bool:
        view: View | None = self
        while view is not None:
            if sys.getrefcount(view.base) > 2:  # the view's reference, and the argument's
                return False
            view = view.base._view
        return True


def view_by_key(base: Traced, key: tuple[Any, ...]) -> View:
    """What ``base[key]`` shows, for a key of slices and whole numbers."""
    return View(
        base,
        lambda node: indexing.get(node, key),
        lambda node, values: indexing.assign(node, key, values),
    )


def view_by(
    function: Callable[..., Any], base: Traced, result: Node, args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> View:  # fmt: skip
    """What a function that only moves elements shows: NumPy itself says where each one goes."""
    node, is_view = base.node, base._view is not None
    shape, size = node.shape, node.size

    def is_certain() -> bool:
        return function in ALWAYS or not (is_view or _may_be_transposed(node))

    def positions() -> np.ndarray[Any, Any]:
        if not is_certain():
            _refuse(
                function, "whether this result is a view or a copy depends on the memory layout"
            )
        return np.asarray(function(np.arange(size).reshape(shape), *args, **kwargs))

    def read(current: Node) -> Node:
        places = positions()
        flat = take(reshape(current, (-1,)), constant(places.ravel()), 0)
        return reshape(flat, result.shape)

    def write(_: Node, values: Node) -> Node:
        if function in READ_ONLY:
            _refuse(function, "the view that this function makes is read-only")
        origin = np.argsort(positions().ravel())
        return reshape(take(reshape(values, (-1,)), constant(origin), 0), shape)

    return View(base, read, write, is_certain)


def _refuse(function: Any, problem: str) -> NoReturn:
    raise TracingError(
        name_of(function), problem, got="an assignment to an array while a view of it is in use",
        remedy="write .copy() after the function, or assign before it",
    )  # fmt: skip


def _may_be_transposed(node: Node) -> bool:
    """Whether NumPy may hold the array in another order than row-major.

    Elementwise results follow the layout of their inputs, so a transpose shows through them.
    """
    stack, seen = [node], {node}
    while stack:
        node = stack.pop()
        if node.ndim < 2:
            continue
        if node.primitive is CONTRACT:
            out = node.params.out
            moved = [[out.index(n) for n in labels if n in out] for labels in node.params.operands]
            if any(order != sorted(order) for order in moved):
                return True
            if len(node.inputs) > 1 and any(n not in out for n in range(len(node.params.sizes))):
                continue  # a matrix product is a fresh array
        if isinstance(node.primitive, Elementwise) or node.primitive is CONTRACT:
            stack.extend(item for item in node.inputs if item not in seen)
            seen.update(node.inputs)
    return False
