"""Expressions as MathML Core, which Chromium, Firefox and Safari typeset without a script.

Arrays are bold: MathML Core leaves bold to CSS, so that ``class="b"`` marks them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from xml.etree import ElementTree

from chainrule.notation.algebra import Expr, Partial
from chainrule.notation.lettering import lettered
from chainrule.notation.names import written
from chainrule.notation.pieces import Value, magnitude
from chainrule.notation.text import at_slash, number_text
from chainrule.notation.writing import ATOM, PRODUCT, Notation, Text
from chainrule.primitives.stated import Written


def operator(sign: str, **attributes: str) -> str:
    """``<mo>``; attributes such as ``stretchy``."""
    given = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f"<mo{given}>{escape(sign)}</mo>"


def row(*parts: str) -> str:
    """Side by side, as one argument of what surrounds it."""
    return f"<mrow>{''.join(parts)}</mrow>"


def word(text: str, bold: bool = False) -> str:
    """A letter in italics, or in bold where it is an array; a word upright."""
    if not bold:
        return f"<mi>{escape(text)}</mi>"
    upright = ' mathvariant="normal"' if len(text) == 1 else ""
    return f'<mi class="b"{upright}>{escape(text)}</mi>'


def symbol_mathml(name: str, bold: bool) -> str:
    """A user's name: ``Z1`` with a subscript, ``theta`` as a Greek letter, arrays in bold."""
    base, below, is_plain = lettered(name)
    if is_plain:
        return f'<mtext class="name">{escape(name)}</mtext>'
    text = word(base, bold)
    return f"<msub>{text}{_atom(below)}</msub>" if below else text


LONGEST = 48
"""Signs; formulas with more may be broken."""


def lines(content: str) -> list[str]:
    """A long formula in parts between which a line may end; browsers break none on their own."""
    if len(re.sub("<[^>]*>", "", content)) <= LONGEST:
        return [content]
    items = list(ElementTree.fromstring(f"<mrow>{content}</mrow>"))
    is_sum = any(_is_sign(item, "+−") for item in items)
    signs = "=+−" if is_sum else "=\u2062"  # before terms, or else before factors
    parts: list[list[str]] = [[]]
    for item in items:
        if _is_sign(item, signs) and parts[-1]:
            parts.append([])
        parts[-1].append(ElementTree.tostring(item, encoding="unicode"))
    return ["".join(part) for part in parts]


def _is_sign(item: ElementTree.Element, signs: str) -> bool:
    return item.tag == "mo" and item.get("form") != "prefix" and (item.text or " ") in signs


def math(content: str, display: bool = True) -> str:
    """A formula on its own; fractions are set in full height with ``display``."""
    style = ' displaystyle="true"' if display else ""
    return f"<math{style}>{row(content)}</math>"


def equals(left: str, right: str) -> str:
    """left = right."""
    return left + EQUALS + right


def fenced(left: str, text: str, right: str) -> str:
    """In brackets, which grow only around what is more than a line high.

    Browsers stretch signs only of fonts made for mathematics; so the style sheet draws round
    brackets that grow, as the borders of what they are around, and hides their signs.
    """
    if not any(tag in text for tag in ("<mfrac", "<munder")):
        return row(operator(left, stretchy="false"), text, operator(right, stretchy="false"))
    signs = [operator(sign, stretchy="true") for sign in (left, right)]
    if (left, right) != ("(", ")"):
        return row(signs[0], text, signs[1])
    return f'<mrow class="paren">{signs[0]}{text}{signs[1]}</mrow>'


def _raised(base: str, above: str) -> str:
    """A superscript, above the subscript if there is one; ``base`` is one atom."""
    if base.startswith("<msub>") and base.endswith("</msub>"):
        return f"<msubsup>{base[6:-7]}{above}</msubsup>"
    return f"<msup>{row(base)}{above}</msup>"


def _atom(text: str) -> str:
    """A number, its root, a letter, or a piece of text such as ``0:3``."""
    above, below = at_slash(text)
    if below and "π" in text:
        return f"<mfrac>{row(_atom(above))}{row(_atom(below))}</mfrac>"
    if text.startswith("√"):
        return f"<msqrt>{_atom(text[1:])}</msqrt>"
    if text.startswith("(") and text.endswith(")"):
        return _atom(text[1:-1])
    if text.startswith("log("):
        return row(word("log"), operator("("), _atom(text[4:-1]), operator(")"))
    if re.fullmatch(r"\d+(π|log\(2\))", text):
        digits = re.match(r"\d+", text)
        assert digits
        return row(f"<mn>{digits[0]}</mn>", _atom(text[digits.end() :]))
    if re.fullmatch(r"[\d.]+", text):
        return f"<mn>{text}</mn>"
    if len(text) == 1 and text.isalpha():
        return f"<mi>{text}</mi>"
    return f"<mtext>{escape(text)}</mtext>"


def _listed(items: Iterable[str]) -> str:
    return operator(",").join(items)


EQUALS = operator("=", form="infix")
TRANSPOSE = '<mi class="top" mathvariant="normal">⊤</mi>'
NEGATIVE = operator("−", form="prefix")
TIMES = operator("\u2062", lspace="0", rspace="0.17em")
"""A product without a sign: heard by a screen reader, seen as a thin space."""


SIGNS = {
    "plus": operator("+", form="infix"), "minus": operator("−", form="infix"), "negative": NEGATIVE,
    "dot": operator("⋅"), "hadamard": operator("⊙"), "divided": operator("⊘"),
    "kronecker": operator("⊗"), "ones": '<mn class="b">1</mn>',
    "zero": '<mn class="b">0</mn>', "identity": word("I", True), "delta": word("δ"),
}  # fmt: skip


class MathmlNotation(Notation):
    """MathML: bold for columns and matrices, ⊤ for the transpose."""

    signs = SIGNS
    scalars: frozenset[str] = frozenset()
    """Names of quantities that are numbers, whose derivatives are written without bold."""

    def symbol(self, name: str, shape: tuple[int | None, ...]) -> str:
        return symbol_mathml(name, bold=shape != (None, None))

    def number(self, value: Value) -> Text:
        text = number_text(magnitude(value), self.letters)
        above, below = at_slash(text)
        power = re.fullmatch(r"([\d.]+)e([+-]?)0*(\d+)", text)
        if below:
            inner = f"<mfrac>{_atom(above)}{_atom(below)}</mfrac>"
            shown = f'<mstyle displaystyle="false">{inner}</mstyle>'
        elif power:
            sign = NEGATIVE if power[2] == "-" else ""
            raised = f"<msup><mn>10</mn>{row(sign, _atom(power[3]))}</msup>"
            shown = row(_atom(power[1]), operator("⋅"), raised)
        else:
            shown = "<mi>∞</mi>" if "inf" in text else _atom(text)
        return (NEGATIVE + shown, PRODUCT - 1) if value < 0 else (shown, ATOM)

    def partial(self, expr: Partial) -> Text:
        if expr.bottom in self.shorts:
            return self.shorts[expr.bottom], ATOM
        return self.derivative(expr.top, expr.bottom), PRODUCT

    def derivative(self, top: str, bottom: str) -> str:
        """∂top/∂bottom as a fraction."""
        sides = [row("<mi>∂</mi>", self.named(name)) for name in (top, bottom)]
        return f"<mfrac>{''.join(sides)}</mfrac>"

    def named(self, name: str) -> str:
        """A quantity by its name."""
        return symbol_mathml(name, bold=name not in self.scalars)

    def brackets(self, text: str) -> str:
        return fenced("(", text, ")")

    def transposed(self, text: str) -> str:
        return _raised(text, TRANSPOSE)

    def inverted(self, text: str, transposed: bool) -> str:
        above = TRANSPOSE if transposed else "<mn>1</mn>"
        return _raised(text, row(NEGATIVE, above))

    def joined(self, texts: Sequence[str], with_dots: bool, after_number: bool) -> str:
        return TIMES.join(text if text.startswith("<") else _atom(text) for text in texts)

    def fraction(self, top: Expr, bottom: Expr) -> str:
        return f"<mfrac>{row(self(top))}{row(self(bottom))}</mfrac>"

    def root(self, text: str) -> str:
        return f"<msqrt>{text}</msqrt>"

    def power(self, base: str, exponent: str, is_scalar: bool) -> str:
        sign = "" if is_scalar else operator("⊙", lspace="0", rspace="0")
        return _raised(base, row(sign, exponent))

    def norm(self, text: str, is_column: bool) -> str:
        whole = fenced("‖", text, "‖")
        return whole if is_column else f"<msub>{whole}<mi>F</mi></msub>"

    def call(self, name: str, args: Sequence[str], detail: str = "", primes: int = 0) -> str:
        shown = word(written(name).text)
        if (
            primes
        ):  # in the font of text, where it is raised already, unlike in those of mathematics
            shown += operator("′" * primes, **{"class": "r"}, lspace="0", rspace="0")
        more = operator(";") + f"<mtext>{escape(detail)}</mtext>" if detail else ""
        return row(shown, operator("\u2061"), self.brackets(_listed(args) + more))

    def iverson(self, left: str, relation: Written, right: str) -> str:
        return fenced("[", left + operator(relation.text) + right, "]")

    def index(self, base: str, positions: Sequence[str]) -> str:
        inside = fenced("[", _listed(map(_atom, positions)), "]")
        return f"<msub>{row(base)}{inside}</msub>"

    def unit(self, position: int) -> str:
        return self.index(word("e", True), [str(position)])

    def swap(self, rows: int, columns: int) -> str:
        return (
            f"<msub>{word('K', True)}{row(_listed([_atom(str(rows)), _atom(str(columns))]))}</msub>"
        )

    def over(self, labels: Sequence[str], body: str) -> str:
        if not labels:
            return body
        return f"<munder><mo>∑</mo>{row(_listed(map(_atom, labels)))}</munder>{row(body)}"

    def entries(self, body: str, rows: Sequence[str], columns: Sequence[str]) -> str:
        if not rows and not columns:
            return self.brackets(body)
        places = _listed(map(_atom, rows))
        if columns:
            places += operator(";") + _listed(map(_atom, columns))
        return f"<msub>{fenced('{', body, '}')}{row(places)}</msub>"
