"""A place in native code where threads wait for one another."""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache

from chainrule.native.code.builder import Function
from chainrule.native.code.ir import Module, Value, constant

BYTES = 128
"""The memory of a meeting: how many have arrived, and on another cache line, how often all did."""

YIELD = "chainrule_yield"
_NAME = "chainrule_barrier"
_SPINS = 2_000
"""Looks at the other threads before the processor is offered to whoever else wants it."""


def barrier(f: Function, meeting: Value, threads: Value) -> None:
    """Wait until all threads have come here; with a single one, go on."""
    _define(f.module)
    with f.if_(f.compare("gt", threads, 1)):
        f.call(_NAME, "void", meeting, threads)


@lru_cache(maxsize=1)
def yield_address() -> int:
    """The system's function by which a thread lets others run."""
    if sys.platform == "win32":
        function = ctypes.WinDLL("kernel32").SwitchToThread
    else:
        function = ctypes.CDLL(None).sched_yield
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address is not None, "every system has such a function"
    return address


def _define(module: Module) -> None:
    if _NAME in module.functions:
        return
    f = Function(module, _NAME, [("ptr", "meeting"), ("i64", "threads")], private=True)
    meeting, threads = f.arguments
    times = f.at(meeting, BYTES // 2, "i8")
    before = f.emit(f"load atomic i64, {times} acquire, align 8", "i64")
    arrived = f.emit(f"atomicrmw add {meeting}, i64 1 acq_rel", "i64")
    last = f.compare("eq", f.add(arrived, 1), threads)
    open_, wait, done = (f.fresh(stem) for stem in ("open", "wait", "done"))
    f.line(f"br {last}, label %{open_}, label %{wait}")
    f.begin(open_)
    f.line(f"store atomic i64 0, {meeting} monotonic, align 8")
    f.line(f"store atomic i64 {f.add(before, 1).text}, {times} release, align 8")
    f.line(f"br label %{done}")
    entered = wait
    f.begin(wait)
    spins, later = Value("%spins", "i64"), Value("%later", "i64")
    again = f.fresh("again")
    f.line(f"br label %{again}")
    f.begin(again)
    resting = f.fresh("resting")
    f.line(f"{spins.text} = phi i64 [ 0, %{entered} ], [ {later.text}, %{resting} ]")
    _pause(f)
    f.line(f"{later.text} = add nsw {spins}, 1")
    with f.if_(f.compare("gt", spins, constant("i64", _SPINS))):
        f.call(YIELD, "i32")
    f.line(f"br label %{resting}")
    f.begin(resting)
    now = f.emit(f"load atomic i64, {times} acquire, align 8", "i64")
    f.line(f"br {f.compare('eq', now, before)}, label %{again}, label %{done}")
    f.begin(done)
    f.ret()


def _pause(f: Function) -> None:
    """Tell the processor that this is a loop that waits."""
    if f.target.is_x86:
        f.call("llvm.x86.sse2.pause", "void")
    elif f.target.is_arm:
        f.call("llvm.aarch64.hint", "void", constant("i32", 1))
