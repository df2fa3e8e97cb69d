"""Nested containers of arrays: dicts, lists, tuples, named tuples and dataclasses."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import optree

from chainrule import forks
from chainrule.arguments import shown
from chainrule.errors import ArgumentError

NAMESPACE = "chainrule"
Structure = optree.PyTreeSpec
LEAF: Structure = optree.tree_flatten(0.0, namespace=NAMESPACE)[1]  # type: ignore[arg-type]
LEAVES: set[type] = {np.ndarray, np.float64, np.float32, float, int}
"""Types known to be no containers, which optree need not be asked about."""
_registered: set[type] = set()


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """The leaves of a container, and what is needed to build it again.

    >>> leaves, structure = flatten({"a": 1.0, "b": [2.0, 3.0]})
    >>> leaves
    [1.0, 2.0, 3.0]
    """
    if type(tree) in LEAVES:
        return [tree], LEAF
    while True:
        try:
            leaves, structure = optree.tree_flatten(tree, namespace=NAMESPACE)
        except RecursionError:
            raise ArgumentError(
                "arguments", "a container holds itself, or is nested too deep",
                got=type(tree).__name__, remedy="pass arrays, or containers of arrays",
            ) from None  # fmt: skip
        new = {type(leaf) for leaf in leaves if _is_unknown_dataclass(leaf)}
        if not new:
            return leaves, structure
        for cls in new:
            with forks.still():
                _register(cls)


def unflatten(structure: Structure, leaves: Sequence[Any]) -> Any:
    """The container with other leaves."""
    return leaves[0] if structure is LEAF else optree.tree_unflatten(structure, leaves)


def skeleton(structure: Structure) -> Any:
    """The container with a number for each leaf: what a pickle holds of a structure.

    Elsewhere the dataclasses in it may not be known to optree yet.
    """
    return unflatten(structure, [0.0] * structure.num_leaves)


def paths(structure: Structure) -> list[str]:
    """How each leaf is reached from its container: ``['A0']``, ``[1]``, ``.b`` or nothing."""
    return [accessor.codify("") for accessor in structure.accessors()]


def per_leaf(operation: str, name: str, prefix: Any, tree: Any) -> list[Any]:
    """One value a leaf of the tree, from a container that may stop at a branch; None is a value."""
    flatten(tree)  # so that the dataclasses in it are known
    try:
        found = optree.broadcast_prefix(prefix, tree, none_is_leaf=True, namespace=NAMESPACE)
    except (ValueError, RecursionError):
        raise ArgumentError(
            operation, f"{name} must be one value, or a container that matches the argument's",
            got=f"{shown(prefix)} for {shown(tree)}",
        ) from None  # fmt: skip
    leaves = optree.tree_leaves(tree, none_is_leaf=True, namespace=NAMESPACE)
    return [item for item, leaf in zip(found, leaves, strict=True) if leaf is not None]


def _is_unknown_dataclass(leaf: Any) -> bool:
    return (
        dataclasses.is_dataclass(leaf)
        and not isinstance(leaf, type)
        and type(leaf) not in _registered
    )


def _register(cls: type) -> None:
    """Fields that hold arrays or containers are children; names, flags and counts stay as they are.

    A rebuilt object gets its fields as they are, without running ``__init__`` again.
    """
    names = [item.name for item in dataclasses.fields(cls)]

    def take_apart(value: Any) -> Any:
        fields = [(name, getattr(value, name)) for name in names]
        children = [(name, item) for name, item in fields if not _is_static(item)]
        fixed = tuple((name, item) for name, item in fields if _is_static(item))
        inner = tuple(name for name, _ in children)
        return [item for _, item in children], (inner, fixed), list(inner)

    def build(parts: Any, children: Any) -> Any:
        inner, fixed = parts
        result: Any = object.__new__(cls)
        for name, item in (*zip(inner, children, strict=True), *fixed):
            object.__setattr__(result, name, item)
        return result

    optree.register_pytree_node(cls, take_apart, build, namespace=NAMESPACE)
    _registered.add(cls)


def _is_static(value: Any) -> bool:
    return value is None or isinstance(value, (str, bytes, bool, int)) or callable(value)
