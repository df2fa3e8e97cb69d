"""`chainrule predict`: the right answer in the right row, in a file that is whole or not there."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from chainrule.tables import load_digits
from chainrule.train import FitResult, Network, load, save


def rows_of(path: str) -> list[list[str]]:
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


@pytest.fixture
def plane(chainrule, folder):
    """A model of z = 3x − 2y + 7 in plane.safetensors; its table has 100 rows."""
    grid = [(x, y) for x in range(10) for y in range(10)]
    lines = [f"{x},{y},{3 * x - 2 * y + 7}" for x, y in grid]
    (folder / "plane.csv").write_text("\n".join(["x,y,z", *lines]))
    arguments = ("--target", "z", "--task", "regression", "--layers", "none", "--rate", "0.2")
    assert chainrule("train", "plane.csv", *arguments).status == 0
    return folder / "plane.safetensors"


def test_amounts_come_in_the_rows_order_and_in_their_own_unit(chainrule, folder, plane):
    (folder / "new.csv").write_text(
        "note;y;x\nfirst;0;0\n\n;2;10\n'last\nof all';-1;0.5\n".replace("'", '"')
    )
    done = chainrule("predict", "plane.safetensors", "new.csv")
    assert done.status == 0
    header, *rows = rows_of("new.predictions.csv")
    assert header == ["row", "prediction"]
    assert [row[0] for row in rows] == ["2", "4", "5"]
    np.testing.assert_allclose([float(row[1]) for row in rows], [7, 33, 10.5], rtol=1e-6)
    assert re.search(r"3 predictions of 'z' from (7|6\.9\d+) to 33", done.out)
    assert done.out.endswith("Predictions: new.predictions.csv\n")


def test_classes_come_in_the_tables_own_words(chainrule, folder):
    lines = [f"{i};{'low, very' if i < 25 else 'high'}" for i in range(50)]
    (folder / "level.csv").write_text("\n".join(["x;level", *lines]))
    assert chainrule("train", "level.csv", "--target", "level", "--layers", "8").status == 0
    (folder / "new.csv").write_text("x\n-5\n60\n5\n")
    done = chainrule("predict", "level.safetensors", "new.csv", "--out", "answers.csv", "--json")
    assert done.json == {
        "task": "classification",
        "target": "level",
        "model": "level.safetensors",
        "data": "new.csv",
        "rows": 3,
        "predictions": "answers.csv",
    }
    header, *rows = rows_of("answers.csv")
    assert header == ["row", "prediction", "probability"]
    assert [row[:2] for row in rows] == [["2", "low, very"], ["3", "high"], ["4", "low, very"]]
    assert all(0.5 < float(row[2]) <= 1 for row in rows)
    shown = chainrule("predict", "level.safetensors", "new.csv").out
    assert re.search(r"^ +high +1 +33\.3%", shown, re.M)
    assert re.search(r"^ +low, very +2 +66\.7%", shown, re.M)


def test_digits_are_predicted_from_their_pixels(chainrule, folder):
    assert chainrule("train", "digits", "--layers", "32", "--epochs", "10").status == 0
    digits = load_digits()
    pixels = np.column_stack([digits.numbers(name) for name in digits.without("digit")])
    np.savetxt(
        "scans.csv", pixels[:200], "%d", ",", header=",".join(digits.without("digit")), comments=""
    )
    assert chainrule("predict", "digits.safetensors", "scans.csv").status == 0
    predicted = [int(row[1]) for row in rows_of("scans.predictions.csv")[1:]]
    assert np.mean(predicted == digits.numbers("digit")[:200]) > 0.9


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        (
            "x\n1\n",
            "new.csv: a column of the model is missing, 'y'; got the column 'x'; "
            "give a table like the one that the model was trained on",
        ),
        (
            "x,Y\n1,2\n",
            "new.csv: a column of the model is missing, 'y'; got the columns 'x', 'Y'; "
            "did you mean 'Y'?",
        ),
        (
            "a,b\n1,2\n",
            "new.csv: 2 of the model's 2 columns are missing, 'x', 'y'; "
            "got the columns 'a', 'b'; give a table like the one that the model was trained on",
        ),
        (
            "x,y\n1,2\n3,b\n",
            "new.csv: the column 'y' must hold numbers; got 'b' in row 3; "
            "write a number there, or remove the column",
        ),
        ("x,y\n", "new.csv: there is a header but no row below it; write one row an example"),
    ],
)
def test_tables_that_do_not_fit_are_refused_and_old_predictions_kept(
    chainrule, folder, plane, contents, said
):
    (folder / "new.csv").write_text(contents)
    (folder / "new.predictions.csv").write_text("kept")
    done = chainrule("predict", "plane.safetensors", "new.csv", "--json")
    assert (done.status, done.out, done.error) == (1, "", said)
    assert done.err == f"Error: {said}\n"
    assert (folder / "new.predictions.csv").read_text() == "kept"


def test_missing_truncated_and_altered_models_are_refused(chainrule, folder, plane):
    contents = plane.read_bytes()
    at = contents.index(b'"scale') + 12
    for name, damaged in {
        "cut": contents[:-9],
        "empty": b"",
        "text": (folder / "plane.csv").read_bytes(),
        "number": contents[:-1] + bytes([contents[-1] ^ 1]),
        "scale": contents[:at] + contents[at:].replace(b"1", b"2", 1),
    }.items():
        (folder / name).write_bytes(damaged)
        done = chainrule("predict", name, "plane.csv")
        assert (done.status, done.out) == (1, "")
        assert re.match(
            r"load: (not a chainrule model, or a|the file was altered or) damaged", (done.error)
        )
        assert name in done.error
    done = chainrule("predict", "none.safetensors", "plane.csv")
    assert done.status == 1
    assert re.match("load: .*; got none.safetensors: No such file or directory; ", done.error)
    assert not list(folder.glob("*predictions*"))


def test_models_saved_without_a_table_are_refused(chainrule, folder, plane):
    net = Network([2, 1])
    save(FitResult(net, net.init(0)), "bare.safetensors")
    done = chainrule("predict", "bare.safetensors", "plane.csv")
    assert done.status == 1
    assert done.error == (
        "bare.safetensors: this model does not say which columns it takes; "
        "use a model that `chainrule train` wrote, or chainrule.load in Python"
    )
    wide = Network([3, 1])
    save(FitResult(wide, wide.init(0)), "wide.safetensors", load(plane).preprocessing)
    done = chainrule("predict", "wide.safetensors", "plane.csv")
    assert done.status == 1
    assert done.error == (
        "wide.safetensors: the network does not fit the table that its file describes; "
        "got 3 inputs and 1 outputs for columns of 2 inputs and 1 answers; "
        "save it with the preprocessing that it was trained with"
    )


@pytest.mark.parametrize("out", ["plane.csv", "./plane.csv", "plane.safetensors"])
def test_predictions_never_replace_what_they_are_made_from(chainrule, folder, plane, out):
    before = (folder / out).read_bytes()
    done = chainrule("predict", "plane.safetensors", "plane.csv", "--out", out)
    assert done.status == 1
    assert done.error == (
        "predict: the output would replace a file that it is made from; "
        f"got {Path(out)}; write another path after --out"
    )
    assert (folder / out).read_bytes() == before


def test_an_output_that_cannot_be_written_is_refused(chainrule, folder, plane):
    done = chainrule("predict", "plane.safetensors", "plane.csv", "--out", "none/p.csv")
    assert (done.status, done.out) == (1, "")
    assert "none/p.csv: No such file or directory" in done.error
