"""The picture of both passes: complete, legible, and nothing on top of anything else."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest
from hypothesis import given

import chainrule as cr
from chainrule.derivations.html_style import COLOURS
from chainrule.derivations.picture.drawing import DASHES
from chainrule.derivations.picture.flow import chain_of, flow_of
from chainrule.derivations.picture.graph import MissingPackage
from chainrule.derivations.picture.lettering import (
    ARRAY,
    END,
    broken,
    pieces,
    plain,
    shortened,
    tspans,
    width,
)
from chainrule.notation.lettering import lettered
from tests.derivations.lecture import EXAMPLES, NETWORK, Example, two_layers
from tests.derivations.shown import Picture, forty_operations, network
from tests.jacobians.generated import Generated, functions
from tests.notation.identities import IDENTITIES, Identity, point
from tests.parity.cases_models import MODELS

PARAMETERS = ("b0", "A0", "b1", "A1")


@pytest.fixture(name="lecture", scope="module")
def _lecture() -> cr.Derivation:
    return cr.derive(two_layers, wrt=PARAMETERS)(*NETWORK)


def picture_of(d: cr.Derivation) -> Picture:
    """The picture; skips what is no chain where the library that lays it out is missing."""
    if chain_of(flow_of(d)) is None:
        pytest.importorskip("pygraphviz")
    return Picture(d.svg())


def assert_legible(picture: Picture) -> None:
    nodes, labels = picture.nodes(), picture.labels()
    for k, node in enumerate(nodes):
        assert not any(node.overlaps(other) for other in nodes[:k])
        assert node.within(picture.view)
    for k, label in enumerate(labels):
        assert not any(label.overlaps(other) for other in [*nodes, *labels[:k]])
    for line in picture.lines():
        for box in [*nodes, *labels]:
            assert not any(box.contains(*at) for at in line)
    for text in picture.texts():
        assert text.within(picture.view)


# -- chains ---------------------------------------------------------------------------------------


def test_the_lectures_network_is_drawn_as_a_chain_of_layers(lecture):
    chain = chain_of(flow_of(lecture))
    assert chain is not None
    assert chain.start == "X"
    assert [layer.name for layer in chain.layers] == ["f1", "f2", "E"]
    assert [layer.kind for layer in chain.layers] == [None, "layer", "cost"]
    assert chain.layers[0].inputs == (("A0", "parameter"), ("b0", "parameter"))
    assert chain.layers[2].inputs == (("Y", None),)


def test_the_lectures_network_has_every_arrow_and_every_name(lecture):
    picture = Picture(lecture.svg())
    assert_legible(picture)
    assert sorted(name.split(",")[0] for name in picture.names()) == sorted(
        ["X", "Y", "f1", "f2", "E", *PARAMETERS]
    )
    assert picture.arrows("forward") == 3 + 5  # X → f1 → f2 → E; A0, b0, A1, b1, Y
    assert picture.arrows("parameter") == 4
    assert picture.arrows("layer") == 1  # ∂f2/∂f1; nothing is asked for by X
    assert picture.arrows("cost") == 1
    words = picture.words()
    assert "σ(A0 X + b0)" in words
    assert "∂f2/∂f1" in words
    assert "= diag(σ′(Z2)) · A1" in words
    assert {"∂f1/∂A0", "∂f2/∂b1", "4×3", "scalar"} <= set(words)


def test_five_layers_are_broken_into_rows(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)  # a chain needs no other library
    picture = Picture(network((4, 5, 5, 5, 5, 2)).svg())
    assert_legible(picture)
    assert picture.view.right - picture.view.left < 1100
    tops = {round(node.top) for node in picture.nodes()}
    assert len(tops) == 4  # two rows of layers, each with its parameters below
    assert picture.arrows("parameter") == 10
    assert picture.arrows("layer") == 4


def test_the_middle_of_a_very_deep_network_is_left_out():
    picture = Picture(network((2,) * 41).svg())
    assert_legible(picture)
    assert any("more layers" in text for text in picture.words())
    assert picture.arrows("parameter") == 2 * 9  # five layers at the start, four before E


def test_layers_with_many_inputs_have_room():
    def f(a, b, c, d, A, e, g, h, k, m, n, o, x):
        u = A @ x * a + b * c + d + e + g
        v = u * h + k * m + n * o
        w = v + np.sin(v) * np.exp(v)
        return np.sum(w)

    args = [np.ones(2)] * 4 + [np.eye(2)] + [np.ones(2)] * 8
    d = cr.derive(f, wrt=tuple(range(12)))(*args)
    assert chain_of(flow_of(d)) is not None
    assert_legible(Picture(d.svg()))


def test_an_identity_among_the_factors_of_a_layer_is_not_written():
    def f(x, b):
        Z = x + b
        f = np.tanh(Z)
        return f @ f

    words = Picture(cr.derive(f)(np.ones(2), np.ones(2)).svg()).words()
    assert "= diag(tanh′(Z))" in words


def test_a_factor_that_is_too_long_is_told_by_the_arrow_alone():
    def f(x):
        y = np.sin(x) * np.exp(x) * np.cos(x) * np.tanh(x) * np.sqrt(x) * np.log(x)
        return np.sum(y)

    d = cr.derive(f)(np.ones(2))
    words = picture_of(d).words()
    assert "∂y/∂x" in words
    assert not any(text.startswith("= ") and "tanh" in text for text in words)
    assert "<title>∂y/∂x = diag(" in d.svg()


def test_a_function_that_returns_its_argument_is_one_circle():
    picture = Picture(cr.derive(lambda x: x)(np.ones(3)).svg())
    assert picture.names() == ["x, 3"]


@pytest.mark.parametrize("name", ["A", "a_rather_long_name_for_a_matrix", "theta", "W"])
def test_names_of_any_length_have_room(name: str):
    scope: dict = {"np": np}
    exec(f"def E({name}, x, y):\n  e = {name} @ x - y\n  return e @ e", scope)
    picture = Picture(cr.derive(scope["E"])(np.ones((300, 2)), np.ones(2), np.ones(300)).svg())
    assert_legible(picture)


def test_a_parameter_of_two_layers_is_no_plain_chain():
    def f(A, x):
        z = np.tanh(A @ x)
        return np.sum(A @ z)

    assert chain_of(flow_of(cr.derive(f)(np.eye(2), np.ones(2)))) is None


def by_columns(X, A0, b0, A1, b1, Y):
    f1 = np.tanh(A0 @ X + b0[:, None])
    return np.sum((A1 @ f1 + b1[:, None] - Y) ** 2)


def by_rows(X, A0, b0, A1, b1, Y):
    f1 = np.tanh(X @ A0 + b0)
    return np.sum((f1 @ A1 + b1 - Y) ** 2)


def of_one_layer(X, A0, b0, A1, b1, Y):
    return np.sum(np.tanh(A0 @ X + b0[:, None]) ** 2)


NETWORKS = {
    by_columns: ((3, 5), (4, 3), (4,), (2, 4), (2,), (2, 5)),
    by_rows: ((5, 3), (3, 4), (4,), (4, 2), (2,), (5, 2)),
    of_one_layer: ((3, 5), (4, 3), (4,), (2, 4), (2,), (2, 5)),
}
SUBSETS = [(k,) for k in range(6)] + [(0, 1), (1, 2), (2, 1), (1, 2, 3, 4), (0, 1, 2, 3, 4, 5)]


@pytest.mark.parametrize("wrt", SUBSETS, ids=str)
@pytest.mark.parametrize("f", NETWORKS, ids=lambda f: f.__name__)
def test_the_line_leads_from_the_data_to_the_cost_whatever_is_differentiated_by(f, wrt):
    arrays = [np.full(shape, 0.1) for shape in NETWORKS[f]]
    d = cr.derive(f, wrt)(*arrays)
    chain = chain_of(flow_of(d))
    assert chain is not None
    if chain.layers:
        assert chain.start == "X"
        assert chain.layers[-1].name == f.__name__
        beneath = {name for layer in chain.layers for name, _ in layer.inputs}
        assert {"A0", "b0"} <= beneath <= {"A0", "b0", "A1", "b1", "Y"}


@pytest.mark.parametrize("wrt", [(0,), (2,), (2, 1), (5, 0, 3)], ids=str)
def test_the_passes_have_one_order_whatever_is_differentiated_by(wrt):
    arrays = [np.full(shape, 0.1) for shape in NETWORKS[by_columns]]
    found, first = (cr.derive(by_columns, by)(*arrays) for by in (wrt, 1))
    assert [item.name for item in found.quantities] == [item.name for item in first.quantities]
    inner = [step.bottom for step in first.steps if not step.is_target]
    assert [step.bottom for step in found.steps if not step.is_target] == inner


@pytest.mark.parametrize("by", [0, 1, "x", "A"])
def test_a_layer_alone_starts_at_what_the_matrix_is_multiplied_by(by):
    def f(x, A):
        return np.sin(A @ x)

    chain = chain_of(flow_of(cr.derive(f, by)(np.ones(2), np.eye(2))))
    assert chain is not None
    assert chain.start == "x"
    assert [name for name, _ in chain.layers[0].inputs] == ["A"]


LONG = "a_name_that_is_so_long_that_it_would_fill_a_whole_row_of_the_picture_by_itself"


@pytest.mark.parametrize("place", range(5))
def test_no_name_is_cut(place):
    """A name is written in full in its box and on every arrow, however long it is."""
    names = ["weights_of_the_first_layer", "data", "bias_of_the_first_layer", "target", "hidden"]
    names[place] = LONG
    W, x, b, y, h = names
    scope: dict = {"np": np}
    lines = f"def E({W}, {x}, {b}, {y}):", f" {h} = np.tanh({W} @ {x} + {b})"
    exec("\n".join([*lines, f" return np.sum(({h} - {y}) ** 2)"]), scope)
    for wrt in ((0,), (0, 1, 2, 3)):
        d = cr.derive(scope["E"], wrt)(np.eye(3, 2), np.ones(2), np.ones(3), np.ones(3))
        picture = Picture(d.svg())
        assert_legible(picture)
        written = " ".join(picture.words())
        assert "…" not in written
        for name in names:
            base, below, _ = lettered(name)
            assert sum(base + below in text for text in picture.words()) >= 2


def test_no_name_is_cut_in_a_graph():
    pytest.importorskip("pygraphviz")
    scope: dict = {"np": np}
    exec(f"def E({LONG}):\n return np.sum(np.sin({LONG}) * np.cos({LONG}) + {LONG})", scope)
    picture = Picture(cr.derive(scope["E"])(np.ones(3)).svg())
    assert_legible(picture)
    assert "…" not in " ".join(picture.words())


# -- graphs ---------------------------------------------------------------------------------------


def test_a_function_of_forty_operations_stays_legible():
    picture = picture_of(forty_operations())
    assert_legible(picture)
    assert picture.view.right - picture.view.left < 1000
    boxes = [name.split(" = ")[0] for name in picture.names()]
    assert [name for name in boxes if name.startswith("y")] == [f"y{k}" for k in range(1, 11)]
    assert sum(name.startswith("x") for name in boxes) == 10  # once for each that uses it
    assert picture.arrows("parameter") == 10
    assert picture.arrows("layer") == 9


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda item: item.name)
def test_the_lectures_examples_are_legible(example: Example):
    d = cr.derive(example.function, wrt=example.wrt)(*example.args)
    assert_legible(picture_of(d))


@pytest.mark.parametrize("identity", IDENTITIES, ids=lambda item: item.name)
def test_the_identities_are_legible(identity: Identity):
    d = cr.derive(identity.function, wrt=identity.wrt)(*point(identity.function, 1))
    assert_legible(picture_of(d))


@pytest.mark.parametrize("case", MODELS, ids=lambda item: item.name)
def test_models_are_legible(case):
    everything = tuple(range(len(case.arguments)))
    assert_legible(picture_of(cr.derive(case.weighted(np, cr), wrt=everything)(*case.arguments)))


@given(functions(3))
def test_generated_functions_have_an_arrow_for_each_link(case: Generated):
    d = cr.derive(case.function)(case.x)
    flow = flow_of(d)
    picture = picture_of(d)
    assert_legible(picture)
    if chain_of(flow) is None:
        assert picture.arrows("forward") == len(flow.links)
        backward = [link.kind for link in flow.links if link.kind]
        assert sum(picture.arrows(kind) for kind in DASHES) == len(flow.links) + len(backward)


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    d = forty_operations()
    with pytest.raises(MissingPackage, match=r"svg: .*pip install 'chainrule\[pictures\]'"):
        d.svg()
    assert "chainrule[pictures]" in d.html()  # the page says so in the place of the picture


# -- as a document --------------------------------------------------------------------------------


def test_it_needs_nothing_else_and_says_what_it_shows(lecture):
    svg = lecture.svg()
    root = Picture(svg).root
    assert root.attrib["role"] == "img"
    title, description = root[0].text, root[1].text
    assert title == "Forward and backward pass from E to b1, A1, b0, A0"
    assert description is not None
    assert "f1 = σ(Z1)" in description
    assert "∂Z2/∂A1 (parameter)" in description
    assert not re.search(r"script|href|url\(|@import", svg)
    assert svg.count("http") == 1  # the name of the XML language


def test_no_meaning_is_carried_by_colour_alone(lecture):
    assert len(set(DASHES.values())) == len(DASHES)
    assert len(set(COLOURS.values())) == len(COLOURS)
    words = " ".join(Picture(lecture.svg()).words())
    for kind in ("forward", "cost", "layer", "parameter"):
        assert kind in words  # the legend


def test_a_name_that_is_markup_or_has_control_characters_is_text():
    def f(p):
        return np.sum(p["<script>&\x07"] ** 2) + p["]]>"]

    svg = cr.derive(f)({"<script>&\x07": np.ones(2), "]]>": 1.0}).svg()
    assert "<script" not in svg
    assert any("<script>&" in text for text in Picture(svg).words())


# -- lines of text --------------------------------------------------------------------------------


def test_a_marked_line_in_pieces():
    line = f"σ({ARRAY}A_out{END} x)"
    assert [(item.text, item.kind) for item in pieces(line)] == [
        ("σ(", "plain"), ("A", "array"), ("out", "below"), (" x)", "plain"),
    ]  # fmt: skip
    assert plain(line) == "σ(A_out x)"
    assert 'class="below" dy=' in tspans(line)
    assert width(line, 10) > width("σ(A x)", 10)


def test_a_long_line_is_broken_before_operators_or_cut():
    line = " + ".join(f"{ARRAY}x{k}{END}" for k in range(10))
    parts = broken(line, 15, 80, 3)
    assert len(parts) == 3
    assert all(width(part, 15) <= 80 for part in parts)
    assert all(part.startswith("+ ") for part in parts[1:])
    assert parts[-1].endswith("…")
    assert shortened("short", 15, 120) == "short"
    cut = shortened(line, 15, 60)
    assert width(cut, 15) <= 60
    assert cut.count(ARRAY) == cut.count(END)  # no name is cut in two
