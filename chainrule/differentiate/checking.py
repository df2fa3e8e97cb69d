"""check_grads: derivatives against differences of values, and the two modes against each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from chainrule.differentiate.gradients import grad, jvp, vjp
from chainrule.errors import ArgumentError, ChainruleError, DtypeError
from chainrule.graph.node import Array
from chainrule.tracing.containers import flatten, unflatten

HIGHEST = 8
"""Each order takes about three times as long as the one below it."""


class GradientError(ChainruleError, AssertionError):
    """A derivative that does not agree with differences of values."""


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int = 2,
    modes: Sequence[str] = ("forward", "reverse"),
    *,
    rtol: float = 1e-6,
    atol: float = 1e-6,
    seed: int = 0,
) -> None:
    """Compare derivatives with central differences along a random direction.

    Parameters
    ----------
    f : callable
        A function of ``args``, smooth around them.
    args : tuple or list
        Arrays or numbers in float64, or containers of them.
    order : int
        Derivatives up to this order, 8 at most, are checked: those of higher order as the first
        derivative of the one below.
    modes : sequence of {"forward", "reverse"}
        Forward: J·v against differences. Reverse: uᵀ·J·v against the same.
    rtol, atol : float
        Differences with Richardson's extrapolation have an error of about 1e-10 relative; the
        defaults leave room for functions with large higher derivatives.
    seed : int
        Of the random directions.

    Raises
    ------
    GradientError
        With both numbers, the mode and the order, if they differ.
    ArgumentError
        If the function fails or is not finite around the point, or an argument cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> cr.check_grads(lambda x: np.sin(x) * x, (np.array([0.3, 0.7]),))
    """
    _require_settings(order, modes, {"rtol": rtol, "atol": atol}, seed)
    _require_arguments(f, args)
    rng = np.random.default_rng(seed)
    function = _one_sentence(f)
    for level in range(1, order + 1):
        _check_first_order(function, args, modes, level, rng, rtol, atol)
        function = _directional(function, rng)


def _require_settings(order: Any, modes: Any, tolerances: dict[str, Any], seed: Any) -> None:
    is_order = (
        isinstance(order, (int, np.integer))
        and not isinstance(order, bool)
        and 0 < order <= HIGHEST
    )
    is_sequence = isinstance(modes, (tuple, list)) and len(modes) > 0
    if not is_order or not is_sequence or not all(_is_mode(mode) for mode in modes):
        raise ArgumentError(
            "check_grads",
            f"modes must name forward, reverse or both, and order be from 1 to {HIGHEST}",
            got=f"modes={_shown(modes)}, order={_shown(order)}",
        )  # fmt: skip
    for name, value in tolerances.items():
        is_number = isinstance(value, (int, float, np.integer, np.floating))
        if not is_number or isinstance(value, bool) or not value >= 0:
            raise ArgumentError(
                "check_grads", f"{name} must be a number that is not negative", _shown(value)
            )
    is_seed = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool) and seed >= 0
    if not is_seed:
        raise ArgumentError(
            "check_grads", "seed must be a whole number that is not negative", _shown(seed)
        )


def _is_mode(mode: Any) -> bool:
    return isinstance(mode, str) and mode in ("forward", "reverse")


def _shown(value: Any) -> str:
    """A value as it was written, if that is short; else its type."""
    is_plain = isinstance(value, (bool, int, float, str, type(None)))
    words = isinstance(value, (tuple, list)) and all(isinstance(item, str) for item in value)
    text = repr(tuple(value) if words else value) if is_plain or words else ""
    return text if 0 < len(text) < 60 else type(value).__name__


def _require_arguments(f: Any, args: Any) -> None:
    if not callable(f):
        raise ArgumentError(
            "check_grads", "the function cannot be called", got=type(f).__name__,
            remedy="pass a function in plain NumPy, then a tuple of its arguments",
        )  # fmt: skip
    if not isinstance(args, (tuple, list)):
        raise ArgumentError(
            "check_grads", "args must be a tuple or a list of the function's arguments",
            got=type(args).__name__, remedy="write (x,) for one argument",
        )  # fmt: skip
    for leaf in _leaves(list(args), "an argument"):
        _real(leaf, "an argument")


def _leaves(value: Any, what: str) -> list[Any]:
    try:
        return flatten(value)[0]
    except RecursionError:
        raise ArgumentError("check_grads", f"{what} contains itself") from None


def _real(leaf: Any, what: str) -> Array:
    """A leaf as an array of real numbers."""
    try:
        array = np.asarray(leaf)
    except Exception as error:
        raise ArgumentError("check_grads", f"{what} is not an array: {error}") from error
    if array.dtype.kind not in "fiub":
        raise DtypeError(
            "check_grads", f"{what} does not hold real numbers", got=f"dtype {array.dtype}"
        )
    return array


def _one_sentence(f: Callable[..., Any]) -> Callable[..., Any]:
    """The function, whose own exceptions are told as what they are."""

    @wraps(f)
    def run(*args: Any) -> Any:
        try:
            return f(*args)
        except ChainruleError:
            raise
        except Exception as error:
            raise ArgumentError(
                "check_grads", "the function failed",
                got=f"{type(error).__name__}: {' '.join(str(error).split())}",
                remedy="it is called with the arguments in args, near the given point",
            ) from error  # fmt: skip

    return run


def _check_first_order(
    f: Callable[..., Any], args: Sequence[Any], modes: Sequence[str], level: int,
    rng: np.random.Generator, rtol: float, atol: float,
) -> None:  # fmt: skip
    leaves, structure = flatten(list(args))
    points = [np.asarray(leaf, dtype=float) for leaf in leaves]
    direction = [rng.standard_normal(point.shape) for point in points]
    at_point = unflatten(structure, points)
    tangents = unflatten(structure, direction)

    def moved(step: float) -> list[Any]:
        shifted = [p + step * d for p, d in zip(points, direction, strict=True)]
        with np.errstate(all="ignore"):
            results = _leaves(f(*unflatten(structure, shifted)), "the function's result")
        return [_real(item, "the function's result").astype(float) for item in results]

    numeric = _richardson(moved)
    if not all(np.isfinite(item).all() for item in numeric):
        raise ArgumentError(
            "check_grads", "the function is not finite around the given point",
            remedy="give a point inside the function's domain",
        )  # fmt: skip
    weights = [rng.standard_normal(item.shape) for item in numeric]
    expected = _inner(weights, numeric)
    scale = sum(float(np.sum(np.abs(w * n))) for w, n in zip(weights, numeric, strict=True))
    for mode in modes:
        if mode == "forward":
            _, tangent = jvp(f, at_point, tangents)
            found = _inner(weights, flatten(tangent)[0])
        else:
            value, pullback = vjp(f, *at_point)
            spec = flatten(value)[1]
            found = _inner(flatten(list(pullback(unflatten(spec, weights))))[0], direction)
        if not abs(found - expected) <= atol + rtol * max(scale, abs(expected)):
            raise GradientError(
                "check_grads",
                f"order {level}, {mode} mode: the derivative along a random direction is wrong",
                got=f"{found:.10g}, where differences give {expected:.10g}",
            )


def _richardson(moved: Callable[[float], list[Any]], h: float = 1e-3) -> list[Any]:
    """Central differences with steps h, h/2 and h/4, extrapolated to an error of order h^6."""
    first, second, third = (
        [(a - b) / (2 * step) for a, b in zip(moved(step), moved(-step), strict=True)]
        for step in (h, h / 2, h / 4)
    )
    better = [(4 * b - a) / 3 for a, b in zip(first, second, strict=True)]
    still = [(4 * b - a) / 3 for a, b in zip(second, third, strict=True)]
    return [(16 * b - a) / 15 for a, b in zip(better, still, strict=True)]


def _inner(left: Sequence[Any], right: Sequence[Any]) -> float:
    return sum(float(np.sum(a * b)) for a, b in zip(left, right, strict=True))


def _directional(f: Callable[..., Any], rng: np.random.Generator) -> Callable[..., Any]:
    """The gradient of a random combination of f's results, by every argument."""
    weights: dict[int, Any] = {}

    def cost(*args: Any) -> Any:
        leaves = flatten(f(*args))[0]
        total = 0.0
        for k, leaf in enumerate(leaves):
            weight = weights.setdefault(k, rng.standard_normal(np.shape(leaf)))
            total = total + np.sum(leaf * weight)
        return total

    def gradient(*args: Any) -> Any:
        return grad(cost, tuple(range(len(args))))(*args)

    return gradient
