"""vmap: a function of one example becomes a function of many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from itertools import chain
from typing import Any

import numpy as np

from chainrule.differentiate.batching import batch
from chainrule.differentiate.problem import finished, numeric
from chainrule.errors import ArgumentError, ShapeError
from chainrule.graph.node import Node
from chainrule.primitives.contraction import transpose
from chainrule.primitives.expression import Expression
from chainrule.shapes import normalize_axis
from chainrule.tracing.arguments import capture, unknown_argument
from chainrule.tracing.containers import flatten, paths, per_leaf, unflatten
from chainrule.tracing.results import derived
from chainrule.tracing.session import Passing, carry_names, open_arguments
from chainrule.tracing.traced import Traced, as_node, call


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

    @wraps(f)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        with Passing():
            return _vmap(f, in_axes, args, kwargs)

    return mapped


def _vmap(f: Callable[..., Any], in_axes: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    leaves, structure = flatten(list(args))
    axes = _axes(in_axes, args)
    where = [f"argument {path}" for path in paths(structure)]
    batches: dict[Node, Node] = {}
    stand_ins: list[Any] = []
    for leaf, axis, text in zip(leaves, axes, where, strict=True):
        if axis is None:
            stand_ins.append(_shared(leaf))
            continue
        front = _to_front(_whole(leaf, text), axis, text)
        example = unknown_argument(front.shape[1:], front.dtype, front.finite)
        batches[example] = front
        stand_ins.append(Traced(example))
    size = _common_size(batches, where, axes)
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
        count = len(flatten(argument)[0])
        single = entry is None or isinstance(entry, int)
        result.extend([entry] * count if single else per_leaf(entry, argument))
    if all(axis is None for axis in result):
        raise ArgumentError(
            "vmap", "no argument is mapped", got=f"in_axes={in_axes!r}",
            remedy="give at least one argument an axis, as in in_axes=(None, 0)",
        )  # fmt: skip
    return result


def _shared(leaf: Any) -> Any:
    """An argument that all examples share: float arrays traced, so that ``A[k]`` works."""
    is_array = type(leaf) is np.ndarray and leaf.dtype.kind == "f" and leaf.ndim > 0
    return Traced(capture(leaf)) if is_array else leaf


def _whole(leaf: Any, where: str) -> Node:
    if isinstance(leaf, Expression):
        return leaf.node
    return capture(numeric("vmap", where, leaf))


def _to_front(node: Node, axis: int, where: str) -> Node:
    if node.ndim == 0:
        raise ShapeError(
            "vmap", f"{where} has no axis to map over", got="a single number",
            remedy="give it None in in_axes",
        )  # fmt: skip
    place = normalize_axis("vmap", axis, node.ndim)
    rest = [k for k in range(node.ndim) if k != place]
    return transpose(node, (place, *rest))


def _common_size(
    batches: dict[Node, Node], where: Sequence[str], axes: Sequence[int | None]
) -> int:
    names = [text for text, axis in zip(where, axes, strict=True) if axis is not None]
    sizes = [node.shape[0] for node in batches.values()]
    if len(set(sizes)) > 1:
        listed = ", ".join(f"{size} in {text}" for size, text in zip(sizes, names, strict=True))
        raise ShapeError("vmap", "the mapped axes have different sizes", got=listed)
    return sizes[0]
