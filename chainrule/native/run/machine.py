"""LLVM IR as text -> machine code in this process."""

from __future__ import annotations

import ctypes
import itertools
import re
import sys
import threading
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from weakref import WeakSet

from chainrule import forks
from chainrule.errors import ChainruleError
from chainrule.native.run import cache
from chainrule.native.target import Target, host

OBJECTS = cache.ObjectCache()

_initialised: set[str] = set()
_numbers = itertools.count()
_modules: WeakSet[NativeModule] = WeakSet()
_kept: list[NativeModule] = []


class CompilationError(ChainruleError, RuntimeError):
    """Code that LLVM refuses: a mistake of the code generator."""


class NativeModule:
    """Functions that can be called through their addresses, as long as this object is alive.

    Parameters
    ----------
    tracker : llvmlite.binding.orcjit.ResourceTracker
        What keeps the code loaded.
    jit : llvmlite.binding.orcjit.LLJIT
        The linker that loaded it.
    """

    def __init__(self, tracker: Any, jit: Any) -> None:
        # The tracker unloads through the linker, so it has to go first.
        self._tracker, self._jit = tracker, jit
        _modules.add(self)

    def address(self, name: str) -> int:
        """Where a function begins.

        Raises
        ------
        CompilationError
            If it was not among the names to export.
        """
        try:
            return int(self._tracker[name])
        except KeyError:
            raise CompilationError("compile", "no such function was exported", name) from None


def compile_text(
    text: str,
    exports: Iterable[str],
    target: Target | None = None,
    symbols: Mapping[str, int] | None = None,
) -> NativeModule:
    """Machine code of a module, loaded and ready to be called.

    Parameters
    ----------
    text : str
        LLVM IR. It is what the code is remembered by, so no address may stand in it.
    exports : iterable of str
        The functions whose addresses are wanted.
    target : Target, optional
        The processor; the host's unless stated.
    symbols : mapping of str to int, optional
        The addresses of functions that are declared in the text but defined elsewhere.

    Raises
    ------
    CompilationError
        If LLVM refuses the text, a symbol is missing, or the process was forked in the middle of
        another compilation.

    Examples
    --------
    >>> import ctypes
    >>> text = '''define double @half(double %x) {
    ...   %y = fmul double %x, 0.5
    ...   ret double %y
    ... }'''
    >>> module = compile_text(text, ["half"])
    >>> ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(module.address("half"))(3.0)
    1.5
    """
    target, symbols = target or host(), symbols or {}
    missing = _declared(text) - symbols.keys()
    if missing:
        raise CompilationError("compile", "symbols without an address", ", ".join(sorted(missing)))
    with forks.still():
        if forks.is_torn():
            raise CompilationError(
                "compile", "this process was forked while another thread was compiling",
                remedy="fork before that, or start new processes by spawn",
            )  # fmt: skip
        name = cache.key(text, target)
        data = OBJECTS.get(name)
        if data is None:
            data = object_code(text, target)
            OBJECTS.put(name, data)
        return _load(data, exports, target, symbols)


def _declared(text: str) -> set[str]:
    """The functions that a module takes from elsewhere."""
    names = set(re.findall(r"^declare [^@]*@([\w.]+)", text, re.MULTILINE))
    return {name for name in names if not name.startswith("llvm.")} - _memory_functions().keys()


@lru_cache(maxsize=1)
def _memory_functions() -> dict[str, int]:
    """What LLVM itself may call to copy and to fill memory; a move is also a copy."""
    move, fill = (
        ctypes.cast(item, ctypes.c_void_p).value for item in (ctypes.memmove, ctypes.memset)
    )
    assert move
    assert fill
    return {"memcpy": move, "memmove": move, "memset": fill}


def object_code(text: str, target: Target) -> bytes:
    """An object file with the machine code of a module."""
    machine = _machine(target)
    with _parsed(text, machine) as module:
        return bytes(machine.emit_object(module))


def assembly(text: str, target: Target) -> str:
    """The machine code of a module as assembly language, to read and to search."""
    machine = _machine(target)
    with _parsed(text, machine) as module:
        return str(machine.emit_assembly(module))


def _initialise(target: Target) -> None:
    from llvmlite import binding

    foreign = target.triple.partition("-")[0] != host().triple.partition("-")[0]
    kind = "all" if foreign else "native"
    if kind in _initialised:
        return
    if foreign:
        binding.initialize_all_targets()
        binding.initialize_all_asmprinters()
    else:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
    _initialised.add(kind)  # to do it twice does no harm


def _machine(target: Target) -> Any:
    """A code generator of its own: they are not safe to share between threads or linkers."""
    from llvmlite import binding

    _initialise(target)
    kind = binding.Target.from_triple(target.triple)
    # No passes run over the text, which is explicit about vectors; level 1 schedules and allocates
    # registers well, which level 0 does not.
    return kind.create_target_machine(
        cpu=target.cpu, features=target.features, opt=1, reloc="pic", codemodel="small"
    )


def _parsed(text: str, machine: Any) -> Any:
    """The module in a context of its own, verified."""
    from llvmlite import binding

    try:
        module = binding.parse_assembly(text, context=binding.create_context())
        module.data_layout = str(machine.target_data)
        module.verify()
    except RuntimeError as error:
        said = " ".join(str(error).split())
        raise CompilationError("compile", "LLVM refuses the code", got=said) from error
    return module


def _load(
    data: bytes, exports: Iterable[str], target: Target, symbols: Mapping[str, int]
) -> NativeModule:
    from llvmlite import binding

    builder = binding.JITLibraryBuilder().add_object_img(data)
    for name in exports:
        builder.export_symbol(name)
    for name, address in {**_memory_functions(), **symbols}.items():
        builder.import_symbol(name, address)
    # Small code finds its constants relative to itself, so they must lie near: JITLink places the
    # parts of a module side by side. Each module has a linker of its own, since a library that is
    # unloaded leaves something behind in a shared one.
    jit = binding.create_lljit_compiler(_machine(target), use_jit_link=True, suppress_errors=True)
    try:
        tracker = builder.link(jit, f"module{next(_numbers)}")
    except RuntimeError as error:
        raise CompilationError("compile", "the code cannot be linked", got=str(error)) from error
    return NativeModule(tracker, jit)


# -- in the child of a fork -----------------------------------------------------------------------


def _llvm() -> Any:
    """What llvmlite holds while any thread is in LLVM; None where it is not loaded."""
    ffi = sys.modules.get("llvmlite.binding.ffi")
    return getattr(getattr(ffi, "lib", None), "_lock", None)


def _llvm_lock() -> forks.Lock | None:
    return getattr(_llvm(), "_lock", None)


def _after_fork() -> None:
    """Where LLVM was in the middle of something, what is loaded stays, and LLVM is left alone."""
    if forks.is_torn():
        _kept.extend(_modules)
        lock = _llvm()
        if hasattr(lock, "_lock"):  # for what others of its users may still let go of
            lock._lock = threading.RLock()


forks.wait_for(_llvm_lock)
forks.in_child(_after_fork)
