"""The short form of the damaged model files, and the runner of the cases itself."""

from __future__ import annotations

import random
import time

from chainrule.errors import DataError
from tests.fuzz import common, model_files


def test_damaged_model_files_are_refused_or_predict_finite_numbers():
    found, counts = common.faults(model_files.case, 300, seed=0)
    assert not found
    assert counts["predicts"] > 30
    assert len(counts) > 4


def test_the_runner_sees_what_is_wrong(monkeypatch):
    monkeypatch.setattr(common, "STOPPED", 0.2)

    def case(rng: random.Random, folder: str) -> str:
        kind = rng.randrange(4)
        if kind == 0:
            raise KeyError("foreign")
        if kind == 1:
            time.sleep(5)
        if kind == 2:
            bytearray(common.MEMORY + 1)
        return "right"

    found, counts = common.faults(case, 30, seed=0)
    assert {fault.what.split()[0] for fault in found} == {"KeyError:", "hangs", "held"}
    assert counts["right"] > 0


def test_an_error_of_ours_is_no_fault():
    def fail():
        raise DataError("t", "wrong")

    assert str(common.refused(fail)) == "t: wrong"
