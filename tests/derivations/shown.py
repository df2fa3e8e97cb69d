"""Derivations to look at, from the plainest to the widest; and what a reader finds in a picture."""

from __future__ import annotations

import re
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np

import chainrule as cr
from chainrule.derivations.picture.lettering import SMALL, USUAL, WIDTHS

SVG = "{http://www.w3.org/2000/svg}"
FONT, NOTE = 15.0, 12.0
"""Of the style sheet."""


def network(widths: tuple[int, ...]) -> cr.Derivation:
    """A network of sigmoid layers with a squared cost."""
    rng = np.random.default_rng(0)
    count = len(widths) - 1
    theta = {f"A{k}": rng.normal(size=(widths[k + 1], widths[k])) for k in range(count)}
    theta |= {f"b{k}": rng.normal(size=widths[k + 1]) for k in range(count)}

    def E(theta, x, y):
        f = x
        for k in range(count):
            Z = theta[f"A{k}"] @ f + theta[f"b{k}"]
            f = cr.sigmoid(Z)
        return 0.5 * np.sum((f - y) ** 2)

    return cr.derive(E)(theta, rng.normal(size=widths[0]), rng.normal(size=widths[-1]))


def forty_operations() -> cr.Derivation:
    """Ten times four operations, each on the last result and on the argument again."""

    def f(x):
        y = x
        for _ in range(10):
            y = np.sin(y) + x * np.exp(-y)
        return np.sum(y)

    return cr.derive(f)(np.array([0.1, -0.4, 1.2]))


class Rectangle(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def contains(self, x: float, y: float) -> bool:
        return self.left < x < self.right and self.top < y < self.bottom

    def overlaps(self, other: Rectangle) -> bool:
        return (
            self.left < other.right and other.left < self.right
            and self.top < other.bottom and other.top < self.bottom
        )  # fmt: skip

    def within(self, other: Rectangle) -> bool:
        return (
            other.left <= self.left and self.right <= other.right
            and other.top <= self.top and self.bottom <= other.bottom
        )  # fmt: skip


class Picture:
    """An SVG, read."""

    def __init__(self, svg: str) -> None:
        self.root = ElementTree.fromstring(svg)
        left, top, wide, high = map(float, self.root.attrib["viewBox"].split())
        self.view = Rectangle(left, top, left + wide, top + high)

    def nodes(self) -> list[Rectangle]:
        return [_rectangle(r) for r in self.root.iter(f"{SVG}rect") if "box" in r.get("class", "")]

    def texts(self) -> list[Rectangle]:
        return [_extent(item) for item in self.root.iter(f"{SVG}text")]

    def labels(self) -> list[Rectangle]:
        """The texts that stand in no box."""
        inside = {item for group in self._node_groups() for item in group.iter(f"{SVG}text")}
        return [_extent(item) for item in self.root.iter(f"{SVG}text") if item not in inside]

    def names(self) -> list[str]:
        """What each box is about: its title."""
        return [group.findtext(f"{SVG}title", "") for group in self._node_groups()]

    def _node_groups(self) -> list[ElementTree.Element]:
        return [g for g in self.root.iter(f"{SVG}g") if g.find(f"{SVG}rect") is not None]

    def arrows(self, kind: str) -> int:
        """How many there are, without the one of the legend."""
        groups = [g for g in self.root.iter(f"{SVG}g") if g.get("class") == kind]
        return max(len(groups) - 1, 0)

    def lines(self) -> list[list[tuple[float, float]]]:
        """Points along every arrow of the picture, but for their ends."""
        paths = [p.attrib["d"] for p in self.root.iter(f"{SVG}path") if p.get("class") == "line"]
        return [_points(path)[2:-2] for path in paths]

    def words(self) -> list[str]:
        return ["".join(item.itertext()) for item in self.root.iter(f"{SVG}text")]


def _points(path: str) -> list[tuple[float, float]]:
    """Points along a straight line or pieces of Bézier curves, twenty a piece."""
    numbers = [float(text) for text in re.findall(r"-?[\d.]+", path)]
    given = list(zip(numbers[::2], numbers[1::2], strict=True))
    if "L" in path:
        (x0, y0), (x1, y1) = given
        return [(x0 + t * (x1 - x0), y0 + t * (y1 - y0)) for t in np.linspace(0, 1, 20)]
    found = []
    for k in range(0, len(given) - 1, 3):
        piece = np.array(given[k : k + 4])
        for t in np.linspace(0, 1, 20):
            weights = np.array([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
            found.append(tuple(weights @ piece))
    return found


def _rectangle(item: ElementTree.Element) -> Rectangle:
    x, y, wide, high = (float(item.attrib[name]) for name in ("x", "y", "width", "height"))
    return Rectangle(x, y, x + wide, y + high)


def _extent(item: ElementTree.Element) -> Rectangle:
    size = NOTE if item.get("class") == "note" else FONT
    wide = sum(
        WIDTHS.get(sign, USUAL) * size * (SMALL if part.get("class") == "below" else 1)
        for part in item.iter(f"{SVG}tspan")
        for sign in part.text or ""
    )
    x, y = float(item.attrib["x"]), float(item.attrib["y"])
    left = x - wide / 2 if item.get("text-anchor") == "middle" else x
    return Rectangle(left, y - 0.75 * size, left + wide, y + 0.25 * size)
