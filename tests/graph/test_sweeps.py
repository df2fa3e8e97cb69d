"""The two sweeps with numbers for what is carried: paths counted, weighted, and let go of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chainrule.graph.node import Node, new_input
from chainrule.graph.sweeps import Region, backward, between, forward
from chainrule.primitives.expression import UFUNCS

DEEP = 20_000
"""Nodes in a row: far more than Python's recursion limit."""


def leaf() -> Node:
    return new_input((), np.dtype(float))


def one(node: Node, position: int, carried: int) -> int:
    return carried


def plus(known: int | None, part: int) -> int:
    return (known or 0) + part


def both(output: Node, source: Node) -> tuple[int, int]:
    """The number of paths, counted from either end."""
    region = between([output], [source])
    back = backward(region, {output: 1}, one, plus)
    ahead = forward(region, {source: 1}, one, plus)
    return back.get(source, 0), ahead.get(output, 0)


def product(a: Node, b: Node) -> Node:
    return UFUNCS[np.arctan2](a, b)  # a node of its own for every pair


def test_paths_are_counted() -> None:
    """Two ways from c to b and two from b to a: four, over two nodes."""
    a = leaf()
    b = product(a, a)
    c = product(b, b)
    assert both(c, a) == (4, 4)
    assert both(c, b) == (2, 2)
    assert both(b, c) == (0, 0)
    assert both(a, a) == (1, 1)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=9))
def test_both_sweeps_count_the_same_paths(pairs: Sequence[tuple[int, int]]) -> None:
    """Graphs of any form: each node is made of two that are there already."""
    nodes, counts = [leaf()], [1]
    known = {nodes[0]: 1}
    for first, second in pairs:
        a, b = first % len(nodes), second % len(nodes)
        nodes.append(product(nodes[a], nodes[b]))
        counts.append(counts[a] + counts[b])
        known[nodes[-1]] = counts[-1]
    assert both(nodes[-1], nodes[0]) == (known[nodes[-1]],) * 2


def test_deep_graphs_need_no_recursion() -> None:
    """Every node doubles the paths: whole numbers show that each was passed once."""
    node = source = leaf()
    for _ in range(DEEP):
        node = product(node, node)
    assert both(node, source) == (2**DEEP, 2**DEEP)


def test_what_is_no_longer_needed_is_let_go_of() -> None:
    a = leaf()
    b = product(a, a)
    c = product(b, a)
    region = between([c], [a])
    assert backward(region, {c: 1}, one, plus) == {c: 1, b: 1, a: 3}
    assert backward(region, {c: 1}, one, plus, wanted=[a]) == {a: 3}
    assert forward(region, {a: 1}, one, plus) == {a: 1, b: 2, c: 3}
    assert forward(region, {a: 1}, one, plus, wanted=[c]) == {c: 3}


def test_a_sweep_holds_no_more_than_is_needed_on_the_way() -> None:
    """Along a row of nodes no more than two carry something at any time."""
    node = source = leaf()
    for _ in range(50):
        node = product(node, node)
    region = between([node], [source])
    most = 0

    def seen(node: Node, position: int, carried: int) -> int:
        nonlocal most
        most = max(most, len(found))
        return carried

    found = {node: 1}
    backward(region, found, seen, plus, wanted=[source])
    found = {source: 1}
    forward(region, found, seen, plus, wanted=[node])
    assert most <= 2


def test_paths_lead_through_floating_point_numbers_only() -> None:
    a = leaf()
    mask = UFUNCS[np.greater](a, a)
    assert both(mask, a) == (0, 0)
    assert both(product(mask, a), a) == (1, 1)


def test_a_zero_is_not_handed_on() -> None:
    a = leaf()
    b = product(a, a)
    region = between([b], [a])

    def first_only(node: Node, position: int, carried: int) -> int | None:
        return carried if position == 0 else None

    assert backward(region, {b: 1}, first_only, plus) == {b: 1, a: 1}
    assert forward(region, {a: 1}, first_only, plus) == {a: 1, b: 1}
    assert backward(region, {b: 1}, lambda *_: None, plus) == {b: 1}
    assert forward(region, {a: 1}, lambda *_: None, plus) == {a: 1}


def test_a_changed_node_hands_on_what_it_likes_to_whom_it_likes() -> None:
    a = leaf()
    b = product(a, a)
    c = product(b, b)
    region = between([c], [a])
    skipping = {c: lambda carried: [(a, 10 * carried), (b, None)]}
    assert backward(region, {c: 1}, one, plus, changed=skipping) == {c: 1, a: 10}


def test_a_node_starts_from_what_it_has_of_its_own() -> None:
    """As a bound on rounding errors does: b has 1 of its own, and twice what a has."""
    a = leaf()
    b = product(a, a)
    assert forward(Region([a, b], ()), {a: 5, b: 1}, one, plus) == {a: 5, b: 11}
