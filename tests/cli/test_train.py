"""`chainrule train` on real and made tables: what it says, what it writes, that it learns."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

from chainrule.train import load
from tests.project.imports import REPOSITORY

QUICK = ("--layers", "8", "--epochs", "2")


@pytest.fixture
def houses(folder):
    """120 rows of a price that is linear in two of its three inputs."""
    rng = np.random.default_rng(5)
    rooms, area, day = rng.integers(1, 6, 120), rng.uniform(20, 200, 120), rng.uniform(0, 1, 120)
    price = 1000.0 * rooms + 50.0 * area + 300.0
    lines = [f"{r};{a!r};{d!r};{p!r}" for r, a, d, p in zip(rooms, area, day, price, strict=True)]
    text = "\n".join(["rooms;area;day;price", *lines]).replace("np.float64(", "").replace(")", "")
    (folder / "houses.csv").write_text(text)
    return np.column_stack([rooms, area, day]), price


@pytest.fixture
def flowers(folder):
    """90 rows of three kinds around three points."""
    rng = np.random.default_rng(6)
    kinds = ["iris", "rose, red", "äster"]
    centres = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    picked = np.repeat(np.arange(3), 30)
    points = centres[picked] + 0.4 * rng.normal(size=(90, 2))
    lines = [f'{x:.6f},"{kinds[k]}",{y:.6f}' for (x, y), k in zip(points, picked, strict=True)]
    (folder / "flowers.csv").write_text("\n".join(["x,kind,y", *lines]), "utf-8")
    return [kinds[k] for k in picked]


# The digits


def test_digits_with_default_settings_reach_97_percent(chainrule, folder):
    done = chainrule("train", "digits")
    assert done.status == 0
    right, rows, percent = re.search(
        r"Test accuracy: .*?\((\d+) of (\d+) right; always the most frequent class: (.*)%\)",
        done.out,
    ).groups()
    assert (int(rows), float(percent)) == (360, 10.0)
    assert int(right) >= 0.97 * 360
    table = re.findall(r"^ +(\d) +(\d+) of (\d+) +([\d.]+)%", done.out, re.M)
    assert [row[0] for row in table] == list("0123456789")
    assert sum(int(row[1]) for row in table) == int(right)
    assert sum(int(row[2]) for row in table) == 360
    assert done.out.endswith("Model: digits.safetensors\n")
    assert (folder / "digits.safetensors").is_file()
    assert max(map(len, done.out.splitlines())) <= 80
    assert done.err.splitlines() == [
        "digits: classification of 'digit' into 10 classes",
        "columns: 64 numbers",
        "rows: 1,347 to train, 90 to validate, 360 to test",
        "network: 64-256-10, relu, cross-entropy cost",
        "training: gradient descent with rate 0.1, 32 rows a step",
    ]


def test_json_is_one_object_alone_on_stdout(chainrule, folder):
    done = chainrule("train", "digits", *QUICK, "--json", "--seed", "3", "--out", "d.safetensors")
    assert (done.status, done.out.count("\n")) == (0, 1)
    report = done.json
    seconds, test = report.pop("seconds"), report.pop("test")
    assert 0 < seconds < 60
    assert test.keys() == {"accuracy"}
    assert 0.3 < test["accuracy"] < 0.97  # two epochs learn something, and not all
    assert 0 < report.pop("cost") < 3
    assert 0 < report.pop("validation_cost") < 3
    assert 0.09 < report.pop("baseline")["accuracy"] < 0.11
    assert report == {
        "task": "classification",
        "data": "digits",
        "target": "digit",
        "model": "d.safetensors",
        "epochs": 2,
        "seed": 3,
        "rows": {"train": 1347, "validation": 90, "test": 360},
        "network": {"sizes": [64, 8, 10], "output": "softmax"},
        "settings": {
            "layers": [8],
            "activation": "relu",
            "cost": "cross-entropy",
            "optimiser": "gradient-descent",
            "rate": 0.1,
            "epochs": 2,
            "batch": 32,
        },
        "outcome": "finished",
        "stopped": None,
    }


def test_the_same_seed_writes_the_same_bytes(chainrule, folder):
    def trained(seed: int, out: str) -> tuple[dict, bytes]:
        report = chainrule(
            "train", "digits", *QUICK, "--json", "--seed", str(seed), "--out", out
        ).json
        kept = {name: report[name] for name in report.keys() - {"seconds", "model"}}
        return kept, (folder / out).read_bytes()

    first, again, other = trained(1, "a"), trained(1, "b"), trained(2, "c")
    assert first == again
    assert first[1] != other[1]
    assert first[0]["cost"] != other[0]["cost"]
    rows_of_another_split = load("c").preprocessing["inputs"]
    assert load("a").preprocessing["inputs"] != rows_of_another_split


# Tables of one's own


def test_amounts_are_learnt_and_reported_in_their_own_unit(chainrule, houses):
    _, price = houses
    done = chainrule("train", "houses.csv", "--target", "price", "--json")
    assert done.status == 0
    report = done.json
    assert report["task"] == "regression"
    assert report["rows"] == {"train": 90, "validation": 6, "test": 24}
    assert report["test"].keys() == {"r2", "rmse", "mae"}
    assert report["test"]["r2"] > 0.95
    assert report["baseline"]["r2"] < 0.1
    assert 0.7 * price.std() < report["baseline"]["rmse"] < 1.4 * price.std()
    assert 0 < report["test"]["mae"] <= report["test"]["rmse"] < 0.25 * price.std()
    result = load("houses.safetensors")
    assert result.network.sizes == (3, 64, 32, 1)
    names = [column["name"] for column in result.preprocessing["inputs"]]
    assert names == ["rooms", "area", "day"]


def test_the_table_of_amounts_is_readable(chainrule, houses):
    done = chainrule("train", "houses.csv", "--target", "price", *QUICK)
    assert re.search(r"^ test +network +always the mean", done.out, re.M)
    r2 = re.search(r"^ +R² +(-?\d\.\d{3}) +-?\d\.\d{3} +share of variance", done.out, re.M)
    assert f"Test R²: {r2[1]}\n" in done.out
    assert re.search(r"^ RMSE +\d,\d{3} +\d,\d{3} +root of the mean square error", done.out, re.M)
    assert "errors in units of 'price'" in done.out
    assert re.search(r"Trained 2 epochs in \d+\.\d s with seed 0\.", done.out)
    assert max(map(len, done.out.splitlines())) <= 80


def test_text_labels_are_classes(chainrule, flowers):
    done = chainrule("train", "flowers.csv", "--target", "kind", "--layers", "8")
    assert done.status == 0
    assert "columns: 2 numbers\nrows: 72 to train, 18 to test\n" in done.err
    assert re.search(r"^ +iris +6 of 6 +100\.0%", done.out, re.M)
    assert "Test accuracy: 100.0% (18 of 18 right; always the most frequent" in done.out
    assert load("flowers.safetensors").preprocessing["classes"] == ["iris", "rose, red", "äster"]


def test_the_task_can_be_chosen(chainrule, houses):
    done = chainrule("train", "houses.csv", "--target", "rooms", *QUICK, "--json")
    assert done.json["task"] == "classification"
    done = chainrule(
        "train", "houses.csv", "--target", "rooms", *QUICK, "--json", "--task", "regression"
    )
    assert (done.json["task"], done.json["network"]["sizes"]) == ("regression", [3, 8, 1])


def test_a_wide_choice_of_classes_is_listed_hardest_first(chainrule, folder):
    lines = [f"{label + 0.01 * row},{label:02d}x" for label in range(15) for row in range(10)]
    (folder / "many.csv").write_text("\n".join(["x,label", *lines]))
    done = chainrule("train", "many.csv", "--target", "label", *QUICK)
    shown = re.findall(r"^ +\d\dx +\d of \d +([\d.]+)%", done.out, re.M)
    assert len(shown) == 12
    assert [float(share) for share in shown] == sorted(float(share) for share in shown)
    assert "the 12 hardest of 15 classes" in done.out


def test_every_option_reaches_the_training(chainrule, houses):
    done = chainrule(
        *("train", "houses.csv", "--target", "rooms", "--task", "classification", "--json"),
        *("--layers", "5, 4", "--activation", "softplus", "--cost", "squared", "--rate", "0.5"),
        *(
            "--optimiser",
            "adamw",
            "--epochs",
            "3",
            "--batch",
            "all",
            "--seed",
            "9",
            "--out",
            "my model.bin",
        ),
    )
    assert done.json["settings"] == {
        "layers": [5, 4],
        "activation": "softplus",
        "cost": "squared",
        "optimiser": "adamw",
        "rate": 0.5,
        "epochs": 3,
        "batch": "all",
    }
    result = load("my model.bin")
    assert result.network.sizes == (3, 5, 4, 5)
    assert (result.network.activation, result.network.output) == ("softplus", "softmax")
    assert (result.seed, result.epochs) == (9, 3)
    assert result.settings["batch_size"] == 90
    assert result.settings["cost"] == "squared"
    assert result.settings["optimiser"]["name"] == "AdamW"
    assert result.settings["optimiser"]["rate"] == 0.5


@pytest.mark.parametrize(
    ("name", "rates"),
    [
        ("gradient-descent", (0.1, 0.02)),
        ("momentum", (0.01, 0.002)),
        ("adagrad", (0.01, 0.01)),
        ("rmsprop", (0.001, 0.001)),
        ("adam", (0.001, 0.001)),
        ("adamw", (0.001, 0.001)),
    ],
)
def test_every_optimiser_has_a_rate_of_its_own_and_learns(chainrule, flowers, houses, name, rates):
    """A tenth of the mean's error is left after 40 epochs at most, or nine in ten are right."""
    kinds = ("train", "flowers.csv", "--target", "kind", "--json", "--batch", "2")
    prices = ("train", "houses.csv", "--target", "price", "--json", "--batch", "2")
    for arguments, rate, figure in zip((kinds, prices), rates, ("accuracy", "r2"), strict=True):
        done = chainrule(*arguments, "--optimiser", name, "--epochs", "40")
        assert f"{name.replace('-', ' ')} with rate {rate}, 2 rows a step" in done.err
        assert done.json["settings"]["rate"] == rate
        assert done.json["test"][figure] > 0.9


def test_no_hidden_layers_make_a_linear_model(chainrule, houses):
    done = chainrule("train", "houses.csv", "--target", "price", "--layers", "none", "--json")
    assert done.json["network"]["sizes"] == [3, 1]
    assert done.json["test"]["r2"] > 0.999


def test_markup_in_names_is_shown_as_it_stands(chainrule, folder):
    lines = [f"{i},{'[red]' if i < 5 else '[/b]:smile:'}" for i in range(10)]
    (folder / "markup.csv").write_text("\n".join(["x,[bold]kind", *lines]))
    done = chainrule("train", "markup.csv", "--target", "[bold]kind", *QUICK)
    assert done.status == 0
    assert all(word in done.out for word in ("[bold]kind", "[red]", "[/b]:smile:"))


# Trainings that end early


def test_a_cost_that_overflows_stops_with_a_sentence_and_keeps_the_model(chainrule, houses):
    arguments = ("train", "houses.csv", "--target", "price", "--layers", "4", "--rate", "1e9")
    done = chainrule(*arguments)
    assert (done.status, done.out) == (1, "")
    assert re.fullmatch(
        r"train: the cost became (NaN|infinite) in epoch \d+, batch \d+; it began in .+; "
        r"the last parameters with a finite cost are kept; .+; the model is in houses.safetensors",
        done.error,
    )
    result = load("houses.safetensors")
    assert all(np.isfinite(values).all() for values in result.params.values())
    assert result.outcome == "diverged"
    done = chainrule(*arguments, "--json")
    assert done.status == 1
    assert done.json["outcome"] == "diverged"
    assert done.json["stopped"] in done.error
    assert "NaN" not in done.out.replace("became NaN", "")


def test_a_training_that_diverged_does_not_replace_a_model_that_is_there(chainrule, houses):
    good = ("train", "houses.csv", "--target", "price", *QUICK)
    assert chainrule(*good).status == 0
    before = load("houses.safetensors")
    done = chainrule(*good[:4], "--layers", "4", "--rate", "1e9")
    assert (done.status, load("houses.stopped.safetensors").outcome) == (1, "diverged")
    assert "houses.stopped.safetensors" in done.error
    np.testing.assert_array_equal(load("houses.safetensors").params["A0"], before.params["A0"])


def test_an_interrupted_training_keeps_and_reports_what_it_reached(chainrule, houses, monkeypatch):
    import chainrule.cli.training as training

    def interrupt(report):
        if report.epoch == 2:
            raise KeyboardInterrupt

    fit = training.fit
    monkeypatch.setattr(training, "fit", lambda *a, **k: fit(*a, **k, callback=interrupt))
    done = chainrule("train", "houses.csv", "--target", "price", "--json")
    assert done.status == 130
    assert re.fullmatch(
        r"train: interrupted in epoch 2, batch 3; .*; the model is in houses.safetensors",
        done.error,
    )
    assert (done.json["outcome"], done.json["epochs"]) == ("interrupted", 2)
    assert load("houses.safetensors").epochs == 2


# As a program


def test_it_runs_as_a_module_where_there_is_no_terminal_and_no_character_beyond_ascii(houses):
    done = subprocess.run(
        [sys.executable, "-m", "chainrule", "train", "houses.csv", "--target", "price", *QUICK],
        capture_output=True,
        check=True,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "", "PYTHONIOENCODING": "ascii"},
    )
    assert re.search(rb"\| +R\? \| +-?\d\.\d{3} \|", done.stdout)
    assert done.stdout.endswith(b"Model: houses.safetensors\n")
    assert len(done.stderr.splitlines()) == 5  # what is trained on what, and no progress bar
