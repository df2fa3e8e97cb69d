"""What a network says about many rows, through programs that are recorded once and kept."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.native.entry.compiled import compile
from chainrule.tracing import Captured, capture
from chainrule.train.examples import as_floats, as_inputs, row_blocks
from chainrule.train.network import Network, Params, check_params

FEW = 16
"""Rows up to which the overhead of NumPy's calls is worth avoiding."""


def predict(network: Network, params: Params, X: Any) -> Any:
    """Return the network's outputs for each row of X.

    Parameters
    ----------
    network : Network
    params : dict
        As training or `Network.init` gives them.
    X : array of shape (N, n0), or (n0,) for one example
        Converted to the parameters' dtype.

    Returns
    -------
    array of shape (N, nK), or (nK,)

    Raises
    ------
    ShapeError, DataError
        If X has the wrong number of columns, or holds NaN or Inf, or an output is not finite.

    Examples
    --------
    >>> net = Network([2, 1])
    >>> predict(net, {"A0": np.array([[1.0, 2.0]]), "b0": np.array([3.0])}, [[1.0, 1.0]])
    array([[6.]])
    """
    return predictor_of(network)(params, X)


class Predictor:
    """Applies a network to rows: a few at a time as native code, many block by block.

    Parameters
    ----------
    network : Network
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._inputs = network.sizes[0]
        self._few = compile(partial(_probed, network))

    def __call__(self, params: Params, X: Any) -> Any:
        """See :func:`predict`."""
        first = params.get("A0")
        if type(X) is np.ndarray and type(first) is np.ndarray and X.dtype == first.dtype:
            shape = X.shape
            if shape[-1:] == (self._inputs,) and 0 < X.size <= FEW * self._inputs and X.ndim <= 2:
                outputs, zero = self._few(params, X)
                if zero == 0.0:
                    return outputs
        return _many(self._network, params, X)


@lru_cache(maxsize=32)
def predictor_of(network: Network) -> Predictor:
    """What applies a network, with the code that it has made so far."""
    return Predictor(network)


def _probed(network: Network, params: Params, x: Any) -> tuple[Any, Any]:
    """The outputs, and 0: zero times what is not finite is NaN, and so is the sum."""
    outputs = network(params, x)
    return outputs, np.sum(x * 0.0) + np.sum(outputs * 0.0)


def _many(network: Network, params: Params, X: Any) -> Any:
    check_params(network, params)
    X = as_floats(X, "predict", "X")
    if X.ndim == 1:
        return _many(network, params, X[None, :])[0]
    dtype = params["A0"].dtype
    X = as_inputs(X, network, "predict").astype(dtype, copy=False)
    blocks = [X[rows] for rows in row_blocks(len(X))]
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is found, and said
        outputs = np.concatenate([_forward(network, len(x), dtype)(params, x) for x in blocks])
    return _finite(outputs, X)


def _finite(outputs: Any, X: Any) -> Any:
    """Return the outputs, or raise `DataError` for the first row that has no finite ones."""
    wrong = np.argwhere(~np.isfinite(outputs))
    if len(wrong):
        row, unit = wrong[0]
        raise DataError(
            "predict",
            "the network's output is not finite",
            f"{outputs[row, unit]} of unit {unit} in row {row} (counted from 0), "
            f"whose largest input is {np.abs(X[row]).max():g}",
            "the inputs or the parameters are too large for it, or its functions are not "
            "defined there",
        )
    return outputs


@lru_cache(maxsize=32)
def _forward(network: Network, rows: int, dtype: np.dtype[Any]) -> Captured:
    """The program that applies the network to so many rows."""
    return capture(network, network.init(0, dtype), np.zeros((rows, network.sizes[0]), dtype))
