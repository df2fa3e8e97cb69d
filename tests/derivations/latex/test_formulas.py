"""The formulas handed to a parser are all that there are: none is lost on the way."""

from __future__ import annotations

import pytest

from tests.derivations.latex.formulas import derivations, formulas_of

DERIVATIONS = dict(derivations())


@pytest.mark.parametrize("name", DERIVATIONS)
def test_every_formula_is_found(name: str):
    latex, markdown = DERIVATIONS[name].latex(), DERIVATIONS[name].markdown()
    found = list(formulas_of(name, latex, markdown))
    rest = latex + markdown
    for item in found:
        rest = rest.replace(item.formula, "", 1)
    assert len([item for item in found if item.display]) >= 3  # both passes and the derivative
    assert "\\" not in rest.replace("\\_", "")  # a command outside of all formulas


def test_a_formula_in_a_sentence_and_an_unfinished_one():
    found = list(formulas_of("f", "at $x$ and\n\\begin{align*}\n  x\n", "$$\ny\n$$\n and $z$"))
    assert [(item.formula, item.display) for item in found] == [
        ("x", False), ("\ny\n", True), ("z", False),
    ]  # fmt: skip
