"""A function in LLVM IR: arguments, memory, loops and branches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from chainrule.native.code.expressions import Instructions
from chainrule.native.code.ir import (
    SIZES,
    Module,
    Operand,
    Value,
    constant,
    constants,
    element,
    mangled,
)


class Carried:
    """Values that a loop or a branch hands on.

    ``values`` are those at its start, ``carry`` says what they become, and ``results`` are there
    when it is over.
    """

    def __init__(self, index: Value, values: Sequence[Value]) -> None:
        self.index = index
        self.values = tuple(values)
        self.results: tuple[Value, ...] = ()
        self.following = self.values

    def carry(self, *values: Value) -> None:
        assert [v.type for v in values] == [v.type for v in self.values], "carried types differ"
        self.following = values


class Function(Instructions):
    """A function that is being written, instruction by instruction.

    Parameters
    ----------
    module : Module
    name : str
    arguments : sequence of (str, str)
        Type, with attributes where wanted (``ptr noalias``), and name of each.
    returns : str
        The type of the result.
    private : bool
        Only called from its own module.

    Examples
    --------
    >>> from chainrule.native.code.ir import Module
    >>> from chainrule.native.target import level
    >>> f = Function(Module(level("avx2")), "twice", [("double", "x")], "double")
    >>> f.ret(f.add(f.arguments[0], f.arguments[0]))
    >>> print(f)
    define double @twice(double %x) nounwind {
    entry:
      %t0 = fadd double %x, %x
      ret double %t0
    }
    """

    def __init__(
        self,
        module: Module,
        name: str,
        arguments: Sequence[tuple[str, str]],
        returns: str = "void",
        *,
        private: bool = False,
    ) -> None:
        super().__init__(module)
        self.name, self.returns = name, returns
        self.arguments = tuple(Value(f"%{arg}", _type_alone(kind)) for kind, arg in arguments)
        listed = ", ".join(f"{kind} %{arg}" for kind, arg in arguments)
        linkage = "internal " if private else ""
        self._head = f"define {linkage}{returns} @{name}({listed}) nounwind {{"
        self._rooms: list[str] = []
        module.add(name, self)

    def __str__(self) -> str:
        entry, *rest = self._lines
        return "\n".join([self._head, entry, *self._rooms, *rest, "}"])

    # -- memory -----------------------------------------------------------------------------------

    def at(self, pointer: Value, index: Operand, kind: str) -> Value:
        """The address of element ``index`` of an array of ``kind``."""
        where = self.value(index, "i64")
        return self.emit(f"getelementptr inbounds {kind}, {pointer}, {where}", "ptr", "p")

    def strided(self, pointer: Value, index: Operand, stride: Operand) -> Value:
        """The address that is ``index`` times ``stride`` bytes on; both may be negative."""
        if isinstance(index, int) and isinstance(stride, int):
            return self.at(pointer, index * stride, "i8")
        where, step = self.value(index, "i64"), self.value(stride, "i64")
        return self.at(pointer, self.mul(where, step), "i8")

    def load(self, pointer: Value, type_: str, align: int | None = None) -> Value:
        """Read a scalar or a vector; unless stated, only its elements are known to be aligned."""
        return self.emit(f"load {type_}, {pointer}, align {_alignment(type_, align)}", type_)

    def store(self, value: Value, pointer: Value, align: int | None = None) -> None:
        self.line(f"store {value}, {pointer}, align {_alignment(value.type, align)}")

    def first_lanes(self, count: Value, width: int) -> Value:
        """The mask of the first ``count`` lanes of ``width``."""
        numbers = constants("i64", range(width)) if width > 1 else constant("i64", 0)
        return self.compare("lt", numbers, self.splat(count, width))

    def load_masked(self, pointer: Value, type_: str, mask: Value) -> Value:
        """Read the lanes of a mask and no other memory; zeros elsewhere."""
        align, zero = SIZES[element(type_)], Value("zeroinitializer", type_)
        name = f"llvm.masked.load.{mangled(type_)}.p0"
        self.module.declare(name, type_, [f"ptr align {align}", mask.type, type_])
        return self.emit(
            f"call {type_} @{name}(ptr align {align} {pointer.text}, {mask}, {zero})", type_
        )

    def store_masked(self, value: Value, pointer: Value, mask: Value) -> None:
        """Write the lanes of a mask and touch no other memory."""
        align = SIZES[element(value.type)]
        name = f"llvm.masked.store.{mangled(value.type)}.p0"
        self.module.declare(name, "void", [value.type, f"ptr align {align}", mask.type])
        self.line(f"call void @{name}({value}, ptr align {align} {pointer.text}, {mask})")

    def scratch(self, type_: str, count: int = 1) -> Value:
        """Room on the stack, made once when the function is entered, until it returns."""
        name = f"%{self.fresh('room')}"
        self._rooms.append(f"  {name} = alloca [{count} x {type_}], align 64")
        return Value(name, "ptr")

    # -- control ----------------------------------------------------------------------------------

    def ret(self, value: Value | None = None) -> None:
        self.line("ret void" if value is None else f"ret {value}")

    @contextmanager
    def loop(self, start: Operand, stop: Operand, step: int = 1) -> Iterator[Value]:
        """Repeat the block with an ``i64`` index from ``start`` while it is below ``stop``."""
        with self.accumulate(start, stop, step) as inner:
            yield inner.index

    @contextmanager
    def accumulate(
        self, start: Operand, stop: Operand, step: int = 1, initial: Sequence[Value] = ()
    ) -> Iterator[Carried]:
        """A loop that hands values from each turn to the next; see :class:`Carried`."""
        if isinstance(start, int) and isinstance(stop, int) and 0 < stop - start <= step:
            once = Carried(constant("i64", start), initial)
            yield once
            once.results = once.following
            return
        start, stop = self.value(start, "i64"), self.value(stop, "i64")
        body, after, before = self.fresh("loop"), self.fresh("done"), self._block
        enters = self.compare("lt", start, stop)
        self.line(f"br {enters}, label %{body}, label %{after}")
        known = self._known
        self.begin(body, known.new_child())
        heads = [Value(f"%{self.fresh('i')}", "i64")]
        heads += [Value(f"%{self.fresh('carried')}", item.type) for item in initial]
        # Phis name what is computed further down: their lines are filled in at the end.
        place = len(self._lines)
        self._lines += [""] * len(heads)
        inner = Carried(heads[0], heads[1:])
        yield inner
        nexts = [self.emit(f"add nsw {inner.index}, {step}", "i64"), *inner.following]
        self.line(f"br {self.compare('lt', nexts[0], stop)}, label %{body}, label %{after}")
        last = self._block
        for k, (head, first, later) in enumerate(zip(heads, [start, *initial], nexts, strict=True)):
            self._lines[place + k] = f"  {head.text} = {_phi(first, before, later, last)}"
        self.begin(after, known)
        inner.results = self._merge(initial, before, nexts[1:], last)

    @contextmanager
    def if_(self, condition: Value) -> Iterator[None]:
        """The block runs only where a single ``i1`` holds."""
        with self.branch(condition, ()):
            yield

    @contextmanager
    def branch(self, condition: Value, initial: Sequence[Value]) -> Iterator[Carried]:
        """A block that runs where the condition holds and may replace values; see `Carried`."""
        then, after, before = self.fresh("then"), self.fresh("after"), self._block
        self.line(f"br {condition}, label %{then}, label %{after}")
        known = self._known
        self.begin(then, known.new_child())
        inner = Carried(constant("i64", 0), initial)
        yield inner
        last = self._block
        self.line(f"br label %{after}")
        self.begin(after, known)
        inner.results = self._merge(initial, before, inner.following, last)

    def either(
        self,
        condition: Value,
        then: Callable[[], Sequence[Value]],
        otherwise: Callable[[], Sequence[Value]],
    ) -> tuple[Value, ...]:
        """The values of the one or the other, of which only one is computed."""
        yes, no, after = self.fresh("yes"), self.fresh("no"), self.fresh("after")
        self.line(f"br {condition}, label %{yes}, label %{no}")
        known = self._known
        self.begin(yes, known.new_child())
        first, end_of_yes = then(), self._end(after)
        self.begin(no, known.new_child())
        second, end_of_no = otherwise(), self._end(after)
        self.begin(after, known)
        return self._merge(first, end_of_yes, second, end_of_no)

    def _end(self, label: str) -> str:
        """Jump, and return the block that the jump left."""
        self.line(f"br label %{label}")
        return self._block

    def _merge(
        self, first: Sequence[Value], a: str, second: Sequence[Value], b: str
    ) -> tuple[Value, ...]:
        pairs = zip(first, second, strict=True)
        return tuple(self.emit(_phi(x, a, y, b), x.type, "merged") for x, y in pairs)


def _phi(x: Value, a: str, y: Value, b: str) -> str:
    assert x.type == y.type, f"{x} and {y} meet"
    return f"phi {x.type} [ {x.text}, %{a} ], [ {y.text}, %{b} ]"


def _type_alone(argument: str) -> str:
    """``ptr noalias`` is a ``ptr``."""
    return "ptr" if argument.startswith("ptr") else argument


def _alignment(type_: str, align: int | None) -> int:
    return SIZES[element(type_)] if align is None else align
