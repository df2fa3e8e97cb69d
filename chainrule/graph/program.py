"""A graph with its arguments, results and names: what ``cr.trace`` returns and ``print`` shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from chainrule.graph.node import CONSTANT, INPUT, Node
from chainrule.graph.pickling import Table, packed, unpacked
from chainrule.graph.walk import topological


@dataclass(frozen=True, repr=False)
class Graph:
    """A program as data.

    Attributes
    ----------
    inputs, outputs : tuple of Node
        Its arguments and its results.
    names : mapping from Node to str
        The user's names for values.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> graph = cr.trace(lambda A, x: A @ x, np.ones((2, 3)), np.ones(3))
    >>> graph.operations
    12
    """

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    names: Mapping[Node, str] = field(default_factory=dict)

    @property
    def nodes(self) -> list[Node]:
        """Every node, inputs before their users."""
        return topological(self.outputs)

    @property
    def operations(self) -> int:
        """Floating-point operations of one run."""
        return sum(node.primitive.operations(node) for node in self.nodes)

    @property
    def bytes(self) -> int:
        """Bytes read and written by one run; nodes that only relabel axes move none."""
        return sum(_traffic(node) for node in self.nodes if node.primitive.operations(node))

    def __len__(self) -> int:
        return len(self.nodes)

    def __hash__(self) -> int:
        return hash((self.inputs, self.outputs))

    def __copy__(self) -> Graph:
        return Graph(self.inputs, self.outputs, dict(self.names))

    def __deepcopy__(self, memo: dict[int, object]) -> Graph:
        return self.__copy__()  # nodes never change

    def __reduce__(self) -> Any:
        named = tuple(self.names)
        table = packed([*self.inputs, *self.outputs, *named])
        counts = (len(self.inputs), len(self.outputs))
        return _again, (table, *counts, tuple(self.names.values()))

    def __repr__(self) -> str:
        heads = [*_heads(self, _labels(self, self.inputs))]
        given = _listed(heads) or "nothing"
        results = _listed([f"{node.dtype}{list(node.shape)}" for node in self.outputs])
        return (
            f"<Graph {given} -> {results}; {len(self):,} nodes, {self.operations:,} operations, "
            f"{self.bytes:,} bytes>"
        )

    def __str__(self) -> str:
        return "\n".join(_lines(self))

    def _repr_html_(self) -> str:
        """The forward path for notebooks: its first lines, where there are very many."""
        lines = _lines(self)
        if len(lines) > 2 * SHOWN:
            left_out = f"  … {len(lines) - 2 * SHOWN:,} more lines …"
            lines = [*lines[:SHOWN], left_out, *lines[-SHOWN:]]
        return f"<pre>{escape(chr(10).join(lines))}</pre>"


SHOWN = 60
"""Lines at the beginning and at the end of a long graph that a notebook shows."""
FEW = 4
"""Arguments or results that a one-line text names."""


def _again(table: Table, inputs: int, outputs: int, names: tuple[str, ...]) -> Graph:
    nodes = unpacked(table)
    results, named = nodes[inputs : inputs + outputs], nodes[inputs + outputs :]
    return Graph(tuple(nodes[:inputs]), tuple(results), dict(zip(named, names, strict=True)))


def _listed(texts: Sequence[str]) -> str:
    shown = [text if len(text) <= 60 else f"{text[:59]}…" for text in texts[:FEW]]
    rest = [f"{len(texts) - FEW:,} more"] if len(texts) > FEW else []
    return ", ".join([*shown, *rest])


def _heads(graph: Graph, labels: Mapping[Node, str]) -> list[str]:
    """The arguments with their types."""
    return [
        f"{labels[node]}: {node.dtype}{list(node.shape)}" for node in graph.inputs if node in labels
    ]


def _traffic(node: Node) -> int:
    return sum(item.size * item.dtype.itemsize for item in (node, *node.inputs))


def check(graph: Graph) -> None:
    """Raise AssertionError unless every node is what its primitive says of it.

    The tests run it after every transformation of a graph.
    """
    seen: set[Node] = set()
    for node in graph.nodes:
        assert all(item in seen for item in node.inputs), f"{node} comes before its inputs"
        signature = node.primitive.infer(node.inputs, node.params)
        assert signature.shape == node.shape, f"{node}: the shape rule says {signature.shape}"
        assert signature.dtype == node.dtype, f"{node}: the dtype rule says {signature.dtype}"
        if node.value is not None:
            assert node.value.shape == node.shape, f"{node} holds a value of another shape"
        seen.add(node)


# -- printing -------------------------------------------------------------------------------------


def _lines(graph: Graph) -> list[str]:
    """One line for every named, shared or resulting value; the rest is written inside them."""
    order = graph.nodes
    labels = _labels(graph, order)
    rows: list[tuple[str, str, str]] = []
    texts: dict[Node, tuple[str, int]] = {}
    for node in order:
        if node.primitive is INPUT:
            texts[node] = (labels[node], ATOM)
            continue
        if node.primitive is CONSTANT:
            texts[node] = (constant_text(node), ATOM)
            continue
        text = node.primitive.text(node, [texts[item] for item in node.inputs])
        if node in labels:
            rows.append((labels[node], text[0], _shape_text(node)))
            text = (labels[node], ATOM)
        texts[node] = text
    width = max((len(name) for name, _, _ in rows), default=0)
    body = max((len(text) for _, text, _ in rows), default=0)
    results = ", ".join(texts[node][0] for node in graph.outputs)
    return [
        "inputs  " + ", ".join(_heads(graph, labels)),
        *(f"  {name:{width}} = {text:{min(body, 64)}}  {shape}" for name, text, shape in rows),
        f"returns {results}",
        f"{graph.operations:,} operations, {graph.bytes:,} bytes read and written",
    ]


ATOM = 9  # how tightly a text binds: names, numbers and calls never need brackets


def _labels(graph: Graph, order: Sequence[Node]) -> dict[Node, str]:
    """A name for every node that gets a line of its own."""
    uses = Counter(item for node in order for item in node.inputs)
    results = set(graph.outputs)
    labels: dict[Node, str] = {}
    taken: Counter[str] = Counter()
    serial = 0
    for node in [*graph.inputs, *order]:
        if node in labels or node.primitive is CONSTANT:
            continue
        name = graph.names.get(node)
        shared = uses[node] > 1 and node.primitive.operations(node) > 0
        if name is None and node.primitive is not INPUT and not shared and node not in results:
            continue
        if name is None:
            serial += 1
            name = f"v{serial}"
        taken[name] += 1
        labels[node] = name if taken[name] == 1 else f"{name}#{taken[name]}"
    return labels


def _shape_text(node: Node) -> str:
    return "×".join(str(size) for size in node.shape) or "scalar"


def constant_text(node: Node) -> str:
    """A number, or what an array of constants looks like from outside."""
    assert node.value is not None
    if node.size == 1:
        return f"{node.value.reshape(())[()]:.6g}"
    return f"constant[{_shape_text(node)}]"
