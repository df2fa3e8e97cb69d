"""A function recorded for a derivation: its arguments, its result, and the user's names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.differentiate.problem import Wrt, numeric, require_floating, resolve_wrt
from chainrule.errors import ArgumentError, TracingError
from chainrule.graph.node import Array, Node, new_input
from chainrule.graph.walk import topological
from chainrule.signatures import destinations
from chainrule.tracing.containers import flatten, paths, unflatten
from chainrule.tracing.session import open_arguments, recording
from chainrule.tracing.traced import Traced, as_node, call

OPERATION = "derive"


@dataclass(frozen=True)
class Recorded:
    """A function recorded at a point.

    Attributes
    ----------
    output : Node
        The result.
    wrt : tuple of Node
        The leaves of the arguments to differentiate by.
    inputs : tuple of Node
        All arguments that hold floating-point numbers.
    names : mapping from Node to str
        The user's names for values, each for one value only.
    constants : tuple of (str, ndarray)
        Names that captured arrays may have.
    place : mapping from Node to int
        For each leaf to differentiate by, which of the arguments asked for it belongs to.
    numbers : mapping from float to str
        Names of numbers in the function's code, of those that have one name only.
    """

    output: Node
    wrt: tuple[Node, ...]
    inputs: tuple[Node, ...]
    names: Mapping[Node, str]
    constants: tuple[tuple[str, Array], ...]
    place: Mapping[Node, int]
    numbers: Mapping[float, str]

    def constant_name(self, array: Array) -> str | None:
        """The name under which the function reached a captured array, or a number."""
        if array.ndim == 0:
            return self.numbers.get(float(array))
        for name, known in self.constants:
            if known.shape == array.shape and np.array_equal(known, array):
                return name
        return None


def record(
    f: Callable[..., Any], wrt: Wrt, args: Sequence[Any], kwargs: dict[str, Any]
) -> Recorded:
    """Run ``f`` on stand-ins for its arguments, with the user's names for what it computes.

    Where the function can't take stand-ins for all arrays (``np.array([x[0]])``, an index), only
    the arguments to differentiate by are replaced.
    """
    keys = resolve_wrt(OPERATION, f, wrt, args, kwargs)
    arguments = _Arguments(f, args, kwargs)
    try:
        return arguments.run(f, keys, everything=True)
    except TracingError:
        return arguments.run(f, keys, everything=False)


class _Arguments:
    """The arguments of a call, by position and by keyword."""

    def __init__(
        self, f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> None:
        self.given: dict[int | str, Any] = dict(enumerate(args))
        self.given.update(kwargs)
        names = _argument_names(f, len(args))
        self.names: dict[int | str, str] = {**dict(enumerate(names)), **{k: k for k in kwargs}}

    def run(self, f: Callable[..., Any], keys: Sequence[int | str], everything: bool) -> Recorded:
        """Trace with stand-ins for the arguments in ``keys``, or for all arrays."""
        leaves: dict[int | str, list[Node]] = {}
        labels: dict[Node, tuple[str, str]] = {}
        arrays: list[tuple[str, Array]] = list(_captured_arrays(f))
        with recording(names=True) as session:
            stand_ins = dict(self.given)
            for key, value in self.given.items():
                mine = key in keys
                if not mine and (isinstance(key, str) or not everything):
                    arrays += _named_arrays(self.names[key], value)
                    continue
                items, structure = flatten(value)
                places = paths(structure)
                nodes: list[Any] = []
                for path, item in zip(places, items, strict=True):
                    made = _stand_in(self.names[key] + path, item, mine)
                    nodes.append(made)
                    if isinstance(made, Traced):
                        labels[made.node] = (self.names[key], path)
                        leaves.setdefault(key, []).append(made.node)
                stand_ins[key] = unflatten(structure, nodes)
            inputs = [node for items in leaves.values() for node in items]
            args = [stand_ins[k] for k in stand_ins if isinstance(k, int)]
            with open_arguments(inputs):
                result = call(f, *args, **{k: v for k, v in stand_ins.items() if type(k) is str})
            output = _output(f, result)
            reached = set(topological([output]))
            given = {n: names[-1].text for n, names in session.names.items() if n in reached}
            numbers = session.named_numbers()
        names = _distinct(f, output, _leaf_names(labels), given)
        place = {node: k for k, key in enumerate(keys) for node in leaves.get(key, [])}
        return Recorded(output, tuple(place), tuple(inputs), names, tuple(arrays), place, numbers)


def _stand_in(where: str, value: Any, is_wrt: bool) -> Any:
    """A stand-in for an array of floating-point numbers; anything else stays as it is."""
    floating = isinstance(value, (float, np.floating)) or (
        isinstance(value, np.ndarray) and value.dtype.kind == "f"
    )
    if not is_wrt and not floating:
        return value
    array = numeric(OPERATION, lambda: f"argument {where}", value)
    require_floating(OPERATION, lambda: f"argument {where}", array.dtype)
    return Traced(new_input(array.shape, array.dtype, array.copy()))


def _output(f: Callable[..., Any], result: Any) -> Node:
    results, _ = flatten(result)
    if len(results) != 1:
        raise ArgumentError(
            OPERATION, "the function must return one array or number",
            got=f"{len(results)} results", remedy="derive one result at a time",
        )  # fmt: skip
    (value,) = results
    if not isinstance(value, Traced):
        numeric(OPERATION, lambda: "the result", value)
    return as_node(value)


# -- names ----------------------------------------------------------------------------------------


def _argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """``x``, ``rest1``; or x1 where f does not say: letters with numbers, counted as on paper."""
    return [
        name if place is None else f"{name or 'x'}{place + 1}"
        for name, place in destinations(f, count)
    ]


def _captured_arrays(f: Callable[..., Any]) -> Iterator[tuple[str, Array]]:
    """Arrays that a function reaches through its closure or the names of its module."""
    code = getattr(f, "__code__", None)
    if code is None:
        return
    cells = getattr(f, "__closure__", None) or ()
    for name, cell in zip(code.co_freevars, cells, strict=True):
        try:
            yield from _named_arrays(name, cell.cell_contents)
        except ValueError:  # a variable that has no value yet
            continue
    for name in code.co_names:
        yield from _named_arrays(name, f.__globals__.get(name))


def _named_arrays(name: str, value: Any) -> list[tuple[str, Array]]:
    return [(name, value)] if isinstance(value, np.ndarray) and value.dtype.kind in "fiub" else []


def _leaf_names(labels: Mapping[Node, tuple[str, str]]) -> dict[Node, str]:
    """``A0`` for ``params['A0']`` and for ``layers[0]['A']``, where that tells leaves apart."""
    short = {node: _short(name, path) for node, (name, path) in labels.items()}
    counts = Counter(short.values())
    return {
        node: text if counts[text] == 1 else "".join(labels[node]) for node, text in short.items()
    }


def _short(name: str, path: str) -> str:
    keys = re.findall(r"\['(\w+)'\]|\.(\w+)", path)
    places = "_".join(re.findall(r"\[(\d+)\]", path))
    return ("".join(keys[-1]) if keys else name) + places


def _distinct(
    f: Callable[..., Any], output: Node, leaves: Mapping[Node, str], given: Mapping[Node, str]
) -> dict[Node, str]:
    """One name a value and one value a name: what a loop names again is numbered."""
    names = dict(leaves)
    taken = set(names.values())
    own = {node: text for node, text in given.items() if node not in names}
    if output not in names and output not in own:
        own[output] = _result_name(f, taken | set(own.values()))
    counts = Counter(own.values())
    serial: Counter[str] = Counter()
    everything = taken | set(own.values())
    for node in sorted(own, key=lambda item: item.serial):
        text = own[node]
        if counts[text] > 1 or text in taken:
            text = _numbered(text, serial, everything)
        names[node] = text
    return names


def _numbered(text: str, serial: Counter[str], taken: set[str]) -> str:
    while True:
        serial[text] += 1
        separator = "_" if text[-1:].isdigit() else ""
        name = f"{text}{separator}{serial[text]}"
        if name not in taken:
            taken.add(name)
            return name


def _result_name(f: Callable[..., Any], taken: set[str]) -> str:
    name = getattr(f, "__name__", "f")
    for candidate in (name if name.isidentifier() else "f", "f", "y", "result"):
        if candidate not in taken:
            return candidate
    return "f_"
