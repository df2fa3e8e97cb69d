"""Running a graph with NumPy: the reference for every other way of running it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.node import CONSTANT, INPUT, Array, Node
from chainrule.graph.walk import last_uses, topological
from chainrule.interpret.blocks import Application, Blocks, runs

HELD: ContextVar[dict[Node, Array] | None] = ContextVar("chainrule_values", default=None)
"""Values, for the call under way alone, of nodes that later calls use again; None for no such call.

They are kept here and not on the nodes, which may have another value in the next call.
"""


def value_at_hand(node: Node) -> Array | None:
    """The node's value where it is known without computing anything."""
    held = HELD.get()
    value = None if held is None else held.get(node)
    return node.value if value is None else value


def has_value(node: Node) -> bool:
    """Whether the node's value is at hand."""
    return value_at_hand(node) is not None


def missing_inputs(nodes: Sequence[Node]) -> list[Node]:
    """The arguments that would have to be known to compute the nodes' values."""
    order = topological(nodes, stop=has_value)
    return [node for node in order if not node.inputs and not has_value(node)]


def evaluate(outputs: Sequence[Node]) -> list[Array]:
    """The values of nodes all of whose arguments are at hand.

    Values already at hand are used, never recomputed; intermediate arrays are freed at their last
    use. Floating-point warnings are silent: infinities and NaN come out in the values.
    """
    order = topological(outputs, stop=has_value)
    frees = last_uses(order, outputs)
    values: dict[Node, Array] = {}
    with np.errstate(all="ignore"):
        for node, done in zip(order, frees, strict=True):
            value = value_at_hand(node)
            if value is None:
                inputs = [values[item] for item in node.inputs]
                value = np.asarray(node.primitive.bind(node)(*inputs))
            values[node] = value
            for item in done:
                values.pop(item, None)
    return [values[node] for node in outputs]


def evaluate_all(outputs: Sequence[Node]) -> None:
    """Compute the outputs and keep every intermediate value at hand, for later use."""
    held = HELD.get()
    with np.errstate(all="ignore"):
        for node in topological(outputs, stop=has_value):
            if not has_value(node):
                inputs = [value_at_hand(item) for item in node.inputs]
                value = np.asarray(node.primitive.bind(node)(*inputs))
                if held is None:
                    node.value = value
                else:
                    held[node] = value


def keep_value(node: Node) -> Array:
    """The value of a node, kept with all that it needs for whoever asks next."""
    if not has_value(node):
        evaluate_all([node])
    value = value_at_hand(node)
    assert value is not None, "evaluation gives every node a value"
    return value


def owned(nodes: Sequence[Node], arrays: Sequence[Array]) -> list[Any]:
    """Results as NumPy gives them: fresh writable arrays, or numbers where there are no axes."""
    seen: set[int] = set()
    results: list[Any] = []
    for node, array in zip(nodes, arrays, strict=True):
        if array.ndim == 0:
            results.append(array[()])
            continue
        shared = has_value(node) or node.primitive is INPUT or id(array) in seen
        if shared or array.base is not None or not array.flags.writeable:
            array = array.copy()
        seen.add(id(array))
        results.append(array)
    return results


class Instruction(NamedTuple):
    """One step of a program: storage places instead of nodes."""

    function: Callable[..., Any]
    first: int
    """Where the first input is; -1 if there are none."""
    second: int
    """Where the second is; -1 if there is one at most."""
    inputs: tuple[int, ...]
    """Where all are, if there are more than two; else empty."""
    output: int
    """Where the result goes; -1 if the function takes all values and writes several of them."""
    frees: tuple[int, ...]


def _alone(step: Application) -> Instruction:
    function, inputs, output, frees = step
    first = inputs[0] if inputs else -1
    second = inputs[1] if len(inputs) > 1 else -1
    return Instruction(function, first, second, inputs if len(inputs) > 2 else (), output, frees)


def _together(blocks: Blocks) -> Instruction:
    return Instruction(blocks, -1, -1, (), -1, blocks.frees)


class Program:
    """A graph made ready to be run many times on new arguments.

    Parameters
    ----------
    inputs : sequence of Node
        The argument nodes, in the order in which arrays will be given.
    outputs : sequence of Node
        What to compute.
    order : sequence of Node, optional
        All that the outputs need, back to the inputs, where that has been listed already.
    """

    def __init__(
        self,
        inputs: Sequence[Node],
        outputs: Sequence[Node],
        order: Sequence[Node] | None = None,
    ) -> None:
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        given = set(inputs)
        if order is None:
            order = topological(outputs, stop=lambda node: node in given or node.value is not None)
        self.order = [node for node in order if node not in given]
        place = {node: k for k, node in enumerate(dict.fromkeys([*inputs, *order]))}
        self.slots = len(place)
        self.input_slots = tuple(place[node] for node in inputs)
        self.output_slots = tuple(place[node] for node in outputs)
        constants = [node for node in self.order if node.value is not None]
        self.constants = {place[node]: node.value for node in constants}
        computed = [node for node in self.order if node.value is None]
        functions = [node.primitive.bind(node) for node in computed]
        frees = last_uses(computed, outputs)

        def step(k: int) -> Application:
            node = computed[k]
            inputs = tuple([place[item] for item in node.inputs])
            # a constant stays for the next run
            freed = [place[item] for item in frees[k] if item.value is None or item in given]
            return Application(functions[k], inputs, place[node], tuple(freed))

        self.instructions = [
            _alone(step(run[0]))
            if len(run) == 1
            else _together(Blocks([step(k) for k in run], [computed[k] for k in run]))
            for run in runs(computed, functions)
        ]
        self.nodes = computed

    def __call__(self, *arrays: Array) -> list[Array]:
        """The outputs' values for new arguments."""
        values: list[Array | None] = [None] * self.slots
        for slot, constant in self.constants.items():
            values[slot] = constant
        for slot, array in zip(self.input_slots, arrays, strict=True):
            values[slot] = array
        with np.errstate(all="ignore"):
            for function, first, second, inputs, output, frees in self.instructions:
                if inputs:
                    values[output] = function(*[values[slot] for slot in inputs])
                elif second >= 0:
                    values[output] = function(values[first], values[second])
                elif first >= 0:
                    values[output] = function(values[first])
                elif output >= 0:
                    values[output] = function()
                else:
                    function(values)
                for slot in frees:
                    values[slot] = None
        return [np.asarray(values[slot]) for slot in self.output_slots]

    def first_nonfinite(self, *arrays: Array) -> tuple[Node, tuple[int, ...]] | None:
        """Where a NaN or an infinity among the outputs began, or None if they are finite.

        It is told by the node and by the position in its value.

        The walk goes back from the output to the operation whose inputs were finite still. It
        passes by what is infinite without harm, such as a mask of -inf.
        """
        values: dict[Node, Array] = dict(zip(self.inputs, arrays, strict=True))
        values.update({node: node.value for node in self.order if node.value is not None})
        with np.errstate(all="ignore"):
            for node in self.nodes:
                inputs = [values[item] for item in node.inputs]
                values[node] = np.asarray(node.primitive.bind(node)(*inputs))
        bad = [node for node in self.outputs if not _finite(values[node])]
        if not bad:
            return None
        node = _origin(bad[0], values)
        wrong = np.argwhere(~np.isfinite(values[node]))
        return node, tuple(wrong[0].tolist())


def _origin(node: Node, values: Mapping[Node, Array]) -> Node:
    """Back through NaN to the first of them, then through infinities that were computed."""
    for is_suspect in (_has_nan, _is_infinite_result):
        while True:
            suspects = [item for item in node.inputs if is_suspect(item, values[item])]
            if not suspects:
                break
            node = suspects[0]
    return node


def _has_nan(node: Node, array: Array) -> bool:
    return array.dtype.kind == "f" and bool(np.isnan(array).any())


def _is_infinite_result(node: Node, array: Array) -> bool:
    return node.primitive is not CONSTANT and not _finite(array)


def _finite(array: Array) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())
