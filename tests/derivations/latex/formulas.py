"""All LaTeX of the kept derivations, one formula a line as JSON, for a parser to judge.

``python -m tests.derivations.latex.formulas`` writes them to stdout.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

import chainrule as cr
from tests.derivations.lecture import EXAMPLES
from tests.notation.identities import IDENTITIES, point

ENVIRONMENT = re.compile(r"\\begin\{(align\*?)\}.*?\\end\{\1\}", re.DOTALL)
DISPLAY = re.compile(r"\$\$(.*?)\$\$", re.DOTALL)
INLINE = re.compile(r"(?<![$\\])\$([^$]+)\$(?!\$)")


class Formula(NamedTuple):
    """One formula, and where it comes from."""

    name: str
    formula: str
    display: bool


def derivations() -> Iterator[tuple[str, cr.Derivation]]:
    """Every derivation of which a text is kept."""
    for example in EXAMPLES:
        yield example.name, cr.derive(example.function, wrt=example.wrt)(*example.args)
    for item in IDENTITIES:
        derived = cr.derive(item.function, wrt=item.wrt)
        yield item.name, derived(*point(item.function, seed=1))


def formulas_of(name: str, latex: str, markdown: str) -> Iterator[Formula]:
    """The displays of LaTeX, and the displays and inline formulas of Markdown and of notes."""
    for match in ENVIRONMENT.finditer(latex):
        yield Formula(f"{name}, LaTeX", match[0], True)
    for match in INLINE.finditer(ENVIRONMENT.sub("", latex)):
        yield Formula(f"{name}, LaTeX, in a sentence", match[1], False)
    for match in DISPLAY.finditer(markdown):
        yield Formula(f"{name}, Markdown", match[1], True)
    for match in INLINE.finditer(DISPLAY.sub("", markdown)):
        yield Formula(f"{name}, Markdown, in a sentence", match[1], False)


def formulas() -> Iterator[Formula]:
    """All formulas of all kept derivations."""
    for name, derivation in derivations():
        yield from formulas_of(name, derivation.latex(), derivation.markdown())


if __name__ == "__main__":
    for item in formulas():
        print(json.dumps(item._asdict(), ensure_ascii=False))
