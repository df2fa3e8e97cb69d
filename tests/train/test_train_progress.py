"""The bar is on stderr, only where someone can see it."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.train import Network, fit

X = np.random.default_rng(0).normal(size=(20, 2))


def train(**options):
    validation = (X[:5], X[:5, :1])
    fit(Network([2, 1]), X, X[:, :1], epochs=7, batch_size=4, validation=validation, **options)


@pytest.fixture
def terminal(monkeypatch):
    """Rich takes any stream for a terminal."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")


@pytest.mark.usefixtures("terminal")
def test_the_bar_shows_epoch_costs_and_time_left(capsys):
    train(progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    for shown in ("epoch 7/7", "cost 0.", "validation 0.", "0:00:00"):
        assert shown in err


@pytest.mark.usefixtures("terminal")
def test_without_progress_nothing_is_shown(capsys):
    train(progress=False)
    assert capsys.readouterr() == ("", "")


def test_without_a_terminal_nothing_is_shown(capsys, monkeypatch):
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    train(progress=True)
    assert capsys.readouterr() == ("", "")
