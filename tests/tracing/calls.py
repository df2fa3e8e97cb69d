"""Every function and method that NumPy lets other arrays answer, and calls to try them with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

# They write files, or give memory that nobody has filled.
LEFT_OUT = frozenset({
    "np.save", "np.savez", "np.savez_compressed", "np.savetxt", "ndarray.tofile", "ndarray.dump",
    "np.empty_like",
})  # fmt: skip
VECTOR = np.array([0.7, -1.2, 0.4, 1.5])
MATRIX = np.array([[1.5, 0.3, -0.2], [0.4, 2.0, 0.1], [-0.3, 0.5, 1.7]])
STACK = np.arange(8.0).reshape(2, 2, 2) * 0.37 + 0.1
NUMBER, SINGLE = np.array(0.6), np.array([2.5])
ORDERS = "CFKA"
SUBSCRIPTS = ("i->i", "ii->i", "ij->ji", "ij->ij", "ijk->kij", "...->...", "ij->j", "...i->i...")
KEYWORDS: tuple[dict[str, Any], ...] = (
    {"axis": 0}, {"axis": -1}, {"axis": (0,)}, {"keepdims": True}, {"axis": 0, "keepdims": True},
    {"n": 0}, {"copy": False}, {"offset": 1}, {"k": 1}, {"ord": 1}, {"ord": 2}, {"ord": np.inf},
    {"decimals": 1}, {"shape": (2, 2)}, {"dtype": np.float32}, {"out": None},
)  # fmt: skip

Call = tuple[tuple[Any, ...], dict[str, Any]]


def _method(name: str) -> Callable[..., Any]:
    return lambda x, *args, **kwargs: getattr(x, name)(*args, **kwargs)


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """The functions of numpy, numpy.linalg and numpy.fft, the ufuncs, and ndarray's methods."""
    seen: set[Any] = set()
    for module, prefix in ((np, "np"), (np.linalg, "np.linalg"), (np.fft, "np.fft")):
        for name in sorted(set(dir(module)) - seen):
            item = getattr(module, name)
            takes_others = isinstance(item, np.ufunc) or hasattr(item, "_implementation")
            is_meant = not name.startswith("_") and f"{prefix}.{name}" not in LEFT_OUT
            if takes_others and is_meant and id(item) not in seen:
                seen.add(id(item))
                yield f"{prefix}.{name}", item
    for name in sorted(dir(np.ndarray)):
        is_meant = not name.startswith("__") and f"ndarray.{name}" not in LEFT_OUT
        if is_meant and callable(getattr(np.ndarray, name)):
            yield f"ndarray.{name}", _method(name)


def calls(name: str) -> Iterator[Call]:
    """Arguments of many kinds, most of which any one function refuses."""
    for a in (VECTOR, MATRIX, STACK, NUMBER, SINGLE):
        yield (a,), {}
    for a in (VECTOR, MATRIX, STACK):
        mask = a > 0
        for args in (
            (a, a), (a, 1), (a, 0), (a, 0, 1), (a, 1, -1), (a, 2, 0), (a, -1), (a, 2.0),
            (a, (1, 0)), (a, [0, 1]), (a, [0, 1], 2.0), ([a, a],), (a, a.shape),
            (a, (2, *a.shape)), (a, mask), (a, mask, 0.5), (mask, a, 0.0), (a, -0.5, 0.5),
        ):  # fmt: skip
            yield args, {}
        if name.rpartition(".")[2] in ("compress", "extract", "where", "multiply", "logical_and"):
            yield (mask, a), {}
        for keywords in KEYWORDS:
            yield (a,), keywords
        yield (a, a), {"axis": 0}
        if "astype" in name:
            yield (a, float), {"copy": False}
            yield (a, np.float32), {"copy": False}
        if name == "np.einsum":
            for subscripts in SUBSCRIPTS:
                yield (subscripts, a), {}
        for order in ORDERS:
            for array in (a, a.T):
                yield (array,), {"order": order}
                yield (array, -1), {"order": order}
