"""Native functions where numbers end: zeros, infinities, NaN, subnormals, every lane width."""

import numpy as np
import pytest

from chainrule.native.code.functions import EMITTERS
from chainrule.native.run.machine import assembly
from chainrule.native.target import LEVELS, host, level, runs_here
from chainrule.primitives.elementwise import ROWS
from chainrule.primitives.transcendental import sigmoid
from tests.native.calling import compiled, written

HERE = [name for name in LEVELS if runs_here(level(name))]
LOGIC = {"invert", "bitwise_and", "bitwise_or", "bitwise_xor", "where"}  # of booleans: further down
OWN = {"strong_multiply"}  # no primitive of its own: further down
FLOATING = sorted(EMITTERS.keys() - LOGIC - OWN)
TRUTHS = {
    "isfinite", "isinf", "isnan", "signbit", "logical_not", "logical_and", "logical_or",
    "logical_xor", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
}  # fmt: skip
EITHER_ZERO = {"maximum", "minimum", "fmax", "fmin", "relu"}
"""Of two zeros NumPy returns one or the other, depending on the length of the array."""


def specials(dtype):
    info = np.finfo(dtype)
    sizes = [0.0, info.smallest_subnormal, info.tiny / 3, info.tiny, info.eps / 4, 0.1, 0.5, 1.0,
             1.5, 2.0, 3.0, 10.0, 88.0, 89.4, 104.0, 709.0, 746.0, 1e4, 2.0**31, 2.0**60,
             info.max / 2, info.max, np.inf]  # fmt: skip
    numbers = np.array(sizes, dtype)
    quiet = np.array([np.nan], dtype)
    # A NaN may carry any bits along, also where exponents are made of the lowest ones.
    loaded = (quiet.view(f"u{quiet.itemsize}") + np.arange(1, 1200, 307).astype(
        f"u{quiet.itemsize}")).view(dtype)  # fmt: skip
    return np.concatenate([numbers, -numbers, quiet, -quiet, loaded])


def arguments(name, dtype):
    """Special values, for two inputs every pair of them."""
    one = specials(dtype)
    count = len(ROWS[name].derivatives)
    return [one] if count == 1 else [grid.ravel() for grid in np.meshgrid(one, one)]


def result(name, dtype):
    return "bool" if name in TRUTHS else ("float64" if name == "float_power" else dtype)


def native(name, dtype, lanes, target=None):
    inputs = [dtype] * len(ROWS[name].derivatives)
    return compiled(EMITTERS[name], inputs, result(name, dtype), lanes, target)


def reference(name, arrays):
    """NumPy's values; in float64 where its float32 functions are less accurate."""
    dtype = arrays[0].dtype
    with np.errstate(all="ignore"):
        if result(name, dtype.name) == "bool" or name in ("nextafter", "spacing"):
            return ROWS[name].value(*arrays)
        wide = [array.astype(np.float64) for array in arrays]
        value = np.asarray(ROWS[name].value(*wide))
        return value.astype(result(name, dtype.name))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FLOATING)
def test_special_values_are_numpys(name, dtype):
    arrays = arguments(name, dtype)
    found = native(name, dtype, host().lanes(dtype))(*arrays)
    wanted = reference(name, arrays)
    if found.dtype.kind == "b" or result(name, dtype) == "bool":
        np.testing.assert_array_equal(found.astype(bool), wanted)
        return
    # Ours are within 2 units in the last place of the true value; NumPy's promise is 4.
    limit = 6 * np.finfo(found.dtype).eps
    least = 6 * np.finfo(found.dtype).smallest_subnormal
    if name in ("logaddexp", "logaddexp2"):
        least = limit  # near 0, units of the larger argument
    with np.errstate(all="ignore"):
        near = np.abs(found - wanted) <= limit * np.abs(wanted) + least
    same = (found == wanted) | (np.isnan(found) & np.isnan(wanted)) | near
    bad = np.flatnonzero(~same)[:5]
    assert same.all(), [(*(a[k] for a in arrays), found[k], wanted[k]) for k in bad]
    if name not in EITHER_ZERO:
        zeros = (found == 0) & (wanted == 0)
        signs = np.signbit(found) == np.signbit(wanted)
        bad = np.flatnonzero(zeros & ~signs)[:5]
        assert (signs | ~zeros).all(), [(*(a[k] for a in arrays), found[k]) for k in bad]


@pytest.mark.parametrize("name", FLOATING)
def test_every_width_gives_the_same_bits(name):
    for dtype in ("float32", "float64"):
        rng = np.random.default_rng(0)
        arrays = [rng.normal(size=64).astype(dtype) * 3 for _ in ROWS[name].derivatives]
        arrays[0][::7] *= np.float32(1e30)  # through the slow reduction of angles, too
        one = native(name, dtype, 1)(*arrays)
        for lanes in (2, 16):
            np.testing.assert_array_equal(native(name, dtype, lanes)(*arrays), one)


@pytest.mark.parametrize("name", sorted(EMITTERS.keys() - OWN))
def test_no_level_calls_a_library(name):
    """Nothing is called but intrinsics that are instructions, and our own reduction of angles."""
    dtypes = ["float32", "float64"] if name in FLOATING else ["bool"]
    for dtype in dtypes:
        count = len(ROWS[name].derivatives)
        for processor in ("sse2", "avx512", "neon"):
            target = level(processor)
            emit, inputs = EMITTERS[name], [dtype] * count
            if dtype == "bool":
                emit, inputs = on_booleans(name), ["float64"] * count
            out = "bool" if dtype == "bool" else result(name, dtype)
            code = assembly(written(emit, inputs, out, target.lanes("float64"), target), target)
            called = [line.split()[-1] for line in code.splitlines()
                      if line.split()[:1] in (["callq"], ["call"], ["bl"], ["jmp"], ["b"])
                      and not line.split()[-1].startswith((".L", "*"))]  # fmt: skip
            assert set(called) <= {"chainrule_reduce_angles"}, (processor, called)


def on_booleans(name):
    """The row on the truths `x > 0`, as a boolean."""

    def emit(f, *values):
        truths = [f.compare("gt", value, 0.0) for value in values]
        if name == "where":
            return f.compare("gt", EMITTERS[name](f, truths[0], *values[1:]), 0.0)
        return EMITTERS[name](f, *truths)

    return emit


@pytest.mark.parametrize("name", sorted(LOGIC))
def test_booleans(name):
    count = len(ROWS[name].derivatives)
    arrays = [grid.ravel() for grid in np.meshgrid(*[np.array([-1.0, 2.0])] * count)]
    found = compiled(on_booleans(name), ["float64"] * count, "bool", 4)(*arrays)
    truths = [array > 0 for array in arrays]
    np.testing.assert_array_equal(found.astype(bool), ROWS[name].value(*truths))


@pytest.mark.parametrize("processor", HERE)
def test_processors_without_fused_arithmetic_agree_with_those_that_have_it(processor):
    rng = np.random.default_rng(3)
    for name in ("exp", "log", "tanh", "sin", "power", "rint", "floor", "arctan2"):
        for dtype in ("float32", "float64"):
            arrays = [rng.normal(size=200).astype(dtype) * 5 for _ in ROWS[name].derivatives]
            one = native(name, dtype, level(processor).lanes(dtype), level(processor))(*arrays)
            # Two results, each within 2 units in the last place.
            np.testing.assert_allclose(one, native(name, dtype, 4)(*arrays),
                                       rtol=4 * np.finfo(dtype).eps)  # fmt: skip


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, -1.0, 0.5, -3.0])
def test_powers_with_a_known_exponent(exponent):
    x = np.linspace(0.01, 3, 50)

    def emit(f, v):
        return EMITTERS["power"](f, v, f.value(exponent, v.type))

    found = compiled(emit, ["float64"])(x)
    np.testing.assert_allclose(found, x**exponent, rtol=2**-51)  # 2 units and NumPy's
    is_product = exponent in (1, 2, 3, 4)
    assert ("fcmp" not in written(emit, ["float64"])) is is_product


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("exponent", [0.0, -0.0, 0.5, 2, 3, 5, 8, -1, -2, -7, 2.0**30])
def test_known_exponents_of_special_values(exponent, dtype):
    def emit(f, v):
        return EMITTERS["power"](f, v, f.value(exponent, v.type))

    ordinary = np.random.default_rng(0).normal(size=400).astype(dtype)
    x = np.concatenate([specials(dtype), ordinary, ordinary * ordinary.dtype.type(1e-3)])
    found = compiled(emit, [dtype], dtype)(x)
    wanted = reference("power", [x, np.full_like(x, exponent)])
    info = np.finfo(dtype)
    # Ours are within 2 units in the last place of the true value; NumPy's promise is 4.
    np.testing.assert_allclose(found, wanted, rtol=6 * info.eps, atol=6 * info.smallest_subnormal)
    signs = ~np.isnan(wanted)
    np.testing.assert_array_equal(np.signbit(found)[signs], np.signbit(wanted)[signs])


@pytest.mark.parametrize("lanes", [1, 4, 16])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_strong_zero_stays_zero(dtype, lanes):
    a, b = (grid.ravel() for grid in np.meshgrid(specials(dtype), specials(dtype)))
    found = compiled(EMITTERS["strong_multiply"], [dtype, dtype], dtype, lanes)(a, b)
    with np.errstate(all="ignore"):
        product = a * b
    wanted = np.where(np.isnan(product) & ((a == 0) | (b == 0)), 0, product)
    np.testing.assert_array_equal(found, wanted)
    signs = np.signbit(found) == np.signbit(wanted)
    assert signs[~np.isnan(wanted)].all()


@pytest.mark.parametrize("bound", [0.0, 2.0, -np.inf, np.nan])
@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_bounds_that_are_known(name, bound):
    x = specials("float64")
    wanted = getattr(np, name)(x, bound)
    emit = EMITTERS[name]
    for known in (lambda f, v: emit(f, v, f.value(bound, v.type)),
                  lambda f, v: emit(f, f.value(bound, v.type), v)):  # fmt: skip
        np.testing.assert_array_equal(compiled(known, ["float64"])(x), wanted)
        code = assembly(written(known, ["float64"], target=level("avx2")), level("avx2"))
        assert ("vblendv" in code or "vcmp" in code) is bool(np.isnan(bound))


def test_zero_sized_loops_do_nothing():
    assert native("exp", "float64", 4)(np.empty(0)).size == 0


def test_sigmoid_and_tanh_are_odd_about_their_middles():
    x = np.linspace(0, 30, 1000)
    tanh = native("tanh", "float64", 4)
    np.testing.assert_array_equal(tanh(-x), -tanh(x))
    np.testing.assert_allclose(native("sigmoid", "float64", 4)(x), sigmoid.value(x), rtol=2**-51)
