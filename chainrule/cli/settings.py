"""How a network is built and trained: the defaults of each task, and what replaces them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

import typer

from chainrule.spelling import closest
from chainrule.tables import Task
from chainrule.train import ACTIVATIONS, OPTIMISERS

CLASSES_ONLY = "cross-entropy"
COSTS = ("squared", CLASSES_ONLY)


@dataclass(frozen=True)
class Settings:
    """What a network is trained with.

    Attributes
    ----------
    layers : tuple of int
        The units of each hidden layer; none make a linear model.
    activation, cost, optimiser : str
    rate : float
        The learning rate, for the mean cost of a batch.
    epochs : int
    batch : int or "all"
        Examples a step.
    """

    layers: tuple[int, ...]
    activation: str
    cost: str
    optimiser: str
    rate: float
    epochs: int
    batch: int | str


# Classes: relu learns the digits best of all functions. Amounts: tanh bounds what reaches the last
# layer, so that the squared cost is stable at this rate however many columns there are.
DEFAULTS = {
    Task.classification: Settings((256,), "relu", "cross-entropy", "gradient-descent", 0.1, 60, 32),
    Task.regression: Settings((64, 32), "tanh", "squared", "gradient-descent", 0.02, 100, 32),
}

# Momentum of 0.9 makes steps up to ten times longer. The steps of the others are about as long as
# the rate, whatever the cost.
RATES = {
    "gradient-descent": {task: settings.rate for task, settings in DEFAULTS.items()},
    "momentum": {Task.classification: 0.01, Task.regression: 0.002},
    "adagrad": dict.fromkeys(Task, 0.01),
    "rmsprop": dict.fromkeys(Task, 0.001),
    "adam": dict.fromkeys(Task, 0.001),
    "adamw": dict.fromkeys(Task, 0.001),
}
"""The rate that each optimiser has unless another is given."""


def settings_for(task: Task, given: dict[str, Any]) -> Settings:
    """The task's defaults with what was given (not None) in their place.

    Raises
    ------
    typer.BadParameter
        If the cost is not for this task.
    """
    given = {name: value for name, value in given.items() if value is not None}
    settings = replace(DEFAULTS[task], **given)
    settings = replace(settings, rate=given.get("rate", RATES[settings.optimiser][task]))
    if task is Task.regression and settings.cost == CLASSES_ONLY:
        raise typer.BadParameter(
            f"{CLASSES_ONLY} compares classes, and this target is learnt as a number; "
            "write --cost squared or --task classification",
            param_hint="'--cost'",
        )
    return settings


def default_of(name: str) -> str:
    """An option's default as its help shows it.

    >>> default_of("epochs")
    '[default: 60; regression: 100]'
    """
    first, second = (_spelled(getattr(DEFAULTS[task], name)) for task in Task)
    return f"[default: {first}; regression: {second}]" if first != second else f"[default: {first}]"


def default_rates() -> str:
    """The rate of each optimiser as the help shows it.

    >>> default_rates()[:52]
    '[default: 0.1 for gradient-descent (regression: 0.02'
    """
    each = []
    for name, rates in RATES.items():
        first, second = (rates[task] for task in Task)
        each.append(f"{first} for {name}" + f" (regression: {second})" * (first != second))
    return f"[default: {', '.join(each)}]"


def layers_from(text: str | None) -> tuple[int, ...] | None:
    """Read ``64,32``, or ``none`` for no hidden layers."""
    if text is None:
        return None
    if text.strip() == "none":
        return ()
    return tuple(_count(part, "--layers", "64,32") for part in text.split(","))


def batch_from(text: str | None) -> int | str | None:
    """Read a number of examples, or ``all``."""
    return text if text in (None, "all") else _count(text, "--batch", "32 or all")


def positive(value: float | None) -> float | None:
    """Refuse a rate that is not a positive, finite number."""
    if value is not None and not (math.isfinite(value) and value > 0):
        raise typer.BadParameter(f"{value} is not a positive, finite number; write 0.1")
    return value


def one_of(names: Collection[str]) -> Callable[[str | None], str | None]:
    """Refuse a name that is not among these."""

    def check(value: str | None) -> str | None:
        if value is None or value in names:
            return value
        match = closest(value, list(names))
        hint = f"did you mean {match}?" if match else f"write one of {', '.join(names)}"
        raise typer.BadParameter(f"there is no {value!r}; {hint}")

    return check


known_activation = one_of(ACTIVATIONS)
known_cost = one_of(COSTS)
known_optimiser = one_of(OPTIMISERS)


def _count(text: str | None, option: str, example: str) -> int:
    try:
        number = int(text or "")
    except ValueError:
        number = 0
    if number < 1:
        raise typer.BadParameter(
            f"{text!r} is not a whole number from 1 up; write {example}",
            param_hint=f"'{option}'",
        )
    return number


def _spelled(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
