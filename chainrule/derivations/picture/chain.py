"""A chain of layers from left to right, as figures 5.8 and 5.9 of Mathematics for Machine Learning.

Quantities stand in a line, arrows to the right are the forward pass and arrows to the left the
backward pass; what enters from outside the chain comes from below. Long chains are broken into
rows, the last quantity of a row standing again before the next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

from chainrule.derivations.layout import shape_text
from chainrule.derivations.picture.drawing import Box, Canvas
from chainrule.derivations.picture.flow import Chain, Layer
from chainrule.derivations.picture.lettering import (
    FONT,
    NOTE,
    PictureNotation,
    broken,
    labelled,
    plain,
    width,
)
from chainrule.derivations.steps import Kind, Passes

ROOM = 940.0
"""Rows are as wide as a page, and no wider."""
SIZE = 58.0
"""Of the circles."""
BEND = 100.0
"""From the middle of the line down to where the arrows of inputs bend, below all labels of it."""
STRAIGHT = 32.0
"""How far they run straight beside their own labels."""
DROP = 188.0
"""From the middle of the line down to that of its inputs."""
MOST, ENDS = 16, 5
"""Of more layers than this, only so many at either end are drawn."""
WIDEST = 230.0
MOST_LINES = 4
SPACING = 19.0
"""Between lines of text."""


@dataclass(frozen=True)
class _Entering:
    """Something that enters a layer from below."""

    name: str
    label: str
    kind: Kind | None
    wide: float


@dataclass(frozen=True)
class _Column:
    """A layer with its texts measured."""

    layer: Layer
    operation: tuple[str, ...]
    labels: tuple[str, ...]
    title: str
    entering: tuple[_Entering, ...]
    gap: float

    @property
    def below(self) -> float:
        """How wide what enters from below is."""
        return sum(item.wide for item in self.entering)


def draw_chain(canvas: Canvas, chain: Chain, passes: Passes, notation: PictureNotation) -> None:
    """Draw both passes of a chain."""
    _Drawing(canvas, passes, notation).draw(_without_middle(chain))


def _without_middle(chain: Chain) -> Chain:
    count = len(chain.layers) - 2 * ENDS
    if len(chain.layers) <= MOST:
        return chain
    last = replace(chain.layers[-ENDS - 1], inputs=(), factors=(), kind=None)
    marked = replace(last, definition=None, omitted=count)
    return Chain(chain.start, (*chain.layers[:ENDS], marked, *chain.layers[-ENDS:]))


class _Drawing:
    def __init__(self, canvas: Canvas, passes: Passes, notation: PictureNotation) -> None:
        self.canvas, self.passes, self.notation = canvas, passes, notation

    def draw(self, chain: Chain) -> None:
        before, y = chain.start, 0.0
        if not chain.layers:
            self._node(before, 0.0, 0.0, "")
        for row in _rows([self._column(layer, b) for layer, b in _with_before(chain)]):
            y += SPACING * (max(len(column.operation) for column in row) - 1)
            self._row(before, row, y, is_first=before == chain.start)
            before = row[-1].layer.name
            has_inputs = any(column.entering for column in row)
            y += DROP + SIZE + 50 if has_inputs else SIZE + 110

    # -- what is written --------------------------------------------------------------------------

    def _column(self, layer: Layer, before: str) -> _Column:
        if layer.definition is None:
            operation = [f"⋯ {layer.omitted} more layers ⋯"]
        else:
            operation = broken(self.notation(layer.definition), FONT, WIDEST, MOST_LINES)
        labels: tuple[str, ...] = ()
        title = ""
        if layer.factors:
            whole = self.notation.factors(layer.factors)
            by = self.notation.by(layer.name, before)
            title = plain(f"{by} = {whole}")
            labels = labelled(by, whole, WIDEST)
        entering = tuple(self._entering(layer.name, name, kind) for name, kind in layer.inputs)
        widest = max(width(line, FONT) for line in operation)
        gap = max([90.0, widest + 26, *(width(text, FONT) + 30 for text in labels)])
        return _Column(layer, tuple(operation), labels, title, entering, gap)

    def _entering(self, user: str, name: str, kind: Kind | None) -> _Entering:
        label = self.notation.by(user, name) if kind else ""
        beside = 2 * (14 + width(label, FONT)) if label else 0.0
        return _Entering(name, label, kind, max(self._wide(name) + 14, beside))

    def _wide(self, name: str) -> float:
        texts = [width(self.notation.named(name), FONT), width(self._shape(name), NOTE)]
        return max(SIZE, max(texts) + 18)

    def _shape(self, name: str) -> str:
        return shape_text(self.passes.by_name[name].shape, self.passes.letters)

    # -- where it stands --------------------------------------------------------------------------

    def _row(self, start: str, row: list[_Column], y: float, is_first: bool) -> None:
        x = self._wide(start) / 2
        active = self.passes.by_name[start].is_active
        self._node(start, x, y, "again" if not is_first else "" if active else "data")
        before, below = start, 0.0
        for column in row:
            name = column.layer.name
            ends = (self._wide(before) + self._wide(name)) / 2
            beneath = (below + column.below) / 2 + 16
            reach = max(column.gap + ends, beneath)
            if before == start:
                reach = max(reach, column.below / 2)
            self._between(before, x, column, x + reach, y)
            x, before, below = x + reach, name, column.below
            self._node(name, x, y, "")
            self._inputs(column, x, y)

    def _node(self, name: str, x: float, y: float, kind: str) -> None:
        box = Box.around(x, y, self._wide(name), SIZE)
        self.canvas.node(box, [self.notation.named(name)], self._shape(name), kind)

    def _between(self, before: str, x0: float, column: _Column, x1: float, y: float) -> None:
        left = x0 + self._wide(before) / 2
        right = x1 - self._wide(column.layer.name) / 2
        middle = (left + right) / 2
        self.canvas.arrow("forward", [(left + 1, y - 8), (right - 1, y - 8)])
        for k, line in enumerate(reversed(column.operation)):
            self.canvas.text((middle, y - 18 - SPACING * k), line)
        if column.layer.kind is not None:
            start, end = (right + 1, y + 12), (left - 1, y + 12)
            lower = y + 24
            curve = [start, (right - 14, lower), (left + 14, lower), end]
            self.canvas.arrow(column.layer.kind, curve, column.title)
        for k, text in enumerate(column.labels):
            self.canvas.text((middle, y + 40 + SPACING * k), text)

    def _inputs(self, column: _Column, x: float, y: float) -> None:
        left = x - column.below / 2
        wide = self._wide(column.layer.name)
        for k, item in enumerate(column.entering):
            at = left + item.wide / 2
            left += item.wide
            top = y + DROP - SIZE / 2
            meets = x + (k - (len(column.entering) - 1) / 2) * min(20.0, 40 / len(column.entering))
            beside = 0.0 if item.kind is None else 1.0  # two arrows side by side, or one
            self._lane("forward", (at - 5 * beside, top - 1), (meets - 4 * beside, y), x, y, wide)
            if item.kind is not None:
                self._lane(item.kind, (at + 5, top - 1), (meets + 4, y), x, y, wide)
                self.canvas.text((at + 12, top - 14), item.label, anchor="start")
            self._node(item.name, at, y + DROP, "" if item.kind else "data")

    def _lane(
        self, kind: str, low: tuple[float, float], high: tuple[float, float], x: float, y: float,
        wide: float,
    ) -> None:  # fmt: skip
        """From a quantity below, straight up, and then bent to the one above; or back."""
        end = (high[0], y + _rim(high[0] - x, wide) + 1)
        turn = (low[0], low[1] - STRAIGHT)
        points = [low, low, turn, turn, (low[0], y + BEND), (high[0], y + BEND + 4), end]
        self.canvas.arrow(kind, points if kind == "forward" else points[::-1])


def _rim(offset: float, wide: float) -> float:
    """How far below its middle a rounded box ends, at a distance from the middle."""
    flat = (wide - SIZE) / 2
    over = max(0.0, abs(offset) - flat)
    return sqrt(max(0.0, (SIZE / 2) ** 2 - over**2))


def _with_before(chain: Chain) -> list[tuple[Layer, str]]:
    names = [chain.start, *(layer.name for layer in chain.layers)]
    return list(zip(chain.layers, names, strict=False))


def _rows(columns: list[_Column]) -> list[list[_Column]]:
    """As many layers in a row as there is room for."""
    rows: list[list[_Column]] = []
    used = ROOM
    for column in columns:
        needed = max(column.gap + SIZE, column.below)
        if not rows or used + needed > ROOM:
            rows.append([])
            used = SIZE
        rows[-1].append(column)
        used += needed
    return rows
