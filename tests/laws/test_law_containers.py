"""wrt by position and by name, several at once, and arguments in nested containers."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given

import chainrule as cr
from tests.laws.problems import close, numbers


@dataclasses.dataclass
class Layer:
    A: Any
    b: Any


@dataclasses.dataclass(frozen=True)
class FrozenLayer:
    A: Any
    b: Any


class Pair(NamedTuple):
    first: Any
    second: Any


def f(x, y, z):
    return (np.sin(x) * y**2).sum() + (z * x).sum()


GRADIENTS = {
    "x": lambda x, y, z: np.cos(x) * y**2 + z,
    "y": lambda x, y, z: 2 * np.sin(x) * y,
    "z": lambda x, y, z: x,
}


@pytest.mark.parametrize(
    "wrt",
    [0, 1, 2, "x", "y", "z", (0,), ("z",), (0, 2), (2, 0), ("y", "x"), (0, "z"), (2, 1, 0)],
    ids=str,
)
@given(x=numbers((3,)), y=numbers((3,)), z=numbers((3,)))
def test_wrt(wrt, x, y, z):
    gradient = cr.grad(f, wrt)(x, y, z)
    names = [
        "xyz"[w] if isinstance(w, int) else w for w in (wrt if isinstance(wrt, tuple) else [wrt])
    ]
    expected = [GRADIENTS[name](x, y, z) for name in names]
    if not isinstance(wrt, tuple):
        gradient = (gradient,)
    assert isinstance(gradient, tuple)
    for own, right in zip(gradient, expected, strict=True):
        close(own, right)


@given(numbers((3,)), numbers((3,)), numbers((3,)))
def test_wrt_is_the_same_for_all_that_take_it(x, y, z):
    value, (by_z, by_x) = cr.value_and_grad(f, wrt=("z", "x"))(x, y, z)
    close(value, f(x, y, z))
    close(by_z, x)
    close(by_x, GRADIENTS["x"](x, y, z))
    J = cr.jacobian(lambda x, y: x * y, wrt="y")(x, y)
    close(J.toarray(), np.diag(x))
    H = cr.hessian(f, wrt="y")(x, y, z)
    close(H.toarray(), np.diag(2 * np.sin(x)))
    by_y, by_x = cr.jacobian(lambda x, y: x * y, wrt=(1, 0))(x, y)
    close(by_y.toarray(), np.diag(x))
    close(by_x.toarray(), np.diag(y))


CONTAINERS = {
    "dict": (lambda a, b: {"A": a, "b": b}, lambda c: (c["A"], c["b"])),
    "list": (lambda a, b: [a, b], lambda c: (c[0], c[1])),
    "tuple": (lambda a, b: (a, b), lambda c: (c[0], c[1])),
    "named tuple": (Pair, lambda c: (c.first, c.second)),
    "dataclass": (Layer, lambda c: (c.A, c.b)),
    "frozen dataclass": (FrozenLayer, lambda c: (c.A, c.b)),
    "nested": (
        lambda a, b: {"layers": [(a,), {"b": b}]},
        lambda c: (c["layers"][0][0], c["layers"][1]["b"]),
    ),
    "dataclass in a list": (lambda a, b: [Layer(a, {"b": b})], lambda c: (c[0].A, c[0].b["b"])),
}


@pytest.mark.parametrize("kind", CONTAINERS)
def test_a_gradient_has_the_containers_of_its_argument(kind):
    make, parts = CONTAINERS[kind]
    a, b, x = np.array([[1.0, -2.0], [0.5, 3.0]]), np.array([0.3, -0.7]), np.array([1.5, 2.0])

    def cost(theta, x):
        A, b = parts(theta)
        return ((A @ x + b) ** 2).sum()

    theta = make(a, b)
    value, gradient = cr.value_and_grad(cost)(theta, x)
    assert type(gradient) is type(theta)
    residual = a @ x + b
    close(value, residual @ residual)
    close(parts(gradient)[0], 2 * np.outer(residual, x))
    close(parts(gradient)[1], 2 * residual)
    by_both = cr.grad(cost, wrt=(0, 1))(theta, x)
    close(parts(by_both[0])[1], 2 * residual)
    close(by_both[1], 2 * a.T @ residual)


@pytest.mark.parametrize("kind", CONTAINERS)
def test_jvp_vjp_and_vmap_take_containers(kind):
    make, parts = CONTAINERS[kind]
    a, b = np.array([1.0, -2.0]), np.array([0.3, -0.7])

    def function(theta):
        A, b = parts(theta)
        return A * b

    value, tangent = cr.jvp(function, (make(a, b),), (make(b, a),))
    close(value, a * b)
    close(tangent, b * b + a * a)
    value, pullback = cr.vjp(function, make(a, b))
    (cotangent,) = pullback(np.array([1.0, 2.0]))
    close(parts(cotangent)[0], b * [1, 2])
    close(parts(cotangent)[1], a * [1, 2])
    close(cr.vmap(function)(make(a, b)), a * b)


def test_outputs_in_containers():
    x, y = np.array([0.4, -1.2]), np.array([2.0, 3.0])

    def function(x, y):
        return {"product": x * y, "pair": (np.sin(x), y.sum())}

    value, pullback = cr.vjp(function, x, y)
    close(value["product"], x * y)
    by_x, by_y = pullback({"product": np.ones(2), "pair": (np.zeros(2), 2.0)})
    close(by_x, y)
    close(by_y, x + 2)
    _, tangent = cr.jvp(function, (x, y), (np.ones(2), np.zeros(2)))
    close(tangent["pair"][0], np.cos(x))
    assert tangent["pair"][1] == 0


def test_the_same_array_in_two_places_is_two_variables():
    shared = np.array([1.0, 2.0])
    gradient = cr.grad(lambda t: (t[0] * t[1] ** 2).sum())((shared, shared))
    close(gradient[0], shared**2)
    close(gradient[1], 2 * shared**2)


def test_an_argument_that_is_not_differentiated_may_be_anything():
    def cost(x, how, table, n):
        y = np.sin(x) if how == "sin" else x
        return sum((y[: len(table)] * table[i]).sum() for i in range(n))

    x, table = np.array([0.3, -0.8]), [2.0, 3.0]
    close(cr.grad(cost)(x, "sin", table, 2), 5 * np.cos(x))
    close(cr.grad(cost)(x, "plain", table, 1), [2.0, 2.0])


def test_keyword_arguments_pass_through():
    def cost(x, *, power=2, scale=None):
        return ((x if scale is None else x * scale) ** power).sum()

    x = np.array([1.0, -2.0])
    close(cr.grad(cost)(x), 2 * x)
    close(cr.grad(cost)(x, power=3), 3 * x**2)
    close(cr.grad(cost)(x, scale=np.array([2.0, 3.0])), 2 * x * np.array([4.0, 9.0]))


def test_defaults_are_kept_and_names_reach_past_them():
    def cost(x, shift=1.5, factor=2.0):
        return ((x - shift) ** 2).sum() * factor

    x = np.array([1.0, -2.0])
    close(cr.grad(cost)(x), 4 * (x - 1.5))
    close(cr.grad(cost, wrt="factor")(x, 1.0, 3.0), ((x - 1) ** 2).sum())


def test_methods_partials_and_ufuncs_are_functions_too():
    import functools

    class Model:
        def __init__(self, factor):
            self.factor = factor

        def cost(self, x):
            return (self.factor * x**2).sum()

        __call__ = cost

    x = np.array([1.0, -2.0])
    close(cr.grad(Model(3.0).cost)(x), 6 * x)
    close(cr.grad(Model(3.0))(x), 6 * x)
    close(cr.grad(functools.partial(f, y=x, z=x))(x), GRADIENTS["x"](x, x, x))
    close(cr.grad(np.sin)(0.3), np.cos(0.3))
    close(cr.grad(np.sum)(x), np.ones(2))
    close(cr.jacobian(np.tanh)(x).toarray(), np.diag(1 - np.tanh(x) ** 2))


def test_an_argument_named_twice_is_refused_or_answered_twice():
    x = np.array([1.0, -2.0])
    try:
        by_x, again = cr.grad(lambda x: (x**2).sum(), wrt=(0, "x"))(x)
    except ValueError as error:
        refusal = str(error)
        assert "twice" in refusal
    else:
        close(by_x, 2 * x)
        close(again, 2 * x)
