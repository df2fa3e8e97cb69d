"""Faults that were found in native training, each as small as it could be made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from chainrule.errors import ShapeError
from chainrule.train import Network, engines, fit
from chainrule.train.prediction import predict


@dataclass(frozen=True)
class Breaking:
    """Gradient descent whose parameters become infinite in a step, counted from 1."""

    step: int

    def init(self, params: Any) -> Any:
        return np.array(0.0)

    def update(self, params: Any, gradient: Any, state: Any) -> Any:
        factor = np.where(state == self.step - 1, np.inf, 1.0)
        return {k: (params[k] - 0.01 * gradient[k]) * factor for k in params}, state + 1.0


@pytest.mark.parametrize("at_once", [1, 5, 1000])
@pytest.mark.parametrize("batch_size", [4, 22, 23])
@pytest.mark.parametrize("step", [1, 7, 13, 20])
def test_what_is_kept_does_not_depend_on_how_many_steps_are_done_at_once(
    step, batch_size, at_once, monkeypatch
):
    """Steps are repeated from the middle of an epoch, whose order of rows has to be drawn again."""
    monkeypatch.setattr(engines.Native, "steps_at_once", lambda *_: at_once)
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(23, 5)), rng.normal(size=(23, 2))
    expected, found = (
        fit(
            Network([5, 4, 2]), X, Y, optimiser=Breaking(step), epochs=6, batch_size=batch_size,
            progress=False, compile=compile,
        )
        for compile in (False, True)
    )  # fmt: skip
    assert found.interpreted_because == ""
    assert (found.outcome, found.stopped) == (expected.outcome, expected.stopped)
    for name, values in expected.params.items():
        # some tens of steps, each of which adds a few roundings
        np.testing.assert_allclose(found.params[name], values, rtol=1e-10)
    np.testing.assert_allclose(found.history.cost, expected.history.cost, rtol=1e-10)


class Forgetful:
    """Gradient descent whose state is a new, empty array in every step."""

    def init(self, params: Any) -> Any:
        return np.zeros(0)

    def update(self, params: Any, gradient: Any, state: Any) -> Any:
        return {k: params[k] - 0.01 * gradient[k] for k in params}, np.zeros(0)


def test_a_state_without_elements():
    X, Y = np.ones((4, 3)), np.ones((4, 2))
    found = fit(Network([3, 2]), X, Y, optimiser=Forgetful(), epochs=1, compile=True)
    assert found.interpreted_because == ""


def test_parameters_of_a_prediction_that_are_missing():
    with pytest.raises(ShapeError, match="the parameter A0 must have shape"):
        predict(Network([3, 2]), {"b0": np.zeros(2)}, np.ones((2, 3)))
