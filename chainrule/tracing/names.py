"""The name that the caller's code gives to a result, read from its bytecode."""

from __future__ import annotations

import dis
import linecache
import os
import sys
from functools import lru_cache
from itertools import pairwise
from types import CodeType, FrameType
from typing import Any

import numpy as np

from chainrule.tracing.session import Name

_PASSED_THROUGH = ("chainrule.tracing", "chainrule.primitives", "numpy")
_STORES = ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF")


def assigned_name() -> Name | None:
    """The variable that the nearest frame outside the library is about to assign."""
    frame = caller()
    if frame is None:
        return None
    text = _targets(frame.f_code).get(frame.f_lasti)
    return Name(text, frame.f_code.co_filename, frame.f_lineno) if text else None


def where_it_stands() -> str:
    """Where the user's code stands: the line, the file, and what is written there."""
    frame = caller()
    if frame is None:
        return ""
    file, number = frame.f_code.co_filename, frame.f_lineno
    written = linecache.getline(file, number).strip()
    where = f" in line {number} of {os.path.basename(file)}"
    return f"{where} ({written})" if written else where


def caller() -> FrameType | None:
    """The frame that called NumPy or an operator, if it is the user's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if not module.startswith(_PASSED_THROUGH):
            # the library's own functions name their values themselves
            return None if module.startswith("chainrule.") else frame
        frame = frame.f_back
    return None


@lru_cache(maxsize=1024)
def _targets(code: CodeType) -> dict[int, str]:
    """Offset of an instruction -> name of the variable that the next one stores to."""
    found: dict[int, str] = {}
    instructions = list(dis.get_instructions(code))
    for instruction, following in pairwise(instructions):
        if following.opname.startswith(_STORES):
            target = following.argval
            # newer Pythons join two stores into one instruction, which names both variables
            text = target[0] if isinstance(target, tuple) else target
            # a frame may stand at any of the cache entries that follow an instruction
            found.update(dict.fromkeys(range(instruction.offset, following.offset, 2), str(text)))
    return found


@lru_cache(maxsize=1024)
def _in_place(code: CodeType) -> frozenset[int]:
    return frozenset(
        instruction.offset
        for instruction in dis.get_instructions(code)
        if instruction.opname == "BINARY_OP" and instruction.argrepr.endswith("=")
    )


def from_in_place_operator() -> bool:
    """Whether the caller is executing an operator such as ``+=``."""
    frame = caller()
    return frame is not None and frame.f_lasti in _in_place(frame.f_code)


def references(array: Any) -> int:
    """How many references to an array there are."""
    return sys.getrefcount(array)


class _Probe:
    """Finds how many references an array has in ``y += x`` where only ``y`` names it."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> int:
        out = kwargs.pop("out", None)
        return _counted(out)


def _counted(out: Any) -> int:
    (target,) = out  # as where the count is used, in traced.py
    return references(target)


def _alone() -> int:
    y: Any = np.zeros(1)
    y += _Probe()
    return int(y)


ALONE = _alone()
