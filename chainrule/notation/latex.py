"""Expressions as LaTeX; nothing beyond amsmath is needed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chainrule.notation.algebra import Expr, Partial
from chainrule.notation.names import written
from chainrule.notation.pieces import Value, magnitude
from chainrule.notation.text import GREEK, at_slash, number_text
from chainrule.notation.writing import ATOM, PRODUCT, Notation, Text
from chainrule.primitives.stated import Written

SIGNS = {
    "plus": " + ", "minus": " - ", "negative": "-", "dot": r" \cdot ", "hadamard": r" \odot ",
    "divided": r" \oslash ", "kronecker": r" \otimes ", "ones": r"\mathbf{1}",
    "zero": r"\mathbf{0}", "identity": r"\mathbf{I}", "delta": r"\delta",
}  # fmt: skip
ESCAPED = {
    "\\": r"\textbackslash{}", "_": r"\_", "#": r"\#", "%": r"\%", "&": r"\&", "$": r"\$",
    "{": r"\{", "}": r"\}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
}  # fmt: skip


def escaped(text: str) -> str:
    """Plain text with LaTeX's own characters escaped."""
    return "".join(ESCAPED.get(sign, sign) for sign in text)


def symbol_latex(name: str, bold: bool) -> str:
    """A user's name: ``Z1`` with a subscript, ``theta`` as a Greek letter, arrays in bold."""
    match = re.fullmatch(r"([A-Za-zͰ-Ͽ]+?)_?(\d*|(?<=_)\w+)", name)
    if match is None:
        return rf"\mathtt{{{escaped(name)}}}"
    base, below = match.groups()
    base = GREEK.get(base, base)
    if base in GREEK.values():
        text = rf"\boldsymbol{{\{base}}}" if bold else rf"\{base}"
    elif len(base) == 1:
        text = rf"\mathbf{{{base}}}" if bold else base
    else:
        text = rf"\mathbf{{{base}}}" if bold else rf"\mathrm{{{base}}}"
    if not below:
        return text
    inner = below if below.isdigit() or len(below) == 1 else rf"\mathrm{{{escaped(below)}}}"
    return f"{text}_{{{inner}}}"


def _rooted(text: str) -> str:
    """√(2π), log(2) and the like."""
    text = text[1:-1] if text.startswith("(") else text
    text = re.sub(r"√(?:\(([^)]*)\)|(\w+))", lambda m: rf"\sqrt{{{m[1] or m[2]}}}", text)
    return text.replace("π", r"\pi").replace("log", r"\log")


class LatexNotation(Notation):
    """LaTeX: bold for columns and matrices, ⊤ for the transpose."""

    signs = SIGNS
    scalars: frozenset[str] = frozenset()
    """Names of quantities that are numbers, whose derivatives are written without bold."""

    def symbol(self, name: str, shape: tuple[int | None, ...]) -> str:
        return symbol_latex(name, bold=shape != (None, None))

    def number(self, value: Value) -> Text:
        text = number_text(magnitude(value), self.letters)
        if set("√π(") & set(text) and isinstance(value, float):
            above, below = map(_rooted, at_slash(text))
            text = rf"\tfrac{{{above}}}{{{below}}}" if below else above
            return (f"-{text}", PRODUCT - 1) if value < 0 else (text, ATOM)
        match = re.fullmatch(r"(\d+|\w+)/\(?(\w+)\)?", text)
        power = re.fullmatch(r"([\d.]+)e([+-]?)0*(\d+)", text)
        if match:
            text = rf"\tfrac{{{match[1]}}}{{{match[2]}}}"
        elif power:
            text = rf"{power[1]} \cdot 10^{{{power[2].replace('+', '')}{power[3]}}}"
        elif not text.replace(".", "").isalnum() or text in ("nan", "inf"):
            text = r"\infty" if "inf" in text else rf"\mathrm{{{text}}}"
        return (f"-{text}", PRODUCT - 1) if value < 0 else (text, ATOM)

    def partial(self, expr: Partial) -> Text:
        if expr.bottom in self.shorts:
            return self.shorts[expr.bottom], ATOM
        return self.derivative(expr.top, expr.bottom), PRODUCT

    def derivative(self, top: str, bottom: str) -> str:
        """∂top/∂bottom as a fraction."""
        return rf"\frac{{\partial {self._named(top)}}}{{\partial {self._named(bottom)}}}"

    def _named(self, name: str) -> str:
        return symbol_latex(name, bold=name not in self.scalars)

    def brackets(self, text: str) -> str:
        return rf"\left({text}\right)" if r"\frac" in text else f"({text})"

    def transposed(self, text: str) -> str:
        return rf"{text}^{{\top}}"

    def inverted(self, text: str, transposed: bool) -> str:
        sign = r"\top" if transposed else "1"
        return rf"{text}^{{-{sign}}}"

    def joined(self, texts: Sequence[str], with_dots: bool, after_number: bool) -> str:
        words = any(text.startswith(r"\mathrm") for text in texts)  # they would run together
        return (r" \, " if words else " ").join(texts)

    def fraction(self, top: Expr, bottom: Expr) -> str:
        return rf"\frac{{{self(top)}}}{{{self(bottom)}}}"

    def root(self, text: str) -> str:
        return rf"\sqrt{{{text}}}"

    def power(self, base: str, exponent: str, is_scalar: bool) -> str:
        sign = "" if is_scalar else r"\odot "
        return rf"{base}^{{{sign}{exponent}}}"

    def norm(self, text: str, is_column: bool) -> str:
        return rf"\lVert {text} \rVert" + ("" if is_column else "_{F}")

    def call(self, name: str, args: Sequence[str], detail: str = "", primes: int = 0) -> str:
        inside = ", ".join(args)
        if "×" in detail:
            inside += r";\, " + detail.replace("×", r" \times ")
        elif detail:
            inside += rf";\ \text{{{escaped(detail)}}}"
        return written(name).latex + "'" * primes + self.brackets(inside)

    def iverson(self, left: str, relation: Written, right: str) -> str:
        return f"[{left} {relation.latex} {right}]"

    def index(self, base: str, positions: Sequence[str]) -> str:
        return rf"{{{base}}}_{{[{', '.join(positions)}]}}"

    def unit(self, position: int) -> str:
        return rf"\mathbf{{e}}_{{[{position}]}}"

    def swap(self, rows: int, columns: int) -> str:
        return rf"\mathbf{{K}}_{{{rows},{columns}}}"

    def over(self, labels: Sequence[str], body: str) -> str:
        return rf"\sum_{{{','.join(labels)}}} {body}" if labels else body

    def entries(self, body: str, rows: Sequence[str], columns: Sequence[str]) -> str:
        if not rows and not columns:
            return self.brackets(body)
        places = ",".join(rows) + (";" + ",".join(columns) if columns else "")
        return rf"\Bigl\{{{body}\Bigr\}}_{{{places}}}"
