"""The page of a derivation: valid, complete, self-contained, and honest about failed checks."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given

import chainrule as cr
from chainrule.derivations.layout import error_text
from chainrule.derivations.steps import Check
from tests.derivations.lecture import EXAMPLES, NETWORK, Example, two_layers
from tests.derivations.shown import network
from tests.jacobians.generated import Generated, functions
from tests.notation.identities import IDENTITIES, Identity, point
from tests.parity.cases_models import MODELS


def parsed(page: str) -> ElementTree.Element:
    """A page as XML, which allows no forgotten end tag and no bare & or <."""
    return ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))


def texts(root: ElementTree.Element, name: str, kind: str) -> list[str]:
    """What the elements of a class say."""
    found = [item for item in root.iter(name) if kind in item.get("class", "").split()]
    return ["".join(item.itertext()) for item in found]


def assert_whole(page: str, d: cr.Derivation) -> None:
    root = parsed(page)
    checks = texts(root, "td", "check")
    assert [text.split(" failed")[0] for text in checks] == [error_text(s) for s in d.steps]
    assert len(texts(root, "td", "formula")) == len(d.steps) + sum(
        item.definition is not None for item in d.quantities
    )
    names = {item.tag.rpartition("}")[2] for item in root.iter()}
    assert not names & {"script", "link", "img", "iframe", "object"}


@pytest.fixture(name="lecture", scope="module")
def _lecture() -> cr.Derivation:
    return cr.derive(two_layers, wrt=("b0", "A0", "b1", "A1"))(*NETWORK)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda item: item.name)
def test_the_lectures_examples_as_pages(example: Example):
    d = cr.derive(example.function, wrt=example.wrt)(*example.args)
    assert_whole(d.html(), d)


@pytest.mark.parametrize("identity", IDENTITIES, ids=lambda item: item.name)
def test_the_identities_as_pages(identity: Identity):
    d = cr.derive(identity.function, wrt=identity.wrt)(*point(identity.function, 1))
    assert_whole(d.html(), d)


@pytest.mark.parametrize("case", MODELS, ids=lambda item: item.name)
def test_models_as_pages(case):
    everything = tuple(range(len(case.arguments)))
    d = cr.derive(case.weighted(np, cr), wrt=everything)(*case.arguments)
    assert_whole(d.html(), d)


@given(functions(3))
def test_generated_functions_as_pages(case: Generated):
    d = cr.derive(case.function)(case.x)
    assert_whole(d.html(), d)


def test_a_strict_parser_of_html_finds_no_mistake(lecture):
    html5lib = pytest.importorskip("html5lib")
    for d in (lecture, network((3, 4, 4, 4, 4, 2))):
        html5lib.HTMLParser(strict=True).parse(d.html())


def test_it_works_without_a_network(lecture):
    page = lecture.html()
    addresses = re.findall(r"https?://[^\"' )]+", page)
    assert addresses == ["http://www.w3.org/2000/svg"]  # a name, which nothing fetches
    assert not re.search(r"url\(|@import|@font-face|\bsrc=|\bhref=", page)


def test_the_chain_of_the_lectures_bias(lecture):
    """(f2 − Y)ᵀ · diag(σ′(Z2)) · A1 · diag(σ′(Z1)) · I, as on the slide 'Backward Path (2)'."""
    chains = [item for item in parsed(lecture.html()).iter("div") if item.get("class") == "chain"]
    factors = [item for item in chains[-1] if item.tag == "span"]
    said = ["".join(item[0].itertext()).replace("\u2061", "") for item in factors]
    assert said == ["(f2−Y)⊤", "diag(σ′(Z2))", "A1", "diag(σ′(Z1))", "I"]
    below = [[part.text for part in item[1]] for item in factors]
    assert below == [
        ["1×2", "cost", "reused"], ["2×2", "layer", "reused"], ["2×4", "layer"], ["4×4", "layer"],
        ["4×4", "parameter"],
    ]  # fmt: skip
    assert [item.attrib["class"] for item in factors] == [
        "factor cost", "factor layer", "factor layer", "factor layer", "factor parameter",
    ]  # fmt: skip


def test_the_numbers_are_those_of_grad(lecture):
    matrices = [item for item in parsed(lecture.html()).iter("table")
                if item.get("class") == "matrix"]  # fmt: skip
    shown = [
        [[float(cell.text.replace("−", "-")) for cell in row] for row in matrix[0]]
        for matrix in matrices
    ]
    gradients = cr.grad(two_layers, wrt=("b1", "A1", "b0", "A0"))(*NETWORK)
    for found, gradient in zip(shown, gradients, strict=False):
        # Shown with four digits: half a unit in the fourth.
        np.testing.assert_allclose(found, np.atleast_2d(gradient), rtol=5e-4)


def test_large_arrays_are_told_by_their_shape_and_range():
    A, x = np.linspace(-1, 2, 784 * 9).reshape(9, 784), np.ones(784)
    page = cr.derive(lambda A, x: np.sum((A @ x) ** 2))(A, x).html()
    assert "9×784 numbers from −" in page
    assert len(page) < 30_000


def test_a_vector_by_a_matrix_is_drawn_as_one_matrix_an_entry():
    """(5.92): xᵀ in row i of ∂f_i/∂A and zeros elsewhere."""
    A, x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.array([7.0, 8.0, 9.0])
    root = parsed(cr.derive(lambda A, x: A @ x)(A, x).html())
    slices = [item for item in root.iter("div") if item.get("class") == "slice"]
    said = ["".join(item.itertext()) for item in slices]
    assert said == ["∂f[0]∂A=789000", "∂f[1]∂A=000789"]
    assert "−0<" not in cr.derive(lambda A, x: A @ x)(A, -x).html()  # 0 times a negative number


def test_a_matrix_by_a_vector_is_drawn_as_one_matrix_an_entry():
    """Figure 5.7 (a): a 4×2 matrix for each of the three entries of x."""
    x, B = np.array([1.0, 2.0, 3.0]), np.ones((4, 2))
    root = parsed(cr.derive(lambda x, B: B * x[0] + x[2])(x, B).html())
    slices = [item for item in root.iter("div") if item.get("class") == "slice"]
    said = ["".join(item.itertext()) for item in slices]
    assert said == ["∂f∂x[0]=" + "1" * 8, "∂f∂x[1]=" + "0" * 8, "∂f∂x[2]=" + "1" * 8]


def test_the_share_of_each_example():
    def E(theta, Phi, y):
        e = y - Phi @ theta
        return e @ e

    args = np.array([1.0, 1.0]), np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]), np.zeros(3)
    root = parsed(cr.derive(E)(*args).html())
    texts_of = ["".join(item.itertext()) for item in root.iter("p")]
    assert any("E=∑rEr, a sum over 3 examples" in text for text in texts_of)
    rows = ["".join(item.itertext()) for item in root.iter("div") if item.get("class") == "right"]
    assert "= " + "".join(["20", "08", "44"]) in rows  # the gradient of (−Φ_r θ)² is 2 (Φ_r θ) Φ_r


def test_a_failed_check_is_seen_at_once_and_at_its_step(lecture):
    wrong = replace(lecture.steps[4], check=Check(0.25, 1e-10, "complex step", False))
    d = replace(lecture, steps=(*lecture.steps[:4], wrong, *lecture.steps[5:]))
    root = parsed(d.html())
    assert texts(root, "td", "failed") == ["✗ 2e-01 failed"]
    summary = next(root.iter("strong")).text
    assert summary == "✗ 1 of 8 steps disagree with an independent value: f1"
    assert not texts(parsed(lecture.html()), "td", "failed")
    assert "✓ All 8 steps agree" in lecture.html()


def test_a_point_without_a_derivative_is_named():
    page = cr.derive(lambda x: np.sum(np.abs(x)))(np.array([0.0, 1.0])).html()
    assert "a point without a derivative" in page
    root = parsed(page)
    assert next(root.iter("strong")).text == "✗ 1 of 1 steps have no derivative here: x"
    assert texts(root, "td", "failed") == ["✗ kink"]


def test_names_that_are_markup_are_text():
    def f(p):
        return np.sum(p["<script>alert(1)</script>"] ** 2) + p['&]]>"']

    d = cr.derive(f)({"<script>alert(1)</script>": np.ones(2), '&]]>"': 1.0})
    root = parsed(d.html())
    assert_whole(d.html(), d)
    assert any("<script>alert(1)</script>" in (item.text or "") for item in root.iter("mtext"))
    assert parsed(d._repr_html_()) is not None


def test_it_is_made_for_readers_of_all_kinds(lecture):
    page = lecture.html()
    root = parsed(page)
    assert root.attrib["lang"] == "en"
    assert next(root.iter("title")).text == "The derivative of E by b1, A1, b0, A0"
    levels = [int(item.tag[1]) for item in root.iter() if re.fullmatch(r"h\d", item.tag)]
    assert levels == [1, 2, 2, 2]
    assert "width=device-width" in page
    for wanted in ("prefers-color-scheme: dark", "max-width", "@media print", "overflow-x"):
        assert wanted in page
    for table in root.iter("table"):
        if table.get("class") == "steps":
            columns = len(table[0][0])
            assert all(len(row) == columns for row in table[1])


def test_every_formula_that_can_be_long_scrolls_in_its_own_box(lecture):
    root = parsed(lecture.html())
    parents = {child: parent for parent in root.iter() for child in parent}
    for cell in root.iter("td"):
        for formula in cell.iter("math"):
            assert parents[formula].get("class") == "scroll"
            assert parents[formula].get("tabindex") == "0"  # for who has no mouse


def test_a_notebook_shows_a_part_of_a_page(lecture):
    part = lecture._repr_html_()
    assert part.startswith('<div class="chainrule"><style>')
    assert not re.search(r"<(html|head|body|main|h1|h2)\b", part)
    rules = re.sub(r"@media[^{]*\{", "", part[part.index("<style>") + 7 : part.index("</style>")])
    for selector in re.findall(r"([^{}]+)\{", rules):
        own = selector.strip().removeprefix("[data-jp-theme-light=false] ")
        assert own.startswith(".chainrule")  # nothing else on the page changes
    assert lecture._repr_latex_().startswith("$$")
    assert lecture._repr_markdown_().startswith("###")
