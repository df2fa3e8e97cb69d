"""The true and the given derivative at several points, and what rounding allows between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.differentiate.jacobians import dense_jacobian
from chainrule.differentiate.modes import ones
from chainrule.errors import ArgumentError, ChainruleError, DtypeError
from chainrule.explain.checking.backward import BackwardPass, Part, Step, Values
from chainrule.explain.checking.given import Given
from chainrule.explain.checking.subject import Recorded
from chainrule.graph.node import Array, Node, is_constant
from chainrule.graph.walk import topological
from chainrule.jacobian.apply import pull_back
from chainrule.primitives.arithmetic import absolute
from chainrule.primitives.elementwise import apply
from chainrule.primitives.terms import Coefficient, Term

ULPS = 300
"""Units in the last place that two right ways to compute a gradient may be apart, on top of what is
measured: a sum of n rounded terms is off by about sqrt(n) of them, at worst by n."""

POINTS = 4
"""Random points beside the given one. A slip that vanishes at one of them shows at another."""


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
    tolerances = [_tolerance(recorded, k, node, found[k].dtype) for k, node in enumerate(nodes)]
    return Trial(where, args, kwargs, arrays, recorded, found, true, tolerances, values)


def trials(given: Given, args: Sequence[Any], kwargs: Mapping[str, Any], seed: int) -> list[Trial]:
    """The given point and, if the gradient is a function, random points near it."""
    first = trial_at(given, args, kwargs, "the given point")
    if first is None:
        raise ArgumentError(
            "check", "the function or its derivative is not finite at the given point",
            remedy="give a point inside the function's domain",
        )  # fmt: skip
    found = [first]
    if given.is_function:
        rng = np.random.default_rng(seed)
        for k in range(POINTS):
            arrays = [_near(array, rng, keeps_sign=k % 2 == 0) for array in first.arrays]
            point = given.subject.with_leaves(arrays, args, kwargs)
            trial = _tried(given, *point)
            if trial is not None and _is_finite(trial.given):
                found.append(trial)
    return found


def _tried(given: Given, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Trial | None:
    """A trial at a random point, where either function may be outside its domain."""
    try:
        return trial_at(given, args, kwargs, "a random point near it")
    except (ChainruleError, ArithmeticError, ValueError, IndexError):
        return None


def _is_finite(arrays: Sequence[Array]) -> bool:
    return all(bool(np.isfinite(array).all()) for array in arrays)


def _near(array: Array, rng: np.random.Generator, keeps_sign: bool) -> Array:
    """Another array of about the same size; half of them keep every sign and every zero."""
    stretched = array * np.exp(0.4 * rng.standard_normal(array.shape))
    if not keeps_sign:
        size = float(np.sqrt(np.mean(np.square(array)))) if array.size else 0.0
        stretched = stretched + (size or 1.0) * 0.5 * rng.standard_normal(array.shape)
    return np.asarray(stretched, array.dtype)


# -- what rounding allows -------------------------------------------------------------------------


def _tolerance(recorded: Recorded, which: int, jacobian: Node, given: np.dtype[Any]) -> float:
    """A few hundred units in the last place of the largest sum of terms, and the measured noise.

    The terms are summed without their signs: near a minimum the gradient itself is far smaller.
    """
    leaf = recorded.wrt[which]
    dtypes = [leaf.dtype, recorded.output.dtype, *([given] if given.kind == "f" else [])]
    unit = max(float(np.finfo(dtype).eps) for dtype in dtypes)
    seed = ones(recorded.output)
    magnitude = _magnitude(BackwardPass(recorded.output, leaf, seed))
    size = float(np.max(Values({})(magnitude), initial=0.0))
    own = float(np.finfo(leaf.dtype).eps)
    noise = _noise(recorded, jacobian, own) * unit / own
    # a derivative that jumps when the last place changes stands at a kink: that is no rounding
    return ULPS * unit * size + (noise if noise < np.sqrt(unit) * size else 0.0)


def _magnitude(backward: BackwardPass) -> Node:
    """The sum over all paths of the absolute values of their products."""
    return backward.changed({node: _absolute_step(backward, node) for node in backward.order})


def _absolute_step(backward: BackwardPass, node: Node) -> Step:
    def step(cotangent: Node) -> list[Part]:
        return [
            Part(k, item, pull_back([_absolute(t) for t in node.primitive.jacobian(node, k)],
                                    cotangent, item))
            for k, item in backward.edges(node)
        ]  # fmt: skip

    return step


def _absolute(term: Term) -> Term:
    parts = tuple(
        Coefficient(apply(absolute, node), labels) if node.differentiable
        else Coefficient(node, labels)
        for node, labels in term.coefficients
    )  # fmt: skip
    return term._replace(coefficients=parts, scale=abs(term.scale))


def _noise(recorded: Recorded, jacobian: Node, unit: float) -> float:
    """How far the derivative moves when every number that goes in is rounded otherwise.

    The arguments and the constant arrays are moved by two units in the last place, three times; the
    factor 16 makes a bound of three samples of a sum of many.
    """
    sources = [node for node in topological([recorded.output]) if _is_data(node)]
    plain = Values({})(jacobian)
    rng = np.random.default_rng(0)
    moved = 0.0
    for _ in range(3):
        shaken = {node: _shaken(node, 2 * unit, rng) for node in sources}
        moved = max(moved, float(np.max(np.abs(Values(shaken)(jacobian) - plain), initial=0.0)))
    return 16 * moved if np.isfinite(moved) else 0.0


def _shaken(node: Node, amount: float, rng: np.random.Generator) -> Array:
    change = 1 + amount * rng.standard_normal(node.shape)
    return np.asarray(np.multiply(node.value, change), node.dtype)  # type: ignore[arg-type]


def _is_data(node: Node) -> bool:
    if node.inputs or node.value is None or not node.differentiable:
        return False
    return not is_constant(node) or node.size > 1


def largest_difference(given: Array, true: Array) -> float:
    """The largest difference; infinite where one of the two is not finite."""
    with np.errstate(all="ignore"):
        gap = np.max(np.abs(np.asarray(given, float) - true), initial=0.0)
    return float(gap) if np.isfinite(gap) else float("inf")
