"""From a graph to what runs: loops that fuse elementwise work with sums, and all else in between.

Nodes that are computed element by element over one shape, and the sums of them, become one loop.
A node's *depth* counts how often a value on the way to it had to be complete before it was read
otherwise than element by element: nodes of one shape and one depth never wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from chainrule.graph.node import Node
from chainrule.graph.walk import topological
from chainrule.native.loops import (
    Access,
    Apply,
    Constant,
    Dtype,
    Instruction,
    Load,
    Loop,
    Store,
    Sum,
    collapsed,
)
from chainrule.native.views import View, is_view, row_major, steps_along, view_of
from chainrule.primitives.contraction import CONTRACT, repeated_scalar
from chainrule.primitives.elementwise import Elementwise
from chainrule.primitives.identities import CAST
from chainrule.shapes import Labels, Shape

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
TRUTH = np.dtype(np.bool_)


class External(NamedTuple):
    """A node that runs as its primitive says, on whole arrays."""

    node: Node


class Plan(NamedTuple):
    """A program as loops and other steps, in an order in which they can run.

    Attributes
    ----------
    inputs, outputs : tuple of Node
    steps : tuple of Loop or External
    arrays : tuple of Node
        The nodes whose elements are stored; all others exist inside a loop only, or are views.
    """

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    steps: tuple[Loop | External, ...]
    arrays: tuple[Node, ...]


class _Operand(NamedTuple):
    """An input of a fused node, by the loop's axes."""

    view: View
    dtype: Dtype


class _Fused(NamedTuple):
    """A node as part of a loop over a shape."""

    node: Node
    shape: Shape
    operands: tuple[_Operand, ...]
    out_steps: tuple[int, ...]
    """Steps of the node's own array along the loop's axes: 0 along those that are summed."""

    @property
    def is_sum(self) -> bool:
        return 0 in self.out_steps


def plan(inputs: Sequence[Node], outputs: Sequence[Node], known: Collection[str]) -> Plan:
    """Loops and other steps for a program.

    Parameters
    ----------
    inputs, outputs : sequence of Node
        What is given, and what to compute.
    known : collection of str
        Names of elementwise primitives that a loop can compute.
    """
    given = set(inputs)
    order = [
        node
        for node in topological(outputs, stop=lambda node: node in given or node.value is not None)
        if node not in given and node.value is None and not is_view(node)
    ]
    fused = {node: item for node in order if (item := _fused(node, known)) is not None}
    depths = _depths(order, fused)
    groups: dict[tuple[int, Shape], list[_Fused]] = {}
    for node, item in fused.items():
        groups.setdefault((depths[node], item.shape), []).append(item)
    stored = _stored(order, outputs, fused, depths)
    timed: list[tuple[int, Loop | External]] = [
        (depth, collapsed(_loop(items, stored, fused, depths)))
        for (depth, _), items in groups.items()
    ]
    timed += [(depths[node], External(node)) for node in order if node not in fused]
    steps = tuple(step for _, step in sorted(timed, key=lambda entry: entry[0]))
    arrays = tuple(node for node in order if node in stored or node not in fused)
    return Plan(tuple(inputs), tuple(outputs), steps, arrays)


# -- which nodes are part of a loop, and over which shape -----------------------------------------


def _fused(node: Node, known: Collection[str]) -> _Fused | None:
    if node.size == 0 or not _is_plain(node, known):
        return None
    if node.primitive is not CONTRACT:
        operands = [
            _operand(item, tuple(range(node.ndim)), tuple(range(node.ndim))) for item in node.inputs
        ]
        return _Fused(node, node.shape, tuple(operands), row_major(node.shape))
    spec = node.params
    axes = _loop_labels(spec.operands, spec.out)
    if axes is None or len(set(spec.out)) < len(spec.out):
        return None
    shape = tuple(spec.sizes[label] for label in axes)
    found = [
        _operand(item, axes, labels)
        for item, labels in zip(node.inputs, spec.operands, strict=True)
    ]
    return _Fused(node, shape, tuple(found), steps_along(axes, spec.out, row_major(node.shape)))


def _is_plain(node: Node, known: Collection[str]) -> bool:
    """Whether its dtypes and its function are among those that loops are written for."""
    dtypes = [item.dtype for item in node.inputs]
    if node.primitive is CAST:
        return node.dtype in FLOATS and dtypes[0] in (*FLOATS, TRUTH)
    if node.primitive is CONTRACT:
        return node.dtype in FLOATS and all(d in (node.dtype, TRUTH) for d in dtypes)
    if not isinstance(node.primitive, Elementwise) or node.primitive.name not in known:
        return False
    numbers = {dtype for dtype in dtypes if dtype != TRUTH}
    fits = node.dtype == TRUTH or numbers <= {node.dtype}
    return fits and len(numbers) <= 1 and numbers | {node.dtype} <= {*FLOATS, TRUTH}


def _loop_labels(operands: Sequence[Labels], out: Labels) -> Labels | None:
    """The axes of a product's loop; None where it is rather a matrix product.

    A sum is a loop where one operand has every index: each element is then read once.
    """
    everything = {label for labels in operands for label in labels}
    if everything <= set(out):
        return out
    whole = [labels for labels in operands if everything | set(out) == set(labels)]
    whole = [labels for labels in whole if len(set(labels)) == len(labels)]
    return whole[0] if whole else None


def _operand(node: Node, axes: Labels, labels: Labels) -> _Operand:
    view = view_of(node)
    return _Operand(view._replace(steps=steps_along(axes, labels, view.steps)), node.dtype)


# -- what waits for what --------------------------------------------------------------------------


def _depths(order: Sequence[Node], fused: dict[Node, _Fused]) -> dict[Node, int]:
    depths: dict[Node, int] = {}
    for node in order:
        item = fused.get(node)
        if item is None:
            bases = [view_of(part).base for part in node.inputs]
            depths[node] = max((depths[base] + 1 for base in bases if base in depths), default=0)
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


def _reads_in_step(item: _Fused, operand: _Operand, fused: dict[Node, _Fused]) -> bool:
    """Whether an operand's element is the one that the same loop has just computed."""
    source = fused.get(operand.view.base)
    return (
        source is not None
        and not source.is_sum
        and source.shape == item.shape
        and operand.view.steps == source.out_steps
    )


def _shares_loop(
    item: _Fused, operand: _Operand, fused: dict[Node, _Fused], depths: dict[Node, int]
) -> bool:
    same = depths.get(operand.view.base) == depths[item.node]
    return same and _reads_in_step(item, operand, fused)


def _stored(
    order: Sequence[Node], outputs: Sequence[Node], fused: dict[Node, _Fused],
    depths: dict[Node, int],
) -> set[Node]:  # fmt: skip
    """The fused nodes whose elements are needed outside of their own loop."""
    needed = {view_of(node).base for node in outputs}
    for node in order:
        item = fused.get(node)
        if item is None:
            needed.update(view_of(part).base for part in node.inputs)
        else:
            needed.update(
                operand.view.base
                for operand in item.operands
                if not _shares_loop(item, operand, fused, depths)
            )
    return {node for node in needed if node in fused}


# -- writing one loop -----------------------------------------------------------------------------


def _loop(
    items: Sequence[_Fused], stored: set[Node], fused: dict[Node, _Fused], depths: dict[Node, int]
) -> Loop:
    writer = _Writer()
    stores, sums = [], []
    for item in items:
        arguments = [
            writer.values[operand.view.base]
            if _shares_loop(item, operand, fused, depths)
            else writer.load(operand)
            for operand in item.operands
        ]
        value = writer.node(item.node, arguments)
        access = Access(item.node, item.out_steps)
        if item.is_sum:
            sums.append(Sum(value, access, item.node.params.scale))
        elif item.node in stored:
            stores.append(Store(value, access))
    return Loop(items[0].shape, tuple(writer.body), tuple(stores), tuple(sums))


class _Writer:
    """The body of a loop: equal instructions are one."""

    def __init__(self) -> None:
        self.body: list[Instruction] = []
        self.values: dict[Node, int] = {}
        self._known: dict[Instruction, int] = {}

    def add(self, instruction: Instruction) -> int:
        if instruction not in self._known:
            self._known[instruction] = len(self.body)
            self.body.append(instruction)
        return self._known[instruction]

    def load(self, operand: _Operand) -> int:
        view = operand.view
        number = repeated_scalar(view.base)
        if number is not None and number.value is not None:
            return self.add(Constant(number.value.reshape(()).item(), operand.dtype))
        return self.add(Load(Access(view.base, view.steps, view.offset), operand.dtype))

    def node(self, node: Node, arguments: Sequence[int]) -> int:
        if node.primitive is CONTRACT:
            value = self._product(node, arguments)
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
        is_sum = {label for labels in spec.operands for label in labels} - set(spec.out)
        if spec.scale != 1.0 and not is_sum:
            factor = self.add(Constant(spec.scale, node.dtype))
            total = self.add(Apply("multiply", (total, factor), node.dtype))
        return total
