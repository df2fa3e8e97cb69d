"""Memory that arrays take after one another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

import chainrule as cr
from chainrule.native.code.functions import EMITTERS
from chainrule.native.plan.planning import Plan, plan
from chainrule.native.plan.stages import Stage
from chainrule.native.plan.storage import aligned, shared_storage
from chainrule.native.run.program import Layout
from chainrule.tracing.captured import capture
from tests.jacobians.generated import Generated, functions


def planned(f, *args) -> Plan:
    graph = capture(f, *args).graph
    return plan(graph.inputs, graph.outputs, EMITTERS.keys())


def assert_never_needed_together(made: Plan) -> None:
    storage = shared_storage(made, ())
    for number, stage in enumerate(made.stages):
        if not isinstance(stage, Stage):
            continue
        for node in stage.writes:
            place = storage.holder.get(node, node)
            for other in storage.holder.keys() | set(storage.holder.values()):
                if other is node or storage.holder.get(other, other) is not place:
                    continue
                uses = [
                    k
                    for k, item in enumerate(made.stages)
                    if isinstance(item, Stage) and other in item.reads | item.writes
                ]
                assert not min(uses) <= number <= max(uses), "written while it is still needed"


@given(functions(4))
def test_generated_gradients(case: Generated):
    assert_never_needed_together(planned(cr.grad(case.scalar()), case.x))


def layers(count):
    def f(A, x):
        for _ in range(count):
            x = np.tanh(x @ A) + x.sum(axis=0)
        return x

    return f


def test_a_deep_program_needs_no_more_memory_than_a_short_one():
    A, x = np.ones((300, 300)), np.ones((200, 300))
    short, deep = (planned(layers(n), A, x) for n in (4, 40))
    assert_never_needed_together(deep)
    bytes_ = [
        sum(
            layout.shared.get(place, node.size * node.dtype.itemsize)
            for place, node in enumerate(layout.own)
        )
        for layout in (Layout(short), Layout(deep))
    ]
    assert bytes_[1] < 1.5 * bytes_[0]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_results_with_shared_memory(threads):
    rng = np.random.default_rng(0)
    A, x = rng.normal(size=(300, 300)) / 20, rng.normal(size=(200, 300))
    f = layers(6)
    cr.set_threads(threads)
    try:
        # six layers of sums of 300 products of numbers of size one to a hundred
        np.testing.assert_allclose(cr.compile(f)(A, x), f(A, x), rtol=1e-9, atol=1e-9)
    finally:
        cr.set_threads(None)


@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (0, 4), (1000,)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bool", "int64"])
def test_memory_begins_on_a_cache_line(shape, dtype):
    array = aligned(shape, dtype)
    assert (array.shape, array.dtype) == (shape, np.dtype(dtype))
    assert array.__array_interface__["data"][0] % 64 == 0 or array.size == 0
    assert not array.any()
