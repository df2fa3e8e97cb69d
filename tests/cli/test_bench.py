"""`chainrule bench`: what it reports, and that its arithmetic is right. No time is judged."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import measuring, speed, workload
from chainrule.cli.measuring import example_function, microseconds, timed
from chainrule.cli.workload import MEDIUM, SMALL, Stopwatch, Workload
from chainrule.native.run.threads import set_threads
from chainrule.train import fit

QUICK = ("--rounds", "1", "--network", "3-5-2", "--batch", "4")


@pytest.fixture(autouse=True)
def short_turns(monkeypatch):
    monkeypatch.setattr(speed, "TURN", 1e-3)
    monkeypatch.setenv("CHAINRULE_CACHE", "off")


def test_json_is_one_object_alone_on_stdout(chainrule, folder):
    done = chainrule("bench", *QUICK, "--json")
    assert (done.status, done.out.count("\n")) == (0, 1)
    report = done.json
    assert report.keys() == {"cpu", "threads", "versions", "training", "gradient", "seconds"}
    assert report["versions"]["chainrule"] == cr.__version__
    (row,) = report["training"]
    assert (row["network"], row["batch"]) == ([3, 5, 2], 4)
    assert row["first_epoch_seconds"] > 0
    assert row["interpreted_because"] == ""
    operations = 4 * (2 * 2 * 3 * 5 + 3 * 2 * 5 * 2)  # two products of the first layer, then three
    # both figures are rounded, the rate to thousandths
    assert row["gigaflops"] == pytest.approx(
        operations / row["microseconds_a_step"] / 1e3, rel=1e-3, abs=1e-3
    )
    assert [each["elements"] for each in report["gradient"]] == [1, 1000, 10**6]
    assert all(value > 0 for each in report["gradient"] for value in each.values())
    assert not list(folder.iterdir())


def test_the_tables_name_every_network_and_fit_80_columns(chainrule):
    done = chainrule("bench", *QUICK, "--network", "2-1")
    assert done.status == 0
    lines = [line.split() for line in done.out.splitlines()]
    assert [line[:2] for line in lines if line[1:2] == ["4"]] == [["3-5-2", "4"], ["2-1", "4"]]
    assert [line[0] for line in lines if line[:1] and line[0] in {"1", "1,000", "1,000,000"}] == [
        "1", "1,000", "1,000,000",
    ]  # fmt: skip
    tables = done.out.splitlines()[:-2]
    assert max(map(len, tables)) <= 80
    assert done.err.splitlines() == [
        "training 3-5-2, batch 4",
        "training 2-1, batch 4",
        "the gradient of the sum of (5.109)",
    ]


@pytest.fixture
def usual_threads():
    yield
    set_threads(None)


@pytest.mark.usefixtures("usual_threads")
def test_the_threads_are_those_asked_for(chainrule, monkeypatch):
    monkeypatch.setenv("CHAINRULE_THREADS", "3")
    report = speed.measured([], [], 1)
    assert report.threads == 3
    done = chainrule("bench", *QUICK, "--threads", "1")
    assert done.out.endswith(" s with 1 thread.\n")
    monkeypatch.setenv("CHAINRULE_THREADS", "many")
    set_threads(None)
    done = chainrule("bench", *QUICK)
    assert done.status == 1
    assert done.error.startswith("CHAINRULE_THREADS: the number of threads must be a whole number")


def test_without_a_network_of_ones_own_there_are_four(chainrule, monkeypatch):
    asked = []

    def measured(works, elements, rounds):
        asked.extend(work.name for work in works)
        return speed.SpeedReport((), (), 1, 0.0)

    monkeypatch.setattr("chainrule.cli.benching.measured", measured)
    assert chainrule("bench", "--json").status == 0
    assert asked == [
        "2-16-1, batch 4", "64-32-10, batch 32", "784-128-10, batch 64",
        "784-1024-1024-10, batch 512",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            "--network 64",
            "'--network': '64' is not two or more whole numbers from 1 up; write 64-32-10",
        ),
        ("--network 3--2", "'--network': '3--2' is not two or more"),
        ("--network 64x10", "'--network': '64x10' is not two or more"),
        ("--network 64-0", "'--network': '64-0' is not two or more"),
        ("--network 2-1 --batch 0", "'--batch'"),
        ("--rounds 0", "'--rounds'"),
        ("--threads 0", "'--threads'"),
        ("--threads 65", "'--threads'"),
        (
            "--batch 4",
            "'--batch': it is for the networks that --network names; write --network 64-32-10 as "
            "well",
        ),
    ],
)
def test_wrong_usage_is_explained_with_status_2(chainrule, arguments, said):
    done = chainrule("bench", *arguments.split())
    assert (done.status, done.out) == (2, "")
    assert done.error.startswith(f"Invalid value for {said}")


def test_a_network_that_no_code_is_made_for_is_named_with_the_reason(chainrule, monkeypatch):
    def interpreted(*arguments, compile=True, **options):
        return fit(*arguments, compile=False, **options)

    monkeypatch.setattr(workload, "fit", interpreted)
    monkeypatch.setattr(speed, "_gradient_times", lambda n, _: speed.GradientTimes(n, 1, 1, 1))
    done = chainrule("bench", *QUICK)
    assert "3-5-2, batch 4: interpreted with NumPy: it was not asked for\n" in done.out


def test_what_does_not_fit_into_memory_is_one_sentence(chainrule, monkeypatch):
    def refuse(*_arguments, **_options):
        raise MemoryError

    monkeypatch.setattr(workload, "fit", refuse)
    done = chainrule("bench", *QUICK, "--json")
    assert (done.status, done.out) == (1, "")
    assert done.error == "there is not enough memory for this"


def test_an_interrupted_training_ends_it_with_status_130(chainrule, monkeypatch):
    monkeypatch.setattr(workload, "fit", lambda *_a, **_o: SimpleNamespace(outcome="interrupted"))
    done = chainrule("bench", *QUICK, "--json")
    assert (done.status, done.out) == (130, "")
    assert done.error == "bench: interrupted; nothing is reported"


# What is measured


@pytest.fixture
def clock(monkeypatch):
    """Trainings take 3 s, 0.25 s an epoch, and what is put into `delays`."""
    clock = SimpleNamespace(delays=[], epochs=[])

    def fit(network, X, Y, *, epochs, **options):
        seconds = 3.0 + 0.25 * epochs + (clock.delays.pop(0) if clock.delays else 0.0)
        clock.epochs.append(epochs)
        return SimpleNamespace(outcome="finished", interpreted_because="", seconds=seconds)

    monkeypatch.setattr(workload, "fit", fit)
    return clock


def test_a_step_is_what_more_epochs_take_longer(clock):
    stopwatch = Stopwatch(Workload((2, 3, 1), batch=4, steps=5), at_least=10.0)
    assert [stopwatch.turn(), stopwatch.turn()] == [0.05, 0.05]  # exactly: halves and quarters
    assert clock.epochs[-2] == 1
    assert 0.25 * (clock.epochs[-1] - 1) >= 10.0  # the clock sees what was asked for


def test_other_work_on_the_machine_never_makes_a_step_shorter(clock):
    stopwatch = Stopwatch(Workload((2, 3, 1), batch=4, steps=5), at_least=10.0)
    clock.delays = [1.0, 0.0, 0.0, 2.0]  # a short run, a long one, a short one, a long one
    first, second = stopwatch.turn(), stopwatch.turn()
    assert first == 0.05 < second
    assert stopwatch.least() == 0.05


def test_a_short_run_that_takes_longest_leaves_a_bound(clock):
    stopwatch = Stopwatch(Workload((2, 3, 1), batch=4, steps=5), at_least=10.0)
    stopwatch._short = 1000.0
    clock.delays = [1000.0]
    epochs = clock.epochs[-1]
    assert stopwatch.turn() == (3.0 + 0.25 * epochs) / (5 * epochs) > 0.05


def test_examples_and_start_are_the_same_each_time():
    for first, again in zip(SMALL.examples(), SMALL.examples(), strict=True):
        assert first.dtype == np.float32
        np.testing.assert_array_equal(first, again)
    start, shapes = SMALL.start(), SMALL.network.shapes
    assert {name: array.shape for name, array in start.items()} == shapes
    assert {array.dtype for array in start.values()} == {np.dtype(np.float32)}
    X, Y = MEDIUM.examples()
    assert (X.shape, Y.shape) == ((6400, 784), (6400, 10))
    assert (Y.sum(axis=1) == 1).all()


def test_an_optimiser_that_there_is_not_is_named():
    with pytest.raises(cr.errors.ArgumentError, match="no such optimiser; got Amad"):
        Workload((2, 1), 4, 5, optimiser="Amad").made_optimiser()


def test_runs_that_are_short_are_repeated_within_a_time(monkeypatch):
    clock, calls = [0.0], []

    def run():
        calls.append(1)
        clock[0] += 0.25

    monkeypatch.setattr(measuring, "perf_counter", lambda: clock[0])
    assert timed(run, at_least=1.0) == (250.0, 250.0)  # milliseconds
    assert len(calls) == 1 + 4 + 4


def test_the_example_function_is_the_lectures():
    x = np.array([0.5, -1.0])
    expected = sum(np.sqrt(v**2 + np.exp(v**2)) + np.cos(v**2 + np.exp(v**2)) for v in x)
    # the same few operations on two numbers: one rounding each
    np.testing.assert_allclose(example_function()(x), expected, rtol=1e-15)


@pytest.mark.parametrize("time", [0.1111, 1.111, 11.11, 111.1, 1111.0])
def test_times_keep_three_digits(time):
    assert float(microseconds(time).replace(",", "")) == pytest.approx(time, rel=5e-3)
