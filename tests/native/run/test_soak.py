"""Hundreds of programs in one process give back what they took; benchmarks/soak.py makes more."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.native.run import machine
from chainrule.native.run.machine import NativeModule
from tests.native.entry.test_entry import resident

ON_LINUX = Path("/proc/self/statm").exists()


def compiled_once(seed: int) -> None:
    """A program that no other seed gives: made, called in both ways, compared, and dropped."""
    number = 1 + seed / 1e6
    f = cr.compile(lambda x: np.tanh(x * number).sum(axis=-1) + number)
    x = np.linspace(0, 1, 12 + seed % 7 * 4).reshape(4, -1)
    for _ in range(3):
        # tanh within 2 units in the last place; a sum of up to nine
        np.testing.assert_allclose(f(x), np.tanh(x * number).sum(axis=-1) + number, rtol=1e-14)


@pytest.mark.skipif(not ON_LINUX, reason="reads Linux's account of memory")
def test_three_hundred_programs_leave_no_memory_behind(monkeypatch):
    monkeypatch.setenv("CHAINRULE_CACHE", "off")
    monkeypatch.setattr(machine.OBJECTS, "memory_limit", 0)
    for seed in range(100):  # LLVM's own tables, made once
        compiled_once(seed)
    gc.collect()
    before = resident()
    for seed in range(100, 400):
        compiled_once(seed)
    gc.collect()
    # The rules of products are remembered, some thousands of them, at about 2 kB a program here. A
    # program that stayed would be 100 kB: its linker alone takes half of that.
    assert resident() - before < 300 * 10_000


def test_code_goes_with_its_function(monkeypatch):
    made = []
    original = NativeModule.__init__

    def noted(self, *args):
        original(self, *args)
        made.append(weakref.ref(self))

    monkeypatch.setattr(NativeModule, "__init__", noted)
    for seed in range(20):
        compiled_once(seed)
    gc.collect()
    kept = [item for item in made if item() is not None]
    # what all programs share, if it was not there before
    assert len(made) >= 20
    assert len(kept) <= 1


def test_one_function_keeps_a_bounded_number_of_programs(monkeypatch):
    monkeypatch.setattr("chainrule.native.entry.compiled.MOST_PROGRAMS", 5)
    f = cr.compile(lambda x: x * 2)
    for n in range(1, 30):
        assert f(np.ones(n)).tolist() == [2] * n
    assert f.report().count("made in") == 5
    assert len(f._entries) <= 5
