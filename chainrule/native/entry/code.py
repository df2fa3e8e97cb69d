"""The machine code of entry.ll, made ready on this Python and this NumPy.

It is written against published binary interfaces: CPython's stable ABI, and NumPy's table of
functions behind ``import_array`` and the fields that its headers name. What is assumed of them is
looked at first; where it is not found, programs are called by way of Python.
"""

from __future__ import annotations

import ctypes
import importlib
import sys
import sysconfig
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from chainrule.native.entry.layout import (
    DATA,
    DTYPE,
    FLAGS,
    HEAD,
    KIND,
    KIND_MASK,
    NDIM,
    SHAPE,
    text,
)
from chainrule.native.run.machine import CompilationError, NativeModule, compile_text

_ABI = 0x02000000
_PYTHON = (
    "PyLong_AsVoidPtr", "PyLong_AsLongLongAndOverflow", "PyFloat_AsDouble", "PyUnicode_Compare",
    "PyTuple_Size", "PyTuple_GetItem", "PyTuple_New", "PyTuple_SetItem", "PyList_Size",
    "PyList_GetItem", "PyList_New", "PyList_SetItem", "PyDict_Size", "PyDict_Next", "PyDict_New",
    "PyDict_SetItem", "Py_IncRef", "Py_DecRef",
)  # fmt: skip
_NUMPY = {"PyArray_Scalar": 60, "PyArray_ScalarAsCtype": 62, "PyArray_Empty": 184}
"""Places in NumPy's table of functions, which never change."""


class Interface(NamedTuple):
    """The function that all entries share, and what keeps it loaded."""

    address: int
    module: NativeModule


@lru_cache(maxsize=1)
def interface() -> Interface | None:
    """The function, ready to be called; None where Python or NumPy are not as it expects them.

    Calls rely on the interpreter's lock, so there is none on builds of Python without it.
    """
    if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return None
    if ctypes.sizeof(ctypes.c_void_p) != 8 or not _fields_are_found():
        return None
    numpys = _numpy_functions()
    if numpys is None:
        return None
    try:
        module = compile_text(text(), ["entry"], symbols={**_python_functions(), **numpys})
    except CompilationError:
        return None
    return Interface(module.address("entry"), module)


def dtype_word(dtype: np.dtype[np.generic]) -> int:
    """What a dtype's kind, byte order and number are as one word."""
    return _word(id(dtype) + KIND) & KIND_MASK


def _word(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value


def _fields_are_found() -> bool:
    """Whether objects, arrays and dtypes have their fields where they are looked for."""
    if np.ndarray.__basicsize__ < FLAGS + 4 or np.dtype.__basicsize__ < KIND + 8:
        return False
    for array in (np.zeros((2, 3)), np.zeros((4, 3), np.float32).T, np.zeros(5, ">i8")[1:]):
        at = id(array)
        fields: list[tuple[object, object]] = [
            (_word(at + HEAD - 8), id(np.ndarray)),
            (_word(at + DATA), array.ctypes.data),
            (ctypes.c_int32.from_address(at + NDIM).value, array.ndim),
            (_word(at + DTYPE), id(array.dtype)),
            (ctypes.c_int32.from_address(at + FLAGS).value, array.flags.num),
        ]
        sizes = (ctypes.c_ssize_t * array.ndim).from_address(_word(at + SHAPE))
        dtype = array.dtype
        expected = f"{dtype.kind}{dtype.char}{dtype.byteorder}".encode()
        found = _word(id(dtype) + KIND).to_bytes(8, sys.byteorder)
        number = int.from_bytes(found[4:], sys.byteorder)
        fields += [(tuple(sizes), array.shape), (found[:3], expected), (number, dtype.num)]
        if any(is_ != should_be for is_, should_be in fields):
            return False
    return True


def _python_functions() -> dict[str, int]:
    cast = ctypes.cast
    found = {name: cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p) for name in _PYTHON}
    return {name: pointer.value or 0 for name, pointer in found.items()}


def _numpy_functions() -> dict[str, int] | None:
    """Functions of NumPy's C interface; None where it is of another version."""
    try:
        capsule = importlib.import_module("numpy._core._multiarray_umath")._ARRAY_API
    except (ImportError, AttributeError):
        return None
    get = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    table = get(capsule, None)
    version = ctypes.PYFUNCTYPE(ctypes.c_uint)(_word(table))
    if version() != _ABI or _word(table + 2 * 8) != id(np.ndarray):
        return None
    return {name: _word(table + 8 * place) for name, place in _NUMPY.items()}
