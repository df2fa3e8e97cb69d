"""Register tiles, of which matrix products are made, and transposition in registers.

A tile keeps some rows of the result, some vectors wide, in registers while it goes along k: each
step loads the vectors of one row of the right operand and multiplies them by one number of each
row of the left. Every element is one chain of fused multiplications and additions in the order of
k, whatever the tile that it is in.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

from chainrule.native.code.builder import Function
from chainrule.native.code.ir import SIZES, Value, constant, mangled, vector
from chainrule.native.target import TILE_VECTORS, registers

UNROLLED = 4
"""Up to so many steps along k are written out."""
MOST_ROWS = 8
"""Rows of a tile."""


class Matrix(NamedTuple):
    """Where a matrix lies: an address, and the steps of its two indices."""

    start: Value
    steps: tuple[int, int]


def copy_transposed(
    f: Function, kind: str, source: Matrix, target: Matrix, sizes: tuple[int, int]
) -> None:
    """``target[k, n] = source[k, n]`` where the source has neighbours along k, the target along n.

    Squares are turned in registers; what is left at the edges is copied one by one.
    """
    k, n = sizes
    lanes = f.target.vector_bytes // SIZES[kind]
    whole_k, whole_n = (size - size % lanes for size in sizes)
    if source.steps[0] != 1 or target.steps[1] != 1:
        whole_k = whole_n = 0
    if whole_k and whole_n:
        with f.loop(0, whole_k, lanes) as row, f.loop(0, whole_n, lanes) as column:
            start = f.at(source.start, f.add(row, f.mul(column, source.steps[1])), kind)
            rows = [
                f.load(f.at(start, j * source.steps[1], kind), vector(kind, lanes))
                for j in range(lanes)
            ]
            place = f.at(target.start, f.add(f.mul(row, target.steps[0]), column), kind)
            for j, item in enumerate(turned(f, rows)):
                f.store(item, f.at(place, j * target.steps[0], kind))
    for rows_, columns in (((0, k), (whole_n, n)), ((whole_k, k), (0, whole_n))):
        if rows_[0] == rows_[1] or columns[0] == columns[1]:
            continue
        with f.loop(*rows_) as row, f.loop(*columns) as column:
            where = f.add(f.mul(row, source.steps[0]), f.mul(column, source.steps[1]))
            value = f.load(f.at(source.start, where, kind), kind)
            to = f.add(f.mul(row, target.steps[0]), f.mul(column, target.steps[1]))
            f.store(value, f.at(target.start, to, kind))


def turned(f: Function, rows: Sequence[Value]) -> list[Value]:
    """The transpose of a square of as many vectors as they have lanes.

    In the step of a distance d, blocks of d lanes change places between rows that are d apart.
    """
    rows, count, distance = list(rows), len(rows), 1
    while distance < count:
        low = [n if not n & distance else count + n - distance for n in range(count)]
        high = [n + distance if not n & distance else count + n for n in range(count)]
        for i in range(count):
            if not i & distance:
                a, b = rows[i], rows[i + distance]
                rows[i], rows[i + distance] = f.shuffle(a, b, low), f.shuffle(a, b, high)
        distance *= 2
    return rows


class Tiles:
    """A product in register tiles.

    Parameters
    ----------
    f : Function
    kind : str
        ``float`` or ``double``.
    left, right, out : Matrix
        Of which the last two have neighbouring elements along their second index.
    sizes : (int, int)
        The numbers of columns and of terms.
    scale : float
    strong : bool
        Whether a factor that is exactly zero wins over an infinite or undefined one. That shows in
        a result that is no number, of which a tile is computed again.
    """

    def __init__(
        self, f: Function, kind: str, left: Matrix, right: Matrix, out: Matrix,
        sizes: tuple[int, int], scale: float, strong: bool,
    ) -> None:  # fmt: skip
        self.f, self.kind, self.left, self.right, self.out = f, kind, left, right, out
        (self.n, self.k), self.scale, self.strong = sizes, scale, strong
        lanes = f.target.vector_bytes // SIZES[kind]
        while lanes > self.n:
            lanes //= 2
        self.lanes, self.type = lanes, vector(kind, lanes)
        self.vectors = min(TILE_VECTORS, -(-self.n // lanes))

    def write(self, begin: Any, end: Any) -> None:
        """All columns of some rows."""
        f = self.f
        full = self.n // self.lanes
        groups, left_over = divmod(full, self.vectors)
        offsets = [self.lanes * v for v in range(self.vectors)]
        stride = self.vectors * self.lanes
        with f.loop(0, groups * stride, stride) as start:
            self._columns(start, offsets, begin, end)
        rest = [groups * stride + self.lanes * v for v in range(left_over)]
        if self.n % self.lanes:  # moved back, over columns that get the same values again
            rest.append(self.n - self.lanes)
        if rest:
            self._columns(constant("i64", 0), rest, begin, end)

    def _columns(self, start: Value, offsets: Sequence[int], begin: Any, end: Any) -> None:
        """Some vectors of columns of all rows."""
        f = self.f
        rows = min((registers(f.target) - len(offsets) - 1) // len(offsets), MOST_ROWS)
        if isinstance(begin, int) and isinstance(end, int):
            whole = begin + (end - begin) // rows * rows
            if whole > begin:
                with f.loop(begin, whole, rows) as row:
                    self._tile(row, rows, start, offsets)
            if whole < end:
                self._tile(constant("i64", whole), end - whole, start, offsets)
            return
        count = f.sub(end, begin)
        middle = f.add(begin, f.sub(count, f.emit(f"srem {count}, {rows}", "i64")))
        with f.loop(begin, middle, rows) as row:
            self._tile(row, rows, start, offsets)
        with f.loop(middle, end) as row:
            self._tile(row, 1, start, offsets)

    def _tile(self, row: Value, rows: int, start: Value, offsets: Sequence[int]) -> None:
        f = self.f
        lefts = [
            f.at(self.left.start, f.mul(f.add(row, r), self.left.steps[0]), self.kind)
            for r in range(rows)
        ]
        top = f.at(self.right.start, start, self.kind)

        def terms(k: Any, sums: Sequence[Value]) -> list[Value]:
            down, along = (
                f.mul(k, step) if isinstance(k, Value) else k * step
                for step in (self.right.steps[0], self.left.steps[1])
            )
            line = f.at(top, down, self.kind)
            vectors = [f.load(f.at(line, offset, self.kind), self.type) for offset in offsets]
            new = []
            for r, pointer in enumerate(lefts):
                number = f.splat(f.load(f.at(pointer, along, self.kind), self.kind), self.lanes)
                for v, item in enumerate(vectors):
                    new.append(f.fma(number, item, sums[r * len(offsets) + v]))
            return new

        sums = [constant(self.type, 0.0)] * (rows * len(offsets))
        if self.k <= UNROLLED:
            for k in range(self.k):
                sums = terms(k, sums)
        else:
            with f.accumulate(0, self.k, 1, sums) as along:
                along.carry(*terms(along.index, along.values))
            sums = list(along.results)
        for r in range(rows):
            where = f.add(f.mul(f.add(row, r), self.out.steps[0]), start)
            target = f.at(self.out.start, where, self.kind)
            for v, offset in enumerate(offsets):
                total = sums[r * len(offsets) + v]
                if self.scale != 1.0:
                    total = f.mul(total, self.scale)
                f.store(total, f.at(target, offset, self.kind))
        if self.strong:
            self._where_zeros_win(lefts[0], top, (row, start), rows, offsets, sums)

    # -- zeros that win ---------------------------------------------------------------------------

    def _where_zeros_win(
        self, left: Value, top: Value, place: tuple[Value, Value], rows: int,
        offsets: Sequence[int], sums: Sequence[Value],
    ) -> None:  # fmt: skip
        """The tile once more where an element is undefined, which is seen in the sum of all."""
        f = self.f
        where = f.add(f.mul(place[0], self.out.steps[0]), place[1])
        target = f.at(self.out.start, where, self.kind)
        numbers = constant("i64", rows), constant(self.kind, self.scale)
        with f.if_(f.any(f.is_nan(reduce(f.add, sums)))):
            for offset in offsets:
                ends = (f.at(item, offset, self.kind) for item in (top, target))
                f.call(self._repair(), "void", left, *ends, *numbers)

    def _repair(self) -> str:
        """The function that computes undefined elements of one vector of columns of some rows."""
        steps = (*self.left.steps, self.right.steps[0], self.out.steps[0], self.k)
        name = ".".join(["zeros", mangled(self.type), *map(str, steps)])
        if name in self.f.module.functions:
            return name
        numbers = [("i64", "rows"), (self.kind, "scale")]
        arguments = [("ptr", "left"), ("ptr", "right"), ("ptr", "out"), *numbers]
        f = Function(self.f.module, name, arguments, private=True)
        left, right, out, rows, scale = f.arguments
        with f.loop(0, rows) as row:
            target = f.at(out, f.mul(row, self.out.steps[0]), self.kind)
            line = f.at(left, f.mul(row, self.left.steps[0]), self.kind)
            before = f.load(target, self.type)
            with f.if_(f.any(f.is_nan(before))):
                with f.accumulate(0, self.k, 1, [constant(self.type, 0.0)]) as along:
                    k, (total,) = along.index, along.values
                    factor = f.at(line, f.mul(k, self.left.steps[1]), self.kind)
                    a = f.splat(f.load(factor, self.kind), self.lanes)
                    b = f.load(f.at(right, f.mul(k, self.right.steps[0]), self.kind), self.type)
                    zero = f.bit_or(f.compare("eq", a, 0.0), f.compare("eq", b, 0.0))
                    along.carry(f.fma(f.select(zero, 0.0, a), f.select(zero, 0.0, b), total))
                after = f.mul(along.results[0], f.splat(scale, self.lanes))
                f.store(f.select(f.is_nan(before), after, before), target)
        f.ret()
        return name
