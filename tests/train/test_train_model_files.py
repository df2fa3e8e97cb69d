"""Model files: back to the bit, or one sentence; and never half a file."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace

import numpy as np
import pytest

from chainrule.errors import ArgumentError, DataError, FileFormatError
from chainrule.train import (
    FitResult,
    Network,
    check_writable,
    checkpoints,
    description,
    files,
    fit,
    load,
    save,
)

PREPARATION = {"columns": ["größe", "α"], "mean": [0.1, 1e-300], "classes": None, "task": "x"}


def trained(dtype=np.float64, **options) -> FitResult:
    rng = np.random.default_rng(0)
    X, labels = rng.normal(size=(12, 3)).astype(dtype), rng.integers(0, 2, 12)
    return fit(
        Network([3, 4, 2], "tanh", "softmax"),
        X,
        labels,
        epochs=3,
        batch_size=5,
        seed=11,
        validation=(X[:3], labels[:3]),
        progress=False,
        **options,
    )


@pytest.fixture(scope="module")
def result() -> FitResult:
    return replace(trained(), preprocessing=PREPARATION)


@pytest.fixture
def model(result, tmp_path):
    path = tmp_path / "model.safetensors"
    save(result, path)
    return path


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_model_comes_back_to_the_bit(dtype, tmp_path):
    result = replace(trained(dtype), preprocessing=PREPARATION)
    save(result, tmp_path / "model")
    again = load(tmp_path / "model")
    assert list(again.params) == list(result.params)
    for name, values in result.params.items():
        assert again.params[name].dtype == values.dtype
        assert again.params[name].tobytes() == values.tobytes()
    assert replace(again, params={}, seconds=result.seconds) == replace(result, params={})
    X = np.random.default_rng(1).normal(size=(5, 3))
    assert np.array_equal(again.predict(X), result.predict(X))


def test_extreme_numbers_come_back_to_the_bit(tmp_path):
    values = np.array([[5e-324, -0.0, 1.7976931348623157e308, 0.1]])
    odd = FitResult(Network([4, 1]), {"A0": values, "b0": np.zeros(1)}, cost=float("inf"))
    save(odd, tmp_path / "odd")
    again = load(str(tmp_path / "odd"))
    assert again.params["A0"].tobytes() == values.tobytes()
    assert np.isnan(again.cost)


def test_parameters_in_another_memory_order_are_written_as_they_read(tmp_path):
    values = np.arange(6.0).reshape(2, 3).T
    save(FitResult(Network([2, 3]), {"A0": values, "b0": np.zeros(3)}), tmp_path / "m")
    assert np.array_equal(load(tmp_path / "m").params["A0"], values)


def test_the_preprocessing_given_last_is_the_one_kept(result, tmp_path):
    save(result, tmp_path / "m", preprocessing={"task": "other"})
    assert load(tmp_path / "m").preprocessing == {"task": "other"}
    save(trained(), tmp_path / "m")
    assert load(tmp_path / "m").preprocessing is None


def test_a_stopped_training_is_remembered(tmp_path):
    def stop(report):
        raise KeyboardInterrupt

    save(trained(callback=stop), tmp_path / "m")
    again = load(tmp_path / "m")
    assert again.outcome == "interrupted"
    assert "epoch 1" in again.stopped


def test_equal_seeds_give_equal_files(tmp_path):
    for name in "ab":
        save(trained(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_file_cut_off_anywhere_is_refused(model):
    content = model.read_bytes()
    for length in range(len(content)):
        model.write_bytes(content[:length])
        with pytest.raises(FileFormatError, match="load: "):
            load(model)


def test_a_byte_changed_anywhere_is_noticed(model):
    content = bytearray(model.read_bytes())
    for place in range(len(content)):
        changed = content.copy()
        changed[place] ^= 1
        model.write_bytes(changed)
        with pytest.raises(FileFormatError, match="load: "):
            load(model)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('\\"seed\\": 11', '\\"seed\\": 12'),
        ('\\"activation\\": \\"tanh\\"', '\\"activation\\": \\"relu\\"'),
        ('\\"reduction\\": \\"mean\\"', '\\"reduction\\": \\"Mean\\"'),
        ('\\"task\\": \\"x\\"', '\\"task\\": \\"y\\"'),
    ],
)
def test_an_edited_description_is_noticed(model, old, new):
    content = model.read_bytes()
    assert old.encode() in content
    model.write_bytes(content.replace(old.encode(), new.encode()))
    with pytest.raises(FileFormatError, match=r"load: the file was altered .*got .*model\.safet"):
        load(model)


def test_a_file_of_another_version_is_told_apart(result, model, monkeypatch):
    for module in (checkpoints, description):
        monkeypatch.setattr(module, "VERSION", 9)
    save(result, model)
    monkeypatch.undo()
    with pytest.raises(FileFormatError, match=r"another version; got version 9 .*reads version 1"):
        load(model)


@pytest.mark.parametrize("sizes", [(4, 2), (3, 4, 2, 2), (0,), "no"])
def test_a_description_that_does_not_fit_its_parameters(model, monkeypatch, sizes):
    """Somebody who knows how can write a new checksum; the contents are looked at all the same."""
    described = checkpoints._described
    old, new = "[3, 4, 2]", str(list(sizes))
    monkeypatch.setattr(checkpoints, "_described", lambda *a: described(*a).replace(old, new))
    save(load(model), model)
    monkeypatch.undo()
    with pytest.raises(FileFormatError, match=r"load: the description .* cannot be understood"):
        load(model)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\x00" * 64, b"\xff" * 64, b"PK\x03\x04"])
def test_a_file_that_is_no_model(tmp_path, content):
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(FileFormatError, match=r"load: not a chainrule model, .*table\.csv"):
        load(tmp_path / "table.csv")


def test_tensors_of_another_program_are_no_model(tmp_path):
    from safetensors.numpy import save_file

    for metadata in (None, {"format": "pt"}, {"chainrule": "no json"}, {"chainrule": "[1]"}):
        save_file({"A0": np.zeros((1, 1))}, tmp_path / "other", metadata)
        with pytest.raises(FileFormatError, match=r"load: (not a chainrule|the file was altered)"):
            load(tmp_path / "other")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ArgumentError, match=r"load: the file cannot be read; got .*none: No such"):
        load(tmp_path / "none")
    with pytest.raises(ArgumentError, match=r"load: the file cannot be read; got .*directory"):
        load(tmp_path)


@pytest.mark.parametrize("write", [lambda path: save(trained(), path), check_writable])
def test_a_path_that_cannot_be_written_is_named(tmp_path, write):
    (tmp_path / "file").write_text("kept")
    for path in (tmp_path / "file" / "model", tmp_path / "none" / "model", tmp_path):
        with pytest.raises(ArgumentError, match=r"write: the file cannot be written; got .*: "):
            write(path)
    assert os.listdir(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("write", [lambda path: save(trained(), path), check_writable])
def test_a_device_is_not_replaced_by_a_file(tmp_path, write):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArgumentError, match=r"cannot be written; got .*pipe: Not a regular file"):
        write(tmp_path / "pipe")
    assert not (tmp_path / "pipe").is_file()


def test_a_long_name_is_no_trouble(tmp_path):
    save(trained(), tmp_path / ("m" * 250))
    assert load(tmp_path / ("m" * 250)).seed == 11


def test_looking_whether_a_path_can_be_written_leaves_nothing(tmp_path, model):
    before = model.read_bytes()
    check_writable(model)
    check_writable(tmp_path / "other")
    assert os.listdir(tmp_path) == [model.name]
    assert model.read_bytes() == before


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
@pytest.mark.parametrize("where", ["fsync", "replace"])
def test_a_failure_while_writing_leaves_the_old_file(model, monkeypatch, failure, where):
    def fail(*_):
        raise failure

    before = model.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, where, fail)
        with pytest.raises(ArgumentError if isinstance(failure, OSError) else KeyboardInterrupt):
            save(replace(trained(), preprocessing={"new": 1}), model)
    assert model.read_bytes() == before
    assert os.listdir(model.parent) == [model.name]


def test_an_older_model_is_replaced_and_a_link_kept(tmp_path, model):
    link = tmp_path / "link"
    link.symlink_to(model)
    save(trained(), link, preprocessing={"new": 1})
    assert link.is_symlink()
    assert load(model).preprocessing == {"new": 1}


def test_others_may_read_a_model_as_any_new_file(tmp_path, model):
    plain = tmp_path / "plain"
    plain.touch()
    assert model.stat().st_mode == plain.stat().st_mode


def test_what_a_file_cannot_hold_is_refused_before_writing(tmp_path):
    path = tmp_path / "m"
    own = FitResult(Network([2, 1], output=np.sin), Network([2, 1]).init(seed=0))
    with pytest.raises(ArgumentError, match=r"cannot hold a Python function .*got sin; use an act"):
        save(own, path)
    for bad in ({"mean": float("nan")}, {"set": {1}}, {"array": np.ones(2)}):
        with pytest.raises(ArgumentError, match=r"save: the description cannot be written as JSON"):
            save(trained(), path, preprocessing=bad)
    assert not path.exists()


def test_no_pickle_is_involved(model, monkeypatch):
    import pickle

    def refuse(*_, **__):
        raise AssertionError("pickle")

    for name in ("load", "loads", "dump", "dumps", "Pickler", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    save(load(model), model)
    assert b"safetensors" not in model.read_bytes()[:2]


# -- descriptions that no training gives, with a checksum that is right ---------------------------


def rewritten(path, change=lambda text: text, tensors=lambda params: params, metadata=None):
    """The file with another description or other tensors, and the checksum made right again."""
    from safetensors.numpy import save as to_bytes

    _, text, params = checkpoints._read(path)
    text, params = change(text), tensors(params)
    content = {"chainrule": f"{checkpoints._checksum(text, params)} {text}"} | (metadata or {})
    path.write_bytes(to_bytes(params, content))


def _with(*path_and_value):
    *path, value = path_and_value

    def change(text):
        whole = json.loads(text)
        inner = whole
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = value
        return json.dumps(whole)

    return change


WRONG = [None, True, -1, 1.5, 10**400, "", "\ud800", [], [[]], {}, {"a": 1}, [1], ["a"], [None]]
PLACES = [
    *((name,) for name in description.PARTS),
    *(("network", name) for name in ("sizes", "activation", "output")),
    *(("history", name) for name in ("epoch", "cost", "validation_cost")),
    *(("settings", name) for name in description.SETTINGS),
]
FITS = {
    "cost": [None, -1, 1.5],
    "validation_cost": [None, -1, 1.5],
    "stopped": [None],
    "seed": [10**400],
    "settings": [{}],
    "preprocessing": [None, {}, {"a": 1}],
    "history/validation_cost": [[]],
    "settings/cost": [""],
}


@pytest.mark.parametrize("place", PLACES, ids="/".join)
def test_every_part_of_a_description_is_of_its_type(model, place):
    content = model.read_bytes()
    for value in WRONG:
        model.write_bytes(content)
        rewritten(model, _with(*place, value))
        if value in FITS.get("/".join(place), ()) and value is not True:
            load(model)
        else:
            with pytest.raises(FileFormatError, match="load: "):
                load(model)


@pytest.mark.parametrize("place", [(), ("network",), ("history",), ("settings",)])
def test_parts_that_are_missing_unknown_or_twice(model, place):
    content = model.read_bytes()
    whole = json.loads(checkpoints._read(model)[1])
    inner = whole
    for name in place:
        inner = inner[name]
    for name in list(inner):
        value = inner.pop(name)
        rewritten(model, lambda text: json.dumps(whole))
        inner[name] = value
        with pytest.raises(FileFormatError, match=r"(is missing|another version)"):
            load(model)
        model.write_bytes(content)
        rewritten(
            model, lambda text, name=name: text.replace(f'"{name}":', f'"{name}": 0, "{name}":')
        )
        with pytest.raises(FileFormatError, match="stands there twice"):
            load(model)
        model.write_bytes(content)
    rewritten(model, _with(*place, "odd", 1))
    with pytest.raises(FileFormatError, match="'odd' is unknown"):
        load(model)


@pytest.mark.parametrize(
    "text",
    ["[" * 50_000, "[" * 900 + "]" * 900, "NaN", "1e999", "-Infinity", "1" * 5000, "{", "null"],
)
def test_text_that_is_no_description(model, text):
    whole = checkpoints._read(model)[1]
    content = model.read_bytes()
    for change in (lambda _: text, lambda _: whole.replace('"seed": 11', f'"seed": {text}')):
        model.write_bytes(content)
        rewritten(model, change)
        with pytest.raises(FileFormatError, match="load: "):
            load(model)


@pytest.mark.parametrize(
    "tensors",
    [
        lambda p: p | {"A0": np.where(p["A0"] > 0, np.nan, p["A0"])},
        lambda p: p | {"b1": np.array([np.inf, 0.0])},
        lambda p: p | {"more": np.zeros(1)},
        lambda p: {name: p[name] for name in p if name != "b0"},
        lambda p: {name: v.astype(np.float16) for name, v in p.items()},
        lambda p: {name: v.astype(np.int64) for name, v in p.items()},
        lambda p: p | {"b0": p["b0"].astype(np.float32)},
        lambda p: p | {"A0": p["A0"].T.copy()},
        lambda p: {},
    ],
)
def test_tensors_that_no_training_gives(model, tensors):
    rewritten(model, tensors=tensors)
    with pytest.raises(FileFormatError, match=r"load: the description .* cannot be understood"):
        load(model)


def test_a_million_layers_are_refused_before_they_are_made(model, monkeypatch):
    rewritten(model, _with("network", "sizes", [1] * 1_000_001))
    monkeypatch.setattr(checkpoints, "Network", None)
    with pytest.raises(FileFormatError, match="4 parameters for a network of 1,000,000 layers"):
        load(model)


def test_what_is_not_finite_is_not_saved(tmp_path):
    broken = replace(trained(), params=trained().params | {"b0": np.full(4, np.nan)})
    with pytest.raises(ArgumentError, match=r"save: the parameters .*b0 is not finite"):
        save(broken, tmp_path / "m")


@pytest.mark.parametrize("rows", [1, 100])
@pytest.mark.parametrize("scale", [1e308, -1e308])
def test_a_prediction_that_is_not_finite_says_why(rows, scale):
    large = {"A0": np.full((1, 2), scale), "b0": np.zeros(1)}
    with pytest.raises(
        DataError, match=r"predict: the network's output .* not finite; got .*row 0"
    ):
        FitResult(Network([2, 1]), large).predict(np.ones((rows, 2)))


# -- writers that were killed ---------------------------------------------------------------------


def test_what_killed_writers_left_is_removed_by_the_next(tmp_path):
    left = [tmp_path / f".{number:012x}.part" for number in range(3)]
    others = [tmp_path / ".part", tmp_path / ".0123456789ab.parts", tmp_path / "0123456789ab.part"]
    for path in left + others:
        path.write_text("half")
    save(trained(), tmp_path / "m")
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in others)


def test_what_a_writer_that_lives_writes_is_left_alone(tmp_path, monkeypatch):
    """A second writer comes while the first one's file is on the disk and not yet in its place."""
    replace_, seen = os.replace, []

    def meanwhile(part, target):
        if not seen:
            seen.append(part)
            save(trained(), tmp_path / "second")
        replace_(part, target)

    monkeypatch.setattr(os, "replace", meanwhile)
    save(trained(), tmp_path / "first")
    assert seen
    assert sorted(os.listdir(tmp_path)) == ["first", "second"]


def test_a_part_that_is_removed_before_it_is_locked_is_made_again(tmp_path, monkeypatch):
    lock, removed = files._lock, []

    def late(file):
        if not removed:
            removed.extend(tmp_path.glob(".*.part"))
            removed[0].unlink()
        return lock(file)

    monkeypatch.setattr(files, "_lock", late)
    files.write_whole(tmp_path / "m", b"whole")
    assert (tmp_path / "m").read_bytes() == b"whole"
    assert os.listdir(tmp_path) == ["m"]


@pytest.mark.parametrize("path", [3, None, b"m", "", "a\0b", ["m"], object(), "\ud800"])
@pytest.mark.parametrize("use", [lambda p: save(trained(), p), load, files.check_writable])
def test_what_is_no_path_is_told(path, use, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentError):
        use(path)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("use", [lambda p: save(trained(), p), load, files.check_writable])
def test_a_name_that_is_too_long_is_told(use, tmp_path):
    with pytest.raises(ArgumentError, match="File name too long"):
        use(tmp_path / ("m" * 300))
