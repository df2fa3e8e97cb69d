"""How an expression is written: brackets and order here, signs and letters in each style."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from fractions import Fraction

from chainrule.notation.algebra import (
    Apply,
    Call,
    Diag,
    Diagonal,
    Expr,
    Hadamard,
    Identity,
    Index,
    Indexed,
    Inverse,
    Kronecker,
    Norm,
    Number,
    Ones,
    Partial,
    Power,
    Product,
    Selector,
    Slope,
    Sum,
    Swap,
    Symbol,
    Trace,
    Transpose,
    Triangle,
    Unit,
    Vec,
    Zero,
)
from chainrule.notation.names import raises, relation_of, slope_of
from chainrule.notation.pieces import ONE, Value, magnitude, split_number
from chainrule.notation.rewriting import product
from chainrule.primitives.stated import Written

SUM, HADAMARD, PRODUCT, POSTFIX, ATOM = 1, 2, 3, 4, 5
"""How tightly a text binds; ATOM never needs brackets."""

Text = tuple[str, int]


class Notation(ABC):
    """A style of writing.

    Parameters
    ----------
    letters : mapping from int to str
        Names of sizes: 1/7 is written 1/n where 7 is n.
    shorts : mapping from str to str
        Short names for derivatives by quantities, such as δ2 by Z2.
    """

    def __init__(
        self, letters: Mapping[int, str] | None = None, shorts: Mapping[str, str] | None = None
    ) -> None:
        self.letters = dict(letters or {})
        self.shorts = dict(shorts or {})

    def __call__(self, expr: Expr) -> str:
        """The expression in this style."""
        return self.write(expr)[0]

    def write(self, expr: Expr) -> Text:
        """The expression, and how tightly it binds."""
        match expr:
            case Sum():
                return self._sum(expr), SUM
            case Product():
                return self._product(expr)
            case Hadamard():
                return self._hadamard(expr.factors)
            case Power():
                return self._power(expr)
            case Transpose():
                return self._transposed(expr)
            case Inverse():
                return self.inverted(self.bracketed(expr.inner, ATOM), transposed=False), POSTFIX
            case Apply() | Slope():
                return self._apply(expr)
            case Number():
                return self.number(expr.value)
            case Kronecker():
                sides = [self.bracketed(item, PRODUCT) for item in (expr.left, expr.right)]
                return self.signs["kronecker"].join(sides), HADAMARD
            case Indexed():
                return self._indexed(expr)
        return self._atom(expr)

    def _atom(self, expr: Expr) -> Text:
        match expr:
            case Symbol():
                return self.symbol(expr.name, expr.shape), ATOM
            case Partial():
                return self.partial(expr)
            case Ones():
                sign = self.signs["ones"]
                return (self.transposed(sign), POSTFIX) if expr.is_row else (sign, ATOM)
            case Zero():
                return self.signs["zero"], ATOM
            case Identity():
                return self.signs["identity"], ATOM
            case Diag() | Diagonal():
                return self.call("diag", [self(expr.inner)]), ATOM
            case Trace():
                return self.call("tr", [self(expr.inner)]), ATOM
            case Vec():
                return self.call("vec", [self(expr.inner)]), ATOM
            case Norm():
                return self.norm(self(expr.inner), expr.inner.is_column), ATOM
            case Call():
                args = [self(item) for item in expr.args]
                return self.call(expr.function, args, expr.detail), ATOM
            case Index():
                return self.index(self.bracketed(expr.inner, ATOM), _positions(expr)), ATOM
            case Unit():
                return self.unit(expr.index), ATOM
            case Selector():
                chosen = _range((expr.start, expr.step, expr.length))
                return self.index(self.signs["identity"], [":", chosen]), ATOM
            case Triangle():
                return self.call("triu" if expr.upper else "tril", [self.signs["ones"]]), ATOM
            case Swap():
                return self.swap(expr.rows, expr.columns), ATOM
        raise AssertionError(f"no notation for {type(expr).__name__}")

    def bracketed(self, expr: Expr, binding: int) -> str:
        """An expression in brackets if it binds more loosely than its surroundings."""
        text, own = self.write(expr)
        return text if own >= binding else self.brackets(text)

    # -- sums and products ------------------------------------------------------------------------

    def _sum(self, expr: Sum) -> str:
        text = ""
        for k, term in enumerate(_positive_first(expr.terms)):
            value, rest = split_number(term)
            is_negative = value < 0
            shown = product([Number(-value), rest]) if is_negative else term
            sign = self.signs["minus" if is_negative else "plus"]
            if k == 0:
                sign = self.signs["negative"] if is_negative else ""
            text += sign + self.bracketed(shown, HADAMARD)
        return text

    def _product(self, expr: Product) -> Text:
        value, rest = split_number(expr)
        factors = rest.factors if isinstance(rest, Product) else (rest,)
        factors = tuple(item for item in factors if item != ONE)
        below = [item for item in factors if _is_divisor(item)]
        above = [item for item in factors if not _is_divisor(item)]
        if below:
            return self._quotient(value, above, below)
        front = ""
        if value == -1:
            front = self.signs["negative"]
        elif value != 1:
            front = self._number_in_front(value)
        return front + self._chain(factors, value not in (1, -1)), PRODUCT

    def _number_in_front(self, value: Value) -> str:
        text, binding = self.number(magnitude(value))
        sign = self.signs["negative"] if value < 0 else ""
        return sign + (text if binding >= PRODUCT else self.brackets(text))

    def _chain(self, factors: Sequence[Expr], after_number: bool) -> str:
        """Factors side by side."""
        if isinstance(factors[0], Ones) and after_number:  # 3·1, not 31 nor 3 1
            return self.signs["dot"] + self._chain(factors, False)
        texts = [
            self.brackets(self(item)) if _is_inner_product(item) and len(factors) > 1
            else self.bracketed(item, PRODUCT) for item in factors
        ]  # fmt: skip
        has_partial = any(
            isinstance(item, Partial) and item.bottom not in self.shorts for item in factors
        )
        return self.joined(texts, has_partial, after_number)

    def _quotient(self, value: Value, above: Sequence[Expr], below: Sequence[Expr]) -> Text:
        fraction = value if isinstance(value, Fraction) else None
        scale = fraction.denominator if fraction else 1
        upper: Value = Fraction(abs(fraction.numerator)) if fraction else magnitude(value)
        negative = self.signs["negative"] if value < 0 else ""
        bottom = product([Number(Fraction(scale)), *(_inverted(item) for item in below)])
        scalars = [item for item in above if item.is_scalar]
        matrices = [item for item in above if not item.is_scalar]
        over = matrices if len(matrices) == 1 else []
        top = product([Number(upper), *scalars, *over])
        text = negative + self.fraction(top, bottom)
        if not matrices or over:
            return text, PRODUCT
        return self.joined([text, self._chain(matrices, False)], True, False), PRODUCT

    def _hadamard(self, factors: Sequence[Expr]) -> Text:
        below = [item for item in factors if _is_elementwise_divisor(item)]
        above = [item for item in factors if not _is_elementwise_divisor(item)]
        texts = [self.bracketed(item, POSTFIX) for item in above] or [self.signs["ones"]]
        text = self.signs["hadamard"].join(texts)
        for item in below:
            text += self.signs["divided"] + self.bracketed(_inverted(item), POSTFIX)
        return text, HADAMARD

    def _power(self, expr: Power) -> Text:
        if expr.exponent == Fraction(1, 2):
            return self.root(self(expr.inner)), ATOM
        if expr.exponent < 0:
            if expr.is_scalar:
                return self.fraction(ONE, _inverted(expr)), PRODUCT
            return self._hadamard([expr])
        base = self.bracketed(expr.inner, ATOM)
        return self.power(base, self.number(expr.exponent)[0], expr.is_scalar), POSTFIX

    def _transposed(self, expr: Transpose) -> Text:
        if isinstance(expr.inner, Inverse):
            base = self.bracketed(expr.inner.inner, ATOM)
            return self.inverted(base, transposed=True), POSTFIX
        if isinstance(expr.inner, Selector):
            chosen = _range((expr.inner.start, expr.inner.step, expr.inner.length))
            return self.index(self.signs["identity"], [chosen]), ATOM
        return self.transposed(self.bracketed(expr.inner, ATOM)), POSTFIX

    def _apply(self, expr: Apply | Slope) -> Text:
        relation = relation_of(expr)
        if relation is not None:
            shown = [self.bracketed(_without_ones(item), HADAMARD) for item in expr.args]
            if isinstance(expr, Slope):
                shown = [shown[k] for k in slope_of(expr).order]
            left, right = shown
            return self.iverson(left, relation, right), ATOM
        if raises(expr):
            base, exponent = (self.bracketed(_without_ones(item), ATOM) for item in expr.args)
            return self.power(base, exponent, False), POSTFIX
        args = [self(_without_ones(item)) for item in expr.args]
        return self.call(expr.function, args, primes=int(isinstance(expr, Slope))), ATOM

    # -- index notation ---------------------------------------------------------------------------

    def _indexed(self, expr: Indexed) -> Text:
        letter = dict(enumerate("ijklmnpqrstuvw"))
        names: list[str] = []
        deltas: list[str] = []
        seen: dict[int, str] = {}
        fresh = iter("ijklmnpqrstuvwabcdefgh")
        for label in expr.out:
            name = next(fresh)
            names.append(name)
            if label in seen:
                deltas.append(self.index(self.signs["delta"], [seen[label], name]))
            seen.setdefault(label, name)
        inner = sorted({label for labels in expr.labels for label in labels} - set(seen))
        for label in inner:
            seen[label] = next(fresh, letter.get(label, f"n{label}"))
        parts = [
            self.index(self.bracketed(item, ATOM), [seen[label] for label in labels])
            if labels else self.bracketed(item, PRODUCT)
            for item, labels in zip(expr.factors, expr.labels, strict=True)
        ]  # fmt: skip
        body = self.joined([*parts, *deltas] or ["1"], False, False)
        total = self.over([seen[label] for label in inner], body)
        split = len(names) if expr.split is None else expr.split
        return self.entries(total, names[:split], names[split:]), ATOM

    # -- each style -------------------------------------------------------------------------------

    signs: Mapping[str, str]
    """plus, minus, negative, dot, hadamard, divided, kronecker, ones, zero, identity, delta."""

    @abstractmethod
    def symbol(self, name: str, shape: tuple[int | None, ...]) -> str:
        """A user's name."""

    @abstractmethod
    def number(self, value: Value) -> Text:
        """A number."""

    @abstractmethod
    def partial(self, expr: Partial) -> Text:
        """∂E/∂x."""

    @abstractmethod
    def brackets(self, text: str) -> str:
        """(text)."""

    @abstractmethod
    def transposed(self, text: str) -> str:
        """textᵀ."""

    @abstractmethod
    def inverted(self, text: str, transposed: bool) -> str:
        """text⁻¹, or its transpose."""

    @abstractmethod
    def joined(self, texts: Sequence[str], with_dots: bool, after_number: bool) -> str:
        """Factors side by side."""

    @abstractmethod
    def fraction(self, top: Expr, bottom: Expr) -> str:
        """top / bottom."""

    @abstractmethod
    def root(self, text: str) -> str:
        """√text."""

    @abstractmethod
    def power(self, base: str, exponent: str, is_scalar: bool) -> str:
        """A power, elementwise unless of a number."""

    @abstractmethod
    def norm(self, text: str, is_column: bool) -> str:
        """‖text‖."""

    @abstractmethod
    def call(self, name: str, args: Sequence[str], detail: str = "", primes: int = 0) -> str:
        """f(args)."""

    @abstractmethod
    def iverson(self, left: str, relation: Written, right: str) -> str:
        """[left > right]."""

    @abstractmethod
    def index(self, base: str, positions: Sequence[str]) -> str:
        """base[positions]."""

    @abstractmethod
    def unit(self, position: int) -> str:
        """A column of the identity."""

    @abstractmethod
    def swap(self, rows: int, columns: int) -> str:
        """The permutation that transposes."""

    @abstractmethod
    def over(self, labels: Sequence[str], body: str) -> str:
        """Σ over labels."""

    @abstractmethod
    def entries(self, body: str, rows: Sequence[str], columns: Sequence[str]) -> str:
        """The array whose entries are given."""


def _positive_first(terms: Sequence[Expr]) -> Sequence[Expr]:
    """The terms in their order, unless the first has a minus and another has not."""
    if split_number(terms[0])[0] >= 0:
        return terms
    first = next((k for k, item in enumerate(terms) if split_number(item)[0] >= 0), None)
    if first is None:
        return terms
    return [terms[first], *terms[:first], *terms[first + 1 :]]


def _is_inner_product(item: Expr) -> bool:
    """A number that is a row times a column, whose neighbours must not be read into it."""
    return isinstance(item, Product) and item.is_scalar


def _is_divisor(item: Expr) -> bool:
    return isinstance(item, Power) and item.is_scalar and item.exponent < 0


def _is_elementwise_divisor(item: Expr) -> bool:
    return isinstance(item, Power) and item.exponent < 0


def _inverted(item: Expr) -> Expr:
    assert isinstance(item, Power)
    return item.inner if item.exponent == -1 else Power(item.inner, -item.exponent)


def _without_ones(item: Expr) -> Expr:
    """A number that was repeated along axes, as the number."""
    value, rest = split_number(item)
    if isinstance(rest, Ones):
        return Number(value)
    if isinstance(item, Product) and isinstance(item.factors[-1], Ones):
        before = item.factors[:-1]
        return product(before) if all(part.is_scalar for part in before) else item
    return item


def _range(part: tuple[int, int, int]) -> str:
    start, step, length = part
    stop = start + step * length
    if step == 1:
        return f"{start}:{stop}"
    return f"{start}:{stop if stop >= 0 else ''}:{step}"


def _positions(expr: Index) -> list[str]:
    sizes = [size for size in expr.inner.shape if size is not None]
    result = []
    for item, size in zip(expr.key, sizes, strict=True):
        if isinstance(item, int):
            result.append(str(item))
        else:
            result.append(":" if item == (0, 1, size) else _range(item))
    return result
