"""What a derivation speaks of: names, several arguments, results of any shape, bad input."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ArgumentError, DtypeError, MissingRuleError
from chainrule.notation.text import TextNotation

CLOSE = 1e-12  # float64, a few products in another order
TEXT = TextNotation()
rng = np.random.default_rng(5)


def names(d: cr.Derivation) -> list[str]:
    return [item.name for item in d.quantities]


def test_a_derivation_is_short_to_look_at():
    d = cr.derive(lambda x, A: np.sum(cr.sigmoid(A @ x)), wrt=(0, 1))(np.ones(3), np.eye(3))
    assert repr(d) == "<Derivation of f by x, A: 2 steps, all checked>"
    assert repr([d]) == f"[{d!r}]"
    kink = cr.derive(lambda x: np.sum(np.abs(x)))(np.zeros(2))
    assert repr(kink) == "<Derivation of f by x: 1 step, 1 of them wrong>"


def test_what_a_loop_names_again_is_numbered():
    def f(A, x):
        for _ in range(3):
            x = np.tanh(A @ x)
        return np.sum(x)

    d = cr.derive(f)(rng.normal(size=(3, 3)), rng.normal(size=3))
    assert names(d) == ["A", "x", "x1", "x2", "x3", "f"]
    assert d.ok


def test_leaves_of_containers_have_short_names():
    params = {"A0": np.ones((2, 3)), "b0": np.ones(2)}
    d = cr.derive(lambda params, x: np.sum(params["A0"] @ x + params["b0"]))(params, np.ones(3))
    assert names(d)[:3] == ["A0", "b0", "x"]
    layers = [{"A": np.ones((2, 2))}, {"A": np.ones((1, 2))}]
    d = cr.derive(lambda layers, x: np.sum(layers[1]["A"] @ layers[0]["A"] @ x))(layers, np.ones(2))
    assert names(d)[:3] == ["A0", "A1", "x"]


def test_leaves_with_one_short_name_keep_their_paths():
    params = {"a": {"w": np.ones(2)}, "b": {"w": np.ones(2)}}
    d = cr.derive(lambda params: params["a"]["w"] @ params["b"]["w"])(params)
    assert {step.bottom for step in d.targets} == {"params['a']['w']", "params['b']['w']"}
    assert "mathtt" in d.latex()


def test_captured_arrays_have_the_names_by_which_they_are_reached():
    Phi = rng.normal(size=(4, 2))
    d = cr.derive(lambda theta: Phi @ theta)(np.ones(2))
    assert TEXT(d.steps[0].expression) == "Phi"


def test_arrays_without_a_name_are_numbered():
    d = cr.derive(lambda x: np.array([[1.0, 2.0], [3.0, 5.0]]) @ x)(np.ones(2))
    assert TEXT(d.steps[0].expression) == "C1"
    assert "C1" in names(d)


def test_shared_unnamed_values_get_names():
    d = cr.derive(lambda x: np.sqrt(np.exp(x) + 1) + np.cos(np.exp(x) + 1))(0.5)
    assert [step.bottom for step in d.steps] == ["v1", "x"]
    assert d.steps[0].parts[0].user == "f"


def test_long_unnamed_expressions_get_names():
    def f(x):
        return np.sum(np.sin(np.cos(np.tanh(np.exp(-(x**2) / 2 + 3 * x) * x - 1) * 2 + x) ** 3))

    d = cr.derive(f)(np.array([0.3, 0.7]))
    assert any(step.bottom.startswith("v") for step in d.steps)
    assert max(len(TEXT(step.local)) for step in d.steps) < 200
    assert d.ok


def test_several_arguments_share_their_steps():
    def f(a, b):
        u = a * b
        return np.sum(u**2)

    d = cr.derive(f, wrt=("a", "b"))(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    assert [step.bottom for step in d.steps] == ["u", "a", "b"]
    assert [step.bottom for step in d.targets] == ["a", "b"]
    for step, gradient in zip(d.targets, cr.grad(f, wrt=("a", "b"))(
        np.array([1.0, 2.0]), np.array([3.0, 4.0])), strict=True
    ):  # fmt: skip
        np.testing.assert_allclose(step.value, gradient, rtol=CLOSE)


def test_several_paths_are_summed():
    def f(x):
        u = np.sin(x)
        v = u * x
        return np.sum(u * v)

    d = cr.derive(f)(np.array([0.5, 1.5]))
    step = d.step("u")
    assert [part.user for part in step.parts] == ["f", "v"]
    assert step.rule.equation == "5.53"
    assert step.factors == ()


def test_an_argument_without_influence_has_zeros():
    d = cr.derive(lambda x, y: np.sum(x), wrt="y")(np.ones(2), np.ones(3))
    (step,) = d.steps
    assert TEXT(step.expression) == "0"
    np.testing.assert_array_equal(step.value, np.zeros(3))
    assert str(step.rule) == "does not depend on it"


@pytest.mark.parametrize("argument", [np.ones(2), 3.0])
def test_the_result_may_be_the_argument(argument):
    (step,) = cr.derive(lambda x: x)(argument).steps
    np.testing.assert_array_equal(
        step.value, np.eye(np.size(argument)).reshape(np.shape(step.value))
    )


def test_stopped_gradients_stay_stopped():
    d = cr.derive(lambda x: np.sum(x * cr.stop_gradient(x)))(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(d.steps[-1].value, [1.0, 2.0])
    assert d.ok


def test_activations_are_written_out_on_demand():
    def f(Z):
        return cr.sigmoid(Z)

    d = cr.derive(f, expanded=True)(np.array([0.3, -0.2]))
    assert TEXT(d.steps[0].expression) == "diag(f ⊙ (1 − f))"


def test_letters_stand_for_sizes():
    d = cr.derive(lambda x: np.mean(x**2), letters={7: "n"})(np.arange(7.0))
    assert "(2/n) xᵀ   1×n" in str(d)


def test_branches_are_taken_as_at_the_point():
    def f(x):
        y = x**2
        if np.sum(x) > 0:
            return np.sum(y * x)
        return np.sum(y)

    for x in (np.array([1.0, 2.0]), np.array([-1.0, -2.0])):
        d = cr.derive(f)(x)
        np.testing.assert_allclose(d.steps[-1].value, cr.grad(f)(x), rtol=CLOSE)
        assert d.ok


def test_a_function_that_takes_no_stand_ins_for_its_data():
    """float() of an argument that is not differentiated by: only the others are traced."""
    d = cr.derive(lambda x, k: np.sum(x) * float(k))(np.ones(2), np.float64(3.0))
    np.testing.assert_array_equal(d.steps[0].value, [3.0, 3.0])


def test_single_precision():
    d = cr.derive(lambda x: np.sum(np.exp(x) ** 2))(np.float32([0.1, 0.2]))
    assert d.steps[-1].value.dtype == np.float32
    assert d.ok


def test_of_many_examples_by_vmap():
    X, Y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))

    def cost(A):
        def of_one(x, y):
            Z = A @ x
            return 0.5 * np.sum((cr.sigmoid(Z) - y) ** 2)

        return np.sum(cr.vmap(of_one)(X, Y))

    A = rng.normal(size=(2, 3))
    d = cr.derive(cost)(A)
    assert "Z    = X Aᵀ" in str(d)
    np.testing.assert_allclose(d.step("A").value, cr.grad(cost)(A), rtol=CLOSE)


def test_a_chain_through_matrices_is_told_in_words():
    """Jacobians of matrices by matrices are too large to look at; where each leads is said."""

    def cost(W, b, X, Y):
        Z = X @ W + b
        F = np.tanh(Z)
        return 0.5 * np.sum((F - Y) ** 2)

    args = rng.normal(size=(3, 2)), rng.normal(size=2), rng.normal(size=(5, 3)), np.ones((5, 2))
    d = cr.derive(cost, wrt=("b", "W"))(*args)
    assert TEXT(d.step("W").local) == "Xᵀ · ∂cost/∂Z"
    assert TEXT(d.step("b").local) == "1ᵀ · ∂cost/∂Z"
    assert TEXT(d.step("W").expression) == "Xᵀ((F − Y) ⊙ tanh′(Z))"
    assert "through F (cost, reused), Z (layer, reused), W (parameter)" in str(d)
    assert r"\text{through } \mathbf{F}\ \text{(cost, reused)}" in d.latex()
    assert "⊗" not in str(d)


def test_a_network_with_784_inputs_prints_shapes():
    def f(W, b, x):
        Z = W @ x + b
        return np.sum(cr.sigmoid(Z) ** 2)

    text = str(cr.derive(f, wrt=("W", "b"))(np.ones((128, 784)) / 784, np.zeros(128), np.ones(784)))
    assert len(text) < 2500
    assert max(map(len, text.splitlines())) <= 100


def test_integers_are_refused():
    with pytest.raises(DtypeError, match="derive: argument x holds integers, which have no"):
        cr.derive(lambda x: np.sum(x))(np.arange(3))


def test_several_results_are_refused():
    with pytest.raises(ArgumentError, match="derive: the function must return one array or number"):
        cr.derive(lambda x: (x, x))(np.ones(2))


def test_whole_numbers_are_no_result():
    with pytest.raises(DtypeError, match="derive: the function returns whole numbers or booleans"):
        cr.derive(lambda x: x > 0)(np.ones(2))


def test_what_cannot_be_traced_says_so():
    with pytest.raises(MissingRuleError, match="no derivative rule here"):
        cr.derive(lambda x: np.linalg.eigvals(np.outer(x, x)))(np.ones(2))


def test_a_step_that_is_not_there():
    d = cr.derive(lambda x: np.sum(x))(np.ones(2))
    with pytest.raises(ArgumentError, match="derive: there is no step for 'y'; got x"):
        d.step("y")


def test_a_wrong_wrt():
    with pytest.raises(ArgumentError, match="derive: wrt='z' names no argument"):
        cr.derive(lambda x: np.sum(x), wrt="z")(np.ones(2))


def test_jupyter_shows_mathematics():
    d = cr.derive(lambda x: x @ x)(np.ones(2))
    assert d._repr_latex_().startswith("$$\n\\begin{aligned}")
    assert d._repr_markdown_() == d.markdown()
    assert d.latex(standalone=True).startswith("\\documentclass")


def test_a_captured_array_keeps_its_name_on_the_way_back():
    W = np.array([[1.0, 2.0, -1.0], [0.5, -0.3, 0.8]])

    def E(x):
        Z = W @ x
        f = cr.sigmoid(Z)
        return 0.5 * np.sum(f**2)

    d = cr.derive(E)(np.array([0.3, -0.7, 1.1]))
    assert "∂E/∂x = ∂E/∂Z · W " in str(d)
    assert "C1" not in str(d)
