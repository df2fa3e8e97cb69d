"""Names and cells as messages show them."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST = 40
"""Characters of one cell or name that a message shows."""
MOST = 12
"""Names that a message lists."""


def quoted(text: str) -> str:
    """The text in quotation marks, cut short if it is long.

    >>> quoted("area"), quoted("x" * 100)
    ("'area'", "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…'")
    """
    return repr(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")


def listed(names: Sequence[str]) -> str:
    """Names in quotation marks with commas, the last ones only counted when there are many.

    >>> listed(["area", "rooms"])
    "'area', 'rooms'"
    """
    shown = ", ".join(quoted(name) for name in names[:MOST])
    return shown if len(names) <= MOST else f"{shown} and {len(names) - MOST} more"
