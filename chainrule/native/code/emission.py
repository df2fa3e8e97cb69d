"""Loops written as LLVM IR: vectors along the innermost axis, sums in blocks.

The last vector of a row is moved back so that it ends where the row does. Elements that it covers
again get the same values; in sums they are left out, and where values are replaced in place they
are not written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.node import Node
from chainrule.native.code.builder import Function
from chainrule.native.code.ir import Value, constant, constants, is_float, vector
from chainrule.native.plan.loops import Access, Apply, Constant, Instruction, Load, Loop, Reduction
from chainrule.native.plan.stages import Share

Emitter = Callable[..., Value]
"""From a function under way and operands to the result."""

KINDS = {"float32": "float", "float64": "double", "int64": "i64", "bool": "i1"}
MEMORY = {"float32": "float", "float64": "double", "int64": "i64", "bool": "i8"}
AT_A_TIME = 4
"""Vectors of a long row that are computed side by side."""
LONG = 256
"""Elements of a row that is long."""
BLOCK = 16
"""Vectors that are summed in their own precision, before they join a sum in double."""


class Rows(NamedTuple):
    """The rows that a function is to do: numbers where they are known, else its arguments."""

    begin: Any
    end: Any
    block: int = 0
    """Rows after which other threads may do the others at the same time; 0 if this is all."""


def arranged(part: Share) -> Share:
    """The loop with that axis innermost along which most arrays are read and written in order."""
    loop = part.step
    assert isinstance(loop, Loop)
    rank = len(loop.shape)
    if rank < 2:
        return part

    def in_order(axis: int) -> tuple[int, int, int]:
        steps = [access.steps[axis] for access in loop.accesses]
        ends = sum(access.steps[axis] == 1 for access in loop.writes)
        return ends + steps.count(1), steps.count(0), axis

    last = max(range(rank), key=in_order)
    order = [axis for axis in range(rank) if axis != last] + [last]
    moved = loop.moved(
        tuple(loop.shape[axis] for axis in order),
        lambda access: access._replace(steps=tuple(access.steps[axis] for axis in order)),
    )
    return part._replace(step=moved, axis=order.index(part.axis))


class _Row(NamedTuple):
    """The innermost axis: how many elements, in vectors of how many lanes."""

    size: int
    lanes: int

    @property
    def is_even(self) -> bool:
        return self.size % self.lanes == 0


class LoopWriter:
    """Writes a loop into a function.

    Parameters
    ----------
    f : Function
        Where the instructions go.
    part : Share
    rows : Rows
    bases : mapping of Node to Value
        The arrays' addresses.
    emitters : mapping of str to callable
    in_place : bool
        Whether an array is written over one that the loop reads.
    """

    def __init__(
        self, f: Function, part: Share, rows: Rows, bases: Mapping[Node, Value],
        emitters: Mapping[str, Emitter], in_place: bool,
    ) -> None:  # fmt: skip
        part = arranged(part)
        assert isinstance(part.step, Loop)
        self.f, self.loop, self.axis, self.base = f, part.step, part.axis, bases
        self.emitters = emitters
        self.bounds: list[tuple[Any, Any]] = [(0, size) for size in self.loop.shape] or [(0, 1)]
        if self.loop.shape:
            begin, end = (
                f.mul(b, part.per_row) if isinstance(b, Value) else b
                for b in (rows.begin, rows.end)
            )
            self.bounds[self.axis] = begin, end
        size = self.loop.shape[-1] if self.loop.shape else 1
        splits_vectors = rows.block > 0 and self.axis == len(self.loop.shape) - 1
        unit = rows.block * part.per_row if splits_vectors else 0
        self.row = _Row(size, _lanes(self.loop, f.target, size, unit))
        self.masked = not self.row.is_even and (in_place or splits_vectors)

    def write(self) -> None:
        f, loop = self.f, self.loop
        for entry in loop.reductions:
            if not self._is_direct(entry):
                self._clear(entry)
        with ExitStack() as outer:
            indices = [outer.enter_context(f.loop(*bounds)) for bounds in self.bounds[:-1]]
            self._row_of({access: self._start(access, indices) for access in loop.accesses})

    def _is_direct(self, entry: Reduction) -> bool:
        """Whether a single row gives the whole of an element, which is then simply stored."""
        steps, rank = entry.access.steps, len(self.loop.shape)
        along = [axis for axis in range(rank) if steps[axis] == 0]
        return along == [rank - 1] and self.axis != rank - 1

    def _clear(self, entry: Reduction) -> None:
        f, access = self.f, entry.access
        initial = constant(MEMORY[access.array.dtype.name], _EMPTY[entry.kind])
        with ExitStack() as nest:
            kept = [k for k, step in enumerate(access.steps) if step]
            indices = {k: nest.enter_context(f.loop(*self.bounds[k])) for k in kept}
            where = self._offset(access, indices)
            f.store(initial, f.at(self.base[access.array], where, MEMORY[access.array.dtype.name]))

    def _offset(self, access: Access, indices: Mapping[int, Value]) -> Any:
        f = self.f
        where: Any = access.offset
        for axis, index in indices.items():
            step = access.steps[axis]
            if step:
                moved = f.mul(index, step) if step != 1 else index
                where = f.add(moved, where) if not isinstance(where, int) or where else moved
        return where

    def _start(self, access: Access, indices: Sequence[Value]) -> Value:
        """The address of a row's first element."""
        kind = MEMORY[access.array.dtype.name]
        where = self._offset(access, dict(enumerate(indices)))
        return self.f.at(self.base[access.array], where, kind)

    # -- one row ----------------------------------------------------------------------------------

    def _row_of(self, starts: dict[Access, Value]) -> None:
        f, row = self.f, self.row
        low, high = self.bounds[-1]
        still = {
            k: self._splat(starts[item.access], item)
            for k, item in enumerate(self.loop.body)
            if isinstance(item, Load) and _step(item.access) == 0
        }
        inside = [entry for entry in self.loop.reductions if _step(entry.access) == 0]
        if not inside:
            with f.loop(low, high, row.lanes) as index:
                self._vector(index, starts, still, inside)
            return
        empty = [constant(self._total_type(entry), _EMPTY[entry.kind]) for entry in inside]
        stride = BLOCK * row.lanes
        with f.accumulate(low, high, stride, empty) as blocks:
            zeros = [
                constant(self._type(entry.access.array.dtype), _EMPTY[entry.kind])
                for entry in inside
            ]
            stop: Any = high
            if not isinstance(high, int) or not isinstance(low, int) or high - low > stride:
                end = f.add(blocks.index, stride)
                stop = f.select(f.compare("lt", end, high), end, f.value(high, "i64"))
            start = low if isinstance(stop, int) else blocks.index
            with f.accumulate(start, stop, row.lanes, zeros) as inner:
                values = self._vector(inner.index, starts, still, inside)
                inner.carry(*self._combined(inside, inner.values, values))
            parts = [
                f.convert(part, "double") if entry.kind == "sum" else part
                for entry, part in zip(inside, inner.results, strict=True)
            ]
            blocks.carry(*self._combined(inside, blocks.values, parts))
        for entry, total in zip(inside, blocks.results, strict=True):
            whole = f.fold(total, self._combine(entry))
            self._put(entry, starts[entry.access], whole)

    def _total_type(self, entry: Reduction) -> str:
        """Sums are kept in double precision."""
        kind = "double" if entry.kind == "sum" else KINDS[entry.access.array.dtype.name]
        return vector(kind, self.row.lanes)

    def _combine(self, entry: Reduction) -> Callable[[Value, Value], Value]:
        f = self.f
        return {"sum": f.add, "max": f.maximum, "min": f.minimum}[entry.kind]

    def _combined(
        self, entries: Sequence[Reduction], a: Sequence[Value], b: Sequence[Value]
    ) -> list[Value]:
        return [self._combine(entry)(x, y) for entry, x, y in zip(entries, a, b, strict=True)]

    def _vector(
        self, index: Value, starts: dict[Access, Value], still: dict[int, Value],
        inside: Sequence[Reduction],
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
        new = None if row.is_even else self._new(first, index)
        for store in self.loop.stores:
            mask = new if self.masked else None
            self._write(values[store.value], store.access, starts[store.access], first, mask)
        for entry in self.loop.reductions:
            if _step(entry.access):
                self._add_along(values[entry.value], entry, starts[entry.access], first, new)
        return [self._new_only(self._scaled(values[s.value], s), s, new) for s in inside]

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
        if item.name == "cast":
            (operand,) = operands
            if is_float(operand.type):
                return f.convert(operand, kind)
            return f.cast("uitofp" if "i1" in operand.type else "sitofp", operand, kind)
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

    def _write(
        self, value: Value, access: Access, start: Value, first: Value, mask: Value | None = None
    ) -> None:
        f, kind, step = self.f, MEMORY[access.array.dtype.name], _step(access)
        if kind == "i8":
            value = f.cast("zext", value, "i8")
        if step == 1 or self.row.lanes == 1:
            where = f.at(start, f.mul(first, step) if step != 1 else first, kind)
            if mask is None:
                f.store(value, where)
            else:
                f.store_masked(value, where, mask)
            return
        for lane in range(self.row.lanes):
            where = f.at(start, f.mul(f.add(first, lane), step), kind)
            if mask is None:
                f.store(f.extract(value, lane), where)
            else:
                with f.if_(f.extract(mask, lane)):
                    f.store(f.extract(value, lane), where)

    # -- reductions -------------------------------------------------------------------------------

    def _scaled(self, value: Value, entry: Reduction) -> Value:
        return value if entry.scale == 1.0 else self.f.mul(value, entry.scale)

    def _new(self, first: Value, index: Value) -> Value:
        """The lanes that no earlier vector has covered."""
        f, row = self.f, self.row
        lanes = constants("i64", range(row.lanes)) if row.lanes > 1 else constant("i64", 0)
        return f.compare("ge", lanes, f.splat(f.sub(index, first), row.lanes))

    def _new_only(self, value: Value, entry: Reduction, new: Value | None) -> Value:
        """What counts for nothing in the lanes that an earlier vector has covered already."""
        if new is None:
            return value
        return self.f.select(new, value, constant(value.type, _EMPTY[entry.kind]))

    def _add_along(
        self, value: Value, entry: Reduction, start: Value, first: Value, new: Value | None
    ) -> None:
        """A sum over other axes: each element of the row has a target of its own."""
        added = self._new_only(self._scaled(value, entry), entry, new)
        known = self._read(entry.access, start, first)
        mask = new if self.masked else None
        self._write(self._combine(entry)(known, added), entry.access, start, first, mask)

    def _put(self, entry: Reduction, target: Value, total: Value) -> None:
        f, kind = self.f, MEMORY[entry.access.array.dtype.name]
        total = f.convert(total, kind)
        if not self._is_direct(entry):
            total = self._combine(entry)(f.load(target, kind), total)
        f.store(total, target)


_EMPTY = {"sum": 0.0, "max": -np.inf, "min": np.inf}
"""The reduction of nothing."""


def _step(access: Access) -> int:
    """The step along the innermost axis."""
    return access.steps[-1] if access.steps else 0


def _lanes(loop: Loop, target: Any, size: int, unit: int) -> int:
    """Lanes for the widest number in the loop, but not more than the row has elements.

    Long rows are done several vectors at a time, which keeps the processor busy while each of them
    waits for its last result. Where rows are shared out, a multiple of the lanes is.
    """
    dtypes = [item.dtype for item in loop.body if item.dtype.kind in "fi"]
    widest = max((dtype.itemsize for dtype in dtypes), default=4)
    lanes = int(target.lanes("float64" if widest == 8 else "float32"))
    for several in (AT_A_TIME, AT_A_TIME // 2):
        wide = lanes * several
        if size >= LONG and -size % wide <= size / 16 and unit % wide == 0:
            return wide
    while lanes > size:
        lanes //= 2
    return max(lanes, 1)
