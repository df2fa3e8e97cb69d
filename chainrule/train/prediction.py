"""What a network says about many rows, through programs that are recorded once and kept."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from chainrule.tracing import Captured, capture
from chainrule.train.examples import as_inputs, row_blocks
from chainrule.train.network import Network, Params, check_params


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
        If X has the wrong number of columns, or holds NaN or Inf.

    Examples
    --------
    >>> net = Network([2, 1])
    >>> predict(net, {"A0": np.array([[1.0, 2.0]]), "b0": np.array([3.0])}, [[1.0, 1.0]])
    array([[6.]])
    """
    check_params(network, params)
    if np.ndim(X) == 1:
        return predict(network, params, np.asarray(X)[None, :])[0]
    dtype = params["A0"].dtype
    X = as_inputs(X, network, "predict").astype(dtype, copy=False)
    blocks = [X[rows] for rows in row_blocks(len(X))]
    return np.concatenate([_forward(network, len(x), dtype)(params, x) for x in blocks])


@lru_cache(maxsize=32)
def _forward(network: Network, rows: int, dtype: np.dtype[Any]) -> Captured:
    """The program that applies the network to so many rows."""
    return capture(network, network.init(0, dtype), np.zeros((rows, network.sizes[0]), dtype))
