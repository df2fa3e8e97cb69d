"""What is wanted of a recorded problem: a Jacobian at its point, or a plan for other points."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from chainrule.arguments import real_array
from chainrule.differentiate.entries import accumulated, dense_jacobian
from chainrule.differentiate.modes import forward, reverse, zeros
from chainrule.differentiate.problem import Argument, Problem, is_inside
from chainrule.errors import ArgumentError, ShapeError
from chainrule.graph.node import Array, Node
from chainrule.graph.pickling import Table, packed, unpacked
from chainrule.graph.walk import dependents, topological
from chainrule.interpret.run import Program, evaluate
from chainrule.jacobian.accumulate import Accumulated, Order
from chainrule.jacobian.matrix import Jacobian, Routes
from chainrule.jacobian.pattern import Marks
from chainrule.jacobian.structure import coefficient_nodes
from chainrule.primitives.expression import Expression
from chainrule.primitives.identities import cast
from chainrule.tracing.containers import LEAF
from chainrule.tracing.lanes import Lane, Ready
from chainrule.tracing.results import Point
from chainrule.tracing.session import recording
from chainrule.tracing.traced import as_node


@dataclass(frozen=True)
class Wanted:
    """The derivative of one result by one leaf of an argument, and how it is to be found."""

    problem: Problem
    output: Node
    leaf: Node
    orders: tuple[Order, ...]
    sparsity: Marks | str | None
    is_symmetric: bool
    asked: tuple[Node, ...]
    """Values that the code asked for: what was recorded holds for them only."""
    point: Point | None = None
    """Where the nodes' values are, if the nodes are used again by later calls."""

    def jacobian(self, thorough: bool = False) -> Jacobian:
        """The Jacobian at the problem's point; ``thorough`` if all orders are to be counted."""
        output, leaf = self.output, self.leaf
        return Jacobian(
            output.shape,
            leaf.shape,
            output.dtype,
            partial(self._accumulated, thorough),
            Routes(
                self._push,
                self._pull,
                self._dense,
                is_inside([output], self.problem.originals),
            ),
            self.is_symmetric,
            evaluate if self.point is None else self.point.evaluate,
        )

    def __reduce__(self) -> Any:
        """The graph of this one result."""
        given = packed([self.output, self.leaf, *self.problem.leaves])
        operation = self.problem.operation
        return _again, (operation, given, self.orders, self.sparsity, self.is_symmetric)

    def _accumulated(self, thorough: bool = False) -> list[Accumulated]:
        arguments = (self.output, self.leaf, self.orders, self.sparsity, thorough)
        if self.point is None:
            return accumulated(*arguments)
        found: list[Accumulated] = self.point.decided(arguments, lambda: accumulated(*arguments))
        return found

    def _dense(self) -> Any:
        return self._finished(dense_jacobian(self.output, self.leaf))

    def _finished(self, node: Node, traced: bool = False) -> Any:
        with recording(), nullcontext() if self.point is None else self.point.at_hand():
            return self.problem.results([node], traced)[0]

    def _push(self, tangent: Any) -> Any:
        given = cast(as_node(tangent), self.leaf.dtype)
        moved = forward([self.output], [self.leaf], [given])[0]
        return self._finished(moved or zeros(self.output), isinstance(tangent, Expression))

    def _pull(self, cotangent: Any) -> Any:
        given = cast(as_node(cotangent), self.output.dtype)
        moved = reverse([self.output], [given], [self.leaf])[0]
        return self._finished(moved or zeros(self.leaf), isinstance(cotangent, Expression))

    @property
    def depends_on_values(self) -> bool:
        """Whether what was recorded may not hold at another point."""
        if self.problem.originals or is_inside([self.output], self.problem.originals):
            return True
        order = topological(self.asked)
        return bool(dependents(order, [self.leaf]) & set(self.asked))


def _again(
    operation: str, table: Table, orders: tuple[Order, ...], sparsity: Any, is_symmetric: bool
) -> Wanted:
    output, leaf, *leaves = unpacked(table)
    problem = Problem(operation, (Argument(LEAF, tuple(leaves)),), (output,), LEAF, {})
    return Wanted(problem, output, leaf, orders, sparsity, is_symmetric, ())


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

    def __init__(self, wanted: Wanted) -> None:
        jacobian = wanted.jacobian(thorough=True)
        self._wanted, self._again = wanted, Again(wanted.leaf, jacobian)
        self.structure = jacobian.structure
        self.nbytes, self.dense_nbytes = jacobian.nbytes, jacobian.dense_nbytes
        self.output_shape, self.input_shape = jacobian.output_shape, jacobian.input_shape
        self.orders = tuple((item.order, item.operations) for item in jacobian.orders)
        self.order, self.operations = self.orders[0]

    def __call__(self, x: Any) -> Jacobian:
        """The Jacobian at another point of the same shape, without tracing again."""
        return self._again(x)

    def __copy__(self) -> JacobianPlan:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> JacobianPlan:
        return self  # it does not change

    def __reduce__(self) -> Any:
        return JacobianPlan, (self._wanted,)

    def __repr__(self) -> str:
        return (
            f"<JacobianPlan {self.output_shape} by {self.input_shape}: {self.structure}, "
            f"{self.nbytes:,} bytes, {self.operations:,} operations, {self.order}>"
        )

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


def planned(wanted: Wanted) -> JacobianPlan:
    """A plan, for functions whose steps are the same at every point."""
    if wanted.depends_on_values:
        raise ArgumentError(
            wanted.problem.operation,
            "a plan needs a function whose steps do not depend on values",
            remedy="write np.where(condition, a, b) instead of if, and plan outside other traces",
        )
    return JacobianPlan(wanted)


class Again:
    """The same Jacobian at other points: its coefficients as a program of the leaf."""

    def __init__(self, leaf: Node, planned: Jacobian) -> None:
        self.leaf, self.planned = leaf, planned
        nodes = coefficient_nodes(planned.summands)
        self.lane = Lane()
        self.lane.programs[(*nodes, None)] = Ready((leaf,), Program([leaf], nodes))

    def __call__(self, x: Any) -> Jacobian:
        planned = self.planned
        point = Point({self.leaf: self._checked(x)}, self.lane)
        return Jacobian(
            planned.output_shape, planned.input_shape, planned.dtype, lambda: planned.orders,
            is_symmetric=planned.is_symmetric, evaluate=point.evaluate,
        )  # fmt: skip

    def _checked(self, x: Any) -> Array:
        """A copy: the caller may change the array before the Jacobian is looked at."""
        array = np.array(real_array("plan", "the point", x))
        if array.shape != self.leaf.shape or array.dtype != self.leaf.dtype:
            raise ShapeError(
                "plan", "the point has another shape or dtype than planned",
                got=f"{array.dtype}{list(array.shape)} for "
                f"{self.leaf.dtype}{list(self.leaf.shape)}",
            )  # fmt: skip
        return array
