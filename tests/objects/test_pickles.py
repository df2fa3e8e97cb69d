"""Everything that a public function returns goes through a pickle, with the same bits after it."""

from __future__ import annotations

import gc
import inspect
import multiprocessing
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule import errors
from chainrule.errors import ChainruleError, UnpicklableError
from chainrule.formulas.faults import FormulaError, Span
from tests.objects.kinds import KINDS, P, X, cost, layer, products, same

PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)


@pytest.mark.parametrize("name", KINDS)
def test_it_comes_back_the_same(name):
    kind = KINDS[name]
    thing = kind.make()
    data = [pickle.dumps(thing, protocol) for protocol in PROTOCOLS]
    assert inspect.ismethod(thing) or repr(pickle.loads(data[0]))[:20] == repr(thing)[:20]
    wanted = kind.answers(thing)
    for stored in data:
        again = pickle.loads(stored)
        assert type(again) is type(thing)
        assert same(kind.answers(again), wanted)


def test_it_comes_back_in_another_process(tmp_path):
    """From a process that imports nothing of chainrule before the pickle asks for it."""
    names = list(KINDS)
    things = [KINDS[name].make() for name in names]
    (tmp_path / "things").write_bytes(pickle.dumps(list(zip(names, things, strict=True))))
    code = (
        "import pickle, sys\n"
        "things = pickle.load(open(sys.argv[1], 'rb'))\n"
        "from tests.objects.kinds import KINDS\n"
        "answers = [KINDS[name].answers(thing) for name, thing in things]\n"
        "pickle.dump(answers, open(sys.argv[2], 'wb'))\n"
    )
    files = [str(tmp_path / "things"), str(tmp_path / "answers")]
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code, *files], check=True, cwd=root)
    found = pickle.loads((tmp_path / "answers").read_bytes())
    wanted = [KINDS[name].answers(thing) for name, thing in zip(names, things, strict=True)]
    wrong = [n for n, a, b in zip(names, found, wanted, strict=True) if not same(a, b)]
    assert not wrong


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_pool_of_processes_maps_it(method):
    points = [X + k for k in range(3)]
    functions = [cr.grad(cost), cr.compile(cr.grad(cost)), cr.jacobian(products)]
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        for f in functions:
            found = list(pool.map(f, points))
            assert same([np.asarray(a) for a in found], [np.asarray(f(x)) for x in points])
        with pytest.raises(errors.ShapeError, match="scalar"):
            pool.submit(cr.grad(products), X).result()
        with pytest.raises(UnpicklableError, match="top level of a module"):
            pool.submit(cr.grad(lambda x: x), 1.0).result()


# -- nodes ----------------------------------------------------------------------------------------


def test_equal_nodes_are_one_object_again():
    graph = cr.trace(layer, P, X)
    again = pickle.loads(pickle.dumps(graph))
    assert again == graph
    assert hash(again) == hash(graph)
    assert all(a is b for a, b in zip(again.nodes, graph.nodes, strict=True))
    one = cr.jacobian(layer, wrt=(0, 1))(P, X)
    data, text = pickle.dumps((graph, one)), str(graph)
    del graph, again, one
    gc.collect()
    first, second = pickle.loads(data), pickle.loads(data)
    assert first[0] == second[0]
    assert str(first[0]) == text
    assert all(a is b for a, b in zip(first[0].nodes, second[0].nodes, strict=True))


def test_arguments_of_two_calls_stay_two():
    one, two = cr.trace(cost, X), cr.trace(cost, X)
    first, second = pickle.loads(pickle.dumps((one, two)))
    assert one != two
    assert (first, second) == (one, two)


def test_a_graph_may_be_deeper_than_the_recursion_limit():
    def deep(x):
        for _ in range(2 * sys.getrecursionlimit()):
            x = np.sin(x)
        return x

    graph, (_, pull) = cr.trace(deep, 1.0), cr.vjp(deep, 1.0)
    assert len(pickle.loads(pickle.dumps(graph))) == len(graph)
    assert pickle.loads(pickle.dumps(pull))(1.0) == pull(1.0)


def test_the_size_of_a_pickle_follows_what_is_at_hand():
    """A Jacobian that is computed leaves the data behind that it was computed from."""
    data = np.ones((1000, 100))
    J = cr.hessian(lambda w: np.sum((data @ w) ** 2))(np.ones(100))
    J.toarray()
    assert len(pickle.dumps(J)) < 1.1 * J.nbytes + 2000


# -- what can't be pickled ------------------------------------------------------------------------


def local():
    def inside(x):
        return np.sum(x)

    return inside


@pytest.mark.parametrize("f", [lambda x: np.sum(x), local(), partial(lambda k, x: x, 1)])
@pytest.mark.parametrize(
    "make", [cr.grad, cr.value_and_grad, cr.jacobian, cr.hessian, cr.vmap, cr.compile, cr.derive]
)
def test_a_function_without_a_name_is_refused_in_one_sentence(make, f):
    with pytest.raises(UnpicklableError) as caught:
        pickle.dumps(make(f))
    assert isinstance(caught.value, pickle.PicklingError)
    assert str(caught.value).startswith(f"pickle {make.__name__}: ")
    assert str(caught.value).endswith(
        "define it with def at the top level of a module (options: functools.partial)"
    )
    with pytest.raises(UnpicklableError):
        pickle.dumps([cr.grad(cr.compile(f))])


def test_the_text_of_the_refusal():
    with pytest.raises(UnpicklableError) as caught:
        pickle.dumps(cr.grad(local()))
    assert str(caught.value) == (
        "pickle grad: inside cannot be found by its name in its module; got "
        "tests.objects.test_pickles.local.<locals>.inside; define it with def at the top level of "
        "a module (options: functools.partial)"
    )
    with pytest.raises(UnpicklableError, match="pickle Network: <lambda> cannot be found"):
        pickle.dumps(cr.Network([2, 1], activation=lambda z: z))


def test_other_picklers_may_write_more():
    cloudpickle = pytest.importorskip("cloudpickle")
    f = cr.grad(lambda x: x**2)
    assert cloudpickle.loads(cloudpickle.dumps(f))(3.0) == 6.0
    assert pickle.loads(cloudpickle.dumps(cr.compile(f)))(3.0) == 6.0


def test_what_belongs_to_a_derivative_under_way_is_refused():
    def f(x):
        for thing in (cr.jacobian(products)(x), cr.vjp(products, x)[1]):
            with pytest.raises(UnpicklableError, match="that is being taken"):
                pickle.dumps(thing)
        return np.sum(x)

    cr.grad(f)(X)


# -- errors ---------------------------------------------------------------------------------------

ERRORS = [
    kind("an operation", "a problem", "this", "a remedy")
    for kind in vars(errors).values()
    if inspect.isclass(kind) and issubclass(kind, ChainruleError)
]


@pytest.mark.parametrize(
    "error",
    [*ERRORS, FormulaError("a + $b", Span(4, 5), "no sense")],
    ids=lambda e: type(e).__name__,
)
def test_errors_come_back_from_another_process(error):
    error.add_note("a note")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)
