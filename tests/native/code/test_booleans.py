"""Booleans where a function takes numbers: what NumPy gives, for every function that is native."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import chainrule as cr
from chainrule.native.code.functions import EMITTERS
from chainrule.primitives.elementwise import ROWS

TRUTHS = np.array([True, False, True, False, True])
KINDS = [
    TRUTHS,
    TRUTHS[[0, 2, 1, 3, 4]],
    np.array([1.5, 0.0, -2.0, np.nan, 1.0]),
    np.array([-0.0, 2.0, 1.0, 0.5, np.inf], np.float32),
]


def of(name):
    """The function that a person calls; what slopes are made of only meets numbers."""
    return getattr(np, name, None) or getattr(cr, name, None)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", [name for name in EMITTERS if name in ROWS and of(name)])
def test_booleans_among_the_arguments(name):
    function = of(name)
    for arguments in product(KINDS, repeat=len(ROWS[name].derivatives)):
        if all(array.dtype != bool for array in arguments):
            continue
        try:
            expected = function(*arguments)
        except TypeError:  # NumPy has no such function of booleans
            continue
        found = cr.compile(function)(*arguments)
        assert found.dtype == expected.dtype
        # Both are within 2 units of the exact value; half precision is NumPy's own.
        unit = np.finfo(expected.dtype).eps if expected.dtype.kind == "f" else 0
        np.testing.assert_allclose(found, expected, rtol=4 * unit, atol=0)
        if expected.dtype.kind == "f":
            zero = expected == 0
            np.testing.assert_array_equal(np.signbit(found[zero]), np.signbit(expected[zero]))
