"""Arithmetic on nodes by operators and NumPy functions: the language of derivative rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from chainrule.errors import MissingRuleError
from chainrule.graph.node import (
    Node,
    constant,
)

Builder = Callable[..., Node]

WEAK = frozenset({bool, int, float})
"""Python's numbers, which take the dtype of what they meet; np.float64 is a float, but not weak."""


UFUNCS: dict[np.ufunc, Builder] = {}
"""NumPy's ufuncs, each with the function that builds its node from operand nodes."""


def as_node(value: Any, meets: Sequence[np.dtype[Any]] = ()) -> Node:
    """A node for an operand: an expression's own, or a constant."""
    if isinstance(value, Expression):
        return value.node
    if type(value) in WEAK:
        return constant(np.asarray(value, dtype_of_number(value, meets)))
    return constant(np.array(value))


def dtype_of_number(value: float, meets: Sequence[np.dtype[Any]]) -> np.dtype[Any]:
    """The dtype that a Python number takes among operands of these dtypes."""
    if len(meets) == 1 and meets[0].kind == "f":
        return meets[0]
    return np.result_type(*meets, value) if meets else np.asarray(value).dtype


def full_name(ufunc: np.ufunc) -> str:
    """A ufunc's name as code writes it: ``np.exp``; SciPy's are ``scipy.special.expit``."""
    name = ufunc.__name__
    return f"np.{name}" if getattr(np, name, None) is ufunc else f"scipy.special.{name}"


class Expression:
    """Arithmetic on nodes with NumPy's operators and ufuncs."""

    __slots__ = ("node",)
    __array_priority__ = 1000

    def __init__(self, node: Node) -> None:
        self.node = node

    def _like(self, node: Node) -> Self:
        return type(self)(node)

    def _nodes(self, operands: Sequence[Any]) -> list[Node]:
        """Operands as nodes; Python numbers take the dtype of the others."""
        nodes: dict[int, Node] = {}
        for item in operands:
            if type(item) not in WEAK and id(item) not in nodes:
                is_expression = isinstance(item, Expression)
                nodes[id(item)] = item.node if is_expression else self._capture(item)
        if len(nodes) == len(operands):
            return [*nodes.values()]
        dtypes = [node.dtype for node in nodes.values()]
        return [
            nodes[id(item)] if id(item) in nodes else as_node(item, dtypes) for item in operands
        ]

    def _capture(self, value: Any) -> Node:
        return as_node(value)

    def _apply(self, ufunc: np.ufunc, *operands: Any) -> Any:
        if ufunc is np.ldexp and type(operands[1]) is int:  # an exponent stays a whole number
            operands = (operands[0], np.asarray(operands[1]))
        builder = UFUNCS.get(ufunc)
        if builder is None:
            raise MissingRuleError(
                full_name(ufunc),
                "this function has no derivative rule here",
                remedy="write it in terms of others, or pass it values that are not traced",
            )
        return self._like(builder(*self._nodes(operands)))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs:
            return NotImplemented
        return self._apply(ufunc, *inputs)

    def __add__(self, other: Any) -> Any:
        return self._apply(np.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return self._apply(np.add, other, self)

    def __sub__(self, other: Any) -> Any:
        return self._apply(np.subtract, self, other)

    def __rsub__(self, other: Any) -> Any:
        return self._apply(np.subtract, other, self)

    def __mul__(self, other: Any) -> Any:
        return self._apply(np.multiply, self, other)

    def __rmul__(self, other: Any) -> Any:
        return self._apply(np.multiply, other, self)

    def __truediv__(self, other: Any) -> Any:
        return self._apply(np.true_divide, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._apply(np.true_divide, other, self)

    def __floordiv__(self, other: Any) -> Any:
        return self._apply(np.floor_divide, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._apply(np.floor_divide, other, self)

    def __mod__(self, other: Any) -> Any:
        return self._apply(np.remainder, self, other)

    def __rmod__(self, other: Any) -> Any:
        return self._apply(np.remainder, other, self)

    def __pow__(self, other: Any) -> Any:
        return self._apply(np.power, self, other)

    def __rpow__(self, other: Any) -> Any:
        return self._apply(np.power, other, self)

    def __matmul__(self, other: Any) -> Any:
        return self._apply(np.matmul, self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return self._apply(np.matmul, other, self)

    def __neg__(self) -> Any:
        return self._apply(np.negative, self)

    def __pos__(self) -> Any:
        return self._apply(np.positive, self)

    def __abs__(self) -> Any:
        return self._apply(np.absolute, self)

    def __invert__(self) -> Any:
        return self._apply(np.invert, self)

    def __and__(self, other: Any) -> Any:
        return self._apply(np.bitwise_and, self, other)

    def __rand__(self, other: Any) -> Any:
        return self._apply(np.bitwise_and, other, self)

    def __or__(self, other: Any) -> Any:
        return self._apply(np.bitwise_or, self, other)

    def __ror__(self, other: Any) -> Any:
        return self._apply(np.bitwise_or, other, self)

    def __xor__(self, other: Any) -> Any:
        return self._apply(np.bitwise_xor, self, other)

    def __lt__(self, other: Any) -> Any:
        return self._apply(np.less, self, other)

    def __le__(self, other: Any) -> Any:
        return self._apply(np.less_equal, self, other)

    def __gt__(self, other: Any) -> Any:
        return self._apply(np.greater, self, other)

    def __ge__(self, other: Any) -> Any:
        return self._apply(np.greater_equal, self, other)

    def __eq__(self, other: object) -> Any:
        return self._apply(np.equal, self, other)

    def __ne__(self, other: object) -> Any:
        return self._apply(np.not_equal, self, other)

    __hash__ = None  # type: ignore[assignment]  # as for arrays: == compares elements
