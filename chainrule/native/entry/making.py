"""From a function to a program: recorded, planned, compiled, and described."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from time import perf_counter
from typing import Any, NamedTuple

from chainrule.errors import DtypeError
from chainrule.graph.node import Array, Node, new_input
from chainrule.interpret.run import Program
from chainrule.jacobian.matrix import Jacobian
from chainrule.native.code.functions import EMITTERS
from chainrule.native.entry.entry import Entry
from chainrule.native.plan.planning import plan
from chainrule.native.run.machine import CompilationError
from chainrule.native.run.program import NativeProgram
from chainrule.tracing.containers import flatten, unflatten
from chainrule.tracing.layouts import forget_order
from chainrule.tracing.session import open_arguments, recording
from chainrule.tracing.traced import Traced, as_node, call


class Recorded(NamedTuple):
    """What a function computes, for one kind of arguments."""

    inputs: Sequence[Node]
    outputs: Sequence[Node]
    result_structure: Any


class Made(NamedTuple):
    """A program for one kind of arguments, and what there is to say about it."""

    run: NativeProgram | Program
    recorded: Recorded
    seconds: float
    interpreted: str
    """Why it is interpreted; empty where it is native."""
    entries: dict[Hashable, Entry | None]
    """Ways in, by the types of the arguments; None where there is none."""


def record(
    f: Callable[..., Any], leaves: Sequence[Any], arrays: Sequence[Array | None], structure: Any,
    kwargs: dict[str, Any],
) -> Recorded:  # fmt: skip
    """Trace a function for arguments like these."""
    inputs = [None if array is None else _argument(array) for array in arrays]
    stand_ins = [
        leaf if node is None else Traced(node) for leaf, node in zip(leaves, inputs, strict=True)
    ]
    given = [node for node in inputs if node is not None]
    with recording(), open_arguments(given):
        forget_order()  # arguments of any order may come
        results, result_structure = flatten(call(f, *unflatten(structure, stand_ins), **kwargs))
        results = [x.toarray() if isinstance(x, Jacobian) else x for x in results]
    outputs = [as_node(item) for item in results]
    if any(node.dtype.kind not in "fiub" for node in outputs):
        raise DtypeError(
            "compile", "the function must return numbers",
            got=", ".join(str(node.dtype) for node in outputs),
        )  # fmt: skip
    return Recorded(given, outputs, result_structure)


def _argument(array: Array) -> Node:
    """An argument of which nothing is known: a zero wins over what may be infinite later."""
    node = new_input(array.shape, array.dtype)
    node.finite = array.dtype.kind not in "fc"
    return node


def make(recorded: Recorded, started: float) -> Made:
    """Plan and compile what was recorded; interpret it where that does not succeed."""
    try:
        made = plan(recorded.inputs, recorded.outputs, EMITTERS.keys())
        run = NativeProgram(made)
    except (CompilationError, ImportError) as error:
        return interpreted(recorded, started, str(error))
    return Made(run, recorded, perf_counter() - started, "", {})


def interpreted(recorded: Recorded, started: float, why: str) -> Made:
    """A program that NumPy runs."""
    run = Program(recorded.inputs, recorded.outputs)
    return Made(run, recorded, perf_counter() - started, why, {})
