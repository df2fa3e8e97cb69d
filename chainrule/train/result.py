"""What training gives back, and what a model file holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from html import escape
from textwrap import shorten
from typing import Any, Literal

import numpy as np

from chainrule.properties import cached_property
from chainrule.train.network import Network, Params
from chainrule.train.prediction import Predictor, predictor_of

Outcome = Literal["finished", "interrupted", "diverged"]


@dataclass(frozen=True)
class History:
    """The costs, one entry for each whole epoch.

    Parameters
    ----------
    epoch : tuple of int
        1, 2, …
    cost : tuple of float
        The training cost over the epoch's batches, each with the parameters of its own step.
    validation_cost : tuple of float
        The cost of the validation examples after the epoch; empty without them.

    Examples
    --------
    >>> History(epoch=(1, 2), cost=(0.5, 0.25)).cost[-1]
    0.25
    """

    epoch: tuple[int, ...] = ()
    cost: tuple[float, ...] = ()
    validation_cost: tuple[float, ...] = ()


def _alike(left: Any, right: Any) -> bool:
    """Whether two fields hold the same, arrays and NaN included."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(_alike(left[k], right[k]) for k in left)
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        one, two = np.asarray(left), np.asarray(right)
        return one.dtype == two.dtype and one.shape == two.shape and one.tobytes() == two.tobytes()
    return bool(left == right or (left != left and right != right))


@dataclass(frozen=True, repr=False, eq=False)
class FitResult:
    """A trained network with the story of its training.

    Parameters
    ----------
    network : Network
    params : dict
        The parameters ``A0, b0, A1, …``; the last with a finite cost.
    history : History
        The costs of every epoch.
    cost : float
        The cost of `params` over all training examples.
    validation_cost : float or None
        The same over the validation examples, if there were any.
    outcome : "finished", "interrupted" or "diverged"
    stopped : str or None
        One sentence that says why training ended early.
    epochs : int
        The number of whole epochs done.
    seed : int
    seconds : float or None
        How long training took; not kept in a model file, so that equal seeds give equal files.
    settings : dict
        What `fit` was asked for, ready for JSON: ``cost``, ``reduction``, ``optimiser``,
        ``epochs``, ``batch_size``.
    preprocessing : dict or None
        What has to be done to a table before the network sees it; ready for JSON.
    interpreted_because : str
        Why the steps ran in NumPy; empty where they ran as native code. Not kept in a model file.

    Examples
    --------
    >>> net = Network([2, 1])
    >>> FitResult(net, net.init(seed=0)).epochs
    0
    """

    network: Network
    params: Params = field(repr=False)
    history: History = field(default=History(), repr=False)
    cost: float = float("nan")
    validation_cost: float | None = None
    outcome: Outcome = "finished"
    stopped: str | None = None
    epochs: int = 0
    seed: int = 0
    seconds: float | None = field(default=None, compare=False)
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    preprocessing: Mapping[str, Any] | None = field(default=None, repr=False)
    interpreted_because: str = field(default="", repr=False, compare=False)

    def __eq__(self, other: object) -> bool:
        """Whether all is the same to the last bit; how long it took and where does not matter."""
        if not isinstance(other, FitResult):
            return NotImplemented
        names = [item.name for item in fields(self) if item.compare]
        return all(_alike(getattr(self, name), getattr(other, name)) for name in names)

    def __hash__(self) -> int:
        return hash((self.network, self.outcome, self.epochs, self.seed))

    def __getstate__(self) -> dict[str, Any]:
        """What it was made of; the code that applies the network is made again."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def __repr__(self) -> str:
        return f"<FitResult of {self.network!r}: {self._story()}>"

    def _story(self) -> str:
        costs = f"cost {self.cost:.6g}"
        if self.validation_cost is not None:
            costs += f", validation cost {self.validation_cost:.6g}"
        stopped = f"; {shorten(self.stopped, 300)}" if self.stopped else ""
        return f"{self.outcome} after {self.epochs:,} epochs, {costs}, seed {self.seed}{stopped}"

    def _repr_html_(self) -> str:
        """The story and the network, for notebooks."""
        return f"<p>FitResult: {escape(self._story())}</p>{self.network._repr_html_()}"

    def predict(self, X: Any) -> Any:
        """Return the network's outputs for each row of X.

        Parameters
        ----------
        X : array of shape (N, n0), or (n0,) for one example
            Converted to the parameters' dtype.

        Returns
        -------
        array of shape (N, nK), or (nK,)

        Raises
        ------
        ShapeError, DataError
            If X has the wrong number of columns, or holds NaN or Inf.

        Examples
        --------
        >>> import numpy as np
        >>> net = Network([2, 1])
        >>> params = {"A0": np.array([[1.0, 2.0]]), "b0": np.array([3.0])}
        >>> FitResult(net, params).predict([[1.0, 1.0], [0.0, 1.0]])
        array([[6.],
               [5.]])
        """
        return self._predictor(self.params, X)

    @cached_property
    def _predictor(self) -> Predictor:
        return predictor_of(self.network)
