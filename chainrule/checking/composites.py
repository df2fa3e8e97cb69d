"""Softmax and its logarithm written out by hand, read as what they are.

A gradient by hand is that of softmax, however the function is written: so a slip in it is one in
the program with softmax in the place of ``e / e.sum(axis=1, keepdims=True)``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from chainrule.checking.backward import BackwardPass
from chainrule.checking.naming import Words
from chainrule.checking.slips import Maker, Slip, Workshop
from chainrule.checking.variants import variant_slips
from chainrule.checking.weights import assumed_sums
from chainrule.graph.node import Node, make, scalar_value
from chainrule.graph.walk import topological
from chainrule.primitives.arithmetic import divide, reciprocal, subtract
from chainrule.primitives.contraction import CONTRACT, contract, repeated_scalar
from chainrule.primitives.elementwise import apply
from chainrule.primitives.reductions import logsumexp, softmax
from chainrule.primitives.transcendental import exp, log
from chainrule.shapes import Labels

MAKERS: tuple[Maker, ...] = (variant_slips, assumed_sums)
"""Slips that are looked for there."""


def composite_slips(shop: Workshop) -> Iterator[Slip]:
    """Slips in the program with softmax where it is written out, if it is anywhere."""
    backward = shop.backward
    became = as_softmax(backward.output)
    output = became[backward.output]
    if output is backward.output:
        return
    names = {became.get(node, node): name for node, name in shop.words.names.items()}
    again = BackwardPass(output, backward.leaf, backward.seed, backward.effort)
    other = Workshop(again, Words(names))
    for maker in MAKERS:
        for slip in maker(other):
            yield replace(slip, made=slip.result(again), changes={}, symmetry=None, family=None)


def as_softmax(output: Node) -> dict[Node, Node]:
    """What each node of a program becomes when quotients by sums of exponentials are softmax."""
    became: dict[Node, Node] = {}
    for node in topological([output]):
        inputs = tuple(became[item] for item in node.inputs)
        same = all(a is b for a, b in zip(inputs, node.inputs, strict=True))
        plain = node if same else make(node.primitive, inputs, node.params)
        became[node] = _read(plain) or plain
    return became


def _read(node: Node) -> Node | None:
    if node.primitive is divide:
        value, over = node.inputs
        return _quotient(value, _moved(over))
    if node.primitive is log:
        return _logarithm(node.inputs[0])
    spec = node.params
    if node.primitive is CONTRACT and len(node.inputs) == 2 and spec.scale == 1.0:
        pairs = list(zip(node.inputs, spec.operands, strict=True))
        for (value, mine), (over, own) in (pairs, pairs[::-1]):
            below = _inverted(over)
            if mine == spec.out and below is not None and value.shape == node.shape:
                places = [own.index(label) if label in own else None for label in spec.out]
                of, axes = _moved(below)
                spread = tuple(None if place is None else axes[place] for place in places)
                return _quotient(value, Moved(of, spread))
    return None


def _inverted(node: Node) -> Node | None:
    """What a node is one over."""
    if node.primitive is reciprocal:
        return node.inputs[0]
    if node.primitive is divide and scalar_value(repeated_scalar(node.inputs[0]) or node) == 1.0:
        return node.inputs[1]
    return None


class Moved(NamedTuple):
    """A node that is another one with its axes moved, created and dropped: which axis is where."""

    of: Node
    axes: tuple[int | None, ...]


def _moved(node: Node) -> Moved:
    spec = node.params
    if node.primitive is CONTRACT and len(node.inputs) == 1 and spec.scale == 1.0:
        (labels,) = spec.operands
        kept = [label for label, size in zip(labels, node.inputs[0].shape, strict=True) if size > 1]
        if set(kept) <= set(spec.out) and len(set(spec.out)) == len(spec.out):
            axes = tuple(labels.index(n) if n in labels else None for n in spec.out)
            return Moved(node.inputs[0], axes)
    return Moved(node, tuple(range(node.ndim)))


class Sums(NamedTuple):
    """Sums of exponentials along one axis, whose label is left out."""

    node: Node
    exponent: Node
    axis: int
    labels: Labels


def _sums(node: Node) -> Sums | None:
    spec = node.params
    if node.primitive is not CONTRACT or len(node.inputs) != 1 or spec.scale != 1.0:
        return None
    (value,), (labels,) = node.inputs, spec.operands
    gone = [axis for axis, label in enumerate(labels) if label not in spec.out]
    is_plain = len(set(labels)) == len(labels) and len(gone) == 1
    if value.primitive is not exp or not is_plain:
        return None
    return Sums(node, value.inputs[0], gone[0], labels)


def _quotient(value: Node, spread: Moved) -> Node | None:
    """``e / e.sum(axis)``, in whatever layout."""
    base, sums = _moved(value), _sums(spread.of)
    if sums is None or base.of is not sums.node.inputs[0]:
        return None
    out = sums.node.params.out
    seen = [None if axis is None else sums.labels.index(out[axis]) for axis in spread.axes]
    wanted = [None if axis == sums.axis else axis for axis in base.axes]
    if seen != wanted:
        return None
    less = _without_offset(sums)
    found = softmax(sums.exponent if less is None else less.value, sums.axis)
    return found if base.of is value else make(CONTRACT, (found,), value.params)


def _logarithm(node: Node) -> Node | None:
    """``log(e.sum(axis))``, in whatever layout."""
    spread = _moved(node)
    sums = _sums(spread.of) or _sums(node)
    if sums is None:
        return None
    less = _without_offset(sums)
    value = sums.exponent if less is None else less.value
    kept = tuple(label for k, label in enumerate(sums.labels) if k != sums.axis)
    found = _laid_out(logsumexp(value, sums.axis), kept, sums)
    if less is not None:
        found = apply(subtract, found, _laid_out(less.offset, less.labels, sums))
    return found if sums.node is node else make(CONTRACT, (found,), node.params)


def _laid_out(node: Node, labels: Labels, sums: Sums) -> Node:
    """A node in the layout of the sums."""
    return contract([node], [labels], sums.node.params.out, sums.node.shape, dtype=sums.node.dtype)


class Less(NamedTuple):
    """An exponent written as z − c, where c is the same along the axis: log Σ eᶻ is more by c."""

    value: Node
    offset: Node
    labels: Labels


def _without_offset(sums: Sums) -> Less | None:
    if sums.exponent.primitive is not subtract:
        return None
    value, other = sums.exponent.inputs
    spread = _moved(other)
    if spread.of is other or spread.axes[sums.axis] is not None:
        return None
    fresh = max(sums.labels) + max(sums.node.params.out, default=0) + 1
    labels = [fresh + axis for axis in range(spread.of.ndim)]
    for axis, source in enumerate(spread.axes):
        if source is not None:
            labels[source] = sums.labels[axis]
    return Less(value, spread.of, tuple(labels))
