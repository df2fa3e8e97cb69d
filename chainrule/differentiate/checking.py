"""check_grads: derivatives against differences of values, and the two modes against each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from math import prod
from typing import Any

import numpy as np

from chainrule.differentiate.gradients import grad, jvp, vjp
from chainrule.errors import ArgumentError, ChainruleError, DtypeError
from chainrule.graph.node import Array
from chainrule.numerics.differences import central, extrapolated
from chainrule.numerics.entries import entry_at_fault, most_apart, unit
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


class _Point:
    """A function near a point, with its arguments and results as lists of arrays."""

    def __init__(self, f: Callable[..., Any], args: Sequence[Any]) -> None:
        self.f = f
        leaves, self.structure = flatten(list(args))
        self.arrays = [np.asarray(leaf, dtype=float) for leaf in leaves]

    def arranged(self, arrays: Sequence[Array]) -> list[Any]:
        """Arrays as the function's arguments, or as their tangents."""
        arguments: list[Any] = unflatten(self.structure, arrays)
        return arguments

    def results(self, arrays: Sequence[Array]) -> list[Array]:
        """The function's results at a point."""
        with np.errstate(all="ignore"):
            results = _leaves(self.f(*self.arranged(arrays)), "the function's result")
        return [_real(item, "the function's result").astype(float) for item in results]

    def numeric(self, direction: Sequence[Array], h: float = 1e-3) -> list[Array]:
        """The derivative of the results by differences, with an error of order h⁶."""
        shapes: list[tuple[int, ...]] = []

        def line(t: float) -> Array:
            moved = [p + t * d for p, d in zip(self.arrays, direction, strict=True)]
            results = self.results(moved)
            shapes[:] = [item.shape for item in results]
            return np.concatenate([np.empty(0), *map(np.ravel, results)])

        flat = extrapolated(central(line, h, 3), 2)
        return _split(flat, shapes)

    def forward(self, direction: Sequence[Array]) -> list[Array]:
        """The same by forward mode."""
        _, tangent = jvp(self.f, self.arranged(self.arrays), self.arranged(direction))
        return [np.asarray(item) for item in flatten(tangent)[0]]

    def reverse(self, weights: Sequence[Array]) -> list[Array]:
        """The derivative of a weighted sum of the results by the arguments, by reverse mode."""
        value, pullback = vjp(self.f, *self.arranged(self.arrays))
        spec = flatten(value)[1]
        return [np.asarray(item) for item in flatten(list(pullback(unflatten(spec, weights))))[0]]


def _split(flat: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    ends = np.cumsum([prod(shape) for shape in shapes])
    pieces = np.split(flat, ends[:-1]) if shapes else []
    return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]


def _check_first_order(
    f: Callable[..., Any], args: Sequence[Any], modes: Sequence[str], level: int,
    rng: np.random.Generator, rtol: float, atol: float,
) -> None:  # fmt: skip
    point = _Point(f, args)
    direction = [np.asarray(rng.standard_normal(array.shape)) for array in point.arrays]
    numeric = point.numeric(direction)
    if not all(np.isfinite(item).all() for item in numeric):
        raise ArgumentError(
            "check_grads", "the function is not finite around the given point",
            remedy="give a point inside the function's domain",
        )  # fmt: skip
    weights = [np.asarray(rng.standard_normal(item.shape)) for item in numeric]
    expected = _inner(weights, numeric)
    scale = sum(float(np.sum(np.abs(w * n))) for w, n in zip(weights, numeric, strict=True))
    for mode in modes:
        if mode == "forward":
            found = _inner(weights, point.forward(direction))
        else:
            found = _inner(point.reverse(weights), direction)
        if not abs(found - expected) <= atol + rtol * max(scale, abs(expected)):
            raise GradientError(
                "check_grads",
                f"order {level}, {mode} mode: the derivative along a random direction is wrong",
                got=f"{found:.10g}, where differences give {expected:.10g}",
                remedy=_entry_at_fault(point, mode, weights, direction),
            )


def _entry_at_fault(
    point: _Point, mode: str, weights: Sequence[Array], direction: Sequence[Array]
) -> str:
    """One entry of the Jacobian that is wrong, with both values."""
    shapes = [array.shape for array in point.arrays]
    pulled = point.reverse(weights) if mode == "reverse" else []

    def error(flat: Array) -> float:
        chosen = _split(flat, shapes)
        mine = _inner(pulled, chosen) if pulled else _inner(weights, point.forward(chosen))
        return abs(mine - _inner(weights, point.numeric(chosen)))

    whole = np.concatenate([np.ravel(item) for item in direction])
    (column,) = entry_at_fault(error, whole)
    by = _split(unit(whole.shape, (column,)), shapes)
    wanted = point.numeric(by)
    results = [item.shape for item in wanted]
    flat = np.concatenate([np.ravel(item) for item in wanted])
    mine = np.concatenate([np.ravel(item) for item in point.forward(by)])
    (row,) = most_apart(mine, flat)
    value = mine[row]
    if mode == "reverse":
        value = _inner(point.reverse(_split(unit(flat.shape, (row,)), results)), by)
    return (
        f"look at the derivative of {_place(results, row, 'the result', 'result')} by "
        f"{_place(shapes, column, 'the argument', 'argument')}: it is {value:.10g}, and "
        f"differences give {flat[row]:.10g}"
    )


def _place(shapes: Sequence[tuple[int, ...]], number: int, one: str, several: str) -> str:
    """``entry [1, 0] of the result``, ``argument 2``; counted from 0, as code does."""
    which, rest = 0, number
    while rest >= prod(shapes[which]):
        rest -= prod(shapes[which])
        which += 1
    owner = one if len(shapes) == 1 else f"{several} {which}"
    index = [int(k) for k in np.unravel_index(rest, shapes[which])] if shapes[which] else []
    return f"entry {index} of {owner}" if index else owner


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
