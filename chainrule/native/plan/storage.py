"""Which arrays of a program take one another's memory, because they are never needed together."""

from __future__ import annotations

from collections.abc import Collection
from math import prod
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.node import Array, Node
from chainrule.native.plan.planning import Plan
from chainrule.native.plan.stages import External, Stage
from chainrule.native.plan.views import view_of
from chainrule.shapes import Shape

LINE = 64
"""Bytes of a cache line."""


class Life(NamedTuple):
    """The first and the last stage that has to do with an array."""

    first: int
    last: int


class Storage(NamedTuple):
    """Memory that arrays share.

    Attributes
    ----------
    holder : dict of Node to Node
        Arrays, and whose memory they take.
    size : dict of Node to int
        Bytes of the memory of those that others share with.
    """

    holder: dict[Node, Node]
    size: dict[Node, int]


def shared_storage(plan: Plan, kept: Collection[Node]) -> Storage:
    """Memory for the arrays that only native stages see.

    Parameters
    ----------
    plan : Plan
    kept : collection of Node
        Arrays that keep memory of their own.
    """
    lives = _lives(plan, set(kept) | _seen_elsewhere(plan))
    holder: dict[Node, Node] = {}
    size: dict[Node, int] = {}
    until: dict[Node, int] = {}  # the last stage of those that have the memory so far
    for node, life in sorted(lives.items(), key=lambda entry: (entry[1], entry[0].serial)):
        need = node.size * node.dtype.itemsize
        free = [item for item, last in until.items() if last < life.first]
        # the smallest that is large enough, or else the largest, which grows
        fitting = [item for item in free if size[item] >= need]
        own = min(fitting, key=size.__getitem__) if fitting else max(
            free, key=size.__getitem__, default=node
        )  # fmt: skip
        if own is not node:
            holder[node] = own
        size[own] = max(size.get(own, 0), need)
        until[own] = life.last
    shared = set(holder.values())
    return Storage(holder, {node: count for node, count in size.items() if node in shared})


def aligned(shape: Shape, dtype: Any) -> Array:
    """Zeros that begin on a cache line, so that no vector of theirs lies on two."""
    bytes_ = prod(shape) * np.dtype(dtype).itemsize
    room = np.zeros(bytes_ + LINE, np.uint8)
    start = -room.__array_interface__["data"][0] % LINE
    whole: Array = room[start : start + bytes_].view(dtype).reshape(shape)
    return whole


def _seen_elsewhere(plan: Plan) -> set[Node]:
    """Arrays that the caller or NumPy gets to see, and what is there before a run."""
    seen = {view_of(node).base for node in plan.outputs} | set(plan.inputs) | set(plan.faults)
    for stage in plan.stages:
        if isinstance(stage, External):
            seen |= {stage.node, *(view_of(item).base for item in stage.node.inputs)}
        else:
            seen |= stage.local
    return seen


def _lives(plan: Plan, kept: set[Node]) -> dict[Node, Life]:
    lives: dict[Node, Life] = {}
    for number, stage in enumerate(plan.stages):
        if not isinstance(stage, Stage):
            continue
        for node in stage.reads | stage.writes:
            if node.value is None and node not in kept:
                first = lives[node].first if node in lives else number
                lives[node] = Life(first, number)
    return lives
