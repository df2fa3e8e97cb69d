"""A training to take the time of: a network with made-up examples and fixed starting parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import train
from chainrule.errors import ArgumentError
from chainrule.train import FitResult, Network, Optimiser, fit

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Workload:
    """A network, the batches that it is trained in, and how.

    Parameters
    ----------
    sizes : tuple of int
        Inputs, hidden units, outputs.
    batch, steps : int
        Examples a step, and steps an epoch.
    activation, output : str or function
        As `Network` takes them.
    cost : str or function
        As `fit` takes it.
    optimiser : str
        The name of a class of `chainrule.train` that is made from a rate.
    rate : float

    Examples
    --------
    >>> work = Workload((2, 16, 1), batch=4, steps=64)
    >>> work.name, work.operations
    ('2-16-1, batch 4', 896)
    >>> work.fit(epochs=2).epochs
    2
    """

    sizes: tuple[int, ...]
    batch: int
    steps: int
    activation: Any = "sigmoid"
    output: Any = "sigmoid"
    cost: Any = "squared"
    optimiser: str = "GradientDescent"
    rate: float = 0.1

    @property
    def name(self) -> str:
        """The sizes and the batch."""
        return f"{'-'.join(map(str, self.sizes))}, batch {self.batch}"

    @property
    def operations(self) -> int:
        """Multiplications and additions a step in the matrix products, as a plan by hand has them.

        Each weight takes part in three products, those of the first layer in two.
        """
        weights = [a * b for a, b in zip(self.sizes, self.sizes[1:], strict=False)]
        return self.batch * (6 * sum(weights) - 2 * weights[0])

    def examples(self) -> tuple[Array, Array]:
        """Normal inputs, and targets that are one class of several or 0 and 1; float32."""
        rng = np.random.default_rng(0)
        rows, outputs = self.batch * self.steps, self.sizes[-1]
        X = rng.standard_normal((rows, self.sizes[0]), dtype=np.float32)
        labels = rng.integers(0, max(2, outputs), rows)
        Y = np.eye(max(2, outputs), dtype=np.float32)[labels][:, :outputs]
        return X, np.ascontiguousarray(Y)

    def start(self) -> dict[str, Array]:
        """Starting parameters: weights of variance 1/inputs, and zeros; float32."""
        rng = np.random.default_rng(1)
        params: dict[str, Array] = {}
        for i, (a, b) in enumerate(zip(self.sizes, self.sizes[1:], strict=False)):
            weights = rng.standard_normal((a, b)).astype(np.float32) / np.float32(math.sqrt(a))
            params[f"A{i}"] = np.ascontiguousarray(weights.T)
            params[f"b{i}"] = np.zeros(b, np.float32)
        return params

    @property
    def network(self) -> Network:
        """The network to train."""
        return Network(self.sizes, self.activation, self.output)

    def made_optimiser(self) -> Optimiser:
        """The optimiser with its rate.

        Raises
        ------
        ArgumentError
            If chainrule has none of that name.
        """
        kind = getattr(train, self.optimiser, None)
        if kind is None:
            raise ArgumentError("bench", "there is no such optimiser", self.optimiser)
        made: Optimiser = kind(self.rate)
        return made

    def fit(
        self, epochs: int, examples: tuple[Array, Array] | None = None, **options: Any
    ) -> FitResult:
        """Train from the starting parameters; other options are those of `fit`.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C, which `fit` itself takes for a wish to keep what was reached.
        """
        X, Y = examples or self.examples()
        result = fit(
            self.network, X, Y, cost=self.cost, optimiser=self.made_optimiser(), epochs=epochs,
            batch_size=self.batch, params=self.start(), progress=False, **options,
        )  # fmt: skip
        if result.outcome == "interrupted":
            raise KeyboardInterrupt
        return result


class Stopwatch:
    """Takes the time of a step of a workload, anew at each turn.

    It is the time that many epochs take longer than one, over the steps of the others, by the
    result's own `seconds`: what `fit` does once, such as making code and the final cost, does not
    count, and what it does between epochs does.

    Parameters
    ----------
    work : Workload
    at_least : float
        Seconds that the difference should be, for the clock's sake; it is twice a short run
        where that is more.

    Attributes
    ----------
    interpreted_because : str
        Why the steps are not native code; empty where they are.
    """

    def __init__(self, work: Workload, at_least: float) -> None:
        self._work, self._examples = work, work.examples()
        first = work.fit(1, self._examples, compile=True)  # also finds pages and caches warm
        self.interpreted_because = first.interpreted_because
        self._short = min(self._seconds(1) for _ in range(3))
        self._long: list[float] = []
        self._epochs = 3
        enough = self._short + max(at_least, 2 * self._short)
        while (long := self._seconds(self._epochs)) < enough:
            self._epochs = math.ceil(self._epochs * min(10.0, max(1.5, enough / long)))

    def turn(self) -> float:
        """Seconds a step, this time."""
        # other work on the machine only makes runs longer, and the short one is a small part
        self._short = min(self._short, self._seconds(1))
        self._long.append(self._seconds(self._epochs))
        return self._step(self._long[-1])

    def least(self) -> float:
        """Seconds a step, by the shortest runs of all turns."""
        return self._step(min(self._long))

    def _step(self, long: float) -> float:
        more, all_ = (self._epochs - 1) * self._work.steps, self._epochs * self._work.steps
        # where other work made even the short run long, all that is known is a bound
        return (long - self._short) / more if long > self._short else long / all_

    def _seconds(self, epochs: int) -> float:
        seconds = self._work.fit(epochs, self._examples, compile=True).seconds
        assert seconds is not None, "only a result that was read from a file has no time"
        return seconds


TINY = Workload((2, 16, 1), 4, 64)
SMALL = Workload((64, 32, 10), 32, 56)
MEDIUM = Workload((784, 128, 10), 64, 100)
LARGE = Workload((784, 1024, 1024, 10), 512, 10)
