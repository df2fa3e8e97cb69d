"""The lecture's examples, shown: the whole text and the LaTeX are kept as files beside this one."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.notation.evaluation import evaluate
from chainrule.notation.text import TextNotation
from tests.derivations.lecture import EXAMPLES, NETWORK, Example, f_5_68, two_layers

GOLDEN = Path(__file__).parent / "golden"
CLOSE = 1e-12  # products of a few float64 matrices in another order, entries of size 1


def derived(example: Example) -> cr.Derivation:
    return cr.derive(example.function, wrt=example.wrt)(*example.args)


def without_rounding(text: str) -> str:
    """The errors of the checks are rounding, which differs from machine to machine."""
    return re.sub(r"✓ [\d.e-]+", "✓", text)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda item: item.name)
@pytest.mark.parametrize("kind", ["txt", "tex", "md"])
def test_golden(example: Example, kind: str):
    d = derived(example)
    shown = {"txt": str(d), "tex": d.latex(), "md": d.markdown()}[kind]
    path = GOLDEN / f"{example.name.replace(' ', '_')}.{kind}"
    if os.environ.get("WRITE_GOLDEN"):  # pragma: no cover
        path.write_text(without_rounding(shown) + "\n", "utf-8")
    assert without_rounding(shown) + "\n" == path.read_text("utf-8")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda item: item.name)
def test_the_values_are_those_of_grad_and_jacobian(example: Example):
    d = derived(example)
    assert d.ok
    whole = cr.jacobian(example.function, wrt=example.wrt)(*example.args)
    leaves = []
    for item in whole if isinstance(whole, tuple) else [whole]:
        leaves += [(k, v) for k, v in item.items()] if isinstance(item, dict) else [(None, item)]
    found = {step.bottom: step.value for step in d.targets}
    names = [example.wrt] if isinstance(example.wrt, str) else list(example.wrt)
    for (key, J), name in zip(leaves, names if len(names) == len(leaves) else found, strict=True):
        np.testing.assert_allclose(
            found[key or name], J.toarray(), rtol=CLOSE, atol=CLOSE, err_msg=str(key or name)
        )


@pytest.fixture(name="network")
def _network() -> cr.Derivation:
    return cr.derive(two_layers, wrt=("b0", "A0", "b1", "A1"))(*NETWORK)


def test_the_chain_to_b0_has_the_lectures_factors_in_the_lectures_order(network: cr.Derivation):
    notation = TextNotation()
    factors = network.step("b0").factors
    assert [notation(item.expression) for item in factors] == [
        "(f2 − Y)ᵀ", "diag(σ′(Z2))", "A1", "diag(σ′(Z1))", "I",
    ]  # fmt: skip
    assert [item.shape for item in factors] == [(1, 2), (2, 2), (2, 4), (4, 4), (4, 4)]
    assert [item.kind for item in factors] == ["cost", "layer", "layer", "layer", "parameter"]
    assert [(item.top, item.bottom) for item in factors] == [
        ("E", "f2"), ("f2", "Z2"), ("Z2", "f1"), ("f1", "Z1"), ("Z1", "b0"),
    ]  # fmt: skip
    rules = [str(item.rule) for item in factors]
    assert rules == [
        "least squares (5.81)", "elementwise", "f = Ax (5.68)", "elementwise", "sum rule (5.47)",
    ]  # fmt: skip


def test_what_was_computed_for_b1_is_reused_for_b0(network: cr.Derivation):
    reused = [item.bottom for item in network.step("b0").factors if item.reused]
    assert reused == ["f2", "Z2"]
    assert not any(item.reused for item in network.step("b1").factors)


def test_the_product_of_the_factors_is_the_gradient(network: cr.Derivation):
    from_factors = [evaluate(item.expression, network.values)
                    for item in network.step("b0").factors]  # fmt: skip
    product = np.linalg.multi_dot(from_factors)
    gradient = cr.grad(two_layers, wrt="b0")(*NETWORK)
    np.testing.assert_allclose(product.ravel(), gradient, rtol=CLOSE, atol=CLOSE)


@pytest.mark.parametrize(
    ("matrix", "letter", "inner", "short", "collected"),
    [("A1", "α", "∂A1/∂α · f1", "δ2", "δ2ᵀ f1ᵀ"), ("A0", "β", "∂A0/∂β · X", "δ1", "δ1ᵀ Xᵀ")],
)
def test_a_matrix_by_one_entry_and_collected(
    network: cr.Derivation, matrix: str, letter: str, inner: str, short: str, collected: str
):
    step = network.step(matrix)
    entry = step.entry
    assert entry is not None
    assert (entry.name, entry.matrix, entry.position) == (letter, matrix, (0, 0))
    assert TextNotation()(entry.inner) == inner
    user = network.step(entry.user)
    assert user.short == short
    assert TextNotation(shorts={user.bottom: short})(step.local) == collected
    gradient = cr.grad(two_layers, wrt=matrix)(*NETWORK)
    assert step.value.shape == step.shape == gradient.shape
    assert entry.value == pytest.approx(gradient[0, 0], rel=CLOSE)


@pytest.mark.parametrize(
    "cost",
    [
        lambda f2, Y: 0.5 * np.sum((f2 - Y) ** 2),
        lambda f2, Y: 0.5 * np.linalg.norm(f2 - Y) ** 2,
        lambda f2, Y: (f2 - Y).T @ (f2 - Y) / 2,
        lambda f2, Y: 0.5 * np.dot(f2 - Y, f2 - Y),
    ],
)
def test_however_the_cost_is_written(cost):
    def f(f2, Y):
        E = cost(f2, Y)
        return E  # noqa: RET504  # its name is shown

    (step,) = cr.derive(f)(NETWORK[3], NETWORK[5]).steps
    assert TextNotation()(step.expression) == "(f2 − Y)ᵀ"
    assert str(step.rule) == "least squares (5.81)"


def test_5_92_row_i_is_x_transposed_where_it_belongs():
    A, x = NETWORK[0], NETWORK[4]
    (step,) = cr.derive(f_5_68, wrt="A")(A, x).steps
    assert TextNotation()(step.expression) == "I ⊗ xᵀ"
    expected = np.zeros((4, 4, 3))
    for i in range(4):
        expected[i, i] = x
    np.testing.assert_array_equal(step.value, expected)
