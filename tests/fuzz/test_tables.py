"""The short form of the generated tables."""

from __future__ import annotations

from tests.fuzz import common, tables


def test_tables_are_refused_or_read_as_they_were_written():
    found, counts = common.faults(tables.case, 400, seed=0)
    assert not found
    assert {"read; classes", "read; amounts", "read; not prepared"} <= set(counts)
    assert len(counts) > 8
