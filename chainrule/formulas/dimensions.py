"""Shapes whose sizes are numbers or letters: how they read, broadcast, and become numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from chainrule.errors import ArgumentError

Dimension = int | str
"""A size: a number from 1, or a letter that stands for one. Different letters are different."""

Dimensions = tuple[Dimension, ...]

_LARGEST = 10**12
_EXAMPLE = "write it as 3×4, m×n, 5 or scalar"


def shape_text(shape: Sequence[Dimension]) -> str:
    """A shape as a person writes it.

    >>> shape_text(("m", 3)), shape_text((5,)), shape_text(())
    ('m×3', '5', 'scalar')
    """
    return "×".join(str(size) for size in shape) or "scalar"


def parse_shape(text: str) -> Dimensions:
    """A shape from its text: ``3x4``, ``m×n``, ``m*n``, ``(3, 4)``, ``n``; ``scalar`` has no axes.

    Parameters
    ----------
    text : str
        Sizes with ×, x, * or a comma between them. A size is a number from 1 or a name without an
        x. ``scalar``, ``1`` and the empty text are a single number.

    Returns
    -------
    tuple of int or str
        One size for each axis.

    Raises
    ------
    ArgumentError
        If a size is missing, zero, negative, or not a whole number.

    Examples
    --------
    >>> parse_shape("3x4"), parse_shape("m × n"), parse_shape("1")
    ((3, 4), ('m', 'n'), ())
    """
    plain = text.strip().removeprefix("(").removesuffix(")").strip().removesuffix(",").strip()
    if plain in ("", "1", "scalar"):
        return ()
    return tuple(_dimension(part.strip(), text) for part in re.split(r"[x×*,]", plain))


def _dimension(part: str, text: str) -> Dimension:
    if re.fullmatch(r"\d+", part, re.ASCII) and len(part) <= 12:
        return checked_size("shape", int(part), text)
    if _is_letter(part) and len(part) <= 20:
        return part
    problem = f"{part!r} is not a size" if part else "a size is missing"
    raise ArgumentError("shape", problem, got=repr(text), remedy=_EXAMPLE)


def _is_letter(text: str) -> bool:
    """Whether a text can name a size; · stands between the factors of a product."""
    return text.isidentifier() and "·" not in text


def checked_size(operation: str, size: Dimension, given: object) -> Dimension:
    """The size itself, if it is one: a whole number from 1, or a letter."""
    if isinstance(size, str):
        is_size = _is_letter(size)
    else:
        is_size = type(size) is int and 1 <= size <= _LARGEST
    if is_size:
        return size
    raise ArgumentError(
        operation, f"a size must be a whole number from 1, or a letter, not {size!r}",
        got=repr(given), remedy=_EXAMPLE,
    )  # fmt: skip


def checked_shape(name: str, shape: Sequence[Dimension] | str) -> Dimensions:
    """A shape as a tuple: of sizes that are checked, or from its text."""
    if isinstance(shape, str):
        return parse_shape(shape)
    return tuple(checked_size(f"shape of {name}", size, tuple(shape)) for size in shape)


def product(sizes: Iterable[Dimension]) -> Dimension:
    """The product of sizes: a number, or letters and a number in one order, as ``3·m·n``."""
    number, letters = 1, []
    for size in sizes:
        for factor in str(size).split("·"):
            if factor.isdigit():
                number *= int(factor)
            else:
                letters.append(factor)
    if not letters:
        return number
    return "·".join([str(number)] * (number != 1) + sorted(letters))


def broadcast(shapes: Sequence[Dimensions]) -> Dimensions | None:
    """The shape that NumPy's broadcasting gives, or None where sizes differ.

    >>> broadcast([("m", 1), ("n",)])
    ('m', 'n')
    """
    rank = max((len(shape) for shape in shapes), default=0)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    result: list[Dimension] = []
    for sizes in zip(*padded, strict=True):
        larger = {size for size in sizes if size != 1}
        if len(larger) > 1:
            return None
        result.append(larger.pop() if larger else 1)
    return tuple(result)


class Sizes(NamedTuple):
    """Numbers for letters, and back."""

    size_of: dict[str, int]
    letter_of: dict[int, str]
    shapes: dict[str, tuple[int, ...]]
    """The shapes that were given, in numbers."""

    def text(self, shape: Sequence[int]) -> str:
        """A shape in numbers, with the letters that they stand for."""
        return shape_text([self.letter(size) for size in shape])

    def letter(self, size: int) -> Dimension:
        """What a size stands for: a letter, a product of letters, or itself."""
        rest, letters = size, []
        for number, letter in sorted(self.letter_of.items()):
            while rest % number == 0 and rest:
                rest //= number
                letters.append(letter)
        return product([rest, *letters]) if letters else size


def concrete(shapes: Mapping[str, Sequence[Dimension] | str]) -> Sizes:
    """Small numbers for the letters of shapes, so that arrays of these shapes can be made.

    Different letters get different primes from 3, none of which divides a number that is given: a
    size that occurs in a result then tells which letters it stands for.

    Parameters
    ----------
    shapes : mapping of str to sequence of int or str, or to a text such as m×n
        The shapes of a formula's names.

    Returns
    -------
    Sizes
        ``size_of`` each letter, the ``letter_of`` each size, and the ``shapes`` in numbers.

    Examples
    --------
    >>> sizes = concrete({"A": ("m", "n"), "x": ("n",), "y": (3,)})
    >>> sizes.size_of, sizes.shapes["A"]
    ({'m': 5, 'n': 7}, (5, 7))
    >>> sizes.text((7, 3)), sizes.text((35,))
    ('n×3', 'm·n')
    """
    checked = {name: checked_shape(name, shape) for name, shape in shapes.items()}
    every = [size for shape in checked.values() for size in shape]
    numbers = {size for size in every if isinstance(size, int)}
    letters = dict.fromkeys(size for size in every if isinstance(size, str))
    primes = (p for p in _primes() if all(number % p for number in numbers))
    size_of = dict(zip(letters, primes, strict=False))
    made = {
        name: tuple(size if isinstance(size, int) else size_of[size] for size in shape)
        for name, shape in checked.items()
    }
    return Sizes(size_of, {size: letter for letter, size in size_of.items()}, made)


def _primes() -> Iterator[int]:
    """The primes from 3 on."""
    known: list[int] = []
    candidate = 3
    while True:
        if all(candidate % prime for prime in known):
            known.append(candidate)
            yield candidate
        candidate += 2
