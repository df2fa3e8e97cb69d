"""What every column of a table is taken for, and all that has to be settled, at one look."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from chainrule.errors import ArgumentError, DataError
from chainrule.tables import Kind, Table, kinds_from, look, prepare
from chainrule.tables.encoders import learn_category, learn_moment
from chainrule.tables.split import split_rows

ROWS = 40


def column(cells, name="x", **given):
    table = Table("t.csv", {name: cells, "y": list(map(str, range(len(cells))))}, range(2, 99))
    (found,) = look(table, "y", **given).columns
    return found


def repeated(*cells):
    return (list(cells) * ROWS)[:ROWS]


def days(style):
    first = datetime.date(2020, 1, 15)
    return [(first + datetime.timedelta(k)).strftime(style) for k in range(ROWS)]


KINDS = {
    Kind.number: [
        repeated("1", "2.5", "-3e4"), repeated("1", "", "NA", "2"), repeated("7", "?", "8"),
        repeated("1", "-", "2"), list(map(str, range(ROWS))),
    ],
    Kind.category: [
        repeated("red", "blue"), repeated("red", "", "blue"), repeated("01067", "1067"),
        repeated("1a", "2b", "NULL"), [f"word {k}" for k in range(15)],
    ],
    Kind.boolean: [
        repeated("yes", "no"), repeated("TRUE", "False"), repeated("t", "f", ""),
        repeated("N", "Y"),
    ],
    Kind.date: [
        days("%Y-%m-%d"), days("%d.%m.%Y"), days("%m/%d/%Y"), days("%B %d, %Y"), days("%d-%b-%y"),
        [f"{day} 10:30" for day in days("%Y-%m-%d")], [*days("%Y-%m-%d")[:-1], ""],
        [f"{day}T10:30:00Z" for day in days("%Y-%m-%d")],
    ],
    Kind.text: [[f"sentence {k}" for k in range(ROWS)]],
    Kind.constant: [repeated("5"), repeated("red")],
    Kind.empty: [repeated("", "NA", "nan", "None")],
}  # fmt: skip
CASES = [(kind, cells) for kind, found in KINDS.items() for cells in found]


@pytest.mark.parametrize(("kind", "cells"), CASES)
def test_the_kind_is_told_from_the_cells(kind, cells):
    found = column(cells)
    assert found.kind is kind, found
    assert found.problem is None
    assert found.is_used == (kind in (Kind.number, Kind.category, Kind.boolean, Kind.date))


@pytest.mark.parametrize(
    "name", ["id", "ID", "customer_id", "index", "Unnamed: 0", "column 1", "rownames", "row"]
)
def test_what_numbers_the_rows_is_an_identifier(name):
    assert column([str(k) for k in range(ROWS)], name).kind is Kind.identifier
    assert column(repeated("1", "2"), name).kind is Kind.number  # it does not


@pytest.mark.parametrize("name", ["x", "age", "time", "idea", "area"])
def test_other_names_are_numbers(name):
    assert column([str(k) for k in range(ROWS)], name).kind is Kind.number


def test_the_same_column_twice_is_left_out_once():
    cells = repeated("1", "2")
    table = Table("t.csv", {"a": cells, "b": cells, "y": cells[::-1]}, range(ROWS))
    assert [item.kind for item in look(table, "y").columns] == [Kind.number, Kind.duplicate]


PROBLEMS = [
    (["1", "2", "big", "4"] * 5, "must hold numbers; got 'big' in row 4"),
    (["1", "inf", "3", "4"] * 5, "holds a value that is not finite; got 'inf' in row 3"),
    (["5%", "7%", "9%"] * 7, "write the number alone, as in 5"),
    (["€1.234,50"] * 7 + ["€7"] * 8, "must hold numbers"),
    (["01/02/2020", "03/04/2021"] * 9, "the dates in 'x' can be read in 2 ways; got '01/02/2020'"),
]


@pytest.mark.parametrize(("cells", "said"), PROBLEMS)
def test_what_has_to_be_settled_is_said(cells, said):
    assert said in str(column(cells).problem)
    as_category = column(cells, kinds={"x": Kind.category})
    assert (as_category.kind, as_category.problem) == (Kind.category, None)


def test_all_problems_are_said_at_once():
    columns = {f"x{k}": cells[:14] for k, (cells, _) in enumerate(PROBLEMS)}
    table = Table("t.csv", {**columns, "y": list("aabbccd" * 2)}, range(2, 16))
    assert len(look(table, "y").problems) == len(PROBLEMS)
    with pytest.raises(
        DataError, match=r"t\.csv: 5 columns have to be settled first: .*'x4'.*--drop"
    ):
        prepare(table, "y")
    dropped = prepare(table, "y", dropped=["x1", "x2", "x3", "x4"], kinds={"x0": Kind.category})
    assert dropped.preparation.columns == ("x0",)


def test_what_a_person_says_is_checked():
    with pytest.raises(DataError, match="there is no column 'z'"):
        column(["1", "2"], dropped=["z"])
    with pytest.raises(ArgumentError, match=r"got 'x=categry'; did you mean x=category\?"):
        kinds_from(["x=categry"])
    with pytest.raises(ArgumentError, match="a column and a kind are needed"):
        kinds_from(["x"])
    assert kinds_from(["a=b=date"]) == {"a=b": Kind.date}
    assert "holds no dates" in str(column(["1", "2"], kinds={"x": Kind.date}).problem)
    assert "must hold numbers" in str(column(["1", "b"], kinds={"x": Kind.number}).problem)
    assert column(repeated("1", "2"), kinds={"x": Kind.identifier}).kind is Kind.identifier


def test_a_column_that_knows_the_answer_is_remarked_on():
    y = ["a", "b", "c", "a"] * 10
    table = Table(
        "t.csv", {"code": [{"a": "7", "b": "8", "c": "9"}[c] for c in y], "y": y}, range(40)
    )
    (remark,) = look(table, "y").notes
    assert remark.startswith("'code' tells 'y' exactly; leave it out with --drop code")
    euros = np.arange(40.0) ** 2
    table = Table("t.csv", {"cents": 100 * euros, "euros": euros}, range(40))
    assert len(look(table, "euros").notes) == 1
    other = Table("t.csv", {"x": np.arange(40.0), "euros": euros}, range(40))
    assert not look(other, "euros").notes


# -- what is learnt of the training rows, and what becomes of other cells --------------------------


def prepared(x, y=None, **kinds):
    length = len(x)
    y = [str(k * k) for k in range(length)] if y is None else y
    return prepare(Table("t.csv", {"x": x, "y": y}, range(2, length + 2)), "y", seed=1)


def encoded(dataset, *cells):
    return dataset.preparation.inputs_of(Table("new.csv", {"x": list(cells)}, range(2, 99)))


def test_a_category_has_a_unit_for_each_value_and_unseen_ones_are_counted():
    data = prepared(["red", "blue", "green", "blue"] * 10)
    X, notes = encoded(data, "blue", "green", "red", "pink", "")
    np.testing.assert_array_equal(X, [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]])
    assert notes == (
        "1 cell without a value in 'x' is taken as usual in the training rows",
        "1 cell has a value that the training rows lack, in 'x', such as 'pink'",
    )


def test_two_values_have_one_unit():
    X, _ = encoded(prepared(["no", "yes"] * 20), "no", "yes", "")
    np.testing.assert_array_equal(X, [[-1], [1], [0]])


def test_missing_values_of_the_training_have_a_unit_of_their_own():
    data = prepared(["a", "b", ""] * 14)
    X, notes = encoded(data, "a", "b", "NA")
    np.testing.assert_array_equal(X, np.eye(3))
    assert not notes
    data = prepared(["1", "2", "3", ""] * 10)
    X, _ = encoded(data, "2", "?")
    np.testing.assert_array_equal(X, [[0, 0], [0, 1]])  # the median stands for what is missing


def test_rare_values_share_a_unit():
    cells = [f"v{k:02d}" for k in range(50) for _ in range(3)] + [f"r{k}" for k in range(20)]
    table = Table("t.csv", {"x": cells}, range(len(cells)))
    encoder = learn_category(table, "x", np.arange(len(cells)))
    assert (len(encoder.values), len(encoder.rare), encoder.width) == (50, 20, 51)


def test_dates_become_their_place_in_time_and_in_the_year_and_week():
    cells = [
        (datetime.date(2020, 1, 1) + datetime.timedelta(9 * k)).isoformat() for k in range(200)
    ]
    encoder = learn_moment(
        Table("t.csv", {"x": cells}, range(200)), "x", np.arange(200), "ISO 8601"
    )
    assert (encoder.cycles, encoder.width) == (("year", "week"), 5)
    data = prepared(cells)
    X, _ = encoded(data, "2021-03-01", "2021-03-08", "2022-03-01")
    np.testing.assert_allclose(X[0, 3:], X[1, 3:], atol=1e-12)  # a week later
    np.testing.assert_allclose(X[0, 1:3], X[2, 1:3], atol=0.01)  # a year later, but for 0.24 days
    np.testing.assert_allclose(np.sum(X[:, 1:3] ** 2, axis=1), 1)
    with pytest.raises(DataError, match=r"'x' must hold dates; got 'soon' in row 2"):
        encoded(data, "soon")


def test_rows_without_a_target_are_left_out_and_counted():
    data = prepared([str(k) for k in range(40)], ["", "NA"] + [str(k * k) for k in range(2, 40)])
    assert len(data.train) + len(data.test) == 38
    assert data.notes == ("2 rows without a value of 'y' are left out, the first of them row 2",)
    with pytest.raises(DataError, match="the target 'y' has no value in any row"):
        prepared(["1", "2"] * 5, [""] * 10)


@pytest.mark.parametrize("cells", [("red", "blue"), ("2024-01-02", "2024-03-04"), ("1.5", "2.5")])
def test_a_column_may_have_its_only_values_outside_of_the_training_rows(cells):
    held = split_rows("t.csv", 40, None, 1).test
    x = [""] * 40
    for place, row in enumerate(held):
        x[row] = cells[place % 2]
    data = prepared(x)
    assert np.isfinite(data.train.X).all()
    assert np.isfinite(data.test.X).all()


def test_what_is_learnt_is_of_the_training_rows_alone():
    x = [str(k) for k in range(40)]
    held = split_rows("t.csv", 40, None, 1).test
    changed = ["1000" if k in held else cell for k, cell in enumerate(x)]
    assert prepared(changed).preparation.inputs == prepared(x).preparation.inputs
