"""Kinds of arguments: which of them are arrays, and what a program is known by."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from chainrule.arguments import real_array, shown
from chainrule.errors import ArgumentError, DtypeError
from chainrule.graph.node import Array
from chainrule.tracing.containers import unflatten


def plain_kind(args: Sequence[Any]) -> Hashable | None:
    """Shapes and dtypes where all arguments are arrays in native byte order; else None."""
    if all(type(item) is np.ndarray and item.dtype.isnative for item in args):
        return tuple([(item.shape, item.dtype) for item in args])
    return None


def as_arrays(leaves: Sequence[Any]) -> list[Array | None]:
    """The leaves that are data as arrays in native byte order; None for those that are static.

    Raises
    ------
    DtypeError
        If one is a matrix or a masked array, which NumPy computes with by other rules.
    """
    given = [x.dtype for x in leaves if isinstance(x, (np.ndarray, np.generic))]
    floats = [dtype for dtype in given if dtype.kind == "f"]
    weak = np.dtype(np.float32) if set(floats) == {np.dtype(np.float32)} else np.dtype(float)
    found: list[Array | None] = []
    for leaf in leaves:
        if isinstance(leaf, (np.matrix, np.ma.MaskedArray)):
            raise DtypeError(
                "compile", "matrices and masked arrays follow rules of their own",
                got=str(type(leaf)),
                remedy="convert it with np.asarray, and use @ for matrix products",
            )  # fmt: skip
        if isinstance(leaf, (np.ndarray, np.generic)):
            array = real_array("compile", "an argument", leaf)
            found.append(array.astype(array.dtype.newbyteorder("="), copy=False))
        elif type(leaf) is float:  # takes the precision of the arrays, as in NumPy's own arithmetic
            found.append(np.asarray(leaf, weak))
        else:
            found.append(None)
    return found


def kind_of(
    leaves: Sequence[Any], arrays: Sequence[Array | None], structure: Any, kwargs: dict[str, Any]
) -> Hashable:
    """What a program for these arguments is known by: shapes, dtypes, and all that is static.

    Raises
    ------
    ArgumentError
        If something static cannot be hashed.
    """
    kinds = tuple(
        (array.shape, array.dtype) if array is not None else _exactly(leaf)
        for leaf, array in zip(leaves, arrays, strict=True)
    )
    order = orders(unflatten(structure, leaves))
    named = tuple((name, _exactly(kwargs[name])) for name in sorted(kwargs))
    key = (kinds, structure, order, named)
    try:
        hash(key)
    except TypeError:
        static = [leaf for leaf, array in zip(leaves, arrays, strict=True) if array is None]
        keywords = [f"{name}={shown(value)}" for name, value in kwargs.items()]
        raise ArgumentError(
            "compile", "a static argument must be hashable, to know programs by it",
            got=", ".join([*map(shown, static), *keywords]),
            remedy="pass arrays by position, and tuples instead of lists by keyword",
        ) from None  # fmt: skip
    return key


def orders(tree: Any) -> Hashable:
    """The order of the keys of all dicts, which the code may walk along; structures forget it."""
    if isinstance(tree, dict):
        return tuple((key, orders(item)) for key, item in tree.items())
    if isinstance(tree, (list, tuple)):
        return tuple(map(orders, tree))
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        return tuple(orders(getattr(tree, item.name)) for item in dataclasses.fields(tree))
    return None


def _exactly(value: Any) -> Hashable:
    """A static value as itself only: 1, 1.0 and True are equal, and so are 0.0 and -0.0."""
    if type(value) is tuple:
        return tuple, tuple(map(_exactly, value))
    if isinstance(value, float):
        return type(value), value.hex()
    return type(value), value
