"""Copies, equality, names, methods, weak references: as Python users expect them."""

from __future__ import annotations

import copy
import inspect
import weakref
from functools import partial

import numpy as np
import pytest

import chainrule as cr
from tests.objects.kinds import KINDS, Model, P, X, cost, layer, same

OBJECTS = [name for name in KINDS if name != "parameters" and name != "Jacobians in containers"]
MAKERS = [cr.grad, cr.value_and_grad, cr.jacobian, cr.hessian, cr.vmap, cr.compile, cr.derive]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copies(name, copied):
    kind = KINDS[name]
    thing = kind.make()
    again = copied(thing)
    assert type(again) is type(thing)
    if again is not thing:  # what does not change is its own copy
        assert same(kind.answers(again), kind.answers(thing))


@pytest.mark.parametrize("name", OBJECTS)
def test_equality_and_hashes(name):
    thing, other = KINDS[name].make(), KINDS[name].make()
    assert thing == thing
    assert (thing == other) in (True, False)
    assert (thing != other) is not (thing == other)
    assert thing != "something else"
    assert hash(thing) == hash(thing)
    assert {thing: 1}[thing] == 1
    if thing == other:
        assert hash(thing) == hash(other)


@pytest.mark.parametrize("name", OBJECTS)
def test_weak_references(name):
    thing = KINDS[name].make()
    if not inspect.ismethod(thing):
        assert weakref.ref(thing)() is thing


def test_results_are_equal_by_their_numbers():
    one, other = KINDS["FitResult"].make(), copy.deepcopy(KINDS["FitResult"].make())
    assert one == other
    other.params["A0"][0, 0] += 1e-9
    assert one != other


# -- functions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", MAKERS)
def test_names_and_signatures(make):
    def f(x: float, y: float = 2.0) -> float:
        """What it says."""
        return x * y

    f.remark = "kept"
    g = make(make(f))
    assert (g.__name__, g.__doc__, g.remark) == ("f", "What it says.", "kept")
    assert (g.__module__, g.__qualname__) == (f.__module__, f.__qualname__)
    assert inspect.signature(g) == inspect.signature(f)
    assert inspect.unwrap(g) is f
    assert g.__wrapped__.__wrapped__ is f


@pytest.mark.parametrize("make", MAKERS)
def test_callables_without_names(make):
    assert make(partial(cost, scale=2.0)).__name__ == "cost"
    assert make(Model(1.0).energy).__name__ == "energy"
    assert make(np.sin).__name__ == "sin"
    assert make(Callable()).__name__ == "Callable"


class Callable:
    plan = "an attribute with the name of a method"

    def __init__(self):
        self.plan = self.plan

    def __call__(self, x):
        return np.sum(x)


def test_attributes_do_not_hide_methods():
    J = cr.jacobian(Callable())
    assert J.plan(X).structure == "constant 1"


def test_methods():
    one, other = Model(2.0), Model(5.0)
    assert one.force(X).tolist() == (4 * X).tolist()
    assert other.force(X).tolist() == (10 * X).tolist()
    assert one.each(np.ones((3, 1))).tolist() == [2, 2, 2]
    assert one.slopes(X).diagonal().tolist() == (4 * X).tolist()
    assert cr.grad(one.energy)(X).tolist() == (4 * X).tolist()
    assert Model.force(one, X).tolist() == (4 * X).tolist()
    assert str(inspect.signature(one.force)) == "(x)"
    assert one.force.__name__ == "force"


# -- texts ----------------------------------------------------------------------------------------

SCRIPT = "<script>alert('&')</script>"


def _named(name):
    def f(x):
        return np.sum(x**2)

    f.__name__ = f.__qualname__ = name
    return f


def test_reprs_of_functions():
    def texts(f):
        yield cr.grad(f)
        yield cr.grad(f, wrt=("A", 1))
        yield cr.compile(cr.vmap(cr.value_and_grad(f), in_axes=(None, 0)), when="auto")
        yield cr.hessian(f, order="forward")
        yield cr.jacobian(partial(f, 1), sparsity=np.eye(3))
        yield cr.derive(f, letters={5: "m"})

    assert [repr(thing) for thing in texts(cost)] == [
        "<cr.grad(cost)>",
        "<cr.grad(cost, wrt=('A', 1))>",
        "<cr.compile(cr.vmap(cr.value_and_grad(cost), in_axes=(None, 0)), when='auto'): "
        "not compiled yet>",
        "<cr.hessian(cost, order='forward')>",
        "<cr.jacobian(partial(cost, ...), sparsity=Marks of shape (3, 3))>",
        "<cr.derive(cost, letters={5: 'm'})>",
    ]
    compiled = cr.compile(cost)
    compiled(X)
    assert repr(compiled) == "<cr.compile(cost): code for 1 kind of arguments>"
    compiled(X[1:])
    assert repr(compiled) == "<cr.compile(cost): code for 2 kinds of arguments>"


def test_reprs_of_results():
    assert repr(cr.trace(layer, P, X)) == (
        "<Graph A: float64[2, 6], b: float64[2], x: float64[6] -> float64[]; "
        "8 nodes, 32 operations, 312 bytes>"
    )
    assert repr(cr.Network([6, 3, 2], activation=np.tanh)) == (
        "Network([6, 3, 2], activation=tanh, output='linear')"
    )
    assert repr(KINDS["plan"].make()) == (
        "<JacobianPlan (5,) by (6,): banded, at most 2 of 6 per row, 80 bytes, 15 operations, "
        "reverse>"
    )
    assert repr(KINDS["pullback"].make()) == "<pullback of layer by cotangents of shape ()>"
    assert repr(cr.check(cost, cr.grad(cost), X)).startswith("<CheckReport right: ")
    assert repr(KINDS["FitResult"].make()).startswith(
        "<FitResult of Network([6, 3, 2], activation='sigmoid', output='linear'): "
        "finished after 2 epochs, cost "
    )


def _large():
    """Objects as large as they come, with names as long as they come."""
    many = {f"{'parameter' * 30}{k}": np.ones(2) for k in range(300)}
    f = _named("f" * 5000)
    g = _named("g")

    def cost_of(p):
        return sum(np.sum(value**2) for value in p.values())

    yield cr.grad(f, wrt=tuple("name" * 500 for _ in range(100)))
    yield cr.vmap(f, in_axes=(many,))
    yield cr.compile(partial(f, np.ones(10_000)))
    yield cr.trace(cost_of, many)
    yield cr.vjp(cost_of, many)[1]
    yield cr.vjp(lambda p: p, many)[1]
    yield cr.jacobian(g, sparsity=np.ones((1, 3000)))
    yield cr.jacobian(lambda x: x[::2] * x[1::2])(np.ones(20_000))
    yield cr.jacobian(lambda x: x[::2] * x[1::2]).plan(np.ones(20_000))
    yield cr.Network([3] * 5000)
    yield cr.FitResult(cr.Network([3] * 5000), {}, stopped="for a reason " * 1000)
    yield cr.CheckReport(False, "kind", "a diagnosis " * 1000, ("evidence",) * 1000)


@pytest.mark.parametrize("thing", list(_large()), ids=lambda thing: type(thing).__name__)
def test_reprs_are_short_however_large_the_object(thing):
    assert len(repr(thing)) < 2000
    assert repr(thing).count("\n") < 5


@pytest.mark.parametrize("name", KINDS)
def test_reprs_show_no_addresses(name):
    thing = KINDS[name].make()
    if not inspect.ismethod(thing):
        assert " at 0x" not in repr(thing)


def test_pages_escape_names():
    net = cr.Network([2, 3, 1], activation=_named(SCRIPT))
    graph = cr.trace(lambda p: p[SCRIPT] * 2, {SCRIPT: X})
    result = cr.FitResult(net, {}, stopped=SCRIPT)
    for thing in (net, graph, result, cr.jacobian(cost)(X)):
        page = thing._repr_html_()
        assert "<script" not in page
        assert len(page) < 100_000
    assert "&lt;script&gt;" in net._repr_html_()
    assert "&lt;script&gt;" in graph._repr_html_()
    assert "&lt;script&gt;" in result._repr_html_()


def test_pages_of_large_objects_are_short():
    def long(x):
        for _ in range(3000):
            x = np.sin(x) + x
        return x

    for thing in (cr.trace(long, X), cr.Network([3] * 5000)):
        assert len(thing._repr_html_()) < 100_000
