"""Options of NumPy's functions: what would be taken whatever it is, or fail far inside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.arguments import one_of, shown, whole
from chainrule.errors import ArgumentTypeError

WORDS: dict[str, tuple[str, ...]] = {
    "order": ("C", "F", "A", "K"),
    "kind": ("quicksort", "mergesort", "heapsort", "stable", "quick", "heap"),
    "indexing": ("xy", "ij"),
}
"""Options that are one of a few words; None is as if they were left out."""
TRUTHS = frozenset({"keepdims", "subok"})
"""Options that are true or false; NumPy takes whole numbers for them."""
COUNTS = frozenset({"n", "k", "offset", "decimals"})
"""Options that are whole numbers; None is as if they were left out."""
CHECKED = TRUTHS | COUNTS | WORDS.keys()


def require_options(name: str, given: Mapping[str, Any]) -> None:
    """Raise an `ArgumentError` for an option that NumPy would refuse."""
    for option in given.keys() & CHECKED:
        value = given[option]
        if option in TRUTHS:
            _require_truth(name, option, value)
        elif option in COUNTS and value is not None:
            whole(name, option, value)
        elif option in WORDS and (value is not None or option == "indexing"):
            one_of(name, option, value, WORDS[option])


def _require_truth(name: str, option: str, value: Any) -> None:
    if not isinstance(value, (bool, int, np.bool_, np.integer)):
        raise ArgumentTypeError(name, f"{option} must be True or False", got=shown(value))
