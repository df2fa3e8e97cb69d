"""The short form of `python -m tests.fuzz.gradients`."""

from __future__ import annotations

import pytest

from tests.fuzz.gradients import run


@pytest.mark.parametrize("seed", [0, 1000])
def test_right_and_wrong_gradients_are_told_apart(seed):
    faults, _, kinds, _ = run(15, seed)
    assert not faults, "\n".join(faults)
    assert kinds["right"] + kinds["rounding"] >= 4  # both kinds of gradients were there
    assert sum(kinds.values()) - kinds["right"] - kinds["rounding"] >= 4
