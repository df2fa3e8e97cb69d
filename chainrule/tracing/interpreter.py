"""What is asked of the running Python beyond the language: frames, bytecode, counted references.

None of it is promised by the language. So each is tried, when this is imported, in the very
situations in which it is used, and done without where it fails: then a name is missing, or a line
of code is refused, and no value is another one.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import pairwise
from types import CodeType, FrameType
from typing import Any

import numpy as np

frame_of: Callable[[int], FrameType] | None = getattr(sys, "_getframe", None)
instructions_of: Callable[[CodeType], Iterable[dis.Instruction]] = dis.get_instructions
count_of: Callable[[Any], int] | None = getattr(sys, "getrefcount", None)
"""What the running Python offers, each of which may be missing or mean something else."""

finds_frames = finds_names = finds_operators = False
alone: int | None = None
"""What was found to hold: set by :func:`try_out`."""

_PASSED_THROUGH = ("chainrule.tracing", "chainrule.primitives", "numpy")
_STORES = ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF")


def caller() -> FrameType | None:
    """The frame that called NumPy or an operator, if it is the user's."""
    frame = frame_of(1) if finds_frames and frame_of is not None else None
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if not module.startswith(_PASSED_THROUGH):
            # the library's own functions name their values themselves
            return None if module.startswith("chainrule.") else frame
        frame = frame.f_back
    return None


def target(frame: FrameType) -> str | None:
    """The variable that the frame is about to assign."""
    return _targets(frame.f_code).get(frame.f_lasti) if finds_names else None


def from_in_place_operator() -> bool:
    """Whether the caller is surely executing an operator such as ``+=``."""
    return finds_operators and _stands_at_operator()


def has_one_name(references: int) -> bool:
    """Whether an array in ``y += x`` with so many references is surely known by ``y`` alone."""
    return alone is not None and references <= alone


def references(array: Any) -> int:
    """How many references to an array there are, as far as the running Python tells."""
    return sys.maxsize if count_of is None or not finds_frames else count_of(array)


def _stands_at_operator() -> bool:
    frame = caller()
    return frame is not None and frame.f_lasti in _in_place(frame.f_code)


@lru_cache(maxsize=1024)
def _targets(code: CodeType) -> dict[int, str]:
    """Offset of an instruction -> name of the variable that the next one stores to."""
    found: dict[int, str] = {}
    for instruction, following in pairwise(list(instructions_of(code))):
        if following.opname.startswith(_STORES):
            stored = following.argval
            # newer Pythons join two stores into one instruction, which names both variables
            text = stored[0] if isinstance(stored, tuple) else stored
            # a frame may stand at any of the cache entries that follow an instruction
            found.update(dict.fromkeys(range(instruction.offset, following.offset, 2), str(text)))
    return found


@lru_cache(maxsize=1024)
def _in_place(code: CodeType) -> frozenset[int]:
    return frozenset(
        instruction.offset
        for instruction in instructions_of(code)
        if instruction.opname == "BINARY_OP" and instruction.argrepr.endswith("=")
    )


# -- trying out -----------------------------------------------------------------------------------

_SITUATIONS = """
def known_by_one_name(x):
    y = zeros(1)
    y += x
    return y

def multiplied(x):
    y = zeros(1)
    y *= x
    return y

def a_second_name(x):
    y = z = zeros(1)
    y += x
    return y, z

def an_argument(x):
    def inner(y):
        y += x
        return y
    z = zeros(1)
    return inner(z), z

def in_a_list(x):
    z = [zeros(1)]
    y = z[0]
    y += x
    return y, z

def from_a_loop(x):
    z = [zeros(1), zeros(1)]
    for y in z:
        y += x
    return y, z

def in_a_closure(x):
    y = zeros(1)
    keep = lambda: z
    z = y
    y += x
    return y, keep

def of_an_object(x):
    class Object:
        pass
    z = Object()
    z.y = zeros(1)
    y = z.y
    y += x
    return y, z

def with_a_view(x):
    y = zeros(2)
    z = y[1:]
    y += x
    return y, z

def by_the_name_of_the_module(x):
    global both
    y = both = zeros(1)
    y += x
    return y, both

def a_function(x):
    y = zeros(1)
    y = add(y, x, out=y)
    return y

def a_function_by_position(x):
    y = zeros(1)
    y = add(y, x, y)
    return y

def a_function_in_an_expression(x):
    y = z = zeros(1)
    y = [add(y, x, out=z)][0]
    return y

def named(x):
    first = x + 1
    second = negative(x)
    return first, second

def not_named(x):
    return [x + 1, negative(x)]
"""
_ONE_NAME = ("known_by_one_name", "multiplied")
_SHARED = (
    "a_second_name", "an_argument", "in_a_list", "from_a_loop", "in_a_closure", "of_an_object",
    "with_a_view", "by_the_name_of_the_module",
)  # fmt: skip
_FUNCTIONS = ("a_function", "a_function_by_position", "a_function_in_an_expression")


class _Probe:
    """Stands where a traced value stands, and gives what is found out there."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        return self._named() if out is None else _seen(out)

    def __add__(self, other: Any) -> Any:
        return self._named()

    @staticmethod
    def _named() -> Any:
        frame = caller()
        return None if frame is None else _targets(frame.f_code).get(frame.f_lasti)


def _seen(out: tuple[Any, ...]) -> tuple[bool, int]:
    """Whether it is an operator, and how many references there are, as counted in its use."""
    (array,) = out
    return _stands_at_operator(), references(array)


def try_out() -> None:
    """Find out what may be relied upon."""
    global finds_frames, finds_names, finds_operators, alone
    finds_frames, finds_names, finds_operators, alone = True, False, False, None
    _targets.cache_clear()
    _in_place.cache_clear()
    try:
        found = _tried()
    except Exception:  # whatever it is that this Python does otherwise
        finds_frames = False
        return
    finds_names = found["named"] == ("first", "second") and found["not_named"] == [None, None]
    operators = [_first(found[name]) for name in (*_ONE_NAME, *_SHARED)]
    functions = [_first(found[name]) for name in _FUNCTIONS]
    finds_operators = all(seen[0] for seen in operators) and not any(seen[0] for seen in functions)
    most = max(_first(found[name])[1] for name in _ONE_NAME)
    alone = most if all(_first(found[name])[1] > most for name in _SHARED) else None


def _tried() -> dict[str, Any]:
    space: dict[str, Any] = {
        "__name__": "situations", "zeros": np.zeros, "add": np.add, "negative": np.negative,
    }  # fmt: skip
    exec(_SITUATIONS, space)  # in a module of its own, as the user's code is
    names = [name for name, item in space.items() if type(item) is type(try_out)]
    return {name: space[name](_Probe()) for name in names}


def _first(result: Any) -> tuple[bool, int]:
    """What was seen, without what a situation keeps alive beside it."""
    seen: tuple[bool, int] = result[0] if isinstance(result[0], tuple) else result
    return seen


try_out()
