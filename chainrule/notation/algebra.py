"""Matrix notation as data: small immutable expressions that know their shapes.

A shape is (rows, columns). An array with one axis is a column, (n, None), and a number is
(None, None): None is an axis that the array does not have, so that a column of one entry is not
taken for a number. Arrays with three axes or more keep all their sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

Dim = int | None
Shape = tuple[Dim, ...]
SCALAR: Shape = (None, None)


@dataclass(frozen=True)
class Expr:
    """One expression; each kind below is a node of the tree."""

    @property
    def shape(self) -> Shape:
        """Rows and columns, or the sizes of all axes if there are more than two."""
        raise NotImplementedError

    @property
    def parts(self) -> tuple[Expr, ...]:
        """The expressions that this one is made of."""
        return ()

    @property
    def is_scalar(self) -> bool:
        return self.shape == SCALAR

    @property
    def is_column(self) -> bool:
        return len(self.shape) == 2 and self.shape[0] is not None and self.shape[1] is None

    @property
    def is_row(self) -> bool:
        return len(self.shape) == 2 and self.shape[0] is None and self.shape[1] is not None


def shape_of_array(sizes: tuple[int, ...]) -> Shape:
    """The shape in matrix notation of an array with the given sizes."""
    return sizes if len(sizes) > 1 else (*sizes, *[None] * (2 - len(sizes)))


def dense_shape(shape: Shape) -> tuple[int, ...]:
    """The shape of the array that holds an expression's numbers."""
    return tuple(1 if size is None else size for size in shape)


@dataclass(frozen=True)
class Leaf(Expr):
    """An expression without parts, of a shape that is given."""

    size: Shape

    @property
    def shape(self) -> Shape:
        return self.size


@dataclass(frozen=True)
class Symbol(Leaf):
    """A named array."""

    name: str


@dataclass(frozen=True)
class Partial(Leaf):
    """The derivative ∂top/∂bottom as a symbol."""

    top: str
    bottom: str


@dataclass(frozen=True)
class Number(Expr):
    """A number, exact where it is a simple fraction."""

    value: Fraction | float

    @property
    def shape(self) -> Shape:
        return SCALAR


def number(value: float | Fraction) -> Number:
    """A number, as a fraction where a simple one has exactly this value."""
    if isinstance(value, Fraction):
        return Number(value)
    if not np.isfinite(value):
        return Number(float(value))
    near = Fraction(value).limit_denominator(100_000)
    return Number(near if float(near) == value else float(value))


class Ones(Leaf):
    """Ones everywhere: 1ᵀ sums over an axis."""


class Zero(Leaf):
    """Zeros everywhere."""


@dataclass(frozen=True)
class Identity(Expr):
    """The identity matrix."""

    size: int

    @property
    def shape(self) -> Shape:
        return (self.size, self.size)


@dataclass(frozen=True)
class Unit(Expr):
    """A column of the identity: 1 at one position."""

    index: int
    size: int

    @property
    def shape(self) -> Shape:
        return (self.size, None)


@dataclass(frozen=True)
class Selector(Expr):
    """Columns ``start, start + step, ...`` of the identity, ``length`` of them."""

    start: int
    step: int
    length: int
    size: int

    @property
    def shape(self) -> Shape:
        return (self.size, self.length)


@dataclass(frozen=True)
class Triangle(Expr):
    """Ones on and below the diagonal, or on and above it: a cumulative sum."""

    size: int
    upper: bool

    @property
    def shape(self) -> Shape:
        return (self.size, self.size)


@dataclass(frozen=True)
class Sum(Expr):
    """A sum of expressions of one shape."""

    terms: tuple[Expr, ...]

    @property
    def shape(self) -> Shape:
        return self.terms[0].shape

    @property
    def parts(self) -> tuple[Expr, ...]:
        return self.terms


@dataclass(frozen=True)
class Product(Expr):
    """A matrix product; numbers may stand anywhere in it."""

    factors: tuple[Expr, ...]

    @property
    def shape(self) -> Shape:
        shapes = [item.shape for item in self.factors if not item.is_scalar]
        if not shapes:
            return SCALAR
        return shapes[0] if len(shapes) == 1 else (shapes[0][0], shapes[-1][1])

    @property
    def parts(self) -> tuple[Expr, ...]:
        return self.factors


@dataclass(frozen=True)
class Hadamard(Expr):
    """The elementwise product ⊙ of expressions of one shape."""

    factors: tuple[Expr, ...]

    @property
    def shape(self) -> Shape:
        return self.factors[0].shape

    @property
    def parts(self) -> tuple[Expr, ...]:
        return self.factors


@dataclass(frozen=True)
class OfOne(Expr):
    """An expression of one other; kinds without fields of their own inherit all it has."""

    inner: Expr

    @property
    def parts(self) -> tuple[Expr, ...]:
        return (self.inner,)

    @property
    def shape(self) -> Shape:
        return SCALAR


class Transpose(OfOne):
    """Rows and columns exchanged."""

    @property
    def shape(self) -> Shape:
        return self.inner.shape[::-1]


class Inverse(OfOne):
    """The inverse of a square matrix."""

    @property
    def shape(self) -> Shape:
        return self.inner.shape[::-1]


class Diag(OfOne):
    """The diagonal matrix of a column."""

    @property
    def shape(self) -> Shape:
        return (self.inner.shape[0], self.inner.shape[0])


class Diagonal(OfOne):
    """The diagonal of a square matrix, as a column."""

    @property
    def shape(self) -> Shape:
        return (self.inner.shape[0], None)


class Trace(OfOne):
    """The sum of a square matrix's diagonal."""


class Norm(OfOne):
    """The square root of the sum of all squares."""


class Vec(OfOne):
    """A matrix's rows one after the other, as a column."""

    @property
    def shape(self) -> Shape:
        return (prod(dense_shape(self.inner.shape)), None)


@dataclass(frozen=True)
class Power(OfOne):
    """An elementwise power with a constant exponent."""

    exponent: Fraction | float

    @property
    def shape(self) -> Shape:
        return self.inner.shape


@dataclass(frozen=True)
class Apply(Expr):
    """A function of single elements; ``run`` computes it, else the row of its name does."""

    function: str
    args: tuple[Expr, ...]
    run: Callable[..., Any] | None = field(default=None, compare=False, repr=False)

    @property
    def shape(self) -> Shape:
        return self.args[0].shape

    @property
    def parts(self) -> tuple[Expr, ...]:
        return self.args


@dataclass(frozen=True)
class Slope(Expr):
    """What a row gave as its derivative by one input, under its name: σ′(Z), [a ≻ b].

    ``value`` is that coefficient's value at the point: no formula but the row's has a part in it.
    """

    function: str
    position: int
    args: tuple[Expr, ...]
    value: Any = field(compare=False, repr=False)

    @property
    def shape(self) -> Shape:
        return self.args[0].shape

    @property
    def parts(self) -> tuple[Expr, ...]:
        return self.args


@dataclass(frozen=True)
class Call(Expr):
    """Any other function of whole arrays, such as softmax; ``run`` computes it."""

    function: str
    args: tuple[Expr, ...]
    size: Shape
    detail: str = ""
    run: Callable[..., Any] | None = field(default=None, compare=False, repr=False)

    @property
    def shape(self) -> Shape:
        return self.size

    @property
    def parts(self) -> tuple[Expr, ...]:
        return self.args


Key = tuple[int | tuple[int, int, int], ...]
"""For each axis a position, or start, step and length."""


@dataclass(frozen=True)
class Index(OfOne):
    """Part of an array: ``x[0]``, ``A[1:3, 0]``, counted from 0 as in NumPy."""

    key: Key

    @property
    def shape(self) -> Shape:
        return shape_of_array(tuple(item[2] for item in self.key if isinstance(item, tuple)))


@dataclass(frozen=True)
class Kronecker(Expr):
    """The Kronecker product ⊗, for arrays laid out row by row."""

    left: Expr
    right: Expr

    @property
    def shape(self) -> Shape:
        one, two = dense_shape(self.left.shape), dense_shape(self.right.shape)
        return (one[0] * two[0], one[1] * two[1])

    @property
    def parts(self) -> tuple[Expr, ...]:
        return (self.left, self.right)


@dataclass(frozen=True)
class Swap(Expr):
    """The permutation that takes the rows of an m×n matrix, stacked, to those of its transpose."""

    rows: int
    columns: int

    @property
    def shape(self) -> Shape:
        return (self.rows * self.columns, self.rows * self.columns)


@dataclass(frozen=True)
class Indexed(Expr):
    """A sum of products in index notation: what matrices cannot say.

    ``labels`` has the labels of each factor's axes, ``out`` those of the result. Labels that stand
    in ``out`` and in no factor repeat; a label twice in ``out`` is a Kronecker delta. With a
    ``split``, the result is a Jacobian, whose first ``split`` axes together are the rows of a
    matrix and whose other axes are its columns, laid out row by row.
    """

    factors: tuple[Expr, ...]
    labels: tuple[tuple[int, ...], ...]
    out: tuple[int, ...]
    sizes: tuple[int, ...]
    split: int | None

    @property
    def sizes_out(self) -> tuple[int, ...]:
        return tuple(self.sizes[label] for label in self.out)

    @property
    def shape(self) -> Shape:
        if self.split is None:
            return shape_of_array(self.sizes_out)
        return (prod(self.sizes_out[: self.split]), prod(self.sizes_out[self.split :]))

    @property
    def parts(self) -> tuple[Expr, ...]:
        return self.factors


def replace_parts(expr: Expr, parts: tuple[Expr, ...]) -> Expr:
    """The same kind of expression made of other parts."""
    match expr:
        case Sum():
            return Sum(parts)
        case Product():
            return Product(parts)
        case Hadamard():
            return Hadamard(parts)
        case Power():
            return Power(parts[0], expr.exponent)
        case Index():
            return Index(parts[0], expr.key)
        case OfOne():
            return type(expr)(parts[0])
        case Apply():
            return Apply(expr.function, parts, expr.run)
        case Slope():
            return Slope(expr.function, expr.position, parts, expr.value)
        case Call():
            return Call(expr.function, parts, expr.size, expr.detail, expr.run)
        case Kronecker():
            return Kronecker(*parts)
        case Indexed():
            return Indexed(parts, expr.labels, expr.out, expr.sizes, expr.split)
    return expr


def weight(expr: Expr, limit: int = 10**6) -> int:
    """How many symbols an expression has when it is written out, counted up to a limit."""
    count, pending = 0, [expr]
    while pending and count < limit:
        item = pending.pop()
        count += 1
        pending.extend(item.parts)
    return count
