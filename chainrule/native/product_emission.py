"""Matrix products written as LLVM IR: register tiles where they are small, else calls of BLAS.

A tile keeps some rows of the result, some vectors wide, in registers while it goes along k: each
step loads the vectors of one row of the right operand and multiplies them by one number of each
row of the left. Every element is one chain of sums in the order of k.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from chainrule.graph.node import Node
from chainrule.native.builder import Function
from chainrule.native.emission import KINDS, Rows
from chainrule.native.ir import SIZES, Value, constant, vector
from chainrule.native.products import Product

CACHED = 24 << 10
"""Bytes of a right operand that stays in the first-level cache."""
UNROLLED = 4
"""Up to so many steps along k are written out."""
BLAS = {"float": "chainrule_sgemm", "double": "chainrule_dgemm"}
"""The names under which code calls BLAS."""


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
            right = self._matrix(product.right, indices, (-1, -2))
            out = self._matrix(product.out, indices, (-3, -2))
            self._one(left, right, out, *within)

    def _matrix(self, access: Any, indices: Sequence[Value], axes: tuple[int, int]) -> _Matrix:
        f, where = self.f, self.f.value(access.offset, "i64")
        for index, step in zip(indices, access.steps, strict=False):
            where = f.add(where, f.mul(index, step))
        start = f.at(self.base[access.array], where, self.kind)
        return _Matrix(start, (access.steps[axes[0]], access.steps[axes[1]]))

    def _one(self, left: _Matrix, right: _Matrix, out: _Matrix, begin: Any, end: Any) -> None:
        """One product, for a range of its rows."""
        f, (_, n, k) = self.f, self.product.shape[-3:]
        if n * k * SIZES[self.kind] <= CACHED:
            if right.steps[1] != 1:
                right = self._transposed(right, k, n)
            Tiles(f, self.kind, left, right, out, (n, k), self.product.scale).write(begin, end)
            return
        self._blas(left, right, out, begin, end)

    def _transposed(self, right: _Matrix, k: int, n: int) -> _Matrix:
        """A copy whose second index is the one along which elements are neighbours."""
        f = self.f
        room = f.scratch(self.kind, k * n)
        with f.loop(0, k) as row, f.loop(0, n) as column:
            source = f.add(f.mul(row, right.steps[0]), f.mul(column, right.steps[1]))
            value = f.load(f.at(right.start, source, self.kind), self.kind)
            f.store(value, f.at(room, f.add(f.mul(row, n), column), self.kind))
        return _Matrix(room, (n, 1))

    # -- BLAS -------------------------------------------------------------------------------------

    def _blas(self, left: _Matrix, right: _Matrix, out: _Matrix, begin: Any, end: Any) -> None:
        """``gemm`` of columns: the transposed result is the right operand times the left one."""
        f, (_, n, k) = self.f, self.product.shape[-3:]
        low = f.value(begin, "i64")
        count = f.sub(f.value(end, "i64"), low)
        first = f.at(left.start, f.mul(low, left.steps[0]), self.kind)
        target = f.at(out.start, f.mul(low, out.steps[0]), self.kind)
        right_as_is = right.steps[1] == 1
        left_as_is = left.steps[1] == 1
        arguments = [
            self._held(constant("i8", ord("N" if right_as_is else "T"))),
            self._held(constant("i8", ord("N" if left_as_is else "T"))),
            self._held(constant("i32", n)),
            self._held(f.cast("trunc", count, "i32")),
            self._held(constant("i32", k)),
            self._held(constant(self.kind, self.product.scale)),
            right.start,
            self._held(constant("i32", right.steps[0] if right_as_is else right.steps[1])),
            first,
            self._held(constant("i32", left.steps[0] if left_as_is else left.steps[1])),
            self._held(constant(self.kind, 0.0)),
            target,
            self._held(constant("i32", out.steps[0])),
        ]
        f.call(BLAS[self.kind], "void", *arguments)

    def _held(self, value: Value) -> Value:
        """The address of an argument, as Fortran takes it."""
        room = self.f.scratch(value.type)
        self.f.store(value, room)
        return room


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
        registers = 32 if f.target.has_avx512 or f.target.is_arm else 16
        self.vectors = min(3, -(-self.n // lanes))
        self.most = (registers - self.vectors - 1) // self.vectors
        self.most = min(self.most, 8)

    def write(self, begin: Any, end: Any) -> None:
        """All columns of some rows."""
        f = self.f
        full = self.n // self.lanes
        groups, left_over = divmod(full, self.vectors)
        offsets = [self.lanes * v for v in range(self.vectors)]
        if groups > 1:
            with f.loop(0, groups * self.vectors * self.lanes, self.vectors * self.lanes) as start:
                self._columns(start, offsets, begin, end)
        elif groups:
            self._columns(constant("i64", 0), offsets, begin, end)
        done = groups * self.vectors * self.lanes
        rest = [done + self.lanes * v for v in range(left_over)]
        if self.n % self.lanes:  # moved back, over columns that get the same values again
            rest.append(self.n - self.lanes)
        if rest:
            self._columns(constant("i64", 0), rest, begin, end)

    def _columns(self, start: Value, offsets: Sequence[int], begin: Any, end: Any) -> None:
        f, rows = self.f, max(min(self.most * self.vectors // len(offsets), 8), 1)
        if isinstance(begin, int) and isinstance(end, int):
            tiles, left_over = divmod(end - begin, rows)
            with f.loop(begin, begin + tiles * rows, rows) as row:
                self._tile(row, rows, start, offsets)
            if left_over:
                last = constant("i64", begin + tiles * rows)
                self._tile(last, left_over, start, offsets)
            return
        low, high = f.value(begin, "i64"), f.value(end, "i64")
        count = f.sub(high, low)
        whole = f.sub(count, f.emit(f"srem {count}, {rows}", "i64"))
        middle = f.add(low, whole)
        with f.loop(low, middle, rows) as row:
            self._tile(row, rows, start, offsets)
        with f.loop(middle, high) as row:
            self._tile(row, 1, start, offsets)

    def _tile(self, row: Value, rows: int, start: Value, offsets: Sequence[int]) -> None:
        f = self.f
        lefts = [
            f.at(self.left.start, f.mul(f.add(row, r), self.left.steps[0]), self.kind)
            for r in range(rows)
        ]
        top = f.at(self.right.start, start, self.kind)

        def terms(k: Any, sums: Sequence[Value]) -> list[Value]:
            line = f.at(top, f.mul(k, self.right.steps[0]) if isinstance(k, Value)
                        else k * self.right.steps[0], self.kind)  # fmt: skip
            vectors = [f.load(f.at(line, offset, self.kind), self.type) for offset in offsets]
            along = f.mul(k, self.left.steps[1]) if isinstance(k, Value) else k * self.left.steps[1]
            new = []
            for r, pointer in enumerate(lefts):
                number = f.load(f.at(pointer, along, self.kind), self.kind)
                spread = f.splat(number, self.lanes)
                for v, item in enumerate(vectors):
                    known = sums[r * len(offsets) + v]
                    new.append(f.fma(spread, item, known))
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
            target = f.at(
                self.out.start, f.add(f.mul(f.add(row, r), self.out.steps[0]), start), self.kind
            )
            for v, offset in enumerate(offsets):
                total = sums[r * len(offsets) + v]
                if self.scale != 1.0:
                    total = f.mul(total, self.scale)
                f.store(total, f.at(target, offset, self.kind))
