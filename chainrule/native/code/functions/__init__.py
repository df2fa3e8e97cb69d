"""Elementwise functions on vectors, by the names of their primitives."""

from __future__ import annotations

import math
from collections.abc import Callable

from chainrule.native.code.builder import Function
from chainrule.native.code.functions import (
    circular,
    exponential,
    hyperbolic,
    logarithm,
    plain,
    powers,
)
from chainrule.native.code.functions.arithmetic import DOUBLE, FLOAT, WIDE, Arithmetic
from chainrule.native.code.functions.booleans import with_booleans
from chainrule.native.code.ir import Value, element, lanes, number_of

Emitter = Callable[..., Value]
"""``emitter(f, *values) -> value``: appends instructions to a function."""

_FEW_PRODUCTS = range(1, 5)


def in_own_precision(core: Emitter) -> Emitter:
    """Single precision with single-precision instructions: the quickest."""

    def emit(f: Function, *values: Value) -> Value:
        single = element(values[0].type) == "float"
        m = Arithmetic(f, FLOAT if single else DOUBLE, lanes(values[0].type))
        return core(m, *values)

    return emit


def through_double(core: Emitter) -> Emitter:
    """Single precision computed with doubles, which need no pairs: short, and nearly exact."""

    def emit(f: Function, *values: Value) -> Value:
        single = element(values[0].type) == "float"
        m = Arithmetic(f, WIDE if single else DOUBLE, lanes(values[0].type))
        y = core(m, *(f.convert(value, "double") for value in values))
        return f.convert(y, "float") if single else y

    return emit


def in_own_precision_if_fused(core: Emitter) -> Emitter:
    """Single precision with its own instructions where these include fused products."""
    own, wide = in_own_precision(core), through_double(core)
    return lambda f, *values: (own if f.target.has_fma else wide)(f, *values)


def _float_power(f: Function, x: Value, y: Value) -> Value:
    """The power as a double, whatever the arguments are."""
    m = Arithmetic(f, DOUBLE, lanes(x.type))
    return powers.power(m, f.convert(x, "double"), f.convert(y, "double"))


def _power(f: Function, x: Value, y: Value) -> Value:
    """``x ** y``; if y is a small whole number that is known, by products, which are as exact."""
    exponent = number_of(y)
    if exponent not in _FEW_PRODUCTS:
        is_whole = exponent is not None and exponent.is_integer()
        general = powers.whole_power if is_whole else powers.power
        return through_double(general)(f, x, y)
    if exponent == 1:
        return x
    square = f.mul(x, x)
    if exponent == 2:
        return square
    return f.mul(square, x if exponent == 3 else square)


_OF_NUMBERS: dict[str, Emitter] = {
    "add": Function.add,
    "strong_multiply": plain.strong_multiply,
    "subtract": Function.sub,
    "divide": Function.div,
    "reciprocal": plain.reciprocal,
    "one_minus_square": plain.one_minus_square,
    "one_over_one_plus_square": in_own_precision(circular.one_over_one_plus_square),
    "sqrt": Function.sqrt,
    "absolute": Function.abs,
    "fabs": Function.abs,
    "sign": plain.sign,
    "rint": plain.rint,
    "floor": plain.floor,
    "ceil": plain.ceil,
    "trunc": plain.trunc,
    "heaviside": plain.heaviside,
    "copysign": Function.copysign,
    "nextafter": plain.nextafter,
    "spacing": plain.spacing,
    "isfinite": plain.isfinite,
    "isinf": plain.isinf,
    "isnan": Function.is_nan,
    "signbit": plain.signbit,
    "logical_not": lambda f, x: f.invert(plain.truth(f, x)),
    "logical_and": plain.logical("bit_and"),
    "logical_or": plain.logical("bit_or"),
    "logical_xor": plain.logical("bit_xor"),
    "invert": Function.invert,
    "bitwise_and": Function.bit_and,
    "bitwise_or": Function.bit_or,
    "bitwise_xor": Function.bit_xor,
    "equal": plain.compared("eq"),
    "not_equal": plain.compared("ne"),
    "less": plain.compared("lt"),
    "less_equal": plain.compared("le"),
    "greater": plain.compared("gt"),
    "greater_equal": plain.compared("ge"),
    "where": plain.where,
    "maximum": Function.maximum,
    "minimum": Function.minimum,
    "fmax": plain.fmax,
    "fmin": plain.fmin,
    "relu": plain.relu,
    "degrees": plain.scaled_by(180 / math.pi),
    "rad2deg": plain.scaled_by(180 / math.pi),
    "radians": plain.scaled_by(math.pi / 180),
    "deg2rad": plain.scaled_by(math.pi / 180),
    "exp": in_own_precision(exponential.exp),
    "exp2": in_own_precision(exponential.exp2),
    "expm1": in_own_precision(exponential.expm1),
    "log": in_own_precision(logarithm.log),
    "log2": in_own_precision(logarithm.log2),
    "log10": in_own_precision(logarithm.log10),
    "log1p": in_own_precision(logarithm.log1p),
    "logaddexp": in_own_precision(logarithm.logaddexp),
    "logaddexp2": in_own_precision(logarithm.logaddexp2),
    "tanh": in_own_precision(hyperbolic.tanh),
    "sigmoid": in_own_precision(hyperbolic.sigmoid),
    "logistic_density": in_own_precision(hyperbolic.logistic_density),
    "sech_squared": in_own_precision(hyperbolic.sech_squared),
    "sinh": in_own_precision(hyperbolic.sinh),
    "cosh": in_own_precision(hyperbolic.cosh),
    "arcsinh": through_double(hyperbolic.arcsinh),
    "arccosh": through_double(hyperbolic.arccosh),
    "arctanh": through_double(hyperbolic.arctanh),
    "sin": in_own_precision_if_fused(circular.sin),
    "cos": in_own_precision_if_fused(circular.cos),
    "tan": in_own_precision_if_fused(circular.tan),
    "arcsin": through_double(circular.arcsin),
    "arccos": through_double(circular.arccos),
    "arctan": through_double(circular.arctan),
    "arctan2": through_double(circular.arctan2),
    "power": _power,
    "float_power": _float_power,
    "cbrt": through_double(powers.cbrt),
    "hypot": through_double(powers.hypot),
    "component": through_double(powers.component),
}

EMITTERS = {name: with_booleans(name, emitter) for name, emitter in _OF_NUMBERS.items()}
"""How the values of each primitive are computed; what is not here is left to the interpreter.

The table is native code's own: a row knows nothing of instructions. A user's row gets an emitter by
an entry, ``EMITTERS["softsign"] = in_own_precision(softsign)``.
"""
