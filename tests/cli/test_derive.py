"""`chainrule derive` as a person runs it: what it prints, and how it says what is wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import main
from chainrule.errors import SingularError


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


@pytest.mark.parametrize("formula", ["-sum(h*log(p))", "-tanh(p) @ h", "-h @ p", "-(h - p)@h"])
def test_a_formula_may_begin_with_a_minus(run, formula):
    options = ("--wrt", "p", "--shape", "h=3", "--shape", "p=3")
    status, out, err = run(formula, *options)
    assert (status, err) == (0, "")
    assert run(*options, formula) == (0, out, "")
    assert run(*options, "--", formula) == (0, out, "")


def test_definitions_are_the_quantities(run):
    status, out, _ = run("Z = A @ x + b; f1 = sigmoid(Z); E = sum((f1 - y)**2)", "--wrt", "b",
                         *[part for name in ("A=2x3", "x=3", "b=2", "y=2")
                           for part in ("--shape", name)])  # fmt: skip
    assert status == 0
    assert "Z  = A x + b" in out
    assert "diag(σ′(Z))" in out


SENTENCES = {
    "s**(1e308*10)": ("s=scalar", "1e308*10: this number is too large or not defined; write one "
                      "that is finite"),
    "det(s)": ("s=3x4", "det(s): s is 3×4, and only a square matrix has a determinant"),
    "sum(kron(kron(kron(kron(s, s), s), s), s))": (
        "s=20x30", "kron(kron(s, s), s): it has 216,000,000 entries, and no more than "
        "1,000,000 are computed in a formula; give smaller shapes, or write a Python function of "
        "NumPy arrays"),
}  # fmt: skip


@pytest.mark.parametrize("formula", SENTENCES)
def test_what_cannot_be_computed_is_one_sentence(run, formula):
    shape, said = SENTENCES[formula]
    status, out, err = run(formula, "--wrt", "s", "--shape", shape)
    assert (status, out) == (1, "")
    assert err.splitlines()[0] == f"Error: {said}"


def test_a_singular_matrix_is_refused_by_the_function_that_meets_it(run):
    for formula, name in (("logdet(A)", "slogdet"), ("sum(inv(A))", "inv")):
        status, _, err = run(formula, "--wrt", "A", "--at", "A=[[1,2],[2,4]]")
        assert status == 1
        assert f"np.linalg.{name}: the matrix is singular" in err
    with pytest.raises(SingularError, match=r"^derivative of np\.linalg\.slogdet: the ma"):
        cr.grad(lambda A: np.linalg.slogdet(A)[1])(np.array([[1.0, 2.0], [2.0, 4.0]]))


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


FORMATS = (
    ("text", "txt", "Forward path"), ("latex", "tex", r"\begin{align*}"),
    ("markdown", "md", "$$"), ("html", "html", "<!DOCTYPE html>"), ("svg", "svg", "<svg "),
)  # fmt: skip
SUM = ("sum(A @ x)", "--wrt", "x", "--shape", "A=m×n", "--shape", "x=n")


@pytest.mark.parametrize(("name", "suffix", "begins"), FORMATS)
def test_each_format_reaches_stdout_or_a_file(run, name, suffix, begins, tmp_path):
    status, shown, _ = run(*SUM, "--format", name)
    assert status == 0
    assert begins in shown
    by_name, asked = tmp_path / f"passes.{suffix}", tmp_path / "passes.other"
    assert run(*SUM, "--out", str(by_name)) == (0, "", "")
    assert run(*SUM, "--out", str(asked), "--format", name) == (0, "", "")
    for path in (by_name, asked):
        assert path.read_text(encoding="utf-8").rstrip() == shown.rstrip()


def test_json_goes_to_a_file_too(run, tmp_path):
    path = tmp_path / "steps.json"
    assert run(*SUM, "--json", "--out", str(path)) == (0, "", "")
    assert json.loads(path.read_text())["wrt"] == ["x"]


def test_a_file_that_cannot_be_written_is_told(run, tmp_path):
    given = tmp_path / "point.npz"
    np.savez(given, x=np.ones(2), A=np.eye(2))
    before = given.read_bytes()
    status, _, said = run("sum(A @ x)", "--wrt", "x", "--at", str(given), "--out", str(given))
    assert status == 1
    assert "the output would replace a file that it is made from" in said
    assert given.read_bytes() == before
    status, _, said = run(*SUM, "--out", str(tmp_path / "none" / "a.svg"))
    assert status == 1
    assert "cannot be written" in said


NETWORK = "E = 0.5*norm(sigmoid(A1 @ sigmoid(A0 @ X + b0) + b1) - Y)**2"


@pytest.mark.parametrize("wrt", ["X", "A0", "b0"])
def test_a_formula_in_one_line_names_what_the_lecture_names(run, wrt):
    shapes = ("A0=4x3", "X=3", "b0=4", "A1=2x4", "b1=2", "Y=2")
    options = [part for shape in shapes for part in ("--shape", shape)]
    status, out, _ = run(NETWORK, "--wrt", wrt, *options)
    assert status == 0
    made = [line.split("=")[0].strip() for line in out.splitlines()[2:7]]
    assert made == ["Z1", "f1", "Z2", "f2", "E"]
