"""Operations as keys: what their results depend on, and nothing else.

Two operations of one key give one node. Those that go by values, as a mask as an index does, have
none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import EllipsisType
from typing import Any

import numpy as np

from chainrule.graph.node import Node
from chainrule.primitives.expression import Expression
from chainrule.tracing.lanes import NUMBERS
from chainrule.tracing.views import FIRST

Key = tuple[Any, ...]

REPEATABLE = FIRST | {
    np.sum, np.mean, np.prod, np.max, np.min, np.var, np.std, np.dot, np.vdot, np.inner, np.outer,
    np.tensordot, np.cumsum, np.clip, np.concatenate, np.stack, np.where,
}  # fmt: skip
"""Functions whose results depend on their arguments' nodes alone, never on values."""


def operation(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Key | None:
    """A call of one of NumPy's functions."""
    if function not in REPEATABLE or (function is np.where and len(args) < 3):
        return None
    key: list[Any] = [function]
    for item in (*args, *kwargs, *kwargs.values()):
        if type(item) is list or type(item) is tuple:
            key.append(len(item))
            parts = [_part(entry) for entry in item]
        else:
            parts = [_part(item)]
        if ... in parts:
            return None
        key += parts
    return (*key, len(args))


def position(node: Node, key: Any) -> Key | None:
    """An index of slices and whole numbers."""
    parts: list[Any] = [position, node, type(key) is tuple]
    for item in key if type(key) is tuple else (key,):
        kind = type(item)
        if kind is int or item is None or kind is EllipsisType:
            parts.append(item)
        elif kind is slice and {type(item.start), type(item.stop), type(item.step)} <= PLAIN:
            parts += (slice, item.start, item.stop, item.step)
        else:
            return None
    return tuple(parts)


PLAIN = {int, type(None)}


def _part(item: Any) -> Any:
    """One argument as a part of a key; an ellipsis where it cannot be one."""
    kind = type(item)
    if kind in NUMBERS:
        return kind, item or repr(item)  # 0.0 and -0.0 are equal, but not the same
    if isinstance(item, Expression):
        return item.node
    return item if item is None else ...  # an order of elements may depend on the session
