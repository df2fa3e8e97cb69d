"""Matrix products as data: which elements are multiplied, and along which axes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

from chainrule.graph.node import Node, new_input
from chainrule.native.plan.loops import Access, Apply, Dtype, Load, Loop, Reduction
from chainrule.native.plan.views import row_major, steps_along, view_of
from chainrule.primitives.products import Spec
from chainrule.shapes import Shape


class Product(NamedTuple):
    """``out[..., m, n] = scale * sum over k of left[..., m, k] * right[..., k, n]``.

    Attributes
    ----------
    shape : tuple of int
        The range of each index: those of a batch first, then m, n and k.
    left, right, out : Access
        Along these axes; with steps of 0 along k, n and m respectively.
    scale : float
    dtype : dtype
    strong : bool
        Whether a factor that is exactly zero wins over an infinite or undefined one.
    packed : Pack, optional
        The copy that is read instead of the right operand.
    whole : Product, optional
        Of a product that is done strip by strip of that copy, the product as a whole: the strips
        are then one more index, in front, and n those within a strip.
    """

    shape: Shape
    left: Access
    right: Access
    out: Access
    scale: float
    dtype: Dtype
    strong: bool = False
    packed: Pack | None = None
    whole: Any = None

    @property
    def reads(self) -> list[Access]:
        """What is loaded."""
        return [self.left, self.right if self.packed is None else self.packed.out]

    @property
    def writes(self) -> list[Access]:
        """What is stored."""
        return [self.out]

    @property
    def multiplications(self) -> int:
        return prod(self.shape)

    @property
    def room(self) -> int:
        """Bytes of the stack for a copy of the right operand whose columns are neighbours."""
        is_copied = self.packed is None and self.right.steps[-2] != 1
        return prod(self.shape[-2:]) * self.dtype.itemsize if is_copied else 0

    def as_loop(self) -> Loop:
        """The same as a loop that says it element by element."""
        if self.whole is not None:
            loop: Loop = self.whole.as_loop()
            return loop
        body = (
            Load(self.left, self.dtype),
            Load(self.right, self.dtype),
            Apply("strong_multiply" if self.strong else "multiply", (0, 1), self.dtype),
        )
        return Loop(self.shape, body, (), (Reduction(2, self.out, "sum", self.scale),))


class Pack(NamedTuple):
    """A copy of a right operand in strips of columns, each of which lies in memory row after row.

    Attributes
    ----------
    shape : tuple of int
        The numbers of strips, of rows k, and of columns of a strip. The last strip may have
        fewer, and ends with the matrix.
    columns, last : int
        Columns of the matrix, and of the last strip.
    source : Access
        Along k and the columns.
    out : Access
        Along the axes of the shape.
    """

    shape: Shape
    columns: int
    last: int
    source: Access
    out: Access

    @property
    def reads(self) -> list[Access]:
        """What is loaded."""
        return [self.source]

    @property
    def writes(self) -> list[Access]:
        """What is stored."""
        return [self.out]


PACKED_ROWS = 128
"""Up to so many rows of a strip are read where they are, if they are not far from one another."""
_PAGE = 4096
"""Bytes after which addresses share their place in the first-level cache."""


def with_packing(product: Product, lanes: int, vectors: int) -> list[Pack | Product]:
    """A product, after a copy of its right operand where that pays.

    Parameters
    ----------
    product : Product
    lanes, vectors : int
        The processor multiplies so many vectors of columns, of so many lanes, at a time.
    """
    *batch, m, n, k = product.shape
    by_strips = not batch and m <= min(n, FEW_ROWS) and n * k * product.dtype.itemsize >= FAR
    if by_strips and n >= 4 * lanes:  # narrower ones can be shared out evenly
        vectors = min(vectors, 2)
    strip = lanes * vectors
    row, column = product.right.steps[-1], product.right.steps[-2]
    bytes_of_row = row * product.dtype.itemsize
    is_near = k <= PACKED_ROWS and bytes_of_row % _PAGE
    is_small = n * k * product.dtype.itemsize <= CACHED
    as_it_is = column == 1 and (is_near or bytes_of_row <= _PAGE // 4) and not by_strips
    if as_it_is or is_small or n < strip:
        return [product]
    if any(product.right.steps[: len(batch)]) or m < 8:
        return [product]
    shape = (-(-n // strip), k, strip)
    target = new_input(shape, product.dtype)
    source = Access(product.right.array, (row, column), product.right.offset)
    last = -(-(n % strip or strip) // lanes) * lanes
    pack = Pack(shape, n, last, source, Access(target, row_major(shape)))
    if not by_strips:
        return [pack, product._replace(packed=pack)]
    within = pack._replace(out=Access(target, (k * strip, 0, 1, strip)))
    return [
        pack,
        product._replace(
            shape=(shape[0], m, strip, k),
            left=product.left._replace(steps=(0, *product.left.steps)),
            out=product.out._replace(steps=(strip, *product.out.steps)),
            packed=within,
            whole=product,
        ),
    ]


FAR = 256 << 10
"""Bytes of a right operand from which a thread does better to keep to a part of it."""
FEW_ROWS = 128
"""Rows of a result up to which it does."""
MOST_ROOM = 128 << 10
"""What a product may take of a thread's stack, of which some systems give 512 KiB in all."""
CACHED = 24 << 10
"""Bytes of a right operand that stays in the first-level cache."""


class _Axis(NamedTuple):
    """A range of an index, and the steps along it in each of the three arrays."""

    size: int
    left: int
    right: int
    out: int


def product_of(node: Node) -> Product | None:
    """A contraction of two operands as a matrix product; None where it is not one.

    Indices that continue each other in memory are one; what is left over of the rows and of the
    columns joins the batch.
    """
    spec: Spec = node.params
    dtypes = {item.dtype for item in node.inputs}
    if len(node.inputs) != 2 or dtypes != {node.dtype} or len(set(spec.out)) < len(spec.out):
        return None
    pair = list(zip(spec.operands, (view_of(item) for item in node.inputs), strict=True))
    alone = [n for n in spec.out if (n in pair[0][0]) != (n in pair[1][0]) and spec.sizes[n] != 1]
    if alone and alone[0] in pair[1][0]:  # the operand with the result's rows comes first
        pair.reverse()
    (left_labels, left), (right_labels, right) = pair
    steps = (
        (left_labels, left.steps),
        (right_labels, right.steps),
        (spec.out, row_major(node.shape)),
    )
    groups: dict[str, list[_Axis]] = {"batch": [], "m": [], "n": [], "k": []}
    order = [*spec.out, *(n for n in spec.operands[0] if n not in spec.out)]
    for label in dict.fromkeys(order):
        if spec.sizes[label] == 1:
            continue
        has = [label in labels for labels, _ in steps]
        axis = _Axis(spec.sizes[label], *(steps_along((label,), *pair)[0] for pair in steps))
        kind = _KINDS.get((has[0], has[1], has[2]))
        if kind is None:
            return None
        groups[kind].append(axis)
    m, n, k = (_joined(groups[name]) for name in ("m", "n", "k"))
    if not m or not n or len(k) != 1:
        return None
    axes = [*groups["batch"], *m[:-1], *n[:-1], m[-1], n[-1], k[0]]
    made = Product(
        tuple(axis.size for axis in axes),
        Access(left.base, tuple(axis.left for axis in axes), left.offset),
        Access(right.base, tuple(axis.right for axis in axes), right.offset),
        Access(node, tuple(axis.out for axis in axes)),
        spec.scale,
        node.dtype,
        spec.strong,
    )
    return made if _lies_in_order(made) else None


def _lies_in_order(product: Product) -> bool:
    """Whether the three matrices lie in memory as tiles and strips read and write them."""
    m, n, k = product.shape[-3:]
    left, right, out = (item.steps[-3:] for item in (product.left, product.right, product.out))
    return (
        _is_matrix((m, k), (left[0], left[2]))
        and _is_matrix((k, n), (right[2], right[1]))
        and out[1] == 1
        and out[0] >= n
    )


def _is_matrix(sizes: tuple[int, int], steps: tuple[int, int]) -> bool:
    """Whether one index has the step 1, and the other passes over all of it."""
    return (steps[1] == 1 and steps[0] >= sizes[1]) or (steps[0] == 1 and steps[1] >= sizes[0])


_KINDS = {
    (True, True, True): "batch",
    (True, False, True): "m",
    (False, True, True): "n",
    (True, True, False): "k",
}
"""An index by whether the left operand, the right one and the result have it."""


def _joined(axes: Sequence[_Axis]) -> list[_Axis]:
    """Axes that continue each other in all arrays as one."""
    joined: list[_Axis] = []
    for axis in axes:
        last = joined[-1] if joined else None
        if last and all(a == b * axis.size for a, b in zip(last[1:], axis[1:], strict=True)):
            joined[-1] = _Axis(last.size * axis.size, *axis[1:])
        else:
            joined.append(axis)
    return joined
