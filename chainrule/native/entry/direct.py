"""Which programs Python calls directly, and how: the way from a plan to an entry."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
import optree

from chainrule.graph.node import Node
from chainrule.native.entry.entry import Argument, Entry, Result, entry
from chainrule.native.entry.kinds import orders
from chainrule.native.plan.planning import Plan
from chainrule.native.plan.stages import Stage
from chainrule.native.plan.views import row_major, view_of
from chainrule.native.run.program import Frame, NativeProgram
from chainrule.native.run.threads import get_threads
from chainrule.tracing.containers import NAMESPACE, Structure, unflatten

MOST = 1e6
"""Nanoseconds of a program that is called directly: meanwhile no other thread of Python runs.
Longer programs let others run, which costs some microseconds a call."""
MOST_ALONE = 50e3
"""The same where several threads would share the work: to call them costs some ten thousands."""


def nanoseconds(plan: Plan) -> float:
    """About how long a plan takes, in one thread."""
    work = sum(stage.nanoseconds for stage in plan.stages if isinstance(stage, Stage))
    return work + sum(node.size for node in plan.outputs)


def direct(
    program: NativeProgram, leaves: Sequence[Any], structure: Structure, result_structure: Structure
) -> Entry | None:
    """A function of arguments like these that takes the shortest way to the code.

    Parameters
    ----------
    program : NativeProgram
    leaves : sequence of object
        Arguments as they came, taken apart. Those to come have to be of the same types.
    structure, result_structure : Structure
        How the leaves make up the arguments, and the outputs the result.

    Returns
    -------
    callable or None
        It returns ``NotImplemented`` for other arguments. None where the program does not consist
        of native code alone, or runs long.
    """
    is_native = all(isinstance(stage, Stage) for stage in program.plan.stages)
    would_share = program.is_shared and get_threads() > 1
    if not is_native or nanoseconds(program.plan) > (MOST_ALONE if would_share else MOST):
        return None
    memory = _Memory(program)
    results = memory.results(program.outputs)
    arguments = _arguments(program, leaves)
    taken = unflatten(structure, range(structure.num_leaves))
    given = unflatten(result_structure, range(result_structure.num_leaves))
    address = program.segments[0].address if program.segments else 0

    def new(taken: Any, given: Any) -> Entry | None:
        return entry(
            address, memory.table(), arguments, results, taken=taken, given=given,
            faults=[program.layout.places[node] for node in program.plan.faults],
            keep=(program.segments, memory),
        )  # fmt: skip

    found = new(taken, given)
    if found is None:  # containers that are not built into Python, or very many arrays
        flat = new(range(len(leaves)), tuple(range(len(results))))
        found = flat and taking_apart(_putting_together(flat, result_structure), structure)
    return found


def taking_apart(inner: Entry, structure: Structure) -> Entry:
    """The same for arguments that are containers, which are taken apart first."""
    flatten: Any = optree.tree_flatten
    order = orders(unflatten(structure, range(structure.num_leaves)))

    def run(*args: Any) -> Any:
        leaves, found = flatten(list(args), namespace=NAMESPACE)
        is_known = found == structure and orders(list(args)) == order
        return inner(*leaves) if is_known else NotImplemented

    return run


def _putting_together(inner: Entry, structure: Structure) -> Entry:
    def run(*args: Any) -> Any:
        results = inner(*args)
        return results if results is NotImplemented else unflatten(structure, results)

    return run


def _arguments(program: NativeProgram, leaves: Sequence[Any]) -> list[Argument]:
    inputs = iter(program.inputs)
    found = []
    for leaf in leaves:
        if isinstance(leaf, (np.ndarray, np.generic)) or type(leaf) is float:
            node = next(inputs)
            found.append(Argument(leaf, program.layout.places[node], node.shape, node.dtype))
        else:
            found.append(Argument(leaf))
    return found


class _Memory:
    """The arrays that a program keeps between calls, and the table of their addresses."""

    def __init__(self, program: NativeProgram) -> None:
        self._frame = Frame(program.layout)
        self._frame.make_room(1)
        self._places = dict(program.layout.places)
        self._addresses = list(self._frame.table)
        self._constants: list[Any] = []
        for node in program.inputs:
            if node.shape:  # the callers bring their own
                self._frame.arrays[program.layout.places[node]] = None

    def table(self) -> Any:
        return (ctypes.c_void_p * len(self._addresses))(*self._addresses)

    def results(self, outputs: Sequence[Node]) -> list[Result]:
        """How each output is made: written where it is handed out, or copied from memory."""
        given: set[Node] = set()
        found = []
        for node in outputs:
            base, steps, offset = view_of(node)
            in_order = node.size == base.size and steps == row_major(node.shape) and node.shape
            is_computed = base.value is None and bool(base.inputs)
            is_fresh = bool(in_order) and is_computed and base not in given
            if is_fresh:
                given.add(base)
                self._frame.arrays[self._places[base]] = None
            place = self._place(base)
            found.append(Result(place, node.shape, node.dtype, is_fresh, steps, offset))
        return found

    def _place(self, base: Node) -> int:
        if base not in self._places:  # a constant that no loop reads
            assert base.value is not None, "what is not computed is given or constant"
            held = np.ascontiguousarray(base.value)
            self._constants.append(held)
            self._places[base] = len(self._addresses)
            self._addresses.append(held.ctypes.data)
        return self._places[base]
