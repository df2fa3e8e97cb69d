"""Any other computation as a graph from top to bottom, laid out by Graphviz."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from chainrule.derivations.layout import shape_text
from chainrule.derivations.picture.drawing import LINE, Box, Canvas, Point
from chainrule.derivations.picture.flow import Flow, Link
from chainrule.derivations.picture.lettering import (
    FONT,
    NOTE,
    PictureNotation,
    broken,
    labelled,
    plain,
    width,
)
from chainrule.derivations.steps import Quantity
from chainrule.errors import ChainruleError

WIDEST = 270.0
"""Formulas are broken into lines no wider than this."""
MOST_LINES = 4
LABEL = 170.0
MOST_USERS = 3
"""An argument that more quantities use than this is drawn again beside each of them."""


class MissingPackage(ChainruleError, ImportError):
    """A package that is not installed and not needed for anything else."""


class _Node(NamedTuple):
    """A box to be placed."""

    key: str
    quantity: Quantity
    lines: list[str]
    is_again: bool


class _Edge(NamedTuple):
    """A link to be placed, between two boxes."""

    ends: tuple[str, str]
    link: Link
    label: tuple[str, ...]
    title: str
    is_from_argument: bool


def draw_graph(canvas: Canvas, flow: Flow, notation: PictureNotation) -> None:
    """Draw both passes of a computation that is not a plain chain.

    Raises
    ------
    MissingPackage
        If pygraphviz is not installed.
    """
    try:
        import pygraphviz
    except ImportError:
        raise MissingPackage(
            "svg", "a computation that is not a plain chain of layers is laid out by Graphviz",
            got="no package pygraphviz", remedy="write pip install 'chainrule[pictures]'",
        ) from None  # fmt: skip
    graph = pygraphviz.AGraph(directed=True, strict=False)
    graph.graph_attr.update(rankdir="TB", nodesep="0.35", ranksep="0.45")
    graph.node_attr.update(shape="box", fixedsize="true", label="")
    drawing = _Graph(flow, notation)
    nodes, edges = list(drawing.nodes()), list(drawing.edges())
    for node in nodes:
        drawing.add_node(graph, node)
    for k, edge in enumerate(edges):
        _add_edge(graph, k, edge)
    graph.layout(prog="dot")
    for node in nodes:
        drawing.draw_node(canvas, graph.get_node(node.key), node)
    for k, edge in enumerate(edges):
        _draw_edge(canvas, graph, k, edge)


class _Graph:
    """What is written in the boxes and at the arrows."""

    def __init__(self, flow: Flow, notation: PictureNotation) -> None:
        self.flow, self.notation = flow, notation
        self.letters = flow.passes.letters
        names = [item.name for item in flow.passes.quantities]
        self.numbers = {name: str(k) for k, name in enumerate(names)}

    def nodes(self) -> Iterator[_Node]:
        """A box a quantity; arguments with many users have one beside each."""
        for item in self.flow.passes.quantities:
            if self._is_repeated(item):
                for link in self.flow.out_of(item.name):
                    yield _Node(self._key(link), item, self._lines(item), True)
            elif item.definition is not None or self.flow.out_of(item.name):
                yield _Node(self.numbers[item.name], item, self._lines(item), False)

    def edges(self) -> Iterator[_Edge]:
        """An arrow a link, with the factor of the backward pass."""
        for link in self.flow.links:
            ends = (self._key(link), self.numbers[link.target])
            is_argument = self.flow.passes.by_name[link.source].definition is None
            label: tuple[str, ...] = ()
            title = ""
            if link.factor is not None:
                by, whole = self.notation.by(link.target, link.source), self.notation(link.factor)
                label, title = labelled(by, whole, LABEL), plain(f"{by} = {whole}")
            yield _Edge(ends, link, label, title, is_argument)

    def _is_repeated(self, item: Quantity) -> bool:
        return item.definition is None and len(self.flow.out_of(item.name)) > MOST_USERS

    def _key(self, link: Link) -> str:
        number = self.numbers[link.source]
        again = self._is_repeated(self.flow.passes.by_name[link.source])
        return f"{number} in {self.numbers[link.target]}" if again else number

    def _lines(self, item: Quantity) -> list[str]:
        name = self.notation.named(item.name)
        if item.definition is None:
            return [name]
        return broken(f"{name} = {self.notation(item.definition)}", FONT, WIDEST, MOST_LINES)

    def _note(self, node: _Node) -> str:
        return shape_text(node.quantity.shape, self.letters)

    def add_node(self, graph: Any, node: _Node) -> None:
        """Ask for room."""
        widest = max(width(line, FONT) for line in node.lines)
        wide = max(widest, width(self._note(node), NOTE), 34) + 24
        high = FONT * LINE * len(node.lines) + NOTE * LINE + 14
        graph.add_node(node.key, width=f"{wide / 72:.4f}", height=f"{high / 72:.4f}")

    def draw_node(self, canvas: Canvas, placed: Any, node: _Node) -> None:
        """Draw a box where there is room."""
        size = [72 * float(placed.attr[name]) for name in ("width", "height")]
        box = Box.around(*_point(placed.attr["pos"]), *size)
        kind = "again" if node.is_again else "" if node.quantity.is_active else "data"
        canvas.node(box, node.lines, self._note(node), kind, node.quantity.definition is None)


def _add_edge(graph: Any, k: int, edge: _Edge) -> None:
    """Ask for ways, and for room for the label, whose font Graphviz need not know."""
    weight = "1" if edge.is_from_argument else "20"  # what is computed stands in a straight line
    graph.add_edge(*edge.ends, key=f"forward {k}", weight=weight)
    if edge.link.kind is None:
        return
    wide = max(width(line, FONT) for line in edge.label) + 12
    high = FONT * LINE * len(edge.label) + 4
    room = (
        f'<<TABLE FIXEDSIZE="TRUE" BORDER="0" WIDTH="{wide:.0f}" HEIGHT="{high:.0f}">'
        "<TR><TD></TD></TR></TABLE>>"
    )
    graph.add_edge(*edge.ends, key=f"backward {k}", label=room)


def _draw_edge(canvas: Canvas, graph: Any, k: int, edge: _Edge) -> None:
    forward = graph.get_edge(*edge.ends, key=f"forward {k}")
    canvas.arrow("forward", _curve(forward.attr["pos"]))
    if edge.link.kind is None:
        return
    backward = graph.get_edge(*edge.ends, key=f"backward {k}")
    canvas.arrow(edge.link.kind, _curve(backward.attr["pos"])[::-1], edge.title)
    x, y = _point(backward.attr["lp"])
    top = y - FONT * LINE * len(edge.label) / 2
    for n, line in enumerate(edge.label):
        canvas.text((x, top + FONT * (LINE * n + 1)), line)


def _point(text: str) -> Point:
    """A point of Graphviz, whose ordinates go up."""
    x, y = text.split(",")
    return float(x), -float(y)


def _curve(text: str) -> list[Point]:
    """The control points of an edge, as far as the tip of its arrow."""
    words = text.replace("\\\n", "").split()
    tip = [_point(word[2:]) for word in words if word.startswith("e,")]
    points = [_point(word) for word in words if word[0] not in "es"]
    if tip:
        points[-1] = tip[0]
    return points
