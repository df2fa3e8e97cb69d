"""`chainrule look`, and tables as they come: trained and predicted with one command each."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from chainrule.train import load

HEADER = "id,name,colour,size,bought,member,weight,kind"


def rows(count=60):
    for k in range(count):
        colour = ["red", "blue", "green", ""][k % 4]
        size = "" if k % 9 == 0 else f"{k % 7}.5"
        kind = ["cat", "dog"][(k % 4 == 1) ^ (k % 7 > 3)]
        day = f"2024-{k % 12 + 1:02d}-{k % 28 + 1:02d}"
        yield f"{k},pet no {k},{colour},{size},{day},{['yes', 'no'][k % 2]},{k * k},{kind}"


@pytest.fixture
def pets(folder):
    (folder / "pets.csv").write_text("\n".join([HEADER, *rows()]) + "\n")
    return "pets.csv"


def test_every_column_is_shown(chainrule, pets):
    done = chainrule("look", pets, "--target", "kind")
    assert done.status == 0
    words = [line.split() for line in done.out.splitlines() if line.strip()]
    kinds = {line[0]: line[1] for line in words if len(line) > 2}
    assert kinds | {"id": "(identifier)", "name": "(text)", "colour": "category", "size": "number",
                    "bought": "date", "member": "boolean", "weight": "number"} == kinds  # fmt: skip
    assert "left out as identifier: 'id'" in done.out
    assert "kind" not in kinds
    assert max(map(len, done.out.splitlines())) <= 80


def test_json_says_the_same(chainrule, pets):
    report = chainrule("look", pets, "--json", "--drop", "name", "--column", "member=category").json
    columns = {column["name"]: column for column in report["columns"]}
    assert report["rows"] == 60
    assert "name" not in columns
    assert columns["member"]["kind"] == "category"
    assert (columns["size"]["missing"], columns["size"]["used"]) == (7, True)


def test_what_has_to_be_settled_is_listed_and_the_status_says_so(chainrule, folder):
    (folder / "t.csv").write_text("a,b,y\n1,5%,1\n2,6%,2\nx,7%,3\n4,8%,4\n")
    done = chainrule("look", "t.csv", "--target", "y")
    assert done.status == 1
    assert done.out.count("To settle: ") == 2
    assert done.err == ""


def test_a_table_as_it_comes_is_trained_and_predicted(chainrule, folder, pets):
    done = chainrule("train", pets, "--target", "kind", "--layers", "8", "--epochs", "5")
    assert done.status == 0, done.err
    assert "left out as identifier: 'id'" in done.err
    assert "columns: 1 category, 2 numbers, 1 date, 1 boolean" in done.err
    assert load("pets.safetensors").preprocessing["identifiers"] == ("id",) or load(
        "pets.safetensors"
    ).preprocessing["identifiers"] == ["id"]
    lines = [HEADER, *rows(3), "77,pet,purple,,2025-01-01,no,,cat"]
    (folder / "new.csv").write_text("\n".join(lines) + "\n")
    done = chainrule("predict", "pets.safetensors", "new.csv")
    assert done.status == 0, done.err
    assert "that the training rows lack, in 'colour', such as 'purple'" in done.err
    with Path("new.predictions.csv").open(newline="") as file:
        header, *predicted = csv.reader(file)
    assert header == ["row", "id", "prediction", "probability"]
    assert [row[:2] for row in predicted] == [["2", "0"], ["3", "1"], ["4", "2"], ["5", "77"]]


def test_an_unnamed_column_of_row_numbers_is_left_out(chainrule, folder):
    lines = [f"{k},{k % 10},{(k % 10) ** 2}" for k in range(60)]
    for header in (",x,y", "x,y"):  # as pandas writes an index, and R names of rows
        (folder / "t.csv").write_text("\n".join([header, *lines]))
        done = chainrule("train", "t.csv", "--target", "y", "--layers", "4", "--epochs", "2")
        assert done.status == 0, done.err
        assert "what has no name in the first row is called 'column 1'" in done.err
        assert "left out as identifier: 'column 1'" in done.err


def test_typed_files_are_read_through_pyarrow(chainrule, folder, pets):
    import pyarrow as pa
    from pyarrow import feather, parquet

    columns = {
        "id": range(60), "size": [None if k % 9 == 0 else k % 7 / 2 for k in range(60)],
        "flag": [k % 3 == 0 for k in range(60)], "colour": ["red", "blue", None] * 20,
        "when": [None if k % 20 == 3 else k * 86_400_000 for k in range(60)],
        "kind": ["cat", "dog"] * 30,
    }  # fmt: skip
    table = pa.table(columns)
    table = table.set_column(4, "when", table["when"].cast(pa.timestamp("ms")))
    table = table.set_column(3, "colour", table["colour"].dictionary_encode())
    parquet.write_table(table, "t.parquet")
    feather.write_feather(table, "t.feather")
    seen = [chainrule("look", name, "--json").json for name in ("t.parquet", "t.feather")]
    assert seen[0]["columns"] == seen[1]["columns"]
    kinds = [column["kind"] for column in seen[0]["columns"]]
    assert kinds == ["identifier", "number", "boolean", "category", "date", "category"]
    done = chainrule("train", "t.parquet", "--target", "kind", "--layers", "4", "--epochs", "2")
    assert done.status == 0, done.err
    (folder / "broken.parquet").write_bytes(b"PAR1 and so on")
    done = chainrule("look", "broken.parquet")
    assert done.status == 1
    assert done.error.startswith("broken.parquet: the file cannot be read as Parquet; got ")
    assert chainrule("look", "none.parquet").error == (
        "none.parquet: there is no such file; give a table's path"
    )
