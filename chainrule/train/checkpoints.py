"""Model files: the parameters as safetensors, all else as JSON in the file's metadata.

Nothing in a model file is ever executed. A checksum over the parameters and the description finds
a truncated, damaged or carelessly edited file; it is no signature: it does not tell who wrote it.
The format of the tensors: https://huggingface.co/docs/safetensors.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import ArgumentError, FileFormatError
from chainrule.train.files import write_whole
from chainrule.train.network import Network, Params, check_params
from chainrule.train.result import FitResult, History

VERSION = 1
_KEY = "chainrule"  # one key only: safetensors writes several in random order


def save(
    result: FitResult, path: str | os.PathLike[str], preprocessing: Mapping[str, Any] | None = None
) -> None:
    """Write a trained network to a file that `load` reads back to the bit.

    The file appears complete or not at all, and an older file of that name stays as it was until
    then. The training time is left out, so that equal seeds give equal files.

    Parameters
    ----------
    result : FitResult
    path : str or path
    preprocessing : dict, optional
        What JSON can hold of what must be done before the network sees a table; replaces
        `result.preprocessing`.

    Returns
    -------
    None

    Raises
    ------
    ArgumentError
        If the path cannot be written, or the network holds a Python function, or JSON cannot hold
        the preprocessing.

    Examples
    --------
    >>> import tempfile
    >>> net = Network([2, 3, 1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(FitResult(net, net.init(seed=0)), f"{folder}/model.safetensors")
    ...     load(f"{folder}/model.safetensors").network
    Network([2, 3, 1], activation='sigmoid', output='linear')
    """
    from safetensors.numpy import save as to_bytes

    description = _described(result, preprocessing)
    params = {name: np.ascontiguousarray(result.params[name]) for name in result.network.shapes}
    write_whole(path, to_bytes(params, {_KEY: f"{_checksum(description, params)} {description}"}))


def load(path: str | os.PathLike[str]) -> FitResult:
    """Read a trained network that `save` wrote.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    FitResult
        With `seconds` None.

    Raises
    ------
    ArgumentError
        If there is no such file, or it cannot be read.
    FileFormatError
        If it is not a model file, or is truncated or altered, or a newer version wrote it.

    Examples
    --------
    >>> import tempfile
    >>> net = Network([2, 1])
    >>> model = FitResult(net, {"A0": np.array([[1.0, 2.0]]), "b0": np.array([3.0])}, seed=7)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, f"{folder}/model.safetensors")
    ...     again = load(f"{folder}/model.safetensors")
    >>> again.seed, again.params
    (7, {'A0': array([[1., 2.]]), 'b0': array([3.])})
    """
    path = Path(path)
    checksum, description, params = _read(path)
    if checksum != _checksum(description, params):
        raise FileFormatError(
            "load",
            "the file was altered or damaged: its checksum does not fit its contents",
            str(path),
            "use an intact copy, or train again",
        )
    try:
        return _restored(json.loads(description), params, path)
    except FileFormatError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FileFormatError(
            "load",
            "the description of the network cannot be understood",
            f"{path} ({type(error).__name__}: {error})",
            "use a file that save made",
        ) from None


def _described(result: FitResult, preprocessing: Mapping[str, Any] | None) -> str:
    """Everything but the parameters, as JSON."""
    network, history = result.network, result.history
    for function in (network.activation, network.output):
        if not isinstance(function, str):
            raise ArgumentError(
                "save",
                "a model file cannot hold a Python function as activation",
                getattr(function, "__name__", repr(function)),
                "use an activation by name, or keep result.params with numpy.savez",
            )
    description = {
        "version": VERSION,
        "network": {
            "sizes": list(network.sizes),
            "activation": network.activation,
            "output": network.output,
        },
        "history": {
            "epoch": list(history.epoch),
            "cost": list(history.cost),
            "validation_cost": list(history.validation_cost),
        },
        "cost": _number(result.cost),
        "validation_cost": _number(result.validation_cost),
        "outcome": result.outcome,
        "stopped": result.stopped,
        "epochs": result.epochs,
        "seed": result.seed,
        "settings": dict(result.settings),
        "preprocessing": result.preprocessing if preprocessing is None else preprocessing,
    }
    try:
        return json.dumps(description, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            "save",
            "the description cannot be written as JSON",
            str(error),
            "use only strings, finite numbers, lists and dicts with string keys",
        ) from None


def _restored(description: dict[str, Any], params: Params, path: Path) -> FitResult:
    if description.get("version") != VERSION:
        raise FileFormatError(
            "load",
            "the file is of another version",
            f"version {description.get('version')!r} in {path}",
            f"use the release that wrote it: this one reads version {VERSION}",
        )
    network = Network(**description["network"])
    check_params(network, params)
    history = {name: tuple(values) for name, values in description["history"].items()}
    kept = {
        name: description[name]
        for name in (
            "validation_cost",
            "outcome",
            "stopped",
            "epochs",
            "seed",
            "settings",
            "preprocessing",
        )
    }
    cost = math.nan if description["cost"] is None else description["cost"]
    ordered = {name: params[name] for name in network.shapes}
    return FitResult(network, ordered, History(**history), cost, **kept)


def _checksum(description: str, params: Params) -> str:
    digest = hashlib.sha256(description.encode())
    for name, values in sorted(params.items()):
        digest.update(f"{name} {values.dtype.str} {values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def _read(path: Path) -> tuple[str, str, Params]:
    """The checksum and the description in the metadata, and the tensors; nothing checked yet."""
    from safetensors import SafetensorError, safe_open

    try:
        path.open("rb").close()
        with safe_open(path, framework="numpy") as file:
            checksum, _, description = (file.metadata() or {})[_KEY].partition(" ")
            names = list(file.keys())
            return checksum, description, {name: file.get_tensor(name) for name in names}
    except OSError as error:
        raise ArgumentError(
            "load",
            "the file cannot be read",
            f"{path}: {error.strerror or error}",
            "write the path of a file that save made",
        ) from None
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise FileFormatError(
            "load",
            "not a chainrule model, or a damaged one",
            f"{path} ({error})",
            "write the path of a file that save made, or train again",
        ) from None


def _number(value: float | None) -> float | None:
    """The value as JSON can hold it."""
    return value if value is not None and math.isfinite(value) else None
