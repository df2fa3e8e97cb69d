"""Public transformations that return Jacobian objects: jacobian and hessian."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Literal

from chainrule.differentiate.gradients import grad
from chainrule.differentiate.plans import Wanted, planned
from chainrule.differentiate.problem import Problem, Wrt, record
from chainrule.errors import ArgumentError, DtypeError
from chainrule.graph.node import Node
from chainrule.jacobian.accumulate import Order
from chainrule.jacobian.pattern import Marks, marks
from chainrule.tracing.containers import unflatten
from chainrule.tracing.layouts import forget_order
from chainrule.tracing.session import recording

ORDERS: tuple[Order, ...] = ("reverse", "mixed", "forward")


def jacobian(
    f: Callable[..., Any],
    wrt: Wrt = 0,
    order: Order | Literal["auto"] = "auto",
    sparsity: Any = None,
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
    sparsity : array, sparse array or "detect", optional
        Where entries can be, for a function whose structure the graph does not show: nonzero where
        they can differ from zero, in the Jacobian's shape or as outputs by inputs, both flattened.
        Entries are then computed in groups that share no row (or no column). ``"detect"`` finds
        them from the graph and from zeros in constant arrays, such as a matrix that the function
        multiplies by. One product checks that a given pattern lacks no entry.

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

    return JacobianFunction(f, wrt, order, sparsity)


def hessian(
    f: Callable[..., Any],
    wrt: Wrt = 0,
    order: Order | Literal["auto"] = "auto",
    sparsity: Any = None,
) -> JacobianFunction:
    """The second derivatives of a scalar function, ``H[i, j] = ∂²f/∂x_i ∂x_j``.

    Parameters
    ----------
    f : callable
        A function in plain NumPy whose result is a single number.
    wrt : int, str, or a tuple of them
        The arguments to differentiate by.
    order, sparsity
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
    return JacobianFunction(grad(f, wrt), wrt, order, sparsity, is_hessian=True)


class JacobianFunction:
    """What :func:`jacobian` and :func:`hessian` return: a function of f's own arguments."""

    def __init__(
        self,
        f: Callable[..., Any],
        wrt: Wrt,
        order: Order | Literal["auto"],
        sparsity: Any = None,
        is_hessian: bool = False,
    ) -> None:
        if order not in ("auto", *ORDERS):
            raise ArgumentError(
                "jacobian", "the order must be 'auto', 'forward', 'reverse' or 'mixed'",
                got=repr(order),
            )  # fmt: skip
        if isinstance(sparsity, str) and sparsity != "detect":
            raise ArgumentError(
                "jacobian", "the sparsity must be an array, a sparse array or 'detect'",
                got=repr(sparsity),
            )  # fmt: skip
        update_wrapper(self, f)
        self._f, self._wrt, self._is_hessian = f, wrt, is_hessian
        self._orders: tuple[Order, ...] = ORDERS if order == "auto" else (order,)
        by_itself = sparsity is None or isinstance(sparsity, str)
        self._sparsity: Marks | str | None = sparsity if by_itself else marks(sparsity)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The Jacobian at the arguments."""
        return self._built(Wanted.jacobian, args, kwargs)

    def plan(self, *args: Any, **kwargs: Any) -> Any:
        """Structure, bytes and operations at arguments of these shapes, before any work is done."""
        with recording():
            forget_order()  # arguments of any order may come later
            return self._built(planned, args, kwargs)

    def _built(self, build: Callable[[Wanted], Any], args: Any, kwargs: dict[str, Any]) -> Any:
        operation = "hessian" if self._is_hessian else "jacobian"
        with recording() as session:
            before = len(session.asked)
            problem = record(operation, self._f, self._wrt, args, kwargs)
            asked = tuple(session.asked[before:])
            return _for_each_pair(
                problem,
                self._wrt,
                lambda output, leaf, same: build(
                    Wanted(
                        problem,
                        output,
                        leaf,
                        self._orders,
                        self._sparsity,
                        self._is_hessian and same,
                        asked,
                    )
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
