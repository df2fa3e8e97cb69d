"""What is wrong with a formula: one sentence, the line, and carets under the very part."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any, NamedTuple

from chainrule.errors import ChainruleError, ShapeError
from chainrule.spelling import closest

_SHOWN = 72  # columns of a long line that are shown around the carets
_QUOTED = 40  # characters of the part that stand at the head of the sentence


class Span(NamedTuple):
    """A part of a formula's text, from ``start`` up to but without ``end``."""

    start: int
    end: int


class FormulaError(ChainruleError, ValueError):
    """A formula that cannot be read, or that does not fit what it is given.

    Parameters
    ----------
    text : str
        The whole formula.
    span : Span
        The part that is wrong.
    problem : str
        What is wrong with it, as a clause without a full stop.
    remedy : str
        What to write instead.

    Attributes
    ----------
    text, span
        As given.
    part : str
        The part that is wrong.
    sentence : str
        The message without the lines below it.

    Examples
    --------
    >>> print(FormulaError("a + $b", Span(4, 5), "this character means nothing here"))
    $: this character means nothing here
        a + $b
            ^
    """

    def __init__(self, text: str, span: Span, problem: str, remedy: str = "") -> None:
        self.text, self.span = text, span
        self.part = text[span.start : span.end]
        super().__init__(quoted(self.part) or "formula", problem, remedy=remedy)
        self.sentence = str(self)
        lines = _pointed(text, span)
        self.args = ("\n".join([self.sentence, *lines]),)

    def __reduce__(self) -> Any:
        return type(self), (self.text, self.span, self.problem, self.remedy), vars(self)


class FormulaShapeError(FormulaError, ShapeError):
    """A formula whose parts have shapes that do not fit together."""


def quoted(part: str) -> str:
    """A part of the formula on one line, shortened in its middle if it is long."""
    half = _QUOTED // 2 - 1
    if len(part) > 20 * _QUOTED:  # the middle is not looked at
        part = f"{part[: 5 * _QUOTED]} {part[-5 * _QUOTED :]}"
    flat = " ".join(_visible(part).split())
    return flat if len(flat) <= _QUOTED else f"{flat[:half]} … {flat[-half:]}"


def _visible(text: str) -> str:
    """Text in which whatever would not take a place of its own on a line is replaced."""
    return "".join(
        " "
        if character.isspace()
        else character
        if _is_shown(character)
        else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


def _is_shown(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character).startswith("M")


def _pointed(text: str, span: Span) -> list[str]:
    """The line on which the part begins, with carets below it; none for a formula without text."""
    if not text.strip():
        return []
    start = min(span.start, len(text))
    begin = text.rfind("\n", 0, start) + 1
    end = text.find("\n", start)
    line = _visible(text[begin : end if end >= 0 else len(text)])
    first = start - begin
    last = max(first + 1, min(span.end - begin, len(line)))
    line, first, last = _window(line, first, last)
    carets = max(_width(line[first:last]), 1)
    return [f"    {line.rstrip()}", "    " + " " * _width(line[:first]) + "^" * carets]


def _window(line: str, first: int, last: int) -> tuple[str, int, int]:
    """As much of a long line around the part as fits."""
    if len(line) <= _SHOWN:
        return line, first, last
    begin = max(0, min(first - _SHOWN // 4, len(line) - _SHOWN))
    end = min(len(line), begin + _SHOWN)
    head, tail = "… " if begin else "", " …" if end < len(line) else ""
    shift = len(head) - begin
    return head + line[begin:end] + tail, first + shift, min(last, end) + shift


def _width(text: str) -> int:
    """Columns that a text takes in a terminal."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean …?`` where a known word is close, else nothing."""
    close = closest(word, known)
    return f"did you mean {close}?" if close else ""
