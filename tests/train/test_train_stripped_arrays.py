"""What NumPy would quietly take from an array (masks, units, rules of its own) is refused."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.errors import DtypeError
from chainrule.train import FitResult, Network, evaluate, fit, predict

NET = Network([2, 1])
PARAMS = NET.init(0)
X = np.array([[0.5, -1.0], [2.0, 0.25], [1e6, 0.0]])
Y = np.array([[1.0], [2.0], [3.0]])


class Metres(np.ndarray):
    """An array with a unit."""


def masked(a):
    return np.ma.masked_greater(a, 1e5)


class Converting:
    """No array, but what it converts to has a mask."""

    def __init__(self, a):
        self._array = masked(a)

    def __array__(self, dtype=None, copy=None):
        return self._array


KINDS = {
    "what converts to a masked array": Converting,
    "masked array": masked,
    "nothing masked": np.ma.masked_array,
    "matrix": np.matrix,
    "subclass": lambda a: a.view(Metres),
    "records": lambda a: a.view(np.recarray),
    "list of masked rows": lambda a: [masked(row) for row in a],
    "tuple in a list": lambda a: [tuple(masked(row)) if i else row for i, row in enumerate(a)],
    "masked constant": lambda a: [[np.ma.masked, *row[1:]] for row in a.tolist()],
}
ONE_BY_ONE = KINDS.keys() - {"records", "tuple in a list", "what converts to a masked array"}
"""Those of which one row follows the same rules."""
WAYS = {
    "X": lambda a: fit(NET, a(X), Y, epochs=1, progress=False),
    "Y": lambda a: fit(NET, X, a(Y), epochs=1, progress=False),
    "validation X": lambda a: fit(NET, X, Y, epochs=1, progress=False, validation=(a(X), Y)),
    "validation Y": lambda a: fit(NET, X, Y, epochs=1, progress=False, validation=(X, a(Y))),
    "evaluate X": lambda a: evaluate(NET, PARAMS, a(X), Y),
    "evaluate Y": lambda a: evaluate(NET, PARAMS, X, a(Y)),
    "predict": lambda a: predict(NET, PARAMS, a(X)),
    "result": lambda a: FitResult(NET, PARAMS).predict(a(X)),
    "one row": lambda a: FitResult(NET, PARAMS).predict(a(X[2:])[0]),
    "params": lambda a: fit(
        NET, X, Y, epochs=1, progress=False, params=PARAMS | {"A0": a(PARAMS["A0"])}
    ),
    "params to predict": lambda a: predict(NET, PARAMS | {"A0": a(PARAMS["A0"])}, X),
}


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_arrays_that_numpy_would_strip_are_refused(way, kind):
    if way == "one row" and kind not in ONE_BY_ONE:
        pytest.skip("what a row of it is has no rules of its own")
    if kind == "tuple in a list" and way != "X":
        pytest.skip("there is no such row")
    with pytest.raises(DtypeError, match="follows rules of its own"):
        WAYS[way](KINDS[kind])


@pytest.mark.parametrize("way", WAYS)
def test_plain_arrays_lists_and_files_in_memory_are_taken(way, tmp_path):
    WAYS[way](np.asarray)
    if "params" not in way:
        WAYS[way](np.ndarray.tolist)

    def mapped(a):
        held = np.memmap(tmp_path / "array", a.dtype, "w+", shape=a.shape)
        held[...] = a
        return held

    WAYS[way](mapped)
