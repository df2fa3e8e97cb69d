"""Model files: back to the bit, or one sentence; and never half a file."""

from __future__ import annotations

import errno
import os
from dataclasses import replace

import numpy as np
import pytest

from chainrule.errors import ArgumentError, FileFormatError
from chainrule.train import FitResult, Network, check_writable, checkpoints, fit, load, save

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
    monkeypatch.setattr(checkpoints, "VERSION", 9)
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
