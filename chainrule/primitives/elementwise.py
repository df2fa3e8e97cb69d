"""Functions of single elements: the kind, and arithmetic on nodes in which its rows are written.

A row states everything about a function once::

    tanh = elementwise(np.tanh, derivative=lambda x, y: 1 - y * y, domain=(-3, 3))

Derivatives are formulas of the inputs and the output ``y`` in plain NumPy. They are evaluated on
:class:`Expression`, so that their results are nodes of the graph and can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from chainrule.errors import DtypeError
from chainrule.graph.examples import Example, Region
from chainrule.graph.node import (
    Array,
    Node,
    Primitive,
    Signature,
    bracketed,
    constant,
    make,
    register,
)
from chainrule.graph.walk import substitute, topological
from chainrule.primitives import contraction
from chainrule.primitives.expression import UFUNCS, Expression
from chainrule.primitives.stated import (
    A_SERIES,
    Infix,
    Kink,
    Slope,
    Written,
    by_real_parts,
    goes_on,
)
from chainrule.primitives.terms import Term, diagonal, identity
from chainrule.shapes import broadcast_shapes

Derivative = Callable[..., Any]
Interval = tuple[float, float]
Dtypes = tuple[np.dtype[Any], ...]
Loop = Callable[[Dtypes], Dtypes]
"""Of the inputs' dtypes, those with which it is computed: the inputs', then the output's."""

ROWS: dict[str, Elementwise] = {}
"""Every elementwise primitive by name: the tests walk this table."""


class Elementwise(Primitive):
    """A function applied to each element of inputs that have one common shape."""

    symbol: Written | None = None
    relation: Written | None = None
    opposite: np.ufunc | None = None
    infix: Infix | None = None
    by_signs: Callable[..., Any] | None = None
    raises: bool = False
    cost: int = A_SERIES
    slopes: tuple[Slope, ...] = ()
    kink: Kink | None = None
    on_complex: Callable[..., Any] | None = None
    stands_for: Callable[..., Any] | None = None
    smooth_square: Callable[..., Any] | None = None

    def __init__(
        self,
        name: str,
        value: Callable[..., Array],
        derivatives: tuple[Derivative | None, ...],
        domain: tuple[Interval, ...],
        finite: bool,
        loop: Loop,
        source: str,
    ) -> None:
        self.name = name
        self.value = value
        self.derivatives = derivatives
        self.domain = domain
        self.finite = finite
        self.loop = lru_cache(maxsize=256)(loop)
        self.source = source

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        finite = self.finite and contraction.are_finite(inputs)
        dtypes = tuple([node.dtype for node in inputs])
        return Signature(inputs[0].shape, self.loop(dtypes)[-1], finite)

    def bind(self, node: Node) -> Callable[..., Array]:
        return self.value

    def examples(self) -> Sequence[Example]:
        regions = [Region((3,), low, high) for low, high in self.domain]
        return (Example(tuple(regions)),)

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        """Diagonal: the derivative on the diagonal, zeros elsewhere.

        Its formula sees the inputs as the function's own loop does: a whole number that is divided
        by is a floating-point number there, or its reciprocal would be a whole number as well.
        """
        derivative = self.derivatives[position]
        if derivative is None:
            return ()
        if type(derivative) is Constant:
            return _diagonal_term(derivative.number, node)
        loop = self.loop(tuple([item.dtype for item in node.inputs]))
        inputs = map(Expression, map(contraction.cast_to, node.inputs, loop))
        return _diagonal_term(derivative(*inputs, Expression(node)), node)

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        ranks = [item.ndim - is_mapped for item, is_mapped in zip(inputs, mapped, strict=True)]
        assert len(set(ranks)) == 1, "inputs of one elementwise node have one shape"
        return apply(self, *inputs)

    def text(self, node: Node, operands: Sequence[tuple[str, int]]) -> tuple[str, int]:
        if self.infix is None:
            return super().text(node, operands)
        sign, binding, regroups = self.infix
        left, right = operands
        tighter = binding + (not regroups)
        return f"{bracketed(left, binding)} {sign} {bracketed(right, tighter)}", binding

    def square(self, node: Node) -> Node | None:
        if self.smooth_square is None:
            return None
        smooth: Node = self.smooth_square(*map(Expression, node.inputs)).node
        return smooth if (smooth.shape, smooth.dtype) == (node.shape, node.dtype) else None

    def written(self, node: Node) -> Node | None:
        if self.stands_for is None:
            return None
        plain: Node = self.stands_for(*map(Expression, node.inputs)).node
        return plain

    @property
    def varies(self) -> bool:
        """Whether it has a derivative other than zero: a comparison or a step has none."""
        return any(item is not None for item in self.derivatives)

    def continued(self, node: Node) -> Callable[..., Array] | None:
        if self.on_complex is not None:
            return self.on_complex
        if not (self.varies and node.differentiable):
            return by_real_parts(self.bind(node), [item.dtype for item in node.inputs])
        return self.value if self.kink is None and goes_on(self.value) else None

    def entries_at_kinks(self, node: Node, inputs: Sequence[Array], output: Array) -> int:
        return 0 if self.kink is None else int(np.count_nonzero(self.kink.is_met(*inputs)))

    def __call__(self, *operands: Any) -> Any:
        """The function, of nodes, of expressions among which there may be numbers, or of arrays."""
        if all(isinstance(item, Node) for item in operands):
            return apply(self, *operands)
        template = next((item for item in operands if isinstance(item, Expression)), None)
        if template is None:
            return self._of_arrays([np.asarray(item) for item in operands])
        nodes = template._nodes(operands)
        if not isinstance(self.value, np.ufunc):  # which would choose another loop itself
            loop = self.loop(tuple(node.dtype for node in nodes))
            nodes = [n if n.differentiable else contraction.cast_to(n, d)
                     for n, d in zip(nodes, loop, strict=False)]  # fmt: skip
        return template._like(apply(self, *nodes))

    def _of_arrays(self, arrays: Sequence[Array]) -> Any:
        loop = self.loop(tuple(item.dtype for item in arrays))
        given = [item.astype(dtype, copy=False) for item, dtype in zip(arrays, loop, strict=False)]
        with np.errstate(all="ignore"):
            return self.value(*given)[()]


def _diagonal_term(factors: Any, node: Node) -> Sequence[Term]:
    """A number, an expression or a tuple of them, whose product is the diagonal."""
    parts = factors if isinstance(factors, tuple) else (factors,)
    scale = 1.0
    nodes = []
    for part in parts:
        if isinstance(part, Expression):
            nodes.append(contraction.broadcast_to(part.node, node.shape))
        else:
            scale *= float(part)
    if scale == 0.0 and not nodes:
        return ()
    return (diagonal(*nodes, scale=scale) if nodes else identity(node.ndim, scale),)


def apply(row: Elementwise, *operands: Node) -> Node:
    """The node of a row, with its operands broadcast to one shape."""
    shapes = [node.shape for node in operands]
    if shapes.count(shapes[0]) < len(shapes):
        shape = broadcast_shapes(row.name, shapes)
        operands = tuple(contraction.broadcast_to(node, shape) for node in operands)
    sources = []
    for node in operands:
        number = contraction.repeated_scalar(node)
        if number is None:
            return make(row, operands)
        sources.append(number)
    with np.errstate(all="ignore"):
        value = row.value(*(node.value for node in sources))
    return contraction.broadcast_to(constant(np.asarray(value)), operands[0].shape)


def elementwise(
    function: np.ufunc | Callable[..., Array],
    *,
    derivative: Derivative | float | Sequence[Derivative | float | None] | None,
    domain: Interval | Sequence[Interval] = (-2.0, 2.0),
    name: str = "",
    finite: bool = True,
    loop: Loop | None = None,
    source: str = "",
    kind: type[Elementwise] = Elementwise,
    symbol: Written | None = None,
    relation: Written | None = None,
    opposite: np.ufunc | None = None,
    infix: Infix | None = None,
    by_signs: Callable[..., Any] | None = None,
    raises: bool = False,
    cost: int = A_SERIES,
    slopes: Slope | tuple[Slope, ...] = (),
    kink: Kink | None = None,
    on_complex: Callable[..., Any] | None = None,
    stands_for: Callable[..., Any] | None = None,
    square: Callable[..., Any] | None = None,
) -> Elementwise:
    """Declare an elementwise primitive: one row of the tables beside this module.

    Parameters
    ----------
    function : ufunc or callable
        Its value on arrays.
    derivative : callable, number, None, or a sequence of them
        One for each input, as a function of the inputs and the output. None means that the
        derivative is zero wherever it exists. A tuple of results stands for their product, in which
        a factor that is exactly zero wins over an infinite one.
    domain : pair of float, or one pair for each input
        An open interval in which the function is smooth; the tests draw their points from it.
    finite : bool
        False if finite inputs can give an infinite or undefined value.
    loop : callable, optional
        The dtypes with which it is computed, where NumPy's ufunc does not say it.
    source : str
        Where the formula is from, if it is not common knowledge.
    kind : class
        How it runs, where that depends on the node and not on the arrays alone.
    symbol : Written, optional
        How mathematics writes its name, where that is not its name here.
    relation : Written, optional
        The sign between its operands, [a ≥ b], of a function that says whether something holds.
    opposite : ufunc, optional
        What holds where such a function says that it doesn't.
    infix : Infix, optional
        The sign between its two operands, where code writes it so.
    by_signs : callable, optional
        The function by Python's signs, +, −, /, ``**`` and ~, where mathematics writes it by such:
        √x is ``x ** Fraction(1, 2)``. It is given whatever has these signs.
    raises : bool
        Whether the second input is an exponent, and mathematics writes it as one.
    cost : int
        What an element costs, in additions; ``ONE_INSTRUCTION`` where processors have one for it.
    slopes : Slope or tuple of them, optional
        Names of its derivatives, one for each input, where they have one such as σ′.
    kink : Kink, optional
        Where it has no derivative, and what is used there.
    on_complex : callable, optional
        The function continued to complex numbers, through which the independent check of a
        derivative runs; needed where NumPy has no such function, or where there is a kink.
    stands_for : callable, optional
        The same function in plain arithmetic, which is how a person would write it, though it loses
        digits somewhere. It goes on to complex numbers as well.
    square : callable, optional
        The square of the output in terms of the inputs, where that is smoother than the output.
    """
    given = derivative if isinstance(derivative, (list, tuple)) else (derivative,)
    derivatives = tuple(_as_callable(item) for item in given)
    intervals: Any = domain if np.ndim(domain) == 2 else (domain,) * len(derivatives)
    row = kind(
        name or getattr(function, "__name__", ""),
        function,
        derivatives,
        tuple((float(low), float(high)) for low, high in intervals),
        finite,
        loop or _resolver(function),
        source,
    )
    row.symbol, row.relation, row.opposite, row.infix = symbol, relation, opposite, infix
    row.by_signs, row.raises, row.cost, row.kink = by_signs, raises, cost, kink
    row.smooth_square = square
    row.stands_for, row.on_complex = stands_for, on_complex or stands_for
    row.convention = "" if kink is None else kink.convention
    row.slopes = (slopes,) if isinstance(slopes, Slope) else slopes
    ROWS[row.name] = register(row)
    if isinstance(function, np.ufunc):
        UFUNCS[function] = row
    return row


class Constant:
    """A derivative that is the same number everywhere."""

    def __init__(self, number: float) -> None:
        self.number = float(number)

    def __call__(self, *_: Any) -> float:
        """The number, whatever the inputs."""
        return self.number


def _as_callable(derivative: Derivative | float | None) -> Derivative | None:
    return derivative if derivative is None or callable(derivative) else Constant(derivative)


def _resolver(function: Callable[..., Any]) -> Loop:
    """The loops of a ufunc; for any other function, floating point."""
    if not isinstance(function, np.ufunc):
        return _floating

    def resolve(dtypes: Dtypes) -> Dtypes:
        try:
            return tuple(function.resolve_dtypes((*dtypes, *[None] * function.nout)))
        except TypeError:
            raise DtypeError(
                function.__name__,
                "NumPy has no such function of these dtypes",
                got=" and ".join(str(dtype) for dtype in dtypes),
            ) from None

    return resolve


def _floating(dtypes: Dtypes) -> Dtypes:
    common = np.result_type(*dtypes, np.float16)
    return (common,) * (len(dtypes) + 1)


def in_plain_arithmetic(node: Node) -> Node:
    """The node as a person would write it: rows that stand for a formula give way to it."""
    while True:
        found = {item: item.primitive.written(item) for item in topological([node])}
        written = {item: other for item, other in found.items() if other is not None}
        if not written:
            return node
        node = substitute([node], written)[node]
