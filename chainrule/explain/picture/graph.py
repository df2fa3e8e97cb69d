"""Any other computation as a graph from top to bottom, laid out by Graphviz."""

from __future__ import annotations

from typing import Any

from chainrule.errors import ChainruleError
from chainrule.explain.layout import shape_text
from chainrule.explain.picture.drawing import FONT, LINE, NOTE, Box, Canvas, Point
from chainrule.explain.picture.flow import Flow, Link
from chainrule.explain.picture.lettering import PictureNotation, broken, shortened, width
from chainrule.explain.steps import Quantity

WIDEST = 270.0
"""Formulas are broken into lines no wider than this."""
MOST_LINES = 4
LABEL = 170.0


class MissingPackage(ChainruleError, ImportError):
    """A package that is not installed and not needed for anything else."""


def draw_graph(canvas: Canvas, flow: Flow, notation: PictureNotation) -> None:
    """Draw both passes of a computation that is not a plain chain.

    Raises
    ------
    MissingPackage
        If pygraphviz is not installed.
    """
    try:
        import pygraphviz  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        raise MissingPackage(
            "svg", "a computation that is not a plain chain of layers is laid out by Graphviz",
            got="no package pygraphviz", remedy="write pip install 'chainrule[pictures]'",
        ) from None  # fmt: skip
    _Graph(pygraphviz.AGraph(directed=True, strict=False), canvas, flow, notation).draw()


class _Graph:
    def __init__(self, graph: Any, canvas: Canvas, flow: Flow, notation: PictureNotation) -> None:
        self.graph, self.canvas, self.flow, self.notation = graph, canvas, flow, notation
        self.lines: dict[str, list[str]] = {}
        self.labels: dict[int, list[str]] = {}

    def draw(self) -> None:
        self.graph.graph_attr.update(rankdir="TB", nodesep="0.35", ranksep="0.45")
        self.graph.node_attr.update(shape="box", fixedsize="true", label="")
        quantities = {item.name: item for item in self.flow.passes.quantities}
        linked = {name for link in self.flow.links for name in (link.source, link.target)}
        shown = [item for name, item in quantities.items() if name in linked or item.definition]
        numbers = {item.name: k for k, item in enumerate(shown)}
        for item in shown:
            self._add_node(numbers[item.name], item)
        for k, link in enumerate(self.flow.links):
            self._add_edges(k, link, numbers)
        self.graph.layout(prog="dot")
        for item in shown:
            self._draw_node(self.graph.get_node(str(numbers[item.name])), item)
        for k, link in enumerate(self.flow.links):
            self._draw_edges(k, link, numbers)

    # -- what Graphviz is asked -------------------------------------------------------------------

    def _add_node(self, number: int, item: Quantity) -> None:
        name = self.notation.named(item.name)
        lines = [name]
        if item.definition is not None:
            whole = f"{name} = {self.notation(item.definition)}"
            lines = broken(whole, FONT, WIDEST, MOST_LINES)
        self.lines[item.name] = lines
        note = width(self._shape(item), NOTE)
        wide = max([*(width(line, FONT) for line in lines), note, 34]) + 24
        high = FONT * LINE * len(lines) + NOTE * LINE + 14
        self.graph.add_node(str(number), width=f"{wide / 72:.4f}", height=f"{high / 72:.4f}")

    def _shape(self, item: Quantity) -> str:
        return shape_text(item.shape, self.flow.passes.letters)

    def _add_edges(self, k: int, link: Link, numbers: dict[str, int]) -> None:
        ends = (str(numbers[link.source]), str(numbers[link.target]))
        self.graph.add_edge(*ends, key=f"forward {k}")
        if link.kind is None:
            return
        by = self.notation.by(link.target, link.source)
        self.labels[k] = [by]
        if link.factor is not None:
            whole = self.notation(link.factor)
            if whole != by:
                self.labels[k].append(shortened(f"= {whole}", FONT, LABEL))
        wide = max(width(line, FONT) for line in self.labels[k]) + 12
        high = FONT * LINE * len(self.labels[k]) + 4
        room = (
            f'<<TABLE FIXEDSIZE="TRUE" BORDER="0" WIDTH="{wide:.0f}" HEIGHT="{high:.0f}">'
            "<TR><TD></TD></TR></TABLE>>"
        )
        self.graph.add_edge(*ends, key=f"backward {k}", label=room)

    # -- what it answers --------------------------------------------------------------------------

    def _draw_node(self, node: Any, item: Quantity) -> None:
        x, y = _point(node.attr["pos"])
        size = [72 * float(node.attr[name]) for name in ("width", "height")]
        kind = "" if item.is_active else "data"
        self.canvas.node(Box.around(x, y, *size), self.lines[item.name], self._shape(item), kind)

    def _draw_edges(self, k: int, link: Link, numbers: dict[str, int]) -> None:
        ends = (str(numbers[link.source]), str(numbers[link.target]))
        forward = self.graph.get_edge(*ends, key=f"forward {k}")
        self.canvas.arrow("forward", _curve(forward.attr["pos"]))
        if link.kind is None:
            return
        backward = self.graph.get_edge(*ends, key=f"backward {k}")
        self.canvas.arrow(link.kind, _curve(backward.attr["pos"])[::-1])
        x, y = _point(backward.attr["lp"])
        lines = self.labels[k]
        top = y - FONT * LINE * len(lines) / 2
        for n, line in enumerate(lines):
            self.canvas.text((x, top + FONT * (LINE * n + 1)), line)


def _point(text: str) -> Point:
    """A point of Graphviz, whose ordinates go up."""
    x, y = text.split(",")
    return float(x), -float(y)


def _curve(text: str) -> list[Point]:
    """The control points of an edge, as far as the tip of its arrow."""
    words = text.replace("\\\n", "").split()
    tip = [_point(word[2:]) for word in words if word.startswith("e,")]
    points = [_point(word) for word in words if "," in word and word[0] not in "es"]
    if tip:
        points[-1] = tip[0]
    return points
