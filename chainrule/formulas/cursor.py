"""Reading along a formula's tokens: looking ahead, left sides, dotted names, whole numbers."""

from __future__ import annotations

from typing import NoReturn

from chainrule.formulas.faults import FormulaError, Span
from chainrule.formulas.operations import PREFIXES
from chainrule.formulas.tokens import Kind, Token


class Cursor:
    """A place among the tokens of a formula."""

    def __init__(self, text: str, tokens: list[Token], position: int) -> None:
        self.text, self.tokens, self.position = text, tokens, position

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def ahead(self, count: int) -> Token:
        """A token further on; past the end it is the end."""
        return self.tokens[min(self.position + count, len(self.tokens) - 1)]

    def next_is(self, text: str, count: int = 1) -> bool:
        """Whether a token further on is this sign."""
        token = self.ahead(count)
        return token.kind is Kind.SYMBOL and token.text == text

    def written(self, span: Span) -> str:
        return self.text[span.start : span.end]

    def fail(self, span: Span, problem: str, remedy: str = "") -> NoReturn:
        raise FormulaError(self.text, span, problem, remedy)

    def left_side(self) -> tuple[str, tuple[str, ...] | None]:
        """``Z =`` or ``f(A, x) =``, if a statement that begins here has a left side."""
        if self.token.kind is not Kind.NAME:
            return "", None
        name = self.token.text
        if self.next_is("="):
            self.position += 2
            return name, None
        end = self._end_of_parameters()
        if end is None:
            return "", None
        tokens = [item for item in self.tokens[self.position + 2 : end - 1] if item.text != ","]
        parameters = tuple(item.text for item in tokens)
        for place, item in enumerate(tokens):
            if item.text in parameters[:place]:
                self.fail(item.span, "it is named twice among the arguments")
        self.position = end + 1
        return name, parameters

    def _end_of_parameters(self) -> int | None:
        """Where the ``=`` of ``f(A, x) =`` stands, if that is how the statement begins."""
        place = 2
        while self.next_is("(") and self.ahead(place).kind is Kind.NAME:
            if self.next_is(")", place + 1):
                return self.position + place + 2 if self.next_is("=", place + 2) else None
            if not self.next_is(",", place + 1):
                return None
            place += 2
        return None

    def dotted(self, name: Token) -> Token:
        """A name that has just been passed, with what follows it if it begins like ``np.``."""
        while _leads_to_function(name.text) and self.next_is(".", 0):
            following = self.ahead(1)
            if following.kind is not Kind.NAME:
                break
            span = Span(name.span.start, following.span.end)
            name = Token(Kind.NAME, f"{name.text}.{following.text}", span)
            self.position += 2
        if "." in name.text and not self.next_is("(", 0):
            self.fail(
                name.span, "only NumPy's functions are known here",
                "write a function with its brackets, such as np.exp(x)",
            )  # fmt: skip
        return name

    def whole_number(self, name: Token) -> int:
        """The number of a keyword that has just been passed, perhaps with a sign."""
        sign = -1 if self.next_is("-", 0) else 1
        self.position += sign < 0
        number = self.token
        if number.kind is not Kind.NUMBER or not number.text.isdigit() or len(number.text) > 9:
            span = Span(name.span.start, max(number.span.end, name.span.end))
            self.fail(span, "an axis is a whole number", "write axis=0, axis=1 or axis=-1")
        self.position += 1
        return sign * int(number.text)


def _leads_to_function(word: str) -> bool:
    return any(prefix == word or prefix.startswith(f"{word}.") for prefix in PREFIXES)
