"""Simplifying summands: summed labels contracted, like terms added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from chainrule.graph.node import Node
from chainrule.jacobian.summands import in_order
from chainrule.primitives import contraction
from chainrule.primitives.arithmetic import sum_of
from chainrule.primitives.axes import Affine, Axis, all_labels, labels_of
from chainrule.primitives.terms import Coefficient, Term, Virtual
from chainrule.shapes import Labels


def simplified(summand: Term, eager: bool) -> Term:
    """Summed labels contracted, and factors over the same labels multiplied.

    Coefficients are multiplied out only inside a component that summed labels join, so that outer
    products stay factors. Where ``eager`` is false, a component waits, so that the order of its
    products can be chosen as a whole.
    """
    summand = _turned(_without_open_ends(summand))
    outer = summand.outer_labels
    present = {label for item in summand.coefficients for label in item.labels}
    scale = summand.scale
    for label, size in summand.sizes.items():
        if label not in outer and label not in present:
            scale *= size
    coefficients = list(summand.coefficients)
    if eager:
        coefficients = [
            _contracted(component, outer, summand.sizes)
            for component in components(coefficients, outer)
        ]
    coefficients = _same_labels(coefficients, outer)
    used = outer.union(*(item.labels for item in coefficients))
    sizes = {label: summand.sizes[label] for label in used}
    return summand._replace(coefficients=tuple(coefficients), sizes=sizes, scale=scale)


def _without_open_ends(summand: Term) -> Term:
    """A virtual coefficient with a label that is summed is multiplied with what has that label."""
    ends = {*all_labels(summand.out), *all_labels(summand.into)}
    for item in summand.virtual:
        for here in item.ends[::-1]:
            if here not in ends:
                return _without_open_ends(_multiplied_out(summand, item, here))
    return summand


def _multiplied_out(summand: Term, item: Virtual, here: int) -> Term:
    """The summand with one virtual coefficient less: by multiplying with it, or by writing it."""
    others = tuple(other for other in summand.virtual if other is not item)
    mine = [c for c in summand.coefficients if here in c.labels]
    labels = tuple(dict.fromkeys([here, *(n for c in mine for n in c.labels)]))
    shared = any(here in other.ends for other in others)
    if shared or set(item.ends) <= set(labels) or not mine:
        written = (*summand.coefficients, item.written())
        return summand._replace(coefficients=written, virtual=others)
    rest = (c for c in summand.coefficients if here not in c.labels)
    shape = tuple(summand.sizes[label] for label in labels)
    nodes, lists = [c.node for c in mine], [c.labels for c in mine]
    dtype = np.result_type(item.dtype, *(node.dtype for node in nodes))
    product = contraction.contract(nodes, lists, labels, shape, dtype=dtype, strong=True)
    return summand._replace(
        coefficients=(*rest, Coefficient(*item.through(product, labels))),
        virtual=others,
        sizes={n: size for n, size in summand.sizes.items() if n != here},
    )


def _turned(summand: Term) -> Term:
    """A running sum from behind of what is read from behind is one from the front."""
    axes = {labels_of(axis): axis for axis in (*summand.out, *summand.into)}
    counted = Counter(label for axis in (*summand.out, *summand.into) for label in labels_of(axis))
    busy = {label for item in summand.coefficients for label in item.labels}
    for item in summand.virtual:
        backwards = {n: Affine(n, size - 1, -1, size) for n, size in item.sizes.items()}
        free = all(counted[end] == 1 and end not in busy for end in backwards)
        others = [other for other in summand.virtual if other is not item]
        shared = {end for other in others for end in other.ends} & backwards.keys()
        alike = all(axes.get((end,)) == axis for end, axis in backwards.items())
        if item.turned is not None and free and not shared and alike:
            ahead = {axis: Affine(end, 0, 1, axis.length) for end, axis in backwards.items()}
            return summand._replace(
                out=tuple(_exchanged(axis, ahead) for axis in summand.out),
                into=tuple(_exchanged(axis, ahead) for axis in summand.into),
                virtual=(*others, item.turned),
            )
    return summand


def _exchanged(axis: Axis, by: Mapping[Affine, Affine]) -> Axis:
    return by.get(axis, axis) if isinstance(axis, Affine) else axis


def components(coefficients: Sequence[Coefficient], outer: set[int]) -> list[list[Coefficient]]:
    """Groups of coefficients that summed labels join."""
    groups: list[tuple[set[int], list[Coefficient]]] = []
    for item in coefficients:
        summed = set(item.labels) - outer
        joined = [group for group in groups if group[0] & summed]
        rest = [group for group in groups if not group[0] & summed]
        labels = summed.union(*(group[0] for group in joined))
        members = [member for group in joined for member in group[1]]
        groups = [*rest, (labels, [*members, item])]
    return [members for _, members in groups]


def _contracted(
    members: Sequence[Coefficient], outer: set[int], sizes: Mapping[int, int]
) -> Coefficient:
    labels = tuple(dict.fromkeys(n for item in members for n in item.labels if n in outer))
    plain = len(members) == 1 and members[0].labels == labels
    if plain:
        return members[0]
    shape = tuple(sizes[label] for label in labels)
    nodes, lists = [item.node for item in members], [item.labels for item in members]
    return Coefficient(contraction.contract(nodes, lists, labels, shape, strong=True), labels)


def _same_labels(coefficients: Sequence[Coefficient], outer: set[int]) -> list[Coefficient]:
    """Coefficients over the same labels as one, in ascending order of labels."""
    found: dict[Labels, Coefficient] = {}
    for item in coefficients:
        ordered = in_order(item)
        known = found.get(ordered.labels)
        if known is not None:
            product = contraction.contract(
                [known.node, ordered.node], [known.labels, ordered.labels], known.labels,
                known.node.shape, strong=True,
            )  # fmt: skip
            ordered = Coefficient(product, known.labels)
        found[ordered.labels] = ordered
    return list(found.values())


def merged(summands: Sequence[Term]) -> list[Term]:
    """Like terms added: those that differ in the scale or in one coefficient only."""
    result: list[Term] = []
    for summand in summands:
        if summand.scale == 0.0:
            continue
        for k, known in enumerate(result):
            both = _added(known, summand)
            if both is not None:
                result[k : k + 1] = [both] if both.scale != 0.0 else []
                break
        else:
            result.append(summand)
    return result


def _added(a: Term, b: Term) -> Term | None:
    """The sum as one summand, where their axes agree and at most one coefficient differs."""
    if (a.out, a.into, a.virtual, a.sizes) != (b.out, b.into, b.virtual, b.sizes):
        return None
    if _numbers(a) != _numbers(b):
        a, b = _multiplied_in(a, b)
    if not a.coefficients and len(b.coefficients) == 1:
        return _added(b, a)
    if not b.coefficients and len(a.coefficients) == 1:
        # with a label that is yet to be summed, the constant would count several times
        return _with_constant(a, b.scale) if set(a.sizes) <= a.outer_labels else None
    if [item.labels for item in a.coefficients] != [item.labels for item in b.coefficients]:
        return None
    differs = [
        k
        for k, (one, two) in enumerate(zip(a.coefficients, b.coefficients, strict=True))
        if one.node is not two.node
    ]
    if not differs:
        return a._replace(scale=a.scale + b.scale)
    if len(differs) > 1:
        return None
    k = differs[0]
    one, two = a.coefficients[k], b.coefficients[k]
    ratio = b.scale / a.scale
    other = two.node if ratio == 1.0 else contraction.scaled(two.node, ratio)
    total = Coefficient(sum_of(one.node, other), one.labels)
    return a._replace(coefficients=(*a.coefficients[:k], total, *a.coefficients[k + 1 :]))


def _numbers(summand: Term) -> list[Node]:
    """Factors without labels, such as the step of a method for differential equations."""
    return [item.node for item in summand.coefficients if not item.labels]


def _multiplied_in(a: Term, b: Term) -> tuple[Term, Term]:
    """Both with their numbers multiplied into one of the others: the one in which they differ."""
    rests = [[item for item in each.coefficients if item.labels] for each in (a, b)]
    places = range(min(len(rest) for rest in rests))
    differs = [k for k in places if rests[0][k] != rests[1][k]]
    sizes = [item.node.size for item in max(rests, key=len)]
    k = differs[0] if differs else int(np.argmin(sizes)) if sizes else 0
    first, second = (
        _with_numbers_in(each, rest, k) for each, rest in zip((a, b), rests, strict=True)
    )
    return first, second


def _with_numbers_in(summand: Term, rest: list[Coefficient], k: int) -> Term:
    numbers = _numbers(summand)
    if not numbers or k >= len(rest):
        return summand
    node, labels = rest[k]
    nodes, lists = [node, *numbers], [labels, *[()] * len(numbers)]
    product = contraction.contract(nodes, lists, labels, node.shape, strong=True)
    changed = (*rest[:k], Coefficient(product, labels), *rest[k + 1 :])
    return summand._replace(coefficients=changed)


def _with_constant(a: Term, constant_part: float) -> Term:
    """A summand with one coefficient, and a constant on the same entries."""
    (item,) = a.coefficients
    node = item.node
    same = contraction.full(node.shape, constant_part / a.scale, node.dtype)
    return a._replace(coefficients=(Coefficient(sum_of(node, same), item.labels),))
