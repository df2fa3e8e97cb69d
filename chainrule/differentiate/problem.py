"""A function traced at a point: what every transformation starts from, and how results come out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np

from chainrule.arguments import name_of, real_array, require_function, shown
from chainrule.errors import ArgumentError, ArgumentTypeError, DtypeError
from chainrule.graph.node import Array, Node
from chainrule.graph.pickling import Table, packed, unpacked
from chainrule.graph.walk import substitute, topological
from chainrule.interpret.run import owned, value_at_hand
from chainrule.primitives.expression import Expression
from chainrule.signatures import parameter_names
from chainrule.tracing.arguments import argument, capture, native, second_name
from chainrule.tracing.containers import Structure, flatten, paths, skeleton, unflatten
from chainrule.tracing.layouts import forget_order
from chainrule.tracing.results import derived, values_of
from chainrule.tracing.session import carry_names, current, is_open, open_arguments
from chainrule.tracing.traced import Traced, as_node, call, stand_in

Wrt = int | str | tuple[int | str, ...] | list[int | str]
Key = int | str

FLOATING = (np.dtype(np.float64), np.dtype(np.float32))


class Argument(NamedTuple):
    """One argument that is differentiated by: its leaves as nodes, and how it is put together."""

    structure: Structure
    leaves: tuple[Node, ...]


class Problem(NamedTuple):
    """A function recorded at a point.

    Attributes
    ----------
    arguments : tuple of Argument
        What is differentiated by, in the order of ``wrt``.
    outputs, output_structure
        The results, as nodes.
    originals : dict
        For each leaf that stands for an outer traced value, that value's node.
    """

    operation: str
    arguments: tuple[Argument, ...]
    outputs: tuple[Node, ...]
    output_structure: Structure
    originals: dict[Node, Node]

    def __reduce__(self) -> Any:
        """Nodes as one table, containers with numbers for their leaves."""
        given = [(len(item.leaves), skeleton(item.structure)) for item in self.arguments]
        table = packed([*self.leaves, *self.outputs])
        return _again, (self.operation, table, given, skeleton(self.output_structure))

    @property
    def leaves(self) -> list[Node]:
        return [leaf for given in self.arguments for leaf in given.leaves]

    def results(self, nodes: Sequence[Node], traced: bool = False) -> list[Any]:
        """Nodes as the caller wants them: arrays, or traced values inside another trace."""
        return finished(nodes, self.leaves, self.originals, traced)

    def rebuilt(self, values: Sequence[Any]) -> list[Any]:
        """One container an argument, from one value a leaf."""
        result, start = [], 0
        for given in self.arguments:
            stop = start + len(given.leaves)
            result.append(unflatten(given.structure, values[start:stop]))
            start = stop
        return result


def _again(operation: str, table: Table, given: Sequence[tuple[int, Any]], results: Any) -> Problem:
    nodes = iter(unpacked(table))
    arguments = tuple(
        Argument(flatten(container)[1], tuple(islice(nodes, count))) for count, container in given
    )
    return Problem(operation, arguments, tuple(nodes), flatten(results)[1], {})


def is_inside(nodes: Sequence[Node], originals: Mapping[Node, Node]) -> bool:
    """Whether an outer trace is under way that the nodes depend on."""
    session = current()
    if session is not None and session.lane is not None and not session.opened:
        return False  # all arguments that there are belong to this call
    if originals or any(is_open(node.witness or node) for node in nodes):
        return True
    return any(is_open(node) for node in topological(nodes))


def finished(
    nodes: Sequence[Node], own: Sequence[Node], originals: dict[Node, Node], traced: bool = False
) -> list[Any]:
    """Arrays where everything is known; traced values where an outer trace is under way.

    ``own`` are the arguments that this call made: to an outer trace they are constants, and the
    aliases among them are what they stand for.
    """
    if not traced and not is_inside(nodes, originals):
        return owned(nodes, values_of(nodes))
    values = {node: value_at_hand(node) for node in own}
    constants = {node: capture(value) for node, value in values.items() if value is not None}
    became = constants | originals
    key = ("replaced", *nodes, None, *chain.from_iterable(became.items()))
    return [Traced(node) for node in derived(key, lambda: _replaced(nodes, became))]


def _replaced(nodes: Sequence[Node], became: dict[Node, Node]) -> list[Node]:
    """The nodes with others in them."""
    replaced = substitute(nodes, became)
    carry_names(replaced)
    return [replaced[node] for node in nodes]


def record(
    operation: str, f: Callable[..., Any], wrt: Wrt, args: Sequence[Any], kwargs: dict[str, Any],
    elsewhere: bool = False,
) -> Problem:  # fmt: skip
    """Run ``f`` on stand-ins for the arguments named by ``wrt`` and record what it does.

    Arrays are copied: the caller, or f itself, may change them before the record is used.
    ``elsewhere`` if the record is for other points too, which may hold infinities and NaN.
    """
    require_function(operation, f)
    keys = resolve_wrt(operation, f, wrt, args, kwargs)
    originals: dict[Node, Node] = {}
    arguments: dict[Key, Argument] = {}
    positional, keywords = list(args), dict(kwargs)
    for key in keys:
        value = positional[key] if isinstance(key, int) else keywords[key]
        arguments[key], stand_in = _argument(operation, f, key, value, originals)
        for leaf in arguments[key].leaves if elsewhere else ():
            leaf.finite = False
        if isinstance(key, int):
            positional[key] = stand_in
        else:
            keywords[key] = stand_in
    leaves = [leaf for given in arguments.values() for leaf in given.leaves]
    with open_arguments(leaves):
        outputs, structure = flatten(call(f, *positional, **keywords))
    if not outputs:
        raise ArgumentError(
            operation, f"{name_of(f)} returned nothing to differentiate", got="None",
            remedy="end the function with return",
        )  # fmt: skip
    return Problem(
        operation,
        tuple(arguments[key] for key in keys),
        tuple(_output_node(operation, f, item) for item in outputs),
        structure,
        originals,
    )


def _argument(
    operation: str, f: Callable[..., Any], key: Key, value: Any, originals: dict[Node, Node],
) -> tuple[Argument, Any]:  # fmt: skip
    """An argument's leaves as fresh nodes, and its stand-in made of traced values."""
    leaves, structure = flatten(value)

    def where(place: int) -> str:  # for errors alone: it looks at the whole container
        return f"argument {_parameter_name(f, key)}{paths(structure)[place]}"

    nodes = tuple(
        [
            _leaf(operation, partial(where, place), leaf, originals)
            for place, leaf in enumerate(leaves)
        ]
    )
    stand_ins = [stand_in(node, leaf) for node, leaf in zip(nodes, leaves, strict=True)]
    return Argument(structure, nodes), unflatten(structure, stand_ins)


def _leaf(
    operation: str, where: Callable[[], str], value: Any, originals: dict[Node, Node]
) -> Node:
    """A node that only this call differentiates by."""
    if isinstance(value, Expression):
        node = value.node
        if node.dtype not in FLOATING:
            require_floating(operation, where, node.dtype)
        alias = second_name(node)
        originals[alias] = node
        return alias
    if type(value) is np.ndarray and value.dtype in FLOATING:
        forget_order(value)
        return argument(value.copy())
    array = numeric(operation, where, value)
    require_floating(operation, where, array.dtype)
    forget_order(array)
    return argument(array.copy())


def numeric(operation: str, where: Callable[[], str], value: Any) -> Array:
    """An argument as an array of numbers in the machine's order of bytes.

    ``where`` says which one it is, and is asked only where that has to be told.
    """
    return native(real_array(operation, where, value))


def require_floating(operation: str, where: Callable[[], str], dtype: np.dtype[Any]) -> None:
    """Integers and booleans have no derivative: refuse them with a sentence."""
    if dtype.kind == "f" and dtype.itemsize not in (4, 8):
        raise DtypeError(
            operation, f"{where()} has a floating-point type that is not supported",
            got=f"dtype {dtype}", remedy="convert it to float32 or float64",
        )  # fmt: skip
    if dtype.kind != "f":
        raise DtypeError(
            operation,
            f"{where()} holds {'booleans' if dtype.kind == 'b' else 'integers'}, which have no "
            "derivative",
            got=f"dtype {dtype}",
            remedy="pass floating-point numbers, for instance x.astype(float) or 3.0 instead of 3",
        )


def _output_node(operation: str, f: Callable[..., Any], value: Any) -> Node:
    if value is None or isinstance(value, str):
        raise ArgumentError(
            operation, f"{name_of(f)} must return numbers", got=repr(value),
            remedy="return arrays, numbers or containers of them",
        )  # fmt: skip
    if not isinstance(value, Expression):
        numeric(operation, lambda: f"the result of {name_of(f)}", value)
    return as_node(value)


# -- which arguments ------------------------------------------------------------------------------


def check_wrt(operation: str, wrt: Any) -> None:
    """Raise an `ArgumentError` unless it is a position, a name, or a tuple of them."""
    items = wrt if isinstance(wrt, (tuple, list)) else (wrt,)
    if not items:
        raise ArgumentError(operation, "wrt names no argument", got=repr(wrt), remedy="write wrt=0")
    for item in items:
        if isinstance(item, bool) or not isinstance(item, (int, np.integer, str)):
            raise ArgumentTypeError(
                operation, "wrt must be a position, a name, or a tuple of them", got=shown(item)
            )


def resolve_wrt(
    operation: str, f: Callable[..., Any], wrt: Wrt, args: Sequence[Any], kwargs: dict[str, Any]
) -> list[Key]:
    """The arguments that ``wrt`` names, as positions or as names of keyword arguments."""
    check_wrt(operation, wrt)
    items = list(wrt) if isinstance(wrt, (tuple, list)) else [wrt]
    keys = [_resolve_one(operation, f, item, args, kwargs) for item in items]
    if len(set(keys)) < len(keys):
        raise ArgumentError(operation, "wrt names an argument twice", got=repr(wrt))
    return keys


def _resolve_one(
    operation: str, f: Callable[..., Any], item: Key, args: Sequence[Any], kwargs: dict[str, Any]
) -> Key:
    if not isinstance(item, str):
        if -len(args) <= item < len(args):
            return int(item) % len(args)
        raise ArgumentError(
            operation, f"wrt={item} names no argument of {name_of(f)}",
            got=f"{len(args)} positional argument{'' if len(args) == 1 else 's'}",
        )  # fmt: skip
    if item in kwargs:
        return item
    names = parameter_names(f)
    if item in names and names.index(item) < len(args):
        return names.index(item)
    raise ArgumentError(
        operation, f"wrt={shown(item)} names no argument that was given to {name_of(f)}",
        got=f"parameters {', '.join(names) or '(unknown)'}",
    )  # fmt: skip


def _parameter_name(f: Callable[..., Any], key: Key) -> str:
    names = parameter_names(f)
    if isinstance(key, int):
        return f"{key} ({names[key]})" if key < len(names) else str(key)
    return key
