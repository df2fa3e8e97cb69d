"""Wrong calls of every public function: each ends in a right result or an error of ours, at once.

python -m tests.fuzz.wrong_calls --number 10000 --seed 0
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import signal
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from time import perf_counter
from typing import Any, NamedTuple

import chainrule as cr
from chainrule.errors import ChainruleError
from tests.fuzz.calls import CALLS, Call
from tests.fuzz.expected import HERE, WITH_NUMPY, accepts
from tests.fuzz.wrong_values import VALUES

SECONDS = 1.0
"""No call takes longer."""


class Fault(NamedTuple):
    """A call that ended otherwise than it should."""

    owner: str
    call: str
    wrong: tuple[tuple[str, str], ...]
    what: str

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value}" for name, value in self.wrong)
        return f"[{self.owner}] {self.call}({given}): {self.what}"


class TooLong(BaseException):
    """A call was stopped."""


def outcome(call: Call, wrong: dict[str, str]) -> tuple[str, BaseException | None, float]:
    """How a call ends: its error, if there is one, and the seconds it took."""
    arguments = _arguments(call, wrong)
    started = perf_counter()
    with _quiet(), _stopped_after(10 * SECONDS):
        try:
            call.run(**arguments)
        except TooLong:
            return "hang", None, perf_counter() - started
        except ChainruleError as error:
            return "refused", error, perf_counter() - started
        except Exception as error:
            return "error", error, perf_counter() - started
    return "result", None, perf_counter() - started


def _arguments(call: Call, wrong: dict[str, str]) -> dict[str, Any]:
    with _quiet():
        return call.arguments | {name: VALUES[value]() for name, value in wrong.items()}


def judged(name: str, wrong: dict[str, str]) -> Fault | None:
    """What is wrong with how a call ends; None where nothing is."""
    call = CALLS[name]
    how, error, seconds = outcome(call, wrong)

    def fault(what: str) -> Fault:
        return Fault(call.owner, name, tuple(wrong.items()), what)

    if how == "hang":
        return fault("hangs")
    if how == "refused" and len(str(error)) > 2000:
        return fault("an error text without end")
    if how == "error" and not _own_affair(call, wrong, error):
        return fault(f"{type(error).__name__}: {str(error)[:100]}")
    if how == "result":
        ignored = [p for p, value in wrong.items() if not accepts(name, p, value)]
        if name.endswith(WITH_NUMPY) and not HERE & {*wrong.values()} and _fails(call, wrong):
            ignored = list(wrong)
        if ignored:
            return fault(f"{', '.join(ignored)} accepted")
    if seconds > SECONDS and outcome(call, wrong)[2] > SECONDS:  # twice: the machine may be busy
        return fault(f"took {seconds:.1f} s")
    return None


def _fails(call: Call, wrong: dict[str, str]) -> bool:
    """Whether NumPy refuses the arguments."""
    assert call.plain is not None
    with _quiet():
        try:
            call.plain(**_arguments(call, wrong))
        except MemoryError:  # only where the array is asked for
            return False
        except Exception:
            return True
    return False


def _own_affair(call: Call, wrong: dict[str, str], error: BaseException | None) -> bool:
    """Whether the user's own function raises the same without us."""
    if "the object's own" in str(error) or not call.elsewhere.isdisjoint(wrong.values()):
        return True
    if call.plain is None:
        return False
    arguments = _arguments(call, wrong)
    with _quiet():
        try:
            call.plain(**arguments)
        except Exception as own:
            return type(own) is type(error)
    return False


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            cr.set_threads(None)


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


def every_single() -> Iterator[tuple[str, dict[str, str]]]:
    """Each call with each argument replaced by each value."""
    for name, call in CALLS.items():
        for parameter in call.arguments:
            for value in VALUES:
                yield name, {parameter: value}


def drawn(number: int, seed: int) -> Iterator[tuple[str, dict[str, str]]]:
    """Calls with one or two wrong arguments: all with one first, if the number allows."""
    rng = random.Random(seed)
    single = list(every_single())
    if number < len(single):
        yield from rng.sample(single, number)
        return
    yield from single
    for _ in range(number - len(single)):
        name = rng.choice(list(CALLS))
        parameters = list(CALLS[name].arguments)
        chosen = rng.sample(parameters, min(2, len(parameters)))
        yield name, {parameter: rng.choice(list(VALUES)) for parameter in chosen}


def faults(number: int, seed: int) -> list[Fault]:
    """What is wrong among so many calls."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # some write files
        found = [judged(name, wrong) for name, wrong in drawn(number, seed)]
    return [fault for fault in found if fault is not None]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found = faults(options.number, options.seed)
    for fault in found:
        print(fault)
    print(f"{options.number:,} calls, {len(found)} faults", dict(Counter(f.owner for f in found)))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
