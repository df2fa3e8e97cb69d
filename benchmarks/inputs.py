"""Work whose input has a size: for each size a call to time, or to count the operations of.

`growth.py` draws the times over the sizes; ``tests/laws/test_law_growth.py`` bounds the counts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import chainrule as cr

Call = Callable[[], Any]


class Subject(NamedTuple):
    """What grows, what is done, and how.

    Attributes
    ----------
    grows, what : str
    call : callable
        From a size to a function without arguments.
    power : int
        With which power of the size the result grows: 2 where it is a matrix of the size's rows
        and columns.
    largest : int
        For the benchmark.
    """

    grows: str
    what: str
    call: Callable[[int], Call]
    power: int = 1
    largest: int = 1024


def numbers(n: int) -> list[float]:
    return [1.0 + k / n for k in range(n)]


def squares(items: Any) -> Any:
    """The sum of the squares of all leaves, one by one."""
    total = 0.0
    for item in items:
        total = total + item * item
    return total


def by_name(items: dict[str, Any]) -> Any:
    return squares(items.values())


def nested(n: int) -> Any:
    found: Any = 1.5
    for _ in range(n):
        found = [found]
    return found


def innermost(item: Any) -> Any:
    while isinstance(item, list):
        (item,) = item
    return item * item


def euler(n: int) -> Callable[[Any], Any]:
    """So many steps of Euler's method."""

    def f(x: Any) -> Any:
        for _ in range(n):
            x = x + 0.01 * np.sin(x)
        return np.sum(x)

    return f


def multiples(n: int) -> Callable[[Any], Any]:
    return lambda x: [x * (k + 1) for k in range(n)]


def named(n: int) -> Callable[[Any], Any]:
    """A function with so many variables."""
    lines = [f"    a{k} = np.sin(a{k - 1}) * {k}.5" for k in range(1, n + 1)]
    space: dict[str, Any] = {"np": np}
    exec("\n".join(["def f(a0):", *lines, f"    return np.sum(a{n})"]), space)
    return space["f"]  # type: ignore[no-any-return]


X = np.linspace(0.1, 1.0, 3)


def again(compiled: Callable[..., Any], *args: Any) -> Call:
    """A call of a compiled function that has been called before."""
    for _ in range(3):
        compiled(*args)
    return lambda: compiled(*args)


def fit(columns: int, layers: int, compile: bool) -> Any:
    net = cr.Network([columns, *[3] * (layers - 1), 1])
    rows = np.linspace(0, 1, 40 * columns).reshape(40, columns)
    return cr.fit(net, rows, rows[:, :1], epochs=2, batch_size=16, compile=compile, progress=False)


def kept(layers: int) -> Call:
    """A model saved and loaded."""
    result = fit(2, layers, False)

    def call() -> None:
        with tempfile.TemporaryDirectory() as folder:
            cr.save(result, Path(folder) / "model")
            cr.load(Path(folder) / "model")

    return call


SUBJECTS = [
    Subject("leaves", "grad of a list of floats", lambda n: lambda: cr.grad(squares)(numbers(n))),
    Subject("leaves", "jvp of a list of floats",
            lambda n: lambda: cr.jvp(squares, (numbers(n),), (numbers(n),))),
    Subject("leaves", "vjp of a list of floats",
            lambda n: lambda: cr.vjp(squares, numbers(n))[1](1.0)),
    Subject("leaves", "jacobian of a list of floats",
            lambda n: lambda: cr.jacobian(lambda x: np.stack(x) * 2.0)(numbers(n)), 2, 256),
    Subject("leaves", "hessian of a list of floats",
            lambda n: lambda: cr.hessian(squares)(numbers(n)), 2, 64),
    Subject("leaves", "vmap of a list of arrays",
            lambda n: lambda: cr.vmap(squares)([X * k for k in range(n)])),
    Subject("leaves", "compiling",
            lambda n: lambda: cr.compile(cr.grad(squares))(numbers(n)), 1, 128),
    Subject("leaves", "a compiled call", lambda n: again(cr.compile(squares), numbers(n))),
    Subject("leaves", "a compiled call with a step in NumPy",
            lambda n: again(cr.compile(lambda A, x: np.linalg.inv(A) + squares(x)),
                            np.eye(2), numbers(n))),
    Subject("keys", "grad of a dict",
            lambda n: lambda: cr.grad(by_name)({f"k{k}": 1.0 for k in range(n)})),
    Subject("arguments", "grad by each",
            lambda n: lambda: cr.grad(lambda *x: squares(x), wrt=tuple(range(n)))(*numbers(n))),
    Subject("nesting", "grad of lists in lists",
            lambda n: lambda: cr.grad(innermost)(nested(n)), 1, 512),
    Subject("outputs", "jvp", lambda n: lambda: cr.jvp(multiples(n), (2.0,), (1.0,))),
    Subject("outputs", "jacobian", lambda n: lambda: cr.jacobian(multiples(n))(2.0)),
    Subject("outputs", "compiling", lambda n: lambda: cr.compile(multiples(n))(2.0), 1, 512),
    Subject("outputs", "a compiled call", lambda n: again(cr.compile(multiples(n)), 2.0)),
    Subject("steps of a loop", "grad", lambda n: lambda: cr.grad(euler(n))(X)),
    Subject("steps of a loop", "jvp", lambda n: lambda: cr.jvp(euler(n), (X,), (X,))),
    Subject("steps of a loop", "hvp", lambda n: lambda: cr.hvp(euler(n), X, X)),
    Subject("steps of a loop", "vmap", lambda n: lambda: cr.vmap(euler(n))(np.stack([X, X]))),
    Subject("steps of a loop", "trace", lambda n: lambda: str(cr.trace(euler(n), X))),
    Subject("steps of a loop", "compiling", lambda n: lambda: cr.compile(euler(n))(X), 1, 128),
    Subject("names", "trace", lambda n: lambda: str(cr.trace(named(n), X))),
    Subject("names", "grad", lambda n: lambda: cr.grad(named(n))(X)),
    Subject("columns", "fit", lambda n: lambda: fit(n, 2, False)),
    Subject("columns", "fit, native", lambda n: lambda: fit(n, 2, True)),
    Subject("layers", "fit", lambda n: lambda: fit(2, n, False), 1, 128),
    Subject("layers", "fit, native", lambda n: lambda: fit(2, n, True), 1, 16),
    Subject("layers", "save and load", kept, 1, 64),
]  # fmt: skip
