"""The network is the lecture's formula, its parameters have the lecture's names and layout."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ArgumentError, DtypeError, ShapeError
from chainrule.train import ACTIVATIONS, Network

PLAIN = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "linear": lambda z: z,
    "softmax": lambda z: np.exp(z) / np.exp(z).sum(),
}


@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize("output", PLAIN)
def test_one_example_is_the_lectures_formula(hidden, output):
    net = Network([3, 4, 2], activation=hidden, output=output)
    p = net.init(seed=1)
    p["b0"] += 0.1
    p["b1"] -= 0.2
    x = np.array([0.3, -1.2, 0.7])
    f1 = PLAIN[hidden](p["A0"] @ x + p["b0"])
    f2 = PLAIN[output](p["A1"] @ f1 + p["b1"])
    np.testing.assert_allclose(net(p, x), f2, rtol=1e-13)


def test_many_examples_are_each_row_alone():
    net = Network([3, 5, 4, 2], activation="tanh", output="softmax")
    p, X = net.init(seed=0), np.random.default_rng(0).normal(size=(7, 3))
    np.testing.assert_allclose(net(p, X), [net(p, x) for x in X], rtol=1e-13)
    np.testing.assert_allclose(net(p, X).sum(axis=1), 1)


def test_parameters_bear_the_lectures_names_and_layout():
    net = Network([64, 32, 10])
    assert {name: value.shape for name, value in net.init(seed=0).items()} == {
        "A0": (32, 64),
        "b0": (32,),
        "A1": (10, 32),
        "b1": (10,),
    }
    assert net.depth == 2


def test_the_graph_speaks_the_lectures_language():
    net = Network([3, 4, 2], activation="tanh", output="sigmoid")
    text = str(cr.trace(net, net.init(seed=0), np.zeros(3)))
    for name in ("Z1", "f1", "Z2", "f2"):
        assert name in text


def test_the_seed_decides_the_start():
    net = Network([4, 3, 2])
    one, again, other = net.init(seed=5), net.init(seed=5), net.init(seed=6)
    for name in one:
        assert np.array_equal(one[name], again[name])
    assert not np.array_equal(one["A0"], other["A0"])
    single = net.init(seed=5, dtype=np.float32)
    assert single["A1"].dtype == single["b1"].dtype == np.float32
    np.testing.assert_array_equal(single["A1"], one["A1"].astype(np.float32))


@pytest.mark.parametrize(
    ("activation", "variance"),
    [("tanh", 2 / (300 + 500)), ("sigmoid", 16 * 2 / (300 + 500)), ("relu", 2 / 300)],
)
def test_the_start_has_the_spread_of_its_source(activation, variance):
    weights = Network([300, 500, 1], activation=activation).init(seed=0)["A0"]
    assert weights.var() == pytest.approx(variance, rel=0.02)
    assert abs(weights.mean()) < 4 * np.sqrt(variance / weights.size)


def test_an_output_starts_small_whatever_it_is():
    weights = Network([300, 500], output="sigmoid").init(seed=0)["A0"]
    assert weights.var() == pytest.approx(2 / (300 + 500), rel=0.02)


def test_an_activation_of_ones_own_is_a_numpy_function():
    net = Network([2, 3, 1], activation=np.sin, output=lambda z: z * z)
    p, x = net.init(seed=0), np.array([0.5, 2.0])
    np.testing.assert_allclose(net(p, x), (p["A1"] @ np.sin(p["A0"] @ x + p["b0"])) ** 2)


def test_networks_are_equal_by_value():
    assert Network([2, 1]) == Network((2, 1))
    assert len({Network([2, 1]), Network((2, 1)), Network([2, 2])}) == 2
    with pytest.raises(AttributeError):
        Network([2, 1]).sizes = (3, 1)


@pytest.mark.parametrize("sizes", [[3], [], [3, 0], [3, -1, 2], [3, 2.5], 7, "ab", None])
def test_sizes_must_be_positive_integers(sizes):
    with pytest.raises(ArgumentError, match=r"Network: sizes must be two or more positive int"):
        Network(sizes)


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(ArgumentError, match=r"unknown activation; got 'sigmoyd'; .*sigmoid, tanh"):
        Network([2, 2, 1], activation="sigmoyd")
    with pytest.raises(ArgumentError, match=r"unknown output; got 3; .*softmax"):
        Network([2, 2, 1], output=3)
    with pytest.raises(ArgumentError, match="unknown activation; got 'softmax'"):
        Network([2, 2, 1], activation="softmax")


def test_softmax_of_one_unit_is_refused():
    with pytest.raises(ArgumentError, match=r'always 1; write output="sigmoid"'):
        Network([2, 1], output="softmax")


@pytest.mark.parametrize("seed", [-1, 1.5, True, None, "0"])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(ArgumentError, match=r"Network\.init: seed must be a whole number"):
        Network([2, 1]).init(seed=seed)


def test_parameters_are_float32_or_float64():
    with pytest.raises(DtypeError, match="float32 or float64"):
        Network([2, 1]).init(seed=0, dtype=int)


def test_shapes_that_do_not_fit_are_named():
    net = Network([3, 2])
    p = net.init(seed=0)
    with pytest.raises(ShapeError, match=r"takes 3 inputs; got x of shape \(4,\)"):
        net(p, np.zeros(4))
    with pytest.raises(ShapeError, match=r"takes 3 inputs; got x of shape \(3, 2\)"):
        net(p, np.zeros((3, 2)))
    with pytest.raises(ShapeError, match=r"A0 must have shape \(2, 3\); got \(3, 2\)"):
        net({"A0": p["A0"].T, "b0": p["b0"]}, np.zeros(3))
    with pytest.raises(ShapeError, match=r"b0 must have shape \(2,\); got the names A0"):
        net({"A0": p["A0"]}, np.zeros(3))


def test_an_activation_must_keep_the_shape():
    net = Network([3, 2], output=lambda z: z.sum())
    with pytest.raises(ShapeError, match=r"not elementwise; got \(\) from \(2,\)"):
        net(net.init(seed=0), np.zeros(3))
