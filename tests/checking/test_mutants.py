"""Mistakes planted at random in random compositions: how many are named, and none is overlooked."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.checking.judging import check
from tests.checking.mutants import COSTS, LAYERS, mutant

GROUPS, SEEDS = 5, 30
NAMED = 0.9
"""Two different slips may give the same numbers, and then the simpler one is named."""


@pytest.mark.parametrize("group", range(GROUPS))
def test_random_mistakes_are_found_and_named(group):
    named, others = 0, []
    for seed in range(group * SEEDS, (group + 1) * SEEDS):
        rng = np.random.default_rng(seed)
        case, x = mutant(rng), rng.normal(size=4)
        if case is None or np.allclose(case.wrong(x), case.right(x), rtol=1e-6, atol=1e-9):
            continue
        report = check(case.f, case.wrong, x)
        assert not report.ok, f"seed {seed}, {case}: {report}"
        if report.kind in case.kinds:
            named += 1
        else:
            others.append(f"seed {seed}, {case}: {report.diagnosis}")
    assert named >= NAMED * (named + len(others)), "\n".join(others)


@pytest.mark.parametrize("group", range(GROUPS))
def test_the_same_compositions_without_a_mistake_are_right(group):
    for seed in range(group * SEEDS, (group + 1) * SEEDS):
        rng = np.random.default_rng(seed)
        case, x = mutant(rng), rng.normal(size=4)
        if case is not None:
            report = check(case.f, case.right, x)
            assert report.ok, f"seed {seed}, {case}: {report}"


@pytest.mark.parametrize("layer", [*LAYERS, *COSTS], ids=lambda layer: layer.name)
def test_the_layers_themselves_are_right(layer):
    """By differences: nothing of the library takes part."""
    x = np.random.default_rng(1).normal(size=4)
    f = layer.forward(x)
    d = np.random.default_rng(2).normal(size=np.shape(f))
    h = 1e-5
    units = np.eye(4)
    moved = [
        np.sum(d * (layer.forward(x + h * u) - layer.forward(x - h * u))) / (2 * h) for u in units
    ]
    # central differences with h = 1e-5 are off by about h² and by 1e-16 / h
    np.testing.assert_allclose(layer.backward(d, x, f), moved, rtol=1e-7, atol=1e-8)
