"""CSV files as people have them: what is read, and what is refused with which words."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import DataError
from chainrule.spelling import closest
from chainrule.tables import Table, listed, quoted, read_table
from chainrule.tables.csvfile import _check_names
from chainrule.tables.layout import delimiter_of


@pytest.fixture
def written(tmp_path):
    def write(contents: str | bytes) -> Path:
        path = tmp_path / "houses.csv"
        path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
        return path

    return write


def refusal(path: Path, column: str | None = None) -> str:
    """What is said against a table, or against one of its columns, without the folder's name."""
    read = read_table if column is None else (lambda path: read_table(path).numbers(column))
    with pytest.raises(DataError) as caught:
        read(path)
    return str(caught.value).replace(str(path), path.name)


@pytest.mark.parametrize(
    "contents",
    [
        "area,price\n50,120.5\n70,-1.5e2\n",
        "area;price\n50;120.5\n70;-1.5e2\n",
        "area\tprice\n50\t120.5\n70\t-1.5e2\n",
        "\ufeffarea,price\n50,120.5\n70,-1.5e2\n",
        "area,price\r\n50,120.5\r\n70,-1.5e2\r\n",
        "area,price\r50,120.5\r70,-1.5e2",
        '"area","price"\n"50","120.5"\n"70","-1.5e2"\n',
        '  area , "price"\n 50, 120.5 \n\n70 ,-1.5e2\n\n\n',
    ],
)
def test_the_same_table_in_many_dresses(written, contents):
    table = read_table(written(contents))
    assert table.names == ("area", "price")
    assert table.numbers("area").tolist() == [50.0, 70.0]
    assert table.numbers("price").tolist() == [120.5, -150.0]
    assert table.numbers("price").dtype == np.float64


@pytest.mark.parametrize(
    ("contents", "notes"),
    [
        ("größe|preis\n50|120.5\n", ["the cells are taken to be parted by a vertical bar"]),
        ("größe preis\n50  120.5\n", ["the cells are taken to be parted by blanks"]),
        ("  größe   preis\n  50  120.5 \n", ["the cells are taken to be parted by blanks"]),
        ("sep=;\ngröße;preis\n50;120.5\n", []),
        ("SEP=;\ngröße;preis\n50;120.5\n", []),
        ('"sep=|"\r\ngröße|preis\r\n50|120.5\r\n', []),
        ("größe;preis\r50;120.5\r", []),
        ("# houses\ngröße,preis\n50,120.5\n", ["the first line, which begins with #, is left out"]),
        (
            "# houses\n# 2024, May\ngröße,preis\n50,120.5\n",
            ["2 lines that begin with # are left out"],
        ),
        (
            "# größe,preis\n50,120.5\n",
            ["the names of the columns are those of row 1, after #"],
        ),
        ('"größe",preis\n50,120.5\n'.encode("utf-16"), []),
        ('"größe",preis\n50,120.5\n'.encode("utf-32"), []),
        (
            "größe,preis\n50,120.5\n".encode("utf-16-le"),
            ["it does not say how its text is encoded; it is read as UTF-16"],
        ),
        (
            "größe,preis\n50,120.5\n".encode("utf-16-be"),
            ["it does not say how its text is encoded; it is read as UTF-16"],
        ),
        (
            "größe,preis\n50,120.5\n".encode("latin-1"),
            [
                "the file is not in UTF-8; it is read as Latin-1 (Windows-1252), in which the "
                "first such byte is 'ö'; if that is wrong, save it as CSV UTF-8"
            ],
        ),
    ],
)
def test_what_is_guessed_is_said(written, contents, notes):
    table = read_table(written(contents))
    assert list(table.notes) == notes
    assert table.names == ("größe", "preis")
    assert [table.numbers(name).tolist() for name in table.names] == [[50.0], [120.5]]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_line_break_in_a_quoted_heading_is_a_blank(written, end, delimiter):
    table = read_table(written(f'"area,;|{end}of it"{delimiter}b{end}1{delimiter}2{end}'))
    assert table.names == ("area,;| of it", "b")
    assert list(table.rows) == [3]


def test_a_heading_may_begin_with_a_hash(written):
    assert read_table(written("#,a\n1,2\n")).names == ("#", "a")
    assert read_table(written("#items,a\n1,2\n")).names == ("#items", "a")


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ('1\n""\n3\n', [2, 3, 4]),
        ('""\n', [2]),
        ("1\n\n3\n", [2, 3, 4]),
        ("1\n  \n3\n\n\n", [2, 3, 4]),
        ('1\n"a\nb"\n3', [2, 3, 5]),
    ],
)
def test_no_row_of_one_column_is_lost_or_shifted(written, body, rows):
    table = read_table(written("x\n" + body))
    assert list(table.rows) == rows
    if "" in table.columns["x"]:
        assert "has an empty cell; got nothing in row" in refusal(written("x\n" + body), "x")


@pytest.mark.parametrize("count", [2000])
def test_names_are_compared_a_few_times_each(count):
    compared = 0

    class Name(str):
        def __eq__(self, other):
            nonlocal compared
            compared += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    _check_names("t.csv", [Name(f"c{i}") for i in range(count)])
    assert compared < 5 * count


def test_quoted_cells_hold_delimiters_quotes_and_line_breaks(written):
    table = read_table(written('"size, m²";kind\n1;"a;""b"""\n2;"two\nlines"\nx;c\n'))
    assert table.names == ("size, m²", "kind")
    assert table.labels("kind") == ['a;"b"', "two\nlines", "c"]
    assert list(table.rows) == [2, 3, 5]
    assert "'x' in row 5" in refusal(
        written('"size, m²";k\n1;"a;""b"""\n2;"t\nl"\nx;c\n'), "size, m²"
    )


def test_one_column_is_a_table(written):
    assert read_table(written("price\n1\n2\n")).numbers("price").tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a;b;c\n1,5;2,5;3,5\n", ";"),
        ("a,b\n1;2,3\n", ","),
        ('"a,b,c";d\n1;2\n', ";"),
        ("size, m;kind\n1;2\n3;4\n", ";"),
        ("a\n", ","),
        ("", ","),
        ("\n\na\tb\n", "\t"),
    ],
)
def test_the_delimiter_is_told_from_the_header_and_the_first_rows(text, delimiter):
    assert delimiter_of(text) == delimiter


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        ("", "houses.csv: the file is empty; write a header and one row an example"),
        ("\n\n", "houses.csv: the file is empty; write a header and one row an example"),
        (
            "area,price\n",
            "houses.csv: there is a header but no row below it; write one row an example",
        ),
        (
            "area,price\n1,2\n\n3\n",
            "houses.csv: a row has fewer cells than the header; got 1 in row 4, and 2 columns; "
            "give every row one cell for each column",
        ),
        (
            "area,price\n1,2\n1,2,3\n",
            "houses.csv: a row has more cells than the header; got 3 in row 3, and 2 columns; "
            "give every row one cell for each column",
        ),
        (
            "area,price,area\n1,2,3\n",
            "houses.csv: two columns have the same name; got 'area' as columns 1 and 3; "
            "rename one of them",
        ),
        (
            'area,price\n1,2\n"3,4\n',
            "houses.csv: row 3 is not well-formed CSV; got unexpected end of data; "
            "close every quotation mark that a cell opens, and double those inside",
        ),
        (
            b"a\xf6,b\n1,\x07\n",
            "houses.csv: the file is not text in UTF-8; got the byte 0xf6 in row 1; "
            "save it as CSV UTF-8",
        ),
        (
            b"\xff\xfea\x00,\x00b",
            "houses.csv: the file says that it is UTF-16, and is not; got the byte 0x62; "
            "save it as CSV UTF-8",
        ),
        (
            "area,price\n1,2\n# and so on\n",
            "houses.csv: a row has fewer cells than the header; got 1 in row 3, and 2 columns; "
            "lines that begin with # are comments only above the header: remove it",
        ),
        (b"a,b\n1,\0\n", "houses.csv: the file is not text; got a zero byte; save it as CSV UTF-8"),
        (
            b"PK\x03\x04 and so on",
            "houses.csv: this is a spreadsheet or an archive, not text; save the sheet as CSV",
        ),
    ],
)
def test_files_that_are_no_table_are_refused(written, contents, said):
    assert refusal(written(contents)) == said


def test_a_missing_file_a_folder_and_an_impossible_name_are_refused(tmp_path):
    missing = tmp_path / "none.csv"
    assert refusal(missing) == "none.csv: there is no such file; give the path of a CSV file"
    assert "the file cannot be read; got Is a directory" in refusal(tmp_path)
    assert "the file cannot be read; got embedded null byte" in refusal(Path("a\0b.csv"))


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (
            "big",
            "houses.csv: the column 'area' must hold numbers; got 'big' in row 4; "
            "write a number there, or remove the column",
        ),
        (
            "1,5",
            "houses.csv: the column 'area' must hold numbers; got '1,5' in row 4; "
            "write decimals with a point",
        ),
        ("1_000", "houses.csv: the column 'area' must hold numbers; got '1_000' in row"),
        (
            "",
            "houses.csv: the column 'area' has an empty cell; got nothing in row 4; "
            "fill it or remove the row",
        ),
        (
            "nan",
            "houses.csv: the column 'area' holds a value that is not finite; got 'nan' in row 4; "
            "replace it or remove the row",
        ),
        ("-inf", "houses.csv: the column 'area' holds a value that is not finite; got '-inf' in"),
        ("1e999", "houses.csv: the column 'area' holds a value that is not finite; got '1e999' in"),
    ],
)
def test_cells_that_are_no_numbers_are_named_with_their_row(written, cell, said):
    contents = f"area;price\n1;2\n\n{cell};3\n5;big\n"
    assert refusal(written(contents), "area").startswith(said)


def test_a_column_that_is_never_asked_for_may_hold_anything(written):
    table = read_table(written("area,note\n1,\n2,nan\n"))
    assert table.numbers("area").tolist() == [1.0, 2.0]


def test_labels_may_look_like_anything_but_nothing(written):
    path = written("kind,area\nNA,1\n1_0,2\n")
    assert read_table(path).labels("kind") == ["NA", "1_0"]
    with pytest.raises(
        DataError, match="the column 'kind' has an empty cell; got nothing in row 3"
    ):
        read_table(written("kind,area\na,1\n,2\n")).labels("kind")
    with pytest.raises(
        DataError, match="'kind' holds a value that is not finite; got 'NaN' in row 2"
    ):
        read_table(written("kind,area\nNaN,1\nb,2\n")).labels("kind")


def table_of(*names: str) -> Table:
    return Table("houses.csv", {name: ["1"] for name in names}, [2])


@pytest.mark.parametrize(
    ("names", "wanted", "said"),
    [
        (["area", "price"], "prise", "got the columns 'area', 'price'; did you mean 'price'?"),
        (["area", "Price"], "PRICE", "got the columns 'area', 'Price'; did you mean 'Price'?"),
        (["area"], "xyz", "got the column 'area'; choose one of these"),
        (
            ["5.1", "3"],
            "kind",
            "got the columns '5.1', '3'; "
            "the first row must hold the columns' names, and here it holds numbers",
        ),
    ],
)
def test_a_missing_column_is_named_with_those_that_are_there(names, wanted, said):
    said = f"houses.csv: there is no column '{wanted}'; {said}"
    with pytest.raises(DataError, match=f"^{re.escape(said)}$"):
        table_of(*names).require(wanted)


def test_columns_that_are_there_are_enough():
    table_of("a", "b").require("b")
    assert table_of("a", "b", "c").without("b") == ("a", "c")


def test_long_names_and_many_names_are_cut_short():
    assert len(quoted("x" * 1000)) == 42
    assert listed([f"c{i}" for i in range(30)]).endswith("'c11' and 18 more")
    assert closest("zzz", ["area"]) is None


@given(
    st.lists(
        st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(",;\t"),
)
def test_numbers_come_back_to_the_bit(tmp_path_factory, rows, delimiter):
    path = tmp_path_factory.mktemp("numbers") / "table.csv"
    lines = [delimiter.join(map(repr, row)) for row in rows]
    path.write_text("\n".join([f"a{delimiter}b", *lines]))
    table = read_table(path)
    assert [table.numbers(name).tolist() for name in "ab"] == [
        list(c) for c in zip(*rows, strict=True)
    ]


def test_a_cell_beyond_what_csv_reads_is_called_too_long(written):
    with pytest.raises(DataError, match="a cell of row 2 is too long; got more than 131,072 char"):
        read_table(written("a,b\n1," + "z" * 140_000 + "\n"))
