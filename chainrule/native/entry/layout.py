"""What entry.ll and those who fill its rows agree on, and the code with these numbers filled in."""

from __future__ import annotations

import re
import sys
from importlib import resources
from string import Template

STATIC, ARRAY, DOUBLE, SINGLE, SCALAR, WHOLE = range(6)
"""Kinds of arguments. A row: kind, type or object, place or memory or number, dtype, axes,
address of the sizes, number among the objects."""
ARGUMENT_WORDS = 7

TUPLE, LIST, DICT = range(3)
"""Kinds of containers. A row: kind, type, number among the objects, items, address of the keys,
and, of one that is made, the container that it is in (-1: none) and where in it."""
CONTAINER_WORDS = 7

FRESH, NUMBER, COPY, GATHER = range(4)
"""Kinds of results: an array that the code fills, a number, a part of memory that is copied at
once or element by element. A row: kind, dtype, axes, address of the sizes, place, offset, bytes,
the container that it is in (-1: it is alone) and where in it, address of the steps, bytes of an
element."""
RESULT_WORDS = 11

(
    GIVEN, OPENED, OPENED_ROWS, ARGUMENTS, ARGUMENT_ROWS, CONTAINERS, CONTAINER_ROWS, RESULTS,
    RESULT_ROWS, RUN, TABLE, ADDRESSES, INDICES, NONE, NOT_IMPLEMENTED, FAULTS,
    FAULT_PLACES, OBJECTS,
) = range(18)  # fmt: skip
"""The words of an entry's state: counts, addresses of rows and of memory, objects."""

MOST_CONTAINERS = 256
"""Containers of results, which a call has on its stack: making them may run code in Python."""

HEAD = object.__basicsize__
"""Bytes at the start of every object: the count of references, and last the type's address."""
TYPE = HEAD - 8
DATA, NDIM, SHAPE, DTYPE, FLAGS = HEAD, HEAD + 8, HEAD + 16, HEAD + 40, HEAD + 48
"""Where an array keeps its fields: ``PyArrayObject_fields`` in NumPy's ndarraytypes.h."""
KIND = HEAD + 8
"""Where a dtype has its kind, its character, its byte order, an unused byte, and its number."""
KIND_MASK = int.from_bytes(b"\xff\xff\xff\x00\xff\xff\xff\xff", sys.byteorder)
IN_ORDER = 0x0101
"""NumPy's flags of an array that lies in row-major order, at addresses fit for its dtype."""


def text() -> str:
    """The code for this Python's and this NumPy's objects."""
    folder = resources.files("chainrule.native.entry")
    files = ("entry.ll", "entry_arguments.ll", "entry_results.ll")
    source = "\n".join((folder / name).read_text("utf-8") for name in files)
    numbers = {name: value for name, value in globals().items() if name.isupper()}
    return re.sub(
        r"( +%(\w+)) = word (i64|ptr), (%\w+), (%?\w+)\n",
        r"  %\2.at = getelementptr i64, ptr \4, i64 \5\n\1 = load \3, ptr %\2.at\n",
        Template(source).safe_substitute(numbers),
    )
