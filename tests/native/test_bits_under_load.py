"""The same bits while other processes want the processors: who is late must not matter."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

import chainrule as cr

BUSY = "x = 1\nwhile True:\n    x = x * 3 % 1000003\n"
rng = np.random.default_rng(0)
A, B = rng.normal(size=(300, 200)), rng.normal(size=(200, 150))
LARGE = rng.normal(size=300_000)


def chained(A, B):
    return np.tanh(A @ B).sum(axis=0) @ B.T


FUNCTIONS = [
    (cr.compile(lambda x: (np.exp(x) * x).sum()), (LARGE,)),
    (cr.compile(cr.grad(lambda x: np.sum(np.tanh(x) * x) ** 2)), (LARGE,)),
    (cr.compile(chained), (A, B)),
    (cr.compile(cr.grad(lambda A, B: np.sum(chained(A, B) ** 2))), (A, B)),
    (cr.compile(chained), (A.astype(np.float32), B.astype(np.float32))),
]


@contextmanager
def load(processes: int) -> Iterator[None]:
    """Processes and a thread that compute without end."""
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(processes)]
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            np.exp(LARGE)

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        for other in others:
            other.kill()
            other.wait()


def trained() -> bytes:
    net = cr.Network([20, 64, 5])
    X, Y = rng_of(1).normal(size=(500, 20)), rng_of(2).normal(size=(500, 5))
    result = cr.fit(net, X, Y, epochs=3, batch_size=100, compile=True, progress=False)
    return b"".join(result.params[name].tobytes() for name in sorted(result.params))


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def results() -> list[bytes]:
    return [np.asarray(f(*arguments)).tobytes() for f, arguments in FUNCTIONS]


def test_results_are_the_same_bits():
    try:
        cr.set_threads(1)
        expected, params = results(), trained()
        with load(3):
            for threads in (1, 2, 3, 4):
                cr.set_threads(threads)
                for _ in range(5):
                    assert results() == expected, threads
                assert trained() == params, threads
    finally:
        cr.set_threads(None)
