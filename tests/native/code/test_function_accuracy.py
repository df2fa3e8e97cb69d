"""Native functions within 2 units in the last place: mpmath, and denser with longer numbers.

The dense test compares single precision with NumPy's double precision, and double precision with
its long double where that has 64 digits: their own errors are below a thousandth of our unit. A few
of the same points go to mpmath, which shares no code with either.
"""

import numpy as np
import pytest
from mpmath import mp, mpc, mpf

from chainrule.native.code.functions import EMITTERS
from chainrule.native.code.functions.reduction import MODERATE
from chainrule.native.target import host, level, runs_here
from chainrule.primitives.elementwise import ROWS
from tests.native.accuracy import every_exponent, worst
from tests.native.calling import compiled
from tests.primitives.high_precision import FUNCTIONS

LIMIT = 2.0
ONE = [
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "tanh", "sigmoid", "sinh", "cosh",
    "arcsinh", "arccosh", "arctanh", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "cbrt",
    "sqrt", "reciprocal", "sech_squared", "one_minus_square", "one_over_one_plus_square",
    "logistic_density",
]  # fmt: skip
TWO = ["power", "arctan2", "hypot", "divide", "component"]
SUMS = ["logaddexp", "logaddexp2"]
UNNAMED = [
    "sech_squared",
    "one_minus_square",
    "one_over_one_plus_square",
    "component",
    "logistic_density",
]
STEPWISE = ["rint", "floor", "ceil", "trunc"]
HARDEST = 6381956970095103 * 2.0**797
"""The double that comes closest to a multiple of π/2, in relation to its size (found by continued
fractions: J.-M. Muller, Elementary Functions, 11.3)."""

NEAREST = 45.553093477052 * 2.0 ** np.arange(13)
"""Moderate angles that come closest: found among the neighbours of all quarter turns."""

EXTENDED = np.finfo(np.longdouble).nmant >= 63
REAL = {**FUNCTIONS, "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)), "log1p": mp.log1p}
FEWEST = [name for name in ("sse2", "avx2", "avx512") if runs_here(level(name))]


def boundaries(dtype):
    """Where a range reduction changes, and a run of neighbours on both sides."""
    k = np.arange(-8, 9)
    centres = [
        (k + 0.5) * np.log(2), (k + 0.5), k * np.pi / 2, (k + 0.5) * np.pi / 2,
        np.sqrt(2) * 2.0**k, np.array([0.55, 0.5, 1.0, 0.0]),
        np.array([np.sqrt(2) - 1, np.sqrt(2) + 1]),
        np.array([MODERATE, 2.0**14, 2.0**28, 2.0**60, HARDEST, 1e22]),
        np.array([88.72283, 89.41599, -103.9720, 709.782712, 710.475860, -745.133219, -744.44]),
        np.array([127.5, 128, -149, -150, 1023.5, 1024, -1074, -1075]),
        2.0 ** np.array([-12, -13, -25, -27, -28, -54, -55, -126, -1022]),
    ]  # fmt: skip
    with np.errstate(over="ignore"):
        one = np.concatenate([*centres, *(-centre for centre in centres)]).astype(dtype)
    one = one[np.isfinite(one)]
    integers = one.view(np.int32 if dtype == "float32" else np.int64)
    runs = (integers[:, None] + np.arange(-12, 13)).ravel()
    found = runs.astype(integers.dtype).view(dtype)
    return found[np.isfinite(found)]


def spread(dtype, count, seed):
    """Every exponent, ordinary sizes, and the intervals around 0 and 1."""
    rng = np.random.default_rng(seed)
    ordinary = [rng.normal(size=count) * scale for scale in (1, 10, 300)]
    near = [1 + rng.normal(size=count) * 10.0 ** rng.uniform(-8, -1, count)]
    return np.concatenate([
        every_exponent(dtype, 2 * count, seed), rng.uniform(-1, 1, count).astype(dtype),
        *(item.astype(dtype) for item in [*ordinary, *near]),
    ])  # fmt: skip


def points(name, dtype, count):
    """Arguments of a function, one array for each input."""
    if name in ONE or name in STEPWISE:
        return [np.concatenate([boundaries(dtype), spread(dtype, count, 0)])]
    x, y = spread(dtype, count, 1), spread(dtype, count, 2)
    rng = np.random.default_rng(3)
    if name == "power":  # those that neither overflow nor vanish
        x = np.abs(x)
        with np.errstate(all="ignore"):
            inside = rng.uniform(-1, 1, x.size) * 740 / np.log(x.astype(float))
        y = np.where(np.isfinite(inside), np.clip(inside, -1e6, 1e6), 2.0).astype(dtype)
        x = np.where(rng.random(x.size) < 0.2, -x, x)
        y = np.where(rng.random(x.size) < 0.3, np.rint(y), y)
    elif name in ("arctan2", "hypot", "divide", "component", *SUMS):
        close = (x * (1 + rng.normal(size=x.size) * 1e-3)).astype(dtype)
        mixed = np.where(rng.random(x.size) < 0.5, close, y)
        y = np.where(np.isfinite(mixed), mixed, 1).astype(dtype)
    return [x, y]


def longer(name, arrays):
    """The value with more digits."""
    wide = [a.astype(np.longdouble if a.dtype == np.float64 else np.float64) for a in arrays]
    with np.errstate(all="ignore"):
        if name == "sigmoid":
            e = np.exp(-np.abs(wide[0]))
            return np.where(wide[0] < 0, e, 1) / (1 + e)
        return ROWS[name].value(*wide) if name in UNNAMED else getattr(np, name)(*wide)


def errors(found, wanted, unit=0.0):
    """In units in the last place, all at once; `unit` is the least that counts as one."""
    dtype = found.dtype
    info = np.finfo(dtype)
    with np.errstate(all="ignore"):
        rounded = wanted.astype(dtype)
        size = np.maximum(np.abs(wanted), float(info.tiny))
        size = np.exp2(np.floor(np.log2(size))) * wanted.dtype.type(info.eps)
        size = np.maximum(size, unit)
        off = np.abs(found.astype(wanted.dtype) - wanted) / size
    same = (found == rounded) | (np.isnan(found) & np.isnan(wanted))
    off = np.where(np.isnan(off), np.inf, off)
    return np.where(same, np.minimum(off, 0.5), off)


def check(name, dtype, target, count):
    arrays = points(name, dtype, count)
    native = compiled(EMITTERS[name], [dtype] * len(arrays), dtype, target.lanes(dtype), target)
    found, wanted = native(*arrays), longer(name, arrays)
    unit = 0.0
    if name in SUMS:  # the larger argument's unit, or that of log 2, where the two cancel
        largest = np.maximum(np.abs(arrays[0]), np.abs(arrays[1])).astype(wanted.dtype)
        unit = np.maximum(largest, 0.5) * wanted.dtype.type(np.finfo(dtype).eps)
    if name == "sech_squared":  # what is multiplied by 4 may be rounded to a denormal number
        unit = 4 * np.finfo(dtype).smallest_subnormal.astype(wanted.dtype)
    off = errors(found, wanted, unit)
    place = int(np.argmax(off))
    assert off[place] <= LIMIT, (off[place], [a[place] for a in arrays], found[place])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ONE + TWO + SUMS + STEPWISE)
def test_within_two_units_everywhere(name, dtype):
    if dtype == "float64" and not EXTENDED:
        pytest.skip("long double is no longer than double here")
    check(name, dtype, host(), 3000)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("processor", FEWEST)
def test_within_two_units_on_every_kind_of_processor(processor, dtype):
    if dtype == "float64" and not EXTENDED:
        pytest.skip("long double is no longer than double here")
    for name in ONE + TWO + SUMS + STEPWISE:
        check(name, dtype, level(processor), 500)


def exact(name):
    def value(*arguments):
        try:
            result = mpf(1) if name == "power" and arguments[1] == 0 else REAL[name](*arguments)
        except (ZeroDivisionError, ValueError):
            return mp.nan
        return mp.nan if isinstance(result, mpc) else result

    return value


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ONE + TWO)
def test_within_two_units_of_mpmath(name, dtype):
    arrays = points(name, dtype, 3000)
    chosen = np.random.default_rng(5).choice(arrays[0].size, 150, replace=False)
    arrays = [array[chosen] for array in arrays]
    singular = [array == 0 for array in arrays]
    kept = ~np.logical_or.reduce(singular)  # mpmath has no signed zero: see the edges' tests
    arrays = [array[kept] for array in arrays]
    if name in ("log1p", "arctanh", "reciprocal"):
        arrays = [array[np.abs(array) != 1] for array in arrays]
    native = compiled(EMITTERS[name], [dtype] * len(arrays), dtype, host().lanes(dtype))
    # Large angles need the digits of π before the point as well.
    with mp.workdps(360 if name in ("sin", "cos", "tan") else 60):
        off, where, found = worst(exact(name), native, arrays, dtype)
    assert off <= LIMIT, (off, where, found)


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_the_hardest_angle(name):
    found = compiled(EMITTERS[name], ["float64"], "float64", 4)
    x = np.array([HARDEST, -HARDEST, 1e308, 2.0**1023, MODERATE * (1 + 2.0**-52)])
    with mp.workdps(400):
        off, where, value = worst(getattr(mp, name), found, [x], "float64")
    assert off <= LIMIT, (off, where, value)


@pytest.mark.parametrize("processor", FEWEST)
@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_next_to_every_quarter_turn(name, processor):
    """Where the reduced angle is smallest, nothing of it may be lost."""
    with mp.workdps(40):
        turns = range(1, int(MODERATE * 2 / mp.pi), 37)
        x = np.array([float(k * mp.pi / 2) for k in turns])
    x = np.concatenate([x, np.nextafter(x, 0), np.nextafter(x, np.inf), NEAREST])
    target = level(processor)
    native = compiled(EMITTERS[name], ["float64"], "float64", target.lanes("float64"), target)
    hardest = x[np.argsort(np.abs(np.sin(2 * x)))[:60]]
    assert hardest[0] in NEAREST
    with mp.workdps(60):
        off, where, found = worst(getattr(mp, name), native, [hardest], "float64")
    assert off <= 1.0, (off, where, found)  # 0.5 of a rounding, and what the reduction loses
    if EXTENDED:
        assert errors(native(x), longer(name, [x])).max() <= LIMIT
    single = np.unique(x.astype("float32"))
    native = compiled(EMITTERS[name], ["float32"], "float32", target.lanes("float32"), target)
    assert errors(native(single), longer(name, [single])).max() <= LIMIT


def test_the_measure_sees_a_wrong_value():
    one = np.array([1.0, 1.0, 2.0, np.inf, 1e-320])
    wrong = np.array([1 + 2.0**-52, 1 - 2.0**-53, 2 + 2.0**-50, 1.0, 1.1e-320])
    off = errors(wrong, one.astype(np.longdouble))
    assert off[:3].tolist() == [1.0, 0.5, 2.0]
    assert off[3] == np.inf
    assert off[4] > 100
