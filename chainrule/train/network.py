"""The lecture's deep network (5.111–5.113): fᵢ = σ(Aᵢ₋₁ fᵢ₋₁ + bᵢ₋₁), one example at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from html import escape
from operator import index
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.arguments import real_array, shown
from chainrule.differentiate.mapping import vmap
from chainrule.errors import ArgumentError, ArgumentTypeError, DtypeError, ShapeError
from chainrule.tracing import named, node_of
from chainrule.train.activations import ACTIVATIONS, OUTPUTS, Activation, Function, find
from chainrule.train.arguments import refuse_stripped, whole
from chainrule.transformed import require_picklable

Params = dict[str, Any]


MOST = 12
"""Names of parameters that an error lists."""
FEW = 6
"""Layers at the beginning and at the end of a deep network that are shown."""


@dataclass(frozen=True, repr=False)
class Network:
    """A feed-forward network as a function of its parameters and one example.

    Parameters
    ----------
    sizes : sequence of int
        The number of inputs, of the units of every hidden layer, and of outputs: ``[64, 32, 10]``.
    activation : str or function
        What the hidden layers apply: ``"sigmoid"``, ``"tanh"``, ``"relu"``, ``"softplus"``,
        ``"linear"``, or an elementwise NumPy function.
    output : str or function
        What the last layer applies: one of the same, or ``"softmax"``.

    Raises
    ------
    ArgumentError
        If there are fewer than two sizes, a size is not a positive integer, or a name is unknown.

    Examples
    --------
    >>> net = Network([2, 3, 1], activation="tanh")
    >>> params = net.init(seed=0)
    >>> {name: array.shape for name, array in params.items()}
    {'A0': (3, 2), 'b0': (3,), 'A1': (1, 3), 'b1': (1,)}
    >>> net(params, np.array([0.5, -1.0])).shape          # one example
    (1,)
    >>> net(params, np.zeros((7, 2))).shape               # seven examples
    (7, 1)

    Notes
    -----
    Equations (5.111) to (5.113) of M. P. Deisenroth, A. A. Faisal and C. S. Ong, "Mathematics for
    Machine Learning", Cambridge University Press, 2020.
    """

    sizes: Sequence[int]
    activation: str | Function = "sigmoid"
    output: str | Function = "linear"

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", _checked_sizes(self.sizes))
        find(self.activation, ACTIVATIONS, "activation")
        find(self.output, OUTPUTS, "output")
        if self.output == "softmax" and self.sizes[-1] == 1:
            raise ArgumentError(
                "Network", "softmax of a single unit is always 1", remedy='write output="sigmoid"'
            )

    def __copy__(self) -> Network:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Network:
        return self  # it does not change

    def __reduce__(self) -> Any:
        for function in (self.activation, self.output):
            require_picklable("pickle Network", function)
        return Network, (self.sizes, self.activation, self.output)

    def __repr__(self) -> str:
        return f"Network([{self._sizes(', ')}], activation={shown(self.activation)}, " + (
            f"output={shown(self.output)})"
        )

    def _sizes(self, between: str) -> str:
        """The sizes of the layers: the first and the last ones, where there are very many."""
        texts = [str(size) for size in self.sizes]
        if len(texts) > 2 * FEW:
            texts = [*texts[:FEW], f"… {len(texts) - 2 * FEW:,} more …", *texts[-FEW:]]
        return between.join(texts)

    def _repr_html_(self) -> str:
        """The layers as a table, for notebooks."""
        rows = [f"<tr><td>inputs</td><td>{self.sizes[0]}</td><td></td><td></td></tr>"]
        for i, layer in enumerate(self.layers):
            if i == FEW and self.depth > 2 * FEW:
                rows.append(f'<tr><td colspan="4">… {self.depth - 2 * FEW:,} more …</td></tr>')
            if min(i, self.depth - 1 - i) < FEW:
                count = self.sizes[i + 1] * (self.sizes[i] + 1)
                cells = (f"f{i + 1}", self.sizes[i + 1], layer.name, f"{count:,} parameters")
                rows.append("<tr>" + "".join(f"<td>{escape(str(c))}</td>" for c in cells) + "</tr>")
        return f"<table><caption>Network</caption>{''.join(rows)}</table>"

    @property
    def depth(self) -> int:
        """The number of layers with parameters, the lecture's K."""
        return len(self.sizes) - 1

    @property
    def layers(self) -> tuple[Activation, ...]:
        """What each of the K layers applies, the first hidden layer first."""
        hidden = find(self.activation, ACTIVATIONS, "activation")
        return (hidden,) * (self.depth - 1) + (find(self.output, OUTPUTS, "output"),)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The parameters' names and shapes, in the order of the layers."""
        shapes: dict[str, tuple[int, ...]] = {}
        for i in range(self.depth):
            shapes[f"A{i}"] = (self.sizes[i + 1], self.sizes[i])
            shapes[f"b{i}"] = (self.sizes[i + 1],)
        return shapes

    def init(self, seed: int, dtype: npt.DTypeLike = np.float64) -> Params:
        """Draw starting parameters: Glorot or He weights, and zeros for the biases.

        Parameters
        ----------
        seed : int
            The same seed gives the same parameters to the bit.
        dtype : numpy dtype, optional
            ``float64`` or ``float32``.

        Returns
        -------
        dict
            ``{"A0": (n1, n0), "b0": (n1,), "A1": …}``, weights and biases of each layer.

        Examples
        --------
        >>> Network([2, 3, 1]).init(seed=0, dtype=np.float32)["A0"].dtype
        dtype('float32')
        """
        dtype = _float_dtype(dtype)
        rng = np.random.default_rng(whole(seed, "Network.init", "seed", 0))
        params: Params = {}
        for i, layer in enumerate(self.layers):
            outputs, inputs = self.shapes[f"A{i}"]
            params[f"A{i}"] = layer.weights(rng, outputs, inputs).astype(dtype)
            params[f"b{i}"] = np.zeros(outputs, dtype)
        return params

    def __call__(self, params: Params, x: Any) -> Any:
        """Apply the network to one example of shape (n0,), or to each of N, of shape (N, n0).

        Parameters
        ----------
        params : dict
            As `init` returns it.
        x : array
            One example, or one a row.

        Returns
        -------
        array
            f_K, of shape (nK,), or (N, nK).

        Raises
        ------
        ShapeError
            If x or a parameter has another shape than the network's sizes say.
        """
        x = x if node_of(x) is not None else real_array("Network", "x", x)
        self._check(params, x)
        if x.ndim == 2:
            return vmap(self._forward, in_axes=(None, 0))(params, x)
        return self._forward(params, x)

    def _forward(self, params: Params, x: Any) -> Any:
        f = x
        for i, layer in enumerate(self.layers):
            Z = named(params[f"A{i}"] @ f + params[f"b{i}"], f"Z{i + 1}")
            f = named(layer.function(Z), f"f{i + 1}")
            if f.shape != Z.shape:
                raise ShapeError(
                    "Network",
                    f"{layer.name} is not elementwise",
                    f"{f.shape} from {Z.shape}",
                    "write a NumPy function that keeps the shape",
                )
        return f

    def _check(self, params: Params, x: Any) -> None:
        if x.ndim not in (1, 2) or x.shape[-1] != self.sizes[0]:
            n = self.sizes[0]
            raise ShapeError(
                "Network",
                f"the network of sizes {self.sizes} takes {n} inputs",
                f"x of shape {x.shape}",
                f"pass one example of shape ({n},) or rows of shape (N, {n})",
            )
        check_params(self, params)


def check_params(network: Network, params: Params) -> None:
    """Raise `ShapeError` unless the parameters have the network's names and shapes."""
    if not isinstance(params, Mapping):
        raise ArgumentTypeError(
            "Network", "the parameters must be a dict", shown(params),
            "write params = network.init(seed)",
        )  # fmt: skip
    names = list(params)
    for name, shape in network.shapes.items():
        value = params.get(name)
        if type(value) is not np.ndarray and node_of(value) is None:
            refuse_stripped(value, "Network", f"the parameter {name}")
        given = _shape(value) if name in params else None
        if given != shape:
            some = ", ".join(map(str, names[:MOST])) + (", …" if len(names) > MOST else "")
            raise ShapeError(
                "Network",
                f"the parameter {name} must have shape {shape}",
                f"the names {some}" if name not in params else f"{given or shown(value)}",
                "write params = network.init(seed)",
            )


def _shape(value: Any) -> tuple[int, ...] | None:
    try:
        return tuple(np.shape(value))
    except Exception:  # no array, whatever its class raises
        return None


def _checked_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    try:
        ordered = not isinstance(sizes, (str, bytes, bytearray, Set, Mapping))
        checked = tuple(index(size) for size in sizes) if ordered else ()
    except Exception:  # whatever its class raises
        checked = ()
    if len(checked) < 2 or min(checked) < 1:
        raise ArgumentError(
            "Network",
            "sizes must be two or more positive integers",
            shown(sizes),
            "write inputs, hidden units and outputs, such as [64, 32, 10]",
        )
    return checked


def _float_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    try:
        known = np.dtype(dtype) if isinstance(dtype, (str, type, np.dtype)) else None
    except Exception:  # whatever NumPy raises
        known = None
    if known not in (np.float32, np.float64):
        raise DtypeError(
            "Network", "parameters are float32 or float64", shown(dtype), "write dtype=np.float64"
        )
    return np.dtype(dtype)
