"""Pieces of text that every renderer of a derivation shares: shapes, numbers, sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from chainrule.derivations.legend import legend
from chainrule.derivations.steps import Check, Notice, Passes, Step
from chainrule.graph.node import Array

MOST_ENTRIES = 12
"""Larger arrays are told by their shape alone."""


def shape_text(shape: Sequence[int], letters: Mapping[int, str]) -> str:
    """``4×3``; ``scalar`` for a number."""
    return "×".join(lettered_size(n, letters) for n in shape) or "scalar"


def lettered_size(size: int, letters: Mapping[int, str]) -> str:
    """A size's letter, a product of letters, or itself: 15 is m·n where 3 is m and 5 is n."""
    if size < 2 or size in letters:
        return letters.get(size, str(size)) if size > 1 else str(size)
    rest, found = size, []
    for number, letter in sorted(letters.items()):
        while number > 1 and rest % number == 0:
            rest //= number
            found.append(letter)
    return "·".join(found) if rest == 1 else str(size)


def size_text(shape: Sequence[int], letters: Mapping[int, str]) -> str:
    """The rows and columns of a derivative; ``scalar`` where both are 1."""
    return "scalar" if tuple(shape) == (1, 1) else shape_text(shape, letters)


def value_lines(value: Array) -> list[str]:
    """An array's numbers where they are few; nothing otherwise."""
    if value.size > MOST_ENTRIES or value.ndim > 2:
        return []
    if value.ndim == 0:
        return [f"{float(value):.6g}"]
    rows = np.atleast_2d(value)
    digits = 4 if rows.shape[1] <= 8 else 3
    texts = [[f"{entry:.{digits}g}" for entry in row] for row in rows]
    width = max((len(text) for row in texts for text in row), default=0)
    return ["[ " + "  ".join(text.rjust(width) for text in row) + " ]" for row in texts]


def error_text(step: Step) -> str:
    """``✓ 2e-16`` or ``✗ 0.5``."""
    sign = "✓" if step.check.ok else "✗"
    if step.check.note:
        return f"{sign} kink"
    return f"{sign} {step.check.error:.0e}" if step.check.error else f"{sign} 0"


def notice_text(item: Notice) -> str:
    """One sentence on a point without a derivative."""
    count = "one entry" if item.entries == 1 else f"{item.entries} entries"
    return (
        f"{item.quantity} is computed at a point without a derivative ({item.function}, {count}); "
        f"the convention: {item.convention}."
    )


def check_sentences(passes: Passes) -> list[str]:
    """Which steps failed, and how all were checked, one sentence a method."""
    reasons = {
        "complex step": "a complex step through the forward path, which leaves rounding only",
        "differences": "extrapolated central differences of the forward path, whose rounding is "
        "divided by the step",
        "one-sided differences": "differences to the right and to the left",
    }
    found: dict[str, float] = {}
    for step in passes.steps:
        found[step.check.method] = max(step.check.tolerance, found.get(step.check.method, 0.0))
    failed = [
        f"✗ ∂{step.top}/∂{step.bottom}: "
        + (step.check.note or f"a relative error of {step.check.error:.1e}{_at(step.check)}") + "."
        for step in passes.steps if not step.check.ok
    ]  # fmt: skip
    return failed + [
        f"✓ a relative error below {tolerance:g} against {reasons[method]}; no rule is used."
        for method, tolerance in found.items()
    ]


def _at(check: Check) -> str:
    """Where a value is wrong: ``; its entry [0, 1] is 2.5, and should be 1.25``."""
    if check.entry is None:
        return ""
    place, value, independent = check.entry
    subject = f"its entry {list(place)}" if place else "it"
    return f"; {subject} is {value:.6g}, and should be {independent:.6g}"


def legend_sentence(passes: Passes) -> str:
    """What the signs mean, in one sentence; nothing where all are common."""
    clauses = legend(passes)
    return f"Here {'; '.join(clauses)}." if clauses else ""


def layout_sentence(passes: Passes) -> str:
    """How other books would write the same."""
    if any(len(step.value.shape) > 2 for step in passes.targets):
        return (
            "Numerator layout: the result's axes come first, then the argument's; arrays with "
            "several axes are laid out row by row. Denominator layout exchanges them."
        )
    return (
        "Numerator layout: a gradient is a row, and by a matrix it has the matrix's own shape, as "
        "cr.grad returns it. In denominator layout each derivative is the transpose and the "
        "factors come in the opposite order."
    )
