"""Another value in place of the right one, wherever it is used: ε outside the root, another axis.

Two gradients are made with it: the right one with the value exchanged in its formulas, and that of
the function with the value exchanged in the function.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from chainrule.checking.slips import Slip, Workshop
from chainrule.differentiate.modes import reverse
from chainrule.graph.node import Node, make, scalar_value
from chainrule.graph.walk import substitute, topological
from chainrule.primitives.arithmetic import add, power, reciprocal, sqrt
from chainrule.primitives.contraction import (
    CONTRACT,
    broadcast_to,
    contract,
    drop_axes,
    multiply,
    repeated_scalar,
)
from chainrule.primitives.elementwise import Elementwise, apply
from chainrule.primitives.linear_algebra import INV
from chainrule.primitives.reductions import LOG_SOFTMAX, SOFTMAX
from chainrule.primitives.transcendental import exp


class Variant(NamedTuple):
    """A value that may be there by mistake.

    Attributes
    ----------
    node, wrong : Node
        The right value, and the wrong one of its shape and dtype.
    kind, says : str
        As of a slip.
    cost : float
    """

    node: Node
    wrong: Node
    kind: str
    says: str
    cost: float


def variant_slips(shop: Workshop) -> Iterator[Slip]:
    """Gradients with one value exchanged throughout."""
    backward = shop.backward
    for variant in _variants(shop):
        says = f"{variant.says}, wherever it is used"
        made = substitute([backward.gradient], {variant.node: variant.wrong})[backward.gradient]
        if made is not backward.gradient:
            yield Slip(variant.kind, says, variant.cost, made=made)
        of_other = _gradient_of_other(shop, variant)
        if of_other is not None:
            yield Slip(variant.kind, f"{says}: it is the gradient of that", variant.cost + 0.1,
                       made=of_other)  # fmt: skip


def _gradient_of_other(shop: Workshop, variant: Variant) -> Node | None:
    backward = shop.backward
    output = substitute([backward.output], {variant.node: variant.wrong})[backward.output]
    if output is backward.output:
        return None
    return reverse([output], [backward.seed], [backward.leaf])[0]


def _variants(shop: Workshop) -> Iterator[Variant]:
    order = topological([shop.backward.output, shop.backward.gradient])
    for node in order:
        yield from _constant_outside(shop, node)
        yield from _outside_of_powers(shop, node)
        yield from _other_axis(shop, node)
        yield from _other_sum(shop, node)
        yield from _without_inverse(shop, node)
        yield from _other_order(shop, node)


def _constant_outside(shop: Workshop, node: Node) -> Iterator[Variant]:
    """``sqrt(v) + ε`` for ``sqrt(v + ε)``, and ``sqrt(v)``."""
    if not isinstance(node.primitive, Elementwise) or len(node.inputs) != 1:
        return
    (inner,) = node.inputs
    if inner.primitive is not add or node.dtype != inner.dtype or inner not in shop.backward.active:
        return
    words = shop.words
    for value, constant in (inner.inputs, inner.inputs[::-1]):
        if constant in shop.backward.active or value not in shop.backward.active:
            continue
        alone = apply(node.primitive, value)
        right, text = words.code(node), words.of(constant)
        outside = f"{words.code(alone)} + {text}"
        yield Variant(
            node, apply(add, alone, constant), "wrong value",
            f"has {outside} where {right} belongs: {text} stands outside", 2.4,
        )  # fmt: skip
        says = f"has {words.code(alone)} where {right} belongs: {text} is left out"
        yield Variant(node, alone, "wrong value", says, 2.5)


def _outside_of_powers(shop: Workshop, node: Node) -> Iterator[Variant]:
    """``(v + ε)**-0.5`` as ``1 / (sqrt(v) + ε)``: in all powers, v + ε is the square of that."""
    if node.primitive is not power:
        return
    inner, exponent = node.inputs
    number = repeated_scalar(exponent)
    half = number is not None and abs(scalar_value(number) or 0.0) == 0.5
    if inner.primitive is not add or inner not in shop.backward.active or not half:
        return
    for value, constant in (inner.inputs, inner.inputs[::-1]):
        if constant in shop.backward.active or value not in shop.backward.active:
            continue
        root = apply(add, apply(sqrt, value), constant)
        text, right = shop.words.of(constant), shop.words.code(inner)
        square = f"the square of {shop.words.code(root)}"
        says = f"has {square} where {right} belongs: {text} stands outside"
        yield Variant(inner, multiply(root, root), "wrong value", says, 2.4)


def _other_axis(shop: Workshop, node: Node) -> Iterator[Variant]:
    if node.primitive not in (SOFTMAX, LOG_SOFTMAX):
        return
    for axis in range(node.ndim):
        if axis != node.params:
            says = (
                f"has {node.primitive.name} of {shop.words.of(node.inputs[0])} along axis {axis} "
                f"where axis {node.params} belongs"
            )
            yield Variant(node, make(node.primitive, node.inputs, axis), "wrong axis", says, 2.4)
    if node.primitive is SOFTMAX and node.ndim > 1:
        says = (
            f"has softmax of {shop.words.of(node.inputs[0])} over all of its entries where one "
            f"along axis {node.params} belongs"
        )
        yield Variant(node, _over_all(node.inputs[0]), "wrong axis", says, 2.45)


def _over_all(exponent: Node) -> Node:
    """exp(z) / sum(exp(z))."""
    e = apply(exp, exponent)
    sums = drop_axes(e, range(e.ndim))
    return multiply(e, broadcast_to(apply(reciprocal, sums), e.shape))


def _other_sum(shop: Workshop, node: Node) -> Iterator[Variant]:
    """A matrix's sums along one axis, repeated in its shape, for those along the other."""
    if node.primitive is not CONTRACT or len(node.inputs) != 1 or node.ndim != 2:
        return
    (sums,) = node.inputs
    if sums.primitive is not CONTRACT or len(sums.inputs) != 1 or sums.ndim != 1:
        return
    (matrix,), spec, again = sums.inputs, sums.params, node.params
    if matrix.shape != node.shape or set(spec.out) - set(spec.operands[0]):
        return
    kept = spec.operands[0].index(spec.out[0])
    if again.operands[0] != again.out[kept : kept + 1] or len(set(spec.operands[0])) < 2:
        return
    there, here = matrix.shape[kept], matrix.shape[1 - kept]
    scale = 1.0 / there if spec.scale == 1.0 / here else spec.scale
    other = contract([matrix], [(0, 1)], (1 - kept,), (here,), scale=scale, dtype=sums.dtype)
    wrong = contract(
        [other], [(1 - kept,)], (0, 1), node.shape, scale=again.scale, dtype=node.dtype
    )
    says = (
        f"has the sums of {shop.words.of(matrix)} along axis {kept} where those along axis "
        f"{1 - kept} belong"
    )
    yield Variant(node, wrong, "wrong axis", says, 2.4)


def _without_inverse(shop: Workshop, node: Node) -> Iterator[Variant]:
    if node.primitive is INV:
        name = shop.words.of(node.inputs[0])
        says = f"has {name} where its inverse belongs"
        yield Variant(node, node.inputs[0], "forgotten inverse", says, 2.5)


def _other_order(shop: Workshop, node: Node) -> Iterator[Variant]:
    """``B @ A`` for ``A @ B``."""
    if node.primitive is not CONTRACT or len(node.inputs) != 2 or node.ndim != 2:
        return
    one, two = node.inputs
    spec = node.params
    shared = set(spec.operands[0]) & set(spec.operands[1]) - set(spec.out)
    if (
        not one.shape == two.shape == node.shape
        or node.shape[0] != node.shape[1]
        or len(shared) != 1
    ):
        return
    wrong = contract(
        [two, one], spec.operands, spec.out, node.shape, scale=spec.scale, dtype=node.dtype
    )
    if wrong is not node:
        says = f"has {shop.words.code(wrong)} where {shop.words.code(node)} belongs"
        yield Variant(node, wrong, "wrong order", says, 2.5)
