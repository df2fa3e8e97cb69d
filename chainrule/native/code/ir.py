"""LLVM IR as text: values, modules, and the constants of every type.

LLVM's assembly language is its documented interface: text needs no binding to its classes, can be
read in a test's failure, and is the key under which machine code is remembered.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from typing import NamedTuple

from chainrule.native.target import Target

SIZES = {"i1": 1, "i8": 1, "i16": 2, "i32": 4, "i64": 8, "float": 4, "double": 8, "ptr": 8}
"""Bytes of one element in memory."""

_VECTOR = re.compile(r"<(\d+) x (\w+)>")


class Value(NamedTuple):
    """Something that instructions take: its text, and its type."""

    text: str
    type: str

    def __str__(self) -> str:
        return f"{self.type} {self.text}"


Number = bool | int | float
Operand = Value | Number


def vector(element: str, lanes: int) -> str:
    """The type of ``lanes`` elements; a single one is a plain scalar.

    Examples
    --------
    >>> vector("float", 8), vector("double", 1)
    ('<8 x float>', 'double')
    """
    return element if lanes == 1 else f"<{lanes} x {element}>"


def lanes(type_: str) -> int:
    """How many elements a value of this type has."""
    match = _VECTOR.fullmatch(type_)
    return int(match[1]) if match else 1


def element(type_: str) -> str:
    """The type of one element."""
    match = _VECTOR.fullmatch(type_)
    return match[2] if match else type_


def is_float(type_: str) -> bool:
    return element(type_) in ("float", "double")


def integer(type_: str) -> str:
    """The integers of the same sizes: ``<8 x i32>`` for ``<8 x float>``."""
    return vector({"float": "i32", "double": "i64"}[element(type_)], lanes(type_))


def mangled(type_: str) -> str:
    """The type as it stands in an intrinsic's name: ``v8f32`` for ``<8 x float>``."""
    short = {"float": "f32", "double": "f64", "ptr": "p0"}
    count, name = lanes(type_), element(type_)
    return (f"v{count}" if count > 1 else "") + short.get(name, name)


def constant(type_: str, number: Number) -> Value:
    """A number, or a vector that has it in every lane, written exactly.

    Examples
    --------
    >>> print(constant("<4 x float>", 0.1))
    <4 x float> splat (float 0x3FB99999A0000000)
    """
    kind = element(type_)
    text = _literal(kind, number)
    return Value(text if kind == type_ else f"splat ({kind} {text})", type_)


def _literal(kind: str, number: Number) -> str:
    """LLVM writes a float as the bits of the double that it is equal to."""
    if kind == "i1":
        return "true" if number else "false"
    if kind not in ("float", "double"):
        return str(int(number))
    exact = struct.unpack("<f", struct.pack("<f", number))[0] if kind == "float" else float(number)
    return f"0x{struct.unpack('<Q', struct.pack('<d', exact))[0]:016X}"


def number_of(value: Value) -> float | None:
    """The number that a floating-point constant has in every lane; None for anything else.

    Examples
    --------
    >>> number_of(constant("<4 x float>", 0.5)), number_of(Value("%x", "float"))
    (0.5, None)
    """
    match = re.fullmatch(r"(?:splat \(\w+ )?0x([0-9A-F]{16})\)?", value.text)
    return struct.unpack("<d", bytes.fromhex(match[1])[::-1])[0] if match else None


def constants(kind: str, numbers: Sequence[Number]) -> Value:
    """A vector with a number for each lane."""
    text = ", ".join(f"{kind} {_literal(kind, number)}" for number in numbers)
    return Value(f"<{text}>", vector(kind, len(numbers)))


class Module:
    """A unit of compilation: functions, what they call, and the constants that they share.

    Parameters
    ----------
    target : Target
        The processor, by which instructions are chosen.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.functions: dict[str, object] = {}
        self.globals: dict[str, str] = {}
        self.declarations: dict[str, str] = {}

    def add(self, name: str, function: object) -> None:
        """Take in a function, which prints itself as its definition."""
        assert name not in self.functions, f"two functions are named {name}"
        self.functions[name] = function

    def declare(self, name: str, returns: str, arguments: Sequence[str]) -> None:
        """Make a function known that is defined elsewhere: an intrinsic or an external symbol."""
        line = f"declare {returns} @{name}({', '.join(arguments)})"
        assert self.declarations.setdefault(name, line) == line, f"{name} has two signatures"

    def bytes(self, name: str, data: bytes, align: int = 64) -> Value:
        """The address of constant bytes, which are kept once under their name."""
        text = "".join(f"\\{byte:02X}" for byte in data)
        self.globals[name] = (
            f'@{name} = private unnamed_addr constant [{len(data)} x i8] c"{text}", align {align}'
        )
        return Value(f"@{name}", "ptr")

    def __str__(self) -> str:
        own = self.functions
        declared = [line for name, line in self.declarations.items() if name not in own]
        parts = [
            f'target triple = "{self.target.triple}"',
            "\n".join(self.globals.values()),
            *map(str, own.values()),
            "\n".join(declared),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"
