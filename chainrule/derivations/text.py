"""A derivation as plain text that fits a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.derivations.layout import (
    check_sentences,
    error_text,
    layout_sentence,
    legend_sentence,
    notice_text,
    shape_text,
    size_text,
    value_lines,
)
from chainrule.derivations.steps import Entry, Factor, Passes, Quantity, Step
from chainrule.notation.algebra import Expr, Product, Sum, number
from chainrule.notation.text import PLAIN, TextNotation
from chainrule.notation.writing import PRODUCT

WIDTH = 100
COLUMN = 46
"""The widest that the column of expressions gets before a line is broken."""


def text_of(passes: Passes, ascii: bool = False) -> str:
    """The forward path, the backward path, and each derivative that was asked for."""
    text = "\n".join(_Text(passes, ascii).lines())
    return text.translate(PLAIN) if ascii else text


class _ShapesOnly(TextNotation):
    """Shapes in place of names: (4×3)(3) + (4)."""

    def symbol(self, name: str, shape: tuple[int | None, ...]) -> str:
        sizes = [size for size in shape if size is not None]
        return f"({shape_text(sizes, self.letters) if sizes else '1'})"


class _Text:
    def __init__(self, passes: Passes, ascii: bool) -> None:
        self.passes = passes
        shorts = {step.bottom: step.short for step in passes.steps if step.short}
        self.notation = TextNotation(passes.sizes, ascii=ascii)
        self.short = TextNotation(passes.sizes, shorts, ascii)
        self.shapes = _ShapesOnly(passes.sizes, ascii=ascii)

    def lines(self) -> list[str]:
        passes = self.passes
        names = ", ".join(step.bottom for step in passes.targets)
        result = ["Forward path", *self._forward(), "", f"Backward path, to {names}"]
        result += self._backward()
        for step in passes.targets:
            result += ["", *self._target(step)]
        notes = [notice_text(item) for item in passes.notices]
        notes += [legend_sentence(passes), layout_sentence(passes), *check_sentences(passes)]
        result += ["", *(line for note in notes if note for line in _wrapped(note, 2))]
        return [line.rstrip() for line in result]

    # -- the two passes ---------------------------------------------------------------------------

    def _forward(self) -> list[str]:
        given = [item for item in self.passes.quantities if item.definition is None]
        made = [item for item in self.passes.quantities if item.definition is not None]
        listed = ", ".join(map(self._given, given))
        rows = [self._forward_row(item) for item in made]
        return [*_wrapped(f"  given {listed}", 8), *_table(rows), *self._shares()]

    def _given(self, item: Quantity) -> str:
        """An argument with its shape, or a number with its value."""
        if item.is_number:
            return f"{item.name} = {self.notation(number(float(item.value)))}"
        return f"{item.name} {shape_text(item.shape, self.passes.letters)}"

    def _shares(self) -> list[str]:
        """What each example contributes to the cost."""
        shares = self.passes.shares
        if shares is None:
            return []
        name = self.passes.result
        sign, count = ("sum" if self.notation.ascii else "Σ"), shares.values.size
        values = value_lines(shares.values)
        head = f"  {name} = {sign}_r {name}^r, a sum over {count} examples"
        return [head + (f", {name}^r = {values[0]}" if values else "")]

    def _forward_row(self, item: Quantity) -> list[str]:
        assert item.definition is not None
        shown = self.shapes(item.definition)
        if item.value.ndim == 0:
            shown = f"= {float(item.value):.6g}"
        elif len(shown) > 30 or not isinstance(item.definition, (Product, Sum)):
            shown = ""
        size = shape_text(item.shape, self.passes.letters)
        return [item.name, f"= {self.notation(item.definition)}", size, shown]

    def _backward(self) -> list[str]:
        rows = []
        for step in self.passes.steps:
            size = size_text(step.shape, self.passes.letters)
            text = f"= {self.notation(step.local)}"
            rows.append(
                [self._by(step.bottom), text, size, str(step.rule), step.kind, error_text(step)]
            )
        return _table(rows)

    def _by(self, bottom: str) -> str:
        sign = "d" if self.notation.ascii else "∂"
        return f"{sign}{self.passes.result}/{sign}{bottom}"

    # -- what was asked for -----------------------------------------------------------------------

    def _target(self, step: Step) -> list[str]:
        name = self._by(step.bottom)
        head = f"  {name} = "
        lines: list[str] = []
        if step.entry is not None:
            lines += self._entry(step.entry)
            lines += self._collected(step, head)
        elif len(step.factors) > 1 and self.passes.is_through_matrices(step):
            lines += self._continued(head, self.notation(step.local))
            lines += self._continued(" " * len(head), self._path(step.factors))
        elif len(step.factors) > 1:
            lines += self._chain(head, step.factors)
        else:
            lines += self._continued(head, self.notation(step.local))
        pad = " " * (len(head) - 2) + "= "
        if self.notation(step.expression) not in " ".join(" ".join(lines).split()):
            lines += self._continued(pad, self.notation(step.expression))
        values = value_lines(step.value)
        blank = " " * len(pad)
        return [*lines, *((pad if k == 0 else blank) + row for k, row in enumerate(values))]

    def _entry(self, entry: Entry) -> list[str]:
        """One entry of a matrix, as on the slides 'Backward Path (3)' and '(4)'."""
        head = f"  {self._by(entry.name)} = "
        sign = "d" if self.notation.ascii else "∂"
        inside = f"[{sign}{entry.matrix}/{sign}{entry.name}]"
        notation = TextNotation(self.passes.sizes, {entry.name: inside}, self.notation.ascii)
        inner = notation.bracketed(entry.inner, PRODUCT)
        factors = [self._bracketed(item.expression) for item in entry.factors]
        text = " · ".join([*factors, inner])
        return self._continued(head, f"{text}    for an entry {entry.name} of {entry.matrix}")

    def _bracketed(self, expr: Expr) -> str:
        return self.notation.bracketed(expr, PRODUCT)

    def _collected(self, step: Step, head: str) -> list[str]:
        """The whole matrix, by the short name of the derivative before it."""
        assert step.entry is not None
        local, plain = self.short(step.local), self.notation(step.local)
        known = next(
            (s for s in self.passes.steps if s.bottom == step.entry.user and s.short), None
        )
        where = f"    with {known.short} = {self._by(known.bottom)}" if known else ""
        return self._continued(head, local + where if local != plain else plain)

    def _chain(self, head: str, factors: Sequence[Factor]) -> list[str]:
        """Factors side by side, beneath each its shape, where it leads, and whether reused."""
        columns = []
        for item in factors:
            texts = [
                self._bracketed(item.expression), size_text(item.shape, self.passes.letters),
                item.kind, "reused" if item.reused else "",
            ]  # fmt: skip
            width = max(len(text) for text in texts)
            columns.append([text.center(width) for text in texts])
        lines: list[str] = []
        blank = " " * len(head)
        for start, group in _groups(columns, WIDTH - len(head)):
            rows = [" · ".join(c[0] for c in group)]
            rows += ["   ".join(c[k] for c in group) for k in (1, 2, 3)]
            lead = head if start == 0 else blank[:-2] + "· "
            lines.append(lead + rows[0])
            lines += [blank + row for row in rows[1:] if row.strip()]
        return lines

    def _path(self, factors: Sequence[Factor]) -> str:
        """Where each factor leads, in words."""
        texts = [
            f"{item.bottom} ({item.kind}{', reused' if item.reused else ''})" for item in factors
        ]
        return f"through {', '.join(texts)}"

    def _continued(self, head: str, text: str) -> list[str]:
        return _wrapped(head + text, len(head))


def _groups(columns: list[list[str]], width: int) -> list[tuple[int, list[list[str]]]]:
    """Columns in groups that fit a line."""
    result: list[tuple[int, list[list[str]]]] = []
    used = width
    for k, column in enumerate(columns):
        size = len(column[0]) + 3
        if not result or used + size > width:
            result.append((k, []))
            used = 0
        result[-1][1].append(column)
        used += size
    return result


def _table(rows: list[list[str]]) -> list[str]:
    """Columns side by side; an expression too long for its column pushes the rest to a new line."""
    if not rows:
        return []
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    widths[1] = min(widths[1], COLUMN)
    lines = []
    for row in rows:
        front, rest = row[:2], row[2:]
        tail = "   ".join(text.ljust(w) for text, w in zip(rest, widths[2:], strict=True))
        left = f"  {front[0].ljust(widths[0])} {front[1]}"
        room = 3 + widths[0] + widths[1]
        if len(front[1]) <= widths[1]:
            lines.append(f"{left.ljust(room)}   {tail}")
        else:
            lines += _wrapped(left, 5 + widths[0])
            lines.append(" " * room + "   " + tail)
    return lines


def _wrapped(text: str, indent: int) -> list[str]:
    """A long line broken before an operator or at a space."""
    lines: list[str] = []
    while len(text) > WIDTH:
        at = _break(text, indent)
        if at is None:
            break
        lines.append(text[:at])
        text = " " * indent + text[at:].lstrip()
    return [*lines, text]


_SIGNS = (" + ", " − ", " · ", " - ", " ⊙ ", " ⊘ ", " ⊗ ")


def _break(text: str, indent: int) -> int | None:
    """Where a long line ends: in as few brackets as can be, before an operator, and far on."""
    depth, found = 0, []
    for place, sign in enumerate(text[:WIDTH]):
        depth += (sign in "([{") - (sign in ")]}")
        if sign == " " and place > indent and text[indent:place].strip():
            before_operator = text.startswith(_SIGNS, place)
            found.append((-depth, before_operator, place))
    return max(found)[2] if found else None
