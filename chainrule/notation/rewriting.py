"""Expressions simplified as a person would write them.

Each function builds one kind of expression from parts that are simplified already; ``simplified``
does so for a whole tree. No rule changes a value: the tests evaluate both sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from chainrule.notation.algebra import (
    SCALAR,
    Apply,
    Diag,
    Expr,
    Hadamard,
    Identity,
    Index,
    Inverse,
    Kronecker,
    Norm,
    Number,
    Ones,
    Power,
    Product,
    Selector,
    Sum,
    Trace,
    Transpose,
    Unit,
    Vec,
    Zero,
    replace_parts,
)
from chainrule.notation.factoring import shared_factors
from chainrule.notation.names import relation_of
from chainrule.notation.pieces import (
    ONE,
    Value,
    assembled,
    factors_of,
    is_whole,
    magnitude,
    may_flatten,
    split_number,
    times_number,
)


def simplified(expr: Expr) -> Expr:
    """The expression with every rule applied, from the leaves up."""
    if not expr.parts:
        return expr
    parts = tuple(simplified(item) for item in expr.parts)
    match expr:
        case Sum():
            return total(parts)
        case Product():
            return product(parts)
        case Hadamard():
            return hadamard(parts)
        case Transpose():
            return transpose(parts[0])
        case Inverse():
            return inverse(parts[0])
        case Diag():
            return diag(parts[0])
        case Power():
            return power(parts[0], expr.exponent)
        case Trace():
            return trace(parts[0])
        case Kronecker():
            return kronecker(*parts)
        case Vec() if parts[0].is_column:
            return parts[0]
        case Index() if isinstance(parts[0], (Ones, Zero)):
            return _filled(type(parts[0]), expr.shape)
    return replace_parts(expr, parts)


def _filled(kind: type[Ones] | type[Zero], shape: tuple[int | None, ...]) -> Expr:
    """Ones or zeros of a shape, as a number where there are no axes."""
    if shape != SCALAR:
        return kind(shape)
    return ONE if kind is Ones else Number(Fraction(0))


# -- products -------------------------------------------------------------------------------------


def product(factors: Iterable[Expr]) -> Expr:
    """A matrix product: numbers in front, then scalars, then matrices in their order."""
    given = tuple(factors)
    shape = Product(given).shape
    front: Value = Fraction(1)
    scalars: list[Expr] = []
    matrices: list[Expr] = []
    for item in _flattened(given):
        if isinstance(item, Number):
            front = front * item.value
        elif item.is_scalar:
            scalars.append(item)
        else:
            matrices.append(item)
    joined, more = _joined(matrices)
    collected, factor = collect_powers([*scalars, *more])
    front = front * factor
    if front == 0 or any(isinstance(item, Zero) for item in joined):
        return Zero(shape)
    chain: list[Expr] = []
    for item in joined:
        mine, rest = split_number(item)
        front = front * mine
        chain.extend(factors_of(rest))
    return assembled(*_turned(*_absorbed(front, collected, _without_units(chain))))


def _turned(
    front: Value, scalars: list[Expr], chain: list[Expr]
) -> tuple[Value, list[Expr], list[Expr]]:
    """−(a − b) = b − a, where nothing else is multiplied by it."""
    if front != -1 or scalars or len(chain) != 1 or not isinstance(chain[0], Sum):
        return front, scalars, chain
    terms = chain[0].terms
    if len(terms) != 2 or (split_number(terms[0])[0] < 0) == (split_number(terms[1])[0] < 0):
        return front, scalars, chain
    turned = [times_number(-value, rest) for value, rest in map(split_number, reversed(terms))]
    return Fraction(1), scalars, [Sum(tuple(turned))]


def _absorbed(
    front: Value, scalars: list[Expr], chain: list[Expr]
) -> tuple[Value, list[Expr], list[Expr]]:
    """A number that makes the fractions of a sum whole goes into it: 3(2x − ⅓) = 6x − 1."""
    for k, item in enumerate(chain):
        inner = item.inner if isinstance(item, (Diag, Transpose)) else item
        if not isinstance(inner, Sum) or front == 1:
            continue
        old = [split_number(term)[0] for term in inner.terms]
        new = [front * value for value in old]
        if any(value % 1 for value in old) and not any(value % 1 for value in new):
            whole: Expr = Sum(tuple(times_number(front, term) for term in inner.terms))
            if isinstance(item, (Diag, Transpose)):
                whole = type(item)(whole)
            return Fraction(1), scalars, [*chain[:k], whole, *chain[k + 1 :]]
    return front, scalars, chain


def _flattened(factors: Iterable[Expr]) -> list[Expr]:
    result: list[Expr] = []
    for item in factors:
        if isinstance(item, Product) and item.is_scalar and not may_flatten(item):
            result.extend(_scalars_out(item))
        elif isinstance(item, Product) and may_flatten(item):
            result.extend(_flattened(item.factors))
        else:
            result.append(item)
    return result


def _scalars_out(item: Product) -> list[Expr]:
    """An inner product with the numbers and scalars in it taken out."""
    outside = [factor for factor in item.factors if factor.is_scalar]
    inside = tuple(factor for factor in item.factors if not factor.is_scalar)
    return [*outside, Product(inside)] if inside else outside


def _joined(matrices: Sequence[Expr]) -> tuple[list[Expr], list[Expr]]:
    """Neighbours combined where a rule says how; what became a scalar is returned apart."""
    stack: list[Expr] = []
    scalars: list[Expr] = []
    for item in matrices:
        current: Expr | None = item
        while stack and current is not None:
            both = _pair(stack[-1], current)
            if both is None:
                break
            stack.pop()
            if both.is_scalar:
                scalars.append(both)
                current = None
            else:
                current = both
        if current is not None:
            stack.append(current)
    return stack, scalars


def _pair(a: Expr, b: Expr) -> Expr | None:
    """Two neighbours of a product as one, or None."""
    if isinstance(a, Identity):
        return b if b.shape[0] is not None or a.size != 1 else None
    if isinstance(b, Identity):
        return a
    if isinstance(a, Zero) or isinstance(b, Zero):
        shape = (a.shape[0], b.shape[1])
        return Number(Fraction(0)) if shape == SCALAR else Zero(shape)
    if Inverse(a) == b or a == Inverse(b):
        size = a.shape[0]
        return Identity(size) if size is not None else None
    if isinstance(a, Diag) and isinstance(b, Diag):
        return diag(hadamard((a.inner, b.inner)))
    if isinstance(a, Diag) and isinstance(b, Ones) and b.is_column:
        return a.inner
    if isinstance(b, Diag) and isinstance(a, Ones) and a.is_row:
        return transpose(b.inner)
    if isinstance(a, Ones) and isinstance(b, Ones) and a.shape[1] == b.shape[0] is not None:
        return _ones_times_ones(a, b)
    if isinstance(a, Ones) and isinstance(b, Ones) and a.is_column and b.is_row:
        return Ones((a.shape[0], b.shape[1]))
    if isinstance(a, Ones) and a.is_row and isinstance(b, Unit):
        return ONE
    return _cancelled(a, b) or _selected(a, b)


def _cancelled(a: Expr, b: Expr) -> Expr | None:
    """(y ⊘ p)ᵀ p = 1ᵀ y, and (y ⊘ p)ᵀ (diag(p) − p pᵀ) = yᵀ − (1ᵀ y) pᵀ: what divides goes."""
    if not (isinstance(a, Transpose) and a.is_row):
        return None
    if b.is_column and b in _divisors(a.inner):
        return product([Ones(a.shape), hadamard([a.inner, b])])
    if isinstance(b, Diag) and b.inner in _divisors(a.inner):
        return transpose(hadamard([a.inner, b.inner]))
    diagonals = [item.inner for item in _terms(b) if isinstance(item, Diag)]
    if isinstance(b, Sum) and any(item in _divisors(a.inner) for item in diagonals):
        return total(product([a, term]) for term in b.terms)
    return None


def _terms(expr: Expr) -> list[Expr]:
    return [split_number(item)[1] for item in expr.terms] if isinstance(expr, Sum) else []


def _divisors(column: Expr) -> list[Expr]:
    """What a column is divided by, entry by entry."""
    factors = column.factors if isinstance(column, Hadamard) else (column,)
    return [item.inner for item in factors if isinstance(item, Power) and item.exponent == -1]


def _ones_times_ones(a: Ones, b: Ones) -> Expr | None:
    count, shape = a.shape[1], (a.shape[0], b.shape[1])
    if count is None:
        return None
    number_of = Number(Fraction(count))
    return number_of if shape == SCALAR else Product((number_of, Ones(shape)))


def _selected(a: Expr, b: Expr) -> Expr | None:
    """Selecting one entry, and selecting what was placed."""
    if isinstance(a, Selector) and a.length == 1 and isinstance(b, Ones) and b.is_column:
        return Unit(a.start, a.size)
    if isinstance(a, Transpose) and isinstance(a.inner, Selector) and a.inner == b:
        return Identity(a.inner.length)
    if isinstance(a, Transpose) and isinstance(a.inner, Unit) and isinstance(b, Unit):
        return Number(Fraction(int(a.inner == b)))
    return None


def _without_units(chain: list[Expr]) -> list[Expr]:
    """An identity among other factors is not written."""
    rest = [item for item in chain if not isinstance(item, Identity)]
    return rest or chain[:1]


def collect_powers(scalars: Sequence[Expr]) -> tuple[list[Expr], Value]:
    """Scalars with their exponents added: x · x = x², ‖e‖ / ‖e‖ = 1; and a number in front."""
    front: Value = Fraction(1)
    exponents: dict[Expr, Value] = {}
    for item in scalars:
        mine, rest = split_number(item)
        front = front * mine
        for factor in factors_of(rest):
            base, exponent = _base(factor)
            if base != ONE:
                exponents[base] = exponents.get(base, Fraction(0)) + exponent
    result = []
    for base, exponent in exponents.items():
        mine, rest = split_number(power(base, exponent))
        front = front * mine
        if rest != ONE:
            result.append(rest)
    return result, front


def _base(expr: Expr) -> tuple[Expr, Value]:
    return (expr.inner, expr.exponent) if isinstance(expr, Power) else (expr, Fraction(1))


# -- sums -----------------------------------------------------------------------------------------


def total(terms: Iterable[Expr]) -> Expr:
    """A sum: like terms added, zeros dropped, common signs and factors taken out."""
    given = list(terms)
    shape = given[0].shape
    collected: dict[Expr, Value] = {}
    for item in given:
        factor, inner = split_number(item)
        spread = inner.terms if isinstance(inner, Sum) else (inner,)
        for term in spread:
            mine, rest = split_number(term)
            collected[rest] = collected.get(rest, Fraction(0)) + factor * mine
    kept = [(value, rest) for rest, value in collected.items() if value != 0]
    kept = [(value, rest) for value, rest in kept if not isinstance(rest, Zero)]
    if not kept:
        return Number(Fraction(0)) if shape == SCALAR else Zero(shape)
    if len(kept) == 1:
        return times_number(*kept[0])
    common = _common_number([value for value, _ in kept])
    terms = [times_number(value / common, rest) for value, rest in kept]
    if len(terms) == 2 and isinstance(terms[0], Transpose) and terms[0].inner == terms[1]:
        terms.reverse()  # A + Aᵀ
    shared = shared_factors(terms)
    if shared is None:
        return times_number(common, Sum(tuple(terms)))
    inside = total(shared.rests)
    return product([Number(common), *shared.scalars, *shared.front, inside, *shared.back])


def _common_number(values: Sequence[Value]) -> Value:
    """A number that all terms share up to their sign; −1 where all are negative."""
    size = magnitude(values[0])
    if all(magnitude(value) == size for value in values):
        return -size if all(value < 0 for value in values) else size
    return Fraction(-1) if all(value < 0 for value in values) else Fraction(1)


def constants_first(expr: Expr) -> Expr:
    """1 + exp(x) for exp(x) + 1: what a derivative of x + exp(x) looks like."""
    if not expr.parts:
        return expr
    expr = replace_parts(expr, tuple(constants_first(item) for item in expr.parts))
    if isinstance(expr, Sum):
        constant = [item for item in expr.terms if isinstance(item, (Number, Ones, Identity))]
        positive = [item for item in constant if split_number(item)[0] > 0]
        rest = [item for item in expr.terms if item not in positive]
        if rest and split_number(rest[0])[0] > 0:
            return Sum((*positive, *rest))
    return expr


# -- the others -----------------------------------------------------------------------------------


def hadamard(factors: Iterable[Expr]) -> Expr:
    """An elementwise product; one of scalars is a product."""
    given = list(factors)
    shape = given[0].shape
    if shape == SCALAR:
        return product(given)
    front: Value = Fraction(1)
    scalars: list[Expr] = []
    items: list[Expr] = []
    pending = list(reversed(given))
    while pending:
        item = pending.pop()
        mine, rest = split_number(item)
        front = front * mine
        if isinstance(rest, Hadamard):
            pending.extend(reversed(rest.factors))
        elif isinstance(rest, Product) and any(factor.is_scalar for factor in rest.factors):
            scalars += [factor for factor in rest.factors if factor.is_scalar]
            pending.append(product(f for f in rest.factors if not f.is_scalar))
        elif isinstance(rest, Zero):
            return Zero(shape)
        elif not isinstance(rest, Ones):
            items.append(rest)
    exponents: dict[Expr, Value] = {}
    for item in items:
        base, exponent = _base(item)
        exponents[base] = exponents.get(base, Fraction(0)) + exponent
    powers = [power(base, exponent) for base, exponent in exponents.items() if exponent != 0]
    inner: Expr = Ones(shape)
    if powers:
        inner = powers[0] if len(powers) == 1 else _transposed_together(powers)
    return product([Number(front), *scalars, inner])


def _transposed_together(items: Sequence[Expr]) -> Expr:
    if all(isinstance(item, Transpose) for item in items):
        return Transpose(Hadamard(tuple(t.inner for t in items if isinstance(t, Transpose))))
    return Hadamard(tuple(items))


def transpose(expr: Expr) -> Expr:
    """The transpose, pushed into products, where it ends at symbols and at sums."""
    if expr.is_scalar:
        return expr
    match expr:
        case Transpose():
            return expr.inner
        case Diag() | Identity():
            return expr
        case Product():
            scalars = [item for item in expr.factors if item.is_scalar]
            matrices = [item for item in expr.factors if not item.is_scalar]
            return product([*scalars, *(transpose(item) for item in reversed(matrices))])
        case Ones() | Zero():
            return type(expr)(expr.shape[::-1])
        case Kronecker():
            return Kronecker(transpose(expr.left), transpose(expr.right))
        case Sum():
            turned = [transpose(item) for item in expr.terms]
            if set(turned) == set(expr.terms):
                return expr
            if sum(map(_transposes, turned)) < sum(map(_transposes, expr.terms)):
                return total(turned)
    return Transpose(expr)


def _transposes(expr: Expr) -> int:
    return isinstance(expr, Transpose) + sum(_transposes(item) for item in expr.parts)


def inverse(matrix: Expr) -> Expr:
    """The inverse, with numbers in front and the transpose outside: A⁻ᵀ."""
    scale, rest = split_number(matrix)
    if scale != 1 and scale != 0:
        return times_number(1 / scale, inverse(rest))
    match rest:
        case Inverse():
            return rest.inner
        case Transpose():
            return Transpose(inverse(rest.inner))
        case Identity():
            return rest
        case Diag():
            return diag(power(rest.inner, Fraction(-1)))
    return Inverse(matrix)


def diag(column: Expr) -> Expr:
    """A diagonal matrix; that of ones is the identity."""
    scale, rest = split_number(column)
    size = column.shape[0]
    if isinstance(rest, Ones) and size is not None:
        return times_number(scale, Identity(size))
    if isinstance(rest, Zero):
        return Zero((size, size))
    if isinstance(rest, Product) and any(item.is_scalar for item in rest.factors):
        scalars = [item for item in rest.factors if item.is_scalar]
        inner = product(item for item in rest.factors if not item.is_scalar)
        return product([Number(scale), *scalars, diag(inner)])
    return times_number(scale, Diag(rest))


def power(base: Expr, exponent: Value) -> Expr:
    """An elementwise power: of a number, a power, a product of scalars, or written as it is."""
    if exponent == 0:
        return ONE if base.is_scalar else Ones(base.shape)
    if exponent == 1:
        return base
    if isinstance(base, Ones) or (exponent > 0 and _is_zero_or_one(base)):
        return base
    whole = is_whole(exponent)
    if isinstance(base, Number):
        return _number_power(base, exponent)
    if isinstance(base, Power) and whole:  # (x^½)² = x wherever it is defined
        return power(base.inner, base.exponent * exponent)
    if isinstance(base, Product) and base.is_scalar and exponent == Fraction(1, 2):
        norm = _as_norm(base)
        if norm is not None:
            return norm
    if isinstance(base, Product) and whole and may_flatten(base) and base.is_scalar:
        return product(power(item, exponent) for item in base.factors)
    if whole and isinstance(base, Product) and not base.is_scalar:
        scalars = [item for item in base.factors if item.is_scalar]
        if scalars:
            inside = product(item for item in base.factors if not item.is_scalar)
            apart = [power(item, exponent) for item in scalars]
            return product([*apart, power(inside, exponent)])
    scale, rest = split_number(base)
    if whole and scale != 1:
        outside = _number_power(Number(scale), exponent)
        return product([outside, power(rest, exponent)])
    return Power(base, exponent)


def _is_zero_or_one(expr: Expr) -> bool:
    """Whether all entries are brackets such as [x > 0]."""
    return isinstance(expr, Apply) and relation_of(expr) is not None


def _number_power(base: Number, exponent: Value) -> Expr:
    if is_whole(exponent) and (base.value != 0 or exponent > 0):
        return Number(base.value ** int(exponent))
    return Power(base, exponent)


def _as_norm(base: Product) -> Expr | None:
    """√(vᵀv) = ‖v‖."""
    if len(base.factors) == 2:
        row, column = base.factors
        if column.is_column and transpose(column) == row:
            return Norm(column)
    return None


def trace(matrix: Expr) -> Expr:
    """The trace, with numbers and scalars in front."""
    if isinstance(matrix, Identity):
        return Number(Fraction(matrix.size))
    if isinstance(matrix, Zero):
        return Number(Fraction(0))
    if isinstance(matrix, Product):
        scalars = [item for item in matrix.factors if item.is_scalar]
        rest = [item for item in matrix.factors if not item.is_scalar]
        if len(matrix.factors) == 2 and len(rest) == 2 and transpose(rest[1]) == rest[0]:
            return power(Norm(_untransposed(rest[1])), Fraction(2))
        if scalars:
            inner = rest[0] if len(rest) == 1 else Product(tuple(rest))
            return product([*scalars, trace(inner)])
    return Trace(matrix)


def _untransposed(expr: Expr) -> Expr:
    return expr.inner if isinstance(expr, Transpose) else expr


def kronecker(left: Expr, right: Expr) -> Expr:
    """A Kronecker product, with numbers in front."""
    if isinstance(left, Identity) and isinstance(right, Identity):
        return Identity(left.size * right.size)
    scalars: list[Expr] = []
    sides: list[Expr] = []
    for side in (left, right):
        factors = side.factors if isinstance(side, Product) else (side,)
        scalars += [item for item in factors if item.is_scalar]
        sides.append(product(item for item in factors if not item.is_scalar))
    return product([*scalars, Kronecker(*sides)])
