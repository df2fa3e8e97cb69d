"""A wrong local Jacobian, planted in one row, reaches every way to a derivative and every check.

Each primitive that has a derivative is planted in turn: its row gives twice what it should. What
comes out of a row that nothing else is derived from would stay as it was.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.node import PRIMITIVES
from chainrule.primitives.determinants import COFACTOR
from chainrule.primitives.elementwise import ROWS, apply
from chainrule.primitives.expression import Expression
from chainrule.tracing import as_node, wrap
from tests.laws.reuse import alone
from tests.primitives.test_structural_table import CASES, X, ours

VARYING = sorted(name for name, row in ROWS.items() if row.varies)
WITHOUT = {"argsort", "argmax", "argmin", "detsign"}  # whole numbers and signs have no derivative
SECOND = {"put", "place"}  # met on the way back only
STRUCTURAL = sorted(set(CASES) - WITHOUT - SECOND)
POINTS = 3
DIRECTION = {1: np.array([1.0, -0.5, 0.3]), 2: np.sin(np.arange(1.0, 13.0)).reshape(3, 4)}


class Subject(NamedTuple):
    """A function of one array, which a primitive is part of."""

    f: object
    x: np.ndarray


def elementwise(name: str, position: int) -> Subject:
    """A row as a function of one of its inputs; sin makes the second derivative depend on it."""
    row = ROWS[name]
    rng = np.random.default_rng(7)
    arrays = [rng.uniform(low, high, POINTS) for low, high in row.domain]
    if row.slopes and len(arrays) == 2:  # a maximum: let each side win somewhere
        arrays[0][0], arrays[1][0] = arrays[1][0], arrays[0][0]
    if name == "where":
        arrays[0] = np.array([True, False, True])
    fixed = [a.astype(int) if name == "ldexp" and k else a for k, a in enumerate(arrays)]

    def f(x):
        args = [x if k == position else a for k, a in enumerate(fixed)]
        if not isinstance(x, Expression):
            return np.sum(np.sin(row.value(*args)))
        return np.sum(np.sin(wrap(apply(row, *(as_node(a) for a in args)))))

    return Subject(f, arrays[position])


def structural(name: str) -> Subject:
    plain, traced = CASES[name][0], ours(name)
    return Subject(
        lambda x: np.sum(np.sin((traced if isinstance(x, Expression) else plain)(x))), X.copy()
    )


def subjects():
    for name in VARYING:
        for position, derivative in enumerate(ROWS[name].derivatives):
            if derivative is not None:
                yield pytest.param(name, elementwise(name, position), id=f"{name}-{position}")
    for name in STRUCTURAL:
        yield pytest.param(name, structural(name), id=name)
    yield pytest.param("stop_gradient", None, id="stop_gradient")
    yield pytest.param(COFACTOR.name, structural("det"), id="cofactor")


SUBJECTS = [item for item in subjects() if item.values[1] is not None]


def ways(f, x) -> dict[str, np.ndarray]:
    """Every way to a derivative of f at x, or what is said about it."""
    gradient = cr.grad(f)
    return {
        "grad": alone(gradient, x),
        "jvp": alone(lambda x: cr.jvp(f, (x,), (DIRECTION[x.ndim],))[1], x),
        "jacobian": alone(lambda x: cr.jacobian(f)(x).toarray(), x),
        "hessian": alone(lambda x: cr.hessian(f)(x).toarray(), x),
        "compile": cr.compile(gradient)(x),
        "derive": cr.derive(f)(x).targets[0].value,
        "derive, expanded": cr.derive(f, expanded=True)(x).targets[0].value,
    }


def plant(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The row's local Jacobian twice as large as it is."""
    row = PRIMITIVES[name]
    right = row.jacobian

    def wrong(node, position):
        return [term._replace(scale=2 * term.scale) for term in right(node, position)]

    monkeypatch.setattr(row, "jacobian", wrong, raising=False)


def test_every_primitive_with_a_derivative_is_planted():
    planted = {item.values[0] for item in SUBJECTS}
    without = {n for n, row in ROWS.items() if not row.varies} | {"input", "constant"} | WITHOUT
    otherwise = SECOND | {"stop_gradient", "pair_factors"}  # pair_factors: no derivative is stated
    assert planted | without | otherwise == set(PRIMITIVES)


@pytest.mark.parametrize(("name", "subject"), SUBJECTS)
def test_a_wrong_row_changes_every_way_and_every_check_fails(name, subject, monkeypatch):
    f, x = subject
    before = ways(f, x)
    by_hand = before["grad"]
    assert cr.derive(f)(x).ok
    assert cr.check(f, by_hand, x).ok
    plant(monkeypatch, name)
    after = ways(f, x)
    first_order = set() if name == "cofactor" else set(before)
    same = [way for way in first_order | {"hessian"} if np.allclose(before[way], after[way])]
    assert not same
    if first_order:
        # Rounding of some dozen operations; one of them in single precision for "cast".
        tolerance = 1e-5 if name == "cast" else 1e-9
        np.testing.assert_allclose(after["derive"], after["grad"], rtol=tolerance)
        assert not cr.derive(f)(x).ok
        assert not cr.derive(f, expanded=True)(x).ok
        assert not cr.check(f, by_hand, x).ok
