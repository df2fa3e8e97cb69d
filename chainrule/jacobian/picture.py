"""A spy picture: where a Jacobian has entries, as a small SVG."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from chainrule.graph.node import Array
from chainrule.jacobian import structure

if TYPE_CHECKING:
    from chainrule.jacobian.matrix import Jacobian

CELLS = 48
PIXELS = 192
MOST = 2_000_000
"""With more entries than this the picture is left out: it should never take long."""


def spy_svg(jacobian: Jacobian) -> str:
    """Squares where the flattened Jacobian has entries; many rows and columns share a square."""
    filled = occupied(jacobian)
    if filled is None:
        return ""
    rows, columns = filled.shape
    scale = PIXELS / max(rows, columns)
    squares = "".join(
        f'<rect x="{k * scale:.2f}" y="{i * scale:.2f}" width="{scale:.2f}" height="{scale:.2f}"/>'
        for i, k in np.argwhere(filled)
    )
    width, height = columns * scale, rows * scale
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.2f} {height:.2f}" role="img" aria-label="where entries are">'
        f'<rect width="100%" height="100%" fill="#f4f4f4" stroke="#888"/>'
        f'<g fill="#22557a">{squares}</g></svg>'
    )


def occupied(jacobian: Jacobian) -> Array | None:
    """A coarse table of which parts of the flattened Jacobian have entries."""
    rows, columns = prod(jacobian.output_shape), prod(jacobian.input_shape)
    if not rows or not columns or structure.entries(jacobian.summands) > MOST:
        return None
    entries = jacobian.tosparse().tocoo()
    shape = (min(rows, CELLS), min(columns, CELLS))
    filled = np.zeros(shape, bool)
    filled[entries.row * shape[0] // rows, entries.col * shape[1] // columns] = True
    return filled
