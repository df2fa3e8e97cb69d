"""A formula's text as tokens: numbers, names, operators, brackets and ends of statements."""

from __future__ import annotations

import keyword
import re
import unicodedata
from enum import Enum
from typing import NamedTuple

from chainrule.formulas.faults import FormulaError, Span

LONGEST = 4000
"""Characters that a formula may have."""


class Kind(Enum):
    """What a token is."""

    NUMBER = "number"
    NAME = "name"
    SYMBOL = "symbol"
    RAISED = "raised number"
    SEPARATOR = "separator"
    END = "end"


class Token(NamedTuple):
    """A piece of the text that means something."""

    kind: Kind
    text: str
    span: Span


NUMBER = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
FRACTIONS = {"½": "0.5", "¼": "0.25", "¾": "0.75"}

SYMBOLS = {
    "**": "**", "^": "**", "+": "+", "-": "-", "−": "-", "–": "-", "*": "*", "∗": "*", "⊙": "*",
    "∘": "*", "/": "/", "÷": "/", "@": "@", "·": "·", "⋅": "·", "∙": "·", "•": "·", "(": "(",
    ")": ")", ",": ",", "=": "=", ".": ".", "'": "'", "’": "'", "ᵀ": "'", "⊤": "'",
    "^⊤": "'", "‖": "‖", "∥": "‖", "||": "‖", "|": "|",
}  # fmt: skip
"""Every sign of the language, with the one that stands for it from here on."""

REMEDIES = {
    "[": "write round brackets; single entries cannot be picked",
    "]": "write round brackets; single entries cannot be picked",
    "{": "write round brackets",
    "}": "write round brackets",
    "×": "write * for a product entry by entry, or @ for a matrix product",
    "√": "write sqrt(x)",
    "∑": "write sum(x)",
    "Σ": "write sum(x)",
    "∂": "name what to differentiate by with wrt instead",
    "∇": "name what to differentiate by with wrt instead",
    "⊗": "write kron(A, B), or outer(x, y)",
    "<": "formulas have no comparisons",
    ">": "formulas have no comparisons",
    ":": "write = to define a name",
    '"': "write A' or A.T for the transpose",
}  # fmt: skip
REMEDIES.update(dict.fromkeys("⁺⁻", "write a raised number after it, or x ** p for a power"))
"""Signs that people write and that the language does not have."""

RAISED = re.compile(r"[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,9}")
LOWER, RAISE = (
    str.maketrans("⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "+-0123456789"),
    str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"),
)
TRANSPOSED = re.compile(r"\^\s*(T\b|\{\s*(T|\\top)\s*\})")
"""``x^T``, as it is written; a power by a name T is ``x ** T``."""

_PLAIN = str.maketrans("₀₁₂₃₄₅₆₇₈₉′", "0123456789ʹ")
_NOT_IN_NAMES = frozenset(SYMBOLS)  # Python takes · and ᵀ for parts of names
_ALSO_IN_NAMES = frozenset("₀₁₂₃₄₅₆₇₈₉′")


def normal_name(text: str) -> str:
    """A name as formulas know it: normalised as Python does it, with digits that are not lowered.

    >>> normal_name("A₀"), normal_name(" x′ ").isidentifier()
    ('A0', True)
    """
    return unicodedata.normalize("NFKC", text.strip().translate(_PLAIN))


def tokenize(text: str) -> list[Token]:
    """The tokens of a formula; the last one is the end.

    Lowered digits are digits (A₀ is A0), and ′ belongs to a name, while ' transposes. A line break
    outside brackets ends a statement, as a semicolon does.

    Raises
    ------
    FormulaError
        If the text is too long, or for a character that means nothing.
    """
    if len(text) > LONGEST:
        raise FormulaError(
            text, Span(LONGEST, LONGEST),
            f"the formula has {len(text):,} characters, and no more than {LONGEST:,} are read",
            "split it, or write a Python function of NumPy arrays",
        )  # fmt: skip
    tokens: list[Token] = []
    position, depth = 0, 0
    while position < len(text):
        token = _token_at(text, position, depth)
        position = token.span.end
        depth += (token.text == "(") - (token.text == ")")
        if token.text:
            tokens.append(token)
    tokens.append(Token(Kind.END, "", Span(len(text), len(text))))
    return tokens


def _token_at(text: str, start: int, depth: int) -> Token:
    """The token that begins here; blanks are tokens without text."""
    character = text[start]
    if character == ";" or (character == "\n" and depth <= 0):
        return Token(Kind.SEPARATOR, character, Span(start, start + 1))
    if character.isspace():
        return Token(Kind.SYMBOL, "", Span(start, start + 1))
    number = NUMBER.match(text, start)
    if number:
        return Token(Kind.NUMBER, number.group(), Span(start, number.end()))
    if character in FRACTIONS:
        return Token(Kind.NUMBER, FRACTIONS[character], Span(start, start + 1))
    if _begins_name(character):
        return _name_at(text, start)
    raised = RAISED.match(text, start)
    if raised:
        exponent = str(int(raised.group().translate(LOWER)))
        return Token(Kind.RAISED, exponent, Span(start, raised.end()))
    transposed = TRANSPOSED.match(text, start)
    if transposed:
        return Token(Kind.SYMBOL, "'", Span(start, transposed.end()))
    for length in (2, 1):
        symbol = SYMBOLS.get(text[start : start + length])
        if symbol:
            return Token(Kind.SYMBOL, symbol, Span(start, start + length))
    raise FormulaError(
        text, Span(start, start + 1), "this character means nothing in a formula",
        REMEDIES.get(character, ""),
    )  # fmt: skip


def _name_at(text: str, start: int) -> Token:
    end = start + 1
    while end < len(text) and _continues_name(text[end]):
        end += 1
    name, span = normal_name(text[start:end]), Span(start, end)
    if keyword.iskeyword(name):  # it could not be a parameter of the formula's function
        raise FormulaError(
            text, span, "it is a word of Python's own and cannot be a name",
            f"write {name}_ or another name",
        )  # fmt: skip
    return Token(Kind.NAME, name, span)


def _begins_name(character: str) -> bool:
    return character.isidentifier() and character not in _NOT_IN_NAMES


def _continues_name(character: str) -> bool:
    if character in _ALSO_IN_NAMES:
        return True
    return f"a{character}".isidentifier() and character not in _NOT_IN_NAMES
