"""Loops written as LLVM IR: vectors along the innermost axis, sums in blocks.

The last vector of a row is moved back so that it ends where the row does. Elements that it covers
again get the same values; in sums they are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.node import Node
from chainrule.native.builder import Function
from chainrule.native.ir import Module, Value, constant, constants, vector
from chainrule.native.loops import Access, Apply, Constant, Instruction, Load, Loop, Sum

Emitter = Callable[..., Value]
"""From a function under way and operands to the result."""

KINDS = {"float32": "float", "float64": "double", "bool": "i1"}
MEMORY = {"float32": "float", "float64": "double", "bool": "i8"}
BLOCK = 16
"""Vectors that are summed in their own precision, before they join a sum in double."""


def write_segment(
    module: Module, name: str, loops: Sequence[Loop], places: Mapping[Node, int],
    emitters: Mapping[str, Emitter],
) -> None:  # fmt: skip
    """A function ``void name(ptr table)`` that runs loops on the arrays of a table of addresses."""
    names = [f"{name}_loop{k}" for k in range(len(loops))]
    arrays = [list(dict.fromkeys(access.array for access in loop.accesses)) for loop in loops]
    for loop, own, loop_name in zip(loops, arrays, names, strict=True):
        _Writer(module, loop_name, arranged(loop), own, emitters).write()
    f = Function(module, name, [("ptr", "table")])
    for own, loop_name in zip(arrays, names, strict=True):
        addresses = [f.load(f.at(f.arguments[0], places[node], "ptr"), "ptr") for node in own]
        f.call(loop_name, "void", *addresses)
    f.ret()


def arranged(loop: Loop) -> Loop:
    """The loop with that axis innermost along which most arrays are read and written in order."""
    rank = len(loop.shape)
    if rank < 2:
        return loop
    stored = [s.access for s in loop.stores] + [s.access for s in loop.sums]

    def in_order(axis: int) -> tuple[int, int, int]:
        steps = [access.steps[axis] for access in loop.accesses]
        ends = sum(access.steps[axis] == 1 for access in stored)
        return ends + steps.count(1), steps.count(0), axis

    last = max(range(rank), key=in_order)
    order = [axis for axis in range(rank) if axis != last] + [last]

    def moved(access: Access) -> Access:
        return access._replace(steps=tuple(access.steps[axis] for axis in order))

    return Loop(
        tuple(loop.shape[axis] for axis in order),
        tuple(
            item._replace(access=moved(item.access)) if isinstance(item, Load) else item
            for item in loop.body
        ),
        tuple(item._replace(access=moved(item.access)) for item in loop.stores),
        tuple(item._replace(access=moved(item.access)) for item in loop.sums),
    )


class _Row(NamedTuple):
    """The innermost axis: how many elements, in vectors of how many lanes."""

    size: int
    lanes: int

    @property
    def is_even(self) -> bool:
        return self.size % self.lanes == 0


class _Writer:
    """Writes one loop as a private function of its arrays' addresses."""

    def __init__(
        self, module: Module, name: str, loop: Loop, arrays: Sequence[Node],
        emitters: Mapping[str, Emitter],
    ) -> None:  # fmt: skip
        names = [f"a{k}" for k in range(len(arrays))]
        self.f = Function(module, name, [("ptr", n) for n in names], private=True)
        self.base = dict(zip(arrays, self.f.arguments, strict=True))
        self.loop, self.emitters = loop, emitters
        size = loop.shape[-1] if loop.shape else 1
        self.row = _Row(size, _lanes(loop, module.target, size))

    def write(self) -> None:
        f, loop = self.f, self.loop
        for entry in loop.sums:
            self._clear(entry.access.array)
        with ExitStack() as outer:
            indices = [outer.enter_context(f.loop(0, size)) for size in loop.shape[:-1]]
            self._row_of({access: self._start(access, indices) for access in loop.accesses})
        f.ret()

    def _clear(self, array: Node) -> None:
        f = self.f
        f.module.declare("llvm.memset.p0.i64", "void", ["ptr", "i8", "i64", "i1"])
        size = array.size * array.dtype.itemsize
        f.line(f"call void @llvm.memset.p0.i64({self.base[array]}, i8 0, i64 {size}, i1 false)")

    def _start(self, access: Access, indices: Sequence[Value]) -> Value:
        """The address of a row's first element."""
        f, kind = self.f, MEMORY[access.array.dtype.name]
        where: Any = access.offset
        for index, step in zip(indices, access.steps, strict=False):
            if step:
                moved = f.mul(index, step) if step != 1 else index
                where = f.add(moved, where) if not isinstance(where, int) or where else moved
        return f.at(self.base[access.array], where, kind)

    # -- one row ----------------------------------------------------------------------------------

    def _row_of(self, starts: dict[Access, Value]) -> None:
        f, row = self.f, self.row
        still = {
            k: self._splat(starts[item.access], item)
            for k, item in enumerate(self.loop.body)
            if isinstance(item, Load) and _step(item.access) == 0
        }
        inside = [entry for entry in self.loop.sums if _step(entry.access) == 0]
        totals = [constant(vector("double", row.lanes), 0.0) for _ in inside]
        stride = BLOCK * row.lanes
        with f.accumulate(0, row.size, stride, totals) as blocks:
            zeros = [constant(self._type(entry.access.array.dtype), 0.0) for entry in inside]
            end = f.add(blocks.index, stride)
            stop = f.select(f.compare("lt", end, row.size), end, row.size)
            with f.accumulate(blocks.index, stop, row.lanes, zeros) as inner:
                values = self._vector(inner.index, starts, still, inside)
                inner.carry(*(f.add(a, b) for a, b in zip(inner.values, values, strict=True)))
            parts = [f.convert(part, "double") for part in inner.results]
            blocks.carry(*(f.add(a, b) for a, b in zip(blocks.values, parts, strict=True)))
        for entry, total in zip(inside, blocks.results, strict=True):
            self._add_to(entry, starts[entry.access], f.fold(total, f.add))

    def _vector(
        self, index: Value, starts: dict[Access, Value], still: dict[int, Value],
        inside: Sequence[Sum],
    ) -> list[Value]:  # fmt: skip
        """One vector of a row: what it adds to the sums along the row."""
        f, row = self.f, self.row
        first = index
        if not row.is_even:
            last = constant("i64", row.size - row.lanes)
            first = f.select(f.compare("lt", index, last), index, last)
        values: list[Value] = []
        for k, item in enumerate(self.loop.body):
            values.append(still[k] if k in still else self._value(item, values, first, starts))
        for store in self.loop.stores:
            self._write(values[store.value], store.access, starts[store.access], first)
        for entry in self.loop.sums:
            if _step(entry.access):
                self._add_along(values[entry.value], entry, starts[entry.access], first, index)
        return [self._new_only(self._scaled(values[s.value], s), first, index) for s in inside]

    def _value(
        self, item: Instruction, values: Sequence[Value], first: Value, starts: dict[Access, Value]
    ) -> Value:
        if isinstance(item, Load):
            return self._read(item.access, starts[item.access], first)
        if isinstance(item, Constant):
            return constant(self._type(item.dtype), item.number)
        return self._apply(item, [values[k] for k in item.arguments])

    def _apply(self, item: Apply, operands: Sequence[Value]) -> Value:
        f, kind = self.f, KINDS[item.dtype.name]
        if item.name == "multiply":
            return f.mul(*operands)
        if item.name == "strong_multiply":
            product = f.mul(*operands)
            zero = f.bit_or(*(f.compare("eq", operand, 0.0) for operand in operands))
            hidden = f.bit_and(f.is_nan(product), zero)
            return f.select(hidden, constant(product.type, 0.0), product)
        if item.name == "cast":
            (operand,) = operands
            is_truth = operand.type in ("i1", vector("i1", self.row.lanes))
            return f.cast("uitofp", operand, kind) if is_truth else f.convert(operand, kind)
        return self.emitters[item.name](f, *operands)

    def _type(self, dtype: np.dtype[Any]) -> str:
        return vector(KINDS[dtype.name], self.row.lanes)

    # -- memory -----------------------------------------------------------------------------------

    def _splat(self, start: Value, item: Load) -> Value:
        """An element that is the same along the whole row."""
        f = self.f
        return f.splat(self._truth(f.load(start, MEMORY[item.dtype.name])), self.row.lanes)

    def _truth(self, value: Value) -> Value:
        """Booleans are bytes in memory."""
        return self.f.compare("ne", value, 0) if "i8" in value.type else value

    def _read(self, access: Access, start: Value, first: Value) -> Value:
        f, kind, step = self.f, MEMORY[access.array.dtype.name], _step(access)
        if step == 1:
            return self._truth(f.load(f.at(start, first, kind), vector(kind, self.row.lanes)))
        if self.row.lanes == 1:
            return self._truth(f.load(f.at(start, f.mul(first, step), kind), kind))
        result = Value("poison", vector(kind, self.row.lanes))
        for lane in range(self.row.lanes):
            where = f.mul(f.add(first, lane), step)
            result = f.insert(result, f.load(f.at(start, where, kind), kind), lane)
        return self._truth(result)

    def _write(self, value: Value, access: Access, start: Value, first: Value) -> None:
        f, kind, step = self.f, MEMORY[access.array.dtype.name], _step(access)
        if kind == "i8":
            value = f.cast("zext", value, "i8")
        if step == 1 or self.row.lanes == 1:
            f.store(value, f.at(start, f.mul(first, step) if step != 1 else first, kind))
            return
        for lane in range(self.row.lanes):
            where = f.mul(f.add(first, lane), step)
            f.store(f.extract(value, lane), f.at(start, where, kind))

    # -- sums -------------------------------------------------------------------------------------

    def _scaled(self, value: Value, entry: Sum) -> Value:
        return value if entry.scale == 1.0 else self.f.mul(value, entry.scale)

    def _new_only(self, value: Value, first: Value, index: Value) -> Value:
        """Zero in the lanes that an earlier vector has covered already."""
        f, row = self.f, self.row
        if row.is_even:
            return value
        lanes = constants("i64", range(row.lanes)) if row.lanes > 1 else constant("i64", 0)
        covered = f.splat(f.sub(index, first), row.lanes)
        return f.select(f.compare("ge", lanes, covered), value, constant(value.type, 0.0))

    def _add_along(
        self, value: Value, entry: Sum, start: Value, first: Value, index: Value
    ) -> None:
        """A sum over other axes: each element of the row has a target of its own."""
        added = self._new_only(self._scaled(value, entry), first, index)
        known = self._read(entry.access, start, first)
        self._write(self.f.add(known, added), entry.access, start, first)

    def _add_to(self, entry: Sum, target: Value, total: Value) -> None:
        f, kind = self.f, MEMORY[entry.access.array.dtype.name]
        f.store(f.add(f.load(target, kind), f.convert(total, kind)), target)


def _step(access: Access) -> int:
    """The step along the innermost axis."""
    return access.steps[-1] if access.steps else 0


def _lanes(loop: Loop, target: Any, size: int) -> int:
    """Lanes for the widest number in the loop, but not more than the row has elements."""
    dtypes = [item.dtype for item in loop.body if item.dtype.kind == "f"]
    widest = max((dtype.itemsize for dtype in dtypes), default=4)
    lanes = int(target.lanes("float64" if widest == 8 else "float32"))
    while lanes > size:
        lanes //= 2
    return max(lanes, 1)
