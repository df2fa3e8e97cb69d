"""The parts that a picture is drawn of: boxes with names, arrows, labels, a legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import hypot

from chainrule.derivations.html_style import COLOURS, DARK
from chainrule.derivations.picture.lettering import FONT, NOTE, escaped, plain, tspans, width

LINE = 1.25
MARGIN = 14.0

DASHES = {"forward": "", "layer": "7 4", "parameter": "2 4", "cost": "9 3 2 3"}
"""The kinds of line; a colour is never the only sign."""
WORDS = {
    "forward": "forward", "cost": "backward from the result (cost)",
    "layer": "backward through a layer", "parameter": "backward to a parameter",
}  # fmt: skip

STYLE = (
    """
.cr-picture { color: inherit; }
.cr-picture text { fill: currentColor; font-family: "STIX Two Text", Cambria, "Times New Roman",
  "DejaVu Serif", serif; font-size: 15px; }
.cr-picture .note { font-size: 12px; }
.cr-picture .number { font-style: italic; }
.cr-picture .array { font-weight: bold; }
.cr-picture .below { font-size: .75em; }
.cr-picture .box { fill: #808080; fill-opacity: .1; stroke: currentColor; stroke-width: 1.3; }
.cr-picture .data { stroke-width: .8; }
.cr-picture .again { stroke-dasharray: 3 3; }
.cr-picture .line { fill: none; stroke: currentColor; stroke-width: 1.7; }
.cr-picture .head { fill: currentColor; stroke: none; }
""".strip()
    + "".join(
        f"\n.cr-picture .{kind} {{ color: var(--cr-{kind}, {colour}); }}"
        for kind, colour in COLOURS.items()
    )
)
"""Colours are attributes as well, for viewers that know no variables and so drop these rules."""
ALONE = f"""
.cr-paper {{ fill: #fff; }} .cr-picture {{ color: #1a1a1a; }}
@media (prefers-color-scheme: dark) {{
  {DARK} .cr-paper {{ fill: #161616; }} .cr-picture {{ color: #e8e8e8; }} }}
""".strip()

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle: where something is drawn."""

    left: float
    top: float
    right: float
    bottom: float

    @staticmethod
    def around(x: float, y: float, wide: float, high: float) -> Box:
        """The rectangle with its middle at a point."""
        return Box(x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)


@dataclass
class Canvas:
    """Collects what is drawn, and how far it reaches."""

    elements: list[str] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)

    def _reach(self, box: Box) -> None:
        self.boxes.append(box)

    def node(
        self, box: Box, lines: Sequence[str], note: str, kind: str = "", is_round: bool = True
    ) -> None:
        """A box with lines and a note below them: round at its ends, or only at its corners."""
        wide, high = box.right - box.left, box.bottom - box.top
        radius = min(wide, high) / 2 if is_round else 6
        spoken = escaped(", ".join([*(plain(line) for line in lines), note]))
        self.elements.append(
            f'<g><title>{spoken}</title><rect class="box {kind}" x="{box.left:.1f}" '
            f'y="{box.top:.1f}" width="{wide:.1f}" height="{high:.1f}" rx="{radius:.1f}"/>'
        )
        x = (box.left + box.right) / 2
        total = FONT * LINE * len(lines) + (NOTE * LINE if note else 0)
        y = (box.top + box.bottom - total) / 2
        for line in lines:
            self.text((x, y + FONT), line)
            y += FONT * LINE
        if note:
            self.text((x, y + NOTE * 0.95), note, note=True)
        self.elements.append("</g>")
        self._reach(box)

    def text(self, at: Point, line: str, note: bool = False, anchor: str = "middle") -> None:
        """A line of text; ``at`` is its middle or start on the base line."""
        size = NOTE if note else FONT
        kind = ' class="note"' if note else ""
        self.elements.append(
            f'<text{kind} x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}" '
            f'xml:space="preserve">{tspans(line)}</text>'
        )
        wide = width(line, size)
        left = at[0] - wide / 2 if anchor == "middle" else at[0]
        self._reach(Box(left, at[1] - size, left + wide, at[1] + 0.4 * size))

    def arrow(self, kind: str, points: Sequence[Point], name: str = "") -> None:
        """A curve of cubic Bézier pieces, or a straight line, with a head at its end."""
        self.kinds.add(kind)
        self.elements.append(_arrow(kind, points, name))
        xs, ys = [x for x, _ in points], [y for _, y in points]
        self._reach(Box(min(xs), min(ys), max(xs), max(ys)))

    def legend(self, left: float, top: float, room: float) -> None:
        """Which line means what, for the kinds that occur."""
        x, y = left, top
        for kind, words in WORDS.items():
            if kind not in self.kinds:
                continue
            needed = 44 + width(words, NOTE) + 20
            if x > left and x + needed > left + room:
                x, y = left, y + 20
            self.elements.append(_arrow(kind, [(x, y), (x + 36, y)], ""))
            self._reach(Box(x, y - 5, x + 36, y + 5))
            self.text((x + 44, y + 4), words, note=True, anchor="start")
            x += needed

    def extent(self) -> Box:
        """What everything lies in."""
        return Box(
            min(box.left for box in self.boxes), min(box.top for box in self.boxes),
            max(box.right for box in self.boxes), max(box.bottom for box in self.boxes),
        )  # fmt: skip


def _arrow(kind: str, points: Sequence[Point], name: str) -> str:
    colour = COLOURS.get(kind)
    paint = f' color="{colour}"' if colour else ""
    dash = f' stroke-dasharray="{DASHES[kind]}"' if DASHES[kind] else ""
    x1, y1 = points[-1]
    x0, y0 = next(point for point in reversed(points) if point != points[-1])
    length = hypot(x1 - x0, y1 - y0) or 1.0
    along = ((x1 - x0) / length, (y1 - y0) / length)
    foot = (x1 - 8 * along[0], y1 - 8 * along[1])
    first = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    rest = [*points[1:-1], foot]
    step = "L" if len(points) == 2 else "C"
    path = first + step + " ".join(f"{x:.1f} {y:.1f}" for x, y in rest)
    sides = [(foot[0] + s * 4 * along[1], foot[1] - s * 4 * along[0]) for s in (1, -1)]
    head = "M{:.1f} {:.1f}L{:.1f} {:.1f}L{:.1f} {:.1f}Z".format(x1, y1, *sides[0], *sides[1])
    title = f"<title>{escaped(name)}</title>" if name else ""
    return (
        f'<g class="{kind}"{paint}>{title}<path class="line" d="{path}"{dash}/>'
        f'<path class="head" d="{head}"/></g>'
    )


def document(canvas: Canvas, title: str, description: str, alone: bool) -> str:
    """The whole picture; ``alone`` gives it a paper of its own."""
    extent = canvas.extent()
    left, top = extent.left - MARGIN, extent.top - MARGIN
    wide, high = extent.right - left + MARGIN, extent.bottom - top + MARGIN
    style = f"{STYLE}\n{ALONE}" if alone else STYLE
    place = f'x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{high:.1f}"'
    paper = f'<rect class="cr-paper" {place}/>' if alone else ""
    label = "" if alone else f' aria-label="{escaped(title)}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="cr-picture" role="img"{label} '
        f'width="{wide:.0f}" height="{high:.0f}" '
        f'viewBox="{left:.1f} {top:.1f} {wide:.1f} {high:.1f}">\n'
        f"<title>{escaped(title)}</title>\n<desc>{escaped(description)}</desc>\n"
        f"<style>{style}</style>\n{paper}" + "\n".join(canvas.elements) + "\n</svg>\n"
    )
