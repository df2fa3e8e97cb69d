"""What is wrong gets one sentence on stderr and its exit status, and leaves nothing behind."""

from __future__ import annotations

import re

import pytest

TABLE = "area,rooms,price\n" + "".join(f"{50 + i},{i % 3},{100 + 7 * i}\n" for i in range(20))


@pytest.fixture
def table(folder):
    def write(contents: str = TABLE):
        (folder / "t.csv").write_text(contents)

    return write


def line(number: int, contents: str) -> str:
    """The table with one line replaced; the header is line 1."""
    lines = TABLE.splitlines()
    lines[number - 1] = contents
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        ("", "t.csv: the file is empty; write a header and one row an example"),
        ("area,price\n", "t.csv: there is a header but no row below it; write one row an example"),
        (
            line(1, "area,rooms,prize"),
            "t.csv: there is no column 'price'; got the columns 'area', 'rooms', 'prize'; "
            "did you mean 'prize'?",
        ),
        (
            line(7, "big,1,142"),
            "t.csv: the column 'area' must hold numbers; got 'big' in row 7; "
            "write a number there, leave the column out, or say --column area=category",
        ),
        (
            line(7, "55,-inf,142"),
            "t.csv: the column 'rooms' holds a value that is not finite; got '-inf' in row 7; "
            "replace it or remove the row",
        ),
        (
            line(7, "55,1,inf"),
            "t.csv: the column 'price' holds a value that is not finite; got 'inf' in row 7; "
            "replace it or remove the row",
        ),
        (
            line(7, "big,inf,142"),
            "t.csv: 2 columns have to be settled first: the column 'area' must hold numbers ('big' "
            "in row 7), the column 'rooms' holds a value that is not finite ('inf' in row 7); mend "
            "the cells, leave columns out with --drop NAME, or say what they are with --column "
            "NAME=category; chainrule look shows all of them",
        ),
        (
            line(7, "55,1"),
            "t.csv: a row has fewer cells than the header; got 2 in row 7, and 3 columns; "
            "give every row one cell for each column",
        ),
        (
            line(1, "area,area,price"),
            "t.csv: two columns have the same name; got 'area' as columns 1 and 2; "
            "rename one of them",
        ),
        (
            line(7, "55,1,dear"),
            "t.csv: the column 'price' must hold numbers; got 'dear' in row 7; "
            "write a number there, or pass --task classification to take all cells as classes",
        ),
        (
            "area,price\n1,2\n2,3\n",
            "t.csv: there are too few rows to learn from and to test on; got 2 rows; "
            "give 5 or more",
        ),
    ],
)
def test_bad_tables_are_refused(chainrule, folder, table, contents, said):
    table(contents)
    done = chainrule("train", "t.csv", "--target", "price", "--json")
    assert (done.status, done.out) == (1, "")
    assert done.err == f"Error: {said}\n"
    assert [path.name for path in folder.iterdir()] == ["t.csv"]


def test_missing_files_are_refused(chainrule, folder):
    done = chainrule("train", "none.csv", "--target", "price")
    assert (done.status, done.out) == (1, "")
    assert done.err == "Error: none.csv: there is no such file; give the path of a CSV file\n"
    done = chainrule("train", "digit")
    assert done.status == 1
    assert done.error == "train: there is no such file; got digit; did you mean digits?"
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("none/m.safetensors", "No such file or directory"),
        (".", "Is a directory"),
        ("/dev/full", "Not a regular file"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_training(
    chainrule, folder, table, out, said, monkeypatch
):
    import chainrule.cli.training as training

    monkeypatch.setattr(training, "fit", None)
    table()
    done = chainrule("train", "t.csv", "--target", "price", "--out", out)
    assert (done.status, done.out) == (1, "")
    assert re.fullmatch(rf"write: the file cannot be written; got .*: {said}; .*", done.error)
    assert [path.name for path in folder.iterdir()] == ["t.csv"]


def test_a_model_never_replaces_its_table(chainrule, folder, table):
    table()
    (folder / "link.csv").symlink_to("t.csv")
    for out in ("t.csv", "link.csv"):
        done = chainrule("train", "t.csv", "--target", "price", "--out", out)
        assert done.status == 1
        assert done.error.startswith("train: the output would replace a file that it is made from")
    assert (folder / "t.csv").read_text() == TABLE


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--optimiser adma", "'--optimiser': there is no 'adma'; did you mean adam?"),
        ("--rate 0", "'--rate': 0.0 is not a positive, finite number; write 0.1"),
        ("--rate inf", "'--rate': inf is not a positive, finite number; write 0.1"),
        ("--rate nan", "'--rate': nan is not a positive, finite number; write 0.1"),
        ("--layers 64,x", "'--layers': 'x' is not a whole number from 1 up; write 64,32"),
        ("--layers 0", "'--layers': '0' is not a whole number from 1 up; write 64,32"),
        ("--batch some", "'--batch': 'some' is not a whole number from 1 up; write 32 or all"),
        ("--activation rellu", "'--activation': there is no 'rellu'; did you mean relu?"),
        ("--cost mse", "'--cost': there is no 'mse'; write one of squared, cross-entropy"),
        (
            "--cost cross-entropy",
            "'--cost': cross-entropy compares classes, and this target is learnt as a number; "
            "write --cost squared or --task classification",
        ),
        ("--epochs 0", "'--epochs'"),
        ("--seed -1", "'--seed'"),
        ("--task both", "'--task'"),
    ],
)
def test_wrong_usage_is_explained_with_status_2(chainrule, folder, table, arguments, said):
    table()
    done = chainrule("train", "t.csv", "--target", "price", *arguments.split())
    assert (done.status, done.out) == (2, "")
    assert done.error.startswith(f"Invalid value for {said}")
    assert [path.name for path in folder.iterdir()] == ["t.csv"]


def test_a_table_without_a_target_lists_its_columns(chainrule, table):
    table()
    done = chainrule("train", "t.csv")
    assert done.status == 2
    assert done.error == (
        "Invalid value for '--target': name the column to learn; t.csv has 'area', 'rooms', 'price'"
    )


@pytest.mark.parametrize("arguments", ["train", "predict", "predict m", "trian", "train t --rat 1"])
def test_incomplete_and_unknown_commands_are_wrong_usage(chainrule, arguments):
    done = chainrule(*arguments.split())
    assert (done.status, done.out) == (2, "")
    assert "Usage: chainrule" in done.err


def test_without_a_command_there_is_help(chainrule):
    done = chainrule()
    assert (done.status, done.err) == (0, "")
    assert re.search(
        r"^ +train +Train a network on a table, test it, and write it\.$", done.out, re.M
    )
    assert re.search(r"^ +predict +Write a model's predictions for a table\.$", done.out, re.M)
    assert chainrule("--help").out == done.out


def test_the_help_of_a_command_names_all_its_options_and_their_defaults(chainrule):
    shown = " ".join(chainrule("train", "--help").out.split())
    for (
        option
    ) in "target task layers activation cost optimiser rate epochs batch seed out json".split():
        assert f"--{option} " in shown
    assert "[default: 256; regression: 64,32]" in shown
    assert "sigmoid, tanh, relu" in shown


def test_the_version_is_shown(chainrule):
    done = chainrule("--version")
    assert done.status == 0
    assert re.fullmatch(r"chainrule(, not installed| \d+\.\d+\.\d+)\n", done.out)
