"""The same training in chainrule, JAX, PyTorch and scikit-learn, each in a process of its own.

Libraries keep threads that wait for work, some of them by spinning, so each contestant has its own
process, and runs only when it is asked to.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import time
import warnings
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.cli.workload import Stopwatch, Workload

Array = np.ndarray[Any, Any]


class Chainrule:
    """Whole runs of ``cr.fit``; see `Stopwatch`."""

    stopwatch: Stopwatch

    def prepare(self, work: Workload, at_least: float) -> None:
        self.work, self.at_least = work, at_least

    def after(self, steps: int) -> dict[str, Array]:
        """The parameters after so many steps on the first batch."""
        X, Y = (item[: self.work.batch] for item in self.work.examples())
        return dict(self.work.fit(steps, (X, Y), compile=True).params)

    def warm_up(self) -> None:
        """Compile, and find out how many epochs make a turn."""
        self.stopwatch = Stopwatch(self.work, self.at_least)

    def interpreted_because(self) -> str:
        """Why the steps are not native code; empty where they are."""
        return self.stopwatch.interpreted_because

    def turn(self) -> float:
        """Seconds a step."""
        return self.stopwatch.turn()

    def least(self) -> float:
        """Seconds a step, of all turns."""
        return self.stopwatch.least()


class Peer:
    """A library that is told to do epochs: batches in order, without shuffling."""

    def prepare(self, work: Workload, at_least: float) -> None:
        self.work, self.at_least = work, at_least
        X, Y = work.examples()
        self.X = X.reshape(work.steps, work.batch, -1)
        self.Y = Y.reshape(work.steps, work.batch, -1)
        self.turns: list[float] = []
        self.build()
        self.start()

    def build(self) -> None:
        """Make what does not depend on the parameters."""

    def start(self) -> None:
        """Go back to the starting parameters."""

    def epoch(self) -> None:
        """One epoch, finished when it returns."""

    def warm_up(self) -> None:
        """Compile, and find out how many epochs make a turn."""
        self.epoch()
        self.epochs = max(1, math.ceil(self.at_least / self.seconds(1)))

    def turn(self) -> float:
        """Seconds a step, after an epoch that is not counted."""
        self.start()
        self.epoch()
        self.turns.append(self.seconds(self.epochs) / (self.epochs * self.work.steps))
        return self.turns[-1]

    def least(self) -> float:
        """Seconds a step, of all turns."""
        return min(self.turns)

    def seconds(self, epochs: int) -> float:
        begun = time.perf_counter()
        for _ in range(epochs):
            self.epoch()
        return time.perf_counter() - begun


class Jax(Peer):
    """A jitted step for each batch, with the parameters donated."""

    def __init__(self) -> None:
        import jax

        jax.config.update("jax_platforms", "cpu")
        self.jax = jax

    def build(self) -> None:
        jnp = self.jax.numpy
        self.step = self.jax.jit(self.updated, donate_argnums=0)
        self.batches = [(jnp.array(x), jnp.array(y)) for x, y in zip(self.X, self.Y, strict=True)]

    def start(self) -> None:
        jnp, start = self.jax.numpy, self.work.start()
        weights = [(jnp.array(start[f"A{i}"].T), jnp.array(start[f"b{i}"]))
                   for i in range(len(start) // 2)]  # fmt: skip
        zeros = partial(self.jax.tree.map, jnp.zeros_like)
        moments = (zeros(weights), zeros(weights)) if self.work.optimiser == "Adam" else ()
        self.state = (weights, moments, jnp.zeros((), jnp.int32))

    def cost(self, weights: Any, x: Any, y: Any) -> Any:
        jnp, nn, work = self.jax.numpy, self.jax.nn, self.work
        known = {"sigmoid": nn.sigmoid, "tanh": jnp.tanh, "relu": nn.relu, "linear": lambda z: z}
        for i, (w, b) in enumerate(weights):
            z = x @ w + b
            last = i + 1 == len(weights)
            if last and work.cost == "cross-entropy":
                return -jnp.sum(y * nn.log_softmax(z)) / work.batch
            kind = work.output if last else work.activation
            x = kind(z, numpy=jnp) if callable(kind) else known[kind](z)
        if callable(work.cost):
            return work.cost(x, y, numpy=jnp) / work.batch
        return 0.5 * jnp.sum((x - y) ** 2) / work.batch

    def updated(self, state: Any, x: Any, y: Any) -> Any:
        jnp, tree, rate = self.jax.numpy, self.jax.tree, self.work.rate
        weights, moments, t = state
        gradient = self.jax.grad(self.cost)(weights, x, y)
        if not moments:
            return tree.map(lambda p, g: p - rate * g, weights, gradient), (), t
        t = t + 1
        m = tree.map(lambda m, g: 0.9 * m + 0.1 * g, moments[0], gradient)
        v = tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, moments[1], gradient)
        c, d = 1 - 0.9 ** t.astype(jnp.float32), 1 - 0.999 ** t.astype(jnp.float32)
        weights = tree.map(
            lambda p, m, v: p - rate * (m / c) / (jnp.sqrt(v / d) + 1e-8), weights, m, v
        )
        return weights, (m, v), t

    def epoch(self) -> None:
        for x, y in self.batches:
            self.state = self.step(self.state, x, y)
        self.jax.block_until_ready(self.state)

    def after(self, steps: int) -> dict[str, Array]:
        self.start()
        step = self.jax.jit(self.updated)
        for _ in range(steps):
            self.state = step(self.state, self.X[0], self.Y[0])
        return {
            f"{name}{i}": np.array(value.T)
            for i, pair in enumerate(self.state[0])
            for name, value in zip("Ab", pair, strict=True)
        }


class JaxScan(Jax):
    """The whole epoch as one ``lax.scan``, jitted, over batches that are already there."""

    def build(self) -> None:
        jax = self.jax
        self.batches = (jax.numpy.array(self.X), jax.numpy.array(self.Y))
        self.run = jax.jit(
            lambda state, batches: jax.lax.scan(
                lambda state, xy: (self.updated(state, *xy), None), state, batches
            )[0],
            donate_argnums=0,
        )

    def epoch(self) -> None:
        self.state = self.jax.block_until_ready(self.run(self.state, self.batches))


class Torch(Peer):
    """PyTorch as it comes, with its own optimisers."""

    def __init__(self) -> None:
        import torch

        self.torch = torch
        if limit := os.environ.get("OMP_NUM_THREADS"):
            torch.set_num_threads(int(limit))

    def build(self) -> None:
        self.batches = [
            (self.torch.from_numpy(x), self.torch.from_numpy(y))
            for x, y in zip(self.X, self.Y, strict=True)
        ]

    def start(self) -> None:
        torch, start, sizes = self.torch, self.work.start(), self.work.sizes
        self.layers = [torch.nn.Linear(a, b) for a, b in pairwise(sizes)]
        with torch.no_grad():
            for i, layer in enumerate(self.layers):
                layer.weight.copy_(torch.from_numpy(start[f"A{i}"]))
                layer.bias.copy_(torch.from_numpy(start[f"b{i}"]))
        parameters = [p for layer in self.layers for p in layer.parameters()]
        kind = torch.optim.Adam if self.work.optimiser == "Adam" else torch.optim.SGD
        self.optimiser = kind(parameters, lr=self.work.rate)

    def cost(self, x: Any, y: Any) -> Any:
        torch, work = self.torch, self.work
        known = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu,
                 "linear": lambda z: z}  # fmt: skip
        for layer in self.layers:
            z, last = layer(x), layer is self.layers[-1]
            if last and work.cost == "cross-entropy":
                return torch.nn.functional.cross_entropy(z, y)
            kind = work.output if last else work.activation
            x = kind(z, numpy=torch) if callable(kind) else known[kind](z)
        if callable(work.cost):
            return work.cost(x, y, numpy=torch) / work.batch
        return 0.5 * ((x - y) ** 2).sum() / work.batch

    def step(self, x: Any, y: Any) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        self.cost(x, y).backward()
        self.optimiser.step()

    def epoch(self) -> None:
        for x, y in self.batches:
            self.step(x, y)

    def after(self, steps: int) -> dict[str, Array]:
        self.start()
        for _ in range(steps):
            self.step(*self.batches[0])
        pairs = [(layer.weight, layer.bias) for layer in self.layers]
        return {
            f"{name}{i}": value.detach().numpy().copy()
            for i, pair in enumerate(pairs)
            for name, value in zip("Ab", pair, strict=True)
        }


class ScikitLearn(Peer):
    """``partial_fit``. Its regressor's outputs are linear, and it starts where it likes.

    So its parameters are not compared, and its rate for the squared cost is one that is stable.
    """

    def __init__(self) -> None:
        from sklearn import neural_network

        self.module = neural_network

    def start(self) -> None:
        work = self.work
        known = {"sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}
        if work.activation not in known or callable(work.cost):
            raise ValueError("scikit-learn has no such network")
        classes = work.cost == "cross-entropy"
        kind = self.module.MLPClassifier if classes else self.module.MLPRegressor
        solver = (
            {"solver": "adam"} if work.optimiser == "Adam" else {"solver": "sgd", "momentum": 0}
        )
        self.model = kind(
            hidden_layer_sizes=work.sizes[1:-1], activation=known[work.activation],
            batch_size=work.batch, learning_rate_init=work.rate if classes else 1e-3, alpha=0,
            shuffle=False, **solver,
        )  # fmt: skip
        flat_y = self.Y.reshape(-1, self.Y.shape[-1])
        self.rows = self.X.reshape(-1, self.X.shape[-1])
        self.targets = (
            flat_y.argmax(1) if classes else flat_y if flat_y.shape[1] > 1 else flat_y[:, 0]
        )
        self.more = {"classes": np.arange(work.sizes[-1])} if classes else {}

    def epoch(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model.partial_fit(self.rows, self.targets, **self.more)

    def after(self, steps: int) -> None:
        return None


CONTESTANTS: dict[str, Callable[[], Any]] = {
    "chainrule": Chainrule,
    "JAX scan": JaxScan,
    "JAX jit": Jax,
    "PyTorch": Torch,
    "scikit-learn": ScikitLearn,
}
MODULES = {"JAX scan": "jax", "JAX jit": "jax", "PyTorch": "torch", "scikit-learn": "scikit-learn"}


# -- processes ------------------------------------------------------------------------------------


def serve(connection: Any, name: str, threads: int) -> None:
    """Answer calls until the other side hangs up."""
    if threads and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    contestant = CONTESTANTS[name]()
    while (call := connection.recv()) is not None:
        method, *arguments = call
        try:
            connection.send((getattr(contestant, method)(*arguments), None))
        except Exception as error:
            connection.send((None, f"{type(error).__name__}: {error}"))


class Player:
    """A contestant in its process; a method's name and arguments go there, its result comes back.

    Parameters
    ----------
    name : str
        One of `CONTESTANTS`.
    threads : int
        How many threads and processors it may use; 0 for all that there are.
    """

    def __init__(self, name: str, threads: int = 0) -> None:
        self.name = name
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        # libraries read these when they are loaded, so they must stand before the process starts
        limits = [f"{x}_NUM_THREADS" for x in ("OPENBLAS", "OMP", "MKL")] + ["CHAINRULE_THREADS"]
        before = {variable: os.environ.get(variable) for variable in limits}
        if threads:
            os.environ.update(dict.fromkeys(limits, str(threads)))
        try:
            self.process = context.Process(target=serve, args=(theirs, name, threads), daemon=True)
            self.process.start()
        finally:
            for variable, value in before.items():
                os.environ.pop(variable, None)
                if value is not None:
                    os.environ[variable] = value

    def ask(self, method: str, *arguments: Any) -> Any:
        """Call a method there.

        Raises
        ------
        RuntimeError
            With what was raised there.
        """
        self.connection.send((method, *arguments))
        result, problem = self.connection.recv()
        if problem:
            raise RuntimeError(f"{self.name}: {problem}")
        return result

    def leave(self) -> None:
        """End the process."""
        self.connection.send(None)
        self.process.join(5)
