"""Training as native code: the same as interpreted, in one call for many steps."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optree import tree_map

import chainrule as cr
from chainrule.errors import ChainruleError
from chainrule.native.code.builder import Function
from chainrule.native.code.ir import Module
from chainrule.native.code.shuffling import shuffle, shuffled
from chainrule.native.run.machine import compile_text
from chainrule.native.target import host
from chainrule.train import FitResult, GradientDescent, Network, fit
from tests.native.calling import address_of_function

SIZES = st.lists(st.integers(1, 40), min_size=2, max_size=5)


def examples(network: Network, rows: int, dtype: str = "float64") -> tuple[Any, Any]:
    rng = np.random.default_rng(rows)
    X = rng.normal(size=(rows, network.sizes[0])).astype(dtype)
    if network.output == "softmax":
        return X, rng.integers(0, network.sizes[-1], rows)
    return X, rng.uniform(size=(rows, network.sizes[-1])).astype(dtype)


def both(network: Network, X: Any, Y: Any, **options: Any) -> tuple[FitResult, FitResult]:
    options = {"epochs": 3, "batch_size": 8, "progress": False} | options
    native = fit(network, X, Y, compile=True, **options)
    assert native.interpreted_because == ""
    return fit(network, X, Y, compile=False, **options), native


def assert_same(expected: FitResult, found: FitResult, tolerance: float) -> None:
    for name, values in expected.params.items():
        size = max(float(np.abs(values).max()), 1.0)
        assert found.params[name].dtype == values.dtype
        np.testing.assert_allclose(found.params[name], values, rtol=0, atol=tolerance * size)
    np.testing.assert_allclose(found.history.cost, expected.history.cost, rtol=tolerance * 10)


@settings(max_examples=25, deadline=None)
@given(
    sizes=SIZES,
    rows=st.integers(1, 50),
    batch=st.integers(1, 50),
    activation=st.sampled_from(["sigmoid", "tanh", "relu", "softplus", "linear"]),
    softmax=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
    reduction=st.sampled_from(["mean", "total"]),
)
def test_native_is_interpreted(sizes, rows, batch, activation, softmax, dtype, reduction):
    output = "softmax" if softmax and sizes[-1] > 1 else "linear"
    network = Network(sizes, activation=activation, output=output)
    X, Y = examples(network, rows, dtype)
    options = {"batch_size": batch, "reduction": reduction, "optimiser": GradientDescent(1e-3)}
    # some tens of steps, each of which adds a few roundings of its sums, of up to 50 terms
    assert_same(
        *both(network, X, Y, **options), tolerance={"float32": 2e-4, "float64": 1e-12}[dtype]
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_whose_work_is_shared(dtype):
    network = Network([300, 257, 131, 10], activation="tanh", output="softmax")
    X, Y = examples(network, 513, dtype)
    results = []
    try:
        for threads in (1, 2, 4, 8):
            cr.set_threads(threads)
            results.append(
                fit(network, X, Y, epochs=2, batch_size=200, progress=False, compile=True)
            )
    finally:
        cr.set_threads(None)
    first, *others = results
    for other in others:
        assert all(first.params[k].tobytes() == other.params[k].tobytes() for k in first.params)
        assert first.history == other.history
    expected = fit(network, X, Y, epochs=2, batch_size=200, progress=False, compile=False)
    # products of up to 513 terms, rounded otherwise than by BLAS
    assert_same(expected, first, tolerance={"float32": 1e-4, "float64": 1e-12}[dtype])


@dataclass(frozen=True)
class Remembering:
    """An optimiser with all that makes its state hard to replace in place."""

    rate: float = 0.01

    def init(self, params: Any) -> Any:
        return {"before": params, "swapped": (params, params), "count": np.zeros(())}

    def update(self, params: Any, gradient: Any, state: Any) -> Any:
        push = tree_map(lambda a, b: 0.5 * (a - b), params, state["before"])
        new = tree_map(lambda p, g, v: p - self.rate * g + v, params, gradient, push)
        one, other = state["swapped"]
        return new, {"before": params, "swapped": (other, one), "count": state["count"] + 1}


def test_state_that_moves_and_swaps():
    network = Network([3, 5, 2], activation="tanh")
    X, Y = examples(network, 23)
    assert_same(*both(network, X, Y, optimiser=Remembering()), tolerance=1e-12)


def test_a_users_cost_and_activation():
    def swish(z):
        return z * cr.sigmoid(1.5 * z)

    def huber(output, target):
        e = output - target
        return np.sum(np.where(np.abs(e) < 1, 0.5 * e * e, np.abs(e) - 0.5))

    network = Network([7, 13, 3], activation=swish)
    X, Y = examples(network, 40)
    assert_same(*both(network, X, 5 * Y, cost=huber), tolerance=1e-12)


def test_what_native_code_does_not_know_is_interpreted_and_said():
    network = Network([3, 4, 2])
    X, Y = examples(network, 20)
    result = fit(
        network, X, Y, epochs=2, progress=False, compile=True,
        cost=lambda output, target: np.sum(np.sort(output - target) ** 2),
    )  # fmt: skip
    assert "NumPy" in result.interpreted_because
    assert result.epochs == 2


def test_little_work_is_not_compiled_by_itself():
    network = Network([3, 4, 2])
    X, Y = examples(network, 20)
    little = fit(network, X, Y, epochs=2, progress=False)
    assert "too little" in little.interpreted_because
    much = fit(network, X, Y, epochs=3000, batch_size=5, progress=False)
    assert much.interpreted_because == ""


def test_callbacks_and_validation_see_every_epoch():
    network = Network([3, 5, 2], activation="tanh")
    X, Y = examples(network, 23)
    seen: list[Any] = []
    expected, native = both(
        network, X, Y, epochs=4, validation=(X[:5], Y[:5]), callback=seen.append
    )
    np.testing.assert_allclose(
        native.history.validation_cost, expected.history.validation_cost, rtol=1e-12
    )
    reports = seen[:4]  # the native run comes first
    assert [report.epoch for report in reports] == [1, 2, 3, 4]
    alone = fit(network, X, Y, epochs=2, batch_size=8, progress=False, compile=True)
    for name, values in alone.params.items():  # reports keep the parameters of their epoch
        np.testing.assert_array_equal(reports[1].params[name], values)
    np.testing.assert_array_equal(native.params["A0"], reports[3].params["A0"])


def test_divergence_is_found_where_it_began():
    """The same sentence and the same parameters as step by step."""
    network = Network([3, 5, 2], activation="linear")
    X, Y = examples(network, 23)
    expected, native = both(
        network, X * 10, Y, optimiser=GradientDescent(10.0), epochs=200, batch_size=4
    )
    assert native.outcome == expected.outcome == "diverged"
    assert native.stopped == expected.stopped
    assert native.epochs == expected.epochs
    for name, values in expected.params.items():
        np.testing.assert_allclose(native.params[name], values, rtol=1e-9)


@pytest.mark.parametrize("count", [1, 2, 3, 10, 1000])
@pytest.mark.parametrize("seed", [0, 1, 2**63 + 5, 2**64 - 1])
def test_the_native_shuffle_is_that_of_python(count, seed):
    module = Module(host())
    f = Function(module, "run", [("ptr", "order"), ("ptr", "seed")])
    shuffle(f, f.arguments[0], count, f.load(f.arguments[1], "i64"))
    f.ret()
    order, seeds = np.empty(count, np.int64), np.array([seed], np.uint64)
    code = compile_text(str(module), ["run"])
    address_of_function(code, "run", 2)(order.ctypes.data, seeds.ctypes.data)
    np.testing.assert_array_equal(order, shuffled(count, seed))


def test_shuffles_are_uniform():
    """Each of the 24 orders of four comes as often as it should: χ² of 23 degrees of freedom."""
    seeds = np.random.default_rng(0).integers(0, 2**64, 24_000, np.uint64)
    counts: dict[tuple[int, ...], int] = {}
    for seed in seeds:
        order = tuple(shuffled(4, int(seed)).tolist())
        counts[order] = counts.get(order, 0) + 1
    statistic = sum((count - 1000) ** 2 / 1000 for count in counts.values())
    assert len(counts) == 24
    assert statistic < 49.7  # exceeded once in a thousand


def test_the_first_shuffles_of_a_known_sequence():
    """SplitMix64 of the seed 1234567 begins with these two numbers (Vigna's reference code)."""
    draws = [6457827717110365317, 3203168211198807973]
    order = [0, 1, 2]
    for place, draw in zip((2, 1), draws, strict=True):
        other = draw * (place + 1) >> 64
        order[place], order[other] = order[other], order[place]
    assert shuffled(3, 1234567).tolist() == order


INTERRUPTED = """
import numpy as np, chainrule as cr
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(4000, 100)), rng.integers(0, 10, 4000)
net = cr.Network([100, 200, 10], output="softmax")
print("ready", flush=True)
result = cr.fit(net, X, Y, epochs=100000, batch_size=50, progress=False, compile=True)
print(result.outcome, result.stopped, np.isfinite(result.params["A0"]).all(), result.cost < 3)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are other things there")
def test_ctrl_c_stops_and_keeps_the_parameters():
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    timer = threading.Timer(3.0, process.send_signal, [signal.SIGINT])
    timer.start()
    out, _ = process.communicate(timeout=120)
    assert out.startswith("interrupted interrupted in epoch"), out
    assert out.endswith("True True\n"), out


FORKED = """
import os, numpy as np, chainrule as cr
cr.set_threads(2)
f = cr.compile(lambda x: np.exp(x).sum())
x = np.ones(1_000_000)
expected = f(x)
child = os.fork()
if not child:
    os._exit(0 if f(x) == expected else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_has_no_workers_and_makes_new_ones():
    command = [sys.executable, "-W", "ignore", "-c", FORKED]
    assert subprocess.run(command, capture_output=True, timeout=60, check=True).stdout == b"0\n"


def test_several_trainings_at_once():
    """One of them has the team, the others work alone."""
    network = Network([200, 150, 10], activation="tanh", output="softmax")
    X, Y = examples(network, 300, "float32")

    def run() -> Any:
        return fit(network, X, Y, epochs=2, batch_size=100, progress=False, compile=True).params

    expected = run()
    found: list[Any] = []
    workers = [threading.Thread(target=lambda: found.append(run())) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 3
    for params in found:
        np.testing.assert_array_equal(params["A0"], expected["A0"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predictions_of_a_few_rows_are_native_and_the_same(dtype):
    network = Network([6, 9, 3], activation="tanh", output="softmax")
    result = FitResult(network, network.init(0, dtype))
    X, _ = examples(network, 40, dtype)
    many = result.predict(X)
    # the same functions and sums of nine products, to the last bits
    tolerance = 30 * np.finfo(dtype).eps
    np.testing.assert_allclose(result.predict(X[:7]), many[:7], rtol=tolerance)
    np.testing.assert_allclose(result.predict(X[3]), many[3], rtol=tolerance)
    np.testing.assert_allclose(result.predict(X[::8]), many[::8], rtol=tolerance)
    result.params["A0"] = result.params["A0"] * 2  # the parameters are read at every call
    assert not np.allclose(result.predict(X[:7]), many[:7])
    again = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(again.predict(X[:7]), result.predict(X[:7]))


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (np.ones((2, 5)), "columns"),
        (np.array([[1.0, np.nan, 1, 1, 1, 1]]), "not finite"),
        (np.array([1.0, np.inf, 1, 1, 1, 1]), "not finite"),
        (np.ones((0, 6)), "no rows"),
    ],
)
def test_wrong_rows_are_refused_as_ever(wrong, error):
    network = Network([6, 9, 3])
    result = FitResult(network, network.init(0))
    result.predict(np.ones((1, 6)))
    with pytest.raises(ChainruleError, match=error):
        result.predict(wrong)
