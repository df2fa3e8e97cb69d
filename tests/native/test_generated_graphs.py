"""Compiled = interpreted, over generated graphs: 2,000 of them, each on arguments of three kinds.

What either may give is enclosed by `enclosure`: one unit in the last place for what is rounded
correctly, four for every other function, a stated bound for sums, and no width for what is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from optree import tree_leaves

import chainrule as cr
from chainrule.errors import ChainruleError
from chainrule.graph.program import Graph
from chainrule.interpret.run import Program
from tests.native.bounds import Undecided
from tests.native.enclosure import enclose, fault
from tests.native.graphs import KINDS, Array, Written, written

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
many = settings(max_examples=250)


def traced(function: Callable[..., Any], sample: Sequence[Array]) -> Graph:
    """The function's graph, without values, for arguments that may be infinite.

    What is compiled is made before it is known what it will be given: a zero wins in its products.
    """
    unknown = [np.full_like(a, np.inf) if a.dtype.kind == "f" else a for a in sample]
    try:
        graph = cr.trace(function, *unknown)
    except (ChainruleError, ZeroDivisionError, IndexError):  # NumPy is laxer on empty arrays
        assume(False)
    for node in (*graph.inputs, *graph.nodes):
        if node.inputs or node in graph.inputs:
            node.value = None
    return graph


def check(case: Written, function: Callable[..., Any], batch: tuple[int, ...] = ()) -> None:
    """Both ways of running a function keep the bounds, for all kinds of arguments."""
    graph = traced(function, case.arguments("real", batch))
    native, interpreted = cr.compile(function), Program(graph.inputs, graph.outputs)
    for kind in KINDS:
        arguments = case.arguments(kind, batch)
        try:
            bounds = enclose(graph, arguments)
        except Undecided:
            continue
        before = [array.copy() for array in arguments]
        found = tree_leaves(native(*arguments))
        assert all(map(np.array_equal, map(bits, arguments), map(bits, before)))
        assert len(found) == len(graph.outputs)
        for way, values in (("interpreted", interpreted(*arguments)), ("compiled", found)):
            for k, (value, bound, node) in enumerate(
                zip(values, bounds, graph.outputs, strict=True)
            ):
                wrong = fault(value, bound, node)
                assert not wrong, f"{way}, {kind} arguments, result {k}: {wrong}\n{case}"


def bits(array: Any) -> Any:
    """What tells NaN from NaN and 0 from −0."""
    return np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)


@many
@given(written())
def test_values_in_double_precision(case: Written):
    check(case, case.function)


@many
@given(written(["float32"]))
def test_values_in_single_precision(case: Written):
    check(case, case.function)


@many
@given(written(["float32", "float64", "bool"]))
def test_values_of_mixed_precision(case: Written):
    check(case, case.function)


def gradient_of(case: Written) -> Any:
    wrt = tuple(k for k, dtype in enumerate(case.dtypes) if dtype != "bool")
    return cr.value_and_grad(case.function, wrt=wrt)


@many
@given(written(lines=7, to_number=True))
def test_gradients_in_double_precision(case: Written):
    check(case, gradient_of(case))


@many
@given(written(["float32"], lines=7, to_number=True))
def test_gradients_in_single_precision(case: Written):
    check(case, gradient_of(case))


@many
@given(written(["float64", "float32"], lines=6), st.integers(0, 3))
def test_functions_mapped_over_a_batch(case: Written, size: int):
    check(case, cr.vmap(case.function), (size,))


@many
@given(written(lines=6, to_number=True), st.integers(1, 3))
def test_gradients_of_sums_over_a_batch(case: Written, size: int):
    def total(*arguments):
        return np.sum(cr.vmap(case.function)(*arguments))

    check(case, cr.grad(total), (size,))


@many
@given(written(["float64", "float32"], lines=6), st.data())
def test_arguments_however_they_lie_in_memory(case: Written, data: Any):
    """The same bits for arrays that are strided, reversed, read-only, swapped, or one array."""
    traced(case.function, case.arguments("real"))
    native = cr.compile(case.function)
    arguments = case.arguments(data.draw(st.sampled_from(list(KINDS))))
    if len(set(case.shapes)) == len(set(case.dtypes)) == 1 and data.draw(st.booleans()):
        arguments = arguments[:1] * len(arguments)
    expected = tree_leaves(native(*[array.copy() for array in arguments]))
    lain = [data.draw(st.sampled_from(LAID))(array) for array in arguments]
    for value, again in zip(expected, tree_leaves(native(*lain)), strict=True):
        assert np.array_equal(bits(value), bits(again)), f"{[a.strides for a in lain]}\n{case}"


def strided(array: Array) -> Array:
    """Every second element of a larger array."""
    wide = np.full((*array.shape[:-1], 2 * array.shape[-1]) if array.ndim else (2,), 7, array.dtype)
    part = wide[..., ::2] if array.ndim else wide[0:1].reshape(())
    part[...] = array
    return part


def read_only(array: Array) -> Array:
    array = array.copy()
    array.flags.writeable = False
    return array


LAID: list[Callable[[Array], Array]] = [
    lambda array: array,
    strided,
    read_only,
    lambda array: np.asfortranarray(array),
    lambda array: np.flip(np.flip(array).copy()),
    lambda array: array.astype(array.dtype.newbyteorder()),
]


# -- the bounds themselves: what they let through, and what not -----------------------------------

X = np.array([0.3, -1.7, 2.0, 0.0])


def bounds(function: Callable[..., Any], *arguments: Array) -> Callable[[Any], str]:
    """What `fault` says of a result."""
    graph = traced(function, arguments)
    (found,) = enclose(graph, arguments)
    return lambda result: fault(result, found, graph.outputs[0])


def test_four_units_are_right_and_six_are_not():
    fault_of, value = bounds(np.exp, X), np.exp(X)
    assert fault_of(value) == ""
    assert fault_of(value + 3 * np.spacing(value)) == ""
    assert "at [0], where 1.3498" in fault_of(value + 6 * np.spacing(value))


def test_what_is_exact_has_no_width():
    whole = np.array([1.0, -2.0, 3.0, 0.0])
    value = float(np.sum(whole * whole))
    assert bounds(lambda x: np.sum(x * x), whole)(np.float64(value)) == ""
    assert bounds(lambda x: np.sum(x * x), whole)(np.nextafter(value, 99)) != ""
    assert bounds(lambda x: x[::-1], X)(X[::-1]) == ""
    assert bounds(lambda x: x[::-1], X)(np.nextafter(X[::-1], 9)) != ""


def test_a_sum_may_be_off_by_its_terms_and_not_by_its_result():
    x = np.array([1e16, 1.0, -1e16])
    fault_of = bounds(lambda x: x.sum(), x)
    assert fault_of(np.float64(0)) == fault_of(np.float64(1)) == fault_of(np.float64(2)) == ""
    assert fault_of(np.float64(1e3)) != ""


def test_infinities_nan_and_signs_of_zero():
    x = np.array([-0.0, 0.0, np.inf, np.nan])
    with np.errstate(all="ignore"):
        assert bounds(lambda x: 1 / x, x)(1 / x) == ""
        assert bounds(lambda x: 1 / x, x)(1 / np.abs(x)) != ""
        assert bounds(lambda x: x - x, x)(x - x) == ""
        assert "where NaN is right" in bounds(lambda x: x - x, x)(np.zeros(4))
    assert bounds(np.sign, x[:2])(np.sign(x[:2])) == ""
    assert bounds(np.sqrt, x[:2])(np.zeros(2)) != ""


def test_a_comparison_of_what_is_nearly_equal_may_go_either_way():
    fault_of = bounds(lambda x: np.exp(x) == np.exp(x + 0.0), X)
    assert fault_of(np.ones(4, bool)) == fault_of(np.zeros(4, bool)) == ""
    assert bounds(lambda x: np.exp(x) > x, X)(np.zeros(4, bool)) != ""


def test_a_failure_shows_the_function(monkeypatch):
    case = Written("def f(a):\n    return np.tanh(a)", ((3,),), ("float64",), 0)
    monkeypatch.setattr(cr, "compile", lambda f: lambda x: np.tanh(x) * (1 + 1e-15))
    with pytest.raises(
        AssertionError, match=r"compiled, real arguments, result 0: (?s:.*)np\.tanh"
    ):
        check(case, case.function)
