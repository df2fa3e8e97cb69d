"""What an unnamed value is to a reader: a pre-activation, a residual, or nothing of the kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from chainrule.graph.node import Node
from chainrule.primitives.arithmetic import add, subtract
from chainrule.primitives.contraction import CONTRACT
from chainrule.primitives.elementwise import Elementwise
from chainrule.primitives.reductions import Normalisation

ALONE = frozenset({"e"})
"""Letters that need no number where there is only one of the kind."""


def role(
    node: Node, users: Collection[Node], named: Collection[Node], active: Collection[Node],
    unnamed_sums: Collection[Node],
) -> str:  # fmt: skip
    """The letter for an unnamed value, or nothing where it needs no name.

    Parameters
    ----------
    node : Node
    users : collection of Node
        The active values that are computed from it directly.
    named : collection of Node
        The values that have names already.
    active : collection of Node
        Those that derivatives pass through.
    unnamed_sums : collection of Node
        Those that were given the letter Z.

    Returns
    -------
    str
        Z (z for a number) for a sum with a matrix product in it that a function is applied to; e
        for a difference that is squared and summed and has a function in it, unlike the short
        y − Φθ of (5.84); f for a function of such a Z that enters another layer; else nothing.
    """
    if any(is_applied(user) for user in users) and _is_affine(node, named, active):
        return "Z" if node.ndim else "z"
    is_layer = is_applied(node) and any(item in unnamed_sums for item in node.inputs)
    if is_layer and any(_enters_layer(user, node) for user in users):
        return "f"
    is_residual = _is_sum(node) and any(_is_square(user, node) for user in users)
    if is_residual and any(is_applied(item) and item not in named for item in _inside(node, named)):
        return "e"
    return ""


def is_function(node: Node) -> bool:
    """Whether a value is written as a function of its argument, σ(Z), not with a sign."""
    return isinstance(node.primitive, Elementwise) and node.primitive.infix is None


def is_applied(node: Node) -> bool:
    """Whether a value is a function of elements, or one such as softmax, of an argument."""
    return is_function(node) or isinstance(node.primitive, Normalisation)


def numbered(letters: Mapping[Node, str], taken: Collection[str]) -> dict[Node, str]:
    """Names Z1, Z2, … from letters, none of which is taken already."""
    counts = Counter(letters.values())
    serial: Counter[str] = Counter()
    result = {}
    for node, letter in letters.items():
        name = letter if letter in ALONE and counts[letter] == 1 else ""
        while not name or name in taken:
            serial[letter] += 1
            name = f"{letter}{serial[letter]}"
        result[node] = name
    return result


def _is_affine(node: Node, named: Collection[Node], active: Collection[Node]) -> bool:
    """Whether a value is a sum with matrix products in it, affine in each value that varies."""
    inside = [item for item in _inside(node, named) if item not in named]
    products = [item for item in inside if item.primitive is CONTRACT and len(item.inputs) > 1]
    return (
        any(_is_sum(item) for item in inside)
        and any(_sums_labels(item) for item in products)
        and not any(is_applied(item) for item in inside)
        and all(_varies_once(item, named, active) for item in products)
    )


def _varies_once(product: Node, named: Collection[Node], active: Collection[Node]) -> bool:
    """Whether no value that varies is behind two factors, as x is in xᵀ A x."""
    behind = Counter(
        end
        for factor in product.inputs
        for end in _inside(factor, named)
        if end in active and (end in named or not end.inputs)
    )
    return all(count == 1 for count in behind.values())


def _inside(node: Node, named: Collection[Node]) -> Iterator[Node]:
    """A value and those that it is computed from, as far back as named ones."""
    pending, seen = [node], {node}
    while pending:
        item = pending.pop()
        yield item
        if item in named:
            continue
        new = [part for part in dict.fromkeys(item.inputs) if part not in seen]
        seen.update(new)
        pending += new


def _is_sum(node: Node) -> bool:
    return node.primitive in (add, subtract)


def _sums_labels(node: Node) -> bool:
    spec = node.params
    return len(spec.sizes) > len(set(spec.out))


def _enters_layer(user: Node, node: Node) -> bool:
    """Whether a value is multiplied by a matrix, or something is subtracted from it."""
    if user.primitive is CONTRACT:
        return len(user.inputs) > 1 and user.inputs != (node, node) and _sums_labels(user)
    return isinstance(user.primitive, Elementwise) and user.primitive.name == "subtract"


def _is_square(user: Node, node: Node) -> bool:
    """Whether a value is made of the squares of another."""
    return user.primitive is CONTRACT and user.inputs == (node, node)
