"""Primitives whose value is their input's: casts, a barrier for gradients, and a second name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.graph.examples import Example, Region
from chainrule.graph.node import Array, Mark, Node, Primitive, Signature, make, register
from chainrule.primitives.terms import Term, identity


class Cast(Primitive):
    """Another dtype; the params are that dtype. Between floating dtypes the Jacobian is I."""

    name = "cast"
    source = "the identity, up to rounding"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        return Signature(inputs[0].shape, params, inputs[0].finite)

    def bind(self, node: Node) -> Callable[..., Array]:
        dtype = node.dtype
        return lambda a: a.astype(dtype)

    def continued(self, node: Node) -> Callable[..., Array]:
        if node.differentiable:
            return lambda z: z
        return lambda z: np.asarray(np.real(z).astype(node.dtype))

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        smooth = node.differentiable and node.inputs[0].differentiable
        return (identity(node.ndim),) if smooth else ()

    def examples(self) -> Sequence[Example]:
        return (Example((Region((3,)),), np.dtype(np.float32)),)

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        return make(self, tuple(inputs), node.params)


class Same(Primitive):
    """The input itself, with the Jacobian I, or none where gradients stop."""

    def __init__(self, name: str, transparent: bool) -> None:
        self.name = name
        self.transparent = transparent

    source = "the identity, or none by definition"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        return Signature(inputs[0].shape, inputs[0].dtype, inputs[0].finite)

    def bind(self, node: Node) -> Callable[..., Array]:
        return lambda a: a.view()  # a view, so that whoever owns results copies it

    def continued(self, node: Node) -> Callable[..., Array]:
        return self.bind(node)

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        return (identity(node.ndim),) if self.transparent else ()

    def examples(self) -> Sequence[Example]:
        return (Example((Region((3,)),), Mark()),)

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        return make(self, tuple(inputs), node.params)

    def operations(self, node: Node) -> int:
        return 0


class DerivedAs(Primitive):
    """The first input's value with the derivative of the second, the same number by another way.

    The square of a root, say: as a product its second derivative at 0 is 0 times infinity.
    """

    name = "derived_as"
    source = "the identity for the second input, by definition"

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        return Signature(inputs[0].shape, inputs[0].dtype, all(item.finite for item in inputs))

    def bind(self, node: Node) -> Callable[..., Array]:
        return lambda a, b: a.view()

    def continued(self, node: Node) -> Callable[..., Array]:
        return lambda a, b: b

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        return (identity(node.ndim),) if position == 1 else ()

    def examples(self) -> Sequence[Example]:
        return (Example((Region((3,)), Region((3,)))),)

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        assert all(mapped), "both are functions of the same values"
        return make(self, tuple(inputs))

    def operations(self, node: Node) -> int:
        return 0

    def text(self, node: Node, operands: Sequence[tuple[str, int]]) -> tuple[str, int]:
        return operands[0]


CAST = register(Cast())
DERIVED_AS = register(DerivedAs())
ALIAS = register(Same("alias", transparent=True))
STOP_GRADIENT = register(Same("stop_gradient", transparent=False))


def cast(node: Node, dtype: Any) -> Node:
    """The node in another dtype."""
    wanted = np.dtype(dtype)
    return node if node.dtype == wanted else make(CAST, (node,), wanted)


def new_alias(node: Node) -> Node:
    """A second name for a node, equal to no other: what an inner derivative is taken by."""
    alias = make(ALIAS, (node,), Mark())
    alias.value, alias.lasting = node.value, False
    return alias


def stop_gradient(node: Node) -> Node:
    """The node as a constant to every derivative."""
    return make(STOP_GRADIENT, (node,))
