"""How two summands compose, and how one is restricted: axes are identified, labels replaced.

The chain rule (5.53) identifies the labels between two maps and puts their coefficients side by
side. Where an axis is a function of labels, the other side's label is replaced by that function,
and what carried the label is sliced, looked up or split accordingly. Where both axes are functions
without a closed form for where they meet, the places where they agree are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import gcd, prod
from typing import NamedTuple

import numpy as np

from chainrule.graph.node import Array, Node, constant, is_constant
from chainrule.interpret.run import evaluate
from chainrule.jacobian.apply import looked_up
from chainrule.jacobian.summands import (
    Unstructured,
    as_gather,
    axis_sizes,
    renamed,
)
from chainrule.primitives import contraction
from chainrule.primitives.arrangement import reshape
from chainrule.primitives.axes import (
    Affine,
    Axes,
    Axis,
    Digit,
    Gather,
    Group,
    are_digits,
    are_plain,
    kind,
    labels_of,
)
from chainrule.primitives.expression import UFUNCS
from chainrule.primitives.gathers import take
from chainrule.primitives.identities import cast
from chainrule.primitives.terms import Coefficient, Term, Virtual
from chainrule.shapes import Labels, common_factors

LARGEST_WRITTEN = 4096
"""Rows and columns of a virtual coefficient, such as a cumulative sum, that may be written out."""
_Replacing = Callable[[Axis], Axis]
MOST_MATCHES = 10**7
"""More places than this where two tables agree are not listed."""


def compose(outer: Term, inner: Term) -> Term | None:
    """``outer ∘ inner``, or None where no entry survives."""
    shift = 1 + max([-1, *outer.sizes])
    moved = renamed(inner, {label: label + shift for label in inner.sizes})
    state = Composition(outer, moved)
    if are_digits(outer.into):
        state.count_by(outer.into, moved.out)
    elif are_digits(moved.out):
        state.count_by(moved.out, outer.into)
    return state.summand() if state.resolve() else None


def compositions(outer: Sequence[Term], inner: Sequence[Term]) -> list[Term]:
    """All terms of ``outer ∘ inner`` of which an entry survives, as they come."""
    made = [compose(one, two) for one in outer for two in inner]
    return [term for term in made if term is not None]


class _Meeting(NamedTuple):
    """Where two affine axes meet: both labels as affine functions of one."""

    first: tuple[int, int]
    second: tuple[int, int]
    length: int


def _meeting(a: Affine, b: Affine) -> _Meeting | None:
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
    return _Meeting((i, step_i), (j, sign * step_j), 1 + min(room_i, room_j))


class Composition:
    """A composition under way: what is composed, and pairs of axes yet to be identified."""

    def __init__(self, outer: Term, inner: Term) -> None:
        self.coefficients = [*outer.coefficients, *inner.coefficients]
        self.out, self.into = list(outer.out), list(inner.into)
        self.pairs = list(zip(outer.into, inner.out, strict=True))
        self.sizes = {**outer.sizes, **inner.sizes}
        self.virtual = [*outer.virtual, *inner.virtual]
        self.scale = outer.scale * inner.scale

    @classmethod
    def of(cls, summand: Term) -> Composition:
        """One summand, to be restricted."""
        nothing = Term((), (), ())
        state = cls(summand._replace(into=()), nothing)
        state.into = list(summand.into)
        return state

    def resolve(self) -> bool:
        """Identify all pairs of axes; False where no entry survives."""
        while self.pairs:
            if not self.unify(*self.pairs.pop()):
                return False
        return True

    def summand(self) -> Term:
        return Term(
            tuple(self.coefficients), tuple(self.out), tuple(self.into), self.scale,
            tuple(self.virtual), self.sizes,
        )  # fmt: skip

    def fresh(self, size: int) -> int:
        label = 1 + max([-1, *self.sizes])
        self.sizes[label] = size
        return label

    # -- identifying axes -------------------------------------------------------------------------

    def unify(self, a: Axis, b: Axis) -> bool:
        """Identify two axes; False where they have no position in common."""
        if a == b and isinstance(a, int):
            return True
        if set(labels_of(a)) & set(labels_of(b)):
            return self._agree(a, b)
        match a, b:
            case (axis, int(label)) | (int(label), axis):
                self._name(label, axis)
                return True
            case Affine(), Affine():
                return self._meet(a, b)
            case Group(), Group() if not (a.is_diagonal or b.is_diagonal):
                return self._refine(a, b)
            case (Group() as group, axis) | (axis, Group() as group) if not group.is_diagonal:
                table = as_gather(axis, self.sizes)
                if known(table.positions) is None:
                    self._spread(table, group)
                    return True
        return self._agree(a, b)

    def _name(self, label: int, axis: Axis) -> None:
        """A label is what an axis is; where a running sum has it, rather the other way round."""
        size = self.sizes[label]
        turned = isinstance(axis, Affine) and axis[1:] == (size - 1, -1, size)
        if turned and any(label in v.ends and v.turned is not None for v in self.virtual):
            self.substitute(labels_of(axis)[0], Affine(label, size - 1, -1, size))
        else:
            self.substitute(label, axis)

    def _spread(self, a: Gather, b: Group) -> None:
        """Each label of a group is a digit of the position that a table gives."""
        position = a.positions
        for label, size in reversed(list(zip(b.labels, b.sizes, strict=True))):
            every = contraction.full((), size, position.dtype)
            digit = folded(UFUNCS[np.remainder](position, every))
            self.substitute(label, Gather(digit, a.labels))
            position = UFUNCS[np.floor_divide](position, every)

    def _meet(self, a: Affine, b: Affine) -> bool:
        common = _meeting(a, b)
        if common is None:
            return False
        label = self.fresh(common.length)
        self.substitute(a.label, Affine(label, *common.first, common.length))
        self.substitute(b.label, Affine(label, *common.second, common.length))
        return True

    def _refine(self, a: Group, b: Group) -> bool:
        common = common_factors(a.sizes, b.sizes)
        if common is None:
            return self._agree(a, b)
        factors, groups_a, groups_b = common
        labels = [self.fresh(size) for size in factors]
        for group, numbers in ((a, groups_a), (b, groups_b)):
            for label, parts in zip(group.labels, numbers, strict=True):
                mine = tuple(labels[n] for n in parts)
                sizes = tuple(factors[n] for n in parts)
                self.substitute(label, mine[0] if len(mine) == 1 else Group(mine, sizes))
        return True

    def _agree(self, a: Axis, b: Axis) -> bool:
        """Where two tables of positions agree: listed, or marked where they are not known yet."""
        left, right = as_gather(a, self.sizes), as_gather(b, self.sizes)
        tables = known(left.positions), known(right.positions)
        if tables[0] is not None and tables[1] is not None:
            return self._match(left.labels, tables[0], right.labels, tables[1])
        if set(left.labels) & set(right.labels) or left.positions.size * right.positions.size > (
            MOST_MATCHES
        ):
            raise Unstructured("two tables of positions meet")
        across = reshape(left.positions, (*left.positions.shape, *[1] * right.positions.ndim))
        equal = cast(UFUNCS[np.equal](across, right.positions), np.float32)  # widens nothing
        self.coefficients.append(Coefficient(equal, (*left.labels, *right.labels)))
        return True

    def _match(self, a: Labels, left: Array, b: Labels, right: Array) -> bool:
        """List the places where two known tables agree, counted by one new label."""
        first, second = matches(left.ravel(), right.ravel())
        places = _unravelled(first, a, left)
        others = _unravelled(second, b, right)
        same = np.ones(first.size, bool)
        for label in places.keys() & others.keys():  # one label on both sides is one number
            same &= places[label] == others[label]
        places.update(others)
        if not same.any():
            return False
        if places:
            self.list_places({label: table[same] for label, table in places.items()})
        return True

    def count_by(self, digits: Axes, others: Axes) -> None:
        """All axes of an array at once: one side counts its elements by one label."""
        label = labels_of(digits[0])[0]
        if are_digits(others):
            (other,) = labels_of(others[0])
            if tuple(kind(axis).renamed({other: label}) for axis in others) == digits:
                self.pairs = []
                self.substitute(other, label)
                return
        plain = are_plain(others) and len(set(others)) == len(others)
        self.pairs = []
        if plain and not any(set(item.ends) & set(others) for item in self.virtual):
            count = np.arange(self.sizes[label])
            by = {
                axis: digit
                for axis, digit in zip(others, digits, strict=True)
                if isinstance(axis, int) and isinstance(digit, Digit)
            }
            tables = {axis: count // d.stride % d.size for axis, d in by.items()}
            self.list_places(tables, label, by)
            return
        parts = [as_gather(axis, self.sizes) for axis in others]
        strides = [digit.stride for digit in digits if isinstance(digit, Digit)]
        self.substitute(label, _together(parts, strides))

    # -- replacing labels by functions of others --------------------------------------------------

    def substitute(self, label: int, by: Axis) -> None:
        """Replace a label everywhere by what it is in terms of other labels."""
        if label in labels_of(by):
            raise Unstructured("a label in terms of itself")
        self.sizes.update(axis_sizes(by, self.sizes[label]) if not isinstance(by, int) else {})
        self._replace_in_virtual(label, by)
        self.coefficients = [
            Coefficient(*_substituted(item.node, item.labels, label, by))
            if label in item.labels
            else item
            for item in self.coefficients
        ]
        self._in_all_axes(lambda axis: self._in_axis(axis, label, by))
        del self.sizes[label]

    def _in_all_axes(self, replaced: _Replacing) -> None:
        self.out = [replaced(axis) for axis in self.out]
        self.into = [replaced(axis) for axis in self.into]
        self.pairs = [(replaced(a), replaced(b)) for a, b in self.pairs]

    def _in_axis(self, axis: Axis, label: int, by: Axis) -> Axis:
        if label not in labels_of(axis):
            return axis
        closed = kind(axis).replaced(label, by, self.sizes[label])
        if closed is not None:
            return closed
        table = as_gather(axis, self.sizes)
        node, labels = _substituted(table.positions, table.labels, label, by)
        return as_gather(Gather(folded(node), labels), self.sizes)

    def _replace_in_virtual(self, label: int, by: Axis) -> None:
        """A rename, or the virtual coefficient written out."""
        for item in [item for item in self.virtual if label in item.ends]:
            if not isinstance(by, int):
                self._write(item)
                continue
            renamed = item.renamed({label: by})
            self.virtual = [renamed if other is item else other for other in self.virtual]
            if renamed.row == renamed.column:
                self._to_diagonal(renamed)

    def _to_diagonal(self, item: Virtual) -> None:
        self.virtual.remove(item)
        entries = item.on_diagonal()
        if entries is not None:
            self.coefficients.append(entries)

    def _write(self, item: Virtual) -> None:
        if max(item.shape) > LARGEST_WRITTEN:
            raise Unstructured("part of a large virtual coefficient")
        self.virtual.remove(item)
        self.coefficients.append(item.written())

    def list_places(
        self,
        places: Mapping[int, Array],
        label: int | None = None,
        axes: Mapping[int, Axis] | None = None,
    ) -> None:
        """Replace several labels at once by tables over one label, which counts the places.

        ``axes`` says what a replaced label is as an axis, where a closed form is known.
        """
        count = next(iter(places.values())).size
        label = self.fresh(count) if label is None else label
        for item in [item for item in self.virtual if not places.keys().isdisjoint(item.ends)]:
            self._write(item)
        shapes = {old: self.sizes[old] for old in places}
        whole_axes = axes or {
            old: _closed_form(table, label, shapes[old]) for old, table in places.items()
        }

        def replaced(axis: Axis) -> Axis:
            if not set(labels_of(axis)) & places.keys():
                return axis
            if isinstance(axis, int):
                return whole_axes[axis]
            table = as_gather(axis, self.sizes)
            node, labels = _listed(table.positions, table.labels, places, label)
            return Gather(folded(node), labels)

        self._in_all_axes(replaced)
        self.coefficients = [
            Coefficient(*_listed(item.node, item.labels, places, label))
            if places.keys() & set(item.labels)
            else item
            for item in self.coefficients
        ]
        for old in places:
            del self.sizes[old]


# -- tables of positions --------------------------------------------------------------------------


def known(node: Node) -> Array | None:
    """The value of what depends on constants only, or None."""
    if is_constant(node):
        return node.value
    if not node.inputs or node.witness is not None:
        return None
    return evaluate([node])[0]


def folded(node: Node) -> Node:
    """The node, as a constant where it depends on constants only."""
    value = None if is_constant(node) else known(node)
    return node if value is None else constant(value)


def matches(left: Array, right: Array) -> tuple[Array, Array]:
    """All pairs of places at which two flat tables hold the same number."""
    order = np.argsort(right, kind="stable")
    ordered = right[order]
    first = np.searchsorted(ordered, left, "left")
    counts = np.searchsorted(ordered, left, "right") - first
    total = int(counts.sum())
    if total > MOST_MATCHES:
        raise Unstructured("two tables of positions agree at very many places")
    ends = np.cumsum(counts)
    within = np.arange(total) - np.repeat(ends - counts, counts)
    return np.repeat(np.arange(left.size), counts), order[np.repeat(first, counts) + within]


def _unravelled(flat: Array, labels: Labels, table: Array) -> dict[int, Array]:
    """Flat places of a table by its labels; a single position has none."""
    return dict(zip(labels, np.unravel_index(flat, table.shape), strict=True)) if labels else {}


def _closed_form(table: Array, label: int, size: int) -> Axis:
    """A table over one label as an axis: the label itself or a slice, where it is one."""
    count = table.size
    step = int(table[1] - table[0]) if count > 1 else 1
    if step and bool(np.array_equal(table, table[0] + step * np.arange(count))):
        start = int(table[0])
        return label if (start, step, count) == (0, 1, size) else Affine(label, start, step, count)
    return Gather(constant(table), (label,))


def _together(parts: Sequence[Gather], strides: Sequence[int]) -> Gather:
    """Positions along several axes as one position in row-major order."""
    labels = tuple(dict.fromkeys(label for part in parts for label in part.labels))
    total: Node | None = None
    for part, stride in zip(parts, strides, strict=True):
        sizes = dict(zip(part.labels, part.positions.shape, strict=True))
        own = tuple(label for label in labels if label in sizes)
        moved = contraction.relabel(
            part.positions, part.labels, own, tuple(sizes[label] for label in own)
        )
        spread = reshape(moved, tuple(sizes.get(label, 1) for label in labels))
        every = contraction.full((), stride, moved.dtype)
        scaled = contraction.multiply(spread, every)
        total = scaled if total is None else UFUNCS[np.add](total, scaled)
    assert total is not None, "digits are the axes of an array with axes"
    return Gather(folded(total), labels)


# -- arrays whose labels are replaced -------------------------------------------------------------


def _substituted(node: Node, labels: Labels, label: int, by: Axis) -> tuple[Node, Labels]:
    """An array one of whose labels is replaced: renamed, sliced, looked up or split."""
    node, labels = looked_up(node, [by if old == label else old for old in labels])
    if node.size > MOST_MATCHES and len(set(labels)) < len(labels):
        raise Unstructured("a large diagonal of a table")
    return node, labels


def _listed(
    node: Node, labels: Labels, places: Mapping[int, Array], label: int
) -> tuple[Node, Labels]:
    """An array at listed places of some of its axes, which become one axis in front."""
    mine = [axis for axis, old in enumerate(labels) if old in places]
    rest = [axis for axis in range(node.ndim) if axis not in mine]
    sizes = tuple(node.shape[axis] for axis in mine)
    front = reshape(
        contraction.transpose(node, (*mine, *rest)),
        (prod(sizes), *(node.shape[axis] for axis in rest)),
    )
    flat = np.ravel_multi_index(tuple(places[labels[axis]] for axis in mine), sizes)
    if not np.array_equal(flat, np.arange(prod(sizes))):
        front = take(front, constant(flat), 0)
    return front, (label, *(labels[axis] for axis in rest))
