"""The true and the given derivative at several points, and what rounding allows between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.checking.backward import Values
from chainrule.checking.given import Given
from chainrule.checking.rounding import rounding_bound
from chainrule.checking.subject import Recorded
from chainrule.differentiate.entries import dense_jacobian
from chainrule.errors import ArgumentError, ChainruleError, DtypeError
from chainrule.graph.node import Array, Node

UNITS = 30
"""Units in the last place of the bound on rounding errors that two right ways to compute a gradient
may be apart. The bound counts one unit an operation; a sum of n terms makes up to n of them, about
sqrt(n) as a rule, and another formula may take a few times as many operations."""

MOVES = ((1.0, 0.4, 0.0), (1.0, 0.4, 0.5), (1.0, 0.01, 0.0), (1.0, 0.4, 1.0), (-2.0, 0.4, 1.0))
"""Where the random points are: by how much the given one is stretched, how unevenly, and how far it
is then moved, in units of its size.

Those moved by 0 have the signs and zeros of the given one, for functions with a domain; the third
is close by, inside all but the smallest domains; the last is on the other side of most kinks, where
a mask that is missing shows.
"""

NEAR = ((1.0, 1e-3, 0.0), (1.0, 1e-3, 1e-3), (1.0, 1e-4, 0.0), (1.0, 1e-4, 1e-4))
"""Where more points are looked for."""

FEWEST = 3
"""Points below which more are looked for close by: a slip is told only if it fits at a second."""


@dataclass(frozen=True)
class Trial:
    """One point: the arguments, and both derivatives there.

    Attributes
    ----------
    where : str
        What the point is.
    arrays : list of array
        What is differentiated by.
    given : list of array
        As they came, whatever their shapes.
    true : list of array
        In numerator layout, of shape output + argument.
    tolerances : list of float
        The largest difference that rounding explains.
    values : Values
        Of the nodes of its own program.
    """

    where: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    arrays: list[Array]
    recorded: Recorded
    given: list[Array]
    true: list[Array]
    tolerances: list[float]
    values: Values


def trial_at(
    given: Given, args: Sequence[Any], kwargs: Mapping[str, Any], where: str
) -> Trial | None:
    """Both derivatives at a point, or None where the function or its derivative is not finite."""
    subject = given.subject
    args, kwargs = tuple(args), dict(kwargs)
    if not np.isfinite(subject.value(args, kwargs)).all():
        return None
    recorded = subject.recorded(args, kwargs)
    if not recorded.output.differentiable:
        raise DtypeError(
            "check", "the function returns whole numbers or booleans, which do not vary",
            got=f"dtype {recorded.output.dtype}",
        )  # fmt: skip
    arrays = subject.leaves(args, kwargs)
    values = Values(dict(zip(recorded.wrt, arrays, strict=True)))
    nodes = [dense_jacobian(recorded.output, leaf) for leaf in recorded.wrt]
    true = [values(node) for node in nodes]
    if not all(np.isfinite(item).all() for item in true):
        return None
    found = given.at(args, kwargs)
    tolerances = [
        _tolerance(recorded, leaf, node, array.dtype)
        for leaf, node, array in zip(recorded.wrt, nodes, found, strict=True)
    ]
    return Trial(where, args, kwargs, arrays, recorded, found, true, tolerances, values)


def trials(given: Given, args: Sequence[Any], kwargs: Mapping[str, Any], seed: int) -> list[Trial]:
    """The given point and, if the gradient is a function, random points."""
    first = trial_at(given, args, kwargs, "the given point")
    if first is None:
        raise ArgumentError(
            "check", "the function or its derivative is not finite at the given point",
            remedy="give a point inside the function's domain",
        )  # fmt: skip
    found = [first]
    if given.is_function:
        _require_repeatable(given, first)
        rng = np.random.default_rng(seed)
        for move in (*MOVES, *NEAR):
            if move in NEAR and len(found) >= FEWEST:
                break
            arrays = [_elsewhere(array, rng, move) for array in first.arrays]
            point = given.subject.with_leaves(arrays, args, kwargs)
            trial = tried(given, *point, "a random point")
            if trial is not None and _is_finite(trial.given):
                found.append(trial)
    return found


def _require_repeatable(given: Given, first: Trial) -> None:
    again = given.at(first.args, first.kwargs)
    pairs = zip(first.given, again, strict=True)
    if not all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs):
        raise ArgumentError(
            "check", "the gradient function returns other numbers when it is called again",
            remedy="take random numbers from a generator with a fixed seed inside it",
        )  # fmt: skip


def tried(given: Given, args: Sequence[Any], kwargs: Mapping[str, Any], where: str) -> Trial | None:
    """A trial at a point where either function may be outside its domain."""
    try:
        return trial_at(given, args, kwargs, where)
    except (ChainruleError, ArithmeticError, ValueError, IndexError):
        return None


def _is_finite(arrays: Sequence[Array]) -> bool:
    return all(bool(np.isfinite(array).all()) for array in arrays)


def _elsewhere(array: Array, rng: np.random.Generator, move: tuple[float, float, float]) -> Array:
    """An array with every entry stretched by about a factor, and moved."""
    stretch, unevenly, distance = move
    stretched = stretch * array * np.exp(unevenly * rng.standard_normal(array.shape))
    if distance:
        size = float(np.sqrt(np.mean(np.square(array)))) if array.size else 0.0
        stretched = stretched + (size or 1.0) * distance * rng.standard_normal(array.shape)
    return np.asarray(stretched, array.dtype)


def _tolerance(recorded: Recorded, leaf: Node, jacobian: Node, given: np.dtype[Any]) -> float:
    """The largest error that rounding may leave in any entry, in the coarsest dtype at work."""
    dtypes = [leaf.dtype, recorded.output.dtype, *([given] if given.kind == "f" else [])]
    unit = max(float(np.finfo(dtype).eps) for dtype in dtypes)
    values = Values({})
    bound = values(rounding_bound(jacobian))
    if not np.isfinite(bound).all():  # a step has no derivative here: its result counts as rounded
        bound = 10 * np.abs(values(jacobian))
    return UNITS * unit * float(np.max(bound, initial=0.0))


def largest_difference(given: Array, true: Array) -> float:
    """The largest difference; infinite where one of the two is not finite."""
    with np.errstate(all="ignore"):
        gap = np.max(np.abs(np.asarray(given, float) - true), initial=0.0)
    return float(gap) if np.isfinite(gap) else float("inf")
