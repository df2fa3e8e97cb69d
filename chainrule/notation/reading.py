"""Nodes of a graph read as matrix notation, down to the values that have names."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.graph.node import CONSTANT, Array, Node, Primitive, make, new_input, scalar_value
from chainrule.graph.pickling import Table, packed, unpacked
from chainrule.graph.walk import topological
from chainrule.notation.algebra import (
    SCALAR,
    Apply,
    Call,
    Expr,
    Identity,
    Index,
    Key,
    Number,
    Ones,
    Product,
    Symbol,
    Triangle,
    Vec,
    dense_shape,
    number,
    shape_of_array,
)
from chainrule.notation.logistic import Reciprocal, by_names, reciprocals
from chainrule.notation.networks import Factor, read_value
from chainrule.notation.pieces import Value, split_number
from chainrule.notation.rewriting import inverse, power, product, transpose
from chainrule.notation.signs import by_signs
from chainrule.notation.values import NodeValues
from chainrule.primitives.arithmetic import divide, reciprocal
from chainrule.primitives.arrangement import RESHAPE
from chainrule.primitives.contraction import CONTRACT, repeated_scalar
from chainrule.primitives.determinants import COFACTOR, DET
from chainrule.primitives.elementwise import Elementwise
from chainrule.primitives.identities import ALIAS, CAST, DERIVED_AS, STOP_GRADIENT
from chainrule.primitives.linear_algebra import INV, SOLVE
from chainrule.primitives.products import Spec
from chainrule.primitives.selections import REPLACE, SLICE, Range
from chainrule.shapes import Labels

CLOSEST = 1e-5
"""How near to 1 a probability may be if 1 − p is to keep ten digits, which steps are checked to."""


class Reader:
    """Reads nodes as expressions; named ones are symbols.

    Parameters
    ----------
    names : mapping from Node to str
        The values that have names.
    name_constant : callable
        Gives the name of an array or a number that the function captured.
    at_point : NodeValues
        The values of nodes at the point.
    """

    def __init__(
        self,
        names: Mapping[Node, str],
        name_constant: Callable[[Array], str | None],
        at_point: NodeValues,
    ) -> None:
        self.known: dict[Node, Expr] = {
            node: Symbol(shape_of_array(node.shape), name) for node, name in names.items()
        }
        self._names = frozenset(names)
        self._read: dict[Node, Expr] = {}
        self.values: dict[str, Array] = {}
        """The values of constants that got a name here."""
        self._name_constant = name_constant
        self.at_point = at_point
        self._taken = set(names.values())

    @contextmanager
    def seen_from(self, top: Node) -> Iterator[None]:
        """Only names of what a value is computed from: sin's derivative is cos(t), not x2 = cos(t).

        Equal nodes are one, so that a derivative may be a value that has a name elsewhere.
        """
        behind = set(topological([top]))
        hidden = {node for node in self._names - behind if node.inputs}
        known, read = self.known, self._read
        shown = [node for node in hidden if node in known]
        symbols = {node: known.pop(node) for node in shown}
        self._read = {} if hidden else read
        try:
            yield
        finally:
            known.update(symbols)
            self._read = read

    def value(self, node: Node) -> Expr:
        """What stands for a node inside others: its name, or what it is made of."""
        found = self.known.get(node) or self._read.get(node)
        if found is None:
            found = self.definition(node)
            self._read[node] = found
        return found

    def by_names(self, expr: Expr) -> Expr:
        """With p where it says 1 ⊘ (1 + e), of which p is the name."""
        known = [item for node in self.known for item in self._reciprocals(node)]
        return by_names(expr, known)

    def _reciprocals(self, node: Node) -> list[Reciprocal]:
        if node.primitive not in (divide, reciprocal):
            return []
        symbol, value = self.known[node], self.at_point[node]
        assert isinstance(symbol, Symbol)
        if not bool(np.all(np.abs(1 - value) >= CLOSEST)):
            return []
        return list(reciprocals(symbol, self.definition(node)))

    def definition(self, node: Node) -> Expr:
        """What a node is made of, in terms of named values."""
        primitive = node.primitive
        if primitive is CONTRACT:
            labels = tuple(range(node.ndim))
            factors, sizes, scale = self.factors([(node, labels)], labels, expand=node)
            return read_value(factors, labels, sizes, scale)
        if primitive is CONSTANT:
            return self._constant(node)
        if primitive in (CAST, ALIAS, DERIVED_AS, STOP_GRADIENT):
            return self.value(node.inputs[0])
        written = primitive.written(node)
        if written is not None:
            return self.value(written)
        if primitive is SLICE:
            key: Key = tuple((part.start, part.step, part.length) for part in node.params)
            return Index(self.value(node.inputs[0]), key)
        if primitive is RESHAPE and node.ndim == 1 and node.inputs[0].ndim == 2:
            return Vec(self.value(node.inputs[0]))
        if isinstance(primitive, Elementwise):
            return self._elementwise(node)
        if node.inputs[0].ndim == 2 and primitive in _OF_MATRICES:
            args = [self.value(item) for item in node.inputs]
            if primitive is INV:
                self.at_point[node]  # a singular matrix is refused by who asked for the inverse
            if primitive is not COFACTOR or self.at_point[make(DET, node.inputs)] != 0:
                return _OF_MATRICES[primitive](*args)
        return self._call(node)

    def _constant(self, node: Node) -> Expr:
        assert node.value is not None
        if node.ndim == 0:
            return self._number(node.value)
        shape = shape_of_array(node.shape)
        first = node.value.flat[0] if node.size else 0
        if node.size > 1 and node.dtype.kind in "fiub" and bool(np.all(node.value == first)):
            return product([self._number(np.asarray(first)), Ones(shape)])
        known = _known_matrix(node.value)
        if known is not None:
            return known
        return self.constant_symbol(node.value)

    def _number(self, value: Array) -> Expr:
        """A number, by the name that the user gave it: ε rather than 1e-05."""
        name = self._name_constant(value) if value.dtype.kind == "f" else None
        if name is None or (name in self._taken and name not in self.values):
            return number(float(value))
        self._taken.add(name)
        self.values[name] = value
        return Symbol(SCALAR, name)

    def constant_symbol(self, array: Array, letter: str = "C") -> Symbol:
        """A symbol for an array of the function's own, the same whenever it is met."""
        for given, known in self.values.items():
            if known is array:
                return Symbol(shape_of_array(array.shape), given)
        name = self._name_constant(array)
        if name is None or name in self._taken:
            name = self._fresh(letter)
        self._taken.add(name)
        self.values[name] = array
        return Symbol(shape_of_array(array.shape), name)

    def _fresh(self, letter: str) -> str:
        serial = 1
        while f"{letter}{serial}" in self._taken:
            serial += 1
        return f"{letter}{serial}"

    def _call(self, node: Node) -> Expr:
        args = tuple(self.value(item) for item in node.inputs)
        if node.primitive is REPLACE:
            args = (args[0], _as_number(args[1]))
        detail = _detail(node)
        shape = shape_of_array(node.shape)
        return Call(node.primitive.name, args, shape, detail, NodeFunction(alone(node)))

    # -- functions of elements --------------------------------------------------------------------

    def _elementwise(self, node: Node) -> Expr:
        row = node.primitive
        assert isinstance(row, Elementwise)
        if row.raises:
            exponent = _constant_number(node.inputs[1])
            if exponent is not None:
                return power(self.value(node.inputs[0]), number(exponent).value)
        args = [self.value(item) for item in node.inputs]
        if row.by_signs is not None:
            return by_signs(row.by_signs, args)
        return Apply(row.name, tuple(args), self._runner(node))

    def _runner(self, node: Node) -> Callable[..., Any]:
        """The function on numbers; what jumps has the value that the forward path found."""
        row = node.primitive
        if isinstance(row, Elementwise) and not row.varies:
            found = self.at_point[node].astype(np.float64)
            return Found(found.reshape(dense_shape(shape_of_array(node.shape))))
        return NodeFunction(alone(node))

    # -- labelled products ------------------------------------------------------------------------

    def factors(
        self,
        coefficients: Sequence[tuple[Node, Labels]],
        outer: Labels,
        expand: Node | None = None,
        sizes: Mapping[int, int] | None = None,
    ) -> tuple[list[Factor], dict[int, int], Value]:
        """Coefficients as factors, products among them taken apart.

        Parameters
        ----------
        coefficients
            Nodes with the labels of their axes.
        outer
            Labels that are not summed.
        expand : Node, optional
            A node that is taken apart although it has a name.

        Returns
        -------
        factors, sizes, scale
            The sizes of all labels; the number in front.
        """
        whole = ChainMap(self.known, self._read)
        parts = TakenApart(whole, expand, dict(sizes or {}), outer)
        for node, labels in coefficients:
            parts.add(node, labels)
        parts.absorb_free_labels(outer)
        made = [Factor(self.value(node), labels) for node, labels in parts.leaves]
        made += [Factor(Identity(parts.sizes[a]), (a, b)) for a, b in parts.deltas]
        return made, parts.sizes, number(parts.scale).value


class TakenApart:
    """A product of products as one, with labels of its own for what is summed inside."""

    def __init__(
        self, known: Mapping[Node, Expr], expand: Node | None, sizes: dict[int, int], outer: Labels
    ) -> None:
        self.known, self.expand, self.sizes = known, expand, sizes
        self.scale = 1.0
        self.leaves: list[tuple[Node, Labels]] = []
        self.deltas: list[tuple[int, int]] = []
        self._fresh = 1 + max([-1, *outer, *sizes])

    def add(self, node: Node, labels: Labels) -> None:
        """A factor, or the factors that it is a product of."""
        self._fresh = max(self._fresh, 1 + max([-1, *labels]))
        pending = [(node, labels)]
        while pending:
            item, mine = pending.pop()
            self.sizes.update(zip(mine, item.shape, strict=True))
            named = item in self.known and item is not self.expand
            if named or item.primitive is not CONTRACT:
                self.leaves.append((item, mine))
                continue
            pending.extend(reversed(self._operands(item, mine)))

    def _operands(self, node: Node, labels: Labels) -> list[tuple[Node, Labels]]:
        spec: Spec = node.params
        names: dict[int, int] = {}
        for inner, outer in zip(spec.out, labels, strict=True):
            if names.setdefault(inner, outer) != outer:
                self.deltas.append((names[inner], outer))
        for inner, size in enumerate(spec.sizes):
            if inner not in names:
                names[inner] = self._fresh
                self.sizes[self._fresh] = size
                self._fresh += 1
        self.scale *= spec.scale
        operands = [tuple(names[label] for label in item) for item in spec.operands]
        return list(zip(node.inputs, operands, strict=True))

    def absorb_free_labels(self, outer: Labels) -> None:
        """A label that is summed and on no factor counts its values."""
        used = {label for _, labels in self.leaves for label in labels}
        used.update(label for pair in self.deltas for label in pair)
        for label in [n for n in self.sizes if n not in used and n not in outer]:
            self.scale *= self.sizes[label]


@dataclass(frozen=True, eq=False)
class NodeFunction:
    """The function of one node, of arrays of any dtype with their axes as in notation."""

    node: Node

    def __call__(self, *arrays: Array) -> Array:
        inputs = self.node.inputs
        if isinstance(self.node.primitive, Elementwise):
            given = [a if n.dtype.kind == "f" else a.astype(n.dtype)
                     for a, n in zip(arrays, inputs, strict=True)]  # fmt: skip
        else:
            given = [
                (np.full(n.shape, a.item()) if a.size == 1 else a.reshape(n.shape)).astype(n.dtype)
                for a, n in zip(arrays, inputs, strict=True)
            ]
        return self.node.primitive.bind(self.node)(*given)

    def __reduce__(self) -> Any:
        return _function_of, (packed([self.node]),)


@dataclass(frozen=True, eq=False)
class Found:
    """A function whose value is known, whatever it is given."""

    value: Array

    def __call__(self, *_: Array) -> Array:
        return self.value


def alone(node: Node) -> Node:
    """The node's operation on arguments of its own, without what they are made of."""
    inputs = tuple(new_input(item.shape, item.dtype) for item in node.inputs)
    return make(node.primitive, inputs, node.params)


def _function_of(table: Table) -> NodeFunction:
    return NodeFunction(*unpacked(table))


def _constant_number(node: Node) -> float | None:
    repeated = repeated_scalar(node)
    return scalar_value(repeated) if repeated is not None else None


def _known_matrix(array: Array) -> Expr | None:
    """The identity, or a triangle of ones, where an array is one."""
    if array.ndim != 2 or array.shape[0] != array.shape[1] or not array.size:
        return None
    size = array.shape[0]
    if array[0, -1] == 0 and array[-1, 0] == 0:
        return Identity(size) if np.array_equal(array, np.eye(size)) else None
    for upper in (False, True):
        if np.array_equal(array.T if upper else array, np.tri(size)):
            return Triangle(size, upper)
    return None


def _detail(node: Node) -> str:
    """The parameters of a call that are worth a word: along which axis, into which shape."""
    params: Any = node.params
    if node.primitive is RESHAPE:
        return "×".join(map(str, node.shape))
    if node.primitive is REPLACE:
        places = map(_positions, params, node.shape)
        return f"[{', '.join(places)}]"
    rank = node.inputs[0].ndim if node.inputs else 0
    if isinstance(params, int) and rank > 1:
        return f"axis {params}"
    if isinstance(params, tuple) and all(type(item) is int for item in params):
        return "" if len(params) in (0, rank) else "axes " + ", ".join(map(str, params))
    return ""


def _positions(part: Range, size: int) -> str:
    """Where along an axis, as Python writes it: ``0``, ``:``, ``1:3``, ``::2``."""
    if part.length == 1:
        return str(part.start)
    if part.length == size and part.step == 1:
        return ":"
    stop = part.start + part.step * part.length
    return f"{part.start}:{stop if stop >= 0 else ''}" + f":{part.step}" * (part.step != 1)


def _as_number(expr: Expr) -> Expr:
    """A number that was repeated along axes, as the number."""
    value, rest = split_number(expr)
    if isinstance(rest, Ones):
        return Number(value)
    factors = rest.factors if isinstance(rest, Product) else ()
    if factors and isinstance(factors[-1], Ones) and all(f.is_scalar for f in factors[:-1]):
        return product([Number(value), *factors[:-1]])
    return expr


def _cofactor(a: Expr) -> Expr:
    """det(A) A⁻ᵀ, where A is regular."""
    return product([Call("det", (a,), SCALAR, "", np.linalg.det), transpose(inverse(a))])


_OF_MATRICES: dict[Primitive, Callable[..., Expr]] = {
    INV: inverse,
    SOLVE: lambda a, b: product([inverse(a), b]),
    COFACTOR: _cofactor,
}
"""Matrix notation's own: there is no sign for an inverse in code."""
