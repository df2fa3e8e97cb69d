"""A user's name as letters: ``Z1`` has a subscript, ``theta`` is a Greek letter."""

from __future__ import annotations

import re
from typing import NamedTuple

from chainrule.notation.text import GREEK

LETTERS = {name: letter for letter, name in GREEK.items()}


class Lettered(NamedTuple):
    """A name's letters, and what stands below them.

    Attributes
    ----------
    base : str
    below : str
        Digits, or a word after an underscore; may be empty.
    is_plain : bool
        Whether the name has no such parts, as ``params['w']``, and is shown as it is.
    """

    base: str
    below: str
    is_plain: bool


def lettered(name: str) -> Lettered:
    """Split a name into its letters and its subscript.

    Examples
    --------
    >>> lettered("theta_12"), lettered("x['<']").is_plain
    (Lettered(base='θ', below='12', is_plain=False), True)
    """
    match = re.fullmatch(r"([A-Za-zͰ-Ͽ]+?)_?(\d*|(?<=_)\w+)", name)
    if match is None:
        return Lettered(name, "", True)
    base, below = match.groups()
    return Lettered(LETTERS.get(base, base), below, False)
