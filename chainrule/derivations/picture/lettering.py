"""Formulas as lines of text in a picture: names in italics or bold, with subscripts, and measured.

A picture cannot ask how wide a text will be, because it is written where no font is known. The
widths here are those of DejaVu Serif, regular or bold, rounded up: the widest of the usual fonts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import NamedTuple

from chainrule.notation.algebra import Expr, Identity, Partial
from chainrule.notation.lettering import lettered
from chainrule.notation.text import TextNotation
from chainrule.notation.writing import PRODUCT, Text

_GROUPS = {
    0.35: "′',. ·", 0.4: "ijl/:;\\|", 0.45: "f!-⁰¹²³", 0.5: "tIJ()[]_`ᵀ‖", 0.55: "r\"*∂⁻",
    0.6: "svxyz?≻", 0.65: "ace{}", 0.7: "0123456789bdgkopq$βγδθ√", 0.75: "hnuFLSTYZσλμΣ",
    0.8: "ACEPVXα", 0.85: "BR#+<=>^~⊙⊗⊘−×≥≤≠∞", 0.9: "wDGKOQUΦ", 0.95: "HN%&",
    1.0: "@…", 1.05: "½", 1.1: "m", 1.15: "MW",
}  # fmt: skip
WIDTHS = {sign: width for width, signs in _GROUPS.items() for sign in signs}
"""Widths of signs in units of the font size."""
USUAL = 0.9
FONT, NOTE = 15.0, 12.0
"""Sizes of names and of what stands beside them, in pixels."""
SMALL = 0.75
"""The size of a subscript beside that of its line."""

NUMBER, ARRAY, END = "\x01", "\x02", "\x03"
"""Marks around names in a line; they occur in no Python string that is an identifier."""
MARKED = re.compile(f"([{NUMBER}{ARRAY}])(.*?){END}")
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Piece(NamedTuple):
    """A piece of a line: plain text, a number's name, an array's name, or a subscript."""

    text: str
    kind: str


class PictureNotation(TextNotation):
    """Plain text whose names are marked, so that they can be set in italics or bold."""

    def __init__(self, letters: Mapping[int, str], scalars: Collection[str]) -> None:
        super().__init__(letters)
        self.scalars = frozenset(scalars)

    def symbol(self, name: str, shape: tuple[int | None, ...]) -> str:
        return self.named(name)

    def named(self, name: str) -> str:
        """A name with its marks."""
        return (NUMBER if name in self.scalars else ARRAY) + name + END

    def by(self, top: str, bottom: str) -> str:
        """∂top/∂bottom."""
        return f"∂{self.named(top)}/∂{self.named(bottom)}"

    def partial(self, expr: Partial) -> Text:
        return self.by(expr.top, expr.bottom), PRODUCT

    def factors(self, items: Sequence[Expr]) -> str:
        """Factors side by side, without an identity among them."""
        items = [item for item in items if not isinstance(item, Identity)] or list(items[:1])
        if len(items) == 1:
            return self(items[0])
        return self.joined([self.bracketed(item, PRODUCT) for item in items], True, False)

    def root(self, text: str) -> str:
        return f"√{text}" if _is_one_name(text) else f"√({text})"


def _is_one_name(text: str) -> bool:
    return MARKED.fullmatch(text) is not None


def pieces(line: str) -> list[Piece]:
    """A marked line in pieces."""
    found: list[Piece] = []
    end = 0
    for match in MARKED.finditer(line):
        found.append(Piece(line[end : match.start()], "plain"))
        base, below, _ = lettered(match[2])
        found.append(Piece(base, "number" if match[1] == NUMBER else "array"))
        found.append(Piece(below, "below"))
        end = match.end()
    found.append(Piece(line[end:], "plain"))
    return [piece for piece in found if piece.text]


def plain(line: str) -> str:
    """A marked line without its marks."""
    return MARKED.sub(r"\2", line)


def width(line: str, size: float) -> float:
    """How wide a marked line is at most, for letters of a size."""
    total = 0.0
    for piece in pieces(line):
        scale = SMALL if piece.kind == "below" else 1.0
        total += scale * sum(WIDTHS.get(sign, USUAL) for sign in piece.text)
    return total * size


def shortened(line: str, size: float, room: float) -> str:
    """A marked line that fits, with … where it was cut; its first name stays, however long."""
    if width(line, size) <= room:
        return line
    units = re.findall(f"[{NUMBER}{ARRAY}].*?{END}|.", line)
    while _is_long(units) and width("".join(units) + " …", size) > room:
        units.pop()
    return "".join(units).rstrip() + " …"


def _is_long(units: Sequence[str]) -> bool:
    """Whether there is more than what ends with the first name."""
    first = next((k for k, unit in enumerate(units) if unit.endswith(END)), 0)
    return len(units) > first + 1


def labelled(by: str, whole: str, room: float) -> tuple[str, ...]:
    """What stands at an arrow back: ∂f2/∂f1, and below it the factor where there is room."""
    line = f"= {whole}"
    return (by,) if whole == by or width(line, FONT) > room else (by, line)


def tspans(line: str) -> str:
    """A marked line as the content of ``<text>``."""
    shift = ""
    result = ""
    for piece in pieces(line):
        text = escaped(piece.text)
        if piece.kind == "below":
            result += f'<tspan class="below" dy="0.3em">{text}</tspan>'
            shift = ' dy="-0.225em"'  # back up by 0.3 of the subscript's own, smaller size
        else:
            kind = "" if piece.kind == "plain" else f' class="{piece.kind}"'
            result += f"<tspan{kind}{shift}>{text}</tspan>"
            shift = ""
    return result


def escaped(text: str) -> str:
    """Text for XML, which has no control characters."""
    return escape(FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text))


def broken(line: str, size: float, room: float, most: int) -> list[str]:
    """A marked line in lines that fit, broken before operators, or else between factors.

    What is too much becomes …. A line with one long name is as wide as that is: no name is cut.
    """
    parts = re.split(r" (?=[+−⊙⊘⊗·=] )", line)
    words = [
        word
        for part in parts
        for word in ([part] if width(part, size) <= room else _between_factors(part))
    ]
    lines = [words[0]]
    for item in words[1:]:
        if width(f"{lines[-1]} {item}", size) <= room:
            lines[-1] += f" {item}"
        else:
            lines.append(item)
    if len(lines) > most:
        lines = [*lines[: most - 1], shortened(" ".join(lines[most - 1 :]), size, room)]
    return lines


def _between_factors(text: str) -> list[str]:
    """Pieces of a line that end at spaces, where an operator stays with what follows."""
    found: list[str] = []
    for word in text.split(" "):
        if found and found[-1] in tuple("+−⊙⊘⊗·="):
            found[-1] += f" {word}"
        else:
            found.append(word)
    return found
