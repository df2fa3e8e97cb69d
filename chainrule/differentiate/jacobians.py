"""Public transformations that return Jacobian objects: jacobian and hessian."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from chainrule.differentiate.batching import batch
from chainrule.differentiate.gradients import grad
from chainrule.differentiate.modes import forward, reverse, zeros
from chainrule.differentiate.problem import Problem, Wrt, record
from chainrule.errors import DtypeError
from chainrule.graph.node import Node, constant, new_input
from chainrule.jacobian.matrix import Jacobian
from chainrule.primitives.arrangement import reshape
from chainrule.primitives.contraction import broadcast_to, relabel, transpose
from chainrule.primitives.expression import Expression
from chainrule.primitives.identities import cast
from chainrule.tracing.containers import unflatten
from chainrule.tracing.session import recording
from chainrule.tracing.traced import as_node


def jacobian(f: Callable[..., Any], wrt: Wrt = 0) -> Callable[..., Any]:
    """The Jacobian of a function in numerator layout, ``J[i, j] = ∂f_i/∂x_j`` (5.58).

    Parameters
    ----------
    f : callable
        A function in plain NumPy, with arrays of any shapes in and out.
    wrt : int, str, or a tuple of them
        The arguments to differentiate by.

    Returns
    -------
    callable
        A function of f's own arguments that returns a :class:`~chainrule.Jacobian` of shape
        ``output.shape + input.shape``. Products ``J @ v`` and ``u @ J`` do not form it;
        ``.toarray()`` does, row by row or column by column, whichever are fewer. Containers nest:
        those of the result outside, those of the argument inside.

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

    @wraps(f)
    def of_arguments(*args: Any, **kwargs: Any) -> Any:
        with recording():
            return _jacobians(record("jacobian", f, wrt, args, kwargs, keeps=True), wrt)

    return of_arguments


def hessian(f: Callable[..., Any], wrt: Wrt = 0) -> Callable[..., Any]:
    """The second derivatives of a scalar function, ``H[i, j] = ∂²f/∂x_i ∂x_j``.

    Parameters
    ----------
    f : callable
        A function in plain NumPy whose result is a single number.
    wrt : int, str, or a tuple of them
        The arguments to differentiate by.

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
    return jacobian(grad(f, wrt), wrt)


def _jacobians(problem: Problem, wrt: Wrt) -> Any:
    """One object for each pair of a result and an argument, in their containers."""
    rows = []
    for output in problem.outputs:
        if not output.differentiable:
            raise DtypeError(
                "jacobian", "the function returns whole numbers or booleans, which do not vary",
                got=f"dtype {output.dtype}",
            )  # fmt: skip
        columns = problem.rebuilt([_one(problem, output, leaf) for leaf in problem.leaves])
        rows.append(tuple(columns) if isinstance(wrt, (tuple, list)) else columns[0])
    return unflatten(problem.output_structure, rows)


def _one(problem: Problem, output: Node, leaf: Node) -> Jacobian:
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
        return finish(_dense(output, leaf))

    return Jacobian(output.shape, leaf.shape, output.dtype, dense, push, pull)


def _dense(output: Node, leaf: Node) -> Node:
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
