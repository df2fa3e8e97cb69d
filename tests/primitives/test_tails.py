"""First and second derivatives of every row over the whole range of floats, against mpmath.

The oracle differences the function itself in 800 digits, in which it knows no derivative of ours.
"""

from functools import cache

import numpy as np
import pytest
from mpmath import mp, mpf, workdps

import chainrule as cr
from chainrule.primitives.elementwise import ROWS
from tests.primitives.high_precision import FUNCTIONS
from tests.primitives.test_elementwise_table import function

SIZES = {
    "float64": [5e-324, 1e-310, 1e-300, 1e-200, 1e-100, 1e-30, 1e-15, 1e-8, 1e-3, 0.1, 0.5, 0.9,
                1 - 1e-9, 1 - 2.0**-53, 1.0, 1 + 1e-9, 1.1, 3.0, 10.0, 25.0, 40.0, 300.0, 700.0,
                1e4, 1e8, 1e15, 1e30, 1e77, 1e100, 1e154, 1e200, 1e300, 1.7e308],
    "float32": [1e-45, 1e-40, 1e-37, 1e-20, 1e-10, 1e-5, 1e-3, 0.1, 0.5, 0.9, 1 - 2.0**-20,
                1 - 2.0**-24, 1.0, 1 + 2.0**-20, 1.1, 3.0, 10.0, 25.0, 40.0, 80.0, 1e4, 1e8, 1e10,
                1e13, 1e19, 1e25, 1e38],
}  # fmt: skip
UNITS = 64
"""Second derivatives are products of about five values of functions, each within 2 units, and of
powers of them up to the fourth."""

OTHER_SCALES = {"remainder", "fmod", "nextafter"}
"""Their result is a difference, which rounding moves by units of the arguments."""
WITHOUT_KINKS = sorted(
    name
    for name in FUNCTIONS
    if ROWS[name].kink is None and name not in OTHER_SCALES | {"copysign", "sinc"}
)


@cache
def partial(name, x, position, order):
    """A derivative by one input: a central difference whose step is below all that matters."""
    f = FUNCTIONS[name]
    # Digits of the step's square, of the larger argument, and of a value of any size.
    with workdps(800 if min(map(abs, x)) > 1e-150 else 1500):
        at = [mpf(value) for value in x]
        h = min(abs(at[position]), 1) * mpf(10) ** -40

        def moved(k):
            return f(*(v + k * h if p == position else v for p, v in enumerate(at)))

        try:
            if order == 1:
                return (moved(1) - moved(-1)) / (2 * h)
            return (moved(1) - 2 * moved(0) + moved(-1)) / (h * h)
        except (ValueError, ZeroDivisionError, OverflowError):
            return None


def units(name, x):
    """How far off a derivative may be, in relation to its size."""
    if "power" in name:  # the exponent p − 1 is rounded, which counts log x times
        return UNITS * (1 + abs(np.log(np.abs(float(x[0])))))
    return UNITS


def judged(name, dtype, points, found, position, order):
    """What is wrong among the derivatives at the points, in words."""
    info = np.finfo(dtype)
    for x, y in zip(points, found, strict=True):
        wanted = partial(name, tuple(map(float, x)), position, order)
        if not isinstance(wanted, mpf):
            continue  # not real there
        size = abs(wanted)
        if size > float(info.max) / 64:
            continue  # it overflows, or nearly so
        if size < float(info.tiny) * 64:
            if not abs(float(y)) <= float(info.tiny) * 128:
                yield f"{x}: {y}, not {mp.nstr(wanted, 5)}"
        elif not abs(mpf(float(y)) - wanted) <= units(name, x) * float(info.eps) * size:
            yield f"{x}: {y}, not {mp.nstr(wanted, 8)}"


def points_of(name, dtype):
    """Pairs of sizes, or each size with both signs."""
    sizes = np.array(SIZES[dtype], dtype)
    one = np.concatenate([-sizes[::-1], sizes])
    if len(ROWS[name].domain) == 1:
        return one[:, None]
    few = one[::7]
    if "power" in name:  # beyond, p − 1 is p, and below, the power of p − 1 is infinite first
        few = few[(np.abs(few) < 1e6) & (np.abs(few) > np.finfo(dtype).tiny)]
    pairs = np.array([(a, b) for a in few for b in few if a != b], dtype)
    if name == "component":  # itself a slope: its second derivative has the square of the ratio
        sizes = np.log10(np.abs(pairs.astype(float)))
        pairs = pairs[np.abs(sizes[:, 0] - sizes[:, 1]) < (150 if dtype == "float64" else 18)]
    return pairs


@pytest.mark.parametrize("dtype", SIZES)
@pytest.mark.parametrize("name", WITHOUT_KINKS)
def test_over_the_whole_range(name, dtype):
    points = points_of(name, dtype)
    wrong = []
    for position in range(points.shape[1]):
        columns = list(points.T.copy())

        def total(x, position=position, columns=columns):
            arrays = [x if k == position else v for k, v in enumerate(columns)]
            return np.sum(function(name)(*arrays))

        first = cr.grad(total)
        second = cr.grad(lambda x, first=first: np.sum(first(x)))
        for order, derivative in enumerate([first, second], 1):
            for run in (derivative, cr.compile(derivative)):
                with np.errstate(all="ignore"):
                    found = run(columns[position])
                problems = judged(name, dtype, points, found, position, order)
                way = "interpreted" if run is derivative else "compiled"
                wrong += [f"{way}, order {order}, input {position} at {text}" for text in problems]
    assert not wrong, f"{len(wrong)} of {len(points)}: " + "; ".join(wrong[:8])


@pytest.mark.parametrize("x", [-40.0, -3.0, 0.0, 5.0, 100.0])
def test_the_second_derivative_of_a_softened_maximum(x):
    second = cr.grad(cr.grad(lambda t: np.logaddexp(2 * t, 1 - t)))(x)
    with workdps(60):
        p = 1 / (1 + mp.exp(1 - 3 * mpf(x)))
        wanted = float(9 * p / (1 + mp.exp(3 * mpf(x) - 1)))
    np.testing.assert_allclose(second, wanted, rtol=1e-14)
