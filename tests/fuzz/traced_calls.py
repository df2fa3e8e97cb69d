"""Right calls of every function of NumPy that is answered in a trace, and of arrays' methods."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.tracing.attributes import FORWARDED
from chainrule.tracing.dispatch import FUNCTIONS, name_of

PAIRS = np.array([[0.5, -1.0], [2.0, 0.25]])

REQUIRED: dict[str, Any] = {
    "indices": 0, "shape": (4,), "axis1": 0, "axis2": 1, "source": 0, "destination": 1,
    "indices_or_sections": 2, "shift": 1, "reps": 2, "repeats": 2, "pad_width": 1, "dtype": float,
    "v": 0.5, "bins": np.array([0.0, 1.0]), "n": 2, "axis": 0, "condlist": [PAIRS > 0],
    "choicelist": [PAIRS], "condition": PAIRS > 0, "arrays": (PAIRS, PAIRS), "tup": (PAIRS, PAIRS),
    "fill_value": 0.5, "dx": 1.0, "mask": PAIRS > 0, "func": np.sum, "func1d": np.sum,
}  # fmt: skip
"""What a parameter without a default is given; the others get an array."""
ITS_OWN: dict[str, dict[str, Any]] = {
    "np.broadcast_to": {"shape": (3, 2, 2)},
    "np.take_along_axis": {"indices": np.zeros((2, 2), int)},
    "np.reshape": {"order": "C"}, "np.clip": {"a_min": 0.0, "a_max": 1.0},
    "np.expand_dims": {"axis": 0}, "np.searchsorted": {"a": np.array([0.0, 1.0])},
    "np.linalg.cross": {"x1": np.ones((2, 3)), "x2": np.ones((2, 3))},
    "np.cross": {"a": np.ones((2, 3)), "b": np.ones((2, 3))},
}  # fmt: skip
"""For single functions."""
LEFT_OUT = frozenset({"out", "like", "device", "kwargs", "min", "max"})
"""Parameters that are not tried: refused by name, or other names for the same."""


class Traced:
    """A function called in a trace and, as ``plain``, without: by names, in the right places."""

    def __init__(self, function: Callable[..., Any], by_place: tuple[str, ...]) -> None:
        self.function, self.by_place = function, by_place

    def plain(self, **arguments: Any) -> Any:
        """NumPy's own answer."""
        placed = [arguments.pop(name) for name in self.by_place]
        return self.function(*placed, **arguments)

    def run(self, **arguments: Any) -> Any:
        """The same, where all arrays of numbers are differentiated by."""

        def f(x: Any) -> Any:
            self.plain(**{name: _with(value, x) for name, value in arguments.items()})
            return np.sum(x)

        return cr.vjp(f, PAIRS)


def _with(value: Any, x: Any) -> Any:
    if value is PAIRS:
        return x
    is_pairs = type(value) in (list, tuple) and any(item is PAIRS for item in value)
    return type(value)(_with(item, x) for item in value) if is_pairs else value


def traced_calls() -> Iterator[tuple[str, Traced, dict[str, Any]]]:
    """By name, with the right arguments."""
    for function in FUNCTIONS:
        found = _signed(function)
        if found is not None:
            yield f"{name_of(function)}", *found
    for name in sorted({*FORWARDED} - {"cumprod", "argpartition", "choose"}):
        found = _signed(getattr(np, name))
        if found is not None and hasattr(np.ndarray, name):
            given = {key: item for key, item in found[1].items() if item is not np._NoValue}
            yield f"x.{name}", Traced(_method(name), found[0].by_place), given
    for name, function, arguments in _more():
        yield (
            name,
            Traced(function, ("x", *(k for k in arguments if k in "abc"))),
            ({"x": PAIRS} | arguments),
        )


def _signed(function: Callable[..., Any]) -> tuple[Traced, dict[str, Any]] | None:
    """A function whose signature says how it is called; None where the right call is not known."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    own = ITS_OWN.get(name_of(function), {})
    arguments: dict[str, Any] = {}
    by_place = []
    for k, one in enumerate(parameters):
        if one.name in LEFT_OUT or one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
            continue
        needed = one.default is one.empty
        if needed or one.kind is one.POSITIONAL_ONLY:
            by_place.append(one.name)
        first: Any = REQUIRED.get(one.name, PAIRS) if k or one.name in ("arrays", "tup") else PAIRS
        arguments[one.name] = own.get(one.name, first if needed else one.default)
    traced = Traced(function, tuple(by_place))
    try:
        traced.plain(**arguments)
    except Exception:
        return None
    return traced, arguments


def _method(name: str) -> Callable[..., Any]:
    return lambda x, *args, **kwargs: getattr(x, name)(*args, **kwargs)


def _set(x: Any, a: Any, b: Any) -> Any:
    y = x * 1.0
    y[a] = b
    return y


def _more() -> Iterator[tuple[str, Callable[..., Any], dict[str, Any]]]:
    """What has no signature that could be read."""
    yield "x[key]", lambda x, a: x[a], {"a": 0}
    yield "x[i, j]", lambda x, a, b: x[a, b], {"a": 0, "b": 1}
    yield "x[key] = value", _set, {"a": 0, "b": 1.0}
    yield "x.reshape", _method("reshape"), {"a": (4,), "order": "C"}
    yield "x.transpose", _method("transpose"), {"a": (1, 0)}
    yield "x.astype", _method("astype"), {"a": float}
    yield "x.clip", _method("clip"), {"a": 0.0, "b": 1.0}
    yield "x.flatten", _method("flatten"), {"order": "C"}
    yield "x.copy", _method("copy"), {"order": "C"}
    yield "x.sort", lambda x, **k: (x * 1.0).sort(**k), {"axis": -1, "kind": "stable"}
    yield "x.fill", lambda x, a: (x * 1.0).fill(a), {"a": 0.5}
    yield "x.put", lambda x, a, b: (x * 1.0).put(a, b), {"a": 0, "b": 0.5}
    yield "round(x)", lambda x, a: round(x[0, 0], a), {"a": 1}
    yield "np.stack of two", lambda x, a, **k: np.stack([x, a], **k), {"a": PAIRS, "axis": 0}
    yield (
        "np.concatenate of two",
        lambda x, a, **k: np.concatenate([x, a], **k),
        {"a": PAIRS, "axis": 0},
    )
    yield "np.einsum", lambda x, a, b: np.einsum(a, x, b), {"a": "ij,jk->ik", "b": PAIRS}
    yield "np.pad with numbers", np.pad, {"a": 1, "mode": "constant", "constant_values": 0.0}
    yield "np.where of two", lambda x, a, b: np.where(a, x, b), {"a": PAIRS > 0, "b": 0.0}
    yield "np.broadcast_arrays of two", np.broadcast_arrays, {"a": PAIRS}
    yield "np.meshgrid of two", np.meshgrid, {"a": PAIRS[0], "indexing": "ij"}
    for ufunc in (np.add, np.multiply, np.maximum):
        yield f"np.{ufunc.__name__}.reduce", ufunc.reduce, {"axis": 0}
        yield f"np.{ufunc.__name__}.outer", ufunc.outer, {"a": PAIRS}
        yield f"np.{ufunc.__name__}", ufunc, {"a": PAIRS}
