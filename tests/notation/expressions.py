"""Expressions of matrix notation, made by Hypothesis, with values for their symbols."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from chainrule.notation.algebra import (
    SCALAR,
    Apply,
    Diag,
    Diagonal,
    Expr,
    Hadamard,
    Identity,
    Inverse,
    Kronecker,
    Norm,
    Number,
    Ones,
    Power,
    Product,
    Selector,
    Sum,
    Swap,
    Symbol,
    Trace,
    Transpose,
    Triangle,
    Unit,
    Vec,
    Zero,
    dense_shape,
)

SIZES = (2, 3)
SHAPES = [SCALAR, *[(n, None) for n in SIZES], *[(None, n) for n in SIZES],
          *[(m, n) for m in SIZES for n in SIZES]]  # fmt: skip
NUMBERS = [Fraction(n) for n in (-2, -1, 0, 1, 2)] + [Fraction(1, 2), Fraction(-1, 3)]


def symbol(shape: Any, letter: str) -> Symbol:
    """A symbol whose name tells its shape."""
    return Symbol(shape, f"{letter}{'x'.join(str(size or 0) for size in shape)}")


def values() -> dict[str, np.ndarray]:
    """Positive numbers for every symbol, so that powers and roots exist."""
    rng = np.random.default_rng(7)
    return {
        symbol(shape, letter).name: rng.uniform(0.5, 1.5, dense_shape(shape))
        for shape in SHAPES
        for letter in "ab"
    }


def leaves(shape: Any) -> st.SearchStrategy[Expr]:
    rows, columns = shape
    found: list[Expr] = [symbol(shape, "a"), symbol(shape, "b")]
    if shape == SCALAR:
        return st.sampled_from([*found, *(Number(value) for value in NUMBERS)])
    found += [Ones(shape), Zero(shape)]
    if columns is None:
        found += [Unit(0, rows), Unit(rows - 1, rows)]
    if rows == columns and rows is not None:
        found += [Identity(rows), Triangle(rows, True), Triangle(rows, False)]
    if rows is not None and columns is not None and rows >= columns:
        found.append(Selector(0, 1, columns, rows))
    return st.sampled_from(found)


@st.composite
def expressions(draw: Any, shape: Any, depth: int = 4) -> Expr:
    """An expression of a shape, of every kind that has it."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(leaves(shape))
    rows, columns = shape

    def inner(of: Any) -> Expr:
        return draw(expressions(of, depth - 1))

    kinds = ["sum", "hadamard", "scaled", "product", "transpose", "function"]
    if rows is not None and rows == columns:
        kinds += ["diag", "diag", "square", "inverse"]
    if shape == SCALAR:
        kinds += ["trace", "norm", "root", "inner", "power"]
    if columns is None and rows is not None:
        kinds.append("diagonal")
    kind = draw(st.sampled_from(kinds))
    size = draw(st.sampled_from(SIZES))
    count = draw(st.integers(2, 3))
    match kind:
        case "sum":
            return Sum(tuple(inner(shape) for _ in range(count)))
        case "hadamard":
            return Hadamard(tuple(inner(shape) for _ in range(count)))
        case "scaled":
            return Product((inner(SCALAR), inner(shape), Number(draw(st.sampled_from(NUMBERS)))))
        case "product":
            return Product((inner((rows, size)), inner((size, columns))))
        case "transpose":
            return Transpose(inner((columns, rows)))
        case "function":
            return Apply("sin", (inner(shape),))
        case "diag":
            return Diag(inner((rows, None)))
        case "inverse":  # of a matrix that is far from singular
            far = Sum((Product((Number(Fraction(5)), Identity(rows))), symbol(shape, "a")))
            return Inverse(
                draw(
                    st.sampled_from(
                        [far, Transpose(far), Inverse(far), Diag(symbol((rows, None), "a"))]
                    )
                )
            )
        case "square":
            return Product((inner(shape), inner(shape), Diag(inner((rows, None)))))
        case "trace":
            return Trace(inner((size, size)))
        case "norm":
            return Norm(inner((size, draw(st.sampled_from([None, 2])))))
        case "root":
            return Power(inner(SCALAR), Fraction(1, 2))
        case "power":
            return Power(symbol(SCALAR, "a"), Fraction(draw(st.sampled_from([-2, -1, 2, 3]))))
        case "inner":
            return Product((inner((None, size)), inner((size, None))))
    return Diagonal(inner((rows, rows)))


@st.composite
def large_expressions(draw: Any) -> Expr:
    """Kronecker products and what goes with them."""
    left = draw(expressions((2, 2), 2))
    right = draw(expressions((2, 2), 2))
    both: Expr = Kronecker(left, right)
    kinds = [both, Product((both, Swap(2, 2))), Product((Diag(Vec(left)), both)),
             Transpose(both), Sum((both, Identity(4)))]  # fmt: skip
    return draw(st.sampled_from(kinds))
