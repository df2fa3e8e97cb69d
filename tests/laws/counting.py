"""How many steps Python takes: bounds on growth are stated in it, for times do not repeat."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any


def steps_of(call: Callable[[], Any]) -> int:
    """Instructions of Python's bytecode that a call takes, in all functions that it enters.

    What runs inside of NumPy and other compiled libraries is not seen, but for the calls.
    """
    count = 0

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "opcode"
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return trace

    before = sys.gettrace()
    gc.collect()
    gc.disable()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
        gc.enable()
    return count


def growth(counts: tuple[int, int, int]) -> float:
    """For sizes n, 2n and 4n: 2 where counts are in proportion to the size, 4 to its square.

    Of counts that hardly depend on the size, a twentieth counts as growth.
    """
    first, second, third = counts
    return (third - second) / max(second - first, second / 20)
