"""The options of `chainrule derive`: shapes, values, what is passed on, and what is refused."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import typer

import chainrule as cr
from chainrule.cli.deriving import derive
from chainrule.cli.points import point_for
from chainrule.errors import ArgumentError, ChainruleError, FileFormatError
from chainrule.formulas import FormulaError, FormulaShapeError, parse

LOSS = "½ * norm(σ(A @ x + b) - y)**2"
SHAPES = ["A=m×n", "x=n", "b=m", "y=m"]


class Deriver:
    """Stands for the function that derives: remembers what it was given."""

    def __call__(self, f, wrt, letters):
        self.f, self.wrt, self.letters = f, wrt, letters
        return self.at

    def at(self, *arrays):
        self.arrays = arrays
        value = cr.grad(self.f, self.wrt)(*arrays)
        step = SimpleNamespace(
            top="E", bottom="x", shape=(1, 4), rule="chain rule (5.48)", value=value,
            check=SimpleNamespace(ok=True, error=float("nan")),
        )  # fmt: skip
        return Written(steps=[step], ok=True)


class Written(SimpleNamespace):
    def __str__(self):
        return "as text"

    def latex(self):
        return "as latex"

    def markdown(self):
        return "as markdown"


@pytest.fixture
def deriver():
    return Deriver()


@pytest.fixture
def run(deriver, capsys, monkeypatch):
    """The command alone in an application: exit status, output, and what was raised."""
    monkeypatch.setattr("chainrule.cli.deriving.derivation_of", deriver)
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command(name="derive")(derive)

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            app(list(arguments), prog_name="derive")
        return ended.value.code, *capsys.readouterr()

    return call


def options(name, values):
    return [part for value in values for part in (f"--{name}", value)]


def test_letters_become_sizes_and_are_passed_on(run, deriver):
    status, out, _ = run(LOSS, "--wrt", "x", *options("shape", SHAPES))
    assert (status, out) == (0, "as text\n")
    assert deriver.wrt == "x"
    assert deriver.letters == {3: "m", 5: "n"}
    assert [a.shape for a in deriver.arrays] == [(3, 5), (5,), (3,), (3,)]


@pytest.mark.parametrize("written", ["text", "latex", "markdown"])
def test_formats(run, written):
    status, out, _ = run("x @ x", "--wrt", "x", "--shape", "x=3", "--format", written)
    assert (status, out) == (0, f"as {written}\n")


def test_several_names_to_differentiate_by(run, deriver):
    run(LOSS, *options("wrt", ["x", "A", "x"]), *options("shape", SHAPES))
    assert deriver.wrt == ("x", "A")


def test_json_is_one_object_alone_on_stdout(run):
    status, out, err = run("x @ x", "--wrt", "x", "--at", "x=1,2", "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found["formula"] == "x @ x"
    assert found["shapes"] == {"x": "2"}
    assert found["ok"] is True
    (step,) = found["steps"]
    assert step["value"] == [2.0, 4.0]
    assert step["error"] is None
    assert found["latex"] == "as latex"


def test_numbers_that_nobody_gave_are_not_in_the_json(run):
    _, out, _ = run("x @ x", "--wrt", "x", "--shape", "x=n", "--json")
    found = json.loads(out)
    assert found["letters"] == {"n": 3}
    assert "value" not in found["steps"][0]


def test_values_from_an_archive(tmp_path):
    path = tmp_path / "point.npz"
    np.savez(path, A=np.eye(2), x=[1, 2], unused=[3])
    point = point_for(parse("A @ x"), [], [str(path), "x=[3, 4]"])
    np.testing.assert_array_equal(point.arrays["A"], np.eye(2))
    np.testing.assert_array_equal(point.arrays["x"], [3, 4])


def test_letters_for_the_sizes_of_values():
    point = point_for(parse("A @ x"), ["A=m×n"], ["A=[[1,2,3],[4,5,6]]", "x=[1,2,3]"])
    assert point.letters == {2: "m", 3: "n"}
    square = point_for(parse("A @ x"), ["A=m×n"], ["A=[[1,2],[3,4]]", "x=[1,2]"])
    assert square.letters == {}  # 2 would stand for both


@pytest.mark.parametrize(
    ("written", "value"),
    [("2", 2.0), ("-1.5e3", -1500.0), ("1,2", [1, 2]), ("[1]", [1]),
     ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]])],
)  # fmt: skip
def test_values_on_the_command_line(written, value):
    point = point_for(parse("sum(x)"), [], [f"x={written}"])
    np.testing.assert_array_equal(point.arrays["x"], value)
    assert point.arrays["x"].dtype == float


def test_lowered_digits_are_digits():
    point = point_for(parse("A₀ @ x"), ["A₀=2×3", "x=3"], [])
    assert point.arrays["A0"].shape == (2, 3)


def test_made_numbers_suit_every_function():
    point = point_for(parse("log(x) + logdet(A) + sum(inv(A))"), ["A=n×n", "x=scalar"], [])
    assert np.all(point.arrays["x"] > 0)
    assert np.linalg.cond(point.arrays["A"]) < 10


@pytest.mark.parametrize(
    ("formula", "shapes", "at", "error", "said"),
    [
        ("A @ x", ["A=3×4", "x=5"], [], FormulaShapeError, "A @ x: A is 3×4 but x has 5 entries"),
        ("A @ x", ["A=3×4"], [], FormulaError, "x: this name has no shape; give it one"),
        ("A @ x", ["A=3×4", "x=4", "B=2"], [], ArgumentError, "the formula has no B; got names A"),
        ("Ab @ x", ["AB=3×4"], [], ArgumentError, r"did you mean Ab\?"),
        ("A @ x", [], ["A=[[1,2]]"], ArgumentError, "no value for x; got A; give every name"),
        ("x + y", [], ["x=1", "y=1", "z=2"], ArgumentError, "the formula has no z"),
        ("x @ x", ["x=3"], ["x=[1,2]"], ArgumentError, "got 2 for 3"),
        ("x @ x", ["x=m×n"], ["x=[1,2]"], ArgumentError, "got 2 for m×n"),
        ("A + A", ["A=n×n"], ["A=[[1,2]]"], ArgumentError, "got 1×2 for n×n"),
        ("x + y", [], ["x=[1,2]", "y=[1,2,3]"], FormulaShapeError, "x has 2 entries but y has 3"),
        ("x + 1", [], ["x=[NaN]"], ArgumentError, "x must be finite real numbers; got nan"),
        ("x + 1", [], ['x=["a"]'], ArgumentError, "must be finite real numbers; got dtype <U1"),
        ("x + 1", [], ["x=[[1],[2,3]]"], typer.BadParameter, "write x=1.5"),
        ("x + 1", [], ["x=one"], typer.BadParameter, r"write x=1.5, x=\[1, 2\]"),
        ("x + 1", [], ["x=" + "[" * 5000], typer.BadParameter, "write x=1.5"),
        ("x + 1", [], ["=3"], typer.BadParameter, "write NAME=1.5"),
        ("x + 1", ["x"], [], typer.BadParameter, "write NAME=m×n, not 'x'"),
        ("x + 1", ["x=0"], [], typer.BadParameter, "a size must be a whole number from 1"),
    ],
)  # fmt: skip
def test_what_is_refused(formula, shapes, at, error, said):
    with pytest.raises(error, match=said):
        point_for(parse(formula), shapes, at)


@pytest.mark.parametrize(
    ("wrt", "said"),
    [
        ("X", r"the formula has no X to differentiate by; got names A, x; did you mean x\?"),
        ("Z", "Z is defined by the formula, and only what it is given can vary"),
    ],
)
def test_a_name_that_cannot_vary(wrt, said):
    with pytest.raises(ChainruleError, match=said):
        derive("Z = A @ x; sum(Z)", [wrt])


def test_a_file_that_is_no_archive(tmp_path):
    path = tmp_path / "broken.npz"
    path.write_bytes(b"nothing")
    with pytest.raises(FileFormatError, match=r"not an archive of arrays; write it with np\.savez"):
        point_for(parse("x + 1"), [], [str(path)])
    with pytest.raises(FileNotFoundError):
        point_for(parse("x + 1"), [], ["missing.npz"])


def test_wrong_usage_is_status_two(run):
    assert run("x + 1", "--wrt", "x", "--shape", "x")[0] == 2
    assert run("x + 1", "--shape", "x=n")[0] == 2
    assert run("x + 1", "--wrt", "x", "--shape", "x=n", "--format", "pdf")[0] == 2
