"""Public transformations that return Jacobian objects: jacobian and hessian."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from chainrule.arguments import one_of
from chainrule.differentiate.gradients import grad
from chainrule.differentiate.plans import Wanted, planned
from chainrule.differentiate.problem import Problem, Wrt, check_wrt, record
from chainrule.errors import DtypeError
from chainrule.graph.node import Node
from chainrule.jacobian.accumulate import Order
from chainrule.jacobian.pattern import Marks, marks
from chainrule.tracing.containers import unflatten
from chainrule.tracing.layouts import forget_order
from chainrule.tracing.results import point
from chainrule.tracing.session import Passing, asked_values, current, recording
from chainrule.transformed import Transformed

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
    return HessianFunction(f, wrt, order, sparsity)


class JacobianFunction(Transformed):
    """What :func:`jacobian` and :func:`hessian` return: a function of f's own arguments."""

    operation = "jacobian"

    def __init__(self, f: Callable[..., Any], wrt: Wrt, order: Any = None, sparsity: Any = None):
        check_wrt(self.operation, wrt)
        if order is not None:
            one_of(self.operation, "the order", order, ("auto", *ORDERS))
        found = _read(self.operation, sparsity)
        chosen: Order | None = None if order == "auto" else order
        super().__init__(f, wrt=wrt, order=chosen, sparsity=found)
        self._of, self._wrt, self._sparsity = f, wrt, found
        self._orders: tuple[Order, ...] = ORDERS if chosen is None else (chosen,)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The Jacobian at the arguments."""
        return self._built(Wanted.jacobian, args, kwargs)

    def plan(self, *args: Any, **kwargs: Any) -> Any:
        """Structure, bytes and operations at arguments of these shapes, before any work is done."""
        with recording():
            forget_order()  # arguments of any order may come later
            return self._built(planned, args, kwargs)

    def _built(self, build: Callable[[Wanted], Any], args: Any, kwargs: dict[str, Any]) -> Any:
        elsewhere = build is planned
        if elsewhere or self._sparsity is not None or current() is not None:
            with recording():
                return self._recorded(build, args, kwargs, elsewhere)
        with Passing():  # a later call with the same steps finds what was decided in this one
            return self._recorded(build, args, kwargs, elsewhere)

    def _recorded(
        self, build: Callable[[Wanted], Any], args: Any, kwargs: dict[str, Any], elsewhere: bool
    ) -> Any:
        asked, before = asked_values(), len(asked_values())
        problem = record(self.operation, self._of, self._wrt, args, kwargs, elsewhere)
        guards, at = tuple(asked[before:]), point()

        def wanted(output: Node, leaf: Node, same: bool) -> Any:
            is_symmetric = isinstance(self, HessianFunction) and same
            arguments = problem, output, leaf, self._orders, self._sparsity, is_symmetric
            return build(Wanted(*arguments, guards, at))

        return _for_each_pair(problem, self._wrt, wanted)


class HessianFunction(JacobianFunction):
    """What :func:`hessian` returns: the Jacobian of the gradient."""

    operation = "hessian"

    def __init__(self, f: Callable[..., Any], wrt: Wrt, order: Any = None, sparsity: Any = None):
        super().__init__(f, wrt, order, sparsity)
        self._of = grad(f, wrt)


def _read(operation: str, sparsity: Any) -> Marks | str | None:
    """A pattern read at once, since the caller may change it later."""
    if sparsity is None or isinstance(sparsity, Marks):
        return sparsity
    if isinstance(sparsity, str):
        return one_of(operation, "the sparsity", sparsity, ("detect",))
    return marks(sparsity)


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
