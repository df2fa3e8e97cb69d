"""A formula as data: every sub-expression is one step, which names the steps it is made of.

Steps stand in the order in which they can be computed, so that every walk over a formula is a loop,
however deeply its brackets are nested.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from chainrule.formulas.faults import Span
from chainrule.formulas.tokens import RAISE
from chainrule.graph.node import bracketed

Text = tuple[str, int]
"""A text, and how tightly it binds."""

SUM, PRODUCT, SIGN, POWER, POSTFIX, ATOM = 3, 5, 6, 7, 8, 9
INFIX = {
    "+": ("add", SUM), "-": ("subtract", SUM), "*": ("multiply", PRODUCT),
    "/": ("divide", PRODUCT), "@": ("matmul", PRODUCT), "·": ("dot", PRODUCT),
    "**": ("power", POWER),
}  # fmt: skip
"""Operators between their operands: the operation, and how tightly it binds."""

SIGNS = {"negative", "raised", "size"}
"""Operations that are written with signs alone: −x, x², |x|."""

_SYMBOLS = {name: (symbol, b) for symbol, (name, b) in INFIX.items() if symbol != "·"}


@dataclass(frozen=True)
class Subexpression:
    """One sub-expression of a formula."""

    kind: Literal["number", "name", "operation"]
    word: str
    """The number's digits, the name, or the operation's name."""
    operands: tuple[int, ...] = ()
    """Which earlier steps it is made of."""
    axis: int | None = None
    span: Span = field(default=Span(0, 0), compare=False)
    """Where it stands in the text; equal formulas may be written differently."""


@dataclass(frozen=True)
class Statement:
    """One line of a formula: an expression, with the name that it gives to its value.

    Attributes
    ----------
    name : str
        What stands left of ``=``; empty where nothing does.
    parameters : tuple of str, or None
        Names in brackets after it, as in ``f(A, x) = …``, in which order the function takes them.
    steps : tuple of Subexpression
        The expression; the last step is the whole of it.
    """

    name: str
    parameters: tuple[str, ...] | None
    steps: tuple[Subexpression, ...]
    span: Span = field(default=Span(0, 0), compare=False)

    def __str__(self) -> str:
        text = expression_text(self.steps)
        if self.parameters is not None:
            return f"{self.name}({', '.join(self.parameters)}) = {text}"
        return f"{self.name} = {text}" if self.name else text


def expression_text(steps: Sequence[Subexpression]) -> str:
    """The expression in the language's own notation, with as few brackets as it needs."""
    texts: list[Text] = []
    for step in steps:
        texts.append(_step_text(step, [texts[k] for k in step.operands]))
    return texts[-1][0]


def _step_text(step: Subexpression, operands: Sequence[Text]) -> Text:
    if step.kind == "number":
        return step.word, POSTFIX  # 2.T would read as the number 2. and a T
    if step.kind == "name":
        return step.word, ATOM
    if step.word == "negative":
        return f"-{bracketed(operands[0], SIGN)}", SIGN
    if step.word == "transpose":
        return f"{bracketed(operands[0], ATOM)}.T", ATOM
    if step.word == "size":
        inner = operands[0][0]
        return f"|({inner})|" if "|" in inner else f"|{inner}|", ATOM  # |a||b| would not be read
    if step.word == "raised":
        return f"{bracketed(operands[0], ATOM)}{operands[1][0].translate(RAISE)}", POSTFIX
    if step.word in _SYMBOLS:
        symbol, binding = _SYMBOLS[step.word]
        from_right = step.word == "power"
        left = bracketed(operands[0], binding + from_right)
        return f"{left} {symbol} {bracketed(operands[1], binding + (not from_right))}", binding
    arguments = [text for text, _ in operands]
    if step.axis is not None:
        arguments.append(f"axis={step.axis}")
    return f"{step.word}({', '.join(arguments)})", ATOM
