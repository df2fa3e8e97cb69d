"""Training: what a step does, batches, seeds, dtypes, and what comes back."""

from __future__ import annotations

import signal
import subprocess
import sys

import numpy as np
import pytest

from chainrule.train import EpochReport, FitResult, GradientDescent, Network, evaluate, fit
from chainrule.train.training import Training

RNG = np.random.default_rng(0)
X = RNG.normal(size=(23, 3))
Y = np.stack([X[:, 0] - X[:, 1], np.sin(X[:, 2])], axis=1)
NET = Network([3, 5, 2], activation="tanh")


def train(**options) -> FitResult:
    options = {"epochs": 4, "progress": False} | options
    return fit(options.pop("network", NET), options.pop("X", X), options.pop("Y", Y), **options)


def same(one, other) -> bool:
    return all(np.array_equal(one.params[name], other.params[name]) for name in one.params)


def test_full_batches_are_gradient_descent_written_out():
    """The linear network's gradient by hand: ∂E/∂A = (f − y) xᵀ, summed over the examples."""
    net = Network([3, 2])
    A, b = np.zeros((2, 3)), np.zeros(2)
    for _ in range(5):
        e = X @ A.T + b - Y
        A, b = A - 0.05 * e.T @ X / 23, b - 0.05 * e.sum(axis=0) / 23
    start = {"A0": np.zeros((2, 3)), "b0": np.zeros(2)}
    got = train(network=net, params=start, epochs=5, optimiser=GradientDescent(0.05))
    np.testing.assert_allclose(got.params["A0"], A, rtol=1e-12)
    np.testing.assert_allclose(got.params["b0"], b, rtol=1e-12)
    assert got.cost == pytest.approx(0.5 * ((X @ A.T + b - Y) ** 2).sum() / 23)
    assert np.array_equal(start["A0"], np.zeros((2, 3)))


@pytest.mark.parametrize("batch_size", [None, "all", 23, 100, 7, 1])
def test_every_batch_size_learns(batch_size):
    result = train(batch_size=batch_size, epochs=30)
    assert result.cost < 0.5 * result.history.cost[0]
    assert result.stopped is None
    assert result.outcome == "finished"
    assert result.epochs == 30


def test_all_in_one_batch_however_it_is_said():
    runs = [train(batch_size=size) for size in (None, "all", 23, 1000)]
    assert all(same(runs[0], run) for run in runs)


@pytest.mark.parametrize("batch_size", [1, 7, 23])
def test_an_epoch_uses_every_example_once(batch_size):
    """With cost ½‖f − y‖² and a network that only has a bias to move, a sum tells all."""
    net = Network([1, 1])
    start = {"A0": np.zeros((1, 1)), "b0": np.zeros(1)}
    targets = 2.0 ** np.arange(23)
    result = train(
        network=net,
        X=np.zeros((23, 1)),
        Y=targets,
        params=start,
        epochs=1,
        batch_size=batch_size,
        reduction="total",
        optimiser=GradientDescent(1e-12),
    )
    assert result.params["b0"][0] == pytest.approx(1e-12 * targets.sum(), rel=1e-9)
    assert result.history.cost[0] == pytest.approx(0.5 * (targets**2).sum(), rel=1e-9)


def test_examples_come_in_a_new_order_each_epoch():
    """One example a step, rate 1: the bias is the target seen last."""
    net, last = Network([1, 1]), []
    train(
        network=net,
        X=np.zeros((23, 1)),
        Y=np.arange(23.0),
        epochs=8,
        batch_size=1,
        optimiser=GradientDescent(1.0),
        callback=lambda report: last.append(round(float(report.params["b0"][0]))),
    )
    assert len(set(last)) > 3
    assert set(last) <= set(range(23))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("batch_size", [None, 5])
def test_the_same_seed_gives_the_same_bits(dtype, batch_size):
    options = {"X": X.astype(dtype), "batch_size": batch_size}
    one, again, other = (train(seed=seed, **options) for seed in (3, 3, 4))
    assert same(one, again)
    assert one.history == again.history
    assert not same(one, other)
    assert one.params["A0"].dtype == dtype


SCRIPT = """
import numpy as np
from chainrule.train import Network, fit
rng = np.random.default_rng(0)
X, labels = rng.normal(size=(40, 6)).astype(np.float32), rng.integers(0, 3, 40)
net = Network([6, 8, 8, 3], "tanh", "softmax")
result = fit(net, X, labels, epochs=5, batch_size=8, progress=False)
print(b"".join(value.tobytes() for value in result.params.values()).hex())
"""


def test_the_same_seed_gives_the_same_bits_in_another_process():
    def bits(hash_seed: str) -> str:
        command = [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{SCRIPT}"]
        env = {"PYTHONHASHSEED": hash_seed}
        return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout

    assert bits("1") == bits("2") != ""


def test_the_total_with_a_rate_is_the_mean_with_the_rate_times_the_examples():
    total = train(reduction="total", optimiser=GradientDescent(0.01))
    mean = train(reduction="mean", optimiser=GradientDescent(0.01 * 23))
    for name in total.params:
        np.testing.assert_allclose(total.params[name], mean.params[name], rtol=1e-11)
    np.testing.assert_allclose(total.history.cost, 23 * np.array(mean.history.cost), rtol=1e-11)
    assert total.cost == pytest.approx(23 * mean.cost, rel=1e-11)


def test_integers_are_trained_as_float64_and_float32_stays():
    assert train(X=RNG.integers(0, 3, (23, 3))).params["A0"].dtype == np.float64
    assert train(X=X.astype(np.float16)).params["A0"].dtype == np.float64
    result = train(X=X.astype(np.float32), params=NET.init(seed=0))
    assert {value.dtype for value in result.params.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("output", ["softmax", "sigmoid", "linear"])
def test_class_labels_are_rows_with_a_one(output):
    labels = RNG.integers(0, 4, 23)
    net = Network([3, 4], output=output)
    assert same(
        train(network=net, Y=labels), train(network=net, Y=np.eye(4)[labels].astype(np.float32))
    )


def test_one_output_takes_its_targets_as_they_are():
    net = Network([3, 1])
    assert same(train(network=net, Y=Y[:, 0]), train(network=net, Y=Y[:, :1]))
    counts = RNG.integers(0, 9, 23)
    assert same(train(network=net, Y=counts), train(network=net, Y=counts.astype(float)))


def test_the_history_has_an_entry_for_every_epoch():
    result = train(epochs=6, validation=(X[:4], Y[:4]))
    assert result.history.epoch == (1, 2, 3, 4, 5, 6)
    assert len(result.history.cost) == len(result.history.validation_cost) == 6
    assert train().history.validation_cost == ()
    assert train().validation_cost is None
    assert result.validation_cost == result.history.validation_cost[-1]
    assert result.validation_cost == evaluate(NET, result.params, X[:4], Y[:4])
    assert result.cost == evaluate(NET, result.params, X, Y)


def test_full_batch_history_is_the_cost_before_each_step():
    start = NET.init(seed=2)
    result = train(params=start, seed=9)
    assert result.history.cost[0] == pytest.approx(evaluate(NET, start, X, Y), rel=1e-12)


def test_validation_examples_are_never_trained_on():
    assert same(train(), train(validation=(X[:4], Y[:4] + 9)))


def test_training_goes_on_where_it_stopped():
    whole = train(epochs=6)
    half = train(epochs=3)
    assert same(whole, train(epochs=3, params=half.params))


def test_the_callback_is_told_about_each_epoch():
    told: list[EpochReport] = []
    result = train(callback=told.append, validation=(X, Y))
    assert [report.epoch for report in told] == [1, 2, 3, 4]
    assert tuple(report.cost for report in told) == result.history.cost
    assert tuple(report.validation_cost for report in told) == result.history.validation_cost
    assert np.array_equal(told[-1].params["A0"], result.params["A0"])
    assert 0 < told[0].seconds <= told[-1].seconds <= result.seconds


def test_an_error_in_the_callback_is_not_swallowed():
    def broken(report):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        train(callback=broken)


def test_ctrl_c_keeps_the_parameters_reached():
    def press(report):
        if report.epoch == 3:
            signal.raise_signal(signal.SIGINT)

    result = train(epochs=50, batch_size=5, callback=press)
    assert result.outcome == "interrupted"
    assert (
        result.stopped == "interrupted in epoch 3, batch 5; the parameters reached so far are kept"
    )
    assert result.epochs == len(result.history.cost) == 3
    assert same(result, train(epochs=3, batch_size=5))
    assert result.cost == evaluate(NET, result.params, X, Y)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a Unix timer")
def test_ctrl_c_in_the_middle_of_an_epoch():
    def interrupt(*_):
        raise KeyboardInterrupt

    old = signal.signal(signal.SIGALRM, interrupt)
    try:
        result = train(
            epochs=10**7,
            batch_size=1,
            callback=lambda report: (
                report.epoch == 1 and signal.setitimer(signal.ITIMER_REAL, 0.05)
            ),
        )
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert result.outcome == "interrupted"
    assert result.epochs >= 1
    assert np.isfinite(result.cost)


def test_ctrl_c_after_the_last_epoch_loses_nothing(monkeypatch):
    def interrupted(training):
        raise KeyboardInterrupt

    monkeypatch.setattr(Training, "settle", interrupted)
    result = train()
    assert result.outcome == "interrupted"
    assert "while the final cost was computed" in result.stopped
    assert np.isnan(result.cost)
    monkeypatch.undo()
    assert same(result, train())


def test_the_result_says_what_was_asked_for():
    result = train(seed=7, batch_size=5, optimiser=GradientDescent(0.25), cost="squared")
    assert result.seed == 7
    assert result.settings == {
        "cost": "squared",
        "reduction": "mean",
        "optimiser": {"name": "GradientDescent", "rate": 0.25},
        "epochs": 4,
        "batch_size": 5,
    }
    assert result.seconds > 0
    assert "A0" not in repr(result)


def test_predicting_is_applying_the_network():
    result = train()
    np.testing.assert_allclose(result.predict(X), NET(result.params, X), rtol=1e-12)
    np.testing.assert_allclose(result.predict(X[0]), NET(result.params, X[0]), rtol=1e-12)
    many = RNG.normal(size=(2100, 3))
    assert result.predict(many).shape == (2100, 2)
    np.testing.assert_allclose(result.predict(many)[-5:], NET(result.params, many[-5:]), rtol=1e-12)
    assert train(X=X.astype(np.float32)).predict(X).dtype == np.float32


def test_a_cost_that_ignores_the_parameters_changes_nothing():
    start = NET.init(seed=0)
    result = train(cost=lambda output, target: np.sum(target * target), params=start)
    assert all(np.array_equal(result.params[name], start[name]) for name in start)


def test_an_optimiser_of_ones_own_brings_its_state():
    class Momentum:
        def init(self, params):
            return {name: np.zeros_like(value) for name, value in params.items()}

        def update(self, params, gradient, state):
            state = {name: 0.9 * state[name] + gradient[name] for name in params}
            return {name: params[name] - 0.1 * state[name] for name in params}, state

    A, v, net = np.zeros((1, 3)), np.zeros((1, 3)), Network([3, 1])
    b, u = np.zeros(1), np.zeros(1)
    for _ in range(4):
        e = X @ A.T + b - Y[:, :1]
        v, u = 0.9 * v + e.T @ X / 23, 0.9 * u + e.sum(axis=0) / 23
        A, b = A - 0.1 * v, b - 0.1 * u
    start = {"A0": np.zeros((1, 3)), "b0": np.zeros(1)}
    result = train(network=net, Y=Y[:, 0], params=start, optimiser=Momentum())
    np.testing.assert_allclose(result.params["A0"], A, rtol=1e-12)
    assert result.settings["optimiser"] == {"name": "Momentum"}
