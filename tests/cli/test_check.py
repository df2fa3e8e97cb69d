"""`chainrule check`: two functions in a file, a report, and the exit status that it deserves."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

MODEL = """
import numpy as np

def cost(theta, X, y, rate=0.5):
    e = X @ theta - y
    return rate * e @ e

def right(theta, X, y, rate=0.5):
    return 2 * rate * X.T @ (X @ theta - y)

def wrong(theta, X, y, rate=0.5):
    return -2 * rate * X.T @ (X @ theta - y)

def both(theta, X, y, rate=0.5):
    e = X @ theta - y
    return 2 * rate * X.T @ e, 2 * rate * np.outer(theta, e)

def broken(theta, X, y, rate=0.5):
    return 1 / 0
"""
SHAPES = ("--shape", "theta=3", "--shape", "X=6x3", "--shape", "y=6")


@pytest.fixture(autouse=True)
def _model(folder):
    (folder / "model.py").write_text(MODEL)


def test_a_right_gradient_ends_with_0(chainrule):
    done = chainrule("check", "model.py:cost", "model.py:right", *SHAPES)
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("RIGHT  ∂cost/∂theta is right at 6 points")


def test_a_wrong_one_is_named_and_ends_with_1(chainrule):
    done = chainrule("check", "model.py:cost", "model.py:wrong", *SHAPES)
    assert (done.status, done.err) == (1, "")
    assert done.out.startswith("WRONG  ∂cost/∂theta has the wrong sign")


def test_the_report_as_json(chainrule):
    done = chainrule("check", "model.py:cost", "model.py:wrong", *SHAPES, "--json")
    assert done.status == 1
    assert done.json["kind"] == "wrong sign"
    assert done.json["worst"]["yours"] == pytest.approx(-done.json["worst"]["true"])
    assert set(done.json["worst"]["point"]) >= {"theta", "X", "y"}


def test_several_arguments_are_judged_each(chainrule):
    wanted = ("--wrt", "theta", "--wrt", "X", "--json")
    done = chainrule("check", "model.py:cost", "model.py:both", *SHAPES, *wanted)
    assert done.status == 1
    assert [part["kind"] for part in done.json["parts"]] == ["right", "transposed"]
    assert done.json["error"] is None


def test_the_same_seed_draws_the_same_point(chainrule):
    runs = [
        chainrule("check", "model.py:cost", "model.py:wrong", *SHAPES, "--json", "--seed", seed).out
        for seed in ("1", "1", "2")
    ]
    assert runs[0] == runs[1] != runs[2]


def test_a_point_from_a_file(chainrule, folder):
    np.savez(folder / "p.npz", theta=np.ones(2), X=np.eye(2), y=np.zeros(2), rate=0.25)
    done = chainrule("check", "model.py:cost", "model.py:right", "--point", "p.npz")
    assert done.status == 0


def test_what_the_file_prints_stays_out_of_the_json(chainrule, folder):
    (folder / "loud.py").write_text("print('hello')\n" + MODEL)
    done = chainrule("check", "loud.py:cost", "loud.py:right", *SHAPES, "--json")
    assert done.json["ok"]
    assert "hello" in done.err


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        ("def cost(:\n", "check: bad.py could not be loaded; got SyntaxError: .* in line 1"),
        ("import nowhere\n", "check: bad.py could not be loaded; got ModuleNotFoundError: .*"),
        ("raise SystemExit(3)\n", "check: bad.py could not be loaded; got SystemExit: 3"),
        ("cost = 3\n", "check: bad.py has no function cost; got no function"),
        ("def kost(): pass\n", "check: bad.py has no function cost; got the functions kost"),
    ],
)
def test_a_broken_file_is_one_sentence(chainrule, folder, contents, said):
    (folder / "bad.py").write_text(contents)
    done = chainrule("check", "bad.py:cost", "model.py:right", *SHAPES)
    assert (done.status, done.out) == (1, "")
    assert re.fullmatch(said, done.error)


def test_functions_that_fail_are_one_sentence(chainrule):
    done = chainrule("check", "model.py:cost", "model.py:broken", *SHAPES)
    assert done.status == 1
    assert done.error == (
        "check: the gradient function failed at the given point; got ZeroDivisionError: division "
        "by zero; it takes f's own arguments and returns the gradient"
    )
    done = chainrule("check", "model.py:cost", "model.py:right", *SHAPES[:-2], "--shape", "y=5")
    assert done.status == 1
    assert done.error.startswith(
        "check: the function failed at the given point; got ValueError: operands could not be"
    )


def test_a_function_without_named_parameters_is_one_sentence(chainrule):
    Path("builtin.py").write_text("from builtins import max as cost, min as gradient\n")
    done = chainrule("check", "builtin.py:cost", "builtin.py:gradient", "--shape", "x=3")
    assert done.status == 1
    assert done.error == (
        "check: the names of the function's parameters are not known; got "
        "builtin_function_or_method; write a function around it that names them"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("model.py", "model.py:right"), "'model.py' names no function in a file"),
        (("model.py:cost", "model.py:right"), "nothing is known of theta, X, y"),
        (("model.py:cost", "model.py:right", "--shape", "theta=3y4"), "is no name with a shape"),
        (("model.py:cost", "model.py:right", *SHAPES, "--shape", "z=3"), "has no argument z"),
    ],
)
def test_wrong_usage_ends_with_2(chainrule, arguments, said):
    done = chainrule("check", *arguments)
    assert (done.status, done.out) == (2, "")
    assert said in " ".join(done.err.replace("│", " ").split())


@pytest.mark.parametrize("file", ["none.py", "none.npz"])
def test_missing_files_are_one_sentence(chainrule, file):
    place = ("none.py:cost",) if file.endswith("py") else ("model.py:cost",)
    done = chainrule("check", *place, "model.py:right", *SHAPES, "--point", "none.npz")
    assert done.status == 1
    assert done.error == f"check: there is no such file; got {file}"
