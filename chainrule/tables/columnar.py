"""Reads Parquet and Arrow files, whose columns have types, through pyarrow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.tables.cells import Cells
from chainrule.tables.table import Table
from chainrule.tables.words import quoted

COLUMNAR = (".parquet", ".pq", ".feather", ".arrow", ".ipc")
"""What the names of such files end in."""


def read_columnar(source: str) -> Table:
    """Read a file of typed columns.

    Raises
    ------
    DataError
        If pyarrow is not installed, the file cannot be read, has no rows, or a column holds lists
        or other things that are no cells.
    """
    try:
        import pyarrow as pa
        from pyarrow import feather, parquet
    except ImportError:
        raise DataError(
            source, "Parquet and Arrow files are read through pyarrow, which is not installed",
            remedy="write pip install 'chainrule[data]', or save the table as CSV",
        ) from None  # fmt: skip
    is_parquet = source.lower().endswith((".parquet", ".pq"))
    try:
        read = parquet.read_table(source) if is_parquet else feather.read_table(source)
    except FileNotFoundError:
        raise DataError(source, "there is no such file", remedy="give a table's path") from None
    except (OSError, pa.ArrowException) as error:
        raise DataError(
            source, "the file cannot be read as " + ("Parquet" if is_parquet else "Arrow"),
            str(error).splitlines()[0], "save the table again, or as CSV",
        ) from None  # fmt: skip
    if not read.num_rows:
        raise DataError(source, "there is no row", remedy="write one row an example")
    names = read.column_names
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(
            source, "two columns have the same name", quoted(twice), "rename one of them"
        )
    columns: Mapping[str, Cells] = {
        name: _cells(source, name, read.column(name), pa) for name in names
    }
    return Table(source, columns, range(1, read.num_rows + 1))


def _cells(source: str, name: str, column: Any, pa: Any) -> Cells:
    """Numbers as they are, anything else as a CSV file would have it."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _cells(source, name, column.cast(kind.value_type), pa)
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        numbers = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return np.asarray(numbers, np.float64)
    if pa.types.is_boolean(kind):
        return ["" if cell is None else str(cell).lower() for cell in column.to_pylist()]
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        return ["" if cell is None else _moment(cell) for cell in column.to_pylist()]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or "string" in str(kind):
        return ["" if cell is None else cell.strip() for cell in column.to_pylist()]
    raise DataError(
        source, f"the column {quoted(name)} holds no numbers, texts, dates or truths", str(kind),
        "write one cell for each row, or leave the column out of the file",
    )  # fmt: skip


def _moment(cell: Any) -> str:
    has_both = hasattr(cell, "hour") and hasattr(cell, "year")
    return str(cell.isoformat(" ")) if has_both else str(cell)
