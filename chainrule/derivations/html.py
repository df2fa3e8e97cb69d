"""A derivation as a page of HTML that needs nothing else, and as a notebook's output."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from chainrule.derivations.html_style import FRAGMENT, NOTEBOOK, PAGE
from chainrule.derivations.html_values import number_text, slices_html, tag, value_html
from chainrule.derivations.layout import (
    check_sentences,
    error_text,
    layout_sentence,
    legend_sentence,
    notice_text,
    shape_text,
    size_text,
)
from chainrule.derivations.picture import svg_of
from chainrule.derivations.picture.graph import MissingPackage
from chainrule.derivations.steps import Entry, Factor, Passes, Quantity, Step
from chainrule.notation.algebra import Expr, number
from chainrule.notation.mathml import (
    EQUALS,
    MathmlNotation,
    equals,
    fenced,
    lines,
    math,
    operator,
    row,
    symbol_mathml,
    word,
)
from chainrule.notation.writing import PRODUCT


def page_of(passes: Passes) -> str:
    """A whole page: no script, no font and no picture is fetched."""
    names = ", ".join(step.bottom for step in passes.targets)
    title = f"The derivative of {passes.result} by {names}"
    head = "".join([
        '<meta charset="utf-8"/>',
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
        tag("title", escape(title)),
        tag("style", f"{PAGE}\n{FRAGMENT}"),
    ])  # fmt: skip
    body = tag("main", _Html(passes, level=2).content(tag("h1", escape(title))), "chainrule")
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>{body}</body></html>\n'


def fragment_of(passes: Passes) -> str:
    """The same inside a page that exists already, such as a notebook."""
    return tag(
        "div",
        tag("style", f"{FRAGMENT}\n{NOTEBOOK}") + _Html(passes, level=3).content(),
        "chainrule",
    )


class _Html:
    """Writes the parts of a page; ``level`` is that of its headings."""

    def __init__(self, passes: Passes, level: int) -> None:
        self.passes, self.level = passes, level
        self.notation = self._notation({})
        self.short = self._notation(
            {step.bottom: _short(step.short) for step in passes.steps if step.short}
        )

    def _notation(self, shorts: dict[str, str]) -> MathmlNotation:
        notation = MathmlNotation(self.passes.sizes, shorts)
        notation.scalars = frozenset(q.name for q in self.passes.quantities if not q.shape)
        return notation

    def content(self, title: str = "") -> str:
        names = operator(",").join(self.notation.named(s.bottom) for s in self.passes.targets)
        parts = [
            title,
            tag("p", _summary(self.passes), "aside"),
            self._heading("Forward path"), self._forward(),
            self._heading(f"Backward path, to {math(names, display=False)}"), self._backward(),
            *(self._target(step) for step in self.passes.targets),
            self._numbers(),
            self._heading("Both passes"), self._picture(),
            tag("div", "".join(tag("p", escape(note)) for note in self._notes()), "notes"),
        ]  # fmt: skip
        return "\n".join(part for part in parts if part)

    def _heading(self, text: str) -> str:
        return tag(f"h{self.level}", text)

    def _notes(self) -> list[str]:
        notices = [notice_text(item) for item in self.passes.notices]
        notes = [legend_sentence(self.passes), layout_sentence(self.passes)]
        return [note for note in (*notices, *notes, *check_sentences(self.passes)) if note]

    # -- the two passes ---------------------------------------------------------------------------

    def _forward(self) -> str:
        given = [item for item in self.passes.quantities if item.definition is None]
        listed = ", ".join(map(self._given, given))
        made = [item for item in self.passes.quantities if item.definition is not None]
        rows = [self._forward_row(item) for item in made]
        table = _table(("quantity", "shape", "value"), rows)
        return tag("p", f"given {listed}") + table + self._shares()

    def _given(self, item: Quantity) -> str:
        """An argument with its shape, or a number with its value."""
        name = self.notation.named(item.name)
        if item.is_number:
            return math(equals(name, self.notation(number(float(item.value)))), False)
        return f"{math(name, False)} ({escape(shape_text(item.shape, self.passes.letters))})"

    def _shares(self) -> str:
        """What each example contributes to the cost."""
        shares = self.passes.shares
        if shares is None:
            return ""
        name = self.notation.named(self.passes.result)
        one = f"<msup>{row(name)}<mi>r</mi></msup>"
        formula = equals(name, f"<munder><mo>∑</mo><mi>r</mi></munder>{one}")
        words = f"{math(formula)}, a sum over {shares.values.size} examples"
        return tag("p", words) + tag("div", _line(one, value_html(shares.values)), "target")

    def _forward_row(self, item: Quantity) -> str:
        assert item.definition is not None
        formula = equals(self.notation.named(item.name), self.notation(item.definition))
        value = number_text(float(item.value), ".6g") if item.value.ndim == 0 else ""
        size = escape(shape_text(item.shape, self.passes.letters))
        return _formula_cell(formula) + tag("td", size) + tag("td", value and f"= {value}")

    def _by(self, bottom: str) -> str:
        return self.notation.derivative(self.passes.result, bottom)

    def _by_of_example(self, bottom: str) -> str:
        name = f"<msup>{row(self.notation.named(self.passes.result))}<mi>r</mi></msup>"
        sides = row("<mi>∂</mi>", name) + row("<mi>∂</mi>", self.notation.named(bottom))
        return f"<mfrac>{sides}</mfrac>"

    def _backward(self) -> str:
        rows = [self._backward_row(step) for step in self.passes.steps]
        return _table(("derivative", "shape", "rule", "leads to", "check"), rows)

    def _backward_row(self, step: Step) -> str:
        formula = equals(self._by(step.bottom), self.notation(step.local))
        is_wrong = not step.check.ok and not step.check.note
        check = escape(error_text(step)) + (" failed" if is_wrong else "")
        cells = [escape(size_text(step.shape, self.passes.letters)), escape(str(step.rule))]
        cells.append(step.kind)
        kind = "check" if step.check.ok else "check failed"
        return _formula_cell(formula) + "".join(map(_cell, cells)) + tag("td", check, kind)

    def _numbers(self) -> str:
        """Every value of both passes, folded away."""
        passes = self.passes
        rows = [(self.notation.named(item.name), item.value) for item in passes.quantities]
        rows += [(self._by(s.bottom), s.value) for s in passes.steps if not s.is_target]
        for name, value in (passes.shares.gradients if passes.shares else {}).items():
            rows.append((self._by_of_example(name), value))
        lines = "".join(_line(left, value_html(value)) for left, value in rows)
        summary = tag("summary", "The numbers of every quantity and step")
        return tag("details", summary + tag("div", lines, "target"))

    # -- what was asked for -----------------------------------------------------------------------

    def _target(self, step: Step) -> str:
        by = self._by(step.bottom)
        rows: list[tuple[str, str]] = []
        known = "" if step.entry or len(step.factors) > 1 else self.notation(step.local)
        if step.entry is not None:
            rows += [self._entry(step.entry), (by, self._formula(self._collected(step)))]
        elif len(step.factors) > 1 and self.passes.is_through_matrices(step):
            rows.append((by, self._formula(self.notation(step.local)) + _path(step.factors)))
        elif len(step.factors) > 1:
            rows.append((by, self._chain(step.factors)))
        else:
            rows.append((by, self._formula(known)))
        whole = self.notation(step.expression)
        if whole != known:
            rows.append(("", self._formula(whole)))
        rows.append(("", self._slices(step) or value_html(step.value)))
        return tag("div", "".join(_line(left, right) for left, right in rows), "target")

    def _slices(self, step: Step) -> str:
        outer = self.passes.by_name[step.top].value.ndim
        names = (self.notation.named(step.top), self.notation.named(step.bottom))
        return slices_html(step.value, outer, *names, self.notation)

    def _formula(self, content: str) -> str:
        return _broken(EQUALS + content)

    def _chain(self, factors: Sequence[Factor]) -> str:
        items = [self._factor(item) for item in factors]
        return tag("div", math(EQUALS) + "".join(items), "chain")

    def _factor(self, item: Factor) -> str:
        """A factor; below it its shape, where it leads, and whether it is reused."""
        texts = [size_text(item.shape, self.passes.letters), item.kind]
        texts += ["reused"] if item.reused else []
        below = "".join(tag("span", escape(text)) for text in texts)
        formula = _scrolled(math(self._bracketed(item.expression)), "span")
        return tag("span", formula + tag("span", below, "below"), f"factor {item.kind}")

    def _bracketed(self, expr: Expr) -> str:
        return self.notation.bracketed(expr, PRODUCT)

    def _entry(self, entry: Entry) -> tuple[str, str]:
        """One entry of a matrix, as on the slides 'Backward Path (3)' and '(4)'."""
        letter, matrix = word(entry.name), self.notation.named(entry.matrix)
        sides = row("<mi>∂</mi>", matrix) + row("<mi>∂</mi>", letter)
        inside = fenced("[", f"<mfrac>{sides}</mfrac>", "]")
        inner = self._notation({entry.name: inside}).bracketed(entry.inner, PRODUCT)
        factors = [self._bracketed(item.expression) for item in entry.factors]
        result = symbol_mathml(self.passes.result, bold=False)
        left = f"<mfrac>{row('<mi>∂</mi>', result)}{row('<mi>∂</mi>', letter)}</mfrac>"
        whole = self.notation.joined([*factors, inner], False, False)
        note = f" for an entry {math(letter, False)} of {math(matrix, False)}"
        return left, self._formula(whole) + tag("span", note, "aside")

    def _collected(self, step: Step) -> str:
        """The whole matrix, by the short name of the derivative before it."""
        assert step.entry is not None
        local, plain = self.short(step.local), self.notation(step.local)
        if local == plain:
            return local
        user = self.passes.step(step.entry.user)
        where = equals(_short(user.short), self._by(user.bottom))
        return f'{local}<mtext>,</mtext><mspace width="1em"></mspace>{where}'

    def _picture(self) -> str:
        try:
            picture = svg_of(self.passes, embedded=True)
        except MissingPackage as error:
            return tag("p", escape(str(error)), "aside")
        return tag("figure", tag("div", picture, "picture"))


def _summary(passes: Passes) -> str:
    steps = passes.steps
    kinks = [step.bottom for step in steps if step.check.note]
    wrong = [step.bottom for step in steps if not step.check.ok and not step.check.note]
    if kinks or wrong:
        count = f"of {len(steps)} steps"
        found = [(wrong, "disagree with an independent value"), (kinks, "have no derivative here")]
        texts = [f"{len(n)} {count} {words}: {', '.join(n)}" for n, words in found if n]
        return tag("strong", escape(f"✗ {'; '.join(texts)}"))
    worst = max((step.check.error for step in steps), default=0.0)
    count = {1: "The step agrees", 2: "Both steps agree"}.get(
        len(steps), f"All {len(steps)} steps agree"
    )
    return f"✓ {count} with an independent value; the largest relative error is {worst:.0g}."


def _table(heads: Sequence[str], rows: Sequence[str]) -> str:
    head = tag("thead", tag("tr", "".join(tag("th", text) for text in heads)))
    body = tag("tbody", "\n".join(tag("tr", cells) for cells in rows))
    return tag("table", head + body, "steps")


def _cell(content: str) -> str:
    return tag("td", content)


def _formula_cell(formula: str) -> str:
    return tag("td", _broken(formula), "formula")


def _broken(content: str) -> str:
    """A formula that is broken where it is long."""
    return _scrolled("<wbr/>".join(math(part) for part in lines(content)))


def _scrolled(content: str, name: str = "div") -> str:
    """In a box of its own that scrolls where it is too wide, also from the keyboard."""
    return f'<{name} class="scroll" tabindex="0">{content}</{name}>'


def _line(left: str, right: str) -> str:
    shown = tag("div", math(left), "left") if left else ""
    return shown + tag("div", right, "right")


def _path(factors: Sequence[Factor]) -> str:
    """Where each factor leads, in words."""
    texts = [f"{f.bottom} ({f.kind}{', reused' if f.reused else ''})" for f in factors]
    return tag("div", escape(f"through {', '.join(texts)}"), "aside")


def _short(text: str) -> str:
    """δ2 as a bold δ with a subscript."""
    return symbol_mathml(text, bold=True)
