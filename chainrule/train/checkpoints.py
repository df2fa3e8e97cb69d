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

from chainrule.arguments import shown
from chainrule.errors import ArgumentError, FileFormatError
from chainrule.train.arguments import instance_of
from chainrule.train.description import VERSION, Malformed, OtherVersion, parsed
from chainrule.train.files import path_of, write_whole
from chainrule.train.network import Network, Params, check_params
from chainrule.train.result import FitResult

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

    result = instance_of(result, FitResult, "save", "result", "save(fit(…), path)")
    path = path_of(path, "save")
    description = _described(result, preprocessing)
    _check_trained(result)
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
    path = path_of(path, "load")
    checksum, description, params = _read(path)
    if checksum != _checksum(description, params):
        raise FileFormatError(
            "load",
            "the file was altered or damaged: its checksum does not fit its contents",
            str(path),
            "use an intact copy, or train again",
        )
    try:
        return _restored(description, params)
    except OtherVersion as error:
        raise FileFormatError(
            "load",
            "the file is of another version",
            f"{error} in {path}",
            f"use the release that wrote it: this one reads version {VERSION}",
        ) from None
    except ValueError as error:  # Malformed, and what the network and JSON itself object to
        raise FileFormatError(
            "load",
            "the description of the network cannot be understood",
            f"{path} ({error!s:.300})",
            "use a file that save made",
        ) from None


def _check_trained(result: FitResult) -> None:
    """Refuse parameters that `load` would refuse."""
    try:
        check_params(result.network, result.params)
        _check_values({name: np.asarray(values) for name, values in result.params.items()})
    except ValueError as error:
        raise ArgumentError(
            "save", "the parameters are not those of the network", str(error),
            "save what fit returned",
        ) from None  # fmt: skip


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
        text = json.dumps(description, allow_nan=False)
        parsed(text)
        _check_names(description)
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError(
            "save",
            "the description cannot be written as JSON",
            str(error),
            "use only strings, finite numbers, lists and dicts with string keys",
        ) from None
    return text


def _check_names(description: Any) -> None:
    """JSON would make text of whole numbers that are names."""
    todo = [description]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            odd = [name for name in item if not isinstance(name, str)]
            if odd:
                raise TypeError(f"the name {shown(odd[0])} is no text")
        if isinstance(item, (dict, list, tuple)):
            todo += item.values() if isinstance(item, dict) else item


def _restored(text: str, params: Params) -> FitResult:
    """The result that a description and its tensors make.

    Raises
    ------
    Malformed
        If either is not as `save` writes it.
    """
    description = parsed(text)
    depth = len(description.sizes) - 1
    if len(params) != 2 * depth:  # before a network of so many layers is made
        raise Malformed(f"{len(params)} parameters for a network of {depth:,} layers")
    network = Network(description.sizes, description.activation, description.output)
    check_params(network, params)
    _check_values(params)
    return description.result(network, {name: params[name] for name in network.shapes})


def _check_values(params: Params) -> None:
    dtypes = {values.dtype for values in params.values()}
    if len(dtypes) != 1 or not dtypes <= {np.dtype(np.float32), np.dtype(np.float64)}:
        raise Malformed(f"parameters of dtypes {', '.join(sorted(map(str, dtypes)))}")
    for name, values in params.items():
        if not np.isfinite(values).all():
            raise Malformed(f"the parameter {name} is not finite")


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
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise OSError("Not a regular file")
        path.open("rb").close()
        with safe_open(path, framework="numpy") as file:
            metadata = dict(file.metadata() or {})
            checksum, _, description = metadata.pop(_KEY).partition(" ")
            if metadata:
                raise ValueError(f"metadata of another program, {next(iter(metadata))!r:.40}")
            names = list(file.keys())
            return checksum, description, {name: file.get_tensor(name) for name in names}
    except OSError as error:
        raise ArgumentError(
            "load",
            "the file cannot be read",
            f"{path}: {error.strerror or error}",
            "write the path of a file that save made",
        ) from None
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise FileFormatError(
            "load",
            "not a chainrule model, or a damaged one",
            f"{path} ({error!s:.300})",
            "write the path of a file that save made, or train again",
        ) from None


def _number(value: float | None) -> float | None:
    """The value as JSON can hold it."""
    return value if value is not None and math.isfinite(value) else None
