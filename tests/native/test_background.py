"""Native code that is made in the background, while NumPy interprets the calls."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ArgumentError, TracingError
from chainrule.native.entry import compiled as module
from chainrule.native.run.machine import CompilationError

X = np.linspace(0, 1, 5)


class Gate:
    """Holds up what makes native code until it is opened, and counts the calls."""

    def __init__(self, monkeypatch, fails=None):
        self.opened, self.done, self.calls = threading.Event(), threading.Event(), 0
        make = module.make

        def held(*args):
            self.calls += 1
            assert self.opened.wait(60)
            if fails is not None:
                raise fails
            return make(*args)

        monkeypatch.setattr(module, "make", held)

    def open(self):
        """Let it be made, and wait until it is."""
        before = [t for t in threading.enumerate() if t.name == module.THREAD]
        self.opened.set()
        for thread in before:
            thread.join(60)


def test_calls_are_interpreted_until_the_code_is_there(monkeypatch):
    gate = Gate(monkeypatch)
    f = cr.compile(lambda x: np.exp(x).sum() * x, when="auto")
    assert np.allclose(f(X), np.exp(X).sum() * X)
    assert "interpreted with NumPy: native code is made when it is called again" in f.report()
    assert gate.calls == 0
    for _ in range(3):
        assert np.allclose(f(X), np.exp(X).sum() * X)
        assert "interpreted with NumPy: native code is being made" in f.report()
    gate.open()
    assert "native  loop over" in f.report()
    assert "interpreted" not in f.report()
    for _ in range(3):
        assert np.allclose(f(X), np.exp(X).sum() * X)
    assert gate.calls == 1
    assert type(f._entries[0]) is type(len)


def test_each_kind_is_made_when_it_comes_again(monkeypatch):
    gate = Gate(monkeypatch)
    f = cr.compile(lambda x, power=2: x**power, when="auto")
    for x in (X, X[:3], X[:3], X.astype(np.float32)):
        f(x)
    f(X, power=3)
    assert gate.calls == 1
    assert f.report().count("when it is called again") == 3
    gate.open()
    assert f.report().count("native  loop over") == 1


def test_a_branch_on_values_is_refused_at_once():
    f = cr.compile(lambda x: x if x[0] > 0 else -x, when="auto")
    for _ in range(3):
        with pytest.raises(TracingError, match=r"np\.where"):
            f(X)


@pytest.mark.parametrize(
    "error", [CompilationError("compile", "refused"), KeyError("x"), OSError(2)]
)
def test_code_that_cannot_be_made_is_interpreted_and_reported(monkeypatch, error):
    gate = Gate(monkeypatch, error)
    f = cr.compile(lambda x: np.sin(x) + 1, when="auto")
    f(X)
    f(X)
    gate.open()
    for _ in range(3):
        assert np.allclose(f(X), np.sin(X) + 1)
    assert gate.calls == 1, "it is not tried again"
    assert f"interpreted with NumPy: {type(error).__name__}: {error}" in f.report()


def test_threads_may_call_while_it_is_made():
    f = cr.compile(lambda x: (np.tanh(x), x.sum()), when="auto")
    wrong = []

    def work(k):
        for n in range(1, 40):
            x = np.linspace(0, 1, n % 4 + 1)
            values, total = f(x)
            if not np.allclose(values, np.tanh(x)) or not np.isclose(total, x.sum()):
                wrong.append((k, n))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for thread in [item for item in threading.enumerate() if item.name == module.THREAD]:
        thread.join()
    assert not wrong
    for n in range(1, 5):
        f(np.ones(n))
    assert f.report().count("native  loop over") >= 4


def test_another_time_is_refused():
    wanted = r"^compile: when must be 'first call' or 'auto'; got 'now'"
    with pytest.raises(ArgumentError, match=wanted):
        cr.compile(np.sin, when="now")
