"""Basic blocks of instructions as text, and what is known in each of them."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from chainrule.native.code.ir import Module, Value

Result = TypeVar("Result")

PURE = frozenset((
    "fadd fsub fmul fdiv fneg fcmp add sub mul and or xor shl lshr ashr icmp select bitcast "
    "sext zext trunc sitofp uitofp fptosi fpext fptrunc getelementptr "
    "extractelement insertelement shufflevector"
).split())  # fmt: skip
"""Instructions that always give the same result for the same operands."""


class Blocks:
    """A list of instructions that grows.

    What has been computed on every way that leads here is not computed again.

    Examples
    --------
    >>> from chainrule.native.target import level
    >>> blocks = Blocks(Module(level("avx2")))
    >>> once = blocks.emit("fadd double %x, %x", "double")
    >>> blocks.emit("fadd double %x, %x", "double") == once
    True
    """

    def __init__(self, module: Module) -> None:
        self.module, self.target = module, module.target
        self._lines = ["entry:"]
        self._block = "entry"
        self._counts: dict[str, int] = {}
        self._known: ChainMap[Hashable, Any] = ChainMap()

    def fresh(self, stem: str) -> str:
        """A name that nothing else in the function has."""
        count = self._counts.get(stem, 0)
        self._counts[stem] = count + 1
        return f"{stem}{count}"

    def line(self, text: str) -> None:
        self._lines.append(f"  {text}")

    def emit(self, instruction: str, type_: str, stem: str = "t") -> Value:
        """An instruction whose result has the type given."""

        def written() -> Value:
            name = f"%{self.fresh(stem)}"
            self.line(f"{name} = {instruction}")
            return Value(name, type_)

        return self.once(instruction, written) if _is_pure(instruction) else written()

    def once(self, key: Hashable, make: Callable[[], Result]) -> Result:
        """What ``make`` returned for an equal key, where that was made on every way here."""
        if key not in self._known:
            self._known[key] = make()
        result: Result = self._known[key]
        return result

    def begin(self, label: str, known: ChainMap[Hashable, Any] | None = None) -> None:
        """Start a basic block; the one before must have ended in a jump.

        ``known`` is what was computed on every way that leads here.
        """
        self._lines.append(f"{label}:")
        self._block = label
        self._known = ChainMap() if known is None else known


def _is_pure(instruction: str) -> bool:
    op = instruction.partition(" ")[0]
    is_intrinsic = op == "call" and "@llvm." in instruction and "@llvm.masked." not in instruction
    return op in PURE or is_intrinsic
