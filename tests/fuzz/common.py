"""Runs many generated cases: what each came to, how long it took, and how much memory it held."""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import tracemalloc
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any, NamedTuple

from chainrule.errors import ChainruleError

SECONDS = 1.0
"""No case takes longer, or it counts as hanging."""
STOPPED = 10 * SECONDS
MEMORY = 200_000_000
"""Bytes that a case may hold at once: the files are of a few kilobytes."""

Case = Callable[[random.Random, str], str]
"""Makes and tries one case in a folder of its own, and says in a word what it came to."""


class Wrong(AssertionError):
    """A case that ended otherwise than it should."""


class TooLong(BaseException):
    """A case was stopped."""


class Fault(NamedTuple):
    """A case to look at again: ``--number 1 --seed SEED`` repeats it."""

    seed: int
    what: str


def faults(case: Case, number: int, seed: int) -> tuple[list[Fault], Counter[str]]:
    """What is wrong among so many cases, and how many came to what."""
    found, counts = [], Counter[str]()
    with tempfile.TemporaryDirectory() as folder, _inside(folder):
        for one in range(seed, seed + number):
            what, is_fault = _tried(case, one, folder)
            counts[what if not is_fault else "fault"] += 1
            if is_fault:
                found.append(Fault(one, what))
            for entry in os.scandir(folder):
                os.unlink(entry.path)
    return found, counts


def refused(action: Callable[[], Any]) -> Any:
    """What the action returns, or the error of ours that it ended in."""
    try:
        return action()
    except ChainruleError as error:
        if len(str(error)) > 2000:
            raise Wrong("an error text without end") from error
        return error


def main(name: str, case: Case, number: int) -> None:
    """Try as many cases as the command line says, show what is wrong, and exit with 1 if any is."""
    parser = argparse.ArgumentParser(description=f"Generated {name}.")
    parser.add_argument("--number", type=int, default=number)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = perf_counter()
    found, counts = faults(case, options.number, options.seed)
    for fault in found[:50]:
        print(f"seed {fault.seed}: {fault.what}")
    print(f"{options.number:,} {name} in {perf_counter() - started:.0f} s: {len(found)} faults")
    for what, count in counts.most_common():
        print(f"  {count:>9,}  {what}")
    sys.exit(1 if found else 0)


def _tried(case: Case, seed: int, folder: str) -> tuple[str, bool]:
    what, seconds, is_fault = _once(case, seed, folder)
    if not is_fault and seconds > SECONDS:  # twice: the machine may be busy
        seconds = min(seconds, _once(case, seed, folder)[1])
        if seconds > SECONDS:
            return f"took {seconds:.1f} s", True
    return what, is_fault


def _once(case: Case, seed: int, folder: str) -> tuple[str, float, bool]:
    started = perf_counter()
    tracemalloc.reset_peak()
    try:
        with warnings.catch_warnings(), _stopped_after(STOPPED):
            warnings.simplefilter("error")
            what, is_fault = case(random.Random(seed), folder), False
    except TooLong:
        what, is_fault = "hangs", True
    except Exception as error:
        what, is_fault = f"{type(error).__name__}: {str(error)[:200]}", True
    seconds = perf_counter() - started
    held = tracemalloc.get_traced_memory()[1]
    return (f"held {held:,} bytes", seconds, True) if held > MEMORY else (what, seconds, is_fault)


@contextlib.contextmanager
def _inside(folder: str) -> Iterator[None]:
    """In the folder, so that no case leaves a file elsewhere; memory is counted meanwhile."""
    before = os.getcwd()
    os.chdir(folder)
    tracemalloc.start(1)
    try:
        yield
    finally:
        tracemalloc.stop()
        os.chdir(before)


@contextlib.contextmanager
def _stopped_after(seconds: float) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
