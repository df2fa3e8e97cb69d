"""A function recorded once and run many times on new arrays of the same shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import ShapeError
from chainrule.graph.node import Array, Node, new_input
from chainrule.graph.program import Graph
from chainrule.graph.walk import topological
from chainrule.interpret.run import Program, owned
from chainrule.tracing.containers import flatten, unflatten
from chainrule.tracing.layouts import forget_order
from chainrule.tracing.session import open_arguments, recording
from chainrule.tracing.traced import Traced, as_node, call


class Origin(NamedTuple):
    """Where a NaN or an infinity arose: the operation, and the nearest name that the user gave."""

    operation: str
    name: str


class Captured:
    """A recorded program. Calling it runs it on arrays of the recorded shapes and dtypes.

    Parameters
    ----------
    f : callable
        A function of arrays, or of containers of arrays, in plain NumPy.
    *examples
        Arguments with the structure, shapes and dtypes that will be given later.

    Raises
    ------
    TracingError
        Where the code asks for a value, as in ``if x > 0``: it is not known yet.

    Examples
    --------
    >>> import numpy as np
    >>> double = Captured(lambda x: {"twice": x + x}, np.zeros(2))
    >>> double(np.array([1.0, 2.0]))
    {'twice': array([2., 4.])}
    """

    def __init__(self, f: Callable[..., Any], *examples: Any) -> None:
        leaves, self._structure = flatten(examples)
        self._signature = [(np.shape(leaf), np.asarray(leaf).dtype) for leaf in leaves]
        inputs = [new_input(shape, dtype) for shape, dtype in self._signature]
        with recording(names=True) as session, open_arguments(inputs):
            forget_order()  # arguments of any order may come
            outputs = call(f, *unflatten(self._structure, [Traced(node) for node in inputs]))
            self._names = {node: names[-1].text for node, names in session.names.items()}
        results, self._result_structure = flatten(outputs)
        self._program = Program(inputs, [as_node(item) for item in results])

    def __call__(self, *args: Any) -> Any:
        """Run the program; the results are fresh arrays."""
        values = self._program(*self._checked(args))
        nodes = self._program.outputs
        return unflatten(self._result_structure, owned(nodes, values))

    def first_nonfinite(self, *args: Any) -> Origin | None:
        """Where the first NaN or infinity arises for these arguments, or None."""
        node = self._program.first_nonfinite(*self._checked(args))
        if node is None:
            return None
        return Origin(node.primitive.name, self._nearest_name(node))

    @property
    def graph(self) -> Graph:
        """The recorded program as data."""
        return Graph(self._program.inputs, self._program.outputs, dict(self._names))

    def _checked(self, args: Any) -> list[Array]:
        leaves, structure = flatten(args)
        if structure != self._structure:
            raise ShapeError(
                "captured program", "the arguments have another structure than recorded"
            )
        arrays = [np.asarray(leaf) for leaf in leaves]
        for array, (shape, dtype) in zip(arrays, self._signature, strict=True):
            if array.shape != shape or array.dtype != dtype:
                raise ShapeError(
                    "captured program",
                    "an argument has another shape or dtype than recorded",
                    got=f"{array.dtype}{list(array.shape)} instead of {dtype}{list(shape)}",
                )
        return arrays

    def _nearest_name(self, start: Node) -> str:
        """The node's own name, or that of the first named value computed from it."""
        reached = {start}
        for node in topological(self._program.outputs):
            if node in reached or any(item in reached for item in node.inputs):
                reached.add(node)
                if node in self._names:
                    return self._names[node]
        return ""


def capture(f: Callable[..., Any], *examples: Any) -> Captured:
    """Record a function for arguments like the examples; see :class:`Captured`."""
    return Captured(f, *examples)
