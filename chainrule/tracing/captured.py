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

DEEPEST = 2
"""Operations within an operation that an origin's text writes out."""


class Origin(NamedTuple):
    """Where a NaN or an infinity arose.

    Parameters
    ----------
    operation : str
        The primitive's name.
    name : str
        The nearest name that the user gave.
    text : str
        The operation as it is written, with the names of what it was applied to.
    shape, place : tuple of int
        The shape of its value, and the position of the first number in it that is not finite.
    """

    operation: str
    name: str
    text: str = ""
    shape: tuple[int, ...] = ()
    place: tuple[int, ...] = ()


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
        last = [path[-1] if path else None for path in self._structure.paths()]
        self._arguments = {
            node: key for node, key in zip(inputs, last, strict=True) if isinstance(key, str)
        }
        results, self._result_structure = flatten(outputs)
        self._program = Program(inputs, [as_node(item) for item in results])

    def __call__(self, *args: Any) -> Any:
        """Run the program; the results are fresh arrays."""
        values = self._program(*self._checked(args))
        nodes = self._program.outputs
        return unflatten(self._result_structure, owned(nodes, values))

    def first_nonfinite(self, *args: Any) -> Origin | None:
        """Where the first NaN or infinity arises for these arguments, or None."""
        found = self._program.first_nonfinite(*self._checked(args))
        if found is None:
            return None
        node, place = found
        text = self._written(node, DEEPEST)[0]
        return Origin(node.primitive.name, self._nearest_name(node), text, node.shape, place)

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

    def _written(self, node: Node, depth: int) -> tuple[str, int]:
        """The operation, with names for what has one and … for what goes deeper."""
        texts = []
        for item in node.inputs:
            known = self._names.get(item) or self._arguments.get(item)
            if known is None and (depth == 0 or not item.inputs):
                known = f"{item.value:.4g}" if item.value is not None and not item.shape else "…"
            texts.append(self._written(item, depth - 1) if known is None else (known, 9))
        return node.primitive.text(node, texts)

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
