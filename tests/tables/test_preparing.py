"""From a table to what a network takes: the task, the parts, the scales, and all of it kept."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import DataError, FileFormatError
from chainrule.tables import (
    Table,
    Task,
    load_digits,
    predictions_of,
    preparation_from,
    prepare,
    task_of,
)
from chainrule.tables.encoders import Remarks, described
from chainrule.tables.split import split_rows
from chainrule.tables.table import problem_of
from chainrule.tables.target import classes_of


def table_of(**columns) -> Table:
    length = len(next(iter(columns.values())))
    return Table("t.csv", columns, range(2, length + 2))


def refused(said: str):
    return pytest.raises(DataError, match=f"^{re.escape(said)}$")


# The task


@pytest.mark.parametrize(
    ("cells", "task"),
    [
        (["yes", "no"] * 5, "classification"),
        (["1", "0"] * 5, "classification"),
        (["1.0", "2.0"] * 5, "classification"),
        (["3+", "3", "b", "c"] * 5, "classification"),
        (["1", "2", "3"], "regression"),  # a row or two a number: amounts
        ([str(i % 20) for i in range(100)], "classification"),
        ([str(i % 21) for i in range(105)], "regression"),
        ([str(i % 20) for i in range(99)], "regression"),
        (["0.5", "1"] * 50, "regression"),
    ],
)
def test_the_task_is_told_from_the_target(cells, task):
    assert task_of(table_of(y=cells), "y") == task


def test_some_text_among_numbers_is_a_mistake_and_not_a_class():
    with refused(
        "t.csv: the column 'y' must hold numbers; got 'n/a' in row 4; "
        "write a number there, or pass --task classification to take all cells as classes"
    ):
        task_of(table_of(y=["1", "2", "n/a"]), "y")
    assert classes_of(table_of(y=["1", "2", "n/a"] * 2), "y")[0] == ("1", "2", "n/a")


def test_numbers_with_a_decimal_comma_are_not_taken_for_classes():
    with pytest.raises(DataError, match=r"numbers with a decimal comma; got '1,5'; write decimals"):
        task_of(table_of(y=["1,5", "2,25", "3,0"]), "y")
    assert task_of(table_of(y=["1,5", "red", "blue"]), "y") == Task.classification


def test_classes_are_sorted_and_numbers_stay_numbers():
    classes, codes = classes_of(table_of(y=["10", "9", "9", "10"]), "y")
    assert (classes, codes.tolist()) == (("9", "10"), [1, 0, 0, 1])
    assert classes_of(table_of(y=["b", "a", "a", "b"]), "y")[0] == ("a", "b")
    assert classes_of(table_of(y=["0.5", "1", "0.5", "1"]), "y")[0] == ("0.5", "1")
    assert classes_of(table_of(y=np.array([0.5, 1, 0.5, 1])), "y")[0] == (0.5, 1)


@pytest.mark.parametrize(
    "labels",
    [
        ["9007199254740992", "9007199254740993", "9007199254740994"],
        ["01067", "1067"],
        ["1", "01", "1.0", "1e0", "+1"],
        ["a", "A"],
        ["0.1", "0.10"],
    ],
)
def test_labels_stay_as_they_are_written(labels):
    x = [str(i) for i in range(6 * len(labels))]
    data = prepare(table_of(x=x, y=labels * 6), "y", Task.classification)
    assert sorted(data.preparation.classes) == sorted(labels)
    again = preparation_from(json.loads(json.dumps(data.preparation.description())), "m")
    assert predictions_of(again, np.eye(len(labels))).answers == list(data.preparation.classes)


def test_what_could_be_read_in_two_ways_is_said():
    x = [str(i) for i in range(12)]
    said = prepare(table_of(x=x, y=["01067", "1067"] * 6), "y").notes
    assert [note.split(";")[0] for note in said] == [
        "'01067' in 'y' begins with a 0, so its cells are labels",
        "'01067' and '1067' in 'y' are two classes, as they are written",
    ]
    said = prepare(table_of(x=["01", "02", "1"] * 4, y=["a", "b"] * 6), "y").notes
    assert not said  # labels are a category
    assert not prepare(table_of(x=x, y=["a", "b"] * 6), "y").notes


def test_whole_numbers_that_are_rounded_are_said():
    long = [str(2**53 + i) for i in range(12)]
    short = [str(2**53 - 2 * i) for i in range(12)]
    (said,) = prepare(table_of(x=long, z=long[::-1], y=["a", "b"] * 6), "y").notes
    assert said == (
        "'9007199254740993' in 'x' (and so in 1 more column) is rounded, as numbers are kept to "
        "some 16 digits; remove the column if its cells are labels"
    )
    squares = [str(i * i) for i in range(12)]
    (said,) = prepare(table_of(x=squares, y=long), "y", Task.regression).notes
    assert said.endswith("16 digits; --task classification takes its cells as labels")
    assert not prepare(table_of(x=squares, y=short), "y", Task.regression).notes


@pytest.mark.parametrize(
    ("cells", "delimiter", "is_said"),
    [
        (["1.000", "12.500", "7"], ";", True),
        (["1.000", "12.500", "7"], ",", False),
        (["1.000", "0.500", "7"], ";", False),
        (["1.000", "12.5", "7"], ";", False),
        (["1", "2", "7"], ";", False),
    ],
)
def test_a_point_that_may_part_thousands_is_said(cells, delimiter, is_said):
    columns = {"x": cells * 4, "y": ["a", "b"] * 6}
    table = Table("t.csv", columns, range(2, 14), delimiter=delimiter)
    assert prepare(table, "y").notes == is_said * (
        "'1.000' in 'x' is read with a decimal point; remove the point if it parts thousands",
    )


def test_a_kind_of_note_is_said_once_however_many_columns_there_are():
    long = [[str(2**53 + i * k) for k in range(1, 13)] for i in range(1, 40, 2)]
    columns = {f"x{i}": cells for i, cells in enumerate(long)}
    assert len(prepare(table_of(**columns, y=["a", "b"] * 6), "y").notes) == 1
    columns = {f"x{i}": ["1", "2", "1"] * 4 for i in range(3000)}
    assert len(prepare(table_of(**columns, y=["a", "b"] * 6), "y").notes) == 1


@pytest.mark.parametrize(
    ("cells", "delimiter", "remedy"),
    [
        (["5%", "10 %"], ",", "write the number alone, as in 5;"),
        (["€10", "-€7"], ",", "write the number alone, as in 10;"),
        (["10 €", "7 €"], ";", "write the number alone, as in 10;"),
        (["USD 10", "USD 12"], ",", "write the number alone, as in 10;"),
        (["10,000.00", "9.50"], ",", "without separators of thousands, as in 10000.00;"),
        (["5,000", "80,500"], ",", "without separators of thousands, as in 5000;"),
        (["1,234,567", "2,345,678"], ";", "without separators of thousands, as in 1234567;"),
        (["€1.234,50", "€2.345,50"], ";", "write the number alone, as in 1234.50;"),
        (["1'000", "2'000"], ",", "without separators of thousands, as in 1000;"),
        (["1 000", "2 000"], ",", "without separators of thousands, as in 1000;"),
        (["80,500", "90,500"], ";", "write 80500 or 80.500, whichever is meant;"),
        (["80,500", "7"], "\t", "write 80500 or 80.500, whichever is meant;"),
        (["12 km", "9 km"], ",", "write the number alone, as in 12;"),
        (["12 km", "900 m"], ",", "write all cells in one unit, and the numbers alone;"),
        (["$5", "€7"], ",", "write all cells in one unit, and the numbers alone;"),
        (["5%", "6%", "0.07"], ",", "write all cells in one unit, and the numbers alone;"),
        (["10k", "2.5k"], ",", "write the number in full, as in 10000;"),
        (["10 K", "7"], ",", "write the number in full, as in 10000;"),
        (["$1.2M", "$900k"], ",", "write the number in full, as in 1200000;"),
        (["1,2 Mio. €", "2,5 Mio. €"], ";", "write the number in full, as in 1200000;"),
        (["-$3B", "$1T"], ",", "write the number in full, as in -3000000000;"),
        (["3 million", "2 billion"], ",", "write the number in full, as in 3000000;"),
        (["1,200k", "1,300k"], ";", "write 1200000 or 1200, whichever is meant;"),
        (["10 kg", "9 kg"], ",", "write the number alone, as in 10;"),
        (["(5)", "(7.5)"], ",", "a minus: write -5 or 5, whichever is meant;"),
        (["($1,200)", "$900"], ",", "a minus: write -1200 or 1200, whichever is meant;"),
        (["1,00,000", "12,34,567.50"], ",", "without separators of thousands, as in 100000;"),
        (["1_000", "2_000"], ",", "without separators of thousands, as in 1000;"),
        (["1.5e3 €", "2e3 €"], ",", "write the number alone, as in 1.5e3;"),
        (["1,5", "2,25"], ";", "write decimals with a point, as in 1.5,"),
        (["80,500", "2,5"], ";", "write decimals with a point, as in 2.5,"),
        (["0,500", "0,250"], ",", "write decimals with a point, as in 0.500,"),
        (["80,500", "2,5"], ",", "got '2,5'; write decimals with a point, as in 2.5,"),
        (["1.234,56", "2.000"], ";", "nothing between thousands, as in 1234.56"),
        (["2,5", "1.234,56"], ";", "nothing between thousands, as in 2.5,"),
    ],
)
def test_amounts_with_something_about_them_are_no_classes(cells, delimiter, remedy):
    cells = cells * 20
    table = Table("t.csv", {"y": cells}, range(2, len(cells) + 2), delimiter=delimiter)
    if problem_of(cells[1]) is None:
        with pytest.raises(DataError, match="the column 'y' must hold numbers") as caught:
            task_of(table, "y")
        assert remedy.rstrip(";") in str(caught.value)
        return
    with pytest.raises(DataError, match="the target 'y' holds numbers ") as caught:
        task_of(table, "y")
    assert remedy in str(caught.value)
    assert "pass --task classification" in str(caught.value)
    assert set(classes_of(table, "y")[0]) == set(cells)


@pytest.mark.parametrize(
    "cells",
    [
        ["3+", "4+"],
        ["Q1", "Q2"],
        ["2024-01-05", "05.01.2024"],
        ["A4", "B5"],
        ["1st", "2nd"],
        ["class 1", "class 2"],
        ["v1.2.3", "1.2.3"],
        ["10-20", "20-30"],
        ["<5", ">5"],
        ["2B", "3B"],
        ["5MB", "6MB"],
        ["(5", "6)"],
        ["1,2,3", "4,5,6"],
        ["1e9999999k", "1e3k"],
        ["-" + " " * 50_000 + "-" + " " * 50_000 + "x", "1" + ",000" * 30_000 + "x"],
    ],
)
def test_labels_with_digits_in_them_are_classes(cells):
    assert task_of(table_of(y=cells * 5), "y") is Task.classification


# What cannot be learnt


def test_targets_with_nothing_to_learn_are_refused():
    x = [str(i) for i in range(6)]
    with refused(
        "t.csv: the target 'y' has only one class, so there is nothing to tell apart; "
        "got 'a' in every row; choose another target"
    ):
        prepare(table_of(x=x, y=["a"] * 6), "y")
    with refused(
        "t.csv: the target 'y' is constant, so there is nothing to learn; got 2.5 in every row; "
        "choose another target"
    ):
        prepare(table_of(x=x, y=["2.5"] * 6), "y")
    with refused(
        "t.csv: every class of the target 'y' needs two rows or more, to learn and to test; "
        "got a single row of 'b' (row 3), and 1 more such classes; remove it"
    ):
        prepare(table_of(x=x, y=["a", "b", "a", "a", "c", "a"]), "y")
    with refused(
        "t.csv: every class of the target 'y' needs two rows or more, to learn and to test; "
        "got a single row of '7' (row 2); remove it, or pass --task regression"
    ):
        prepare(table_of(x=x, y=["7", "1", "1", "1", "1", "1"]), "y", Task.classification)
    with refused(
        "t.csv: the column 'y' must hold numbers; got 'a' in row 2; "
        "write a number there, or pass --task classification to take all cells as classes"
    ):
        prepare(table_of(x=x, y=["a"] * 6), "y", Task.regression)


def test_tables_with_nothing_to_learn_from_are_refused():
    with refused(
        "t.csv: there are too few rows to learn from and to test on; got 4 rows; give 5 or more"
    ):
        prepare(table_of(x=["1", "2", "3", "4"], y=["1", "2", "3", "4"]), "y")
    with refused("t.csv: there is no column beside the target; add columns to learn from"):
        prepare(table_of(y=["1", "2", "3", "4", "5"]), "y")
    with refused("t.csv: there is no column 'z'; got the columns 'x', 'y'; choose one of these"):
        prepare(table_of(x=["1"], y=["2"]), "z")
    with pytest.raises(DataError, match="'x' must hold numbers; got 'u' in row 3"):
        prepare(table_of(x=["1", "u", *"34567890"], y=list("1234567890")), "y")


@pytest.mark.filterwarnings("error")
def test_numbers_too_large_to_scale_are_named():
    x, y = [*map(str, range(9)), "-1e200"], list("1234567890")
    with refused(
        "t.csv: the column 'x' holds a number too large to scale; got -1e+200; "
        "measure it in a larger unit, or remove the row"
    ):
        prepare(table_of(x=x, y=y), "y", Task.regression, seed=2)
    small = prepare(table_of(x=list("1234567890"), y=y), "y", Task.regression).preparation
    tiny = Table("t.csv", {"x": ["1e308", "-1.7e308"]}, [2, 3])
    assert np.isfinite(small.inputs_of(tiny).X).all()
    narrow = prepare(table_of(x=[f"{i}e-9" for i in range(10)], y=y), "y", Task.regression)
    with pytest.raises(DataError, match="'x' holds a number too large to scale; got 1e"):
        narrow.preparation.inputs_of(tiny)


# The parts


@given(st.integers(5, 400), st.integers(0, 2**32 - 1))
def test_every_row_is_in_exactly_one_part(rows, seed):
    parts = split_rows("t.csv", rows, None, seed)
    together = np.concatenate([parts.train, parts.validation, parts.test])
    assert sorted(together.tolist()) == list(range(rows))
    assert len(parts.test) == max(2, -(-rows // 5))
    assert len(parts.validation) == (-(-rows // 20) if rows >= 100 else 0)
    again = split_rows("t.csv", rows, None, seed)
    assert np.array_equal(parts.test, again.test)
    assert np.array_equal(parts.validation, again.validation)


@given(st.lists(st.integers(2, 60), min_size=2, max_size=12), st.integers(0, 99))
def test_every_class_is_learnt_and_tested_in_its_share(counts, seed):
    codes = np.repeat(np.arange(len(counts)), counts)
    if len(codes) < 5:
        return
    parts = split_rows("t.csv", len(codes), codes, seed)
    learnt = np.bincount(codes[parts.train], minlength=len(counts))
    tested = np.bincount(codes[parts.test], minlength=len(counts))
    assert learnt.min() >= 1
    share = len(parts.test) / len(codes)
    assert np.abs(tested - share * np.array(counts)).max() <= 1
    assert len(parts.train) + len(parts.validation) + len(parts.test) == len(codes)


def test_where_a_class_is_too_small_no_rows_are_set_aside_for_validation():
    for counts in ([3] * 40, [2] * 10 + [100], [2, 2, 116]):
        codes = np.repeat(np.arange(len(counts)), counts)
        parts = split_rows("t.csv", 120, codes, 0)
        assert (len(parts.validation), len(parts.train) + len(parts.test)) == (0, 120)
    assert len(split_rows("t.csv", 120, np.repeat(np.arange(3), 40), 0).validation) == 6


def test_another_seed_holds_out_other_rows():
    assert not np.array_equal(
        split_rows("t.csv", 50, None, 0).test, split_rows("t.csv", 50, None, 1).test
    )


# The scales


def numbers(rows=120):
    rng = np.random.default_rng(7)
    x = rng.normal(100.0, 5.0, rows)
    few = rng.choice([0.0, 1.0], rows, p=[0.9, 0.1])
    return table_of(
        x=x, few=few, wide=1e6 * rng.normal(size=rows), y=2 * x - 50 + (x - 100) ** 2 / 1e3
    )


def test_inputs_and_amounts_are_scaled_on_the_training_rows_alone():
    data = prepare(numbers(), "y", seed=3)
    quartiles = np.percentile(data.train.X, [25, 50, 75], axis=0)
    np.testing.assert_allclose(quartiles[1], 0, atol=1e-12)
    # the quartiles of a normal distribution are 1.349 standard deviations apart; most of `few` are
    # 0, so that its own deviation counts
    spread, deviation = (quartiles[2] - quartiles[0]) / 1.349, data.train.X.std(axis=0)
    np.testing.assert_allclose(np.minimum(spread, deviation)[[0, 2]], 1, rtol=1e-3)
    np.testing.assert_allclose(deviation[1], 1, rtol=1e-12)
    np.testing.assert_allclose((data.train.Y.mean(), data.train.Y.std()), (0, 1), atol=1e-12)
    assert abs(np.median(data.test.X[:, 0])) > 1e-3


def test_of_a_wild_cell_the_logarithm_counts():
    data = prepare(numbers(), "y")
    encoder = data.preparation.inputs[0]
    z = np.array([-1e9, -5.0, 0.5, 5.0, 6.0, 1e9])
    table = table_of(x=encoder.centre + encoder.scale * z)
    found = encoder.encode(table, Remarks())[:, 0]
    wanted = [-5 - np.log(1e9 - 4), -5, 0.5, 5, 5 + np.log(2), 5 + np.log(1e9 - 4)]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)  # a few roundings


def test_amounts_come_back_in_their_own_unit():
    data = prepare(numbers(), "y", seed=3)
    back = data.preparation.amounts(data.test.Y[:, None])
    np.testing.assert_allclose(back, data.test.truth, rtol=1e-13)
    np.testing.assert_allclose(data.test.truth.mean(), 150, atol=5)


def test_columns_of_one_unit_share_one_scale():
    data = prepare(load_digits(), "digit")
    assert len({item.scale for item in data.preparation.inputs}) == 1
    np.testing.assert_allclose(data.train.X.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(data.train.X.std(), 1, rtol=1e-12)


def test_constant_columns_of_one_unit_stay_finite():
    flat = Table("t.csv", {"x": ["3"] * 6, "y": list("123456")}, range(2, 8), one_unit=True)
    assert not prepare(flat, "y").train.X.any()


def test_the_digits_are_all_there():
    digits = load_digits()
    assert (len(digits), len(digits.names)) == (1797, 65)
    assert digits.names[:2] == ("pixel_0_0", "pixel_0_1")
    data = prepare(digits, "digit")
    assert data.preparation.task is Task.classification
    assert data.preparation.classes == tuple(range(10))
    assert (len(data.train), len(data.validation), len(data.test)) == (1347, 90, 360)
    assert np.bincount(data.test.truth).min() >= 34


# All of it kept


@pytest.mark.parametrize("task", list(Task))
def test_a_preparation_survives_json_to_the_bit(task):
    y = ["a", "b"] * 60 if task == "classification" else np.sqrt(np.arange(120.0))
    table = Table("t.csv", {**numbers().columns, "y": y}, range(2, 122))
    preparation = prepare(table, "y", task).preparation
    again = preparation_from(json.loads(json.dumps(preparation.description())), "model")
    assert again == preparation
    assert np.array_equal(again.inputs_of(table).X, preparation.inputs_of(table).X)


def test_columns_are_taken_by_name_in_any_order_and_others_ignored():
    preparation = prepare(numbers(), "y").preparation
    columns = numbers().columns
    shuffled = table_of(wide=columns["wide"], note=["?"] * 120, few=columns["few"], x=columns["x"])
    assert np.array_equal(preparation.inputs_of(shuffled).X, preparation.inputs_of(numbers()).X)
    with refused(
        "t.csv: 2 of the model's 3 columns are missing, 'few', 'wide'; got the column 'x'; "
        "give a table like the one that the model was trained on"
    ):
        preparation.inputs_of(table_of(x=columns["x"]))
    with refused(
        "t.csv: a column of the model is missing, 'wide'; got the columns 'x', 'few', 'Wide '; "
        "did you mean 'Wide '?"
    ):
        preparation.inputs_of(table_of(x=["1"], few=["1"], **{"Wide ": ["1"]}))


def test_a_model_without_a_preparation_is_refused():
    with pytest.raises(
        FileFormatError, match="m: this model does not say which columns it takes; "
    ):
        preparation_from(None, "m")
    with pytest.raises(FileFormatError, match="m: the model's description of its table cannot be"):
        preparation_from({"task": "classification"}, "m")
    description = prepare(numbers(), "y").preparation.description()
    with pytest.raises(FileFormatError, match=r"got the table's task must be one of .* 'sorting'"):
        preparation_from(description | {"task": "sorting"}, "m")


WRONG = [True, -1, 1.5, 10**400, "\ud800", "", [], [1], ["x", "x"], [None], {}, {"mean": [1.0]}]
AMOUNT = {"kind": "number", "name": "x", "centre": 0.0, "scale": 1.0, "fill": 0.0, "flags": True}
CATEGORY = {"kind": "category", "name": "x", "values": ["a"], "rare": ["b"], "missing": False}
MOMENT = {"kind": "date", "name": "x", "style": "ISO 8601", "centre": 0.0, "scale": 1.0,
          "cycles": ["year"], "flags": False}  # fmt: skip
ODD_INPUTS = [
    AMOUNT | {"scale": 0.0}, AMOUNT | {"scale": -1.0}, AMOUNT | {"centre": None},
    AMOUNT | {"fill": "0"}, AMOUNT | {"flags": 1}, AMOUNT | {"more": 1},
    AMOUNT | {"kind": "wavelet"}, AMOUNT | {"name": 1}, CATEGORY | {"values": "ab"},
    CATEGORY | {"rare": ["a"]}, CATEGORY | {"values": [], "rare": []}, CATEGORY | {"missing": None},
    MOMENT | {"style": "%Q"}, MOMENT | {"cycles": ["month"]}, MOMENT | {"cycles": ["year"] * 2},
]  # fmt: skip


@pytest.mark.parametrize("encoder", [AMOUNT, CATEGORY, MOMENT])
def test_encoders_of_a_description_come_back(encoder):
    description = prepare(numbers(), "y").preparation.description()
    description = json.loads(json.dumps(description | {"inputs": [encoder]}))
    (read,) = preparation_from(description, "m").inputs
    assert json.loads(json.dumps(described(read))) == encoder


@pytest.mark.parametrize("encoder", ODD_INPUTS)
def test_encoders_that_no_training_gives_are_refused(encoder):
    description = prepare(numbers(), "y").preparation.description()
    description = json.loads(json.dumps(description | {"inputs": [encoder]}))
    with pytest.raises(FileFormatError, match="m: the model's description of its table cannot"):
        preparation_from(description, "m")


@pytest.mark.parametrize("part", ["task", "inputs", "target", "identifiers", "classes", "outputs"])
@pytest.mark.parametrize("task", list(Task))
def test_every_part_of_a_description_is_of_its_type(task, part):
    y = ["a", "b"] * 60 if task == "classification" else np.sqrt(np.arange(120.0))
    table = Table("t.csv", {**numbers().columns, "y": y}, range(2, 122))
    description = json.loads(json.dumps(prepare(table, "y", task).preparation.description()))
    preparation_from(description, "m")
    for value in WRONG:
        if (part == "target" and value == "") or (
            part == "identifiers" and value in ([], ["x", "x"])
        ):
            continue  # what may be
        with pytest.raises(FileFormatError, match="m: the model's description of its table cannot"):
            preparation_from(description | {part: value}, "m")
    with pytest.raises(FileFormatError, match=f"'{part}' is missing"):
        preparation_from({name: description[name] for name in description if name != part}, "m")
