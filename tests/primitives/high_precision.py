"""Every smooth elementwise primitive again, in mpmath: an oracle that shares no code with ours."""

from mpmath import mp, mpf

mp.dps = 40


def logistic(x):
    return 1 / (1 + mp.exp(-x))


FUNCTIONS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "divide": lambda a, b: a / b,
    "reciprocal": lambda x: 1 / x,
    "sqrt": mp.sqrt,
    "cbrt": mp.cbrt,
    "power": mp.power,
    "float_power": mp.power,
    "remainder": lambda a, b: a - b * mp.floor(a / b),
    "fmod": lambda a, b: a - b * mp.floor(a / b),  # equal where both are positive
    "absolute": abs,
    "fabs": abs,
    "copysign": lambda a, b: abs(a) * mp.sign(b),
    "nextafter": lambda a, b: a,  # to one unit in the last place
    "maximum": max,
    "minimum": min,
    "fmax": max,
    "fmin": min,
    "exp": mp.exp,
    "exp2": lambda x: mpf(2) ** x,
    "expm1": mp.expm1,
    "log": mp.log,
    "log2": lambda x: mp.log(x, 2),
    "log10": mp.log10,
    "log1p": lambda x: mp.log(1 + x),
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "arcsin": mp.asin,
    "arccos": mp.acos,
    "arctan": mp.atan,
    "arctan2": mp.atan2,
    "hypot": mp.hypot,
    "sinc": lambda x: mp.sin(mp.pi * x) / (mp.pi * x) if x else mpf(1),
    "sech_squared": lambda x: mp.sech(x) ** 2,
    "one_minus_square": lambda x: (1 - x) * (1 + x),
    "one_over_one_plus_square": lambda x: 1 / (1 + x * x),
    "component": lambda a, b: a / mp.hypot(a, b) if a else mpf(0),
    "logistic_density": lambda x: logistic(x) * logistic(-x),
    "degrees": mp.degrees,
    "rad2deg": mp.degrees,
    "radians": mp.radians,
    "deg2rad": mp.radians,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "arcsinh": mp.asinh,
    "arccosh": mp.acosh,
    "arctanh": mp.atanh,
    "sigmoid": logistic,
    "relu": lambda x: max(x, mpf(0)),
    "logaddexp": lambda a, b: mp.log(mp.exp(a) + mp.exp(b)),
    "logaddexp2": lambda a, b: mp.log(mpf(2) ** a + mpf(2) ** b, 2),
}

STEPS = {"floor", "ceil", "trunc", "rint", "sign", "heaviside", "spacing", "floor_divide"}
"""Constant wherever they are smooth: their derivative is zero."""

NOT_REAL = {
    "ldexp", "binary_exponent", "where", "isfinite", "isinf", "isnan", "signbit", "logical_not",
    "invert", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
    "logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor",
    "left_shift", "right_shift", "gcd", "lcm",
}  # fmt: skip
"""Inputs or results are booleans or whole numbers: their own tests are below the table's."""
