"""What a misspelled name was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(word: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant, whatever its capitals; None if nothing is near.

    Examples
    --------
    >>> closest("Pirce", ["area", "price"])
    'price'
    """
    folded: dict[str, str] = {}
    for name in names:
        folded.setdefault(name.casefold().strip(), name)
    found = get_close_matches(word.casefold().strip(), list(folded), n=1)
    return folded[found[0]] if found else None
