"""Elementwise steps on large arrays, block by block, give bit for bit what they give at once."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.interpret import blocks
from chainrule.interpret.run import Instruction
from chainrule.tracing import capture, lanes

SIZE = 50_000  # more than two blocks of float64, and the last one is not full

FUNCTIONS = {
    "function (5.109)": lambda x: np.sum(np.sqrt(x**2 + np.exp(x**2)) + np.cos(x**2)),
    "numbers everywhere": lambda x: np.sum(np.sin(x + 1.0) / (2.0 + x * x)),
    "masks": lambda x: np.sum(np.where(x > 0, np.sqrt(np.abs(x)), x**3) * (x < 1)),
    "results used later": lambda x: np.sum(np.exp(x) * x) * np.sum(np.tanh(x)) + x[0],
    "other precisions": lambda x: np.sum(np.sin(x) * np.linspace(0, 1, x.size, dtype=np.float32)),
    "activations": lambda x: np.sum(cr.sigmoid(x) * cr.relu(x) + np.maximum(x, 0.3)),
    "sums in between": lambda x: np.sum(np.cumsum(np.exp(-(x**2))) * np.sin(x)),
}


def instructions(monkeypatch, block, gradient, x):
    monkeypatch.setattr(blocks, "BLOCK", block)
    monkeypatch.setattr(lanes, "_waiting", [])
    found = gradient(x)
    (lane,) = lanes._waiting
    (ready,) = lane.programs.values()
    return found, ready.program.instructions


def by_blocks(item: Instruction) -> bool:
    return isinstance(item.function, blocks.Blocks)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_gradient_by_blocks_and_at_once(name, dtype, monkeypatch):
    gradient = cr.grad(FUNCTIONS[name])
    x = np.linspace(-1.5, 1.5, SIZE).astype(dtype)
    for place, value in ((3, 0.0), (20_000, np.inf), (20_001, -0.0), (SIZE - 1, np.nan)):
        once, plain = instructions(monkeypatch, 1 << 40, gradient, x)
        assert not any(by_blocks(item) for item in plain)
        found, together = instructions(monkeypatch, 1 << 14, gradient, x)
        assert any(by_blocks(item) for item in together)
        np.testing.assert_array_equal(found, once)
        assert found.dtype == dtype
        x[place] = value


def test_arrays_in_another_order(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 1 << 12)
    x = np.linspace(-1.5, 1.5, 40_000).reshape(100, 400)
    program = capture(lambda x, y: np.exp(np.sin(x) * y) * x.T.T, x, x)
    for y in (x, np.asfortranarray(x), x[::-1], np.broadcast_to(x[:1], x.shape)):
        np.testing.assert_array_equal(program(x, y), np.exp(np.sin(x) * y) * x)
        np.testing.assert_array_equal(program(y, x), np.exp(np.sin(y) * x) * y)


def test_results_and_arguments_share_no_memory(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 1 << 12)
    x = np.linspace(-1.5, 1.5, SIZE)
    program = capture(lambda x: (np.sin(x) * 2.0, np.sin(x) * 2.0 + x), x)
    first, second = program(x), program(x)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.shares_memory(a, b)
        assert a.flags.writeable
