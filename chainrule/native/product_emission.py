"""Matrix products written as LLVM IR, in register tiles.

A tile keeps some rows of the result, some vectors wide, in registers while it goes along k: each
step loads the vectors of one row of the right operand and multiplies them by one number of each
row of the left. Every element is one chain of fused multiplications and additions in the order of
k, whatever the tile that it is in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from chainrule.graph.node import Node
from chainrule.native.builder import Function
from chainrule.native.emission import KINDS, Rows
from chainrule.native.ir import SIZES, Value, constant, vector
from chainrule.native.loops import Access
from chainrule.native.products import Pack, Product
from chainrule.native.target import TILE_VECTORS, registers

UNROLLED = 4
"""Up to so many steps along k are written out."""
MOST_ROWS = 8
"""Rows of a tile."""


class _Matrix(NamedTuple):
    """Where a matrix lies: an address, and the steps of its two indices."""

    start: Value
    steps: tuple[int, int]


class ProductWriter:
    """Writes a product into a function; see :class:`chainrule.native.emission.LoopWriter`."""

    def __init__(
        self, f: Function, product: Product, rows: Rows, bases: Mapping[Node, Value]
    ) -> None:
        self.f, self.product, self.rows, self.base = f, product, rows, bases
        self.kind = KINDS[product.dtype.name]

    def write(self) -> None:
        f, product = self.f, self.product
        if product.whole is not None:
            self._by_strips()
            return
        batch = product.shape[:-3]
        bounds: list[tuple[Any, Any]] = [(0, size) for size in batch]
        within: tuple[Any, Any] = (0, product.shape[-3])
        if batch:
            bounds[0] = (self.rows.begin, self.rows.end)
        else:
            within = (self.rows.begin, self.rows.end)
        with ExitStack() as nest:
            indices = [nest.enter_context(f.loop(*each)) for each in bounds]
            left = self._matrix(product.left, indices, (-3, -1))
            out = self._matrix(product.out, indices, (-3, -2))
            if product.packed is not None:
                self._packed(left, out, product.packed, *within)
                return
            right = self._matrix(product.right, indices, (-1, -2))
            _, n, k = product.shape[-3:]
            if right.steps[1] != 1:
                right = self._transposed(right, k, n)
            Tiles(f, self.kind, left, right, out, (n, k), product.scale).write(*within)

    def _matrix(self, access: Access, indices: Sequence[Value], axes: tuple[int, int]) -> _Matrix:
        f, where = self.f, self.f.value(access.offset, "i64")
        for index, step in zip(indices, access.steps, strict=False):
            where = f.add(where, f.mul(index, step))
        start = f.at(self.base[access.array], where, self.kind)
        return _Matrix(start, (access.steps[axes[0]], access.steps[axes[1]]))

    def _packed(self, left: _Matrix, out: _Matrix, pack: Pack, begin: Any, end: Any) -> None:
        """A product strip by strip."""
        f, (_, k, width) = self.f, pack.shape
        base = self.base[pack.out.array]
        for strips, columns in _widths(pack):
            with f.loop(*strips) as strip:
                start = f.at(base, f.mul(strip, k * width), self.kind)
                target = f.at(out.start, _column(f, strip, pack, columns), self.kind)
                matrices = left, _Matrix(start, (width, 1)), _Matrix(target, out.steps)
                tiles = Tiles(f, self.kind, *matrices, (columns, k), self.product.scale)
                tiles.write(begin, end)

    def _by_strips(self) -> None:
        """All rows of some strips."""
        f, product = self.f, self.product
        assert product.packed is not None
        pack, m = product.packed, product.shape[1]
        _, k, width = pack.shape
        left, out = (
            self._matrix(product.left, (), (-3, -1)),
            self._matrix(product.out, (), (-3, -2)),
        )
        with f.loop(self.rows.begin, self.rows.end) as strip:
            start = f.at(self.base[pack.out.array], f.mul(strip, k * width), self.kind)
            for is_one, columns in _kinds(f, strip, pack):
                with f.if_(is_one):
                    target = f.at(out.start, _column(f, strip, pack, columns), self.kind)
                    matrices = left, _Matrix(start, (width, 1)), _Matrix(target, out.steps)
                    tiles = Tiles(f, self.kind, *matrices, (columns, k), product.scale)
                    tiles.write(0, m)

    def _transposed(self, right: _Matrix, k: int, n: int) -> _Matrix:
        """A small copy whose second index is the one along which elements are neighbours."""
        f = self.f
        room = f.scratch(self.kind, k * n)
        copied = _Matrix(room, (n, 1))
        copy_transposed(f, self.kind, right, copied, (k, n))
        return copied


class PackWriter:
    """Writes the copy of a right operand into a function."""

    def __init__(self, f: Function, pack: Pack, rows: Rows, bases: Mapping[Node, Value]) -> None:
        self.f, self.pack, self.rows, self.base = f, pack, rows, bases
        self.kind = KINDS[pack.out.array.dtype.name]

    def write(self) -> None:
        f, pack = self.f, self.pack
        _, k, width = pack.shape
        row, step = pack.source.steps
        start = f.at(self.base[pack.source.array], pack.source.offset, self.kind)
        with f.loop(self.rows.begin, self.rows.end) as strip:
            target = f.at(self.base[pack.out.array], f.mul(strip, k * width), self.kind)
            for is_one, columns in _kinds(f, strip, pack):
                with f.if_(is_one):
                    column = _column(f, strip, pack, columns)
                    source = f.at(start, f.mul(column, step), self.kind)
                    matrices = _Matrix(source, (row, step)), _Matrix(target, (width, 1))
                    if step == 1:
                        self._copied(*matrices, columns)
                    else:
                        copy_transposed(f, self.kind, *matrices, (k, columns))

    def _copied(self, source: _Matrix, target: _Matrix, columns: int) -> None:
        """Row after row, in whole vectors."""
        f, k = self.f, self.pack.shape[1]
        lanes = f.target.vector_bytes // SIZES[self.kind]
        with f.loop(0, k) as index:
            from_, to = (
                f.at(item.start, f.mul(index, item.steps[0]), self.kind)
                for item in (source, target)
            )
            for offset in range(0, columns, lanes):
                value = f.load(f.at(from_, offset, self.kind), vector(self.kind, lanes))
                f.store(value, f.at(to, offset, self.kind))


def _widths(pack: Pack) -> list[tuple[tuple[int, int], int]]:
    """Ranges of strips, and their columns."""
    strips, _, width = pack.shape
    if pack.last == width:
        return [((0, strips), width)]
    ranges = [((0, strips - 1), width), ((strips - 1, strips), pack.last)]
    return [item for item in ranges if item[0][0] < item[0][1]]


def _kinds(f: Function, strip: Value, pack: Pack) -> list[tuple[Value, int]]:
    """Whether a strip is one of those with so many columns, for each such number."""
    return [
        (f.bit_and(f.compare("ge", strip, first), f.compare("lt", strip, end)), columns)
        for (first, end), columns in _widths(pack)
    ]


def _column(f: Function, strip: Value, pack: Pack, columns: int) -> Value:
    """The first column of a strip: the last one ends with the matrix."""
    column = f.mul(strip, pack.shape[2])
    last = constant("i64", pack.columns - columns)
    return f.select(f.compare("lt", column, last), column, last)


def copy_transposed(
    f: Function, kind: str, source: _Matrix, target: _Matrix, sizes: tuple[int, int]
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
    left, right, out : _Matrix
        Of which the last two have neighbouring elements along their second index.
    sizes : (int, int)
        The numbers of columns and of terms.
    scale : float
    """

    def __init__(
        self, f: Function, kind: str, left: _Matrix, right: _Matrix, out: _Matrix,
        sizes: tuple[int, int], scale: float,
    ) -> None:  # fmt: skip
        self.f, self.kind, self.left, self.right, self.out = f, kind, left, right, out
        (self.n, self.k), self.scale = sizes, scale
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
