"""What a single call takes: one row predicted, calls of compiled functions, imports, first calls.

    python benchmarks/latency.py [--rounds 5] [--json FILE] [--page docs/speed.md]

Microseconds a call, medians of turns, beside scikit-learn and JAX; a peer's time over ours stands
in brackets. NumPy arrays go in and come out. Imports and first calls are milliseconds in fresh
interpreters in which NumPy is loaded already, with an empty folder for compiled code and with the
one that the run before it left.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
from common import Table, installed, medians, options_of, published, ratio

import chainrule as cr
from chainrule.cli.measuring import microseconds

Ways = dict[str, Callable[[], Any]]
SIZES = (64, 32, 10)
COUNTS = (1, 3, 10)
"""Of arguments."""


# -- one row --------------------------------------------------------------------------------------


def predictions(has: set[str]) -> Ways:
    """One row of float32 through 64-32-10, sigmoid and softmax; all give the same."""
    network = cr.Network(SIZES, "sigmoid", "softmax")
    params = network.init(0, np.float32)
    result = cr.FitResult(network, params)
    x = np.random.default_rng(0).standard_normal((1, SIZES[0]), dtype=np.float32)
    compiled = cr.compile(network)
    alone = cr.compile(lambda x: network(params, x))
    ways: Ways = {
        "compiled, x": lambda: alone(x),
        "compiled, params and x": lambda: compiled(params, x),
        "result.predict": lambda: result.predict(x),
        "network(params, x)": lambda: network(params, x),
    }
    weights = [(params[f"A{i}"].T, params[f"b{i}"]) for i in range(len(SIZES) - 1)]
    if "scikit-learn" in has:
        from sklearn.neural_network import MLPClassifier

        model = MLPClassifier(SIZES[1:-1], activation="logistic", max_iter=1)
        model.partial_fit(np.zeros((SIZES[-1], SIZES[0]), np.float32), range(SIZES[-1]),
                          classes=range(SIZES[-1]))  # fmt: skip
        model.coefs_ = [np.ascontiguousarray(w) for w, _ in weights]
        model.intercepts_ = [b for _, b in weights]
        ways["scikit-learn predict"] = lambda: model.predict(x)
        ways["scikit-learn predict_proba"] = lambda: model.predict_proba(x)
    if "jax" in has:
        import jax

        (w0, b0), (w1, b1) = [[jax.numpy.array(item) for item in pair] for pair in weights]
        run = jax.jit(lambda x: jax.nn.softmax(jax.nn.sigmoid(x @ w0 + b0) @ w1 + b1))
        ways["JAX jit"] = lambda: np.asarray(run(x))
    expected = network(params, x)
    for label, way in ways.items():
        found = np.argmax(expected, 1) if label == "scikit-learn predict" else expected
        # float32 exponentials and sums of 64 products in another order
        np.testing.assert_allclose(way(), found, rtol=2e-5, err_msg=label)
    return ways


# -- calls ----------------------------------------------------------------------------------------


def calls(count: int, has: set[str]) -> Ways:
    """Σ of so many arrays of eight float64, compiled."""
    arrays = [np.linspace(0.0, 1.0, 8) + i for i in range(count)]

    def total(*arguments: Any) -> Any:
        result = arguments[0] * 2
        for item in arguments[1:]:
            result = result + item
        return result

    compiled = cr.compile(total)
    ways: Ways = {"compiled": lambda: compiled(*arrays), "NumPy": lambda: total(*arrays)}
    if "jax" in has:
        import jax

        run = jax.jit(total)
        ways["JAX jit"] = lambda: np.asarray(run(*arrays))
    for label, way in ways.items():
        np.testing.assert_allclose(way(), total(*arrays), rtol=1e-15, err_msg=label)
    return ways


# -- fresh interpreters ---------------------------------------------------------------------------

FUNCTION = """
def total(np):
    def f(x):
        u = x**2 + np.exp(x**2)
        return np.sum(np.sqrt(u) + np.cos(u))
    return f
x = np.linspace(0.1, 1.0, 1000)
"""
FRESH: dict[str, tuple[str, str]] = {
    "import chainrule": ("", "import chainrule"),
    "import jax": ("", "import jax, jax.numpy"),
    "import torch": ("", "import torch"),
    "gradient": ("import chainrule as cr", "cr.grad(total(np))(x)"),
    "compiled gradient": ("import chainrule as cr", "cr.compile(cr.grad(total(np)))(x)"),
    "compiled gradient, warm cache": (
        "import chainrule as cr", "cr.compile(cr.grad(total(np)))(x)",
    ),
    "JAX jit": ("import jax, jax.numpy", "np.asarray(jax.jit(jax.grad(total(jax.numpy)))(x))"),
}  # fmt: skip
"""What stands before the clock starts, and what is timed. The order lets the cache get warm."""


def fresh(has: set[str], rounds: int) -> dict[str, float]:
    """Milliseconds of each in interpreters of their own."""
    needs = {"import jax": "jax", "import torch": "torch", "JAX jit": "jax"}
    labels = [label for label in FRESH if needs.get(label, "") in {"", *has}]
    times: dict[str, list[float]] = {label: [] for label in labels}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            for label in labels:
                before, statement = FRESH[label]
                code = (f"import numpy as np, time\n{FUNCTION}\n{before}\n"
                        f"s = time.perf_counter()\n{statement}\n"
                        "print(time.perf_counter() - s)")  # fmt: skip
                done = subprocess.run(
                    [sys.executable, "-c", code], capture_output=True, text=True, check=True,
                    env={**os.environ, "CHAINRULE_CACHE": folder},
                )  # fmt: skip
                times[label].append(float(done.stdout) * 1e3)
    return {label: statistics.median(found) for label, found in times.items()}


def main() -> None:
    options = options_of(__doc__).parse_args()
    peers = installed(("jax", "sklearn", "torch"))
    has = set(peers)
    rounds, at_least = (2, 2e-3) if options.quick else (options.rounds, 2e-2)
    predicted = medians(predictions(has), rounds, at_least)
    called = {count: medians(calls(count, has), rounds, at_least) for count in COUNTS}
    first = fresh(has, rounds)

    ours = predicted["compiled, x"]
    one = Table("one row", ["one row through 64-32-10", "µs", "of the first"])
    one.rows += [[label, microseconds(us), ratio(us, ours)] for label, us in predicted.items()]
    labels = list(called[1])
    many = Table("calls", ["µs a call, arguments", *labels])
    for count, found in called.items():
        many.rows.append([str(count), *(
            microseconds(us) + ("" if label == "compiled" else f" ({ratio(us, found['compiled'])})")
            for label, us in found.items()
        )])  # fmt: skip
    starts = Table("starts", ["in a fresh interpreter", "ms"])
    starts.rows += [
        [label, f"{ms:,.0f}" if ms >= 10 else f"{ms:.1f}"] for label, ms in first.items()
    ]
    figures = {"one_row_us": predicted, "calls_us": called, "fresh_ms": first}
    published(options, [one, many, starts], figures, peers)


if __name__ == "__main__":
    main()
