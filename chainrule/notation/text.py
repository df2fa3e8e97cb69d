"""Expressions as plain text, in Unicode or in ASCII."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import isfinite, isqrt, log, pi, sqrt

from chainrule.notation.algebra import Expr, Partial
from chainrule.notation.names import written
from chainrule.notation.pieces import Value, magnitude
from chainrule.notation.writing import ATOM, POSTFIX, PRODUCT, Notation, Text
from chainrule.primitives.stated import Written

UNICODE = {
    "plus": " + ", "minus": " − ", "negative": "−", "dot": "·", "hadamard": " ⊙ ",
    "divided": " ⊘ ", "kronecker": " ⊗ ", "ones": "1", "zero": "0", "identity": "I", "delta": "δ",
}  # fmt: skip
ASCII = {
    **UNICODE, "minus": " - ", "negative": "-", "dot": "*", "hadamard": " .* ", "divided": " ./ ",
    "kronecker": " kron ", "delta": "delta",
}  # fmt: skip
VULGAR = {
    "1/2": "½", "1/3": "⅓", "2/3": "⅔", "1/4": "¼", "3/4": "¾", "1/5": "⅕", "1/6": "⅙", "1/8": "⅛",
}  # fmt: skip
RAISED = str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")
GREEK = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau"
        " upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi"
        " Omega".split(),
        strict=True,
    )
)
PLAIN = str.maketrans({
    **GREEK, "≥": ">=", "≤": "<=", "≠": "!=", "≻": ">~", "‖": "||", "′": "'", "×": "x", "∂": "d",
    "·": "*", "−": "-", "½": "1/2", "✓": "ok", "✗": "FAILED", "ᵀ": "^T", "⊙": ".*", "⊗": "kron",
    "⊘": "./", "…": "...", "√": "sqrt", "∛": "cbrt",
})  # fmt: skip
"""What ASCII writes instead."""


def number_text(value: Value, letters: Mapping[int, str]) -> str:
    """A number: whole, a short decimal, or a fraction, with a letter for a size."""
    if isinstance(value, float):
        return written_number(value) or f"{value:.6g}"
    if value.denominator == 1:
        return letters.get(value.numerator, str(value.numerator)) if value > 9 else str(value)
    if value.denominator in letters:
        return f"{value.numerator}/{letters[value.denominator]}"
    pair = next(
        (f"{a}{b}" for m, a in letters.items() for n, b in letters.items()
         if m < n and m * n == value.denominator), None,
    )  # fmt: skip
    if pair:
        return f"{value.numerator}/({pair})"
    short = f"{float(value):.6g}"
    is_decimal = 10**12 % value.denominator == 0 and value.denominator not in (2, 4, 8)
    is_whole = value.denominator <= 10**4 or Fraction(short) == value  # 1e-05 for 1/100000
    return short if is_decimal and is_whole else f"{value.numerator}/{value.denominator}"


def root_text(value: float) -> str:
    """√2, 1/√2 or 2/√3 where a number is one to all its digits; else nothing."""
    square = Fraction(value * value).limit_denominator(100) if isfinite(value) else Fraction(0)
    if square <= 0 or abs(sqrt(square) - value) > 4e-16 * value:  # two roundings
        return ""
    if square.denominator == 1:
        return f"√{square}"
    over, below = isqrt(square.numerator), isqrt(square.denominator)
    if below * below == square.denominator:  # no root: 0.1 + 0.2
        return ""
    return f"{over}/√{square.denominator}" if over * over == square.numerator else ""


def written_number(value: float) -> str:
    """How a number was written, where it is one of a few kinds to all its digits; else nothing.

    >>> [written_number(x) for x in (2**-0.5, 2 * pi, (2 / pi) ** 0.5, (2 * pi) ** -0.5, log(2))]
    ['1/√2', '2π', '√(2/π)', '1/√(2π)', 'log(2)']
    """
    return root_text(value) or _multiple_text(value) or _root_of_pi_text(value)


def _simple(value: float) -> Fraction | None:
    """A short fraction that a number is, but for two or three roundings."""
    near = Fraction(value).limit_denominator(100) if isfinite(value) else Fraction(0)
    is_near = near > 0 and abs(float(near) - value) <= 6e-16 * value
    return near if is_near and near.numerator <= 100 else None


def _multiple_text(value: float) -> str:
    """2π, π/2, 1/(2π), and the same of log(2)."""
    for sign, base in (("π", pi), ("log(2)", log(2.0))):
        times = _simple(value / base)
        if times is not None:
            above = sign if times.numerator == 1 else f"{times.numerator}{sign}"
            return above if times.denominator == 1 else f"{above}/{times.denominator}"
        over = _simple(value * base)
        if over is not None:
            below = sign if over.denominator == 1 else f"({over.denominator}{sign})"
            return f"{over.numerator}/{below}"
    return ""


def _root_of_pi_text(value: float) -> str:
    """√(2π), 1/√(2π), √(2/π)."""
    times = _simple(value * value / pi)
    if times is not None:
        above = "π" if times.numerator == 1 else f"{times.numerator}π"
        inside = above if times.denominator == 1 else f"{above}/{times.denominator}"
        return f"√{inside}" if inside == "π" else f"√({inside})"
    over = _simple(value * value * pi)
    if over is None:
        return ""
    root = isqrt(over.numerator)
    below = "π" if over.denominator == 1 else f"{over.denominator}π"
    if root * root == over.numerator:
        return f"{root}/√{below}" if below == "π" else f"{root}/√({below})"
    return f"√({over.numerator}/{below})" if below == "π" else f"√({over.numerator}/({below}))"


def at_slash(text: str) -> tuple[str, str]:
    """What stands above and below the line of a fraction; nothing below where it is none."""
    depth = 0
    for k, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if sign == "/" and depth == 0:
            return text[:k], text[k + 1 :]
    return text, ""


class TextNotation(Notation):
    """Plain text. With ``ascii``, nothing but ASCII: A^T, .*, d/d."""

    def __init__(
        self, letters: Mapping[int, str] | None = None, shorts: Mapping[str, str] | None = None,
        ascii: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(letters, shorts)
        self.ascii = ascii
        self.signs = ASCII if ascii else UNICODE

    def __call__(self, expr: Expr) -> str:
        text = super().__call__(expr)
        return text.translate(PLAIN) if self.ascii else text

    def symbol(self, name: str, shape: tuple[int | None, ...]) -> str:
        return name

    def number(self, value: Value) -> Text:
        text = number_text(magnitude(value), self.letters)
        short = text if self.ascii else VULGAR.get(text, text)
        binding = ATOM if not at_slash(short)[1] else PRODUCT - 1
        return (self.signs["negative"] + short, PRODUCT - 1) if value < 0 else (short, binding)

    def partial(self, expr: Partial) -> Text:
        if expr.bottom in self.shorts:
            return self.shorts[expr.bottom], ATOM
        return f"∂{expr.top}/∂{expr.bottom}", PRODUCT

    def brackets(self, text: str) -> str:
        return f"({text})"

    def transposed(self, text: str) -> str:
        return text + ("^T" if self.ascii else "ᵀ")

    def inverted(self, text: str, transposed: bool) -> str:
        if self.ascii:
            return text + ("^-T" if transposed else "^-1")
        return text + ("⁻ᵀ" if transposed else "⁻¹")

    def joined(self, texts: Sequence[str], with_dots: bool, after_number: bool) -> str:
        dot = " * " if self.ascii else " · "
        result = dot if after_number and with_dots else ""
        for k, text in enumerate(texts):
            if k:
                close = result.endswith((")", "ᵀ", "^T")) and text.startswith("(")
                result += dot if with_dots else "" if close else " "
            elif after_number and not with_dots and not text.startswith("("):
                result += " "
            result += text
        return result

    def fraction(self, top: Expr, bottom: Expr) -> str:
        upper, lower = self.bracketed(top, PRODUCT), self.bracketed(bottom, POSTFIX)
        return f"{upper}/{lower}"

    def root(self, text: str) -> str:
        if self.ascii:
            return f"sqrt({text})"
        return f"√{text}" if text.isalnum() or text.startswith("‖") else f"√({text})"

    def power(self, base: str, exponent: str, is_scalar: bool) -> str:
        if self.ascii:
            return f"{base}^{exponent}" if is_scalar else f"{base}.^{exponent}"
        raised = exponent.translate(RAISED)
        plain = set(raised) <= set("⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
        if is_scalar:
            return base + raised if plain else f"{base}^{exponent}"
        return f"{base}^⊙{exponent}"

    def norm(self, text: str, is_column: bool) -> str:
        return f"‖{text}‖"

    def call(self, name: str, args: Sequence[str], detail: str = "", primes: int = 0) -> str:
        shown = written(name).text + "′" * primes
        inside = ", ".join(args) + (f"; {detail}" if detail else "")
        return f"{shown}({inside})"

    def iverson(self, left: str, relation: Written, right: str) -> str:
        return f"[{left} {relation.text} {right}]"

    def index(self, base: str, positions: Sequence[str]) -> str:
        return f"{base}[{', '.join(positions)}]"

    def unit(self, position: int) -> str:
        return f"e[{position}]"

    def swap(self, rows: int, columns: int) -> str:
        return f"K({rows},{columns})"

    def over(self, labels: Sequence[str], body: str) -> str:
        sign = "sum" if self.ascii else "Σ"
        return f"{sign}_{','.join(labels)} {body}" if labels else body

    def entries(self, body: str, rows: Sequence[str], columns: Sequence[str]) -> str:
        if not rows and not columns:
            return f"({body})"
        places = ",".join(rows) + ("; " + ",".join(columns) if columns else "")
        return f"{{{body}}}[{places}]"
