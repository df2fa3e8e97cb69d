"""`chainrule train`: from a table to a trained network in a file, and how well it does."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.cli.settings import Settings
from chainrule.tables import Dataset, Metrics, Task, answers, constant_answers, judged
from chainrule.train import OPTIMISERS, FitResult, Network, fit, save


@dataclass(frozen=True)
class TrainingReport:
    """A finished training: the network, its file, and its answers to the test rows."""

    source: str
    dataset: Dataset
    settings: Settings
    result: FitResult
    model: Path
    given: npt.NDArray[Any]

    @property
    def test(self) -> Metrics:
        """How good the answers to the test rows are."""
        return judged(self.dataset.preparation.task, self.dataset.test.truth, self.given)

    @property
    def baseline(self) -> Metrics:
        """The same of the best constant answer."""
        truth, constant = self.dataset.test.truth, constant_answers(self.dataset)
        return judged(self.dataset.preparation.task, truth, constant)

    def as_json(self) -> dict[str, Any]:
        """The report as one JSON object."""
        data, result = self.dataset, self.result
        return {
            "task": data.preparation.task.value,
            "data": self.source,
            "target": data.preparation.target,
            "test": self.test,
            "baseline": self.baseline,
            "model": str(self.model),
            "epochs": result.epochs,
            "seconds": round(result.seconds or 0.0, 3),
            "seed": result.seed,
            "cost": _finite(result.cost),
            "validation_cost": _finite(result.validation_cost),
            "rows": {
                "train": len(data.train),
                "validation": len(data.validation),
                "test": len(data.test),
            },
            "network": {"sizes": list(result.network.sizes), "output": result.network.output},
            "settings": asdict(self.settings),
            "outcome": result.outcome,
            "stopped": result.stopped,
        }


def train(
    source: str, dataset: Dataset, network: Network, settings: Settings, seed: int, model: Path
) -> TrainingReport:
    """Train a network on a dataset and write it to a file before anything else can go wrong.

    Parameters
    ----------
    source : str
        What the table is called.
    dataset : Dataset
    network : Network
        As `network_for` makes it.
    settings : Settings
    seed : int
        Decides the starting parameters and the order of the examples.
    model : Path
        The file to write.

    Raises
    ------
    ArgumentError
        If the file cannot be written.
    """
    learnt, held = dataset.train, dataset.validation
    result = fit(
        network,
        learnt.X,
        learnt.Y,
        cost=settings.cost,
        optimiser=OPTIMISERS[settings.optimiser](settings.rate),
        epochs=settings.epochs,
        batch_size=settings.batch,
        seed=seed,
        validation=(held.X, held.Y) if len(held) else None,
    )
    bad = result.outcome == "diverged" or not result.epochs
    if bad and model.exists():  # a good model is not given for a bad one
        model = model.with_name(f"{model.stem}.stopped{model.suffix}")
    save(result, model, preprocessing=dataset.preparation.description())
    given = answers(dataset.preparation, result.predict(dataset.test.X))
    return TrainingReport(source, dataset, settings, result, model, given)


def network_for(dataset: Dataset, settings: Settings) -> Network:
    """A network with a softmax unit for each class, or with one linear unit for an amount."""
    inputs, classes = dataset.train.X.shape[1], dataset.preparation.classes
    if dataset.preparation.task is Task.classification and classes:
        return Network([inputs, *settings.layers, len(classes)], settings.activation, "softmax")
    return Network([inputs, *settings.layers, 1], settings.activation)


def _finite(cost: float | None) -> float | None:
    return cost if cost is not None and np.isfinite(cost) else None
