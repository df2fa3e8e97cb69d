"""Instructions that compute: arithmetic, bits, comparisons, types and lanes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isnan

from chainrule.native.code.blocks import Blocks
from chainrule.native.code.ir import (
    SIZES,
    Operand,
    Value,
    constant,
    element,
    integer,
    is_float,
    lanes,
    mangled,
    number_of,
    vector,
)


class Instructions(Blocks):
    """Instructions by name; every method appends some and returns their result.

    Operands are values, or Python numbers, which become constants of the other operand's type.
    """

    def value(self, operand: Operand, type_: str) -> Value:
        """The operand itself, or a number as a constant of the type."""
        if isinstance(operand, Value):
            assert operand.type == type_, f"{operand} where {type_} is expected"
            return operand
        return constant(type_, operand)

    def _same(self, *operands: Operand) -> tuple[Value, ...]:
        type_ = next(item.type for item in operands if isinstance(item, Value))
        return tuple(self.value(item, type_) for item in operands)

    def _binary(self, op: str, a: Operand, b: Operand) -> Value:
        a, b = self._same(a, b)
        return self.emit(f"{op} {a}, {b.text}", a.type)

    def _arithmetic(self, floating: str, whole: str, a: Operand, b: Operand) -> Value:
        (first, *_) = self._same(a, b)
        return self._binary(floating if is_float(first.type) else whole, a, b)

    # -- calls ------------------------------------------------------------------------------------

    def call(self, name: str, returns: str, *arguments: Value) -> Value:
        """Call a function of this module, or an external symbol, which is then declared."""
        self.module.declare(name, returns, [item.type for item in arguments])
        text = f"call {returns} @{name}({', '.join(map(str, arguments))})"
        if returns == "void":
            self.line(text)
            return Value("", "void")
        return self.emit(text, returns)

    def intrinsic(self, stem: str, *arguments: Value) -> Value:
        """An LLVM intrinsic whose result has its first argument's type: ``llvm.sqrt``."""
        type_ = arguments[0].type
        return self.call(f"{stem}.{mangled(type_)}", type_, *arguments)

    # -- arithmetic -------------------------------------------------------------------------------

    def add(self, a: Operand, b: Operand) -> Value:
        return self._arithmetic("fadd", "add", a, b)

    def sub(self, a: Operand, b: Operand) -> Value:
        return self._arithmetic("fsub", "sub", a, b)

    def mul(self, a: Operand, b: Operand) -> Value:
        return self._arithmetic("fmul", "mul", a, b)

    def div(self, a: Operand, b: Operand) -> Value:
        return self._arithmetic("fdiv", "sdiv", a, b)

    def neg(self, a: Value) -> Value:
        if is_float(a.type):
            return self.emit(f"fneg {a}", a.type)
        return self._binary("sub", 0, a)

    def fma(self, a: Operand, b: Operand, c: Operand) -> Value:
        """``a * b + c``, rounded once where the processor does so at no cost."""
        a, b, c = self._same(a, b, c)
        if not self.target.has_fma:
            return self.add(self.mul(a, b), c)
        return self.intrinsic("llvm.fma", a, b, c)

    def sqrt(self, a: Value) -> Value:
        return self.intrinsic("llvm.sqrt", a)

    def scales(self, type_: str) -> bool:
        """Whether :meth:`scaled` exists for a type: AVX-512, and registers of that size."""
        bits = lanes(type_) * self.bit_width(type_)
        return self.target.has_avx512 and lanes(type_) > 1 and bits >= 128

    def scaled(self, a: Value, n: Value) -> Value:
        """``a * 2^n``, rounded once, for a whole number n of the same type."""
        count, bits = lanes(a.type), lanes(a.type) * self.bit_width(a.type)
        if bits > 512:
            low, high = (
                self.scaled(self._half(a, picks), self._half(n, picks))
                for picks in (range(count // 2), range(count // 2, count))
            )
            return self.shuffle(low, high, range(count))
        kind = "pd" if element(a.type) == "double" else "ps"
        mask = constant(f"i{max(count, 8)}", -1)
        rounding = [constant("i32", 4)] if bits == 512 else []  # as the processor is set
        name = f"llvm.x86.avx512.mask.scalef.{kind}.{bits}"
        return self.call(name, a.type, a, n, a, mask, *rounding)

    def abs(self, a: Value) -> Value:
        return self.intrinsic("llvm.fabs", a)

    def copysign(self, a: Operand, sign: Value) -> Value:
        a, sign = self._same(a, sign)
        return self.intrinsic("llvm.copysign", a, sign)

    def minimum(self, a: Operand, b: Operand) -> Value:
        """NumPy's: NaN if either is; of two zeros the one or the other."""
        return self._extreme("lt", a, b)

    def maximum(self, a: Operand, b: Operand) -> Value:
        """NumPy's: NaN if either is; of two zeros the one or the other."""
        return self._extreme("gt", a, b)

    def _extreme(self, wins: str, a: Operand, b: Operand) -> Value:
        a, b = self._same(a, b)
        if number_of(a) is not None:
            a, b = b, a
        if (bound := number_of(b)) is not None and not isnan(bound):
            # Only the other one may be NaN, which is left: one instruction.
            return self.select(self.compare("lt" if wins == "gt" else "gt", a, b), b, a)
        chosen = self.select(self.compare(wins, a, b), a, b)
        return self.select(self.is_nan(a), a, chosen) if is_float(a.type) else chosen

    # -- bits -------------------------------------------------------------------------------------

    def bit_and(self, a: Operand, b: Operand) -> Value:
        return self._binary("and", a, b)

    def bit_or(self, a: Operand, b: Operand) -> Value:
        return self._binary("or", a, b)

    def bit_xor(self, a: Operand, b: Operand) -> Value:
        return self._binary("xor", a, b)

    def invert(self, a: Value) -> Value:
        return self._binary("xor", a, 1 if element(a.type) == "i1" else -1)

    def shift_left(self, a: Operand, b: Operand) -> Value:
        return self._binary("shl", a, b)

    def shift_right(self, a: Operand, b: Operand) -> Value:
        """Fills with zeros."""
        return self._binary("lshr", a, b)

    # -- comparing and choosing -------------------------------------------------------------------

    def compare(self, how: str, a: Operand, b: Operand) -> Value:
        """``eq ne lt le gt ge``; on a NaN, only ``ne`` is true. Integers are signed."""
        a, b = self._same(a, b)
        if is_float(a.type):
            op = f"fcmp {'une' if how == 'ne' else 'o' + how}"
        else:
            op = f"icmp {how if how in ('eq', 'ne') else 's' + how}"
        return self.emit(f"{op} {a}, {b.text}", vector("i1", lanes(a.type)))

    def compare_unsigned(self, how: str, a: Operand, b: Operand) -> Value:
        """``lt le gt ge`` of integers without a sign."""
        a, b = self._same(a, b)
        return self.emit(f"icmp u{how} {a}, {b.text}", vector("i1", lanes(a.type)))

    def is_nan(self, a: Value) -> Value:
        return self.emit(f"fcmp uno {a}, {a.text}", vector("i1", lanes(a.type)))

    def select(self, condition: Value, a: Operand, b: Operand) -> Value:
        """``a`` where the condition holds, ``b`` elsewhere."""
        a, b = self._same(a, b)
        return self.emit(f"select {condition}, {a}, {b}", a.type)

    def any(self, mask: Value) -> Value:
        """Whether a lane of the mask is set."""
        count = lanes(mask.type)
        if count == 1:
            return mask
        bits = self.emit(f"bitcast {mask} to i{count}", f"i{count}")
        return self.compare("ne", bits, 0)

    # -- types ------------------------------------------------------------------------------------

    def cast(self, op: str, a: Value, kind: str) -> Value:
        """``sext zext trunc sitofp uitofp fptosi fpext fptrunc`` to elements of another type."""
        type_ = vector(kind, lanes(a.type))
        return self.emit(f"{op} {a} to {type_}", type_)

    def convert(self, a: Value, kind: str) -> Value:
        """Floating point in the other precision, or unchanged."""
        if element(a.type) == kind:
            return a
        number = number_of(a)
        if number is not None:
            return constant(vector(kind, lanes(a.type)), number)
        return self.cast("fpext" if kind == "double" else "fptrunc", a, kind)

    def bits(self, a: Value) -> Value:
        """A floating-point value's bits as integers."""
        type_ = integer(a.type)
        return self.emit(f"bitcast {a} to {type_}", type_)

    def bit_width(self, type_: str) -> int:
        """Bits of an element."""
        return 8 * SIZES[element(type_)]

    def with_sign_changed(self, a: Value, bits: Value) -> Value:
        """``a``, negated where the highest of the bits is set."""
        sign = self.bit_and(bits, -1 << (self.bit_width(a.type) - 1))
        return self.float_of(self.bit_xor(self.bits(a), sign), a.type)

    def float_of(self, bits: Value, type_: str) -> Value:
        """The floating-point value of these bits."""
        return self.emit(f"bitcast {bits} to {type_}", type_)

    # -- lanes ------------------------------------------------------------------------------------

    def splat(self, a: Value, count: int) -> Value:
        """A scalar in every lane."""
        if count == 1:
            return a
        type_ = vector(a.type, count)
        first = self.emit(f"insertelement {type_} poison, {a}, i64 0", type_)
        zeros = f"<{count} x i32> zeroinitializer"
        return self.emit(f"shufflevector {first}, {type_} poison, {zeros}", type_)

    def extract(self, a: Value, lane: Operand) -> Value:
        if lanes(a.type) == 1:
            return a
        return self.emit(f"extractelement {a}, {self.value(lane, 'i64')}", element(a.type))

    def insert(self, a: Value, scalar: Value, lane: Operand) -> Value:
        if lanes(a.type) == 1:
            return scalar
        return self.emit(f"insertelement {a}, {scalar}, {self.value(lane, 'i64')}", a.type)

    def shuffle(self, a: Value, b: Value, picks: Sequence[int]) -> Value:
        """Lanes of ``a`` and, numbered on from there, of ``b``."""
        mask = ", ".join(f"i32 {pick}" for pick in picks)
        type_ = vector(element(a.type), len(picks))
        return self.emit(f"shufflevector {a}, {b}, <{len(picks)} x i32> <{mask}>", type_)

    def fold(self, a: Value, combine: Callable[[Value, Value], Value]) -> Value:
        """All lanes combined pairwise, upper half onto lower: always in the same order."""
        while (count := lanes(a.type)) > 1:
            assert count % 2 == 0, f"{a.type} cannot be halved"
            low = self._half(a, range(count // 2))
            a = combine(low, self._half(a, range(count // 2, count)))
        return a

    def _half(self, a: Value, picks: range) -> Value:
        if len(picks) == 1:
            return self.extract(a, picks[0])
        return self.shuffle(a, a, picks)
