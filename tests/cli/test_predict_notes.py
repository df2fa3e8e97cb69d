"""`predict` says of the inputs that it reads what `train` says of them."""

from __future__ import annotations

import pytest

from chainrule.tables import notes_of_inputs, prepare, read_table

KINDS = {
    "a point that may part thousands": (";", [f"{k + 1}.500" for k in range(20)]),
    "a whole number that is rounded": (",", [str(9007199254740993 + 2 * k) for k in range(20)]),
    "a number that begins with a 0": (",", [f"0{k + 10}" for k in range(20)]),
    "nothing": (",", [f"{k}.5" for k in range(20)]),
}


def table(delimiter: str, cells: list[str], target: bool) -> str:
    header = ["x", "y"] if target else ["x"]
    rows = [[cell, f"{k}.25"][: len(header)] for k, cell in enumerate(cells)]
    ends = [delimiter.join(row) for row in [header, *rows]]
    return "\n".join(ends) + "\n"


@pytest.mark.parametrize("kind", KINDS)
def test_the_notes_are_those_of_training(kind, chainrule, folder):
    delimiter, cells = KINDS[kind]
    (folder / "t.csv").write_text(table(delimiter, cells, target=True))
    (folder / "new.csv").write_text(table(delimiter, cells, target=False))
    read = read_table(folder / "t.csv")
    dataset = prepare(read, "y")
    assert bool(dataset.notes) == (kind != "nothing")
    assert notes_of_inputs(read, dataset.preparation.columns) == dataset.notes
    learned = chainrule(
        "train", "t.csv", "--target", "y", "--layers", "2", "--epochs", "1", "--out", "m"
    )
    assert learned.status == 0, learned.err
    done = chainrule("predict", "m", "new.csv")
    assert done.status == 0, done.err
    for note in notes_of_inputs(read_table(folder / "new.csv"), dataset.preparation.columns):
        assert note in " ".join((done.err).split())
