"""What an optimiser is given: parameters, a gradient and a state that belong together."""

from __future__ import annotations

from typing import Any

import numpy as np
from optree import tree_flatten

from chainrule.arguments import shown
from chainrule.errors import ArgumentTypeError, ShapeError
from chainrule.tracing import node_of


def require_params(optimiser: Any, params: Any) -> Any:
    """Return the parameters, or raise `ArgumentTypeError` unless they are floating-point arrays."""
    try:
        leaves = tree_flatten(params)[0]
    except Exception:  # keys without an order, lists that hold themselves
        leaves = []
    wrong = next((leaf for leaf in leaves if not _is_parameter(leaf)), None)
    if not leaves or wrong is not None:
        raise ArgumentTypeError(
            type(optimiser).__name__,
            "the parameters must be floating-point arrays, in a dict or alone",
            shown(params if wrong is None else wrong),
            "write params = network.init(seed)",
        )
    return params


def require_alike(optimiser: Any, params: Any, **others: Any) -> None:
    """Raise `ShapeError` unless the other trees have the parameters' structure and shapes."""
    leaves, structure = tree_flatten(require_params(optimiser, params))
    for name, tree in others.items():
        try:
            theirs, same = tree_flatten(tree)
            alike = same == structure and [np.shape(leaf) for leaf in theirs] == [
                np.shape(leaf) for leaf in leaves
            ]
            alike = alike and all(_is_parameter(leaf) for leaf in theirs)
        except Exception:  # keys without an order, lists that hold themselves
            alike = False
        if not alike:
            raise ShapeError(
                type(optimiser).__name__,
                f"the {name} must have the structure and the shapes of the parameters",
                shown(tree),
                "pass the gradient by these parameters, and the state that init or the last "
                "update returned",
            )


def require_state(optimiser: Any, state: Any, example: tuple[Any, ...]) -> None:
    """Raise `ArgumentTypeError` unless the state is of the kind that `init` returns."""
    if type(state) is not type(example) or len(state) != len(example):
        raise ArgumentTypeError(
            type(optimiser).__name__, "this is no state of it", shown(state),
            "pass what init or the last update returned",
        )  # fmt: skip


def _is_parameter(leaf: Any) -> bool:
    if node_of(leaf) is not None:
        return True
    plain = type(leaf) is np.ndarray or isinstance(leaf, np.generic)
    return plain and leaf.dtype in (np.float32, np.float64)
