"""Gathers written as LLVM IR."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

from chainrule.graph.node import Node
from chainrule.native.code.builder import Function
from chainrule.native.code.emission import MEMORY, Rows
from chainrule.native.code.ir import SIZES, Value, constant, constants, vector
from chainrule.native.plan.gathers import Gather
from chainrule.native.plan.loops import Access


class GatherWriter:
    """Writes a gather into a function; see :class:`chainrule.native.code.emission.LoopWriter`."""

    def __init__(
        self, f: Function, gather: Gather, rows: Rows, bases: Mapping[Node, Value]
    ) -> None:
        self.f, self.gather, self.rows, self.base = f, gather, rows, bases
        self.kind = MEMORY[gather.out.array.dtype.name]

    def write(self) -> None:
        f, gather = self.f, self.gather
        before, count, width = gather.shape
        if gather.adds:
            each = gather.out.array.size // before
            with f.loop(self.rows.begin, self.rows.end) as p, f.loop(0, each) as k:
                where = f.add(f.mul(p, each), k)
                f.store(constant(self.kind, 0.0), self._at(gather.out, where))
        with ExitStack() as nest:
            p = nest.enter_context(f.loop(self.rows.begin, self.rows.end))
            i = nest.enter_context(f.loop(0, count))
            position = f.load(f.at(self._at(gather.positions, constant("i64", 0)), i, "i64"), "i64")
            is_inside = f.bit_and(
                f.compare("ge", position, 0), f.compare("lt", position, gather.size)
            )
            source, out = (
                self._at(access, f.add(f.mul(p, access.steps[0]), f.mul(k, access.steps[1])))
                for access, k in (
                    (gather.source, i if gather.adds else position),
                    (gather.out, position if gather.adds else i),
                )
            )
            with f.if_(is_inside), f.loop(0, width) as j:
                value, target = (
                    f.load(f.at(source, j, self.kind), self.kind),
                    f.at(out, j, self.kind),
                )
                f.store(f.add(f.load(target, self.kind), value) if gather.adds else value, target)
            with f.if_(f.invert(is_inside)):
                fault = self._at(gather.fault, constant("i64", 0))
                f.store(constant("i64", 1), fault)
                f.store(position, f.at(fault, 1, "i64"))

    def _row(self, source: Value, out: Value, width: int) -> None:
        """A row in whole vectors, and what is left in one of which only a part is touched."""
        f, lanes = self.f, self.f.target.vector_bytes // SIZES[self.kind]
        whole, type_ = width - width % lanes, vector(self.kind, lanes)
        with f.loop(0, whole, lanes) as j:
            value, target = f.load(f.at(source, j, self.kind), type_), f.at(out, j, self.kind)
            f.store(f.add(f.load(target, type_), value) if self.gather.adds else value, target)
        if width == whole:
            return
        mask = constants("i1", [lane < width - whole for lane in range(lanes)])
        target = f.at(out, whole, self.kind)
        value = f.load_masked(f.at(source, whole, self.kind), type_, mask)
        if self.gather.adds:
            value = f.add(f.load_masked(target, type_, mask), value)
        f.store_masked(value, target, mask)

    def _at(self, access: Access, where: Value) -> Value:
        kind = MEMORY[access.array.dtype.name]
        start = self.base[access.array]
        if access.offset:
            start = self.f.at(start, access.offset, kind)
        return self.f.at(start, where, kind)
