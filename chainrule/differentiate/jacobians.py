"""Public transformations that return Jacobian objects: jacobian and hessian."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any, Literal

import numpy as np

from chainrule.differentiate.batching import batch
from chainrule.differentiate.gradients import grad
from chainrule.differentiate.modes import forward, reverse, zeros
from chainrule.differentiate.problem import Problem, Wrt, is_inside, record
from chainrule.errors import ArgumentError, DtypeError, ShapeError
from chainrule.graph.node import Node, constant, holding, new_input
from chainrule.graph.walk import topological
from chainrule.interpret.run import Program
from chainrule.jacobian.accumulate import Accumulated, Order, accumulate, operations_beyond
from chainrule.jacobian.matrix import Jacobian, Routes
from chainrule.jacobian.structure import coefficient_nodes, with_coefficients
from chainrule.jacobian.summands import Summand, Unstructured
from chainrule.primitives.arrangement import reshape
from chainrule.primitives.contraction import broadcast_to, relabel, transpose
from chainrule.primitives.expression import Expression
from chainrule.primitives.identities import cast
from chainrule.primitives.terms import Coefficient
from chainrule.tracing.containers import unflatten
from chainrule.tracing.session import recording
from chainrule.tracing.traced import as_node

ORDERS: tuple[Order, ...] = ("reverse", "mixed", "forward")


def jacobian(
    f: Callable[..., Any], wrt: Wrt = 0, order: Order | Literal["auto"] = "auto"
) -> JacobianFunction:
    """The Jacobian of a function in numerator layout, ``J[i, j] = ∂f_i/∂x_j`` (5.58).

    Parameters
    ----------
    f : callable
        A function in plain NumPy, with arrays of any shapes in and out.
    wrt : int, str, or a tuple of them
        The arguments to differentiate by.
    order : {"auto", "forward", "reverse", "mixed"}
        In which order the local Jacobians are multiplied: from the input, from the output, or each
        chain of products as is cheapest. ``"auto"`` counts the operations of all three.

    Returns
    -------
    callable
        A function of f's own arguments that returns a :class:`~chainrule.Jacobian` of shape
        ``output.shape + input.shape``. Containers nest: those of the result outside, those of the
        argument inside. Its ``plan(*args)`` gives the structure, the bytes and the operations
        before any work is done, and is itself a function of the arguments that does not trace
        again: see :class:`JacobianPlan`.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> A = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> cr.jacobian(lambda x: A @ x)(np.ones(2)).toarray()
    array([[1., 2.],
           [3., 4.],
           [5., 6.]])
    """

    return JacobianFunction(f, wrt, order)


def hessian(
    f: Callable[..., Any], wrt: Wrt = 0, order: Order | Literal["auto"] = "auto"
) -> JacobianFunction:
    """The second derivatives of a scalar function, ``H[i, j] = ∂²f/∂x_i ∂x_j``.

    Parameters
    ----------
    f : callable
        A function in plain NumPy whose result is a single number.
    wrt : int, str, or a tuple of them
        The arguments to differentiate by.
    order : {"auto", "forward", "reverse", "mixed"}
        As in :func:`jacobian`.

    Returns
    -------
    callable
        A function of f's own arguments that returns the :class:`~chainrule.Jacobian` of the
        gradient, of shape ``x.shape + x.shape``. With a tuple as ``wrt``, a tuple of tuples:
        ``H[a][b]`` is the derivative of ∂f/∂a by b.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> cr.hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0])).toarray()
    array([[10.,  6.],
           [ 6.,  0.]])
    """
    return JacobianFunction(grad(f, wrt), wrt, order, is_hessian=True)


class JacobianFunction:
    """What :func:`jacobian` and :func:`hessian` return: a function of f's own arguments."""

    def __init__(
        self,
        f: Callable[..., Any],
        wrt: Wrt,
        order: Order | Literal["auto"],
        is_hessian: bool = False,
    ) -> None:
        if order not in ("auto", *ORDERS):
            raise ArgumentError(
                "jacobian", "the order must be 'auto', 'forward', 'reverse' or 'mixed'",
                got=repr(order),
            )  # fmt: skip
        update_wrapper(self, f)
        self._f, self._wrt, self._is_hessian = f, wrt, is_hessian
        self._orders: tuple[Order, ...] = ORDERS if order == "auto" else (order,)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The Jacobian at the arguments."""
        return self._built(_one, args, kwargs)

    def plan(self, *args: Any, **kwargs: Any) -> Any:
        """Structure, bytes and operations at arguments of these shapes, before any work is done."""
        return self._built(_planned, args, kwargs)

    def _built(self, build: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        operation = "hessian" if self._is_hessian else "jacobian"
        with recording():
            problem = record(operation, self._f, self._wrt, args, kwargs)
            return _for_each_pair(
                problem,
                self._wrt,
                lambda output, leaf, same: build(
                    problem, output, leaf, self._orders, self._is_hessian and same
                ),
            )


def _for_each_pair(problem: Problem, wrt: Wrt, build: Callable[[Node, Node, bool], Any]) -> Any:
    """One object for each pair of a result and an argument, in their containers."""
    rows = []
    for row, output in enumerate(problem.outputs):
        if not output.differentiable:
            raise DtypeError(
                problem.operation,
                "the function returns whole numbers or booleans, which do not vary",
                got=f"dtype {output.dtype}",
            )
        columns = problem.rebuilt(
            [build(output, leaf, row == column) for column, leaf in enumerate(problem.leaves)]
        )
        rows.append(tuple(columns) if isinstance(wrt, (tuple, list)) else columns[0])
    return unflatten(problem.output_structure, rows)


def _accumulated(
    output: Node, leaf: Node, orders: Sequence[Order]
) -> Callable[[], list[Accumulated]]:
    """The structured Jacobian, in the cheapest of some orders; dense where it has no structure."""

    def run() -> list[Accumulated]:
        try:
            found = [accumulate(output, leaf, order) for order in orders]
        except Unstructured:
            node = dense_jacobian(output, leaf)
            labels = tuple(range(node.ndim))
            whole = Summand(
                (Coefficient(node, labels),),
                labels[: output.ndim],
                labels[output.ndim :],
                dict(enumerate(node.shape)),
            )
            return [Accumulated(orders[0], (whole,), operations_beyond([node], output))]
        return sorted(found, key=lambda item: item.operations)

    return run


def _one(
    problem: Problem, output: Node, leaf: Node, orders: Sequence[Order], is_symmetric: bool
) -> Jacobian:
    def finish(node: Node, traced: bool = False) -> Any:
        with recording():
            return problem.results([node], traced)[0]

    def push(tangent: Any) -> Any:
        moved = forward([output], [leaf], [cast(as_node(tangent), leaf.dtype)])[0]
        return finish(moved or zeros(output), isinstance(tangent, Expression))

    def pull(cotangent: Any) -> Any:
        moved = reverse([output], [cast(as_node(cotangent), output.dtype)], [leaf])[0]
        return finish(moved or zeros(leaf), isinstance(cotangent, Expression))

    def dense() -> Any:
        return finish(dense_jacobian(output, leaf))

    routes = Routes(push, pull, dense, is_inside([output], problem.originals))
    return Jacobian(
        output.shape, leaf.shape, output.dtype, _accumulated(output, leaf, orders), routes,
        is_symmetric,
    )  # fmt: skip


class JacobianPlan:
    """What a Jacobian will be and what it will take, known before it is computed.

    Attributes
    ----------
    structure : str
        In words, as of :class:`~chainrule.Jacobian`.
    nbytes, dense_nbytes : int
        Bytes of its coefficients, and of the dense array.
    operations : int
        Floating-point operations that the coefficients take beyond the function's own.
    order : str
        The order of accumulation that takes the fewest; ``print(plan)`` lists all.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> plan = cr.jacobian(lambda x: np.diff(x) ** 2).plan(np.zeros(1000))
    >>> plan.structure
    'banded, at most 2 of 1,000 per row'
    >>> plan(np.arange(1000.0)).tosparse().nnz
    1998
    """

    def __init__(self, jacobian: Jacobian, again: Callable[..., Jacobian]) -> None:
        self._again = again
        self.structure = jacobian.structure
        self.nbytes, self.dense_nbytes = jacobian.nbytes, jacobian.dense_nbytes
        self.output_shape, self.input_shape = jacobian.output_shape, jacobian.input_shape
        self.orders = tuple((item.order, item.operations) for item in jacobian.orders)
        self.order, self.operations = self.orders[0]

    def __call__(self, x: Any) -> Jacobian:
        """The Jacobian at another point of the same shape, without tracing again."""
        return self._again(x)

    def __str__(self) -> str:
        lines = [
            f"Jacobian of {self.output_shape} by {self.input_shape}: {self.structure}",
            f"  {self.nbytes:,} bytes structured, {self.dense_nbytes:,} bytes dense",
            *(
                f"  {order:8} {count:>16,} operations{'  <- chosen' if k == 0 else ''}"
                for k, (order, count) in enumerate(self.orders)
            ),
        ]
        return "\n".join(lines)


def _planned(
    problem: Problem, output: Node, leaf: Node, orders: Sequence[Order], is_symmetric: bool
) -> JacobianPlan:
    planned = _one(problem, output, leaf, orders, is_symmetric)
    nodes = coefficient_nodes(planned.summands)
    known = [n for n in topological(nodes) if n.inputs and n.value is not None]
    if known or problem.originals or is_inside([output], problem.originals):
        raise ArgumentError(
            problem.operation, "a plan needs a function whose steps do not depend on values",
            remedy="write np.where(condition, a, b) instead of if, and plan outside other traces",
        )  # fmt: skip
    program = Program([leaf], nodes)

    def again(x: Any) -> Jacobian:
        array = np.asarray(x)
        if array.shape != leaf.shape or array.dtype != leaf.dtype:
            raise ShapeError(
                "plan", "the point has another shape or dtype than planned",
                got=f"{array.dtype}{list(array.shape)} for {leaf.dtype}{list(leaf.shape)}",
            )  # fmt: skip
        became = {node: holding(value) for node, value in zip(nodes, program(array), strict=True)}
        parts = [with_coefficients(summand, became) for summand in planned.summands]
        return Jacobian.of_summands(output.shape, leaf.shape, output.dtype, parts, is_symmetric)

    return JacobianPlan(planned, again)


def dense_jacobian(output: Node, leaf: Node) -> Node:
    """All rows at once by reverse mode, or all columns at once by forward mode."""
    shape = output.shape + leaf.shape
    if output.size == 0 or leaf.size == 0:
        return broadcast_to(constant(np.zeros((), output.dtype)), shape)
    if output.size <= leaf.size:
        seed = new_input(output.shape, output.dtype)
        row = reverse([output], [seed], [leaf])[0]
        if row is None:
            return broadcast_to(constant(np.zeros((), output.dtype)), shape)
        rows = batch([row], {seed: _units(output)}, output.size)[row]
        return cast(reshape(rows, shape), output.dtype)
    seed = new_input(leaf.shape, leaf.dtype)
    column = forward([output], [leaf], [seed])[0]
    if column is None:
        return broadcast_to(constant(np.zeros((), output.dtype)), shape)
    columns = batch([column], {seed: _units(leaf)}, leaf.size)[column]
    return reshape(transpose(columns, (*range(1, columns.ndim), 0)), shape)


def _units(like: Node) -> Node:
    """The unit arrays of a node's shape, one along a new axis in front for each element."""
    one = constant(np.ones((), like.dtype))
    eye = relabel(one, (), (0, 0), (like.size, like.size))
    return reshape(eye, (like.size, *like.shape))
