"""Matrix products, and the copies that they read, written as LLVM IR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from chainrule.graph.node import Node
from chainrule.native.code.builder import Function
from chainrule.native.code.emission import KINDS, Rows
from chainrule.native.code.ir import SIZES, Value, constant, vector
from chainrule.native.code.tiles import Matrix, Tiles, copy_transposed
from chainrule.native.plan.loops import Access
from chainrule.native.plan.products import Pack, Product


class ProductWriter:
    """Writes a product into a function; see :class:`chainrule.native.code.emission.LoopWriter`."""

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
            self._tiles(left, right, out, (n, k)).write(*within)

    def _tiles(self, left: Matrix, right: Matrix, out: Matrix, sizes: tuple[int, int]) -> Tiles:
        scale, strong = self.product.scale, self.product.strong
        return Tiles(self.f, self.kind, left, right, out, sizes, scale, strong)

    def _matrix(self, access: Access, indices: Sequence[Value], axes: tuple[int, int]) -> Matrix:
        f, where = self.f, self.f.value(access.offset, "i64")
        for index, step in zip(indices, access.steps, strict=False):
            where = f.add(where, f.mul(index, step))
        start = f.at(self.base[access.array], where, self.kind)
        return Matrix(start, (access.steps[axes[0]], access.steps[axes[1]]))

    def _packed(self, left: Matrix, out: Matrix, pack: Pack, begin: Any, end: Any) -> None:
        """Some rows of a product, strip by strip."""
        for strips, columns in _widths(pack):
            with self.f.loop(*strips) as strip:
                self._strip(strip, columns, (left, out), begin, end)

    def _by_strips(self) -> None:
        """All rows of some strips."""
        f, product = self.f, self.product
        assert product.packed is not None
        left = self._matrix(product.left, (), (-3, -1))
        out = self._matrix(product.out, (), (-3, -2))
        with f.loop(self.rows.begin, self.rows.end) as strip:
            for is_one, columns in _kinds(f, strip, product.packed):
                with f.if_(is_one):
                    self._strip(strip, columns, (left, out), 0, product.shape[-3])

    def _strip(
        self, strip: Value, columns: int, matrices: tuple[Matrix, Matrix], begin: Any, end: Any
    ) -> None:
        """Some rows of a strip, of the left operand and of the result."""
        f, pack, (left, out) = self.f, self.product.packed, matrices
        assert pack is not None
        _, k, width = pack.shape
        start = f.at(self.base[pack.out.array], f.mul(strip, k * width), self.kind)
        target = f.at(out.start, _column(f, strip, pack, columns), self.kind)
        right, result = Matrix(start, (width, 1)), Matrix(target, out.steps)
        self._tiles(left, right, result, (columns, k)).write(begin, end)

    def _transposed(self, right: Matrix, k: int, n: int) -> Matrix:
        """A small copy whose second index is the one along which elements are neighbours."""
        f = self.f
        room = f.scratch(self.kind, k * n)
        copied = Matrix(room, (n, 1))
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
                    matrices = Matrix(source, (row, step)), Matrix(target, (width, 1))
                    if step == 1:
                        self._copied(*matrices, columns)
                    else:
                        copy_transposed(f, self.kind, *matrices, (k, columns))

    def _copied(self, source: Matrix, target: Matrix, columns: int) -> None:
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
