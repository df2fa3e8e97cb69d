"""The parts that a diagnosis is made of: the backward pass, bounds on rounding, named factors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

import chainrule as cr
from chainrule.checking.backward import BackwardPass, Values
from chainrule.checking.factors import Surroundings, named, readings
from chainrule.checking.findings import Case, Comparison
from chainrule.checking.given import read
from chainrule.checking.naming import Words
from chainrule.checking.rounding import rounding_bound
from chainrule.checking.search import MOST, OF_A_KIND, SINGLE, Search
from chainrule.checking.segments import segments
from chainrule.checking.slips import Workshop
from chainrule.checking.subject import subject
from chainrule.checking.trials import trials
from chainrule.graph.node import constant
from tests.jacobians.generated import functions


def backward_pass(f, *args):
    recorded = subject(f, 0, args, {}).recorded(args, {})
    seed = constant(np.ones((), recorded.output.dtype))
    return BackwardPass(recorded.output, recorded.wrt[0], seed), recorded


@given(functions(depth=4))
def test_without_a_change_the_pass_is_the_gradient(case):
    f = case.scalar()
    backward, _ = backward_pass(f, case.x)
    np.testing.assert_array_equal(Values({})(backward.gradient), cr.grad(f)(case.x))


@given(functions(depth=4))
def test_contributions_add_up(case):
    """Handing on nothing at the output leaves nothing; twice of all is twice the gradient."""
    backward, recorded = backward_pass(case.scalar(), case.x)
    values = Values({})
    right = values(backward.gradient)
    output = recorded.output
    assert not values(backward.changed({output: lambda _: []})).any()
    double = constant(np.full((), 2.0, output.dtype))
    doubled = backward.changed({output: lambda _: backward.step(output, double)})
    # a factor 2 is exact, unless the output is the only step and is linear
    np.testing.assert_allclose(values(doubled), 2 * right, rtol=1e-15)


@given(functions(depth=3))
def test_rounding_errors_stay_below_their_bound(case):
    """A gradient in float32 beside the same in float64, at the float32 point."""
    x = case.x.astype(np.float32)
    backward, _ = backward_pass(case.scalar(), x)
    found = Values({})(backward.gradient)
    bound = Values({})(rounding_bound(backward.gradient))
    exact = cr.grad(case.scalar())(x.astype(float))
    if np.isfinite(bound).all():
        # only sums exceed one unit an operation: they make up to one for each of 36 terms
        unit = float(np.finfo(np.float32).eps)
        assert (np.abs(found - exact) <= 8 * unit * bound).all(), case


def test_a_difference_of_large_numbers_has_a_large_bound():
    backward, _ = backward_pass(lambda x: np.sum((x - 1000.0) ** 2), np.array([1000.25]))
    assert Values({})(backward.gradient) == [0.5]
    assert Values({})(rounding_bound(backward.gradient))[0] > 2000


def test_a_function_of_elements_is_one_segment_however_it_is_written():
    def f(A, x):
        Z = A @ x
        s = 1 / (1 + np.exp(-Z))
        return s @ s

    args = np.eye(2), np.array([0.3, -0.4])
    backward, recorded = backward_pass(f, *args)
    words = Words(recorded.names)
    ends = {(words.of(s.result), words.of(s.argument)) for s in segments(Workshop(backward, words))}
    assert ("s", "Z") in ends


# -- what a search may cost ----------------------------------------------------------------------


@settings(max_examples=25)
@given(functions(depth=3))
def test_one_changed_step_is_told_by_that_step(case):
    """⟨gradient, v⟩ of a changed pass, from the tangents at the step and from the whole pass."""
    if not case.x.size:
        return
    search = searching(case.scalar(), lambda x: np.ones_like(x), case.x)
    probe = search.probe
    for slip in search.slips[:30]:
        along = probe.changed(probe.right, slip)
        whole = search.points[0](slip.result(search.backward))
        if along is None or not np.isfinite(whole).all() or not np.isfinite(along).all():
            continue
        # both sum the same products in another order; what cancels is of the size of the parts
        scale = 1.0 + np.abs(whole).max() + np.abs(probe.right.along).max() + np.abs(along).max()
        np.testing.assert_allclose(probe.along(whole), along, atol=1e-9 * scale)


def searching(f, gradient, *args):
    of = subject(f, 0, args, {})
    by_hand = read(gradient, of)
    found = trials(by_hand, args, {}, 0)
    shape = found[0].true[0].shape
    pairs = [
        Comparison(t.where, t.given[0].reshape(shape), t.true[0], t.tolerances[0]) for t in found
    ]
    return Search(Case(0, "x", tuple(found), tuple(pairs)))


@pytest.mark.parametrize("steps", [1, 4, 16, 64])
def test_the_effort_of_a_search_is_bounded(steps):
    """Counted in operations of graphs, whatever the length of the program."""
    A = np.random.default_rng(0).normal(size=(3, 3))

    def f(x):
        for _ in range(steps):
            x = np.tanh(A @ x)
        return x @ x

    search = searching(f, lambda x: np.cos(x), np.array([0.3, -0.5, 0.2]))
    found = [*search.single(), *search.scaled(), *search.rarer(), *search.pairs()]
    assert not found
    assert len(search.slips) <= OF_A_KIND * len(SINGLE)
    # the last candidate may go over it by one run of the pass and its values at all points
    assert search.effort.spent <= MOST + 40 * len(search.backward.order)


AROUND = Surroundings({5: "rows of X", 3: "columns of X"}, {0.7: "lam = 0.7"})


@pytest.mark.parametrize(
    ("factor", "kind", "words"),
    [
        (-1.0, "wrong sign", "−1"),
        (2.0, "constant factor", "twice"),
        (0.5, "constant factor", "half"),
        (-2.0, "constant factor", "sign"),
        (5.0, "sum against mean", "multiplied by 5, the number of rows of X"),
        (0.2, "sum against mean", "divided by 5, the number of rows of X"),
        (-1 / 3, "sum against mean", "with the wrong sign"),
        (0.4, "sum against mean", "and a factor 2"),
        (0.7, "extra factor", "lam"),
        (1 / 0.7, "missing factor", "lam"),
        (-0.01, "constant factor", "a step of gradient descent with the rate 0.01"),
        (7 / 11, "constant factor", "7/11"),
    ],
)
def test_a_factor_is_named(factor, kind, words):
    found = named(factor, AROUND)
    assert found is not None
    assert found.kind == kind
    assert words in found.says


@pytest.mark.parametrize("rows", [4, 6, 7, 8, 10, 12, 20])
@pytest.mark.parametrize("factor", [2.0, 3.0, 4.0, 5.0, 6.0, 0.5, 1 / 3, 0.25, -2.0, -3.0])
def test_a_small_whole_number_is_rather_itself_than_made_of_a_size(rows, factor):
    """Unless it is the size: what takes fewer words is likelier."""
    found = readings(factor, Surroundings({rows: "rows of X"}, {}))
    is_size = abs(factor) in (rows, 1 / rows) and abs(factor) not in (2.0, 0.5)
    assert found[0].kind == ("sum against mean" if is_size else "constant factor")
    assert [item.cost for item in found] == sorted(item.cost for item in found)


@pytest.mark.parametrize("factor", [np.pi, 0.123456789, 1e5 / 7])
def test_a_number_that_means_nothing_has_no_name(factor):
    assert named(factor, AROUND) is None


def test_everything_that_a_factor_may_be_is_told():
    around = Surroundings({2: "rows of A"}, {})
    assert [item.kind for item in readings(0.5, around)] == ["constant factor", "sum against mean"]
