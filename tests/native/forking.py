"""Programs for `test_forks`, run as ``python -m tests.native.forking NAME``: they fork under way.

A child does everything that has locks or threads, and ends; the parent kills a child that has not
ended in time. What a program prints are its faults.
"""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from types import ModuleType
from typing import Any

import numpy as np

LAST: list[Callable[[], None]] = []
"""What is called right before a fork, when all else is ready for it."""
os.register_at_fork(before=lambda: [call() for call in LAST])  # the first to register is last

import chainrule as cr  # noqa: E402
from chainrule import forks  # noqa: E402

BOUND = 60.0
"""Seconds in which a child must end: it takes one, and may wait for others on a busy machine."""
X = np.linspace(0.1, 1.0, 50)
LARGE = np.linspace(0.1, 1.0, 400_000)
LOCKS = (type(threading.Lock()), type(threading.RLock()), threading.Condition, forks.Gate)
NUMBERS = count()


def cost(x: Any) -> Any:
    return np.sum(np.exp(x) * x)


def wave(x: Any) -> Any:
    return np.sin(x) * x + np.cos(x)


GRADIENT = (1 + X) * np.exp(X)
ready = cr.compile(cr.grad(cost))
shared = cr.compile(wave)
later = cr.compile(wave, when="auto")
jacobian = cr.jacobian(lambda x: np.diff(x) ** 2)


def another() -> Callable[[Any], Any]:
    """A function that nothing has been compiled for."""
    number = 1 + (os.getpid() * 1000 + next(NUMBERS)) * 1e-9
    return lambda x: np.sum(np.tanh(x) * number)


def everything() -> None:
    """All that has locks, threads or code of its own, compared with NumPy."""
    np.testing.assert_allclose(cr.grad(cost)(X), GRADIENT, rtol=1e-12)  # some roundings of exp
    for f in (ready, cr.compile(cr.grad(cost)), cr.compile(cr.grad(cost), when="auto")):
        for _ in range(3):
            np.testing.assert_allclose(f(X), GRADIENT, rtol=1e-12)
    for f in (shared, later):
        np.testing.assert_allclose(f(LARGE), wave(LARGE), rtol=1e-9, atol=1e-12)  # sin near 0
    new = another()
    np.testing.assert_allclose(cr.compile(new)(X), new(X), rtol=1e-12)
    assert jacobian(X).toarray().shape == (49, 50)
    jacobian(X).tosparse()
    trained(True)
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(BOUND)


def trained(compile: bool) -> None:
    net = cr.Network([3, 5, 1])
    rows = np.linspace(0, 1, 60).reshape(20, 3)
    cr.fit(net, rows, rows[:, :1], epochs=5, batch_size=7, compile=compile, progress=False)


def forked(what: str, work: Callable[[], None], meanwhile: Callable[[], Any] = gc.collect) -> bool:
    """Whether a child did its work; what went wrong is printed.

    The parent does something ``meanwhile``.
    """
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException as error:
            print(f"{what}: {type(error).__name__}: {error}", flush=True)
        os._exit(status)
    meanwhile()
    end = time.monotonic() + BOUND
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            if status and not os.WIFEXITED(status):
                print(f"{what}: ended by signal {os.WTERMSIG(status)}")
            return status == 0
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print(f"{what}: waits for ever")
    return False


# -- at random moments ----------------------------------------------------------------------------


def storm(forks_wanted: int = 12) -> None:
    """Forks while threads compile, run shared code, train, and write Jacobians out."""
    cr.set_threads(2)
    everything()
    stop, going = threading.Event(), threading.Event()

    def compiling() -> None:
        cr.compile(another())(X)

    def in_background() -> None:
        f = cr.compile(another(), when="auto")
        f(X)
        f(X)

    jobs: list[Callable[[], Any]] = [
        compiling, in_background, lambda: shared(LARGE), lambda: trained(True),
        lambda: trained(False), lambda: jacobian(X).tosparse(), lambda: ready(X),
    ]  # fmt: skip

    def keep_on(job: Callable[[], Any]) -> None:
        while not stop.is_set():
            going.wait()
            job()

    threads = [threading.Thread(target=keep_on, args=(job,), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    rng = random.Random(0)
    for k in range(forks_wanted):
        going.set()
        time.sleep(rng.uniform(0.005, 0.1))
        if not forked(f"fork {k}", everything, going.clear):
            break
    stop.set()
    going.set()
    for thread in threads:
        thread.join(BOUND)


def instant() -> None:
    """A fork in the very instant in which another thread is inside the lock that forks take."""
    everything()
    inside, done = threading.Event(), threading.Event()

    def enter() -> None:
        with forks.still()._change:
            inside.set()
            done.wait(BOUND)

    def just_before() -> None:
        threading.Thread(target=enter, daemon=True).start()
        inside.wait(BOUND)

    LAST.append(just_before)
    forked("an instant", everything, done.set)
    LAST.clear()


# -- every lock -----------------------------------------------------------------------------------


def locks_of(holder: Any) -> Iterator[tuple[str, Any]]:
    """The locks among an object's, a class's or a module's attributes, and in its descriptors."""
    slots = [name for cls in type(holder).__mro__ for name in getattr(cls, "__slots__", ())]
    found = {name: getattr(holder, name, None) for name in slots if name != "__weakref__"}
    for name, value in (found | getattr(holder, "__dict__", {})).items():
        if isinstance(value, LOCKS):
            yield name, value
        elif isinstance(getattr(value, "lock", None), LOCKS):
            yield f"{name}.lock", value.lock


def is_ours(thing: Any) -> bool:
    if isinstance(thing, forks.Gate):  # a lock itself; its own is held for an instant only
        return False
    if isinstance(thing, ModuleType):
        return thing.__name__.split(".")[0] == "chainrule"
    cls = thing if isinstance(thing, type) else type(thing)
    return str(getattr(cls, "__module__", "")).split(".")[0] == "chainrule"


def all_locks() -> dict[str, Any]:
    """Every lock in the project's modules, classes and objects, and llvmlite's, by its place."""
    from llvmlite.binding import ffi

    found = {"llvmlite": ffi.lib._lock._lock}
    for thing in gc.get_objects():
        if is_ours(thing):
            name = getattr(thing, "__name__", type(thing).__name__)
            found |= {f"{name}.{place}": lock for place, lock in locks_of(thing)}
    return found


def locked() -> None:
    """A fork while another thread holds every lock that there is."""
    forks.PATIENCE = 0.2
    everything()
    found = all_locks()
    print("locks:", *sorted(found), file=sys.stderr)
    held, released = threading.Event(), threading.Event()

    def hold() -> None:
        for lock in found.values():
            lock.acquire()
        held.set()
        released.wait()
        for lock in found.values():
            lock.release()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()

    def work() -> None:
        everything()
        new = cr.compile(cr.grad(cost))
        new(X)
        if "this process was forked while another thread was compiling" not in new.report():
            raise AssertionError(new.report())
        assert "native" in ready.report()
        gc.collect()

    forked("all locks held", work)
    released.set()
    thread.join()
    forked("afterwards", everything)


def waiting() -> None:
    """A fork waits for a compilation under way, and its child compiles."""
    begun = threading.Event()

    def compile_slowly() -> None:
        with forks.still():
            begun.set()
            time.sleep(0.3)

    thread = threading.Thread(target=compile_slowly)
    thread.start()
    begun.wait()

    def work() -> None:
        assert not forks.is_torn()
        f = cr.compile(another())
        f(X)
        assert "native" in f.report(), f.report()
        forked("a child's child", everything)

    forked("after a compilation", work)
    thread.join()


if __name__ == "__main__":
    {"storm": storm, "instant": instant, "locked": locked, "waiting": waiting}[sys.argv[1]]()
