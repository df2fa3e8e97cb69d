"""Which programs Python calls directly, and how: the way from a plan to an entry."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
import optree

from chainrule.graph.node import Node
from chainrule.native.entry import Argument, Entry, Result, entry
from chainrule.native.loops import Loop
from chainrule.native.plan import Plan
from chainrule.native.program import NativeProgram
from chainrule.native.views import row_major, view_of
from chainrule.tracing.containers import NAMESPACE, Structure, unflatten

MOST_WORK = 1 << 20
"""Operations of a program that is called directly: about a millisecond, in which no other thread
of Python runs. Longer programs let others run, which costs some microseconds a call."""


def work(plan: Plan) -> int:
    """A rough count of what a plan computes."""
    return sum(step.size * len(step.body) for step in plan.steps if isinstance(step, Loop))


def direct(
    program: NativeProgram, leaves: Sequence[Any], result_structure: Structure
) -> Entry | None:
    """A function of arrays and numbers like these that takes the shortest way to the code.

    Parameters
    ----------
    program : NativeProgram
    leaves : sequence of object
        Arguments as they came. Those to come have to be of the same types.
    result_structure : Structure
        How the outputs make up the result.

    Returns
    -------
    callable or None
        It returns ``NotImplemented`` for other arguments. None where the program does not consist
        of native code alone, runs long, or gives out parts of arrays that are not in order.
    """
    if len(program.functions) != 1 or not program.is_native or work(program.plan) > MOST_WORK:
        return None
    memory = _Memory(program)
    results = memory.results(program.outputs)
    if results is None:
        return None
    arguments = _arguments(program, leaves)
    is_flat = optree.treespec_is_leaf(result_structure) or _is_plain_tuple(result_structure)
    found = entry(
        program.functions[0].address, memory.table(), arguments, results,
        as_tuple=not optree.treespec_is_leaf(result_structure),
        keep=(program.functions[0], memory),
    )  # fmt: skip
    if found is None:
        return None
    return found if is_flat else _putting_together(found, result_structure)


def _is_plain_tuple(structure: Structure) -> bool:
    is_tuple = structure.kind == optree.PyTreeKind.TUPLE
    return is_tuple and all(optree.treespec_is_leaf(part) for part in structure.children())


def taking_apart(inner: Entry, structure: Structure) -> Entry:
    """The same for arguments that are containers, which are taken apart first."""
    flatten: Any = optree.tree_flatten

    def run(*args: Any) -> Any:
        leaves, found = flatten(list(args), namespace=NAMESPACE)
        return inner(*leaves) if found == structure else NotImplemented

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
            found.append(Argument(leaf, program.places[node], node.shape, node.dtype))
        else:
            found.append(Argument(leaf))
    return found


class _Memory:
    """The arrays that a program keeps between calls, and the table of their addresses."""

    def __init__(self, program: NativeProgram) -> None:
        self._frame = program.frame()
        self._places = dict(program.places)
        self._addresses = list(self._frame.table)
        self._constants: list[Any] = []

    def table(self) -> Any:
        return (ctypes.c_void_p * len(self._addresses))(*self._addresses)

    def results(self, outputs: Sequence[Node]) -> list[Result] | None:
        """How each output is made; None where one is not a part of memory in order."""
        given: set[Node] = set()
        found = []
        for node in outputs:
            base, steps, offset = view_of(node)
            if not _in_order(node, steps):
                return None
            is_whole = node.size == base.size and bool(node.shape)
            is_fresh = is_whole and base not in given and base.value is None and bool(base.inputs)
            if is_fresh:
                given.add(base)
                self._frame.arrays[self._places[base]] = None
            where = offset * node.dtype.itemsize
            found.append(Result(self._place(base), node.shape, node.dtype, is_fresh, where))
        return found

    def _place(self, base: Node) -> int:
        if base not in self._places:  # a constant that no loop reads
            assert base.value is not None, "what is not computed is given or constant"
            held = np.ascontiguousarray(base.value)
            self._constants.append(held)
            self._places[base] = len(self._addresses)
            self._addresses.append(held.ctypes.data)
        return self._places[base]


def _in_order(node: Node, steps: tuple[int, ...]) -> bool:
    """Whether a value's elements lie one after the other."""
    pairs = zip(node.shape, steps, row_major(node.shape), strict=True)
    return all(size == 1 or step == usual for size, step, usual in pairs) or node.size == 0
