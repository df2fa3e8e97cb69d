"""Nodes that are computed element by element, gathered into loops.

What belongs to one loop is decided by shapes and depths: see :mod:`chainrule.native.plan.planning`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from chainrule.graph.node import Node
from chainrule.native.plan.assemblies import ASSEMBLE, PART
from chainrule.native.plan.loops import (
    Access,
    Apply,
    Constant,
    Dtype,
    Instruction,
    Load,
    Loop,
    Reduction,
    Store,
)
from chainrule.native.plan.lowering import whole_operand
from chainrule.native.plan.views import View, row_major, steps_along, view_of
from chainrule.primitives.contraction import CONTRACT, repeated_scalar
from chainrule.primitives.elementwise import Elementwise
from chainrule.primitives.identities import CAST
from chainrule.primitives.reductions import MAX, MIN
from chainrule.shapes import Labels, Shape

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
WHOLE, TRUTH = np.dtype(np.int64), np.dtype(np.bool_)
OF_WHOLE = frozenset(
    "add subtract where equal not_equal less less_equal greater greater_equal".split()
)
"""What the emitters do with whole numbers: enough to work out positions."""


class Operand(NamedTuple):
    """An input of a fused node, by the loop's axes."""

    view: View
    dtype: Dtype


class Fused(NamedTuple):
    """A node as part of a loop over a shape."""

    node: Node
    shape: Shape
    operands: tuple[Operand, ...]
    out_steps: tuple[int, ...]
    """Steps of the node's own array along the loop's axes: 0 along those that are reduced."""
    target: Access | None = None
    """Where the values go if they are part of an assembly."""

    @property
    def is_reduction(self) -> bool:
        return 0 in self.out_steps


# -- which nodes are part of a loop, and over which shape -----------------------------------------


def fused_of(node: Node, known: Collection[str], targets: Mapping[Node, Access]) -> Fused | None:
    if node.size == 0 or not _is_plain(node, known):
        return None
    axes: tuple[int, ...] | None
    if node.primitive is CONTRACT:
        spec = node.params
        axes, sizes, operands, out = whole_operand(spec), spec.sizes, spec.operands, spec.out
        if len(set(out)) < len(out):
            return None
    else:
        sizes, labels = node.inputs[0].shape, tuple(range(node.inputs[0].ndim))
        axes = tuple(label for label in labels if sizes[label] != 1)
        operands, out = (labels,) * len(node.inputs), labels
        if node.primitive in (MAX, MIN):
            out = tuple(label for label in labels if label not in node.params)
    if axes is None or any(size == 0 for size in sizes):
        return None
    found = [operand_of(item, axes, each) for item, each in zip(node.inputs, operands, strict=True)]
    steps = steps_along(axes, out, row_major(node.shape))
    target = targets.get(node)
    if target is not None:
        target = target._replace(steps=steps_along(axes, out, target.steps))
    return Fused(node, tuple(sizes[label] for label in axes), tuple(found), steps, target)


def _is_plain(node: Node, known: Collection[str]) -> bool:
    """Whether its dtypes and its function are among those that loops are written for."""
    dtypes = [item.dtype for item in node.inputs]
    if node.primitive is CAST:
        return node.dtype in FLOATS and dtypes[0] in (*FLOATS, WHOLE, TRUTH)
    if node.primitive is CONTRACT:
        return node.dtype in FLOATS and all(d in (node.dtype, TRUTH) for d in dtypes)
    if node.primitive in (MAX, MIN, PART):
        return node.dtype in FLOATS
    if not isinstance(node.primitive, Elementwise) or node.primitive.name not in known:
        return False
    numbers = {dtype for dtype in dtypes if dtype != TRUTH}
    fits = node.dtype == TRUTH or numbers <= {node.dtype}
    kinds = {*FLOATS, WHOLE, TRUTH} if node.primitive.name in OF_WHOLE else {*FLOATS, TRUTH}
    return fits and len(numbers) <= 1 and numbers | {node.dtype} <= kinds


def operand_of(node: Node, axes: Labels, labels: Labels) -> Operand:
    view = view_of(node)
    return Operand(view._replace(steps=steps_along(axes, labels, view.steps)), node.dtype)


# -- what waits for what --------------------------------------------------------------------------


def depths_of(order: Sequence[Node], fused: dict[Node, Fused]) -> dict[Node, int]:
    """The depth of every node: elementwise work is put off until the first loop that uses it.

    What is computed beside its use is never stored: 0.9 m of an optimiser's m + 0.1 g, which could
    be computed before the gradient g, is computed with it.
    """
    depths = _earliest(order, fused)
    latest: dict[Node, int] = {}
    for node in reversed(order):
        item = fused.get(node)
        if item is not None and node in latest and not item.is_reduction and item.target is None:
            depths[node] = max(depths[node], latest[node])
        if item is None:
            for part in node.inputs:
                _lower(latest, view_of(part).base, depths[node] - 1)
        else:
            for operand in item.operands:
                waits = not _reads_in_step(item, operand, fused)
                _lower(latest, operand.view.base, depths[node] - waits)
    return depths


def _lower(latest: dict[Node, int], node: Node, depth: int) -> None:
    latest[node] = min(latest.get(node, depth), depth)


def _earliest(order: Sequence[Node], fused: dict[Node, Fused]) -> dict[Node, int]:
    depths: dict[Node, int] = {}
    for node in order:
        item = fused.get(node)
        if item is None:
            bases = [view_of(part).base for part in node.inputs]
            later = node.primitive is not ASSEMBLE
            depths[node] = max((depths[b] + later for b in bases if b in depths), default=0)
        else:
            depths[node] = max(
                (
                    depths[operand.view.base] + (not _reads_in_step(item, operand, fused))
                    for operand in item.operands
                    if operand.view.base in depths
                ),
                default=0,
            )
    return depths


def _reads_in_step(item: Fused, operand: Operand, fused: dict[Node, Fused]) -> bool:
    """Whether an operand's element is the one that the same loop has just computed."""
    source = fused.get(operand.view.base)
    return (
        source is not None
        and not source.is_reduction
        and source.shape == item.shape
        and operand.view.steps == source.out_steps
    )


def _shares_loop(
    item: Fused, operand: Operand, fused: dict[Node, Fused], depths: dict[Node, int]
) -> bool:
    same = depths.get(operand.view.base) == depths[item.node]
    return same and _reads_in_step(item, operand, fused)


def stored_of(
    order: Sequence[Node], outputs: Sequence[Node], fused: dict[Node, Fused],
    depths: dict[Node, int],
) -> set[Node]:  # fmt: skip
    """The fused nodes whose elements are needed outside of their own loop."""
    needed = {view_of(node).base for node in outputs}
    for node in order:
        item = fused.get(node)
        if item is None:
            if node.primitive is not ASSEMBLE:
                needed.update(view_of(part).base for part in node.inputs)
        else:
            needed.update(
                operand.view.base
                for operand in item.operands
                if not _shares_loop(item, operand, fused, depths)
            )
    return {node for node in needed if node in fused}


# -- writing one loop -----------------------------------------------------------------------------


def loop_of(
    items: Sequence[Fused], stored: set[Node], fused: dict[Node, Fused], depths: dict[Node, int]
) -> Loop:
    writer = Body()
    stores, reductions = [], []
    for item in items:
        arguments = [
            writer.values[operand.view.base]
            if _shares_loop(item, operand, fused, depths)
            else writer.load(operand)
            for operand in item.operands
        ]
        value = writer.node(item.node, arguments)
        access = Access(item.node, item.out_steps)
        if item.is_reduction:
            is_sum = item.node.primitive is CONTRACT
            kind = "sum" if is_sum else item.node.primitive.name
            scale = item.node.params.scale if is_sum else 1.0
            reductions.append(Reduction(value, access, kind, scale))
        elif item.target is not None:
            stores.append(Store(value, item.target))
        elif item.node in stored:
            stores.append(Store(value, access))
    return Loop(items[0].shape, tuple(writer.body), tuple(stores), tuple(reductions))


class Body:
    """The body of a loop: equal instructions are one."""

    def __init__(self) -> None:
        self.body: list[Instruction] = []
        self.values: dict[Node, int] = {}
        self._known: dict[tuple[Instruction, str], int] = {}

    def add(self, instruction: Instruction) -> int:
        number = repr(instruction.number) if isinstance(instruction, Constant) else ""
        key = instruction, number  # 0.0 equals -0.0
        if key not in self._known:
            self._known[key] = len(self.body)
            self.body.append(instruction)
        return self._known[key]

    def load(self, operand: Operand) -> int:
        view = operand.view
        number = repeated_scalar(view.base)
        if number is not None and number.value is not None:
            return self.add(Constant(number.value.reshape(()).item(), operand.dtype))
        return self.add(Load(Access(view.base, view.steps, view.offset), operand.dtype))

    def node(self, node: Node, arguments: Sequence[int]) -> int:
        if node.primitive is CONTRACT:
            value = self._product(node, arguments)
        elif node.primitive in (MAX, MIN, PART):
            (value,) = arguments
        else:
            name = node.primitive.name
            value = self.add(Apply(name, tuple(arguments), node.dtype))
        self.values[node] = value
        return value

    def _product(self, node: Node, arguments: Sequence[int]) -> int:
        """Numbers multiplied, booleans that select, and the scale where nothing is summed."""
        spec = node.params
        masks = [k for k, item in zip(arguments, node.inputs, strict=True) if item.dtype == TRUTH]
        numbers = [k for k, item in zip(arguments, node.inputs, strict=True) if item.dtype != TRUTH]
        if not numbers:
            numbers = [self.add(Apply("cast", (masks.pop(0),), node.dtype))]
        multiply = "strong_multiply" if spec.strong else "multiply"
        total = numbers[0]
        for k in numbers[1:]:
            total = self.add(Apply(multiply, (total, k), node.dtype))
        nothing = self.add(Constant(0.0, node.dtype)) if masks else 0
        for mask in masks:
            total = self.add(Apply("where", (mask, total, nothing), node.dtype))
        summed = {label for labels in spec.operands for label in labels} - set(spec.out)
        is_sum = any(spec.sizes[label] != 1 for label in summed)
        if spec.scale != 1.0 and not is_sum:
            factor = self.add(Constant(spec.scale, node.dtype))
            total = self.add(Apply("multiply", (total, factor), node.dtype))
        return total
