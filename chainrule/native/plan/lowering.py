"""A graph in the terms that native code is written for, with the same values.

A product of several operands becomes pairs, what only one operand has is summed beforehand, the
softmax family becomes exponentials, sums and a maximum, and what is put side by side, by
concatenation or as a sum of values among zeros, is assembled where its parts are computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from chainrule.graph.node import Node, Primitive, make
from chainrule.graph.walk import topological
from chainrule.native.plan.assemblies import ASSEMBLE, are_apart, assembled, parts_of
from chainrule.primitives.arithmetic import add, sqrt, where
from chainrule.primitives.contraction import (
    CONTRACT,
    broadcast_to,
    contract,
    full,
    insert_axes,
    relabel,
)
from chainrule.primitives.elementwise import apply
from chainrule.primitives.expression import UFUNCS
from chainrule.primitives.identities import cast
from chainrule.primitives.norms import DIRECTION, LENGTH, NORM, Axes, scales, squares
from chainrule.primitives.products import Spec, pairwise_path
from chainrule.primitives.reductions import LOG_SOFTMAX, LOGSUMEXP, MAX, SHARES, SOFTMAX, extremum
from chainrule.primitives.selections import CONCATENATE, PLACE, Range, whole
from chainrule.shapes import Labels


def lowered(inputs: Sequence[Node], outputs: Sequence[Node]) -> list[Node]:
    """The outputs, computed from the same inputs by nodes that native code knows."""
    given = set(inputs)
    done: dict[Node, Node] = {}
    for node in topological(outputs, stop=lambda n: n in given or n.value is not None):
        if node in given or node.value is not None or not node.inputs:
            done[node] = node
            continue
        operands = [done[item] for item in node.inputs]
        rule = _RULES.get(node.primitive)
        new = None if rule is None or node.dtype.kind != "f" else rule(node, operands)
        done[node] = new or make(node.primitive, tuple(operands), node.params)
    return [done[node] for node in outputs]


def whole_operand(spec: Spec) -> Labels | None:
    """The axes of a loop that computes a product; None where it is rather a matrix product.

    Nothing is summed, or one operand has every index, so that each of its elements is read once.
    Axes of a single element don't count.
    """
    wide = {label for label, size in enumerate(spec.sizes) if size != 1}
    everything = {label for labels in spec.operands for label in labels} & wide
    out = tuple(label for label in spec.out if label in wide)
    if everything <= set(out):
        return out
    for labels in spec.operands:
        axes = tuple(label for label in labels if label in wide)
        if everything | set(out) == set(axes) and len(set(axes)) == len(axes):
            return axes
    return None


# -- products -------------------------------------------------------------------------------------


def _product(node: Node, operands: Sequence[Node]) -> Node | None:
    if any(is_unit(item) for item in operands):
        without = _without_units(node, operands)
        if without is not node:
            return _lowered_product(without)
    spec: Spec = node.params
    embeds = len(set(spec.out)) < len(spec.out)
    if embeds or len(operands) < 2 or whole_operand(spec) is not None:
        return None
    nodes = [cast(item, spec.dtype) for item in operands]
    stack = [_without_private(spec, k, item) for k, item in enumerate(nodes)]
    present = tuple(n for n in spec.out if any(n in labels for _, labels in stack))
    reduced = spec._replace(operands=tuple(labels for _, labels in stack), out=present)
    path = pairwise_path(reduced)
    for number, chosen in enumerate(path):
        taken = [stack[k] for k in sorted(chosen)]
        stack = [item for k, item in enumerate(stack) if k not in chosen]
        is_last = number == len(path) - 1
        while len(taken) > 1:
            first, second, *rest = taken
            needed = set(present).union(*(labels for _, labels in [*rest, *stack]))
            ends = is_last and not rest
            keep = present if ends else _order([*first[1], *second[1]], needed, present)
            scale = spec.scale if ends else 1.0
            taken = [(_pair(spec, first, second, keep, scale), keep), *rest]
        stack.append(taken[0])
    ((result, labels),) = stack
    return result if labels == spec.out else relabel(result, labels, spec.out, node.shape)


def _lowered_product(node: Node) -> Node:
    if node.primitive is not CONTRACT:
        return node
    return _product(node, node.inputs) or node


def is_unit(node: Node) -> bool:
    """Whether a node is a unit matrix, up to a factor: where a derivative begins.

    A diagonal of a user's is multiplied in full: its zeros times infinities are NaN, as in NumPy.
    """
    if node.primitive is not CONTRACT or len(node.inputs) != 1 or node.ndim != 2:
        return False
    return node.inputs[0].ndim == 0 and node.params.out[0] == node.params.out[1]


def _without_units(node: Node, operands: Sequence[Node]) -> Node:
    """A product with unit matrices, whose two indices are one: no sum is left of them."""
    spec: Spec = node.params
    nodes, lists, out = list(operands), list(spec.operands), spec.out
    scale = spec.scale
    for k, item in enumerate(operands):
        if not is_unit(item):
            continue
        row, column = lists[k]
        keeps = column if row not in out else row
        drops = row if keeps == column else column
        if drops in out or row == column:
            continue
        lists = [tuple(keeps if label == drops else label for label in each) for each in lists]
        inner = item.params
        nodes[k], lists[k] = item.inputs[0], (keeps,) * len(inner.operands[0])
        scale *= inner.scale
    if nodes == list(operands):
        return node
    return contract(
        nodes, lists, out, node.shape, scale=scale, dtype=spec.dtype, strong=spec.strong
    )


def _without_private(spec: Spec, position: int, node: Node) -> tuple[Node, Labels]:
    """An operand, summed over the labels that nothing else has, and with its diagonals taken."""
    mine = spec.operands[position]
    others = set(spec.out).union(
        *(labels for k, labels in enumerate(spec.operands) if k != position)
    )
    keep = tuple(label for label in dict.fromkeys(mine) if label in others)
    if keep == mine:
        return node, mine
    return relabel(node, mine, keep, _sizes(spec, keep)), keep


def _order(labels: Sequence[int], needed: set[int], out: Labels) -> Labels:
    """The labels that are needed later, those of the output first and in its order."""
    rank = {label: k for k, label in enumerate(out)}
    kept = [label for label in dict.fromkeys(labels) if label in needed]
    return tuple(sorted(kept, key=lambda label: rank.get(label, len(out))))


def _pair(
    spec: Spec, first: tuple[Node, Labels], second: tuple[Node, Labels], keep: Labels, scale: float
) -> Node:
    nodes, labels = [first[0], second[0]], [first[1], second[1]]
    shape = _sizes(spec, keep)
    return contract(nodes, labels, keep, shape, scale=scale, dtype=spec.dtype, strong=spec.strong)


def _sizes(spec: Spec, labels: Labels) -> tuple[int, ...]:
    return tuple(spec.sizes[label] for label in labels)


# -- values side by side --------------------------------------------------------------------------


def _place(node: Node, operands: Sequence[Node]) -> Node | None:
    return assembled([(operands[0], node.params.ranges)], node.params.shape)


def _concatenate(node: Node, operands: Sequence[Node]) -> Node | None:
    if any(item.dtype != node.dtype for item in operands):
        return None
    axis, start, parts = node.params, 0, []
    for item in operands:
        ranges = [whole(size) for size in item.shape]
        ranges[axis] = Range(start, 1, item.shape[axis])
        parts.append((item, tuple(ranges)))
        start += item.shape[axis]
    return assembled(parts, node.shape)


def _sum_of_two(node: Node, operands: Sequence[Node]) -> Node | None:
    """Two assemblies whose parts do not overlap, or cover each other, are one."""
    if any(item.primitive is not ASSEMBLE for item in operands):
        return None
    first, second = ([*parts_of(item)] for item in operands)
    for item, ranges in second:
        same = [k for k, (_, other) in enumerate(first) if other == ranges]
        if same:
            known, _ = first[same[0]]
            first[same[0]] = (UFUNCS[np.add](known, item), ranges)
        elif all(are_apart(ranges, other) for _, other in first):
            first.append((item, ranges))
        else:
            return None
    return assembled(first, node.shape)


# -- softmax and its relatives --------------------------------------------------------------------


def _shifted(node: Node, axis: int) -> tuple[Node, Node]:
    """The values less the largest along an axis, which is repeated along it; infinite ones stay."""
    top = extremum(MAX, node, (axis,))
    zero = full(top.shape, 0.0, top.dtype)
    top = where(UFUNCS[np.isfinite](top), top, zero)
    whole = _repeated(top, (axis,), node.shape)
    return UFUNCS[np.subtract](node, whole), top


def _repeated(node: Node, axes: Sequence[int], shape: tuple[int, ...]) -> Node:
    """What was reduced over axes, along them again."""
    return broadcast_to(insert_axes(node, axes), shape)


def _sum(node: Node, axis: int) -> Node:
    labels = tuple(range(node.ndim))
    out = tuple(label for label in labels if label != axis)
    return relabel(node, labels, out, tuple(node.shape[label] for label in out))


def _softmax(node: Node, operands: Sequence[Node]) -> Node:
    return _over_their_sum(_shifted(operands[0], node.params)[0], node.params)


def _shares(node: Node, operands: Sequence[Node]) -> Node:
    (a,) = operands
    top = _repeated(extremum(MAX, a, (node.params,)), (node.params,), a.shape)
    zero = full(a.shape, 0.0, a.dtype)
    below = where(UFUNCS[np.equal](a, top), zero, UFUNCS[np.subtract](a, top))
    return _over_their_sum(below, node.params)


def _over_their_sum(exponents: Node, axis: int) -> Node:
    e = UFUNCS[np.exp](exponents)
    return UFUNCS[np.divide](e, _repeated(_sum(e, axis), (axis,), e.shape))


def _log_softmax(node: Node, operands: Sequence[Node]) -> Node:
    shifted, _ = _shifted(operands[0], node.params)
    total = UFUNCS[np.log](_sum(UFUNCS[np.exp](shifted), node.params))
    return UFUNCS[np.subtract](shifted, _repeated(total, (node.params,), shifted.shape))


def _logsumexp(node: Node, operands: Sequence[Node]) -> Node:
    shifted, top = _shifted(operands[0], node.params)
    return UFUNCS[np.add](UFUNCS[np.log](_sum(UFUNCS[np.exp](shifted), node.params)), top)


# -- lengths --------------------------------------------------------------------------------------


def _norm(node: Node, operands: Sequence[Node]) -> Node:
    return apply(sqrt, squares(operands[0], node.params))


def _length(node: Node, operands: Sequence[Node]) -> Node:
    length, powers = _scaled_length(operands[0], node.params)
    return UFUNCS[np.divide](length, powers)


def _direction(node: Node, operands: Sequence[Node]) -> Node:
    (a,), axes = operands, node.params
    length, powers = _scaled_length(a, axes)
    zero, one = (full(length.shape, value, a.dtype) for value in (0.0, 1.0))
    length = where(UFUNCS[np.equal](length, zero), one, length)
    return UFUNCS[np.divide](
        UFUNCS[np.multiply](a, _repeated(powers, axes, a.shape)), _repeated(length, axes, a.shape)
    )


def _scaled_length(a: Node, axes: Axes) -> tuple[Node, Node]:
    """Lengths times powers of two, and these: three sums in one loop, of which one is taken."""
    scale = scales(a.dtype)
    low, high, up, down, one = (full((), value, a.dtype) for value in (*scale, 1.0))
    total = squares(a, axes)

    def chosen(short: Node, middle: Node, long: Node) -> Node:
        short, middle, long = (broadcast_to(item, total.shape) for item in (short, middle, long))
        is_short, is_long = UFUNCS[np.less](total, low), UFUNCS[np.greater](total, high)
        return apply(where, is_short, short, apply(where, is_long, long, middle))

    shorter, longer = (
        squares(UFUNCS[np.multiply](a, broadcast_to(power, a.shape)), axes) for power in (up, down)
    )
    return sqrt(chosen(shorter, total, longer)), chosen(up, one, down)


_RULES: dict[Primitive, Callable[[Node, Sequence[Node]], Node | None]] = {
    CONTRACT: _product,
    SOFTMAX: _softmax,
    SHARES: _shares,
    LOG_SOFTMAX: _log_softmax,
    LOGSUMEXP: _logsumexp,
    NORM: _norm,
    LENGTH: _length,
    DIRECTION: _direction,
    PLACE: _place,
    CONCATENATE: _concatenate,
    add: _sum_of_two,
}
