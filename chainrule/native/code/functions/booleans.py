"""Booleans where a function takes numbers: 0 and 1, as in NumPy, or a function of their own."""

from __future__ import annotations

from collections.abc import Callable

from chainrule.native.code.builder import Function
from chainrule.native.code.ir import Value, element

Emitter = Callable[..., Value]
TRUTH = "i1"

_OF_TRUTHS: dict[str, Emitter] = {
    "add": Function.bit_or,
    "maximum": Function.bit_or,
    "fmax": Function.bit_or,
    "minimum": Function.bit_and,
    "fmin": Function.bit_and,
    "absolute": lambda f, x: x,
}
"""What NumPy gives for booleans alone is a boolean."""
_AS_THEY_ARE = {"invert", "bitwise_and", "bitwise_or", "bitwise_xor"}


def with_booleans(name: str, emitter: Emitter) -> Emitter:
    """The emitter of a function, which now takes booleans beside numbers and instead of them."""
    if name in _AS_THEY_ARE or name.startswith("logical_"):
        return emitter

    def emit(f: Function, *values: Value) -> Value:
        kinds = {element(value.type) for value in values}
        if TRUTH not in kinds:
            return emitter(f, *values)
        if name == "where":
            return emitter(f, values[0], *_alike(f, values[1:]))
        if kinds == {TRUTH} and name in _OF_TRUTHS:
            return _OF_TRUTHS[name](f, *values)
        return emitter(f, *_numbers(f, values))

    return emit


def _alike(f: Function, values: tuple[Value, ...]) -> tuple[Value, ...]:
    """Booleans only, or numbers only."""
    mixed = len({element(value.type) for value in values}) > 1
    return _numbers(f, values) if mixed else values


def _numbers(f: Function, values: tuple[Value, ...]) -> tuple[Value, ...]:
    """Booleans as 0 and 1 in the precision of the others; doubles where there are none."""
    kinds = {element(value.type) for value in values} - {TRUTH}
    kind = kinds.pop() if kinds else "double"
    return tuple(
        f.cast("uitofp", value, kind) if element(value.type) == TRUTH else value for value in values
    )
