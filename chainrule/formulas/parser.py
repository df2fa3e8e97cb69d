"""From tokens to statements, by operator precedence: one loop, and no recursion."""

from __future__ import annotations

from typing import NamedTuple, NoReturn

from chainrule.formulas.cursor import Cursor
from chainrule.formulas.faults import FormulaError, Span, did_you_mean
from chainrule.formulas.operations import (
    METHODS,
    PREFIXES,
    SPELLINGS,
    operation,
    spelled,
    spellings,
)
from chainrule.formulas.steps import INFIX, SIGN, SIGNS, Statement, Subexpression
from chainrule.formulas.tokens import Kind, Token, tokenize


class _Value(NamedTuple):
    """An operand that has been read: its step, and its place with the brackets around it."""

    step: int
    span: Span


class _Pending(NamedTuple):
    """What waits for operands: an operator, a bracket, or a call."""

    kind: str
    word: str
    token: Token
    binding: int = 0
    below: int = 0
    """How many operands lay on the stack before a bracket or a call opened."""
    axis: int | None = None


BARS = {"‖": "norm", "|": "size"}
"""Brackets that are closed by the sign that opens them."""


def statements_of(text: str) -> list[Statement]:
    """The statements of a formula, none of them empty.

    Raises
    ------
    FormulaError
        Wherever the text is not a formula, with what to write instead.
    """
    tokens = tokenize(text)
    statements: list[Statement] = []
    position = 0
    while tokens[position].kind is not Kind.END:
        if tokens[position].kind is Kind.SEPARATOR:
            position += 1
            continue
        reader = _Reader(text, tokens, position)
        statements.append(reader.statement())
        position = reader.position
    if not statements:
        raise FormulaError(
            text, Span(0, 0), "there is nothing in it",
            "write an expression such as norm(A @ x - b)**2",
        )  # fmt: skip
    return statements


class _Reader(Cursor):
    """One statement being read."""

    def __init__(self, text: str, tokens: list[Token], position: int) -> None:
        super().__init__(text, tokens, position)
        self.steps: list[Subexpression] = []
        self.values: list[_Value] = []
        self.pending: list[_Pending] = []

    def statement(self) -> Statement:
        """A statement, up to its separator or the end."""
        start = self.token.span.start
        name, parameters = self.left_side()
        self.expression()
        span = Span(start, self.values[0].span.end)
        return Statement(name, parameters, tuple(self.steps), span)

    def expression(self) -> None:
        """Everything up to the end of the statement, as steps."""
        wants_operand = True
        while wants_operand or self.token.kind not in (Kind.END, Kind.SEPARATOR):
            wants_operand = self.read_operand() if wants_operand else self.read_operator()
        self.reduce(0)
        if self.pending:
            self.fail(self.pending[-1].token.span, "this bracket is never closed")

    # -- where an operand is wanted ---------------------------------------------------------------

    def read_operand(self) -> bool:
        """A number, a name, or what stands before an operand; whether one is still wanted."""
        token = self.token
        self.position += 1
        if token.kind is Kind.NUMBER:
            self.add(Subexpression("number", self.digits(token), span=token.span), token.span)
            return False
        if token.kind is Kind.NAME:
            return self.read_name(self.dotted(token))
        if token.text == "(":
            self.pending.append(_Pending("bracket", "", token, below=len(self.values)))
            return True
        if token.text in BARS:
            self.pending.append(_Pending("bars", BARS[token.text], token))
            return True
        if token.text in ("+", "-"):
            word = "negative" if token.text == "-" else "positive"
            self.pending.append(_Pending("prefix", word, token, SIGN))
            return True
        if token.text != "\n" or not self.pending:
            self.missing_operand(token)
        return True  # a line that ends with an operator goes on in the next

    def digits(self, token: Token) -> str:
        """A number as Python writes it, so that equal numbers are equal steps."""
        value = float(token.text)
        if value == float("inf"):
            self.fail(token.span, "this number is too large for a floating-point number")
        plain = token.text.isdigit() and len(token.text) <= 15
        return str(int(token.text)) if plain else repr(value)

    def missing_operand(self, token: Token) -> NoReturn:
        """Say what is missing where, at a token that cannot begin an operand."""
        opened = [item for item in self.pending if item.kind in ("bracket", "bars", "call")]
        last = self.pending[-1] if self.pending else None
        waiting = last if last and last.kind in ("prefix", "infix") else None
        if token.kind in (Kind.END, Kind.SEPARATOR) or (token.text == ")" and waiting):
            if waiting:
                self.fail(waiting.token.span, "something must follow it")
            if opened:
                self.fail(opened[-1].token.span, "this bracket is never closed")
            self.fail(token.span, "an expression must follow the =")
        if token.text == ")" and not opened:
            self.fail(token.span, "this bracket was never opened")
        if token.text in (")", ","):
            before = self.tokens[self.position - 2]
            span = Span(before.span.start, token.span.end)
            self.fail(span, "something must stand between these")
        remedy = "formulas have no comparisons" if token.text == "=" else ""
        self.fail(token.span, "something must stand before it", remedy)

    def read_name(self, name: Token) -> bool:
        """A name, or a function with its opening bracket; whether an operand is wanted then."""
        if not self.next_is("(", 0):
            self.add(Subexpression("name", name.text, span=name.span), name.span)
            return False
        prefix, _, plain = name.text.rpartition(".")
        known = spelled(plain)
        if known is None or (prefix and prefix not in PREFIXES):
            self.unknown_function(name.text, plain, name.span)
        self.open_call(known, name.span.start, len(self.values))
        return self.argument_or_axis()

    def unknown_function(self, word: str, plain: str, span: Span) -> NoReturn:
        remedy = did_you_mean(plain, spellings())
        if not remedy and len(plain) <= 2:
            remedy = f"write {word} @ (…) or {word} * (…) for a product"
        self.fail(span, "there is no such function here", remedy or f"known are {_known()}")

    def open_call(self, word: str, start: int, below: int) -> None:
        token = self.token._replace(span=Span(start, self.token.span.end))
        self.pending.append(_Pending("call", word, token, below=below))
        self.position += 1

    # -- where an operator is wanted --------------------------------------------------------------

    def read_operator(self) -> bool:
        """What may follow an operand; whether another operand is wanted then."""
        token = self.token
        if token.kind is Kind.RAISED:
            self.position += 1
            self.raised(token)
            return False
        if token.kind is not Kind.SYMBOL or token.text == "(" or self.opens_bars(token):
            self.side_by_side(token)
        self.position += 1
        if token.text in INFIX:
            word, binding = INFIX[token.text]
            self.reduce(binding + (word == "power"))  # which is read from right to left
            self.pending.append(_Pending("infix", word, token, binding))
            return True
        if token.text == "'":
            self.transpose(token.span.end)
            return False
        if token.text == ".":
            return self.read_attribute(token)
        if token.text == ",":
            return self.next_argument(token)
        if token.text == "=":
            self.fail(
                token.span, "this = has no name on its left",
                "write Z = … at the beginning of a statement; formulas have no comparisons",
            )  # fmt: skip
        self.close(token)
        return False

    def side_by_side(self, token: Token) -> NoReturn:
        """Two operands without an operator between them."""
        left = self.values[-1].span
        span = Span(left.start, token.span.end)
        one = self.written(left) if left.end - left.start <= 20 else "(…)"
        opened = {"(": "(…)", "|": "|…|", "‖": "‖…‖"}
        two = opened.get(token.text) or self.written(token.span)
        if len(one) > 1 and one in spellings():
            self.fail(span, f"{one} is a function", f"write {one}({two})")
        products = f"{one} * {two}"
        if self.steps[-1].kind != "number":
            products = f"{one} @ {two} or {products}"
        self.fail(span, "nothing stands between these two", f"write {products}")

    def read_attribute(self, dot: Token) -> bool:
        """``.T``, or a method such as ``.sum(``."""
        name = self.token
        if name.kind is not Kind.NAME:
            self.fail(dot.span, "a name must follow a dot, as in A.T")
        self.position += 1
        span = Span(dot.span.start, name.span.end)
        if name.text == "T":
            self.transpose(name.span.end)
            return False
        if name.text not in METHODS:
            remedy = did_you_mean(name.text, [*METHODS, "T"])
            remedy = remedy or f"write {name.text}(…) as a function"
            self.fail(span, "there is no such attribute or method here", remedy)
        if not self.next_is("(", 0):
            self.fail(span, f"{name.text} is a method", f"write .{name.text}()")
        self.open_call(name.text, self.values[-1].span.start, len(self.values) - 1)
        return not self.next_is(")", 0) and self.argument_or_axis()

    def next_argument(self, comma: Token) -> bool:
        self.reduce(0)
        if not self.pending or self.pending[-1].kind != "call":
            self.fail(
                comma.span, "a comma stands only between a function's arguments",
                "write a semicolon between statements, and a point in numbers",
            )  # fmt: skip
        return self.argument_or_axis()

    def argument_or_axis(self) -> bool:
        """Whether an argument follows; ``axis=0`` is read here."""
        if self.token.kind is not Kind.NAME or not self.next_is("="):
            return True
        call, name = self.pending[-1], self.token
        takes_axis = operation(call.word).takes_axis
        if name.text != "axis" or not takes_axis:
            allowed = "it takes axis" if takes_axis else "it takes no keywords"
            self.fail(name.span, f"{call.word} has no such keyword", allowed)
        if call.axis is not None:
            self.fail(name.span, "it is given twice")
        self.position += 2
        self.pending[-1] = call._replace(axis=self.whole_number(name))
        if not self.next_is(")", 0) and not self.next_is(",", 0):
            span = Span(name.span.start, max(self.token.span.end, name.span.end))
            self.fail(span, "a bracket or a comma must follow the axis")
        return False

    def opens_bars(self, token: Token) -> bool:
        """Whether a bar where an operator is wanted closes nothing, as in ``2 |x|``."""
        opened = [item.word for item in self.pending if item.kind == "bars"]
        return token.text in BARS and BARS[token.text] not in opened

    # -- building steps ---------------------------------------------------------------------------

    def add(self, step: Subexpression, span: Span) -> None:
        self.values.append(_Value(len(self.steps), span))
        self.steps.append(step)

    def combine(self, word: str, count: int, span: Span, axis: int | None = None) -> None:
        """The last operands become one."""
        place = len(self.values) - count
        operands = tuple(value.step for value in self.values[place:])
        del self.values[place:]
        self.add(Subexpression("operation", word, operands, axis, span), span)

    def raised(self, token: Token) -> None:
        """x², as it is written."""
        start = self.values[-1].span.start
        self.add(Subexpression("number", token.text, span=token.span), token.span)
        self.combine("raised", 2, Span(start, token.span.end))

    def transpose(self, end: int) -> None:
        self.combine("transpose", 1, Span(self.values[-1].span.start, end))

    def reduce(self, binding: int) -> None:
        """Apply the operators that bind at least so tightly, back to the last open bracket."""
        while self.pending and self.pending[-1].kind in ("prefix", "infix"):
            if self.pending[-1].binding < binding:
                return
            item = self.pending.pop()
            last = self.values[-1].span
            if item.kind == "infix":
                self.combine(item.word, 2, Span(self.values[-2].span.start, last.end))
            elif item.word == "negative":
                self.combine(item.word, 1, Span(item.token.span.start, last.end))

    def close(self, token: Token) -> None:
        """The end of a bracket or of a call."""
        self.reduce(0)
        if not self.pending:
            self.fail(token.span, "this bracket was never opened")
        item = self.pending.pop()
        span = Span(item.token.span.start, token.span.end)
        if (item.kind == "bars") != (token.text in BARS) or item.word != BARS.get(
            token.text, item.word
        ):
            self.fail(item.token.span, "this bracket is never closed")
        if item.kind == "bracket":
            self.values[-1] = self.values[-1]._replace(span=span)
            return
        if item.kind == "bars":
            self.combine(item.word, 1, span)
            return
        count = len(self.values) - item.below
        if count != operation(item.word).operands:
            self.wrong_count(item.word, count, span)
        self.combine(item.word, count, span, item.axis)

    def wrong_count(self, word: str, count: int, span: Span) -> NoReturn:
        wanted = operation(word)
        remedy = ""
        if word in ("max", "min") and count == 2:
            remedy = f"write {word}imum(a, b) for the {word}imum entry by entry"
        elif count == 2 and wanted.takes_axis:
            remedy = f"write {word}(x, axis=0) for an axis"
        plural = "" if wanted.operands == 1 else "s"
        self.fail(span, f"{word} takes {wanted.operands} argument{plural}, not {count}", remedy)


def _known() -> str:
    operators = {word for word, _ in INFIX.values()} - {"dot"} | SIGNS
    return ", ".join(sorted(set(SPELLINGS.values()) - operators))
