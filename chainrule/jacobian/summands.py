"""Summands of a structured map: a term whose labels have sizes, and how two of them compose.

The chain rule (5.53) identifies the labels between two maps and puts their coefficients side by
side. Where an axis is a function of labels, the other side's label is replaced by that function,
and what carried the label is sliced, looked up or split accordingly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from typing import NamedTuple

import numpy as np

from chainrule.graph.node import Node, constant
from chainrule.primitives import contraction
from chainrule.primitives.arithmetic import sum_of
from chainrule.primitives.arrangement import cumulative_sum, reshape
from chainrule.primitives.expression import UFUNCS
from chainrule.primitives.gathers import take
from chainrule.primitives.identities import cast
from chainrule.primitives.selections import Range, take_slice, whole
from chainrule.primitives.terms import (
    Affine,
    Axes,
    Axis,
    Coefficient,
    Digit,
    Gather,
    Group,
    Term,
    Triangle,
    all_labels,
    are_digits,
    labels_of,
)
from chainrule.shapes import Labels, Shape, common_factors


class Unstructured(Exception):  # not an error: the caller takes another way
    """A composition that this representation has no compact form for."""


class Summand(NamedTuple):
    """``J[out, into] = scale * product of coefficients``, summed over all labels."""

    coefficients: tuple[Coefficient, ...]
    out: Axes
    into: Axes
    sizes: Mapping[int, int]
    scale: float = 1.0
    triangles: tuple[Triangle, ...] = ()

    @property
    def transposed(self) -> Summand:
        return self._replace(out=self.into, into=self.out)

    @property
    def outer_labels(self) -> set[int]:
        """Labels of the output and of the input; all others are summed."""
        ends = [label for item in self.triangles for label in (item.row, item.column)]
        return {*all_labels(self.out), *all_labels(self.into), *ends}


def from_term(term: Term, out: Node, into: Node) -> Summand:
    """A declared local Jacobian with the sizes of its labels, and masks as numbers."""
    sizes: dict[int, int] = {}
    for axes, node in ((term.out, out), (term.into, into)):
        for axis, size in zip(axes, node.shape, strict=True):
            sizes.update(_axis_sizes(axis, size))
    coefficients = tuple(
        Coefficient(cast(item.node, out.dtype), item.labels)
        if item.node.dtype.kind == "b"
        else item
        for item in term.coefficients
    )
    for coefficient in coefficients:
        sizes.update(zip(coefficient.labels, coefficient.node.shape, strict=True))
    for triangle in term.triangles:
        sizes.update({triangle.row: triangle.size, triangle.column: triangle.size})
    return Summand(coefficients, term.out, term.into, sizes, term.scale, term.triangles)


def _axis_sizes(axis: Axis, size: int) -> dict[int, int]:
    if isinstance(axis, int):
        return {axis: size}
    if isinstance(axis, (Affine, Digit)):
        return {axis.label: axis.length}
    return dict(
        zip(
            axis.labels,
            axis.sizes if isinstance(axis, Group) else axis.positions.shape,
            strict=True,
        )
    )


def identity_summand(shape: Shape) -> Summand:
    """The identity on arrays of a shape."""
    labels = tuple(range(len(shape)))
    return Summand((), labels, labels, dict(enumerate(shape)))


def compose(outer: Summand, inner: Summand) -> Summand | None:
    """``outer ∘ inner``, or None where no entry survives."""
    shift = 1 + max([-1, *outer.sizes])
    moved = _renamed(inner, {label: label + shift for label in inner.sizes})
    if are_digits(outer.into) or are_digits(moved.out):
        return _through_digits(outer, moved)
    state = Composition(outer, moved)
    return state.summand() if state.resolve() else None


def _through_digits(outer: Summand, inner: Summand) -> Summand | None:
    """Reshapes whose boundaries do not match compose with each other only."""
    if outer.into == inner.out and are_digits(outer.into):
        return compose(outer, inner)
    if are_digits(outer.into) and are_digits(inner.out):
        one, two = outer.into[0], inner.out[0]
        same = [(a.stride, a.size) for a in outer.into if isinstance(a, Digit)] == [
            (b.stride, b.size) for b in inner.out if isinstance(b, Digit)
        ]
        if same and isinstance(one, Digit) and isinstance(two, Digit):
            state = Composition(outer, inner)
            state.pairs = []
            state.substitute(two.label, one.label)
            return state.summand()
    raise Unstructured("a reshape whose axes have no common factors")


def _renamed(summand: Summand, names: Mapping[int, int]) -> Summand:
    def rename(axis: Axis) -> Axis:
        if isinstance(axis, int):
            return names[axis]
        if isinstance(axis, (Affine, Digit)):
            return axis._replace(label=names[axis.label])
        return axis._replace(labels=tuple(names[label] for label in axis.labels))

    return Summand(
        tuple(
            Coefficient(item.node, tuple(names[label] for label in item.labels))
            for item in summand.coefficients
        ),
        tuple(rename(axis) for axis in summand.out),
        tuple(rename(axis) for axis in summand.into),
        {names[label]: size for label, size in summand.sizes.items()},
        summand.scale,
        tuple(
            item._replace(row=names[item.row], column=names[item.column])
            for item in summand.triangles
        ),
    )


@dataclass
class _Common:
    """Where two affine axes meet: both labels as affine functions of one."""

    first: tuple[int, int]
    second: tuple[int, int]
    length: int


def _intersection(a: Affine, b: Affine) -> _Common | None:
    """Solve ``a.start + a.step i = b.start + b.step j`` for whole i and j in range."""
    divisor = gcd(a.step, b.step)
    if (b.start - a.start) % divisor:
        return None
    step_i, step_j = abs(b.step) // divisor, abs(a.step) // divisor
    sign = 1 if (a.step > 0) == (b.step > 0) else -1
    inverse = pow(a.step // divisor, -1, step_i) if step_i > 1 else 0
    i = (b.start - a.start) // divisor * inverse % step_i
    j = (a.start + a.step * i - b.start) // b.step
    # the solutions are i + q step_i and j + q sign step_j: the first q with j in range
    first = -(j // step_j) if sign > 0 else -((b.length - 1 - j) // step_j)
    q = max(0, first)
    i, j = i + q * step_i, j + q * sign * step_j
    if not (0 <= i < a.length and 0 <= j < b.length):
        return None
    room_i = (a.length - 1 - i) // step_i
    room_j = ((b.length - 1 - j) if sign > 0 else j) // step_j
    return _Common((i, step_i), (j, sign * step_j), 1 + min(room_i, room_j))


def as_gather(axis: Axis, sizes: Mapping[int, int]) -> Gather:
    """Any axis as a table of positions."""
    if isinstance(axis, Gather):
        return axis
    labels = labels_of(axis)
    shape = tuple(sizes[label] for label in labels)
    table = np.arange(int(np.prod(shape, dtype=np.int64))).reshape(shape)
    if isinstance(axis, Affine):
        table = axis.start + axis.step * table
    if isinstance(axis, Digit):
        table = table // axis.stride % axis.size
    return Gather(constant(table), labels)


class Composition:
    """A composition under way: what is composed, and pairs of axes yet to be identified."""

    def __init__(self, outer: Summand, inner: Summand) -> None:
        self.coefficients = [*outer.coefficients, *inner.coefficients]
        self.out, self.into = list(outer.out), list(inner.into)
        self.pairs = list(zip(outer.into, inner.out, strict=False))
        self.sizes = {**outer.sizes, **inner.sizes}
        self.triangles = [*outer.triangles, *inner.triangles]
        self.scale = outer.scale * inner.scale

    @classmethod
    def of(cls, summand: Summand) -> Composition:
        """One summand, to be restricted."""
        return cls(summand, Summand((), (), summand.into, {}))._with_pairs([])

    def _with_pairs(self, pairs: list[tuple[Axis, Axis]]) -> Composition:
        self.pairs = pairs
        return self

    def axis_length(self, axis: Axis) -> int:
        """How many positions an axis has, as far as its own labels tell; 0 if they do not."""
        if isinstance(axis, int):
            return self.sizes[axis]
        return int(np.prod(axis.sizes)) if isinstance(axis, Group) else 0

    def resolve(self) -> bool:
        """Identify all pairs of axes; False where no entry survives."""
        while self.pairs:
            if not self.unify(*self.pairs.pop()):
                return False
        return True

    def summand(self) -> Summand:
        return Summand(
            tuple(self.coefficients), tuple(self.out), tuple(self.into), self.sizes, self.scale,
            tuple(self.triangles),
        )  # fmt: skip

    def fresh(self, size: int) -> int:
        label = 1 + max([-1, *self.sizes])
        self.sizes[label] = size
        return label

    def unify(self, a: Axis, b: Axis) -> bool:
        """Identify two axes; False where they have no position in common."""
        if a == b and isinstance(a, int):
            return True
        if set(labels_of(a)) & set(labels_of(b)):
            raise Unstructured("one label on both sides of an identification")
        if isinstance(b, int):
            self.substitute(b, a)
            return True
        if isinstance(a, int):
            self.substitute(a, b)
            return True
        if isinstance(a, Affine) and isinstance(b, Affine):
            return self._meet(a, b)
        if isinstance(a, Group) and isinstance(b, Group):
            self._refine(a, b)
            return True
        if isinstance(a, Group):
            a, b = b, a
        if isinstance(b, Group):
            self._spread(as_gather(a, self.sizes), b)
        else:
            self._indicate(as_gather(a, self.sizes), as_gather(b, self.sizes))
        return True

    def _spread(self, a: Gather, b: Group) -> None:
        """Each label of a group is a digit of the position that a table gives."""
        position = a.positions
        for label, size in reversed(list(zip(b.labels, b.sizes, strict=True))):
            every = contraction.full((), size, position.dtype)
            self.substitute(label, Gather(UFUNCS[np.remainder](position, every), a.labels))
            position = UFUNCS[np.floor_divide](position, every)

    def _meet(self, a: Affine, b: Affine) -> bool:
        common = _intersection(a, b)
        if common is None:
            return False
        label = self.fresh(common.length)
        self.substitute(a.label, Affine(label, *common.first, common.length))
        self.substitute(b.label, Affine(label, *common.second, common.length))
        return True

    def _refine(self, a: Group, b: Group) -> None:
        common = common_factors(a.sizes, b.sizes)
        if common is None:
            self._indicate(as_gather(a, self.sizes), as_gather(b, self.sizes))
            return
        factors, groups_a, groups_b = common
        labels = [self.fresh(size) for size in factors]
        for group, numbers in ((a, groups_a), (b, groups_b)):
            for label, parts in zip(group.labels, numbers, strict=True):
                mine = tuple(labels[n] for n in parts)
                sizes = tuple(factors[n] for n in parts)
                self.substitute(label, mine[0] if len(mine) == 1 else Group(mine, sizes))

    def _indicate(self, a: Gather, b: Gather) -> None:
        """A coefficient that is one where two tables agree."""
        size = a.positions.size * b.positions.size
        if size > 10**7:
            raise Unstructured("two tables of positions meet")
        left = reshape(a.positions, (*a.positions.shape, *[1] * b.positions.ndim))
        agree = contraction_equal(left, b.positions)
        self.coefficients.append(Coefficient(agree, (*a.labels, *b.labels)))

    # -- replacing a label by a function of others ------------------------------------------------

    def substitute(self, label: int, by: Axis) -> None:
        """Replace a label everywhere by what it is in terms of other labels."""
        if label in labels_of(by):
            raise Unstructured("a label in terms of itself")
        self.sizes.update(_axis_sizes(by, self.sizes[label]) if not isinstance(by, int) else {})
        if any(label in (item.row, item.column) for item in self.triangles):
            self._replace_in_triangles(label, by)
        self.coefficients = [
            Coefficient(*_substituted(item.node, item.labels, label, by))
            if label in item.labels
            else item
            for item in self.coefficients
        ]
        self.out = [self._in_axis(axis, label, by) for axis in self.out]
        self.into = [self._in_axis(axis, label, by) for axis in self.into]
        self.pairs = [
            (self._in_axis(a, label, by), self._in_axis(b, label, by)) for a, b in self.pairs
        ]
        del self.sizes[label]

    def _in_axis(self, axis: Axis, label: int, by: Axis) -> Axis:
        if label not in labels_of(axis):
            return axis
        if isinstance(axis, int):
            return by
        if isinstance(axis, (Affine, Digit)) and isinstance(by, int):
            return axis._replace(label=by)
        if isinstance(axis, Affine) and isinstance(by, Affine):
            start = axis.start + axis.step * by.start
            return Affine(by.label, start, axis.step * by.step, by.length)
        if isinstance(axis, Group) and isinstance(by, (int, Group)):
            inside = by if isinstance(by, Group) else Group((by,), (self.sizes[label],))
            return _spliced(axis, label, inside)
        table = as_gather(axis, self.sizes)
        return Gather(*_substituted(table.positions, table.labels, label, by))

    def _replace_in_triangles(self, label: int, by: Axis) -> None:
        """A rename, or the triangle written out as a coefficient."""
        kept = []
        for item in self.triangles:
            if label not in (item.row, item.column):
                kept.append(item)
            elif isinstance(by, int):
                kept.append(
                    item._replace(
                        row=by if item.row == label else item.row,
                        column=by if item.column == label else item.column,
                    )
                )
            elif item.size > 4096:
                raise Unstructured("part of a large cumulative sum")
            else:
                self.coefficients.append(written_triangle(item))
        # an entry on the diagonal of a triangle is one
        self.triangles = [item for item in kept if item.row != item.column]


def written_triangle(item: Triangle) -> Coefficient:
    """The zeros and ones of a cumulative sum."""
    ones = np.tri(item.size, dtype=np.float32)  # of the narrowest dtype: it widens nothing
    return Coefficient(constant(ones.T if item.upper else ones), (item.row, item.column))


def contraction_equal(a: Node, b: Node) -> Node:
    """Where two arrays of whole numbers agree, with broadcasting."""
    return cast(UFUNCS[np.equal](a, b), np.float32)  # of the narrowest dtype: it widens nothing


def _spliced(group: Group, label: int, inside: Group) -> Group:
    at = group.labels.index(label)
    return Group(
        (*group.labels[:at], *inside.labels, *group.labels[at + 1 :]),
        (*group.sizes[:at], *inside.sizes, *group.sizes[at + 1 :]),
    )


def _substituted(node: Node, labels: Labels, label: int, by: Axis) -> tuple[Node, Labels]:
    """An array one of whose labels is replaced: renamed, sliced, looked up or split."""
    while label in labels:
        at = labels.index(label)
        if isinstance(by, Affine):
            ranges = [whole(size) for size in node.shape]
            ranges[at] = Range(by.start, by.step, by.length)
            node = take_slice(node, ranges)
        elif isinstance(by, Gather):
            node = take(node, by.positions, at)
        elif isinstance(by, Group):
            node = reshape(node, (*node.shape[:at], *by.sizes, *node.shape[at + 1 :]))
        elif isinstance(by, Digit):
            raise Unstructured("a digit of a reshape on its own")
        labels = (*labels[:at], *labels_of(by), *labels[at + 1 :])
    return node, labels


# -- simplifying one summand, merging several ----------------------------------------------------


def simplified(summand: Summand, eager: bool) -> Summand:
    """Summed labels contracted, and factors over the same labels multiplied.

    Coefficients are multiplied out only inside a component that summed labels join, so that outer
    products stay factors. Where ``eager`` is false, a component waits, so that the order of its
    products can be chosen as a whole.
    """
    summand = _without_open_triangles(summand)
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


def _without_open_triangles(summand: Summand) -> Summand:
    """A cumulative sum over a label that is summed is carried out on what has that label."""
    ends = {*all_labels(summand.out), *all_labels(summand.into)}
    for item in summand.triangles:
        for here, there in ((item.column, item.row), (item.row, item.column)):
            if here in ends:
                continue
            mine = [c for c in summand.coefficients if here in c.labels]
            rest = tuple(c for c in summand.coefficients if here not in c.labels)
            labels = tuple(dict.fromkeys([here, *(n for c in mine for n in c.labels)]))
            shape = tuple(summand.sizes[label] for label in labels)
            nodes, lists = [c.node for c in mine], [c.labels for c in mine]
            shared = any(here in (t.row, t.column) for t in summand.triangles if t is not item)
            if shared or there in labels or not nodes:
                return _without_open_triangles(
                    summand._replace(
                        coefficients=(*summand.coefficients, written_triangle(item)),
                        triangles=tuple(t for t in summand.triangles if t is not item),
                    )
                )
            product = contraction.contract(nodes, lists, labels, shape, strong=True)
            # over columns: sums up to each row; over rows: sums from each column on
            backwards = item.upper if here == item.column else not item.upper
            summed = cumulative_sum(product, 0, backwards)
            done = Coefficient(summed, (there, *labels[1:]))
            return _without_open_triangles(
                summand._replace(
                    coefficients=(*rest, done),
                    sizes={n: size for n, size in summand.sizes.items() if n != here},
                    triangles=tuple(t for t in summand.triangles if t is not item),
                )
            )
    return summand


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
        ordered = _sorted(item)
        known = found.get(ordered.labels)
        if known is not None:
            product = contraction.contract(
                [known.node, ordered.node], [known.labels, ordered.labels], known.labels,
                known.node.shape, strong=True,
            )  # fmt: skip
            ordered = Coefficient(product, known.labels)
        found[ordered.labels] = ordered
    return list(found.values())


def _sorted(item: Coefficient) -> Coefficient:
    """A coefficient with its labels in ascending order, each once."""
    labels = tuple(sorted(set(item.labels)))
    if labels == item.labels:
        return item
    sizes = dict(zip(item.labels, item.node.shape, strict=True))
    shape = tuple(sizes[label] for label in labels)
    return Coefficient(contraction.relabel(item.node, item.labels, labels, shape), labels)


def canonical(summand: Summand) -> Summand:
    """Labels numbered in the order in which they appear, coefficients ordered by their labels."""
    order = [*all_labels(summand.out), *all_labels(summand.into)]
    order += [label for item in summand.triangles for label in (item.row, item.column)]
    order += [label for item in summand.coefficients for label in item.labels]
    names = {label: k for k, label in enumerate(dict.fromkeys(order))}
    kept = summand._replace(sizes={label: summand.sizes[label] for label in names})
    renamed = _renamed(kept, names)
    coefficients = sorted((_sorted(item) for item in renamed.coefficients), key=lambda c: c.labels)
    return renamed._replace(coefficients=tuple(coefficients))


def merged(summands: Sequence[Summand]) -> list[Summand]:
    """Like terms added: those that differ in the scale or in one coefficient only."""
    result: list[Summand] = []
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


def _added(a: Summand, b: Summand) -> Summand | None:
    """The sum as one summand, where their axes agree and at most one coefficient differs."""
    if (a.out, a.into, a.triangles) != (b.out, b.into, b.triangles):
        return None
    if not a.coefficients and len(b.coefficients) == 1:
        return _added(b, a)
    if not b.coefficients and len(a.coefficients) == 1:
        return _with_constant(a, b.scale)
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


def _with_constant(a: Summand, constant_part: float) -> Summand:
    """A summand with one coefficient, and a constant on the same entries."""
    (item,) = a.coefficients
    node = item.node
    same = contraction.full(node.shape, constant_part / a.scale, node.dtype)
    return a._replace(coefficients=(Coefficient(sum_of(node, same), item.labels),))
