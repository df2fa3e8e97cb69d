"""Ctrl-C at any moment of `fit` is a result that says so."""

from __future__ import annotations

import signal
import sys

import numpy as np
import pytest

from chainrule.train import FitResult, GradientDescent, Network, fit, load, save

X = np.random.default_rng(0).normal(size=(20, 2))
NET = Network([2, 3, 1])
MOMENTS = 60


def train(**options) -> FitResult:
    given = {"epochs": 3, "batch_size": 5, "progress": False, "validation": (X[:5], X[:5, :1])}
    return fit(NET, X, X[:, :1], **(given | options))


def pressed_at(moment: int | None, **options) -> tuple[FitResult, int]:
    """Train, press Ctrl-C when so many functions have been called, and count the calls."""
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        inside = event == "call" and signal.getsignal(signal.SIGINT) != signal.default_int_handler
        calls += inside
        if inside and calls == moment:
            signal.raise_signal(signal.SIGINT)

    sys.setprofile(count)
    try:
        return train(**options), calls
    finally:
        sys.setprofile(None)


# Python shows, and drops, what is raised while it closes a generator: the next check sees it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("compile", [False, True])
def test_ctrl_c_at_any_moment_is_a_result(compile, tmp_path):
    pressed_at(None, compile=compile)  # what is made once is made
    whole, calls = pressed_at(None, compile=compile)
    assert whole.outcome == "finished"
    told = set()
    for moment in np.linspace(1, calls - 100, MOMENTS).astype(int):
        result, _ = pressed_at(int(moment), compile=compile)
        assert result.outcome == "interrupted", moment
        assert result.stopped.startswith("interrupted "), moment
        told.add(result.stopped.split()[1])
        assert result.epochs == len(result.history.cost) == len(result.history.validation_cost)
        if "before the first step" in result.stopped:
            start = NET.init(0)
            assert all(np.array_equal(result.params[name], start[name]) for name in start)
        save(result, tmp_path / "m")
        assert load(tmp_path / "m").outcome == "interrupted"
    assert {"before", "in"} <= told
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("compile", [False, True])
def test_ctrl_c_while_training_diverges_is_a_result_that_says_both(compile):
    diverging = {"optimiser": GradientDescent(1e200), "cost": "squared", "compile": compile}
    pressed_at(None, **diverging)
    whole, calls = pressed_at(None, **diverging)
    assert whole.outcome == "diverged"
    for moment in np.linspace(1, calls - 1000, 10).astype(int):
        result, _ = pressed_at(int(moment), **diverging)
        assert result.outcome == "interrupted", (moment, calls)
        assert all(np.isfinite(array).all() for array in result.params.values())

    pressed = _pressed_before("fall_back", diverging)
    assert pressed.stopped == f"interrupted when training had diverged: {whole.stopped}"


def _pressed_before(name, options):
    """Train, and press Ctrl-C where a function of this name is called."""

    def press(frame, event, argument):
        if event == "call" and frame.f_code.co_name == name:
            signal.raise_signal(signal.SIGINT)

    sys.setprofile(press)
    try:
        return train(**options)
    finally:
        sys.setprofile(None)


def test_somebody_elses_answer_to_ctrl_c_stays():
    heard = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    try:
        result = train(callback=lambda report: signal.raise_signal(signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, before)
    assert (result.outcome, len(heard)) == ("finished", 3)


def test_what_cannot_be_called_is_told_before_the_first_epoch(monkeypatch):
    from chainrule.train import loop

    monkeypatch.setattr(loop, "Training", None)
    for wrong in (3, "print", [print], X):
        with pytest.raises(TypeError, match="fit: callback must be a function; got"):
            train(callback=wrong)
