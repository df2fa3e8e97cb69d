"""The short form of ``python tests/fuzz/formulas.py``."""

from collections import Counter

import pytest

from tests.fuzz.formulas import run


@pytest.mark.parametrize("seed", range(10, 14))
def test_formulas_made_at_random(seed):
    tally: Counter[str] = Counter()
    found = list(run(60, seed, tally))
    slow = [item for item in found if item.kind == "slow"]  # told by the long form, not timed here
    assert [item for item in found if item not in slow] == []
    assert tally["derivatives confirmed"] > 40
