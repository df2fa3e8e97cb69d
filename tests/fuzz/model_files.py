"""Damaged and malicious model files: each is refused with one sentence, or predicts finite numbers.

python -m tests.fuzz.model_files --number 100000 --seed 0
"""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import ChainruleError
from chainrule.tables import Table, predictions_of, preparation_from
from chainrule.train import FitResult, History, Network, checkpoints, load, save
from tests.fuzz.common import Wrong, main, refused

NUMBERS = [0, -1, 1, 2, 3, True, 0.5, -0.0, 1e308, 5e-324, 2**31, 2**63, 10**30, 10**400]
OTHERS = [None, False, "", "a", "relu", "\ud800", "\0", "1", [], {}, [[]], [1], ["a"], {"a": 1}]
TEXTS = ["NaN", "Infinity", "1e999", "[" * 3000, "{" * 3000, '{"a":1,"a":2}', "1" * 5000, "\\ud800"]
DTYPES = ["float16", "float32", "float64", "int64", "bool", "uint8"]


ROWS = Table("new", {"a": ["1", ""], "b": ["u", "q"], "d": ["2024-01-02", ""]}, [2, 3])


@lru_cache(maxsize=1)
def originals() -> tuple[tuple[str, dict[str, Any]], ...]:
    """The descriptions and the parameters of whole files."""
    scale = {"centre": 1.0, "scale": 2.0}
    inputs = [
        {"kind": "number", "name": "a", **scale, "fill": 1.0, "flags": True},
        {"kind": "category", "name": "b", "values": ["u", "v"], "rare": ["w"], "missing": False},
        {"kind": "date", "name": "d", "style": "%Y-%m-%d", **scale, "cycles": ["year"],
         "flags": False},
    ]  # fmt: skip
    columns = {"inputs": inputs, "identifiers": ["id"]}
    classes = {"task": "classification", "target": "c", "classes": ["x", "y"], "outputs": None}
    amount = {"task": "regression", "target": "c", "classes": None}
    amount |= {"outputs": {"mean": 5.0, "scale": 2.0}}
    settings = {"cost": "squared", "reduction": "mean", "epochs": 2, "batch_size": 5}
    settings["optimiser"] = {"name": "GradientDescent", "rate": 0.1}
    found = []
    for network, words in (
        (Network([8, 3, 2], "tanh", "softmax"), classes),
        (Network([8, 3, 1], "relu"), amount),
    ):
        result = FitResult(
            network,
            network.init(0),
            History((1, 2), (1.0, 0.5), (1.0, 0.75)),
            cost=0.5,
            validation_cost=0.75,
            epochs=2,
            settings=settings,
        )
        save(result, "whole", preprocessing=columns | words)
        _, text, params = checkpoints._read(Path("whole"))
        found.append((text, params))
    return tuple(found)


def case(rng: random.Random, folder: str) -> str:
    """One file with one change or a few."""
    text, params = rng.choice(originals())
    if rng.random() < 0.7:
        value = json.loads(text)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            value = rng.choice(STRUCTURE)(rng, value)
        text = json.dumps(value)
    if rng.random() < 0.15:
        text = _spliced(rng, text)
    if rng.random() < 0.25:
        params = rng.choice(TENSORS)(rng, dict(params))
    content = _file(rng, text, params)
    if rng.random() < 0.15:
        content = _bytes_changed(rng, content)
    path = Path(folder, "model")
    path.write_bytes(content)
    return judged(path)


def judged(path: Path) -> str:
    """What reading the file and predicting with it comes to."""
    result = refused(lambda: load(path))
    if isinstance(result, ChainruleError):
        return f"refused: {result.problem}"
    X = np.array([[0.5, -1.0] * 4, [1e6, 3.0] * 4])[:, : result.network.sizes[0]]
    outputs = refused(lambda: result.predict(X))
    if isinstance(outputs, ChainruleError):
        return f"predict: {outputs.problem}"
    if not np.isfinite(outputs).all():
        raise Wrong("predicts what is not finite")
    preparation = refused(
        lambda: preparation_from(result.preprocessing, "model", result.network.sizes)
    )
    if isinstance(preparation, ChainruleError):
        return f"preparation: {preparation.problem}"
    inputs = refused(lambda: preparation.inputs_of(ROWS))
    if not isinstance(inputs, ChainruleError) and not np.isfinite(inputs.X).all():
        raise Wrong("prepares what is not finite")
    predictions = refused(lambda: predictions_of(preparation, outputs))
    if isinstance(predictions, ChainruleError):
        return f"predictions: {predictions.problem}"
    predictions.csv().encode()
    if preparation.classes is None and not np.isfinite(predictions.answers).all():
        raise Wrong("answers what is not finite")
    save(result, path)
    if load(path) != result:
        raise Wrong("is another one when it is saved again")
    return "predicts"


# -- changes of the description -------------------------------------------------------------------


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every container in the description, with every key or position in it."""
    found: list[tuple[Any, Any]] = []
    todo = [value]
    while todo:
        item = todo.pop()
        keys: Any = item if isinstance(item, dict) else range(len(item))
        for key in keys:
            found.append((item, key))
            if isinstance(item[key], (dict, list)):
                todo.append(item[key])
    return found


def _replaced(rng: random.Random, value: Any) -> Any:
    places = _places(value) if isinstance(value, (dict, list)) else []
    if not places:
        return rng.choice(OTHERS)
    container, key = rng.choice(places)
    container[key] = rng.choice(NUMBERS + OTHERS)
    return value


def _removed(rng: random.Random, value: Any) -> Any:
    places = _places(value) if isinstance(value, (dict, list)) else []
    if places:
        container, key = rng.choice(places)
        del container[key]
    return value


def _added(rng: random.Random, value: Any) -> Any:
    containers = [c for c, _ in _places(value)] if isinstance(value, (dict, list)) else []
    if containers:
        container = rng.choice(containers)
        new = rng.choice(NUMBERS + OTHERS)
        if isinstance(container, dict):
            container[rng.choice(["odd", "", "cost", "name", "version"])] = new
        else:
            container.insert(rng.randrange(len(container) + 1), new)
    return value


def _moved(rng: random.Random, value: Any) -> Any:
    """One part in another one's place."""
    places = _places(value) if isinstance(value, (dict, list)) else []
    if places:
        container, key = rng.choice(places)
        other, there = rng.choice(places)
        if isinstance(other[there], (dict, list)):
            container[key] = json.loads(json.dumps(other[there], default=str))
        else:
            container[key] = other[there]
    return value


def _deepened(rng: random.Random, value: Any) -> Any:
    places = _places(value) if isinstance(value, (dict, list)) else []
    if places:
        container, key = rng.choice(places)
        for _ in range(rng.choice((1, 10, 300))):
            container[key] = [container[key]]
    return value


def _grown(rng: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("network"), dict):
        value["network"]["sizes"] = [1] * rng.choice((10, 1000, 20_000))
    return value


STRUCTURE: list[Callable[[random.Random, Any], Any]] = [
    _replaced,
    _replaced,
    _removed,
    _added,
    _moved,
    _deepened,
    _grown,
]


def _spliced(rng: random.Random, text: str) -> str:
    start = rng.randrange(len(text))
    return text[:start] + rng.choice([*TEXTS, "", ",", "]", "}"]) + text[start + rng.randrange(4) :]


# -- changes of the tensors -----------------------------------------------------------------------


def _odd_values(rng: random.Random, params: dict[str, Any]) -> dict[str, Any]:
    name = rng.choice(list(params))
    values = params[name].copy()
    odd = rng.choice([np.nan, np.inf, -np.inf, 1.7e308, 5e-324, 1e200, -0.0])
    values.flat[rng.randrange(values.size)] = odd
    return params | {name: values}


def _other_dtype(rng: random.Random, params: dict[str, Any]) -> dict[str, Any]:
    dtype = rng.choice(DTYPES)
    names = [rng.choice(list(params))] if rng.random() < 0.5 else list(params)
    return params | {name: params[name].astype(dtype) for name in names}


def _other_shape(rng: random.Random, params: dict[str, Any]) -> dict[str, Any]:
    name = rng.choice(list(params))
    shape = tuple(rng.choice((0, 1, 2, 3)) for _ in range(rng.randrange(4)))
    return params | {name: np.ones(shape)}


def _other_names(rng: random.Random, params: dict[str, Any]) -> dict[str, Any]:
    name = rng.choice(list(params))
    if rng.random() < 0.5:
        return params | {rng.choice(["more", "", "A9", "a0"]): np.ones(2)}
    return {other: values for other, values in params.items() if other != name}


TENSORS = [_odd_values, _odd_values, _other_dtype, _other_shape, _other_names]


# -- files ----------------------------------------------------------------------------------------


def _file(rng: random.Random, text: str, params: dict[str, Any]) -> bytes:
    from safetensors.numpy import save as to_bytes

    text = text.encode("utf-8", "replace").decode()
    params = {name: np.ascontiguousarray(values) for name, values in params.items()}
    metadata = {"chainrule": f"{checkpoints._checksum(text, params)} {text}"}
    if rng.random() < 0.03:
        metadata["format"] = "np"
    return to_bytes(params, metadata)


def _bytes_changed(rng: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    kind = rng.randrange(5)
    if kind == 0:
        for _ in range(rng.choice((1, 8, 100))):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    elif kind == 1:
        del changed[rng.randrange(len(changed)) :]
    elif kind == 2:
        changed += bytes(rng.randrange(256) for _ in range(rng.choice((1, 8, 1000))))
    elif kind == 3:
        changed[:8] = struct.pack("<Q", rng.choice((0, 1, len(content), 10**8, 2**63, 2**64 - 1)))
    else:
        header = changed[8 : 8 + struct.unpack("<Q", content[:8])[0]]
        for old, new in ((b"F64", b"BF16"), (b"F64", b"F8_E4M3"), (b"[0,", b"[9,"), (b"A0", b"A1")):
            if rng.random() < 0.4:
                header = header.replace(old, new, 1)
        changed = bytearray(struct.pack("<Q", len(header)) + header + changed[-rng.randrange(99) :])
    return bytes(changed)


if __name__ == "__main__":
    main("model files", case, 100_000)
