"""The Jacobian of one output by one input as an object: structured, applied, or written out."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from html import escape
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chainrule.arguments import real_array, shown
from chainrule.errors import ArgumentTypeError, MemoryRefused, ShapeError, UnpicklableError
from chainrule.graph.node import INPUT, Array, Node, constant, holding
from chainrule.graph.pickling import Table, packed, unpacked
from chainrule.interpret.run import evaluate, owned
from chainrule.jacobian import indexing, structure, writing
from chainrule.jacobian.accumulate import Accumulated, composed
from chainrule.jacobian.merging import merged
from chainrule.jacobian.picture import spy_svg
from chainrule.jacobian.solving import solve
from chainrule.jacobian.summands import Unstructured, canonical, dense
from chainrule.primitives.expression import Expression
from chainrule.primitives.terms import Term
from chainrule.properties import cached_property
from chainrule.shapes import Shape

if TYPE_CHECKING:
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import LinearOperator


NUMBERS = (int, float, np.integer, np.floating)


ALWAYS_FREE = 2**20
"""Bytes that are not worth asking the system for: a megabyte."""

Evaluate = Callable[[Sequence[Node]], Sequence[Array]]
"""What computes the values of coefficients."""


class Routes(NamedTuple):
    """Ways through the graph that never form the Jacobian; absent for results of arithmetic."""

    push: Callable[[Any], Any]
    pull: Callable[[Any], Any]
    dense: Callable[[], Any]
    is_traced: bool


def free_memory() -> int:
    """Bytes of memory that are free now; a large number where the system does not say."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 2**62


class Jacobian:
    """∂f/∂x at a point, in numerator layout: ``J[i, j] = ∂f_i/∂x_j``, (5.58).

    It is kept as a sum of products of coefficients with Kronecker deltas, which are never
    multiplied out: the Jacobian of an elementwise function of a million entries is a million
    numbers.

    Attributes
    ----------
    shape : tuple of int
        ``output_shape + input_shape``: an m×n matrix by a p×q matrix has shape (m, n, p, q).
    output_shape, input_shape : tuple of int
        The shapes of f(x) and of x.
    dtype : numpy.dtype
        The dtype of f(x).
    structure : str
        What it is, in words; known before anything is computed.
    nbytes, dense_nbytes : int
        Bytes of the coefficients, and of the array that ``toarray`` would return.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> J = cr.jacobian(lambda x: x ** 2)(np.array([1.0, 2.0, 3.0]))
    >>> J
    <Jacobian 3 by 3, float64: diagonal, 24 bytes (72 dense)>
    >>> J @ np.ones(3)
    array([2., 4., 6.])
    >>> J.diagonal()
    array([2., 4., 6.])
    """

    __array_ufunc__ = None  # so that ``u @ J`` asks this object and not NumPy

    def __init__(
        self,
        output_shape: Shape,
        input_shape: Shape,
        dtype: np.dtype[Any],
        accumulate: Callable[[], Sequence[Accumulated]],
        routes: Routes | None = None,
        is_symmetric: bool = False,
        evaluate: Evaluate = evaluate,
    ) -> None:
        self.output_shape, self.input_shape, self.dtype = output_shape, input_shape, dtype
        self._accumulate, self._routes, self.is_symmetric = accumulate, routes, is_symmetric
        self._evaluate = evaluate
        self._handed_out = False

    @classmethod
    def of_summands(
        cls,
        out: Shape,
        into: Shape,
        dtype: np.dtype[Any],
        summands: Sequence[Term],
        evaluate: Evaluate = evaluate,
        is_symmetric: bool = False,
    ) -> Jacobian:
        """A Jacobian from its parts, and what computes the values of their coefficients."""
        whole = Accumulated("reverse", tuple(summands), 0)
        return cls(out, into, dtype, lambda: [whole], None, is_symmetric, evaluate)

    # -- what it is --------------------------------------------------------------------------------

    @cached_property
    def orders(self) -> Sequence[Accumulated]:
        """Every order of accumulation that was considered, the cheapest first."""
        return self._accumulate()

    @property
    def summands(self) -> tuple[Term, ...]:
        """The structured summands, from the cheapest order of accumulation."""
        return self.orders[0].summands

    @cached_property
    def _nodes(self) -> list[Node]:
        return structure.coefficient_nodes(self.summands)

    @cached_property
    def _values(self) -> Mapping[Node, Array]:
        """The arrays of all coefficients and tables of positions, computed once."""
        self._refuse_if_larger(self.nbytes, "the coefficients")
        values = dict(zip(self._nodes, self._evaluate(self._nodes), strict=True))
        if self._evaluate is evaluate:  # the nodes are this Jacobian's own: for whoever asks next
            for node, value in values.items():
                node.value = value
        return values

    @cached_property
    def _settled(self) -> tuple[Term, ...]:
        """Summands to compute with where nodes stand for other points too, and have no value."""
        if self._evaluate is evaluate:
            return self.summands
        became = {node: holding(value) for node, value in self._values.items()}
        return tuple(structure.with_coefficients(item, became) for item in self.summands)

    @property
    def _parts(self) -> tuple[tuple[Term, ...], Evaluate]:
        """Summands to take parts of, and what computes them: later, unless it is done already."""
        return (self._settled, evaluate) if self._is_computed else (self.summands, self._evaluate)

    @property
    def shape(self) -> Shape:
        return self.output_shape + self.input_shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def structure(self) -> str:
        words = structure.describe(self.summands, self.output_shape, self.input_shape)
        return f"{words}, symmetric" if self.is_symmetric and "dense" in words else words

    @property
    def nbytes(self) -> int:
        return structure.nbytes_of(self._nodes)

    @property
    def dense_nbytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize

    def __copy__(self) -> Jacobian:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Jacobian:
        return self  # it does not change

    def __reduce__(self) -> Any:
        """With the values of its coefficients once they are computed, else with its graph."""
        routes = self._routes
        if routes is not None and routes.is_traced:
            raise UnpicklableError(
                "pickle Jacobian", "it belongs to a derivative that is being taken", repr(self),
                "return it, and pickle what the outermost call returns",
            )  # fmt: skip
        if routes is not None and not self._is_computed and self._evaluate is evaluate:
            parts = (self._accumulate, routes, self.is_symmetric)
            return Jacobian, (self.output_shape, self.input_shape, self.dtype, *parts)
        found = {
            node: constant(value) if node.witness is None and node.primitive is not INPUT
            else holding(value)
            for node, value in self._values.items()
        }  # fmt: skip
        numbers = {node: k for k, node in enumerate(found)}
        summands = tuple(structure.with_coefficients(item, numbers) for item in self.summands)
        sides = (self.output_shape, self.input_shape, self.dtype)
        return _again, (*sides, packed(list(found.values())), summands, self.is_symmetric)

    def __repr__(self) -> str:
        sides = " by ".join(_size(shape) for shape in (self.output_shape, self.input_shape))
        if self._routes is not None and self._routes.is_traced:
            return f"<Jacobian {sides}, {self.dtype}, traced>"
        return (
            f"<Jacobian {sides}, {self.dtype}: {self.structure}, "
            f"{self.nbytes:,} bytes ({self.dense_nbytes:,} dense)>"
        )

    def _repr_html_(self) -> str:
        """The same with a picture of where entries are, for notebooks."""
        traced = self._routes is not None and self._routes.is_traced
        picture = "" if traced else spy_svg(self)
        return f"<figure>{picture}<figcaption>{escape(repr(self)[1:-1])}</figcaption></figure>"

    # -- writing it out ----------------------------------------------------------------------------

    def toarray(self) -> Any:
        """The whole Jacobian as an array of shape ``output_shape + input_shape``.

        Raises
        ------
        MemoryRefused
            If it would not fit into the memory that is free now.
        """
        self._refuse_if_larger(self.dense_nbytes, "toarray")
        if self._routes is not None and self._routes.is_traced:
            return self._routes.dense()
        handed_out = self._whole_array()
        if handed_out is not None:
            return handed_out
        return writing.write_dense(self.summands, self.shape, self.dtype, self._values)

    def _whole_array(self) -> Array | None:
        """The one coefficient that is the array already: handed out once instead of copied."""
        if self._handed_out or self._is_computed or len(self.summands) != 1:
            return None
        (only,) = self.summands
        rank = len(self.output_shape)
        labels = tuple(range(self.ndim))
        whole = ((labels[:rank], labels[rank:]), labels, 1.0)
        held = [item for item in only.coefficients if item.node.value is None]
        if len(only.coefficients) != 1 or not held or held[0].node.dtype != self.dtype:
            return None
        if ((only.out, only.into), held[0].labels, only.scale) != whole or only.virtual:
            return None
        self._handed_out = True
        array: Array = owned([held[0].node], self._evaluate([held[0].node]))[0]
        return np.asarray(array)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self.toarray(), dtype=dtype)

    def tosparse(self) -> csr_array:
        """A SciPy CSR array of outputs by inputs, both flattened in row-major order.

        The pattern is the exact one of the structure; entries that happen to be zero are stored.

        Raises
        ------
        MemoryRefused
            If it would not fit into the memory that is free now.
        """
        size = structure.entries(self.summands) * (self.dtype.itemsize + 4)
        self._refuse_if_larger(size, "tosparse")
        return writing.write_sparse(
            self.summands, self.output_shape, self.input_shape, self.dtype, self._values
        )

    def aslinearoperator(self) -> LinearOperator:
        """A SciPy LinearOperator of outputs by inputs, both flattened, which never forms J."""
        from scipy.sparse.linalg import LinearOperator

        def apply(vector: Array) -> Array:
            return np.ravel(self @ np.reshape(vector, self.input_shape))

        def apply_transposed(vector: Array) -> Array:
            return np.ravel(np.reshape(vector, self.output_shape) @ self)

        sides = (prod(self.output_shape), prod(self.input_shape))
        return LinearOperator(shape=sides, dtype=self.dtype, matvec=apply, rmatvec=apply_transposed)

    def diagonal(self) -> Array:
        """The entries ``J[i, i]`` of a square Jacobian, in the output's shape."""
        if self.output_shape != self.input_shape:
            raise ShapeError(
                "diagonal", "the output and the input must have one shape",
                got=f"{self.output_shape} by {self.input_shape}",
            )  # fmt: skip
        summands, evaluate = self._parts
        try:
            parts = indexing.diagonal(summands)
        except Unstructured:
            size = prod(self.output_shape)
            flat = self.toarray().reshape(size, size)
            return np.array(flat.diagonal()).reshape(self.output_shape)
        diagonal = self.of_summands(self.output_shape, (), self.dtype, parts, evaluate)
        return np.asarray(diagonal.toarray())

    def solve(self, b: Any) -> Array:
        """x with ``J x = b`` for a square J, by a solver that suits the structure.

        Parameters
        ----------
        b : array_like
            Of the output's shape, or with more axes behind: one system for each.

        Raises
        ------
        ShapeError
            If J is not square or b has another shape.
        SingularError
            If J is singular.
        """
        return solve(self, b)

    # -- arithmetic --------------------------------------------------------------------------------

    @property
    def T(self) -> Jacobian:
        """The transpose: inputs by outputs."""
        summands, evaluate = self._parts
        parts = [canonical(summand.transposed) for summand in summands]
        return self.of_summands(self.input_shape, self.output_shape, self.dtype, parts, evaluate)

    def __matmul__(self, other: Any) -> Any:
        """``J @ v`` for v of the input's shape, with more axes behind, or another Jacobian.

        The product with a single v never forms J.
        """
        if isinstance(other, Jacobian):
            return self._after(other)
        other = _operand("J @ v", other)
        shape = other.shape
        rank = len(self.input_shape)
        if shape[:rank] != self.input_shape:
            raise ShapeError(
                "J @ v",
                "the first axes must be those of the input",
                got=f"{shape} for {self.output_shape} by {self.input_shape}",
            )
        if len(shape) == rank and self._routes is not None and not self._is_computed:
            return self._routes.push(other)
        array = np.asarray(other, self.dtype)
        columns = _dense(array, shape[:rank], shape[rank:])
        return self._after(columns).toarray()

    def __rmatmul__(self, other: Any) -> Any:
        """``u @ J`` for u of the output's shape, or with more axes in front."""
        other = _operand("u @ J", other)
        shape = other.shape
        rank = len(shape) - len(self.output_shape)
        if rank < 0 or shape[rank:] != self.output_shape:
            raise ShapeError(
                "u @ J",
                "the last axes must be those of the output",
                got=f"{shape} for {self.output_shape} by {self.input_shape}",
            )
        if rank == 0 and self._routes is not None and not self._is_computed:
            return self._routes.pull(other)
        array = np.asarray(other, self.dtype)
        return _dense(array, shape[:rank], shape[rank:])._after(self).toarray()

    def _after(self, inner: Jacobian) -> Jacobian:
        """The chain rule (5.53): this Jacobian times the one of what comes before."""
        if self.input_shape != inner.output_shape:
            raise ShapeError(
                "J1 @ J2",
                "the input of the first must be the output of the second",
                got=f"{self.input_shape} and {inner.output_shape}",
            )
        dtype = np.result_type(self.dtype, inner.dtype)
        try:
            parts = merged(composed(self._settled, inner._settled, eager=True))
        except Unstructured:
            rank = len(self.input_shape)
            size = prod(self.output_shape + inner.input_shape) * dtype.itemsize
            self._refuse_if_larger(size, "J1 @ J2")
            product = np.tensordot(self.toarray(), inner.toarray(), rank)
            return _dense(product, self.output_shape, inner.input_shape)
        return self.of_summands(self.output_shape, inner.input_shape, dtype, parts)

    def __add__(self, other: Any) -> Jacobian:
        if not isinstance(other, Jacobian):
            raise ArgumentTypeError(
                "J1 + J2", "only Jacobians can be added to a Jacobian", got=shown(other),
                remedy="write J.toarray() + array",
            )  # fmt: skip
        if self.shape != other.shape or self.output_shape != other.output_shape:
            raise ShapeError(
                "J1 + J2", "the Jacobians have different shapes",
                got=f"{self.output_shape} by {self.input_shape} and "
                f"{other.output_shape} by {other.input_shape}",
            )  # fmt: skip
        dtype = np.result_type(self.dtype, other.dtype)
        parts = merged([*self._settled, *other._settled])
        return self.of_summands(self.output_shape, self.input_shape, dtype, parts)

    def __mul__(self, scale: Any) -> Jacobian:
        factor = _factor("number * J", scale)
        summands, evaluate = self._parts
        parts = [summand._replace(scale=summand.scale * factor) for summand in summands]
        return self.of_summands(self.output_shape, self.input_shape, self.dtype, parts, evaluate)

    __rmul__ = __mul__
    __radd__ = __rsub__ = __add__

    def __truediv__(self, divisor: Any) -> Jacobian:
        with np.errstate(all="ignore"):  # as NumPy: something over zero is infinite
            return self * float(np.divide(1.0, _factor("J / number", divisor)))

    def __neg__(self) -> Jacobian:
        return self * -1.0

    def __sub__(self, other: Any) -> Jacobian:
        negative: Jacobian = -other if isinstance(other, Jacobian) else other
        return self + negative

    def __getitem__(self, key: Any) -> Jacobian:
        """Part of the outputs and inputs, by slices, whole numbers, or an array of them."""
        ranges, kept = indexing.parts_of_axes(key, self.shape)
        rank = len(self.output_shape)
        lengths = [len(item) if isinstance(item, np.ndarray) else item.length for item in ranges]
        out = tuple(lengths[k] for k in range(rank) if k in kept)
        into = tuple(lengths[k] for k in range(rank, self.ndim) if k in kept)
        summands, evaluate = self._parts
        try:
            parts = indexing.part(summands, ranges, kept)
        except Unstructured:
            found = self.toarray()[key]
            return _dense(found, out, into)
        return self.of_summands(out, into, self.dtype, parts, evaluate)

    # -- computing the coefficients ----------------------------------------------------------------

    @property
    def _is_computed(self) -> bool:
        return "_values" in self.__dict__

    def _refuse_if_larger(self, needed: int, operation: str) -> None:
        if needed < ALWAYS_FREE:
            return
        free = free_memory()
        if needed > free:
            raise MemoryRefused(
                operation,
                f"a Jacobian of {_size(self.output_shape)} by {_size(self.input_shape)} does not "
                "fit into memory like this",
                got=f"{needed:,} bytes needed and {free:,} free",
                remedy="use J @ v and u @ J, which never form it, or J.tosparse() if it is sparse",
            )


def _again(
    out: Shape, into: Shape, dtype: np.dtype[Any], table: Table, summands: Sequence[Term],
    is_symmetric: bool,
) -> Jacobian:  # fmt: skip
    """A Jacobian whose coefficients are at hand."""
    became = dict(enumerate(unpacked(table)))
    parts = [structure.with_coefficients(item, became) for item in summands]
    return Jacobian.of_summands(out, into, dtype, parts, is_symmetric=is_symmetric)


def _operand(operation: str, value: Any) -> Any:
    """A traced value as it is, everything else as an array of real numbers."""
    is_traced = isinstance(value, Expression)
    return value if is_traced else real_array(operation, "what a Jacobian is multiplied by", value)


def _factor(operation: str, value: Any) -> float:
    """A real number, which may be infinite or NaN."""
    given = value[()] if type(value) is np.ndarray and value.ndim == 0 else value
    try:
        if isinstance(given, NUMBERS):
            return float(given)
    except OverflowError:
        pass
    raise ArgumentTypeError(
        operation, "a Jacobian is multiplied by a real number here", got=shown(value),
        remedy="write J @ v and u @ J for products with arrays, and J.toarray() * array",
    )  # fmt: skip


def _size(shape: Shape) -> str:
    return "×".join(str(size) for size in shape) or "scalar"


def _dense(array: Array, out: Shape, into: Shape) -> Jacobian:
    """An array as a Jacobian with one dense coefficient."""
    return Jacobian.of_summands(out, into, array.dtype, [dense(constant(array), len(out))])
