"""Native functions that Python calls without a detour: arrays in, new arrays out."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from chainrule.native.entry import layout
from chainrule.native.entry.code import dtype_word, interface
from chainrule.native.plan.views import row_major
from chainrule.shapes import Shape

Dtype = np.dtype[Any]
Entry = Callable[..., Any]
"""A function of positional arguments; ``NotImplemented`` where they are not what it is made for."""


class Argument(NamedTuple):
    """What an argument, or a part of one, has to be.

    Attributes
    ----------
    example : object
        An array, a number of NumPy's or a float: the type counts, its value does not. Anything else
        is static, and has to be this very object, or a whole number equal to it.
    place : int
        Where in the table the code looks for its address.
    shape : tuple of int
    dtype : dtype
        What the code takes it for; of floats, what they are converted to.
    """

    example: Any
    place: int = 0
    shape: Shape = ()
    dtype: Dtype = np.dtype(float)


class Result(NamedTuple):
    """How a result, or a part of it, comes about.

    Attributes
    ----------
    place : int
        The place in the table that the code knows it by.
    shape : tuple of int
    dtype : dtype
    is_fresh : bool
        The code writes into a new array, whose address goes to that place. Otherwise the result is
        copied from there when the code has run.
    steps : tuple of int
        From an element to the next along each axis of what is copied, in elements.
    offset : int
        Where at that address it begins, in elements.
    """

    place: int
    shape: Shape
    dtype: Dtype
    is_fresh: bool
    steps: tuple[int, ...]
    offset: int = 0


class _Method(ctypes.Structure):
    """``PyMethodDef``."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


METH_FASTCALL = 0x0080
_CONTAINERS: dict[type, int] = {tuple: layout.TUPLE, list: layout.LIST, dict: layout.DICT}


class _State(int):
    """The address of an entry's words; it holds on to all that they refer to."""

    kept: Any


def entry(
    run: int, table: Any, arguments: Sequence[Argument], results: Sequence[Result], *,
    taken: Sequence[Any], given: Any, faults: Sequence[int] = (), keep: Any = (),
) -> Entry | None:  # fmt: skip
    """A function that calls native code as directly as Python can; None where that cannot be.

    Parameters
    ----------
    run : int
        The address of ``void run(table, meeting, thread, threads)``, which is called as by one
        thread alone; 0 where there is nothing to compute.
    table : ctypes array of void pointers
        The addresses that the code works on; those of arguments and results are filled in anew for
        every call. Numbers are written where their places point to.
    arguments, results : sequences of Argument and Result
    taken : sequence
        What the function takes: numbers of arguments, alone or in tuples, lists and dicts.
    given : object
        What it returns: the number of a result, or several in tuples, lists and dicts.
    faults : sequence of int
        Places of whole numbers that the code sets where something goes wrong. The call then ends
        as if the arguments were unknown.
    keep : object
        What has to live as long as the function: the code, the arrays in the table.

    Notes
    -----
    A call holds the interpreter's lock until it is over, so that one table serves all threads.
    """
    shared = interface()
    memory = _Memory()
    opened, numbers = memory.containers(taken)
    made, places = memory.containers([given])
    if shared is None or not memory.knows_all() or len(made) > layout.MOST_CONTAINERS:
        return None
    rows = [memory.argument(*pair, table) for pair in zip(arguments, numbers, strict=True)]
    if not memory.knows_all():
        return None
    given_rows = [memory.result(*pair) for pair in zip(results, places, strict=True)]
    axes = max((len(item.shape) for item in results), default=0)
    state = memory.words(
        len(taken), len(opened), memory.table(opened), len(rows), memory.table(rows),
        len(made), memory.table(made), len(results), memory.table(given_rows), run,
        ctypes.addressof(table), memory.words(*[0] * len(results)), memory.words(*[0] * axes),
        id(None), id(NotImplemented), len(faults), memory.words(*faults),
        memory.words(*[0] * (len(taken) + sum(row[3] for row in opened))),
    )  # fmt: skip
    own = _State(state)
    method = _Method(b"entry", shared.address, METH_FASTCALL, None)
    own.kept = shared, memory, method, table, keep
    found: Entry = _new_function()(ctypes.addressof(method), own, None)
    return found


@lru_cache(maxsize=1)
def _new_function() -> Callable[..., Any]:
    """What makes one of Python's functions of a ``PyMethodDef`` and its ``self``."""
    kind = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
    return kind(("PyCFunction_NewEx", ctypes.pythonapi))


class _Memory:
    """Words for the code to read, and the objects whose addresses are among them."""

    def __init__(self) -> None:
        self._kept: list[Any] = []
        self._is_refused = False

    def knows_all(self) -> bool:
        """Whether the code knows everything that has come up."""
        return not self._is_refused

    def words(self, *words: int) -> int:
        """The address of words in memory."""
        held = (ctypes.c_int64 * max(len(words), 1))(*words)
        self._kept.append(held)
        return ctypes.addressof(held)

    def table(self, rows: Sequence[Sequence[int]]) -> int:
        return self.words(*itertools.chain.from_iterable(rows))

    def address(self, item: Any) -> int:
        """The address of an object, which stays where it is."""
        self._kept.append(item)
        return id(item)

    def containers(
        self, trees: Sequence[Any]
    ) -> tuple[list[tuple[int, ...]], list[tuple[int, int, int]]]:
        """Rows of the containers in trees, outer ones first, and where the numbers are.

        Each number's place is given among all objects, by its container and where it is in that.
        """
        rows: list[tuple[int, ...]] = []
        places: dict[int, tuple[int, int, int]] = {}
        objects = [(tree, -1, k) for k, tree in enumerate(trees)]
        for k, (tree, outer, where) in enumerate(objects):  # which grows under way
            if type(tree) is int:
                places[tree] = k, outer, where
                continue
            kind = _CONTAINERS.get(type(tree))
            keys = list(tree) if type(tree) is dict else []
            if kind is None or not all(type(key) is str for key in keys):
                self._is_refused = True
                break
            names = self.words(*map(self.address, keys))
            rows.append((kind, id(type(tree)), k, len(tree), names, outer, where))
            inner = tree.values() if type(tree) is dict else tree
            number = len(rows) - 1
            objects += [(item, number, position) for position, item in enumerate(inner)]
        return rows, [places[k] for k in sorted(places)]

    def argument(
        self, argument: Argument, where: tuple[int, int, int], table: Any
    ) -> tuple[int, ...]:
        example, place, shape, dtype = argument
        own = type(example)
        sizes = self.words(*shape)
        kind, wanted, memory, word = layout.STATIC, self.address(example), 0, 0
        if own is np.ndarray:
            kind, wanted, memory, word = layout.ARRAY, id(own), place, dtype_word(dtype)
        elif own is float:
            is_double = dtype == np.float64
            self._is_refused |= not is_double and dtype != np.float32
            kind = layout.DOUBLE if is_double else layout.SINGLE
            wanted, memory = id(own), table[place]
        elif isinstance(example, np.generic):
            self._is_refused |= own is not dtype.type
            kind, wanted, memory = layout.SCALAR, id(own), table[place]
        elif own is int and abs(example) < 2**63:
            kind, wanted, memory = layout.WHOLE, id(own), example
        else:
            self._is_refused |= isinstance(example, np.ndarray)
        return kind, wanted, memory, word, len(shape), sizes, where[0]

    def result(self, result: Result, where: tuple[int, int, int]) -> tuple[int, ...]:
        size = result.dtype.itemsize
        sizes = self.words(*result.shape)
        steps = self.words(*(step * size for step in result.steps))
        whole = prod(result.shape) * size
        return (
            _kind(result), self.address(result.dtype), len(result.shape), sizes, result.place,
            result.offset * size, whole, where[1], where[2], steps, size,
        )  # fmt: skip


def _kind(result: Result) -> int:
    if not result.shape:
        return layout.NUMBER
    if result.is_fresh:
        return layout.FRESH
    pairs = zip(result.shape, result.steps, row_major(result.shape), strict=True)
    in_order = all(size == 1 or step == usual for size, step, usual in pairs)
    return layout.COPY if in_order or 0 in result.shape else layout.GATHER
