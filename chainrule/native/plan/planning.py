"""From a graph to steps: loops that fuse elementwise work with reductions, products, and the rest.

Nodes that are computed element by element over one shape, and the sums of them, become one loop.
A node's *depth* counts how often a value on the way to it had to be complete before it was read
otherwise than element by element: nodes of one shape and one depth never wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from typing import NamedTuple

from chainrule.graph.node import Node, new_input
from chainrule.graph.walk import topological
from chainrule.native.plan.assemblies import ASSEMBLE, places_of
from chainrule.native.plan.fusion import (
    FLOATS,
    Body,
    Fused,
    depths_of,
    fused_of,
    loop_of,
    operand_of,
    stored_of,
)
from chainrule.native.plan.gathers import Gather, gather_of
from chainrule.native.plan.loops import (
    Access,
    Constant,
    Loop,
    Store,
)
from chainrule.native.plan.lowering import lowered
from chainrule.native.plan.products import MOST_ROOM, Pack, Product, product_of, with_packing
from chainrule.native.plan.stages import External, Planned, Stage, staged
from chainrule.native.plan.views import is_view, row_major
from chainrule.native.target import TILE_VECTORS, host
from chainrule.primitives.contraction import CONTRACT
from chainrule.shapes import Shape


class Plan(NamedTuple):
    """A program as stages of loops and products, and other steps, in an order in which they run.

    Attributes
    ----------
    inputs, outputs : tuple of Node
        The outputs are those asked for in simpler terms; see :mod:`chainrule.native.plan.lowering`.
    stages : tuple of Stage or External
    arrays : tuple of Node
        The nodes whose elements are stored; all others exist inside a loop only, or are views.
    """

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    stages: tuple[Stage | External, ...]
    arrays: tuple[Node, ...]

    @property
    def steps(self) -> list[Planned]:
        """What the stages consist of."""
        found: list[Planned] = []
        for stage in self.stages:
            found += [stage] if isinstance(stage, External) else [p.step for p in stage.parts]
        return found

    @property
    def faults(self) -> dict[Node, int]:
        """Where positions outside of an axis are noted, and the axis' size."""
        return {s.fault.array: s.size for s in self.steps if isinstance(s, Gather)}


def plan(
    inputs: Sequence[Node], outputs: Sequence[Node], known: Collection[str],
    own_results: bool = False,
) -> Plan:  # fmt: skip
    """Loops and other steps for a program.

    Parameters
    ----------
    inputs, outputs : sequence of Node
        What is given, and what to compute.
    known : collection of str
        Names of elementwise primitives that a loop can compute.
    own_results : bool
        Whether each output is to be an array of its own, no view, argument, constant or other
        output.
    """
    outputs, given = lowered(inputs, outputs), set(inputs)
    order = [
        node
        for node in topological(outputs, stop=lambda node: node in given or node.value is not None)
        if node not in given and node.value is None and not is_view(node)
    ]
    targets = {
        part: place
        for node in order
        if node.primitive is ASSEMBLE
        for part, place in zip(node.inputs, places_of(node), strict=True)
    }
    fused = {n: item for n in order if (item := fused_of(n, known, targets)) is not None}
    depths = depths_of(order, fused)
    groups: dict[tuple[int, Shape], list[Fused]] = {}
    for node, item in fused.items():
        groups.setdefault((depths[node], item.shape), []).append(item)
    stored = stored_of(order, outputs, fused, depths)
    timed: list[tuple[int, Planned]] = [
        (depth, loop_of(items, stored, fused, depths)) for (depth, _), items in groups.items()
    ]
    others = [step for node in order if node not in fused for step in _other(node)]
    timed += [(_depth(step, depths), step) for step in _packed_once(others)]
    steps = [step for _, step in sorted(timed, key=lambda entry: entry[0])]
    made = [step.out.array for step in steps if isinstance(step, Pack)]
    made += [step.fault.array for step in steps if isinstance(step, Gather)]
    arrays = [*(node for node in order if node in stored or node not in fused), *made]
    if own_results:
        outputs, copies = _own(outputs, set(arrays))
        steps += copies
        arrays += [copy.stores[0].access.array for copy in copies]
    return Plan(tuple(inputs), tuple(outputs), tuple(staged(steps, outputs)), tuple(arrays))


def _other(node: Node) -> list[Planned]:
    """A node that is no part of a loop."""
    if node.primitive is ASSEMBLE and node.dtype in FLOATS and node.size > 0:
        return [] if node.params.covers else [_zeros(node)]
    gather = gather_of(node) if node.dtype in FLOATS else None
    if gather is not None:
        return [gather]
    is_product = node.primitive is CONTRACT and node.dtype in FLOATS and node.size > 0
    product = product_of(node) if is_product else None
    if product is None:
        return [External(node)]
    steps = with_packing(product, host().lanes(node.dtype), TILE_VECTORS)
    return [product.as_loop()] if len(steps) == 1 and product.room > MOST_ROOM else [*steps]


def _packed_once(steps: Sequence[Planned]) -> list[Planned]:
    """The steps, where equal copies of right operands are one."""
    first: dict[Hashable, Pack] = {}
    same: dict[Node, Node] = {}
    kept: list[Planned] = []
    for step in steps:
        if isinstance(step, Pack):
            known = first.setdefault(step[:-1], step)
            same[step.out.array] = known.out.array
            kept += [step] if known is step else []
        elif isinstance(step, Product) and step.packed is not None:
            out = step.packed.out
            packed = step.packed._replace(out=out._replace(array=same[out.array]))
            kept.append(step._replace(packed=packed))
        else:
            kept.append(step)
    return kept


def _zeros(node: Node) -> Loop:
    """What is there before the parts of an assembly are."""
    body = (Constant(0.0, node.dtype),)
    store = Store(0, Access(node, row_major(node.shape)))
    return Loop(node.shape, body, (store,), ())


def _own(outputs: Sequence[Node], arrays: set[Node]) -> tuple[list[Node], list[Loop]]:
    """The outputs as arrays of their own, and the loops that copy those that were none."""
    own: list[Node] = []
    copies: list[Loop] = []
    for node in outputs:
        if (node in arrays and node not in own) or node.size == 0:
            own.append(node)
            continue
        writer, target = Body(), new_input(node.shape, node.dtype)
        labels = tuple(range(node.ndim))
        value = writer.load(operand_of(node, labels, labels))
        store = Store(value, Access(target, row_major(node.shape)))
        copies.append(Loop(node.shape, tuple(writer.body), (store,), ()))
        own.append(target)
    return own, copies


def _depth(step: Planned, depths: dict[Node, int]) -> int:
    """When a step that is no loop of fused nodes can run."""
    if isinstance(step, Loop) and not step.reads:
        return -1  # zeros come first
    if isinstance(step, Pack):
        return depths.get(step.source.array, -1) + 1
    return depths[step.node if isinstance(step, External) else step.writes[0].array]
