"""The cost of the gradient over that of the function, counted over their graphs.

The lecture's network (2 sigmoid layers, half the squared distance), for one example and for a
batch through ``vmap``: operations and bytes of the graph of the value, and of the graph of the
value with all four gradients, and their ratios. The project's bound is 4.

    python benchmarks/cost_ratio.py
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import chainrule as cr

SIZES = [(3, 4, 2, 1), (64, 32, 10, 1), (64, 32, 10, 32), (784, 128, 10, 64)]


def cost(A0: Any, b0: Any, A1: Any, b1: Any, X: Any, Y: Any) -> Any:
    Z1 = A0 @ X + b0
    f1 = cr.sigmoid(Z1)
    Z2 = A1 @ f1 + b1
    f2 = cr.sigmoid(Z2)
    return 0.5 * (f2 - Y).T @ (f2 - Y)


def total(*arguments: Any) -> Any:
    return cr.vmap(cost, in_axes=(None, None, None, None, 0, 0))(*arguments).sum()


def problem(n0: int, n1: int, n2: int, batch: int) -> tuple[Callable[..., Any], list[np.ndarray]]:
    rng = np.random.default_rng(0)
    rows = () if batch == 1 else (batch,)
    shapes = [(n1, n0), (n1,), (n2, n1), (n2,), (*rows, n0), (*rows, n2)]
    return (total if rows else cost), [rng.normal(size=shape) for shape in shapes]


def ratios(*sizes: int) -> tuple[Any, Any]:
    """The graph of the function, and that with all its gradients."""
    function, arguments = problem(*sizes)
    forward = cr.trace(function, *arguments)
    both = cr.trace(cr.value_and_grad(function, wrt=(0, 1, 2, 3)), *arguments)
    return forward, both


def main() -> None:
    head = f"{'network, batch':>22}{'operations':>14}{'with gradient':>16}{'ratio':>8}"
    print(head + f"{'bytes':>14}{'with gradient':>16}{'ratio':>8}")
    for n0, n1, n2, batch in SIZES:
        f, g = ratios(n0, n1, n2, batch)
        line = f"{f'{n0}-{n1}-{n2}, {batch}':>22}{f.operations:>14,}{g.operations:>16,}"
        line += f"{g.operations / f.operations:>8.2f}{f.bytes:>14,}{g.bytes:>16,}"
        print(line + f"{g.bytes / f.bytes:>8.2f}")


if __name__ == "__main__":
    main()
