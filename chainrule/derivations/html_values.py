"""Numbers on a derivation's page: small arrays as they are, tensors in slices, others by range."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from chainrule.derivations.layout import MOST_ENTRIES, shape_text
from chainrule.graph.node import Array
from chainrule.notation.mathml import EQUALS, MathmlNotation, math, row

MOST_IN_SLICES = 64
"""Tensors with more entries than this are told by their shape and range."""


def tag(name: str, content: str, kind: str = "") -> str:
    """An element; ``content`` is HTML already."""
    given = f' class="{kind}"' if kind else ""
    return f"<{name}{given}>{content}</{name}>"


def number_text(value: float, style: str) -> str:
    """A number in a style of ``format``, with a minus rather than a hyphen, and none before 0."""
    return f"{value + 0.0:{style}}".replace("-", "−")


def value_html(value: Array) -> str:
    """= and the numbers where they are few, otherwise = and their range."""
    sign = math(EQUALS)
    if value.ndim == 0:
        return f"{sign} {number_text(float(value), '.6g')}"
    if not value.size:
        return tag("span", f"{sign} no numbers", "aside")
    if value.size > MOST_ENTRIES or value.ndim > 2:
        low, high = (number_text(float(end), ".3g") for end in (np.min(value), np.max(value)))
        size = shape_text(value.shape, {})
        return tag("span", f"{sign} {size} numbers from {low} to {high}", "aside")
    return tag("div", f"{sign} {matrix_html(np.atleast_2d(value))}", "scroll whole")


def matrix_html(value: Array) -> str:
    """A matrix as a table with brackets."""
    rows = [
        tag("tr", "".join(tag("td", number_text(float(entry), ".4g")) for entry in entries))
        for entries in value
    ]
    return tag("table", tag("tbody", "".join(rows)), "matrix")


def slices_html(value: Array, outer: int, top: str, bottom: str, notation: MathmlNotation) -> str:
    """A small tensor as matrices: each entry's derivative by a matrix, or a matrix's by each entry.

    Parameters
    ----------
    value : ndarray
        The Jacobian, of the result's axes and then the argument's.
    outer : int
        How many axes the result has.
    top, bottom : str
        Their names in MathML.
    notation : MathmlNotation
        What writes positions.

    Returns
    -------
    str
        Nothing where the tensor is large or no two axes make up its matrices.
    """
    if value.ndim < 3 or not 0 < value.size <= MOST_IN_SLICES:
        return ""
    items = [
        tag("div", math(f"{caption}{EQUALS}") + matrix_html(matrix), "slice")
        for caption, matrix in _slices(value, outer, top, bottom, notation)
    ]
    return tag("div", "".join(items), "slices")


def _slices(
    value: Array, outer: int, top: str, bottom: str, notation: MathmlNotation
) -> Iterator[tuple[str, Array]]:
    if value.ndim - outer == 2:
        for at in np.ndindex(value.shape[:outer]):
            yield _fraction(_entry(top, at, notation), bottom), value[at]
    elif outer == 2:
        for at in np.ndindex(value.shape[outer:]):
            yield _fraction(top, _entry(bottom, at, notation)), value[(..., *at)]


def _entry(name: str, at: Sequence[int], notation: MathmlNotation) -> str:
    return notation.index(name, [str(k) for k in at])


def _fraction(top: str, bottom: str) -> str:
    return f"<mfrac>{row('<mi>∂</mi>', top)}{row('<mi>∂</mi>', bottom)}</mfrac>"
