"""Every kind of object that a public function returns, and what each answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

import chainrule as cr

X = np.linspace(0.1, 2.0, 6)
P = {"A": np.linspace(-1.0, 1.0, 12).reshape(2, 6), "b": np.array([0.25, -0.5])}


@dataclass
class Weights:
    A: np.ndarray
    name: str
    count: int = 3


def products(x):
    """Of neighbours."""
    return np.tanh(x[1:] * x[:-1])


def cost(x, scale=1.0):
    """A number."""
    return scale * np.sum(np.tanh(x[1:] * x[:-1]) ** 2)


def layer(p, x):
    Z = p["A"] @ x + p["b"]
    f1 = cr.sigmoid(Z)
    return np.sum(f1**2)


def with_weights(w):
    return {"A": w.A * 2, "sum": np.sum(w.A)}


def steep(z):
    return np.tanh(3 * z)


@cr.grad
def decorated(x):
    return np.sum(x**3)


class Model:
    """Transformations as decorators of methods."""

    def __init__(self, factor):
        self.factor = factor

    def energy(self, x):
        return self.factor * np.sum(x**2)

    @partial(cr.grad, wrt="x")
    def force(self, x):
        return self.factor * np.sum(x**2)

    @partial(cr.vmap, in_axes=(None, 0))
    def each(self, x):
        return self.factor * x[0]

    @partial(cr.jacobian, wrt=1)
    def slopes(self, x):
        return self.factor * x**2


def _network(**options: Any) -> cr.Network:
    return cr.Network([6, 3, 2], **options)


@lru_cache(maxsize=1)
def _fitted() -> cr.FitResult:
    rng = np.random.default_rng(0)
    data = rng.normal(size=(12, 6)), rng.normal(size=(12, 2))
    return cr.fit(
        _network(), *data, cost=cr.squared_cost, optimiser=cr.Adam(0.01), epochs=2, progress=False
    )


def _computed(jacobian: cr.Jacobian) -> cr.Jacobian:
    jacobian.toarray()
    jacobian.tosparse()
    return jacobian


def _called(f: Callable[..., Any], *args: Any) -> Callable[..., Any]:
    f(*args)
    f(*args)
    return f


class Kind(NamedTuple):
    """How to make an object, and what it answers: arrays, numbers and texts."""

    make: Callable[[], Any]
    answers: Callable[[Any], Any]


def of_jacobian(J: Any) -> Any:
    v, u = np.ones(J.input_shape), np.ones(J.output_shape)
    products = [J @ v, u @ J]
    return [products, repr(J), J.toarray(), J.tosparse().toarray(), J.T.toarray(), J @ v]


def at_x(f: Callable[..., Any]) -> Any:
    return f(X)


def written(f: Callable[..., Any]) -> Any:
    return of_jacobian(f(X))


def itself(thing: Any) -> Any:
    return thing


def _step(optimiser: Any) -> Any:
    return optimiser.update(P, P, optimiser.init(P))


KINDS: dict[str, Kind] = {
    "grad": Kind(lambda: cr.grad(cost), at_x),
    "grad by name": Kind(lambda: cr.grad(cost, wrt="x"), at_x),
    "grad of a partial": Kind(lambda: cr.grad(partial(cost, scale=3.0)), at_x),
    "grad of a method": Kind(lambda: cr.grad(Model(2.0).energy), at_x),
    "decorated": Kind(lambda: decorated, at_x),
    "decorated method": Kind(lambda: Model(2.0).force, at_x),
    "value_and_grad": Kind(lambda: cr.value_and_grad(cost), at_x),
    "jacobian": Kind(lambda: cr.jacobian(products), written),
    "jacobian by a pattern": Kind(
        lambda: cr.jacobian(products, order="forward", sparsity=np.eye(5, 6) + np.eye(5, 6, 1)),
        written,
    ),
    "hessian": Kind(lambda: cr.hessian(cost), written),
    "vmap": Kind(lambda: cr.vmap(products), lambda f: f(np.stack([X, X]))),
    "compile": Kind(lambda: cr.compile(cost), at_x),
    "compile, called": Kind(lambda: _called(cr.compile(cr.grad(cost)), X), at_x),
    "nested": Kind(lambda: cr.grad(lambda_free(cr.grad(cost))), at_x),
    "derive": Kind(lambda: cr.derive(cost), lambda f: f(X).text()),
    "pullback": Kind(lambda: cr.vjp(layer, P, X)[1], lambda f: f(2.0)),
    "pullback to a dataclass": Kind(
        lambda: cr.vjp(with_weights, Weights(X, "n"))[1], lambda f: f({"A": X, "sum": 1.0})[0].A
    ),
    "Jacobian": Kind(lambda: cr.jacobian(products)(X), of_jacobian),
    "Jacobian, computed": Kind(lambda: _computed(cr.jacobian(products)(X)), of_jacobian),
    "Jacobian, transposed": Kind(lambda: cr.jacobian(products)(X).T, of_jacobian),
    "Jacobian, part": Kind(lambda: cr.hessian(cost)(X)[1:4], of_jacobian),
    "Jacobian, dense": Kind(lambda: cr.jacobian(np.linalg.inv)(np.eye(3) + 0.1), of_jacobian),
    "Jacobian, by a pattern": Kind(
        lambda: cr.jacobian(products, sparsity="detect")(X), of_jacobian
    ),
    "Jacobian, gathered": Kind(lambda: cr.jacobian(np.sort)(X[::-1]), of_jacobian),
    "Jacobians in containers": Kind(
        lambda: cr.jacobian(layer, wrt=(0, 1))(P, X), lambda J: [of_jacobian(J[0]["A"]), J[1] @ X]
    ),
    "Hessian": Kind(lambda: cr.hessian(cost)(X), of_jacobian),
    "plan": Kind(lambda: cr.jacobian(products).plan(X), lambda p: [str(p), *of_jacobian(p(X + 1))]),
    "Jacobian of a plan": Kind(lambda: cr.jacobian(products).plan(X)(X + 1), of_jacobian),
    "Graph": Kind(lambda: cr.trace(layer, P, X), lambda g: [str(g), repr(g), len(g)]),
    "Network": Kind(_network, lambda n: n(n.init(0), X)),
    "Network of functions": Kind(
        lambda: _network(activation=steep, output=np.sin), lambda n: n(n.init(0), X)
    ),
    "parameters": Kind(lambda: _network().init(0), itself),
    "GradientDescent": Kind(lambda: cr.GradientDescent(0.5), _step),
    "Momentum": Kind(lambda: cr.Momentum(0.5, nesterov=True), _step),
    "AdaGrad": Kind(lambda: cr.AdaGrad(0.5), _step),
    "RMSProp": Kind(lambda: cr.RMSProp(0.5), _step),
    "Adam": Kind(lambda: cr.Adam(0.5), _step),
    "AdamW": Kind(lambda: cr.AdamW(0.5), _step),
    "FitResult": Kind(_fitted, lambda r: [r.predict(X), r.cost, r.history.cost, r.params]),
    "Derivation": Kind(lambda: cr.derive(cost)(X), lambda d: [d.text(), d.latex(), d.svg()[:200]]),
    "CheckReport": Kind(lambda: cr.check(cost, np.sin, X), lambda r: [str(r), r.ok]),
}  # fmt: skip
"""By name."""


class lambda_free:  # a callable object of the user's own
    """The sum of what a function returns."""

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f = f

    def __call__(self, x):
        return np.sum(self.f(x))


def same(left: Any, right: Any) -> bool:
    """Whether two answers are the same to the last bit."""
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, (np.ndarray, np.generic, float)):
        one, two = np.asarray(left), np.asarray(right)
        return one.dtype == two.dtype and one.shape == two.shape and one.tobytes() == two.tobytes()
    return bool(left == right)
