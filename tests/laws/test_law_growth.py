"""Work grows in proportion to the size of every input that has one; see benchmarks/growth.py."""

from __future__ import annotations

import pytest

from benchmarks.inputs import SUBJECTS, Subject
from chainrule.tracing import lanes
from tests.laws.counting import growth, steps_of

SIZES = (4, 8, 16)
MARGIN = 1.2
"""What logarithms, and dicts that grow in steps, may add to a growth of 2 or 4."""


@pytest.mark.parametrize(
    "subject", SUBJECTS, ids=lambda subject: f"{subject.grows}: {subject.what}"
)
def test_steps_grow_with_the_size_of_the_result(subject: Subject, monkeypatch):
    """Of a first call, and of one that finds again what an earlier one has made."""
    monkeypatch.setenv("CHAINRULE_CACHE", "off")
    first, later = [], []
    for size in SIZES:
        subject.call(size)()  # fills the caches of rules
    for size in SIZES:
        lanes._waiting.clear()
        call = subject.call(size)
        first.append(steps_of(call))
        later.append(steps_of(call))
    for counts in (first, later):
        assert growth(tuple(counts)) <= MARGIN * 2**subject.power, counts
