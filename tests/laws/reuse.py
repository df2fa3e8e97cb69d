"""What a call gives that meets nothing of earlier calls, to compare others with."""

import numpy as np

from chainrule.tracing.session import recording


def alone(function, *args):
    """What a function gives where nothing of an earlier call is used: within a recording."""
    with recording():
        return function(*args)


def same(gradient, *args):
    """Twice, so that the second call meets the first one's nodes; bit for bit what it is alone."""
    expected = alone(gradient, *args)
    for _ in range(2):
        found = gradient(*args)
        np.testing.assert_array_equal(found, expected)
        assert np.asarray(found).dtype == np.asarray(expected).dtype
    return expected
