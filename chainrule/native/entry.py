"""Native functions that Python calls without a detour: arrays in, new arrays out."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.native import entry_text as code
from chainrule.native.entry_code import dtype_word, interface
from chainrule.shapes import Shape

Dtype = np.dtype[Any]
Entry = Callable[..., Any]
"""A function of positional arguments; ``NotImplemented`` where they are not what it is made for."""


class Argument(NamedTuple):
    """What an argument has to be.

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
    """How a result comes about.

    Attributes
    ----------
    place : int
        The place in the table that the code knows it by.
    shape : tuple of int
    dtype : dtype
    is_fresh : bool
        The code writes into a new array, whose address goes to that place. Otherwise the result is
        copied from there when the code has run.
    offset : int
        Where at that address it begins, in bytes.
    """

    place: int
    shape: Shape
    dtype: Dtype
    is_fresh: bool
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


class _State(int):
    """The address of an entry's rows; it holds on to all that they refer to."""

    kept: Any


def entry(
    run: int, table: Any, arguments: Sequence[Argument], results: Sequence[Result], *,
    as_tuple: bool, keep: Any = (),
) -> Entry | None:  # fmt: skip
    """A function that calls native code as directly as Python can; None where that cannot be.

    Parameters
    ----------
    run : int
        The address of ``void run(ptr table)``.
    table : ctypes array of void pointers
        The addresses that the code works on; those of arguments and results are filled in anew for
        every call. Numbers are written where their places point to.
    arguments, results : sequences of Argument and Result
    as_tuple : bool
        Whether the results come in a tuple; if not there has to be just one.
    keep : object
        What has to live as long as the function: the code, the arrays in the table.

    Notes
    -----
    A call holds the interpreter's lock until it is over, so that one table serves all threads.
    """
    shared = interface()
    argument_rows = [_argument_row(item, table) for item in arguments]
    if shared is None or None in argument_rows:
        return None
    wanted = [*(item.shape for item in arguments), *(item.shape for item in results)]
    shapes = [(ctypes.c_ssize_t * len(shape))(*shape) for shape in wanted]
    sizes = [ctypes.addressof(shape) for shape in shapes]
    taking, making = sizes[: len(arguments)], sizes[len(arguments) :]
    argument_words = _words(
        (*row, size) for row, size in zip(argument_rows, taking, strict=True) if row is not None
    )
    result_words = _words(_result_row(*pair) for pair in zip(results, making, strict=True))
    made = _words([[0] * len(results)])
    state = _words(
        [(
            len(arguments), ctypes.addressof(argument_words),
            len(results), ctypes.addressof(result_words),
            run, ctypes.addressof(table), id(NotImplemented), as_tuple, ctypes.addressof(made),
        )]
    )  # fmt: skip
    method = _Method(b"entry", shared.address, METH_FASTCALL, None)
    own = _State(ctypes.addressof(state))
    own.kept = (
        shared, state, argument_words, result_words, made, shapes, table, method,
        [(item.example, item.dtype) if _is_static(item) else item.dtype for item in arguments],
        [item.dtype for item in results], keep,
    )  # fmt: skip
    new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
    found: Entry = new(("PyCFunction_NewEx", ctypes.pythonapi))(ctypes.addressof(method), own, None)
    return found


def _words(rows: Any) -> Any:
    """Rows of numbers one after the other in memory."""
    numbers = list(itertools.chain.from_iterable(rows))
    return (ctypes.c_int64 * len(numbers))(*numbers)


def _is_static(argument: Argument) -> bool:
    return not isinstance(argument.example, (np.ndarray, np.generic, float))


def _argument_row(argument: Argument, table: Any) -> tuple[int, ...] | None:
    """All words of a row but the last; None for an argument that is not checked here."""
    example, place, shape, dtype = argument
    own = type(example)
    if _is_static(argument):
        if own is int and abs(example) < 2**63:
            return code.WHOLE, id(int), example, 0, 0
        return code.STATIC, id(example), 0, 0, 0
    if own is np.ndarray:
        return code.ARRAY, id(own), place, dtype_word(dtype), len(shape)
    if own is float and dtype in (np.float32, np.float64):
        return (code.DOUBLE if dtype == np.float64 else code.SINGLE), id(own), table[place], 0, 0
    if own is dtype.type:
        return code.SCALAR, id(own), table[place], 0, 0
    return None


def _result_row(result: Result, sizes: int) -> tuple[int, ...]:
    place, shape, dtype, is_fresh, offset = result
    kind = code.NUMBER if not shape else code.FRESH if is_fresh else code.COPY
    count = np.prod(shape, dtype=np.int64)
    size = int(count) * dtype.itemsize
    return kind, id(dtype), len(shape), sizes, place, offset, size
