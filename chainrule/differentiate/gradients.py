"""Public transformations that return derivatives: grad, value_and_grad, jvp, vjp, hvp."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.arguments import name_of, real_array, require_function
from chainrule.differentiate.modes import forward, ones, reverse, zeros
from chainrule.differentiate.problem import Problem, Wrt, check_wrt, is_inside, record
from chainrule.errors import ArgumentError, ArgumentTypeError, ShapeError, UnpicklableError
from chainrule.graph.node import Node
from chainrule.interpret.run import evaluate_all
from chainrule.primitives.expression import Expression
from chainrule.primitives.identities import cast
from chainrule.primitives.identities import stop_gradient as stop
from chainrule.tracing.containers import Structure, flatten, unflatten
from chainrule.tracing.results import derived
from chainrule.tracing.session import Passing, recording
from chainrule.tracing.traced import Traced, as_node
from chainrule.transformed import Transformed


def grad(f: Callable[..., Any], wrt: Wrt = 0) -> Callable[..., Any]:
    """The gradient of a function with one number as its result, by reverse mode.

    Parameters
    ----------
    f : callable
        A function in plain NumPy. Arrays are positional arguments; keywords are static.
    wrt : int, str, or a tuple of them
        The arguments to differentiate by, by position or by name.

    Returns
    -------
    callable
        A function of f's own arguments. Its result has the shape, dtype and structure of the
        argument, and is the row ∂f/∂x of (5.40) laid out in that shape; with a tuple as ``wrt``,
        a tuple of them. An argument on which f does not depend gets zeros.

    Raises
    ------
    ShapeError
        If the result of f is not a single number.
    DtypeError
        If an argument to differentiate by holds integers, booleans or complex numbers.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> cr.grad(lambda x: np.sum(x ** 2))(np.array([1.0, 2.0, 3.0]))
    array([2., 4., 6.])
    >>> A, x = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 1.0])
    >>> cr.grad(lambda A, x: x @ A @ x, wrt=("A", "x"))(A, x)[1]
    array([ 7., 13.])
    """
    return Gradient(f, wrt=wrt)


def value_and_grad(f: Callable[..., Any], wrt: Wrt = 0) -> Callable[..., Any]:
    """The value of a function and its gradient from one run.

    Parameters
    ----------
    f : callable
        A function in plain NumPy whose result is a single number.
    wrt : int, str, or a tuple of them
        The arguments to differentiate by, as in :func:`grad`.

    Returns
    -------
    callable
        A function of f's own arguments that returns ``(value, gradient)``.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> value, gradient = cr.value_and_grad(lambda x: 0.5 * np.sum(x ** 2))(np.array([3.0, 4.0]))
    >>> float(value), gradient
    (12.5, array([3., 4.]))
    """
    return ValueAndGradient(f, wrt=wrt)


class Gradient(Transformed):
    """What :func:`grad` returns: a function of f's own arguments."""

    operation = "grad"

    def __init__(self, f: Callable[..., Any], wrt: Wrt) -> None:
        check_wrt(self.operation, wrt)
        super().__init__(f, wrt=wrt)
        self._wrt = wrt

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The gradient at the arguments."""
        return self._run(False, args, kwargs)[1]

    def _run(
        self, with_value: bool, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> tuple[Any, Any]:
        """The value, where it is wanted, and the gradient."""
        with Passing():
            problem = record(self.operation, self._f, self._wrt, args, kwargs)
            output = _scalar_output(problem, self._f)
            leaves = problem.leaves
            nodes = derived(("gradient", output, *leaves), lambda: _gradient(output, leaves))
            results = problem.results([output, *nodes] if with_value else nodes)
        value = results.pop(0) if with_value else None
        gradients = problem.rebuilt(results)
        several = isinstance(self._wrt, (tuple, list))
        return value, tuple(gradients) if several else gradients[0]


class ValueAndGradient(Gradient):
    """What :func:`value_and_grad` returns: a function of f's own arguments."""

    operation = "value_and_grad"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The value and the gradient at the arguments."""
        return self._run(True, args, kwargs)


def _gradient(output: Node, leaves: Sequence[Node]) -> list[Node]:
    """The cotangents of the leaves where the output's is 1."""
    found = reverse([output], [ones(output)], leaves)
    return [zeros(leaf) if node is None else node for node, leaf in zip(found, leaves, strict=True)]


def _scalar_output(problem: Problem, f: Callable[..., Any]) -> Node:
    """The one number that a cost is, or an error that says what came instead."""
    shapes = [node.shape for node in problem.outputs]
    if len(shapes) != 1 or shapes[0] != ():
        came = f"shape {shapes[0]}" if len(shapes) == 1 else f"{len(shapes)} results"
        raise ShapeError(
            problem.operation,
            "the function must return a scalar, a single number",
            got=came,
            remedy="sum the result, or use cr.jacobian for the derivative of every entry",
        )
    (output,) = problem.outputs
    if output.dtype.kind in "iub" and any(leaf is not output for leaf in problem.leaves):
        output = cast(output, np.float64)
    return output


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of f and its directional derivative J·v, by forward mode.

    Parameters
    ----------
    f : callable
        A function in plain NumPy of the primals.
    primals : tuple or list
        Its arguments: arrays, numbers or containers of them.
    tangents : tuple or list
        One direction for each primal, of the same structure and shapes.

    Returns
    -------
    value, tangent
        Both of the structure and shapes of f's result.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> value, tangent = cr.jvp(np.sin, (0.0,), (2.0,))
    >>> float(value), float(tangent)
    (0.0, 2.0)
    """
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise ArgumentTypeError(
            "jvp", "primals and tangents must be tuples", got=f"{type(primals).__name__} and "
            f"{type(tangents).__name__}", remedy="write cr.jvp(f, (x,), (v,))",
        )  # fmt: skip
    if len(primals) != len(tangents):
        raise ArgumentError(
            "jvp", "there must be one tangent for each primal",
            got=f"{len(primals)} primals and {len(tangents)} tangents",
        )  # fmt: skip
    with Passing():
        problem = record("jvp", f, tuple(range(len(primals))), primals, {})
        given, structure = flatten(list(tangents))
        _same_structure("jvp", "tangents", structure, flatten(list(primals))[1])
        nodes, traced = _partners("jvp", "tangent", problem.leaves, given)
        leaves, outputs = problem.leaves, problem.outputs
        moved = derived(
            ("tangents", *outputs, None, *leaves, None, *nodes),
            lambda: _tangents(outputs, leaves, nodes),
        )
        results = problem.results([*problem.outputs, *moved], traced)
    count = len(problem.outputs)
    structure = problem.output_structure
    return unflatten(structure, results[:count]), unflatten(structure, results[count:])


def _tangents(
    outputs: Sequence[Node], leaves: Sequence[Node], tangents: Sequence[Node]
) -> list[Node]:
    """The tangents of the outputs where those of the leaves are given."""
    found = forward(outputs, leaves, tangents)
    return [
        zeros(output) if node is None else node for node, output in zip(found, outputs, strict=True)
    ]


def _same_structure(operation: str, what: str, given: Structure, wanted: Structure) -> None:
    if given != wanted:
        raise ArgumentError(
            operation, f"{what} must have the structure of what they belong to",
            got=f"{given} instead of {wanted}",
        )  # fmt: skip


def _partners(
    operation: str, what: str, nodes: Sequence[Node], values: Sequence[Any]
) -> tuple[list[Node], bool]:
    """Tangents or cotangents as nodes of the shapes and dtypes of their partners."""
    if len(nodes) != len(values):
        raise ArgumentError(
            operation,
            f"there must be one {what} for each array",
            got=f"{len(values)} for {len(nodes)}",
        )
    result = []
    for node, value in zip(nodes, values, strict=True):
        partner = as_node(value)
        if partner.shape != node.shape:
            raise ShapeError(
                operation,
                f"a {what} must have the shape of what it belongs to",
                got=f"{partner.shape} instead of {node.shape}",
            )
        result.append(cast(partner, node.dtype))
    return result, any(isinstance(value, Expression) for value in values)


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of f and its pull-back, u ↦ uᵀ·J, by reverse mode.

    Parameters
    ----------
    f : callable
        A function in plain NumPy of the primals.
    *primals
        Its arguments: arrays, numbers or containers of them.

    Returns
    -------
    value, pullback
        ``pullback(cotangent)`` takes a cotangent of the structure and shapes of f's result and
        returns a tuple, one entry for each primal. Intermediate values are kept for it.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> A = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> value, pullback = cr.vjp(lambda x: A @ x, np.array([1.0, 1.0]))
    >>> value, pullback(np.array([1.0, 0.0]))
    (array([3., 7.]), (array([1., 2.]),))
    """
    with recording():
        problem = record("vjp", f, tuple(range(len(primals))), primals, {})
        values = problem.results(problem.outputs)
        if not any(isinstance(value, Traced) for value in values):
            evaluate_all(problem.outputs)

    return unflatten(problem.output_structure, values), Pullback(problem, name_of(f))


class Pullback:
    """What :func:`vjp` returns beside the value: the function u ↦ uᵀ·J.

    Parameters
    ----------
    problem : Problem
        What f did at the point.
    name : str
        The name of f.
    """

    def __init__(self, problem: Problem, name: str) -> None:
        self._problem, self._name = problem, name

    def __call__(self, cotangent: Any) -> tuple[Any, ...]:
        """One entry for each primal, from a cotangent of the structure of f's result."""
        problem = self._problem
        with recording():
            given, structure = flatten(cotangent)
            _same_structure("vjp", "the cotangent", structure, problem.output_structure)
            nodes, traced = _partners("vjp", "cotangent", problem.outputs, given)
            found = reverse(problem.outputs, nodes, problem.leaves)
            pulled = [
                zeros(leaf) if node is None else node
                for node, leaf in zip(found, problem.leaves, strict=True)
            ]
            return tuple(problem.rebuilt(problem.results(pulled, traced)))

    def __copy__(self) -> Pullback:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Pullback:
        return self  # it does not change

    def __reduce__(self) -> Any:
        if is_inside(self._problem.outputs, self._problem.originals):
            raise UnpicklableError(
                "pickle pullback", "it belongs to a derivative that is being taken", repr(self),
                "pickle what the outermost call returns",
            )  # fmt: skip
        return Pullback, (self._problem, self._name)

    def __repr__(self) -> str:
        shapes = ", ".join(str(node.shape) for node in self._problem.outputs[:4])
        return f"<pullback of {self._name:.60} by cotangents of shape {shapes}>"


def hvp(f: Callable[..., Any], x: Any, v: Any) -> Any:
    """The Hessian of a scalar function times a vector, H·v, without the Hessian.

    Forward mode over reverse mode: the cost of a few gradients, whatever the size of x.

    Parameters
    ----------
    f : callable
        A function in plain NumPy whose result is a single number.
    x : array, number, or container of them
        The point.
    v : of the same structure and shapes as x
        The vector.

    Returns
    -------
    array, number, or container of them
        H·v, of the structure and shapes of x.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> cr.hvp(lambda x: np.sum(x ** 3), np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    array([6., 0.])
    """
    require_function("hvp", f)
    shapes = [[_shape(leaf) for leaf in flatten(item)[0]] for item in (x, v)]
    if shapes[0] != shapes[1]:
        raise ShapeError(
            "hvp", "the vector must have the argument's shape",
            got=f"{_listed(shapes[1])} for an argument of shape {_listed(shapes[0])}",
        )  # fmt: skip
    return jvp(grad(f), (x,), (v,))[1]


def _shape(leaf: Any) -> Any:
    return (
        leaf.node.shape
        if isinstance(leaf, Expression)
        else real_array("hvp", "an array", leaf).shape
    )


def _listed(shapes: Sequence[Any]) -> str:
    return ", ".join(str(shape) for shape in shapes)


def stop_gradient(x: Any) -> Any:
    """The value itself, as a constant to every derivative.

    Parameters
    ----------
    x : array, number, or container of them
        Traced or not.

    Returns
    -------
    as x
        The same values, through which no derivative passes.

    Examples
    --------
    >>> import chainrule as cr
    >>> float(cr.grad(lambda x: x * cr.stop_gradient(x))(3.0))
    3.0
    """
    leaves, structure = flatten(x)
    stopped = [Traced(stop(item.node)) if isinstance(item, Traced) else item for item in leaves]
    return unflatten(structure, stopped)
