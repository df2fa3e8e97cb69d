"""The order in which an epoch goes through the examples, from a seed: in native code and in Python.

Fisher and Yates' shuffle: from the last place down, each takes the element of a place drawn from
those up to it. The draws are the sequence SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, "Fast
Splittable Pseudorandom Number Generators", OOPSLA 2014), and the upper half of a draw times the
number of places is the place (D. Lemire, "Fast Random Integer Generation in an Interval", ACM
Transactions on Modeling and Computer Simulation 29, 2019).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from chainrule.native.code.builder import Function
from chainrule.native.code.ir import Module, Value

_NAME = "chainrule_shuffle"
_STEP = 0x9E3779B97F4A7C15
_MIXES = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))
_MASK = (1 << 64) - 1


def shuffled(count: int, seed: int) -> npt.NDArray[np.int64]:
    """The numbers from 0 to ``count - 1`` in the order that belongs to a seed of 64 bits.

    Examples
    --------
    >>> sorted(shuffled(5, seed=1).tolist())
    [0, 1, 2, 3, 4]
    """
    order = list(range(count))
    for place in range(count - 1, 0, -1):
        seed = (seed + _STEP) & _MASK
        drawn = (_mixed(seed) * (place + 1)) >> 64
        order[place], order[drawn] = order[drawn], order[place]
    return np.array(order, np.int64)


def _mixed(z: int) -> int:
    for shift, factor in _MIXES:
        z = ((z ^ (z >> shift)) * factor) & _MASK
    return z


def shuffle(f: Function, order: Value, count: int, seed: Value) -> None:
    """Fill an array of ``i64`` with the order of a seed."""
    _define(f.module)
    f.call(_NAME, "void", order, f.value(count, "i64"), seed)


def _define(module: Module) -> None:
    if _NAME in module.functions:
        return
    arguments = [("ptr", "order"), ("i64", "count"), ("i64", "seed")]
    f = Function(module, _NAME, arguments, private=True)
    order, count, seed = f.arguments
    with f.loop(0, count) as index:
        f.store(index, f.at(order, index, "i64"))
    with f.accumulate(1, count, 1, [seed]) as turn:
        place = f.sub(count, turn.index)
        state = f.add(turn.values[0], _signed(_STEP))
        z = state
        for shift, factor in _MIXES:
            z = f.bit_xor(z, f.shift_right(z, shift))
            z = f.mul(z, _signed(factor)) if factor != 1 else z
        wide = f.mul(f.cast("zext", z, "i128"), f.cast("zext", f.add(place, 1), "i128"))
        drawn = f.cast("trunc", f.shift_right(wide, 64), "i64")
        here, there = f.at(order, place, "i64"), f.at(order, drawn, "i64")
        a, b = f.load(here, "i64"), f.load(there, "i64")
        f.store(b, here)
        f.store(a, there)
        turn.carry(state)
    f.ret()


def _signed(number: int) -> int:
    """LLVM writes whole numbers of 64 bits with a sign."""
    return number - (1 << 64) if number >> 63 else number
