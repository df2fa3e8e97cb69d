"""Generated CSV files: each is refused with one sentence, or is the table that was written.

python -m tests.fuzz.tables --number 20000 --seed 0

Half of the files are right in one of many dresses, and what is read is compared with what was
written: no cell is lost, shifted or changed. The other half is damaged. What is read is prepared to
be trained on, and must be finite.
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import sklearn.model_selection
import sklearn.preprocessing  # noqa: F401  both are slow to import, which is no case's affair

from chainrule.errors import ChainruleError
from chainrule.tables import Table, Task, prepare, read_table
from chainrule.tables.target import UNKNOWN
from tests.fuzz.common import Wrong, main, refused

WORDS = ["a", "b", "red", "größe", "x y", "it's", 'in "quotes"', "a,b", "a;b", "two\nlines", "é|è"]
NUMBERS = ["0", "1", "-1", "2.5", "1e3", "-1e-3", "007", "01067", "9007199254740993", "1e308", "+4"]
AMOUNTS = ["5%", "€10", "10,000.00", "5,000", "1,5", "80.500,00", "1 000", "12 km", "−3"]
AMOUNTS += ["10k", "$1.2M", "(5)", "1,00,000", "1e9999999k", "1.000", "2 e3", "-" + " " * 99 + "x"]
ODD = ["", " ", "NaN", "inf", "1e999", "1_000", "#", "#N/A", "'", '"', "=1+1", "\u200b", "\ufeff"]
NAMES = ["area", "price", "größe", "size, m²", "a b", "two\nlines", "#", "1", "area ", "x|y", "ß;"]
ENCODINGS = ["utf-8"] * 6 + ["utf-8-sig", "utf-16", "utf-32", "cp1252", "utf-16-le", "utf-16-be"]


def case(rng: random.Random, folder: str) -> str:
    """One file."""
    path = Path(folder, "t.csv")
    names, rows = _table(rng)
    delimiter = rng.choice(",,;\t|")
    text = _written(rng, names, rows, delimiter)
    encoding = rng.choice(ENCODINGS)
    contents = text.encode(encoding, "replace")
    is_whole = rng.random() < 0.5
    if not is_whole:
        contents = _damaged(rng, contents)
    path.write_bytes(contents)
    table = refused(lambda: read_table(path))
    if isinstance(table, ChainruleError):
        return f"refused: {str(table.problem)[:45]}"
    if is_whole and encoding not in ("cp1252", "utf-16-le", "utf-16-be"):
        _check_same(table, names, rows)
    return f"read; {_prepared(rng, table)}"


def _check_same(table: Table, names: list[str], rows: list[list[str]]) -> None:
    expected = [" ".join(name.split()) if "\n" in name else name.strip() for name in names]
    if list(table.names) != expected:
        raise Wrong(f"names {table.names} for {expected}, cells by {table.delimiter!r}")
    read = [list(row) for row in zip(*table.columns.values(), strict=True)]
    if read != [[cell.strip() for cell in row] for row in rows]:
        raise Wrong(f"cells {read[:2]} for {rows[:2]}, by {table.delimiter!r}")
    if len(table.rows) != len(rows) or list(table.rows) != sorted(set(table.rows)):
        raise Wrong("rows are not in their places")


def _prepared(rng: random.Random, table: Table) -> str:
    target = rng.choice([table.names[-1], rng.choice(table.names)])
    task = rng.choice([None, None, *Task])
    dataset = refused(lambda: prepare(table, target, task))
    if isinstance(dataset, ChainruleError):
        return "not prepared"
    parts = (dataset.train, dataset.validation, dataset.test)
    known = [str(cell) for cell in table.columns[target] if str(cell).casefold() not in UNKNOWN]
    if sum(map(len, parts)) != len(known):
        raise Wrong("rows were lost")
    for part in parts:
        if not (np.isfinite(part.X).all() and np.isfinite(part.Y).all()):
            raise Wrong("prepared numbers are not finite")
    classes = dataset.preparation.classes
    if classes is not None:
        if set(classes) != set(known):
            raise Wrong(f"classes {classes} for other cells")
        return "classes"
    return "amounts"


def _table(rng: random.Random) -> tuple[list[str], list[list[str]]]:
    """Names and cells; those that a table may have."""
    names = rng.sample(NAMES, rng.randrange(1, 5))
    if len({name.strip() for name in names}) < len(names):
        names = [name for name in names if name != "area "]
    kinds = [rng.choice([NUMBERS, NUMBERS, NUMBERS[:5], WORDS, AMOUNTS]) for _ in names]
    many = rng.choice((1, 2, 5, 20, 60))
    if rng.random() < 0.5:  # such as can be trained on
        kinds = [NUMBERS[:8]] * (len(names) - 1) + [rng.choice([NUMBERS[:9], WORDS[:3]])]
        many = rng.choice((20, 60))
    rows = [[rng.choice(kind) for kind in kinds] for _ in range(many)]
    if rng.random() < 0.2:
        rng.choice(rows)[-1] = rng.choice(ODD[:-2])
    return names, rows


def _written(rng: random.Random, names: list[str], rows: list[list[str]], delimiter: str) -> str:
    end, always = rng.choice(["\n", "\n", "\r\n", "\r"]), rng.random() < 0.2
    blank = rng.random() < 0.2 and len(names) > 1
    lines = []
    for row in [names, *rows]:
        cells = [_cell(cell, delimiter, always or len(row) == 1) for cell in row]
        lines.append(delimiter.join(cells) + (end + end if blank else end))
    text = "".join(lines)
    return f"sep={delimiter}{end}{text}" if rng.random() < 0.1 else text


def _cell(cell: str, delimiter: str, always: bool) -> str:
    special = any(mark in cell for mark in '"\n,;|\t') or cell.startswith("#") or delimiter in cell
    return '"' + cell.replace('"', '""') + '"' if always or special else cell


def _damaged(rng: random.Random, contents: bytes) -> bytes:
    changed = bytearray(contents)
    kind = rng.randrange(7)
    if not changed:
        return b""
    place = rng.randrange(len(changed))
    if kind == 0:
        changed[place] = rng.randrange(256)
    elif kind == 1:
        del changed[place:]
    elif kind == 2:
        changed[place:place] = rng.choice([b'"', b"\0", b"\r", b"\n", b"#", b"\xff", b",", b" "])
    elif kind == 3:
        changed = changed[:place] + changed[place:] * 2
    elif kind == 4:
        changed[:0] = rng.choice(
            [b"# a\n", b"PK\x03\x04", b"\xff\xfe", b"\n\n", b"#" * 99, b"sep=\n"]
        )
    elif kind == 5:
        changed = changed.replace(b"\n", rng.choice([b"", b"\r", b" ", b"\n#"]))
    else:
        changed = changed.replace(b",", rng.choice([b" ", b"  ", b"|", b";;", b""]))
    return bytes(changed)


if __name__ == "__main__":
    main("tables", case, 20_000)
