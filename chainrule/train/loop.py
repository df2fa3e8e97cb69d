"""`fit`: checks what it is given, trains, and says how it went."""

from __future__ import annotations

from dataclasses import asdict, is_dataclass, replace
from time import perf_counter
from typing import Any, Literal

import numpy as np

from chainrule.arguments import flag, shown
from chainrule.errors import ArgumentError, DataError
from chainrule.train.arguments import function_or_none, instance_of, one_of, whole
from chainrule.train.costs import Cost, choose_cost
from chainrule.train.diagnosis import Diverged
from chainrule.train.engines import Data
from chainrule.train.examples import Array, as_inputs, as_targets, check_probabilities
from chainrule.train.interrupts import Interrupts
from chainrule.train.network import Network, Params, check_params
from chainrule.train.objective import ByRows, Objective, Reduction, cost_over
from chainrule.train.optimisers import GradientDescent, Optimiser
from chainrule.train.progress import Show, progress_bar
from chainrule.train.result import FitResult, Outcome
from chainrule.train.threads import threads_for
from chainrule.train.training import Callback, Job, Training

MOST_EPOCHS = 100_000_000
"""Every epoch has a cost and a seed in memory."""

PLAIN_DESCENT = GradientDescent(rate=0.1)


def fit(
    network: Network,
    X: Any,
    Y: Any,
    *,
    cost: Cost | str | None = None,
    optimiser: Optimiser = PLAIN_DESCENT,
    epochs: int = 100,
    batch_size: int | str | None = None,
    seed: int = 0,
    reduction: Reduction = "mean",
    validation: tuple[Any, Any] | None = None,
    params: Params | None = None,
    progress: bool = True,
    callback: Callback | None = None,
    compile: bool | Literal["auto"] = "auto",
) -> FitResult:
    """Train a network by gradient steps on the cost of its examples.

    Parameters
    ----------
    network : Network
    X : array of shape (N, n0)
        One example a row. float32 is trained in float32; all other numbers become float64.
    Y : array of shape (N, nK), or (N,)
        One target a row. Of shape (N,): the single output's targets, or integer class labels
        0, …, nK − 1, which become rows with a 1 in the label's place.
    cost : function, str or None
        The cost of one example, `(output, target) -> number`, or its name: ``"squared"``,
        ``"cross-entropy"``, ``"binary-cross-entropy"``. None is cross-entropy for softmax outputs
        and squared for all others. With sigmoid outputs cross-entropy is the binary one.
    optimiser : Optimiser
        `GradientDescent(rate=0.1)` unless another is given: `Momentum`, `AdaGrad`, `RMSProp`,
        `Adam`, `AdamW`, or one of your own with the methods `init` and `update`.
    epochs : int
        How often every example is used.
    batch_size : int, "all" or None
        Examples a step; None is all of them. Fewer are drawn in a new order each epoch; the last
        batch of an epoch may be short.
    seed : int
        Decides the starting parameters and the order of the examples. The same seed gives the
        same result to the bit.
    reduction : "mean" or "total"
        Whether a step goes down the mean or the sum of its examples' costs. For gradient descent
        on B examples the total with rate η equals the mean with rate B·η.
    validation : (Xv, Yv), optional
        Examples whose cost is computed after each epoch, and never trained on.
    params : dict, optional
        Where to start, instead of `network.init(seed)`; converted to the dtype of X. What an
        optimiser remembers is not kept in a result: it begins anew.
    progress : bool
        Whether to show a bar on stderr, if that is a terminal.
    callback : function, optional
        Called with an `EpochReport` after each epoch. If it raises KeyboardInterrupt, training
        stops as after Ctrl-C.
    compile : bool or "auto"
        Whether whole epochs run as native code; "auto" where that is likely to save time, which
        depends on the numbers of examples, epochs and parameters alone. What native code does not
        know is interpreted; the result's ``interpreted_because`` says so.

    Returns
    -------
    FitResult
        With the parameters and the history. After Ctrl-C, or when a cost becomes NaN or infinite,
        `outcome` and `stopped` say so, and `params` are the last with a finite cost.

    Raises
    ------
    ShapeError, DataError, DtypeError, ArgumentError
        If the examples do not fit the network, are not finite numbers, or an option makes no sense.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> line = fit(Network([1, 1]), X, 2 * X + 1, epochs=200, progress=False)
    >>> line.predict([[10.0]]).round(2)
    array([[21.]])
    >>> line.stopped is None, line.epochs
    (True, 200)
    """
    with Interrupts() as interrupts:
        name, objective = _objective(network, cost, reduction, "fit")
        X = as_inputs(X, network)
        targets = _targets(Y, X, network, name, "Y")
        checked = None if validation is None else _validation(validation, X, network, name)
        data = Data(
            X,
            targets,
            _batch_size(batch_size, len(X)),
            _epochs(epochs),
            whole(seed, "fit", "seed", 0),
        )
        function_or_none(callback, "fit", "callback", "callback=lambda report: print(report.cost)")
        when = one_of(compile, "fit", "compile", ("auto", True, False))
        job = Job(objective, _optimiser(optimiser), data, checked, when)
        start = _start(network, params, job)
        shown_bar = flag("fit", "progress", progress)
        result = _fitted(job, name, start, shown_bar, callback, interrupts)
    if interrupts.pending and result.outcome == "finished":
        sentence = "interrupted after the last step; the training is whole"
        return replace(result, outcome="interrupted", stopped=sentence)
    return result


def evaluate(
    network: Network,
    params: Params,
    X: Any,
    Y: Any,
    *,
    cost: Cost | str | None = None,
    reduction: Reduction = "mean",
) -> float:
    """The cost of some parameters over all rows of X and Y.

    Parameters
    ----------
    network, params, X, Y, cost, reduction
        As in `fit`.

    Returns
    -------
    float
        NaN or infinite where the cost is.

    Raises
    ------
    ShapeError, DataError, DtypeError, ArgumentError
        As in `fit`.

    Examples
    --------
    >>> line = {"A0": np.array([[2.0]]), "b0": np.array([1.0])}
    >>> evaluate(Network([1, 1]), line, [[0.0], [1.0]], [1.0, 5.0])
    1.0
    """
    name, objective = _objective(network, cost, reduction, "evaluate")
    check_params(network, params)
    X = as_inputs(X, network, "evaluate").astype(params["A0"].dtype, copy=False)
    Y = _targets(Y, X, network, name, "Y")
    return cost_over(objective, ByRows(objective.total), params, X, Y)


def _fitted(
    job: Job,
    cost: str,
    start: Params,
    shown_bar: bool,
    callback: Callback | None,
    interrupts: Interrupts,
) -> FitResult:
    """Train, and tell all of it; an interrupt at any moment is a result too."""
    started = perf_counter()
    data, network = job.data, job.objective.network
    told: dict[str, Any] = {"seed": data.seed, "settings": _settings(job, cost)}
    try:
        with interrupts.allowed():
            training = Training(job, start)
    except KeyboardInterrupt:
        sentence = "interrupted before the first step; the parameters are those of the start"
        return FitResult(
            network, start, outcome="interrupted", stopped=sentence,
            seconds=perf_counter() - started, interpreted_because="there were no steps", **told,
        )  # fmt: skip
    bar = progress_bar(shown_bar, data.epochs, data.epochs * job.steps_per_epoch)
    with threads_for(job.operations), bar as show:
        outcome, stopped = _run(training, show, callback, interrupts)
    history = training.history
    return FitResult(
        network=network,
        params=training.params,
        history=history,
        cost=training.cost,
        validation_cost=training.validation_cost,
        outcome=outcome,
        stopped=stopped,
        epochs=len(history.epoch),
        seconds=perf_counter() - started,
        interpreted_because=training.interpreted_because,
        **told,
    )


def _run(
    training: Training, show: Show, callback: Callback | None, interrupts: Interrupts
) -> tuple[Outcome, str | None]:
    """Train, and say how it ended; the parameters are good afterwards, whatever happened."""
    outcome: Outcome = "finished"
    stopped = None
    try:
        try:
            with interrupts.allowed():
                training.run(show, callback, interrupts.check)
        except KeyboardInterrupt:
            outcome, stopped = "interrupted", f"interrupted {training.reached}"
        with interrupts.allowed():
            training.settle()
    except KeyboardInterrupt:
        return "interrupted", "interrupted while the final cost was computed; it is not known"
    except Diverged as sentence:
        try:
            with interrupts.allowed():
                training.fall_back()
        except KeyboardInterrupt:
            return "interrupted", f"interrupted when training had diverged: {sentence}"
        return "diverged", str(sentence)
    return outcome, stopped


def _objective(network: Any, cost: Any, reduction: Any, operation: str) -> tuple[str, Objective]:
    """The name of the cost, and the cost of a batch."""
    network = instance_of(network, Network, operation, "network", "Network([64, 32, 10])")
    name, function = choose_cost(cost, network.output)
    reduction = one_of(reduction, operation, "reduction", ("mean", "total"))
    return name, Objective(network, function, reduction)


def _optimiser(optimiser: Any) -> Optimiser:
    methods = [getattr(optimiser, name, None) for name in ("init", "update")]
    if all(map(callable, methods)) and not isinstance(optimiser, type):
        chosen: Optimiser = optimiser
        return chosen
    raise ArgumentError(
        "fit",
        "optimiser must have the methods init and update",
        shown(optimiser),
        "write optimiser=GradientDescent(0.1)",
    )


def _targets(Y: Any, X: Array, network: Network, cost: str, name: str) -> Array:
    targets = as_targets(Y, X, network, name)
    check_probabilities(targets, cost, name)
    return targets


def _validation(pair: Any, X: Array, network: Network, cost: str) -> tuple[Array, Array]:
    if not (isinstance(pair, (tuple, list)) and len(pair) == 2):
        raise ArgumentError(
            "fit",
            "validation must be a pair of arrays",
            type(pair).__name__,
            "write validation=(Xv, Yv)",
        )
    Xv = as_inputs(pair[0], network, name="the validation X").astype(X.dtype, copy=False)
    return Xv, _targets(pair[1], Xv, network, cost, "the validation Y")


def _start(network: Network, params: Params | None, job: Job) -> Params:
    dtype = job.data.X.dtype
    if params is None:
        return network.init(job.data.seed, dtype)
    check_params(network, params)
    start = {name: np.array(params[name], dtype) for name in network.shapes}
    for name, values in start.items():
        if not np.isfinite(values).all():
            raise DataError(
                "fit",
                "the starting parameters must be finite",
                f"NaN or Inf in {name}",
                "write params=network.init(seed)",
            )
    return start


def _epochs(epochs: Any) -> int:
    number = whole(epochs, "fit", "epochs", 1)
    if number > MOST_EPOCHS:
        raise ArgumentError(
            "fit", f"epochs must be {MOST_EPOCHS:,} at most", shown(epochs),
            "train in several calls, each with params=result.params",
        )  # fmt: skip
    return number


def _batch_size(size: Any, rows: int) -> int:
    return (
        rows
        if size is None or (isinstance(size, str) and size == "all")
        else min(whole(size, "fit", "batch_size", 1), rows)
    )


def _settings(job: Job, cost: str) -> dict[str, Any]:
    """What was asked for, as JSON can hold it."""
    return {
        "cost": cost,
        "reduction": job.objective.reduction,
        "optimiser": {"name": type(job.optimiser).__name__} | _fields(job.optimiser),
        "epochs": job.data.epochs,
        "batch_size": job.data.batch_size,
    }


def _fields(value: Any) -> dict[str, Any]:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else {}
