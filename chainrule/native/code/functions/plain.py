"""Rows that are a few instructions: arithmetic, rounding, signs, bits, comparing and choosing."""

from __future__ import annotations

import math
from collections.abc import Callable

from chainrule.native.code.builder import Function
from chainrule.native.code.functions.arithmetic import DOUBLE, FLOAT, Precision
from chainrule.native.code.ir import Value, element, is_float


def precision_of(x: Value) -> Precision:
    return FLOAT if element(x.type) == "float" else DOUBLE


# -- arithmetic -----------------------------------------------------------------------------------


def strong_multiply(f: Function, a: Value, b: Value) -> Value:
    """A product that is 0 where a factor is, also beside an infinity or a NaN."""
    product = f.mul(a, b)
    undefined = f.is_nan(product)
    with f.branch(f.any(undefined), [product]) as rare:
        zero = f.bit_or(f.compare("eq", a, 0.0), f.compare("eq", b, 0.0))
        rare.carry(f.select(f.bit_and(undefined, zero), 0.0, product))
    return rare.results[0]


def reciprocal(f: Function, x: Value) -> Value:
    return f.div(1.0, x)


def one_minus_square(f: Function, x: Value) -> Value:
    return f.mul(f.sub(1.0, x), f.add(1.0, x))


def scaled_by(number: float) -> Callable[[Function, Value], Value]:
    """Multiplication by a constant."""
    return lambda f, x: f.mul(x, number)


def relu(f: Function, x: Value) -> Value:
    return f.maximum(x, 0.0)


# -- rounding to whole numbers --------------------------------------------------------------------


def rint(f: Function, x: Value) -> Value:
    if f.target.has_rounding:
        return f.intrinsic("llvm.rint", x)
    # From 2^fraction on, every number is whole; below, adding that rounds.
    unit = 2.0 ** precision_of(x).fraction
    size = f.abs(x)
    rounded = f.sub(f.add(size, unit), unit)
    return f.copysign(f.select(f.compare("lt", size, unit), rounded, size), x)


def floor(f: Function, x: Value) -> Value:
    if f.target.has_rounding:
        return f.intrinsic("llvm.floor", x)
    nearest = rint(f, x)
    lower = f.select(f.compare("gt", nearest, x), f.sub(nearest, 1.0), nearest)
    return f.copysign(lower, x)


def ceil(f: Function, x: Value) -> Value:
    if f.target.has_rounding:
        return f.intrinsic("llvm.ceil", x)
    return f.neg(floor(f, f.neg(x)))


def trunc(f: Function, x: Value) -> Value:
    if f.target.has_rounding:
        return f.intrinsic("llvm.trunc", x)
    return f.copysign(floor(f, f.abs(x)), x)


# -- signs and neighbours -------------------------------------------------------------------------


def sign(f: Function, x: Value) -> Value:
    zero = f.value(0.0, x.type)
    y = f.select(f.compare("gt", x, 0.0), 1.0, f.select(f.compare("lt", x, 0.0), -1.0, zero))
    return f.select(f.is_nan(x), x, y)


def heaviside(f: Function, x: Value, at_zero: Value) -> Value:
    zero = f.value(0.0, x.type)
    y = f.select(f.compare("gt", x, 0.0), 1.0, zero)
    y = f.select(f.compare("eq", x, 0.0), at_zero, y)
    return f.select(f.is_nan(x), x, y)


def nextafter(f: Function, a: Value, b: Value) -> Value:
    bits = f.bits(a)
    away = f.bit_xor(f.compare("lt", a, b), f.compare("lt", a, 0.0))
    moved = f.select(away, f.add(bits, 1), f.sub(bits, 1))
    y = f.float_of(moved, a.type)
    least = f.float_of(f.value(1, bits.type), a.type)
    y = f.select(f.compare("eq", a, 0.0), f.copysign(least, b), y)
    y = f.select(f.compare("eq", a, b), b, y)
    return f.select(f.emit(f"fcmp uno {a}, {b.text}", f.is_nan(a).type), f.add(a, b), y)


def spacing(f: Function, x: Value) -> Value:
    """To the next number away from zero: negative for negative numbers, not for −0."""
    above = f.float_of(f.add(f.bits(f.abs(x)), 1), x.type)
    gap = f.sub(above, f.abs(x))
    gap = f.select(f.compare("lt", x, 0.0), f.sub(0.0, gap), gap)
    finite = f.compare("lt", f.abs(x), math.inf)
    return f.select(finite, gap, math.nan)


# -- truth ----------------------------------------------------------------------------------------


def truth(f: Function, x: Value) -> Value:
    """A value as a boolean: NaN is true."""
    if element(x.type) == "i1":
        return x
    return f.compare("ne", x, 0.0 if is_float(x.type) else 0)


def isinf(f: Function, x: Value) -> Value:
    return f.compare("eq", f.abs(x), math.inf)


def isfinite(f: Function, x: Value) -> Value:
    return f.compare("lt", f.abs(x), math.inf)


def signbit(f: Function, x: Value) -> Value:
    return f.compare("lt", f.bits(x), 0)


def compared(how: str) -> Callable[[Function, Value, Value], Value]:
    return lambda f, a, b: f.compare(how, a, b)


def logical(op: str) -> Callable[[Function, Value, Value], Value]:
    """``bit_and bit_or bit_xor`` of two truths."""

    def emit(f: Function, a: Value, b: Value) -> Value:
        combine: Callable[[Value, Value], Value] = getattr(f, op)
        return combine(truth(f, a), truth(f, b))

    return emit


# -- choosing -------------------------------------------------------------------------------------


def where(f: Function, condition: Value, a: Value, b: Value) -> Value:
    return f.select(truth(f, condition), a, b)


def fmax(f: Function, a: Value, b: Value) -> Value:
    """The larger one; a number rather than a NaN."""
    return f.select(f.is_nan(a), b, f.select(f.compare("lt", a, b), b, a))


def fmin(f: Function, a: Value, b: Value) -> Value:
    return f.select(f.is_nan(a), b, f.select(f.compare("gt", a, b), b, a))
