"""Stages written as one native function, which any number of threads enter together."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from math import prod
from typing import Any

from chainrule.graph.node import Node
from chainrule.native.code.barrier import barrier
from chainrule.native.code.builder import Function
from chainrule.native.code.emission import AT_A_TIME, MEMORY, Emitter, LoopWriter, Rows, arranged
from chainrule.native.code.gather_emission import GatherWriter
from chainrule.native.code.ir import SIZES, Module, Value, constant
from chainrule.native.code.product_emission import PackWriter, ProductWriter
from chainrule.native.plan.gathers import Gather
from chainrule.native.plan.loops import Loop
from chainrule.native.plan.products import Pack, Product
from chainrule.native.plan.stages import Share, Stage

ARGUMENTS = [("ptr", "table"), ("ptr", "meeting"), ("i64", "thread"), ("i64", "threads")]
"""The arrays' addresses, where threads meet, which of them this one is, and how many there are."""


class Segment:
    """Writes the function ``void name(table, meeting, thread, threads)`` of some stages.

    It ends when all threads are done.

    Parameters
    ----------
    module : Module
    name : str
    stages : sequence of Stage
    places : mapping of Node to int
        Each array's place in the table. That of the threads' own memory comes after the last.
    emitters : mapping of str to callable
    replaced : mapping of Node to Node
        Arrays that are written in the place of others.
    """

    def __init__(
        self, module: Module, name: str, stages: Sequence[Stage], places: Mapping[Node, int],
        emitters: Mapping[str, Emitter], replaced: Mapping[Node, Node],
    ) -> None:  # fmt: skip
        self.module, self.name, self.stages = module, name, stages
        self.places, self.emitters, self.replaced = places, emitters, replaced
        self._known: dict[Any, str] = {}
        """Functions by what they do: equal layers share theirs."""

    def write(self) -> None:
        own = [self._stage(k, stage) for k, stage in enumerate(self.stages)]
        f = Function(self.module, self.name, ARGUMENTS)
        table, meeting, thread, threads = f.arguments
        is_first = f.compare("eq", thread, 0)
        written: set[int] = set()
        read: set[int] = set()
        for stage, name in zip(self.stages, own, strict=True):
            reads, writes = self._touched(stage.reads), self._touched(stage.writes)
            if (reads | writes) & written or writes & read:
                barrier(f, meeting, threads)
                written, read = set(), set()
            written |= writes
            read |= reads
            if stage.blocks == 1:
                with f.if_(is_first):
                    f.call(name, "void", table)
            else:
                self._share(f, stage, name, table, thread, threads)
        barrier(f, meeting, threads)
        f.ret()

    def _touched(self, arrays: Collection[Node]) -> set[int]:
        """The places of arrays: those that share memory have the same."""
        return {self.places[array] for array in arrays if array in self.places}

    def _share(
        self, f: Function, stage: Stage, name: str, table: Value, thread: Value, threads: Value
    ) -> None:
        """Every thread does its share of the blocks."""
        first = f.div(f.mul(thread, stage.blocks), threads)
        last = f.div(f.mul(f.add(thread, 1), stage.blocks), threads)
        own = f.load(f.at(table, len(self.places), "ptr"), "ptr")
        own = f.at(own, f.mul(thread, memory_of(self.stages)), "i8")
        with f.loop(first, last) as block:
            begin = f.mul(block, stage.block)
            end = f.add(begin, stage.block)
            if stage.rows % stage.block:
                end = f.select(f.compare("lt", end, stage.rows), end, constant("i64", stage.rows))
            f.call(name, "void", table, own, block, begin, end)

    # -- one stage --------------------------------------------------------------------------------

    def _stage(self, number: int, stage: Stage) -> str:
        """A function that does a block of a stage, or all of it."""
        name = f"{self.name}_stage{number}"
        shared = stage.blocks > 1
        arguments = [("ptr", "table")]
        if shared:
            arguments += [("ptr", "own"), ("i64", "block"), ("i64", "begin"), ("i64", "end")]
        arrays = [_arrays(part) for part in stage.parts]
        names = [
            self._shared(part, each, f"{name}_part{k}", stage.block if shared else 0)
            for k, (part, each) in enumerate(zip(stage.parts, arrays, strict=True))
        ]
        f = Function(self.module, name, arguments, private=True)
        offsets = local_offsets(stage)
        for each, part_name in zip(arrays, names, strict=True):
            addresses = [self._address(f, stage, offsets, node) for node in each]
            f.call(part_name, "void", *addresses, *(f.arguments[3:] if shared else ()))
        f.ret()
        return name

    def _address(self, f: Function, stage: Stage, offsets: dict[Node, int], node: Node) -> Value:
        """Where row 0 of an array is, or would be."""
        kind = MEMORY[node.dtype.name]
        if node in offsets:
            _, own, _, begin, _ = f.arguments
            row = node.size // stage.rows
            start = f.at(own, offsets[node], "i8")
            before = f.neg(f.mul(begin, row))  # outside of the memory: no "inbounds"
            return f.emit(f"getelementptr {kind}, {start}, {before}", "ptr", "p")
        place = stage.partial.get(node, node)
        address = f.load(f.at(f.arguments[0], self.places[place], "ptr"), "ptr")
        if node in stage.partial:
            block = f.arguments[2]
            address = f.at(address, f.mul(block, prod(node.shape)), kind)
        return address

    def _shared(self, part: Share, arrays: Sequence[Node], name: str, block: int) -> str:
        """The function of a part: that of an equal one where there is one already."""
        numbers = {array: k for k, array in enumerate(arrays)}
        kinds = [(array.dtype, array.size, self.replaced.get(array) in numbers) for array in arrays]
        key = (_form(part, numbers), tuple(kinds), block)
        if key not in self._known:
            self._part(part, name, arrays, block)
            self._known[key] = name
        return self._known[key]

    def _part(self, part: Share, name: str, arrays: Sequence[Node], block: int) -> None:
        arguments = [("ptr", f"a{k}") for k in range(len(arrays))]
        if block:
            arguments += [("i64", "begin"), ("i64", "end")]
        f = Function(self.module, name, arguments, private=True)
        bases = dict(zip(arrays, f.arguments, strict=False))
        if block:
            begin, end = f.arguments[-2:]
            rows = Rows(begin, end, block)
        else:
            rows = Rows(0, part.step.shape[part.axis] if part.step.shape else 1)
        if isinstance(part.step, Product):
            ProductWriter(f, part.step, rows, bases).write()
        elif isinstance(part.step, Pack):
            PackWriter(f, part.step, rows, bases).write()
        elif isinstance(part.step, Gather):
            GatherWriter(f, part.step, rows, bases).write()
        else:
            own = {access.array for access in part.step.writes}
            in_place = any(self.replaced.get(array) in _reads(part.step) for array in own)
            LoopWriter(f, part, rows, bases, self.emitters, in_place).write()
        f.ret()


def _form(value: Any, numbers: Mapping[Node, int]) -> Hashable:
    """Data without the names of its arrays; numbers that only compare equal are told apart."""
    if isinstance(value, Node):
        return numbers.get(value)  # None: what has been packed is not read itself
    if isinstance(value, tuple):
        return (type(value).__name__, *(_form(item, numbers) for item in value))
    if isinstance(value, (bool, int, float)):
        return (type(value).__name__, repr(value))
    return value  # type: ignore[no-any-return]


def _reads(loop: Loop) -> set[Node]:
    return {access.array for access in loop.reads}


def _arrays(part: Share) -> list[Node]:
    accesses = [*part.step.reads, *part.step.writes]
    return list(dict.fromkeys(access.array for access in accesses))


# -- memory of each thread ------------------------------------------------------------------------


def local_offsets(stage: Stage) -> dict[Node, int]:
    """Where in a thread's own memory the block of each local array begins."""
    offsets, place = {}, 0
    for node in sorted(stage.local, key=lambda node: node.serial):
        offsets[node] = place + _bytes_before(stage, node)
        place += _block_bytes(stage, node)
    return offsets


def memory_of(stages: Sequence[Stage]) -> int:
    """Bytes that a thread needs for itself."""
    return max((sum(_block_bytes(s, node) for node in s.local) for s in stages), default=0)


def _block_bytes(stage: Stage, node: Node) -> int:
    exact = node.size // stage.rows * stage.block * SIZES[MEMORY[node.dtype.name]]
    return _bytes_before(stage, node) + -(-exact // 64) * 64 + 64


def _bytes_before(stage: Stage, node: Node) -> int:
    """What the last vector along the rows may look at before the block, where that is short."""
    loops = [arranged(part) for part in stage.parts if isinstance(part.step, Loop)]
    steps = [
        access.steps[-1]
        for part in loops
        if part.axis == len(part.step.shape) - 1
        for access in (*part.step.reads, *part.step.writes)
        if access.array is node
    ]
    return max(steps, default=0) * AT_A_TIME * 64
