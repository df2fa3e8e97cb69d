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
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import ArgumentError, FileFormatError
from chainrule.train.network import Network, Params, check_params
from chainrule.train.result import FitResult, History

FORMAT = "chainrule model"
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
    Network(sizes=(2, 3, 1), activation='sigmoid', output='linear')
    """
    from safetensors.numpy import save as to_bytes

    description = _described(result, preprocessing)
    params = {name: np.ascontiguousarray(result.params[name]) for name in result.network.shapes}
    content = {
        "format": FORMAT,
        "version": VERSION,
        "sha256": _checksum(description, params),
        "model": description,
    }
    _write(Path(path), to_bytes(params, {_KEY: json.dumps(content, allow_nan=False)}))


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
    >>> load("missing.safetensors")
    Traceback (most recent call last):
        ...
    chainrule.errors.ArgumentError: load: the file cannot be read; got missing.safetensors: …
    """
    path = Path(path)
    content, params = _read(path)
    version = content.get("version")
    if version != VERSION:
        raise FileFormatError(
            "load",
            "the file is of another version",
            f"version {version!r} in {path}",
            f"use the release that wrote it: this one reads version {VERSION}",
        )
    try:
        description = content["model"]
        if content["sha256"] != _checksum(description, params):
            raise _altered(path)
        return _restored(description, params)
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        raise _altered(path) from cause


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise `ArgumentError` now if a model could not be written to the path; leave nothing there.

    Parameters
    ----------
    path : str or path

    Raises
    ------
    ArgumentError
        If the folder does not exist or cannot be written to, or the path is a folder.
    """
    path = _target(Path(path))
    temporary = _beside(path)
    try:
        temporary.touch(exist_ok=False)
        temporary.unlink()
    except OSError as error:
        raise _unwritable(path, error) from None


def _described(result: FitResult, preprocessing: Mapping[str, Any] | None) -> dict[str, Any]:
    """Everything but the parameters, as JSON gives it back."""
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
        return dict(json.loads(json.dumps(description, allow_nan=False)))
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            "save",
            "the description cannot be written as JSON",
            str(error),
            "use only strings, finite numbers, lists and dicts with string keys",
        ) from None


def _restored(description: dict[str, Any], params: Params) -> FitResult:
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


def _checksum(description: dict[str, Any], params: Params) -> str:
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for name, values in sorted(params.items()):
        digest.update(f"{name} {values.dtype.str} {values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def _read(path: Path) -> tuple[dict[str, Any], Params]:
    """The JSON in the metadata, and the tensors; neither has been checked yet."""
    from safetensors import SafetensorError, safe_open

    try:
        path.open("rb").close()
        with safe_open(path, framework="numpy") as file:
            content = json.loads((file.metadata() or {})[_KEY])
            return dict(content), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise ArgumentError(
            "load",
            "the file cannot be read",
            f"{path}: {error.strerror or error}",
            "write the path of a file that save made",
        ) from None
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise FileFormatError(
            "load",
            "not a chainrule model, or a damaged one",
            f"{path} ({error})",
            "write the path of a file that save made, or train again",
        ) from None


def _write(path: Path, content: bytes) -> None:
    """Write a file so that it is there in full or not at all."""
    path = _target(path)
    temporary = _beside(path)
    try:
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from None


def _target(path: Path) -> Path:
    """The file that the path leads to, so that a link is kept and its file replaced."""
    path = Path(os.path.realpath(path))
    if path.is_dir():
        raise _unwritable(path, IsADirectoryError(0, "Is a directory"))
    return path


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")


def _unwritable(path: Path, error: OSError) -> ArgumentError:
    return ArgumentError(
        "save",
        "the file cannot be written",
        f"{path}: {error.strerror or error}",
        "write a path in a folder that exists and may be written to",
    )


def _altered(path: Path) -> FileFormatError:
    return FileFormatError(
        "load",
        "the file was altered or damaged: its checksum does not fit its contents",
        str(path),
        "use an intact copy, or train again",
    )


def _number(value: float | None) -> float | None:
    """The value as JSON can hold it."""
    return value if value is not None and math.isfinite(value) else None
