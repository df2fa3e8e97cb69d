"""Shapes in letters: how they are written, and the numbers that stand for them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import ArgumentError
from chainrule.formulas import concrete, parse_shape, shape_text


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("3x4", (3, 4)), ("3×4", (3, 4)), ("3 × 4", (3, 4)), ("m×n", ("m", "n")),
        ("m*n", ("m", "n")), ("m x n", ("m", "n")), ("mxn", ("m", "n")), ("2×m×n", (2, "m", "n")),
        ("n", ("n",)), ("5", (5,)), ("n1", ("n1",)), ("θ×k_2", ("θ", "k_2")), ("(3, 4)", (3, 4)),
        ("(3,)", (3,)), ("1×3", (1, 3)), ("scalar", ()), ("1", ()), ("", ()), (" ", ()), ("()", ()),
    ],
)  # fmt: skip
def test_shapes_from_text(text, shape):
    assert parse_shape(text) == shape


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0", "a size must be a whole number from 1, or a letter, not 0; got '3×0'"),
        ("-4", "'-4' is not a size"),
        ("4.5", "'4.5' is not a size"),
        ("", "a size is missing"),
        ("4n", "'4n' is not a size"),
        ("9999999999999999", "is not a size"),
        ("m n", "'m n' is not a size"),
    ],
)
def test_what_is_no_shape(text, said):
    with pytest.raises(ArgumentError, match=said + r".*; write it as 3×4, m×n, 5 or scalar"):
        parse_shape(f"3×{text}")


sizes_or_letters = st.one_of(st.integers(1, 60), st.sampled_from("klmnpqr"))
shapes = st.dictionaries(
    st.sampled_from("ABCxy"), st.lists(sizes_or_letters, max_size=3).map(tuple), max_size=5
)


@given(shapes)
def test_the_text_of_a_shape_reads_as_the_shape(shapes):
    for shape in shapes.values():
        if shape != (1,):  # which is written like a number
            assert parse_shape(shape_text(shape)) == shape


@given(shapes)
def test_numbers_for_letters_tell_the_letters(shapes):
    sizes = concrete(shapes)
    given_numbers = {size for shape in shapes.values() for size in shape if isinstance(size, int)}
    letters = {size for shape in shapes.values() for size in shape if isinstance(size, str)}
    assert set(sizes.size_of) == letters
    assert {sizes.letter_of[size]: size for size in sizes.size_of.values()} == sizes.size_of
    assert len(set(sizes.size_of.values())) == len(letters)
    assert all(size >= 3 for size in sizes.size_of.values())
    assert not given_numbers & set(sizes.size_of.values())
    for name, shape in shapes.items():
        numbers = sizes.shapes[name]
        assert np.zeros([min(size, 2) for size in numbers]).ndim == len(shape)
        assert tuple(sizes.letter(size) for size in numbers) == shape


def test_shapes_may_be_given_as_text():
    assert concrete({"A": "m×n", "x": "n"}) == concrete({"A": ("m", "n"), "x": ("n",)})


def test_products_of_letters_are_told_apart():
    sizes = concrete({"A": ("m", "n"), "B": (2, 15)})
    assert sizes.size_of == {"m": 7, "n": 11}  # neither 3 nor 5, which divide 15
    assert sizes.text((77, 14, 15)) == "m·n×2·m×15"
