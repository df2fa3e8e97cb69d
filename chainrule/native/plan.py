"""From a graph to steps: loops that fuse elementwise work with reductions, products, and the rest.

Nodes that are computed element by element over one shape, and the sums of them, become one loop.
A node's *depth* counts how often a value on the way to it had to be complete before it was read
otherwise than element by element: nodes of one shape and one depth never wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from chainrule.graph.node import Node, new_input
from chainrule.graph.walk import topological
from chainrule.native.assemblies import ASSEMBLE, PART, places_of
from chainrule.native.gathers import Gather, gather_of
from chainrule.native.loops import (
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
from chainrule.native.lowering import lowered, whole_operand
from chainrule.native.products import MOST_ROOM, Pack, product_of, with_packing
from chainrule.native.stages import External, Stage, Step, staged
from chainrule.native.target import TILE_VECTORS, host
from chainrule.native.views import View, is_view, row_major, steps_along, view_of
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
"""What loops do with whole numbers: enough to work out positions."""


class Plan(NamedTuple):
    """A program as stages of loops and products, and other steps, in an order in which they run.

    Attributes
    ----------
    inputs, outputs : tuple of Node
        The outputs are those asked for in simpler terms; see :mod:`chainrule.native.lowering`.
    stages : tuple of Stage or External
    arrays : tuple of Node
        The nodes whose elements are stored; all others exist inside a loop only, or are views.
    """

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    stages: tuple[Stage | External, ...]
    arrays: tuple[Node, ...]

    @property
    def steps(self) -> list[Step]:
        """What the stages consist of."""
        found: list[Step] = []
        for stage in self.stages:
            found += [stage] if isinstance(stage, External) else [p.step for p in stage.parts]
        return found

    @property
    def faults(self) -> dict[Node, int]:
        """Where positions outside of an axis are noted, and the axis' size."""
        return {s.fault.array: s.size for s in self.steps if isinstance(s, Gather)}


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
    """Steps of the node's own array along the loop's axes: 0 along those that are reduced."""
    target: Access | None = None
    """Where the values go if they are part of an assembly."""

    @property
    def is_reduction(self) -> bool:
        return 0 in self.out_steps


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
    fused = {n: item for n in order if (item := _fused(n, known, targets)) is not None}
    depths = _depths(order, fused)
    groups: dict[tuple[int, Shape], list[_Fused]] = {}
    for node, item in fused.items():
        groups.setdefault((depths[node], item.shape), []).append(item)
    stored = _stored(order, outputs, fused, depths)
    timed: list[tuple[int, Step]] = [
        (depth, _loop(items, stored, fused, depths)) for (depth, _), items in groups.items()
    ]
    for step in (step for node in order if node not in fused for step in _other(node)):
        timed.append((_depth(step, depths), step))
    steps = [step for _, step in sorted(timed, key=lambda entry: entry[0])]
    made = [step.out.array for step in steps if isinstance(step, Pack)]
    made += [step.fault.array for step in steps if isinstance(step, Gather)]
    arrays = [*(node for node in order if node in stored or node not in fused), *made]
    if own_results:
        outputs, copies = _own(outputs, set(arrays))
        steps += copies
        arrays += [copy.stores[0].access.array for copy in copies]
    return Plan(tuple(inputs), tuple(outputs), tuple(staged(steps, outputs)), tuple(arrays))


def _other(node: Node) -> list[Step]:
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
        writer, target = _Writer(), new_input(node.shape, node.dtype)
        labels = tuple(range(node.ndim))
        value = writer.load(_operand(node, labels, labels))
        store = Store(value, Access(target, row_major(node.shape)))
        copies.append(Loop(node.shape, tuple(writer.body), (store,), ()))
        own.append(target)
    return own, copies


def _depth(step: Step, depths: dict[Node, int]) -> int:
    """When a step that is no loop of fused nodes can run."""
    if isinstance(step, Loop) and not step.reads:
        return -1  # zeros come first
    if isinstance(step, Pack):
        return depths.get(step.source.array, -1) + 1
    return depths[step.node if isinstance(step, External) else step.writes[0].array]


# -- which nodes are part of a loop, and over which shape -----------------------------------------


def _fused(node: Node, known: Collection[str], targets: Mapping[Node, Access]) -> _Fused | None:
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
    found = [_operand(item, axes, each) for item, each in zip(node.inputs, operands, strict=True)]
    steps = steps_along(axes, out, row_major(node.shape))
    target = targets.get(node)
    if target is not None:
        target = target._replace(steps=steps_along(axes, out, target.steps))
    return _Fused(node, tuple(sizes[label] for label in axes), tuple(found), steps, target)


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


def _reads_in_step(item: _Fused, operand: _Operand, fused: dict[Node, _Fused]) -> bool:
    """Whether an operand's element is the one that the same loop has just computed."""
    source = fused.get(operand.view.base)
    return (
        source is not None
        and not source.is_reduction
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


def _loop(
    items: Sequence[_Fused], stored: set[Node], fused: dict[Node, _Fused], depths: dict[Node, int]
) -> Loop:
    writer = _Writer()
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


class _Writer:
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

    def load(self, operand: _Operand) -> int:
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
