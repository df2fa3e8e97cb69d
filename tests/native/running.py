"""Plans executed with NumPy, loop by loop: what native loops are compared with as well."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph.node import Array, Node
from chainrule.native.plan.gathers import Gather
from chainrule.native.plan.loops import run_loop
from chainrule.native.plan.planning import Plan
from chainrule.native.plan.products import Pack, Product
from chainrule.native.plan.stages import External, Stage
from chainrule.native.plan.views import view_of
from chainrule.primitives.elementwise import ROWS


def strong_multiply(a: Array, b: Array) -> Array:
    """The product, where a factor that is exactly zero wins."""
    product = np.asarray(a * b)
    return np.where(np.isnan(product) & ((a == 0) | (b == 0)), product.dtype.type(0), product)


FUNCTIONS: dict[str, Any] = {
    **{name: row.value for name, row in ROWS.items()},
    "multiply": np.multiply,
    "strong_multiply": strong_multiply,
    "cast": lambda a: a,
}


class Arrays(dict[Node, Array]):
    """The stored arrays of a plan; constants are fetched as they are asked for."""

    def __missing__(self, node: Node) -> Array:
        assert node.value is not None, f"{node} is neither stored nor constant"
        self[node] = np.array(node.value)
        return self[node]

    def of(self, node: Node) -> Array:
        """A node's array, or its view into another one's."""
        view = view_of(node)
        flat = self[view.base].reshape(-1)
        steps = tuple(step * flat.itemsize for step in view.steps)
        return np.lib.stride_tricks.as_strided(flat[view.offset :], node.shape, steps)


def run_plan(plan: Plan, arguments: list[Array]) -> list[Array]:
    """The outputs, with every loop run by NumPy."""
    arrays = Arrays({node: np.array(a) for node, a in zip(plan.inputs, arguments, strict=True)})
    partial = [node for s in plan.stages if isinstance(s, Stage) for node in s.partial.values()]
    arrays.update({node: np.full(node.shape, 77, node.dtype) for node in [*plan.arrays, *partial]})
    with np.errstate(all="ignore"):
        for stage in plan.stages:
            if isinstance(stage, External):
                inputs = [arrays.of(item) for item in stage.node.inputs]
                arrays[stage.node][...] = stage.node.primitive.bind(stage.node)(*inputs)
            else:
                _run_stage(stage, arrays)
    return [arrays.of(node) for node in plan.outputs]


def _run_stage(stage: Stage, arrays: Arrays) -> None:
    """All rows at once: what the blocks contribute is then the first block's alone."""
    for part in stage.parts:
        if isinstance(part.step, Gather):
            part.step.run(arrays)
            continue
        if isinstance(part.step, Pack):
            continue  # the product is run from what is packed
        loop = part.step.as_loop() if isinstance(part.step, Product) else part.step
        run_loop(loop, arrays, FUNCTIONS)
        for reduction in loop.reductions:
            if reduction.access.array in stage.partial:
                collected = arrays[stage.partial[reduction.access.array]]
                collected[...] = {"sum": 0, "max": -np.inf, "min": np.inf}[reduction.kind]
                collected[0] = arrays[reduction.access.array]
