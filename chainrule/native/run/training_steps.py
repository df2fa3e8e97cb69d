"""A step that feeds on its own results, planned: which of them take the place of the old state."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any, NamedTuple

from chainrule.graph.node import Node
from chainrule.native.code.functions import EMITTERS
from chainrule.native.plan.loops import Access, Loop, Store
from chainrule.native.plan.planning import Plan, plan
from chainrule.native.plan.stages import External, Stage, in_row
from chainrule.native.run.program import Layout


class Update(NamedTuple):
    """A program ``state, tables -> cost, state``: its input and its output nodes."""

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]


class Batches(NamedTuple):
    """How the rows of the tables become batches."""

    rows: int
    size: int

    @property
    def full(self) -> int:
        """Batches of the full size in an epoch."""
        return self.rows // self.size

    @property
    def short(self) -> int:
        """Rows of the last batch, if it is smaller."""
        return self.rows % self.size

    @property
    def per_epoch(self) -> int:
        return ceil(self.rows / self.size)


class Made(NamedTuple):
    """A step that has been planned."""

    step: Update
    plan: Plan
    layout: Layout
    copied: list[tuple[Node, Node]]
    """Results, and the state whose place they take afterwards."""

    @property
    def stages(self) -> list[Stage]:
        return [stage for stage in self.plan.stages if isinstance(stage, Stage)]


class NotNative(Exception):
    """A part of a step that native code does not know; the text says which."""


def planned(step: Update, tables: int) -> Made:
    made = plan(step.inputs, step.outputs, EMITTERS.keys(), own_results=True)
    foreign = {stage.node.primitive.name for stage in made.stages if isinstance(stage, External)}
    kinds = {node.dtype.name for node in (*step.inputs, *made.outputs)} - {"float32", "float64"}
    if foreign or kinds:
        raise NotNative(f"{', '.join(sorted(foreign | kinds))} is left to NumPy")
    state = step.inputs[: len(step.inputs) - tables]
    pairs = list(zip(made.outputs[1:], state, strict=True))
    replaced = {new: old for new, old in pairs if _can_replace(made, new, old)}
    copied = [(new, old) for new, old in pairs if new not in replaced and new.size]
    return Made(step, made, Layout(made, replaced), copied)


def _can_replace(made: Plan, new: Node, old: Node) -> bool:
    """Whether nobody reads the old values after a new one has taken their place."""
    stages = [stage for stage in made.stages if isinstance(stage, Stage)]
    for number, stage in enumerate(stages):
        for place, part in enumerate(stage.parts):
            store = _store_of(part.step, new)
            if store is None:
                continue
            later = [p.step for s in stages[number + 1 :] for p in s.parts]
            later += [p.step for p in stage.parts[place + 1 :]]
            earlier = [p.step for p in stage.parts[:place]] if stage.blocks > 1 else []
            here = [access for access in part.step.reads if access.array is old]
            before = [
                (access, step.shape)
                for step in earlier
                for access in step.reads
                if access.array is old
            ]
            if before:
                before.append((store, part.step.shape))
            return (
                not any(access.array is old for step in later for access in step.reads)
                and all((a.steps, a.offset) == (store.steps, store.offset) for a in here)
                and all(in_row(access, shape, shape[0]) for access, shape in before)
            )
    return False


def _store_of(step: Any, node: Node) -> Access | None:
    stores: Sequence[Store] = step.stores if isinstance(step, Loop) else ()
    return next((item.access for item in stores if item.access.array is node), None)
