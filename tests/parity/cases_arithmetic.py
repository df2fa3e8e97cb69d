"""Arithmetic and floating-point ufuncs, powers, comparisons, and every way of broadcasting."""

from tests.parity.cases import at, case, inside, positive

UFUNCS_OF_ONE = [
    case("negative", lambda np, x: -x, at(3)),
    case("positive", lambda np, x: +x * 2.0, at(3)),
    case("absolute", lambda np, x: np.abs(x), at(4)),
    case("builtin abs", lambda np, x: abs(x) ** 2, at(4)),
    case("fabs", lambda np, x: np.fabs(x) * x, at(4)),
    case("sign", lambda np, x: np.sign(x) * x**2, at(4)),
    case("rounding", lambda np, x: np.floor(x) + np.ceil(x) * np.trunc(x) * x + np.rint(x), at(4)),
    case("square", lambda np, x: np.square(x), at(3)),
    case("reciprocal", lambda np, x: np.reciprocal(x), at(3)),
    case("sqrt", lambda np, x: np.sqrt(x), positive(3)),
    case("cbrt", lambda np, x: np.cbrt(x), positive(3)),
    case("exp", lambda np, x: np.exp(x), at(2, 2)),
    case("exp2", lambda np, x: np.exp2(x), at(3)),
    case("expm1", lambda np, x: np.expm1(x), at(3)),
    case("log", lambda np, x: np.log(x), positive(3)),
    case("log2", lambda np, x: np.log2(x), positive(3)),
    case("log10", lambda np, x: np.log10(x), positive(3)),
    case("log1p", lambda np, x: np.log1p(x), inside(3)),
    case("sin", lambda np, x: np.sin(x), at(3)),
    case("cos", lambda np, x: np.cos(x), at(3)),
    case("tan", lambda np, x: np.tan(x), inside(3)),
    case("arcsin", lambda np, x: np.arcsin(x), inside(3)),
    case("arccos", lambda np, x: np.arccos(x), inside(3)),
    case("arctan", lambda np, x: np.arctan(x), at(3)),
    case("sinh", lambda np, x: np.sinh(x), at(3)),
    case("cosh", lambda np, x: np.cosh(x), at(3)),
    case("tanh", lambda np, x: np.tanh(x), at(3)),
    case("arcsinh", lambda np, x: np.arcsinh(x), at(3)),
    case("arccosh", lambda np, x: np.arccosh(x), 1.0 + positive(3)),
    case("arctanh", lambda np, x: np.arctanh(x), inside(3)),
    case("angles", lambda np, x: np.deg2rad(x) * np.rad2deg(x) + np.degrees(x), at(3)),
    case("sinc", lambda np, x: np.sinc(x), at(3)),
    case("modf", lambda np, x: np.modf(x)[0] * np.modf(x)[1] * x, at(4)),
    case("nan_to_num", lambda np, x: np.nan_to_num(x) ** 2, at(3)),
    case("isfinite", lambda np, x: np.where(np.isfinite(x), x**2, 0.0), at(3)),
]

UFUNCS_OF_TWO = [
    case("add and subtract", lambda np, x, y: (x + y) * (x - y), at(3), at(3, seed=5)),
    case("divide", lambda np, x, y: x / y, at(3), at(3, seed=5)),
    case("true_divide", lambda np, x, y: np.true_divide(y, x + 3.0), at(3), at(3, seed=5)),
    case("floor_divide", lambda np, x, y: (x // y) * x + y, at(4), at(4, seed=5)),
    case("remainder", lambda np, x, y: (x % y) ** 2, at(4), at(4, seed=5)),
    case("fmod", lambda np, x, y: np.fmod(x, y) * x, at(4), at(4, seed=5)),
    case("divmod", lambda np, x, y: np.divmod(x, y)[0] * x + np.divmod(x, y)[1] ** 2, at(4), at(4)),
    case("hypot", lambda np, x, y: np.hypot(x, y), at(3), at(3, seed=5)),
    case("arctan2", lambda np, x, y: np.arctan2(x, y), at(4), at(4, seed=5)),
    case("logaddexp", lambda np, x, y: np.logaddexp(x, y), at(3), at(3, seed=5)),
    case("logaddexp2", lambda np, x, y: np.logaddexp2(x, y), at(3), at(3, seed=5)),
    case(
        "maximum and minimum", lambda np, x, y: np.maximum(x, y) * np.minimum(x, y**2), at(4), at(4)
    ),
    case(
        "fmax and fmin", lambda np, x, y: np.fmax(x, y) ** 2 + np.fmin(x, y) * x, at(4), at(4)[::-1]
    ),
    case("copysign", lambda np, x, y: np.copysign(x**2, y) * y, at(4), at(4, seed=5)),
    case("heaviside", lambda np, x: np.heaviside(x, 0.5) * x**2, at(4)),
]

POWERS = [
    case("x ** 2", lambda np, x: x**2, at(3)),
    case("x ** 3", lambda np, x: x**3, at(3)),
    case("x ** -1", lambda np, x: x**-1.0, at(3)),
    case("x ** 0.5", lambda np, x: x**0.5, positive(3)),
    case("x ** -1.5", lambda np, x: x**-1.5, positive(3)),
    case("2 ** x", lambda np, x: 2**x, at(3)),
    case("x ** y", lambda np, x, y: x**y, positive(3), at(3)),
    case("power of an array of whole numbers", lambda np, x: x ** np.arange(4.0), at(4)),
    case("row to the power of a column", lambda np, x, y: np.power(x, y), positive(3), at(2, 1)),
    case("float_power", lambda np, x, y: np.float_power(x, y), positive(3), at(3)),
    case("x ** x", lambda np, x: x**x, positive(3)),
]

CHOOSING = [
    case("where", lambda np, x, y: np.where(x > y, x**2, y**3), at(4), at(4, seed=5)),
    case(
        "where of a row and a column", lambda np, x, y: np.where(x > 0, x * y, y), at(3), at(2, 1)
    ),
    case(
        "where with a scalar",
        lambda np, x: np.where(x > 0, x, 0.0) + np.where(x < 1, 2.0, x**2),
        at(4),
    ),
    case(
        "comparison as a factor",
        lambda np, x, y: (x > y) * x**2 + (x <= y) * y,
        at(4),
        at(4, seed=5),
    ),
    case("clip", lambda np, x: np.clip(x, -1.0, 0.5) * x, at(5)),
    case(
        "clip on one side", lambda np, x: np.clip(x, 0.5, None) + np.clip(x, None, 1.1) ** 2, at(5)
    ),
    case("clip by arrays", lambda np, x, y: x.clip(-y, y) * x, at(5), positive(5)),
    case("method clip", lambda np, x: x.clip(-0.6, 0.6) ** 3, at(5)),
    case("logical masks", lambda np, x: np.where((x > -1) & ~(x > 1), x**2, -x), at(6)),
]

BROADCASTING = [
    case("column plus row", lambda np, x, y: x * y, at(3, 1), at(4)),
    case("matrix and row", lambda np, x, y: x / (y + 4.0), at(2, 3), at(3)),
    case("matrix and column", lambda np, x, y: x**2 - x * y, at(2, 3), at(2, 1)),
    case("matrix and scalar array", lambda np, x, y: x * y + y, at(2, 3), at()),
    case("stack and matrix", lambda np, x, y: x * np.sin(y), at(2, 2, 3), at(2, 3)),
    case("both stretched", lambda np, x, y, z: x * y + z, at(2, 1, 3), at(4, 1), at(1)),
    case("size one with size one", lambda np, x, y: x * y, at(1, 1), at(1)),
    case("broadcast_to", lambda np, x: np.broadcast_to(x, (4, 2, 3)) ** 2, at(2, 1)),
    case(
        "None adds an axis",
        lambda np, x, y: np.exp(-((x[:, None] - y[None, :]) ** 2)),
        at(3),
        at(4),
    ),
    case("scalars of Python", lambda np, x: 2 - 3 * x / 4 + (1.5 - x) / (x + 7), at(2, 3)),
    case("zero-dimensional", lambda np, x, y: x * np.sin(y) / (1 + x**2), at(), at(seed=3)),
]

CASES = [*UFUNCS_OF_ONE, *UFUNCS_OF_TWO, *POWERS, *CHOOSING, *BROADCASTING]
