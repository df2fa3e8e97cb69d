"""cr.trace: a function's graph, to look at."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from chainrule.arguments import require_function
from chainrule.differentiate.problem import numeric
from chainrule.graph.node import new_input
from chainrule.graph.program import Graph
from chainrule.primitives.expression import Expression
from chainrule.signatures import destinations
from chainrule.tracing.containers import flatten, paths, unflatten
from chainrule.tracing.session import open_arguments, recording
from chainrule.tracing.traced import Traced, as_node, call


def trace(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Graph:
    """What a function does, as a graph with the user's own variable names.

    Parameters
    ----------
    f : callable
        A function in plain NumPy.
    *args
        Arguments: arrays and numbers become inputs of the graph, with the parameters' names.
    **kwargs
        Static arguments.

    Returns
    -------
    Graph
        ``print(graph)`` shows it as a forward path, with shapes and with counts of operations and
        bytes; ``graph.operations`` and ``graph.bytes`` are those counts.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> def layer(A, x, b):
    ...     Z = A @ x + b
    ...     return cr.sigmoid(Z)
    >>> print(cr.trace(layer, np.ones((2, 3)), np.ones(3), np.ones(2)))
    inputs  A: float64[2, 3], x: float64[3], b: float64[2]
      Z  = A @ x + b   2
      v1 = sigmoid(Z)  2
    returns v1
    16 operations, 168 bytes read and written
    """
    require_function("trace", f)
    names = _argument_names(f, len(args))
    with recording(names=True) as session:
        inputs, stand_ins, labels = [], [], {}
        for name, argument in zip(names, args, strict=True):
            leaves, structure = flatten(argument)
            nodes = []
            for path, leaf in zip(paths(structure), leaves, strict=True):
                if isinstance(leaf, Expression):
                    nodes.append(leaf.node)
                else:
                    array = numeric("trace", partial(_where, name, path), leaf)
                    nodes.append(new_input(array.shape, array.dtype, array))
                labels[nodes[-1]] = _label(name, path)
            inputs.extend(nodes)
            stand_ins.append(unflatten(structure, [Traced(node) for node in nodes]))
        with open_arguments(inputs):
            results, _ = flatten(call(f, *stand_ins, **kwargs))
        outputs = tuple(as_node(item) for item in results)
        given = {node: names[-1].text for node, names in session.names.items()}
    return Graph(tuple(inputs), outputs, given | labels)


def _where(name: str, path: str) -> str:
    return f"argument {name}{path}"


def _label(name: str, path: str) -> str:
    """``A0`` for ``params['A0']``; ``x[1]`` for an entry of a list."""
    if path.startswith("['") and path.endswith("']") and path.count("[") == 1:
        return path[2:-2]
    return name + path


def _argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """``x``, ``rest[0]``; or x0 where f does not say."""
    return [
        name if place is None else f"{name}[{place}]" if name else f"x{place}"
        for name, place in destinations(f, count)
    ]
