"""What stays in memory after many programs and trainings, by counts of objects, which repeat."""

from __future__ import annotations

import functools
import gc
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import forks
from chainrule.graph import node as nodes
from chainrule.native.run import machine
from chainrule.tracing import lanes

MOST_ENTRIES = 2048
"""Of any cache: entries take about a kilobyte, so that a full one takes some megabytes at most."""


def compiled(seed: int) -> None:
    """Native code that no other seed gives, called, and dropped."""
    x = np.linspace(0, 1, 4 + seed % 7)
    f = cr.compile(cr.grad(lambda x: np.sum(np.tanh(x) * (1 + seed / 1e6))))
    for _ in range(3):
        f(x)


def differentiated(seed: int) -> None:
    x = np.linspace(0, 1, 4 + seed % 7)
    cr.grad(lambda x: np.sum(np.tanh(x) * (1 + seed / 1e6)))(x)
    cr.jacobian(lambda x: np.diff(x) * (1 + seed / 1e6))(x).toarray()


def trained(compile: bool) -> Callable[[int], None]:
    def work(seed: int) -> None:
        net = cr.Network([2 + seed % 3, 3 + seed // 3, 1])
        rows = np.linspace(0, 1, 12 * net.sizes[0]).reshape(12, -1)
        result = cr.fit(
            net, rows, rows[:, :1], epochs=2, batch_size=5, compile=compile, progress=False
        )
        result.predict(rows)

    return work


WORK = {
    "compiled": compiled,
    "differentiated": differentiated,
    "trained with NumPy": trained(False),
    "trained natively": trained(True),
}


def caches() -> Iterator[Any]:
    """The project's caches of functions."""
    for item in gc.get_objects():
        # not isinstance, which asks objects of other packages for their __class__
        if (
            type(item) is functools._lru_cache_wrapper
            and str(item.__module__).split(".")[0] == "chainrule"
        ):
            yield item


def forget() -> None:
    """Empty the caches, each of which has a bound."""
    for cache in caches():
        if cache.cache_info().maxsize != 1:  # what there is one of
            cache.cache_clear()
    lanes._waiting.clear()
    machine.OBJECTS.forget()
    gc.collect()


def tables() -> dict[str, int]:
    """The sizes of the containers that belong to modules."""
    return {
        f"{name}.{key}": len(value)
        for name, module in list(sys.modules.items())
        if name.split(".")[0] == "chainrule"
        for key, value in vars(module).items()
        if isinstance(value, (dict, list, set)) or hasattr(value, "_pending_removals")
    }


def counts() -> dict[str, int]:
    forget()
    return tables() | {
        "nodes": len(nodes._nodes),
        "modules": len(machine._modules),
        "begun anew in a child": len(forks._followed),
        "objects": len(gc.get_objects()),
    }


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_no_object_stays(work, monkeypatch):
    monkeypatch.setenv("CHAINRULE_CACHE", "off")
    for seed in range(4):
        work(seed)
    before = counts()
    for seed in range(4, 16):
        work(seed)
    after = counts()
    grown = {name: (before.get(name, 0), count) for name, count in after.items()
             if count > before.get(name, 0)}  # fmt: skip
    objects = grown.pop("objects", (0, 0))
    assert not grown
    # Of twelve runs: not one object each. Python itself caches some, as for calls of `re`.
    assert objects[1] - objects[0] < 12


def test_every_cache_has_a_bound():
    for work in WORK.values():
        work(0)
    found = {f"{item.__module__}.{item.__qualname__}": item.cache_info() for item in caches()}
    assert len(found) > 10
    unbounded = [name for name, info in found.items()
                 if info.maxsize is None or info.maxsize > MOST_ENTRIES]  # fmt: skip
    assert not unbounded
    assert machine.OBJECTS.memory_limit <= 16 << 20


def test_what_later_calls_find_again_has_a_bound(monkeypatch):
    """A gradient of a function that is new each time adds nodes to the same lane."""
    monkeypatch.setattr(lanes, "USUAL_NODES", 500)
    forget()
    before, most = len(nodes._nodes), 0
    for seed in range(300):
        differentiated(seed)
        most = max(most, len(nodes._nodes) - before)
    # Nodes on the way to those that are remembered live as long as they do.
    assert most < 4 * 500
    assert len(lanes._waiting) <= lanes.MOST_LANES
    forget()


def test_one_large_function_is_found_again_all_the_same(monkeypatch):
    monkeypatch.setattr(lanes, "USUAL_NODES", 50)
    forget()

    def long(x):
        for _ in range(60):
            x = x + 0.01 * np.sin(x)
        return np.sum(x)

    for _ in range(3):
        cr.grad(long)(np.ones(3))
    (lane,) = lanes._waiting
    assert lane.size > 50
    before = len(nodes._nodes)
    cr.grad(long)(np.ones(3))
    assert lanes._waiting == [lane]
    assert len(nodes._nodes) == before
    forget()
