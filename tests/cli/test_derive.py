"""`chainrule derive` as a person runs it: what it prints, and how it says what is wrong."""

from __future__ import annotations

import json

import pytest

from chainrule.cli import main


@pytest.fixture
def run(capsys):
    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["derive", *arguments])
        return ended.value.code or 0, *capsys.readouterr()

    return call


def test_a_formula_with_letters(run):
    status, out, err = run("tr(A @ X @ B)", "--wrt", "X", "--shape", "A=k×m", "--shape", "X=m×n",
                           "--shape", "B=n×k")  # fmt: skip
    assert (status, err) == (0, "")
    assert "f = tr(A X B)" in out
    assert "∂f/∂X = Aᵀ Bᵀ   m×n" in out
    assert "✓" in out


def test_definitions_are_the_quantities(run):
    status, out, _ = run("Z = A @ x + b; f1 = sigmoid(Z); E = sum((f1 - y)**2)", "--wrt", "b",
                         *[part for name in ("A=2x3", "x=3", "b=2", "y=2")
                           for part in ("--shape", name)])  # fmt: skip
    assert status == 0
    assert "Z  = A x + b" in out
    assert "diag(σ′(Z))" in out


def test_json_and_latex(run):
    given = ("x' @ A @ x", "--wrt", "x", "--at", "x=[1,2]", "--at", "A=[[1,2],[3,4]]")
    status, out, _ = run(*given, "--json")
    found = json.loads(out)
    assert status == 0
    assert found["ok"]
    assert found["steps"][-1]["value"] == [12.0, 21.0]
    status, out, _ = run(*given, "--format", "latex")
    assert status == 0
    assert r"\mathbf{A}^{\top}" in out


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("A @ x", "--wrt", "x", "--shape", "A=3x4", "--shape", "x=5"), 1,
         "Error: A @ x: A is 3×4 but x has 5 entries\n    A @ x\n    ^^^^^\n"),
        (("sin(x", "--wrt", "x", "--shape", "x=2"), 1, "Error: "),
        (("x**2", "--wrt", "y", "--shape", "x=2"), 1, "Error: derive: "),
        (("x**2", "--shape", "x=2"), 2, "Usage: "),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_sentence(run, arguments, status, said):
    code, out, err = run(*arguments)
    assert (code, out) == (status, "")
    assert err.startswith(said)
    assert "Traceback" not in err
