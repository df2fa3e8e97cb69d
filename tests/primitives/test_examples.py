"""Every primitive at arguments drawn from its own domain: a new row is tested by being there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import MissingRuleError
from chainrule.graph.node import CONSTANT, INPUT, PRIMITIVES, make, new_input
from chainrule.graph.program import check
from chainrule.interpret.run import evaluate
from chainrule.numerics.complex_step import complex_step
from chainrule.numerics.differences import central, most_settled
from chainrule.primitives.elementwise import ROWS
from chainrule.primitives.identities import STOP_GRADIENT
from chainrule.tracing import as_node, wrap

# Smooth rows take real numbers at every input; where's condition and ldexp's exponent are none.
ROWS_OF_REALS = sorted(name for name, row in ROWS.items() if row.varies)
STRUCTURAL = sorted(set(PRIMITIVES) - set(ROWS) - {INPUT.name, CONSTANT.name})
NAMES = [*ROWS_OF_REALS, *STRUCTURAL]
CASES = [
    pytest.param(PRIMITIVES[name], example, id=f"{name}-{k}")
    for name in NAMES
    for k, example in enumerate(PRIMITIVES[name].examples())
]
SEED = st.integers(0, 2**32 - 1)


def test_every_primitive_states_its_domain():
    assert all(PRIMITIVES[name].examples() for name in NAMES)
    without = [name for name in STRUCTURAL if not PRIMITIVES[name].source]
    assert not without, "say where the derivative's formula is from"


def drawn(row, example, seed):
    rng = np.random.default_rng(seed)
    arrays = [region.drawn(rng) for region in example.inputs]
    if row.name == "where":
        arrays[0] = arrays[0] > 0.5
    if row.name == "ldexp":
        arrays[1] = np.rint(arrays[1]).astype(int)
    if row.name == "derived_as":  # two ways to one number
        arrays[1] = arrays[0].copy()
    return arrays


def node_of(row, example, arrays):
    return make(row, tuple(new_input(a.shape, a.dtype, a) for a in arrays), example.params)


@pytest.mark.parametrize(("row", "example"), CASES)
def test_the_node_is_well_formed(row, example):
    arrays = drawn(row, example, 1)
    names = [k for k, a in enumerate(arrays) if a.dtype.kind == "f"]
    chosen = [arrays[k] for k in names]
    graph = cr.trace(lambda *a: applied(row, example, arrays, dict(zip(names, a, strict=True))),
                     *chosen)  # fmt: skip
    check(graph)
    (value,) = evaluate([node_of(row, example, arrays)])
    assert (value.shape, value.dtype) == (graph.outputs[0].shape, graph.outputs[0].dtype)


def applied(row, example, arrays, replaced):
    given = [as_node(replaced.get(k, a)) for k, a in enumerate(arrays)]
    return wrap(make(row, tuple(given), example.params))


def reference(row, example, arrays, position, direction):
    """The derivative of the row's own value, by a way that knows no rule."""
    node = node_of(row, example, arrays)
    continued = row.continued(node)
    if continued is not None:

        def of_complex(z):
            given = [z if k == position else a.astype(complex) for k, a in enumerate(arrays)]
            return np.asarray(continued(*given))

        return complex_step(of_complex, arrays[position], direction)

    def line(t):
        moved = [a + t * direction if k == position else a for k, a in enumerate(arrays)]
        return np.asarray(row.bind(node)(*moved))

    return most_settled(central(line, 2.0**-5, 6), 2)[0]


@pytest.mark.parametrize(("row", "example"), CASES)
@given(seed=SEED)
def test_the_local_jacobian_is_the_derivative_of_the_value(row, example, seed):
    arrays = drawn(row, example, seed)
    rng = np.random.default_rng(seed + 1)
    node = node_of(row, example, arrays)
    tolerance = 1e-6 if node.dtype == np.float32 else 1e-8 if row.continued(node) is None else 1e-10
    for position, array in enumerate(arrays):
        if array.dtype.kind != "f":
            continue
        direction = rng.standard_normal(array.shape)

        def f(x, position=position):
            return applied(row, example, arrays, {position: x})

        if row.name == "pair_factors":
            with pytest.raises(MissingRuleError, match="third derivative"):
                cr.jvp(f, (array,), (direction,))
            continue
        value, tangent = cr.jvp(f, (array,), (direction,))
        wanted = reference(row, example, arrays, position, direction)
        if row is STOP_GRADIENT:
            wanted = np.zeros_like(wanted)
        size = max(1.0, float(np.abs(wanted).max(initial=0.0)))
        # Rounding of the complex step; of differences divided by the step; of float32.
        np.testing.assert_allclose(tangent, wanted, rtol=0, atol=tolerance * size)
        if node.dtype.kind != "f":
            continue
        cotangent = np.asarray(rng.standard_normal(value.shape), node.dtype)
        (pulled,) = cr.vjp(f, array)[1](cotangent)
        left, right = np.sum(cotangent * tangent), np.sum(pulled * direction)
        assert abs(left - right) <= 10 * tolerance * (size + abs(left))


@pytest.mark.parametrize(("row", "example"), CASES)
def test_a_batch_is_the_loop(row, example):
    examples = [drawn(row, example, seed) for seed in range(3)]
    stacks = [np.stack(arrays) for arrays in zip(*examples, strict=True)]
    node = node_of(row, example, examples[0])
    inputs = [new_input(a.shape, a.dtype, a) for a in stacks]
    (found,) = evaluate([row.batch(node, inputs, (True,) * len(inputs))])
    each = [evaluate([node_of(row, example, arrays)])[0] for arrays in examples]
    np.testing.assert_allclose(found, np.stack(each), rtol=1e-13, atol=1e-14)  # sums in any order
