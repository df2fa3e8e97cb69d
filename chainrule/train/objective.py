"""From the cost of one example to programs over many: nothing here knows a derivative."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from chainrule.differentiate.gradients import value_and_grad
from chainrule.differentiate.mapping import vmap
from chainrule.errors import ShapeError
from chainrule.tracing import Captured, capture, named
from chainrule.train.costs import Cost
from chainrule.train.examples import Array, row_blocks
from chainrule.train.network import Network, Params
from chainrule.train.optimisers import Optimiser

Reduction = Literal["mean", "total"]


@dataclass(frozen=True)
class Objective:
    """E(θ) over a batch: the sum or the mean of E^r(θ) over its examples r."""

    network: Network
    cost: Cost
    reduction: Reduction

    def example(self, params: Params, x: Any, y: Any) -> Any:
        """E^r(θ) for one example x and its target y."""
        cost = self.cost(self.network(params, x), y)
        if np.shape(cost) != ():
            raise ShapeError(
                "fit",
                "the cost of one example must be a single number",
                f"shape {np.shape(cost)}",
                "add it up with np.sum",
            )
        return cost

    def total(self, params: Params, X: Any, Y: Any) -> Any:
        """E(θ) = Σ_r E^r(θ) over the rows of X and Y."""
        return np.sum(vmap(self.example, in_axes=(None, 0, 0))(params, X, Y))

    def weight(self, rows: int) -> int:
        """What the total is divided by: the number of rows for a mean, else 1."""
        return rows if self.reduction == "mean" else 1

    def __call__(self, params: Params, X: Any, Y: Any) -> Any:
        """The total or the mean over the rows of X and Y."""
        return self.total(params, X, Y) / self.weight(X.shape[0])


class ByRows:
    """A function captured once for each number of rows that its last argument comes with."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._programs: dict[int, Captured] = {}

    def program(self, *args: Any) -> Captured:
        """The program for arguments of these shapes."""
        rows = len(args[-1])
        if rows not in self._programs:
            self._programs[rows] = capture(self._function, *args)
        return self._programs[rows]

    def __call__(self, *args: Any) -> Any:
        return self.program(*args)(*args)


def step_programs(objective: Objective, optimiser: Optimiser) -> ByRows:
    """One step of training as one program: the cost, its gradient, and the optimiser's update."""

    def step(params: Params, state: Any, X: Any, Y: Any) -> tuple[Any, Params, Any]:
        cost, gradient = value_and_grad(objective)(params, X, Y)
        params, state = optimiser.update(params, gradient, state)
        return named(cost, "E"), {name: named(new, name) for name, new in params.items()}, state

    return ByRows(step)


def cost_over(
    objective: Objective, totals: Callable[..., Any], params: Params, X: Array, Y: Array
) -> float:
    """The total or mean cost over all rows, computed a block of them at a time."""
    parts = [float(totals(params, X[rows], Y[rows])) for rows in row_blocks(len(X))]
    return sum(parts) / objective.weight(len(X))
