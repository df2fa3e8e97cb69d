"""Each step's independent value: exact, blind to the rules, and failing where it should."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import chainrule as cr
from chainrule.derivations.independent import Downstream, forward_values
from chainrule.graph.node import Node, make, new_input
from chainrule.graph.walk import topological
from chainrule.primitives.contraction import CONTRACT
from chainrule.primitives.elementwise import ROWS
from chainrule.primitives.transcendental import sigmoid

x = np.array([0.3, -0.7, 1.1])
W = np.array([[1.0, 2.0, -1.0], [0.5, -0.3, 0.8]])


def network(x):
    Z = W @ x
    f = cr.sigmoid(Z)
    return np.sum(f**2)


def test_the_methods_are_stated():
    d = cr.derive(network)(x)
    assert {step.check.method for step in d.steps} == {"complex step"}
    assert all(step.check.error < 1e-14 for step in d.steps)  # rounding of a dozen operations
    assert "a complex step through the forward path" in str(d)


def test_differences_where_a_function_does_not_go_on_to_complex_numbers():
    d = cr.derive(lambda x: np.sum(np.logaddexp(x, 2 * x)))(x)
    (step,) = d.steps
    assert step.check.method == "differences"
    assert step.check.ok
    assert step.check.error < 1e-9  # Richardson's scheme gives about eleven digits
    assert "central differences" in str(d)


def test_against_many_digits():
    """The complex step of (5.109) against mpmath's derivative at fifty digits."""

    def f(x):
        c = x**2 + np.exp(x**2)
        return np.sqrt(c) + np.cos(c)

    def precise(t):
        c = t**2 + mpmath.exp(t**2)
        return mpmath.sqrt(c) + mpmath.cos(c)

    with mpmath.workdps(50):
        expected = float(mpmath.diff(precise, mpmath.mpf(0.5)))
    step = cr.derive(f)(0.5).step("x")
    assert step.value == pytest.approx(expected, rel=1e-14)
    assert step.check.ok


def test_a_wrong_rule_in_the_engine_is_seen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ROWS["sin"], "derivatives", (lambda x, y: -np.cos(x),))
    d = cr.derive(lambda x: np.sum(np.sin(x)))(x)
    assert not d.ok
    assert "✗" in str(d)
    assert "✗ ∂f/∂x: a relative error of 2.0e+00; its entry [0] is" in str(d)
    assert "✗" in d.markdown()


def test_a_wrong_derivative_of_an_activation_is_seen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ROWS["sigmoid"], "derivatives", (lambda x, y: y,))
    d = cr.derive(network)(x)
    assert [step.bottom for step in d.steps if not step.check.ok] == ["Z", "x"]
    assert d.step("f").check.ok


def test_a_wrong_product_in_the_engine_is_seen(monkeypatch: pytest.MonkeyPatch):
    right = type(CONTRACT).jacobian

    def wrong(self, node, position):
        return [term._replace(scale=2 * term.scale) for term in right(self, node, position)]

    monkeypatch.setattr(type(CONTRACT), "jacobian", wrong)
    assert not cr.derive(network)(x).ok


def test_the_check_asks_for_no_rule(monkeypatch: pytest.MonkeyPatch):
    """Once the graph is there, no derivative is looked at."""
    graph = cr.trace(network, x)
    (source,), (output,) = graph.inputs, graph.outputs
    order = topological([output])
    values = forward_values(order)

    def refuse(*args):
        raise AssertionError("a rule was asked for")

    monkeypatch.setattr(type(sigmoid), "jacobian", refuse)
    monkeypatch.setattr(type(CONTRACT), "jacobian", refuse)
    downstream = Downstream(order, source, output, values)
    direction = np.array([1.0, 0.0, 0.0])
    slope, method = downstream.derivative(direction)
    z = 1 / (1 + np.exp(-(W @ x)))
    assert method == "complex step"
    assert slope == pytest.approx(2 * (z * z * (1 - z)) @ W[:, 0], rel=1e-14)


KINKS = [
    ("relu", lambda x: np.sum(cr.relu(x)), [0.0, 1.0], "relu′(0) = 0"),
    ("absolute", lambda x: np.sum(np.abs(x)), [0.0, 1.0], "|x|′ = 0 at 0"),
    ("maximum", lambda x: np.sum(np.maximum(x, 1.0)), [1.0, 2.0], "a tie gives each side ½"),
    ("max", lambda x: np.max(x), [2.0, 2.0], "entries that tie share the derivative equally"),
]


@pytest.mark.parametrize(("name", "f", "point", "convention"), KINKS, ids=[k[0] for k in KINKS])
def test_a_point_without_a_derivative_is_named(name, f, point, convention):
    d = cr.derive(f)(np.array(point))
    assert [(item.function, item.convention) for item in d.notices] == [(name, convention)]
    assert convention in " ".join(str(d).split())
    assert not d.ok
    assert "✗ kink" in str(d)
    assert d.steps[0].check.note == "no derivative at this point: right and left differ"
    np.testing.assert_array_equal(d.steps[0].value, cr.grad(f)(np.array(point)))


@pytest.mark.parametrize(("name", "f", "point", "convention"), KINKS, ids=[k[0] for k in KINKS])
def test_beside_it_all_is_well(name, f, point, convention):
    d = cr.derive(f)(np.array([0.25, 3.0]))
    assert d.ok
    assert d.notices == ()


def test_a_kink_that_does_no_harm_passes():
    d = cr.derive(lambda x: np.sum(np.abs(x) ** 3))(np.array([0.0, 1.0]))
    assert d.ok
    assert [item.function for item in d.notices] == ["absolute"]


@pytest.mark.parametrize("row", sorted(ROWS))
def test_continued_functions_agree_on_real_numbers(row: str):
    """What a complex step runs through has the function's own values, and real ones."""
    primitive = ROWS[row]
    rng = np.random.default_rng(1)
    arrays = [rng.uniform(low, high, 5) for low, high in primitive.domain]
    graph = _node(primitive, arrays)
    function = primitive.continued(graph) if graph is not None else None
    if function is None:
        return
    result = function(*(a.astype(complex) for a in arrays))
    np.testing.assert_allclose(result.real, primitive.value(*arrays), rtol=1e-13, atol=1e-14)
    assert np.all(result.imag == 0)


def _node(primitive, arrays) -> Node | None:
    """The row applied to floating-point inputs, where it takes them."""

    inputs = tuple(new_input(a.shape, a.dtype, a) for a in arrays)
    try:
        return make(primitive, inputs)
    except cr.errors.DtypeError:
        return None
