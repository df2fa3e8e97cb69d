"""Values of derivatives by ways that know no rule: complex steps, and differences extrapolated.

Only the part of the graph behind a value is run again, with NumPy. A complex step,
Im f(q + ihd) / h with h = 1e-30, subtracts nothing and is exact up to rounding. It needs functions
that go on to complex numbers; elsewhere central differences of steps h, h/2, h/4, … are
extrapolated to h = 0 by Richardson's scheme.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.node import Array, Node
from chainrule.numerics.complex_step import complex_step
from chainrule.numerics.differences import Line, central, most_settled, one_sided
from chainrule.primitives.identities import STOP_GRADIENT
from chainrule.primitives.stated import COMPLEX

LEVELS = 6  # of extrapolation: the error falls to about 1e-11 before rounding takes over
TOLERANCES = {"complex step": 1e-10, "differences": 1e-6, "one-sided differences": 1e-4}
"""Relative: rounding only, rounding divided by the step, and no symmetry to help."""
SINGLE = 1e-3  # float32 carries 7 digits, of which sums and steps leave about 4


class Reference(NamedTuple):
    """Derivatives in some directions, and how they were found."""

    directions: list[Array]
    values: list[Array]
    method: str
    one_sided: list[tuple[Array, Array]]
    """The derivatives to the right and to the left, at a point without a derivative."""


def forward_values(order: Sequence[Node]) -> dict[Node, Array]:
    """The value of every node of a topological order."""
    values: dict[Node, Array] = {}
    with np.errstate(all="ignore"):
        for node in order:
            if node.value is not None:
                values[node] = node.value
            else:
                inputs = [values[item] for item in node.inputs]
                values[node] = np.asarray(node.primitive.bind(node)(*inputs))
    return values


class Downstream:
    """The graph from one value to the output, to be run on other values of it."""

    def __init__(
        self, order: Sequence[Node], source: Node, output: Node, values: Mapping[Node, Array]
    ) -> None:
        varying = {source}
        for node in order:
            passes = node.primitive is not STOP_GRADIENT
            if passes and any(item in varying for item in node.inputs):
                varying.add(node)
        self.nodes = [node for node in order if node in varying and node is not source]
        self.source, self.output, self.values = source, output, values

    def run(self, value: Array, functions: Mapping[Node, Callable[..., Array]]) -> Array:
        """The output for another value of the source."""
        own: dict[Node, Array] = {self.source: value}
        with np.errstate(all="ignore"):
            for node in self.nodes:
                inputs = [own[n] if n in own else self._fixed(n, value) for n in node.inputs]
                own[node] = np.asarray(functions[node](*inputs))
        return own.get(self.output, self.values[self.output])

    def _fixed(self, node: Node, like: Array) -> Array:
        array = self.values[node]
        is_complex = like.dtype.kind == "c"
        return array.astype(COMPLEX) if is_complex and array.dtype.kind == "f" else array

    @np.errstate(all="ignore")
    def derivative(self, direction: Array) -> tuple[Array, str]:
        """The derivative of the output in one direction, and the method."""
        functions = {node: node.primitive.continued(node) for node in self.nodes}
        if all(function is not None for function in functions.values()):
            ready: Any = functions
            start = self.values[self.source]
            result = complex_step(lambda z: self.run(z, ready), start, direction)
            if np.isfinite(result).all():
                return result, "complex step"
        return self._extrapolated(direction), "differences"

    def _along(self, direction: Array) -> Line:
        functions = {node: node.primitive.bind(node) for node in self.nodes}
        start = self.values[self.source]

        def shifted(h: float) -> Array:
            moved = (start + h * direction).astype(start.dtype)
            return np.asarray(self.run(moved, functions), np.float64)

        return shifted

    def _extrapolated(self, direction: Array) -> Array:
        run, start = self._along(direction), self._first_step(direction)
        lengths = (start, start / 64, start / 4096)  # a long one may leap over a jump or a kink
        found = [most_settled(central(run, h, LEVELS), 2) for h in lengths]
        return min(found, key=lambda pair: pair[1])[0]

    @np.errstate(all="ignore")
    def one_sided(self, direction: Array) -> tuple[Array, Array]:
        """The derivatives to the right and to the left."""
        run, h = self._along(direction), self._first_step(direction) / 16
        here = run(0.0)
        right, left = (most_settled(one_sided(run, here, s, LEVELS), 1)[0] for s in (h, -h))
        return right, left

    def _first_step(self, direction: Array) -> float:
        """A step of a few percent of the value, in binary so that it adds without rounding."""
        start = np.abs(self.values[self.source])
        size = float(start.max(initial=0.0)) or 1.0
        far = float(np.abs(direction).max(initial=0.0)) or 1.0
        return float(2.0 ** np.floor(np.log2(min(size, 1.0) / far / 16)))


def directions(shape: tuple[int, ...], dtype: Any) -> list[Array]:
    """Every entry of a small array; two random directions of a larger one, one of a large one."""
    size = int(np.prod(shape, dtype=np.int64))
    if size <= 4:
        return [unit.reshape(shape) for unit in np.eye(size)]
    rng = np.random.default_rng(size)
    return [rng.standard_normal(shape) for _ in range(2 if size <= 1000 else 1)]


def reference(downstream: Downstream, has_kink: bool) -> Reference:
    """Derivatives of the output by a value, in a few directions."""
    source = downstream.source
    chosen = directions(source.shape, source.dtype)
    if has_kink:
        pairs = [downstream.one_sided(direction) for direction in chosen]
        middle = [(right + left) / 2 for right, left in pairs]
        return Reference(chosen, middle, "one-sided differences", pairs)
    found = [downstream.derivative(direction) for direction in chosen]
    method = "differences" if any(m == "differences" for _, m in found) else "complex step"
    return Reference(chosen, [value for value, _ in found], method, [])


def derivative(downstream: Downstream, direction: Array, method: str) -> Array:
    """The derivative in one direction, found as those of a reference were."""
    if method == "one-sided differences":
        right, left = downstream.one_sided(direction)
        return np.asarray((right + left) / 2)
    return downstream.derivative(direction)[0]
