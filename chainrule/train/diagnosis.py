"""Where a cost that is not finite began: at which step, in which layer, in which operation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from optree import tree_leaves

from chainrule.tracing import Captured, Origin

COUNTED = " (counted from 0)"


class Diverged(Exception):
    """A cost that is NaN or infinite; its text is the sentence that training stops with."""


@dataclass(frozen=True)
class TrainingStep:
    """One step of training.

    Parameters
    ----------
    when : str
        Which one it was.
    program : Captured
    args : tuple
        The arguments of the program, parameters first.
    rows : array of int
        The rows of the table that its examples are.
    table : str
        What the table is called.
    """

    when: str
    program: Captured
    args: tuple[Any, ...]
    rows: Any
    table: str = "X"


def diverged(cost: float, what: str, step: TrainingStep, before: TrainingStep | None) -> Diverged:
    """Say where a cost that is not finite began.

    Parameters
    ----------
    cost : float
        NaN or infinite.
    what : str
        Which cost it is: ``"cost"`` or ``"validation cost"``.
    step : TrainingStep
        The evaluation that gave it.
    before : TrainingStep or None
        The step that made its parameters. If they are not finite already, it began there.
    """
    found = f"the {what} became {_spelled(cost)} in {step.when}"
    begin = before if before is not None and not _finite(step.args[0]) else step
    place = place_of(begin.program.first_nonfinite(*begin.args), begin)
    began = f"it began {place}" if begin is step else f"it began in {begin.when}, {place}"
    return Diverged(
        f"{found}; {began}; the last parameters with a finite cost are kept; "
        "a smaller learning rate or scaled inputs may help"
    )


def place_of(origin: Origin | None, step: TrainingStep) -> str:
    """The layer, the operation, the unit and the row of a first value that is not finite."""
    if origin is None:
        return "in no single operation"
    name = f" ({origin.name})" if origin.name else ""
    where = _unit_and_row(origin, step)
    return f"in {layer_of(origin.name)}{name}, operation {origin.text}{where}"


def _unit_and_row(origin: Origin, step: TrainingStep) -> str:
    """Values of a layer have a row for each example and a column for each unit."""
    rows, shape, place = len(step.rows), origin.shape, origin.place
    parameters = step.args[0]
    if origin.name in parameters and np.shape(parameters[origin.name]) == shape:
        unit, *source = place
        return f", at unit {unit}" + (f", from input {source[0]}" if source else "") + COUNTED
    if shape[:1] != (rows,) or len(shape) > 2:
        return ""
    unit_of = f"unit {place[1]}, " if len(shape) == 2 and shape[1] > 1 else ""
    return f", at {unit_of}row {step.rows[place[0]]} of {step.table}{COUNTED}"


def layer_of(name: str) -> str:
    """The layer that a name of the lecture belongs to: Z2, f2, A1 and b1 are layer 2's."""
    match = re.fullmatch(r"([ZfAb])(\d+)", name)
    if match is None:
        return "the cost"
    letter, number = match[1], int(match[2])
    return f"layer {number if letter in 'Zf' else number + 1}"


def _finite(tree: Any) -> bool:
    return all(bool(np.isfinite(leaf).all()) for leaf in tree_leaves(tree))


def _spelled(cost: float) -> str:
    return "NaN" if np.isnan(cost) else "infinite"
