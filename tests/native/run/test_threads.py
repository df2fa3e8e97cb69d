"""Threads that work together: how many, where they meet, and that none is left behind."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ArgumentError
from chainrule.native.code.barrier import YIELD, barrier, yield_address
from chainrule.native.code.builder import Function
from chainrule.native.code.ir import Module
from chainrule.native.run.machine import compile_text
from chainrule.native.run.threads import Team
from chainrule.native.target import host

KINDS = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64]


@pytest.fixture(scope="module")
def relay():
    """Threads in a ring: in each round every one copies its neighbour's number of the round before.

    Without a barrier between reading and writing, numbers of different rounds mix.
    """
    module = Module(host())
    arguments = [("ptr", "numbers"), ("ptr", "meeting"), ("i64", "thread"), ("i64", "threads")]
    f = Function(module, "relay", arguments)
    numbers, meeting, thread, threads = f.arguments
    following = f.add(thread, 1)
    neighbour = f.select(f.compare("eq", following, threads), 0, following)
    with f.loop(0, 100):
        found = f.load(f.at(numbers, f.mul(neighbour, 8), "i64"), "i64")
        barrier(f, meeting, threads)
        f.store(f.add(found, 1), f.at(numbers, f.mul(thread, 8), "i64"))
        barrier(f, meeting, threads)
    f.ret()
    code = compile_text(str(module), ["relay"], symbols={YIELD: yield_address()})
    function = ctypes.CFUNCTYPE(None, *KINDS)(code.address("relay"))
    function.code = code
    return function


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_barriers_hold_everyone_back(relay, threads):
    team = Team()
    numbers = np.zeros(8 * threads, np.int64)
    team.run(lambda *where: relay(numbers.ctypes.data, *where), threads)
    assert numbers[::8].tolist() == [100] * threads
    team.close()


def test_many_short_runs_one_after_the_other():
    """A thread that leaves late must not miss its leave, nor the next run its beginning."""
    code = """
import ctypes, numpy as np
import chainrule as cr
f = cr.compile(lambda x: np.exp(x) + x)
x = np.ones(200_000)
for k in range(3000):
    cr.set_threads(2 + k % 3)
    f(x)
print("done")
"""
    run = [sys.executable, "-c", code]
    assert subprocess.run(run, capture_output=True, timeout=300, check=True).stdout == b"done\n"


def test_an_interruption_between_the_orders_and_the_work(relay):
    """The others have begun to wait: they are helped to the end before it goes on."""
    team = Team()
    numbers = np.zeros(16, np.int64)
    calls: list[int] = []

    def interrupted(meeting: int, thread: int, threads: int) -> None:
        calls.append(thread)
        if thread == 0 and calls.count(0) == 1:
            raise KeyboardInterrupt
        relay(numbers.ctypes.data, meeting, thread, threads)

    with pytest.raises(KeyboardInterrupt):
        team.run(interrupted, 2)
    assert sorted(calls) == [0, 0, 1]
    assert numbers[::8].tolist() == [100, 100]
    team.run(lambda *where: relay(numbers.ctypes.data, *where), 2)
    assert numbers[::8].tolist() == [200, 200]
    team.close()


def test_a_team_that_is_taken_lets_others_work_alone(relay):
    team = Team()
    inner: list[int] = []

    def outer(meeting: int, thread: int, threads: int) -> None:
        if thread == 0:
            team.run(lambda meeting, thread, threads: inner.append(threads), 4)

    team.run(outer, 2)
    assert inner == [1]
    team.close()


def test_the_number_of_threads(monkeypatch):
    monkeypatch.setenv("CHAINRULE_THREADS", "3")
    assert cr.get_threads() == 3
    cr.set_threads(2)
    try:
        assert cr.get_threads() == 2
    finally:
        cr.set_threads(None)
    assert cr.get_threads() == 3
    monkeypatch.delenv("CHAINRULE_THREADS")
    assert cr.get_threads() >= 1


@pytest.mark.parametrize("count", [0, -1, 65, 1.5, "many"])
def test_a_number_that_makes_no_sense(count):
    with pytest.raises(ArgumentError, match="whole number"):
        cr.set_threads(count)


@pytest.mark.parametrize("text", ["0", "many", "1.5"])
def test_an_environment_that_makes_no_sense(monkeypatch, text):
    monkeypatch.setenv("CHAINRULE_THREADS", text)
    with pytest.raises(ArgumentError, match="CHAINRULE_THREADS"):
        cr.get_threads()
