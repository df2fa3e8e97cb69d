"""vmap: a function of one example becomes a function of many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from chainrule.arguments import real_array, shown, whole
from chainrule.differentiate.batching import batch
from chainrule.differentiate.problem import finished, numeric
from chainrule.errors import ArgumentError, ShapeError
from chainrule.graph.node import Node
from chainrule.primitives.contraction import transpose
from chainrule.primitives.expression import Expression
from chainrule.shapes import normalize_axis
from chainrule.tracing.arguments import capture, unknown_argument
from chainrule.tracing.containers import Structure, flatten, paths, per_leaf, unflatten
from chainrule.tracing.results import derived
from chainrule.tracing.session import Passing, carry_names, open_arguments
from chainrule.tracing.traced import Traced, as_node, call
from chainrule.transformed import Transformed


def vmap(f: Callable[..., Any], in_axes: Any = 0) -> Callable[..., Any]:
    """A function of one example, applied to many at once.

    The lecture's formula for one example r, such as ``A0 @ x + b0``, is written as it stands there;
    over all examples it becomes matrix products.

    Parameters
    ----------
    f : callable
        A function of one example, in plain NumPy.
    in_axes : int, None, or a tuple with one entry for each positional argument
        Which axis of an argument counts the examples; None where all share it. An entry may also
        be a container that matches the argument's.

    Returns
    -------
    callable
        A function of f's arguments with one more axis; results have it in front.

    Raises
    ------
    ShapeError
        If the mapped axes have different sizes.
    TracingError
        If the code asks for a value of an example, as in ``if x > 0``.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> A, X = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> cr.vmap(lambda A, x: A @ x, in_axes=(None, 0))(A, X)
    array([[1., 3.],
           [2., 4.],
           [3., 7.]])
    """
    return Mapped(f, in_axes=in_axes)


class Mapped(Transformed):
    """What :func:`vmap` returns: a function of f's arguments with one more axis."""

    operation = "vmap"

    def __init__(self, f: Callable[..., Any], in_axes: Any) -> None:
        super().__init__(f, in_axes=in_axes)
        self._in_axes = in_axes

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """f of each example."""
        with Passing():
            return _vmap(self._f, self._in_axes, args, kwargs)


def _vmap(f: Callable[..., Any], in_axes: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    leaves, structure = flatten(list(args))
    axes = _axes(in_axes, args)
    batches: dict[Node, Node] = {}
    stand_ins: list[Any] = []
    for place, (leaf, axis) in enumerate(zip(leaves, axes, strict=True)):
        if axis is None:
            stand_ins.append(_shared(leaf))
            continue
        here = partial(_where, structure, place)
        front = _to_front(_whole(leaf, here), axis, here)
        example = unknown_argument(front.shape[1:], front.dtype, front.finite)
        batches[example] = front
        stand_ins.append(Traced(example))
    size = _common_size(batches, structure, axes)
    with open_arguments(batches):
        outputs, output_structure = flatten(call(f, *unflatten(structure, stand_ins), **kwargs))
    nodes = [as_node(item) for item in outputs]
    key = ("batched", size, *chain.from_iterable(batches.items()), None, *nodes)
    results = derived(key, lambda: _batched(nodes, batches, size))
    traced = any(isinstance(leaf, Expression) for leaf in leaves)
    return unflatten(output_structure, finished(results, [], {}, traced))


def _batched(nodes: Sequence[Node], batches: dict[Node, Node], size: int) -> list[Node]:
    """The nodes of one example as nodes of all."""
    batched = batch(nodes, batches, size)
    carry_names(batched)
    return [batched[node] for node in nodes]


def _axes(in_axes: Any, args: Sequence[Any]) -> list[int | None]:
    """One axis, or None, for each leaf of the arguments."""
    if isinstance(in_axes, list):
        in_axes = tuple(in_axes)
    given = in_axes if isinstance(in_axes, tuple) else (in_axes,) * len(args)
    if len(given) != len(args):
        raise ArgumentError(
            "vmap", "in_axes must have one entry for each positional argument",
            got=f"{len(given)} entries for {len(args)} arguments",
        )  # fmt: skip
    result: list[int | None] = []
    for entry, argument in zip(given, args, strict=True):
        given_axes = per_leaf("vmap", "an entry of in_axes", entry, argument)
        result.extend(None if x is None else whole("vmap", "an axis", x) for x in given_axes)
    if all(axis is None for axis in result):
        raise ArgumentError(
            "vmap", "no argument is mapped", got=f"in_axes={shown(in_axes)}",
            remedy="give at least one argument an axis, as in in_axes=(None, 0)",
        )  # fmt: skip
    return result


def _where(structure: Structure, place: int) -> str:
    """Which argument it is: for errors alone, as it looks at all of them."""
    return f"argument {paths(structure)[place]}"


def _shared(leaf: Any) -> Any:
    """An argument that all examples share: float arrays traced, so that ``A[k]`` works."""
    is_array = isinstance(leaf, np.ndarray) and not isinstance(leaf, Expression)
    if not is_array or leaf.dtype.kind != "f" or leaf.ndim == 0:
        return leaf
    return Traced(capture(real_array("vmap", "an argument", leaf)))


def _whole(leaf: Any, where: Callable[[], str]) -> Node:
    if isinstance(leaf, Expression):
        return leaf.node
    return capture(numeric("vmap", where, leaf))


def _to_front(node: Node, axis: int, where: Callable[[], str]) -> Node:
    if node.ndim == 0:
        raise ShapeError(
            "vmap", f"{where()} has no axis to map over", got="a single number",
            remedy="give it None in in_axes",
        )  # fmt: skip
    place = normalize_axis("vmap", axis, node.ndim)
    rest = [k for k in range(node.ndim) if k != place]
    return transpose(node, (place, *rest))


def _common_size(
    batches: dict[Node, Node], structure: Structure, axes: Sequence[int | None]
) -> int:
    sizes = [node.shape[0] for node in batches.values()]
    if len(set(sizes)) > 1:
        mapped = [
            path for path, axis in zip(paths(structure), axes, strict=True) if axis is not None
        ]
        listed = ", ".join(f"{n} in argument {path}" for n, path in zip(sizes, mapped, strict=True))
        raise ShapeError("vmap", "the mapped axes have different sizes", got=listed)
    return sizes[0]
