"""What a model file says beside its parameters: a record with one place for each thing, checked.

`save` writes what this record holds and `load` reads it by the same checks, so that a file says
nothing that no training could have said.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.arguments import shown
from chainrule.train.activations import ACTIVATIONS, OUTPUTS
from chainrule.train.result import FitResult, History, Outcome

VERSION = 1
DEEPEST = 50
"""Lists and dicts within one another; Python's own recursion ends far beyond."""
OUTCOMES: tuple[Outcome, ...] = ("finished", "interrupted", "diverged")
LARGEST = 2**63 - 1
"""Counts of what fits into a machine."""


class Malformed(ValueError):
    """A description that `save` would not have written; its text says why."""


class OtherVersion(Malformed):
    """A description that another version wrote."""


@dataclass(frozen=True)
class Description:
    """All of a model file but its parameters."""

    sizes: tuple[int, ...]
    activation: str
    output: str
    history: History
    cost: float | None
    validation_cost: float | None
    outcome: Outcome
    stopped: str | None
    epochs: int
    seed: int
    settings: Mapping[str, Any]
    preprocessing: Mapping[str, Any] | None

    def result(self, network: Any, params: Any) -> FitResult:
        """The training that it tells of."""
        return FitResult(
            network=network,
            params=params,
            history=self.history,
            cost=math.nan if self.cost is None else self.cost,
            validation_cost=self.validation_cost,
            outcome=self.outcome,
            stopped=self.stopped,
            epochs=self.epochs,
            seed=self.seed,
            settings=self.settings,
            preprocessing=self.preprocessing,
        )


def parsed(written: str) -> Description:
    """Read a description.

    Raises
    ------
    Malformed
        If it is no JSON, or says anything but what `save` writes.
    """
    try:
        value = json.loads(
            written, object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite_float
        )
    except RecursionError:
        raise Malformed("lists are nested too deeply") from None
    _check_depth(value)
    if isinstance(value, dict) and value.get("version") != VERSION:
        raise OtherVersion(f"version {shown(value.get('version'))}")
    fields = fields_of(value, "the description", PARTS)
    del fields["version"]
    network = fields.pop("network")
    history = History(**fields.pop("history"))
    _check_story(history, fields["epochs"], fields["outcome"], fields["stopped"])
    return Description(**network, history=history, **fields)


# -- kinds of values ------------------------------------------------------------------------------

Check = Callable[[Any, str], Any]


def fields_of(value: Any, where: str, parts: Mapping[str, Check]) -> dict[str, Any]:
    """The parts of a dict that has these and no others, each checked."""
    given = mapping(value, where)
    odd = [f"{name!r} is missing" for name in parts if name not in given]
    odd += [f"{shown(name)} is unknown" for name in given if name not in parts]
    if odd:
        raise Malformed(f"in {where} {odd[0]}")
    return {name: check(given[name], f"{where}'s {name}") for name, check in parts.items()}


def mapping(value: Any, where: str) -> dict[str, Any]:
    """Names with whatever values."""
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise Malformed(f"{where} must be names with values; it is {shown(value)}")
    _check_text(value, where)
    return value


def count(least: int) -> Check:
    """A whole number from so many up."""

    def check(value: Any, where: str) -> int:
        if type(value) is not int or not least <= value <= LARGEST:
            raise Malformed(f"{where} must be a whole number from {least} up; it is {shown(value)}")
        return value

    return check


def _seed(value: Any, where: str) -> int:
    if type(value) is not int or value < 0:  # a seed may have any number of digits
        raise Malformed(f"{where} must be a whole number from 0 up; it is {shown(value)}")
    return value


def number(value: Any, where: str) -> float:
    """A finite number."""
    if type(value) not in (int, float) or not _is_finite(value):
        raise Malformed(f"{where} must be a finite number; it is {shown(value)}")
    return float(value)


def word(*allowed: str) -> Check:
    """One of a few words."""

    def check(value: Any, where: str) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise Malformed(f"{where} must be one of {', '.join(allowed)}; it is {shown(value)}")
        return value

    return check


def text(value: Any, where: str) -> str:
    """Text that can be shown and written."""
    if not isinstance(value, str):
        raise Malformed(f"{where} must be text; it is {shown(value)}")
    _check_text(value, where)
    return value


def or_none(check: Check) -> Check:
    """None, or what passes the check."""
    return lambda value, where: None if value is None else check(value, where)


def every(check: Check) -> Check:
    """A list of what passes the check."""

    def checked(value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)):
            raise Malformed(f"{where} must be a list; it is {shown(value)}")
        return tuple(check(item, f"an entry of {where}") for item in value)

    return checked


def record(parts: Mapping[str, Check]) -> Check:
    """Parts with these names and no others."""
    return lambda value, where: fields_of(value, where, parts)


def _settings(value: Any, where: str) -> dict[str, Any]:
    """Nothing, or what `fit` was asked for."""
    return fields_of(value, where, SETTINGS) if value != {} else {}


def _optimiser(value: Any, where: str) -> dict[str, Any]:
    """A name, and whatever an optimiser calls its own."""
    given = mapping(value, where)
    text(given.get("name"), f"{where}'s name")
    return given


PARTS: dict[str, Check] = {
    "version": count(VERSION),
    "network": record(
        {
            "sizes": every(count(1)),
            "activation": word(*ACTIVATIONS),
            "output": word(*OUTPUTS),
        }
    ),
    "history": record(
        {
            "epoch": every(count(1)),
            "cost": every(number),
            "validation_cost": every(number),
        }
    ),
    "cost": or_none(number),
    "validation_cost": or_none(number),
    "outcome": word(*OUTCOMES),
    "stopped": or_none(text),
    "epochs": count(0),
    "seed": _seed,
    "settings": _settings,
    "preprocessing": or_none(mapping),
}

SETTINGS: dict[str, Check] = {
    "cost": text,
    "reduction": word("mean", "total"),
    "optimiser": _optimiser,
    "epochs": count(1),
    "batch_size": count(1),
}


def _check_story(history: History, epochs: int, outcome: str, stopped: str | None) -> None:
    done = len(history.epoch)
    if history.epoch != tuple(range(1, done + 1)):
        raise Malformed("the history's epochs must be 1, 2, …")
    if len(history.cost) != done or len(history.validation_cost) not in (0, done):
        raise Malformed("the history must have a cost for each epoch")
    if done and epochs != done:
        raise Malformed(f"the history has {done} epochs, and epochs is {epochs}")
    if (outcome == "finished") != (stopped is None):
        raise Malformed("a training that stopped early says why, and no other does")


# -- what JSON lets through -----------------------------------------------------------------------


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A dict, unless a name comes twice: readers of JSON differ in which value they take."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Malformed(f"{shown(twice)} stands there twice")
    return found


def _no_constant(name: str) -> float:
    raise Malformed(f"{name} is no finite number")


def _finite_float(written: str) -> float:
    value = float(written)
    return value if math.isfinite(value) else _no_constant(written[:20])


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise Malformed(f"lists are nested more than {DEEPEST} deep")
        lists = [item for item in level if isinstance(item, (list, tuple))]
        dicts = [item for item in level if isinstance(item, dict)]
        level = [part for item in lists for part in item]
        level += [part for item in dicts for part in item.values()]


def _check_text(value: Any, where: str) -> None:
    """Half a character, as JSON may hold it, cannot be shown or written to a file."""
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            todo += [*item, *item.values()]
        elif isinstance(item, (list, tuple)):
            todo += item
        elif isinstance(item, str):
            try:
                item.encode()
            except UnicodeEncodeError:
                raise Malformed(f"{where} holds half a character") from None


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False
