"""The way from Python into native code: what it accepts, makes, holds on to and lets go."""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
import threading
import weakref
from collections import OrderedDict, namedtuple
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

import chainrule as cr
from chainrule.native.entry import code as entry_code
from chainrule.native.entry import direct
from chainrule.native.entry import layout as entry_layout
from chainrule.native.entry.compiled import Compiled
from chainrule.native.entry.entry import Argument, Result, entry
from chainrule.native.run.machine import compile_text
from chainrule.tracing.containers import flatten
from tests.jacobians.generated import Generated, functions

DOUBLE = np.dtype(float)
TWICE = """
define void @run(ptr %table, ptr %meeting, i64 %thread, i64 %threads) {
  %to_at = getelementptr ptr, ptr %table, i64 1
  %from = load ptr, ptr %table
  %to = load ptr, ptr %to_at
  %x = load double, ptr %from
  %y = fadd double %x, %x
  store double %y, ptr %to
  ret void
}
"""


@contextmanager
def no_detour():
    """Within the block no call may be looked up: all have to go straight into native code."""

    def refuse(self, args, kwargs):
        raise AssertionError(f"not called directly, with {args}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compiled, "_call", refuse)
        patch.setattr(direct, "unflatten", refuse)
        yield


def called_twice(f, *args):
    """A compiled function: the second call with such arguments shows it the direct way."""
    compiled = cr.compile(f)
    compiled(*args)
    compiled(*args)
    return compiled


def straight(f, *args):
    """The result of a call that takes the direct way, after one that shows it."""
    compiled = called_twice(f, *args)
    # what new arrays find in memory is not what it should be
    junk = [np.full(n, -77.0) for n in range(1, 13) for _ in range(10)]
    del junk
    with no_detour():
        return compiled(*args)


def twice():
    """An entry that doubles the first element, with memory of its own."""
    module = compile_text(TWICE, ["run"])
    table = (ctypes.c_void_p * 2)()
    argument = Argument(np.zeros(1), 0, (1,), DOUBLE)
    return entry(
        module.address("run"), table, [argument], [Result(1, (1,), DOUBLE, True, (1,))],
        taken=[0], given=0, keep=module,
    )  # fmt: skip


Pair = namedtuple("Pair", "a b")


@dataclass
class Layer:
    A: np.ndarray
    b: np.ndarray


X, Y = np.linspace(0.1, 1, 6).reshape(2, 3), np.arange(6.0).reshape(2, 3)
RESULTS = {
    "one array": lambda x: x * 2,
    "a number": lambda x: x.sum(),
    "a truth": lambda x: x.sum() > 0,
    "a tuple": lambda x: (x * 2, x.sum()),
    "one in a tuple": lambda x: (x + 1,),
    "a list": lambda x: [x * 2, x + 1],
    "a dict": lambda x: {"b": x * 2, "a": x.sum(), "c": x - 1},
    "nested": lambda x: ([x.sum(), {"n": (x * 2, x + 1)}, ()], {"m": [x - 1], "e": {}}),
    "the argument": lambda x: x,
    "the argument twice": lambda x: (x, x),
    "the same twice": lambda x: (x * 2, x * 2),
    "a constant": lambda x: (np.ones(3), np.eye(2), np.float64(2.5), x),
    "transposed": lambda x: (x * 2).T,
    "backwards": lambda x: (x[::-1, ::-1], (x + 1)[:, ::2], x.T[1:]),
    "one and its parts": lambda x: (y := x * 2, y.T, y[0], y[1, 2], y.reshape(3, 2), y.ravel()),
    "repeated": lambda x: np.broadcast_to((x * 2)[:, :1], (2, 5)),
    "empty": lambda x: (x[:0] * 2, (x + 1)[:, :0].T),
}


@given(functions(3))
def test_generated_functions_and_gradients_come_out_the_same_either_way(case: Generated):
    for f in (case.function, cr.value_and_grad(case.scalar())):
        compiled = cr.compile(f)
        first = flatten(compiled(case.x))[0]
        for _ in range(2):
            again = flatten(compiled(case.x))[0]
            for one, other in zip(first, again, strict=True):
                assert type(one) is type(other)
                assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f"), "to the bit"


@pytest.mark.parametrize("f", RESULTS.values(), ids=RESULTS.keys())
def test_results_of_every_form(f):
    found, expected = straight(f, X), f(X)
    found_leaves, structure = flatten(found)
    leaves, expected_structure = flatten(expected)
    assert repr(found) == repr(expected)
    assert structure == expected_structure
    for one, other in zip(found_leaves, leaves, strict=True):
        assert type(one) is type(np.asarray(other)[()] if np.ndim(other) == 0 else other)
        assert one.dtype == np.asarray(other).dtype
        if one.ndim:
            assert one.flags.owndata
            assert one.flags.writeable
            assert one.flags.c_contiguous
    arrays = [one for one in found_leaves if one.ndim]
    arrays.append(X)
    for k, one in enumerate(arrays):
        assert not any(np.may_share_memory(one, other) for other in arrays[:k])


@pytest.mark.parametrize(
    "args",
    [
        (X, Y), (X, X), (X, 2.5), (X.astype(np.float32), 2.5), (X, np.float64(2)), (X, 3),
        (X, True), (X.astype(np.float32), np.float32(2)),
        (np.float64(1), np.float64(2)), (X, np.arange(3)), (X > 0.5, Y), (X, np.array(3.0)),
        (0.5, 2.5), (X, 2**70), (X[:0], Y[:0]),
    ],
)  # fmt: skip
def test_arguments_of_every_kind(args):
    found, expected = straight(lambda x, y: x * y, *args), args[0] * args[1]
    assert np.asarray(found).dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(found, expected, rtol=1e-15)  # one rounding


@pytest.mark.parametrize(
    "args",
    [
        ([X, Y],), ((X, Y),), ({"a": X, "b": Y},), ({"b": X, "a": Y},), ([{"a": X}, (Y,)],),
        ([X, 2.5],), ([X, 3],), ({"a": X, "b": [X, {"c": Y}]},), ([X] * 100,),
    ],
)  # fmt: skip
def test_containers_of_every_form(args):
    def f(tree):
        leaves, _ = flatten(tree)
        return sum((k + 1) * leaf for k, leaf in enumerate(leaves))

    # 100 sums in the order in which NumPy adds them
    np.testing.assert_allclose(straight(f, *args), f(*args), rtol=1e-14)


@pytest.mark.parametrize(
    "tree",
    [
        Pair(X, Y), Layer(X, Y), OrderedDict(a=X, b=Y), {1: X, 2: Y}, [X, None, Y], [X] * 300,
        {"a": Layer(X, Y)},
    ],
)  # fmt: skip
def test_containers_that_python_takes_apart(tree):
    f = cr.compile(lambda tree: [leaf * 2 for leaf in flatten(tree)[0]])
    for _ in range(3):
        for found, leaf in zip(f(tree), flatten(tree)[0], strict=True):
            assert np.array_equal(found, leaf * 2)


def test_other_keys_of_the_same_text_are_the_same():
    f = called_twice(lambda tree: tree["some key"] * 2, {"some key": X})
    with no_detour():
        assert np.array_equal(f({" ".join(["some", "key"]): X}), X * 2)


def test_other_containers_are_not_taken():
    f = called_twice(lambda tree: {key: 2 * item for key, item in tree.items()}, {"a": X, "b": Y})
    (way,) = f._entries
    for other in ({"a": X, "c": Y}, {"a": X}, {"a": X, "b": Y, "c": X}, {"a": X, 2: Y}, {}):
        assert way(other) is NotImplemented
        found = f(other)
        assert list(found) == list(other)
        assert all(np.array_equal(found[key], 2 * other[key]) for key in other)
    for kind in (tuple, list):
        g = called_twice(lambda tree, n: (sum(2 * item for item in tree), n), kind([X, Y]), 3)
        for other in (kind([X]), kind([X, Y, X]), kind([]), [*"ab"], {"a": X, "b": Y}, X):
            assert g._entries[-1](other, 3) is NotImplemented
        for n in (4, 3.0, True, 2**64 + 3, None):
            assert g._entries[-1](kind([X, Y]), n) is NotImplemented
        assert g._entries[-1](kind([X, Y]), 3)[1] == 3


def test_the_order_of_keys_counts():
    f = cr.compile(lambda tree: np.stack(list(tree.values())))
    one, other = {"a": X, "b": Y}, {"b": Y, "a": X}
    for _ in range(3):
        assert np.array_equal(f(one), np.stack([X, Y]))
        assert np.array_equal(f(other), np.stack([Y, X]))
    nested = cr.compile(lambda layer: next(iter(layer.A.values())) * 2)
    for _ in range(3):
        assert np.array_equal(nested(Layer({"a": X, "b": Y}, X)), X * 2)
        assert np.array_equal(nested(Layer({"b": Y, "a": X}, X)), Y * 2)


def test_what_is_not_expected_is_not_taken():
    f = twice()
    x = np.array([3.0])
    assert f(x).tolist() == [6.0]
    byte = np.frombuffer(bytes(9), np.uint8).copy()
    for other in (
        (), (x, x), (3.0,), ([3.0],), (None,), (np.float64(3),), (x.astype(np.float32),), (x[:0],),
        (x.reshape(1, 1),), (np.array(3.0),), (x.astype(">f8"),), (x.view(np.recarray),), (x > 0,),
        (np.zeros(2)[::2][:0],), (byte[1:].view(float),), (x.astype(complex),), (np.zeros(3),),
        (x.astype(np.int64),), (np.array([None]),), (np.array(["a"]),),
        (np.array([3], "m8[s]"),), (np.zeros(1, [("a", float)]),),
    ):  # fmt: skip
        assert f(*other) is NotImplemented, other
    assert f(x).tolist() == [6.0]


def test_elements_that_are_apart_are_not_taken():
    x = np.arange(12.0).reshape(3, 4)
    f = called_twice(lambda x: x * 2, x)
    for other in (np.arange(12.0).reshape(4, 3).T, np.arange(24.0).reshape(3, 8)[:, ::2], x[::-1]):
        assert np.array_equal(f(other), other * 2)
        with no_detour(), pytest.raises(AssertionError):
            f(other)


def test_unpickled_and_copied_arrays_are_taken():
    """Their dtypes may be other objects than NumPy's own ones."""
    x = np.array([3.0]).__reduce__()
    built = x[0](*x[1])
    built.__setstate__(x[2])
    assert twice()(built).tolist() == [6.0]


def test_positions_outside_of_an_array_are_numpys_error():
    f = cr.compile(lambda x, k: (x[k] * 2, {"sum": x[k].sum()}))
    x, good, bad = np.arange(5.0), np.array([4, 0, -1]), np.array([0, 7, 1])
    for _ in range(2):
        f(x, good)
    assert type(f._entries[0]) is type(len)
    for _ in range(3):
        with pytest.raises(IndexError, match="7 is out of bounds"):
            f(x, bad)
        with no_detour():
            assert f(x, good)[0].tolist() == [8, 0, 8]
        assert f(x, np.array([1, 2]))[1]["sum"] == 3


# -- what is held and let go ----------------------------------------------------------------------


def test_references_are_left_as_they_were():
    params = {"A": X.copy(), "b": [Y.copy(), 2.5]}
    f = called_twice(
        lambda p, n: ({"A": p["A"] * n, "b": [p["b"][0], p["A"].sum()]}, p["b"][1]), params, 7
    )
    held = [
        params,
        params["A"],
        params["b"],
        params["b"][0],
        None,
        NotImplemented,
        DOUBLE,
        "A",
        "b",
    ]
    with no_detour():
        f(params, 7)
        gc.collect()
        before = list(map(sys.getrefcount, held))
        for _ in range(1000):
            f(params, 7)
        # not taken: the containers of the results are let go again
        for entry in f._entries:
            for _ in range(1000):
                entry(params, 8)
        gc.collect()
        # the loop's own variables may hold one or two
        changes = [n - b for n, b in zip(map(sys.getrefcount, held), before, strict=True)]
    assert max(map(abs, changes)) <= 2, changes


def test_results_have_one_owner():
    for f in (lambda x: x * 2, lambda x: x.sum()):
        result = straight(f, X)
        assert sys.getrefcount(result) == 2
    inside, number = straight(lambda x: (x * 2, {"a": x.sum()}), X)
    assert sys.getrefcount(inside) == 2
    assert sys.getrefcount(number) == 2
    total = number.pop("a")
    assert sys.getrefcount(total) == 2


def resident():
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's account of memory")
def test_a_million_calls_leave_no_memory_behind():
    params, wrong = {"x": np.ones(3)}, {"x": np.ones(4)}
    f = called_twice(lambda p, t: (p["x"] * t, [p["x"].sum(), {"copy": p["x"]}]), params, 2.5)
    (way,) = f._entries
    for _ in range(1000):
        way(params, 2.5)
    gc.collect()
    before = resident()
    for k in range(1_000_000):
        way(params if k % 4 else wrong, 2.5)
    gc.collect()
    # one object lost a call would be 16 MB at the least
    assert resident() - before < 4e6


def test_code_and_memory_live_as_long_as_the_way_in():
    f = called_twice(lambda x: x * np.arange(3.0) + 1, np.ones(3))
    (way,) = f._entries
    program = weakref.ref(next(iter(f._made.values())).run)
    del f
    gc.collect()
    junk = [np.full(3, np.nan) for _ in range(100)]
    assert way(np.ones(3)).tolist() == [1, 2, 3]
    del way, junk
    gc.collect()
    assert program() is None


def test_a_result_that_does_not_fit_into_memory_is_an_error():
    module = compile_text(TWICE, ["run"])
    key = " ".join(["own", "key"])
    far = (1 << 20, 1 << 20, 1 << 10)
    results = [
        Result(0, (1,), DOUBLE, False, (1,)),
        Result(1, far, DOUBLE, True, (1 << 30, 1 << 10, 1)),
    ]
    f = entry(
        module.address("run"), (ctypes.c_void_p * 2)(), [Argument(np.zeros(1), 0, (1,), DOUBLE)],
        results, taken=[0], given={key: [0], "b": (1,)}, keep=module,
    )  # fmt: skip
    x = np.ones(1)
    before = sys.getrefcount(key)
    for _ in range(3):
        with pytest.raises(MemoryError):
            f(x)
    assert sys.getrefcount(x) == 2
    assert sys.getrefcount(key) == before, "what was made so far is let go"


def test_the_garbage_collector_may_call_the_same_function():
    """Before Python 3.12 a new tuple may wake it, and it may run anything."""
    x, other = np.arange(3.0), np.full(3, 100.0)
    f = called_twice(lambda x: tuple(x + k for k in range(30)), x)
    (way,) = f._entries
    calls, kept = [], []

    class Dying:
        def __init__(self):
            self.me = self

        def __del__(self):
            calls.append(f(other))

    threshold = gc.get_threshold()
    try:
        for _ in range(20):
            gc.disable()
            gc.set_threshold(1)
            for _ in range(5):
                Dying()
            gc.enable()
            kept.append(way(x))
    finally:
        gc.set_threshold(*threshold)
        gc.enable()
    assert len(calls) > 10
    for results, argument in ((kept, x), (calls, other)):
        for result in results:
            assert all(np.array_equal(item, argument + k) for k, item in enumerate(result))


def test_threads_share_a_way_in():
    f = cr.compile(lambda x: (np.exp(x) - x, [x.sum(), x[::-1]]))
    inputs = [np.linspace(0, k, 50) for k in range(1, 7)]
    expected = [f(x) for x in inputs]
    wrong = []

    def work(k):
        for _ in range(2000):
            first, (total, back) = f(inputs[k])
            ours, (our_total, our_back) = expected[k]
            if not (
                np.array_equal(first, ours) and total == our_total and (back == our_back).all()
            ):
                wrong.append(k)

    interval = sys.getswitchinterval()
    try:
        sys.setswitchinterval(1e-6)
        threads = [threading.Thread(target=work, args=(k,)) for k in range(len(inputs))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong


# -- where it is not used -------------------------------------------------------------------------


def test_long_programs_let_other_threads_run():
    x = np.ones(int(direct.MOST))
    f = called_twice(lambda x: np.exp(x) * 2, x)
    assert np.allclose(f(x), np.exp(x) * 2)
    (way,) = f._entries
    assert type(way) is not type(len)
    with no_detour():
        f(x)


@pytest.mark.parametrize("change", ["fields", "version", "python", "threads"])
def test_other_interfaces_are_not_called(monkeypatch, change):
    if change == "fields":
        monkeypatch.setattr(entry_code, "NDIM", entry_layout.NDIM + 8)
    elif change == "version":
        monkeypatch.setattr(entry_code, "_ABI", 0x03000000)
    elif change == "python":
        monkeypatch.setattr(sys.implementation, "name", "another")
    else:
        monkeypatch.setattr(entry_code.sysconfig, "get_config_var", lambda name: 1)
    entry_code.interface.cache_clear()
    try:
        f = cr.compile(lambda x, p: (x * 2, p["a"]))
        for _ in range(3):
            a, b = f(X, {"a": Y})
            assert np.array_equal(a, X * 2)
            assert np.array_equal(b, Y)
        assert all(type(way) is not type(len) for way in f._entries)
    finally:
        entry_code.interface.cache_clear()


def test_it_holds_in_a_fresh_process_at_exit():
    """Ways in that are alive when Python ends are let go in whatever order."""
    code = (
        "import numpy as np, chainrule as cr\n"
        "f = cr.compile(lambda x: (x * 2, {'a': x.sum()}))\n"
        "print([f(np.ones(2))[0].tolist() for _ in range(3)][-1])\n"
        "f.me = f\n"
    )
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[2.0, 2.0]\n", "")


@pytest.mark.parametrize("count", [255, 256, 257, 1000])
def test_any_number_of_leaves_and_results_goes_the_shortest_way(count):
    f = cr.compile(lambda items: [{"twice": 2.0 * item} for item in items])
    for items in ([float(k) for k in range(count)], [np.full(3, float(k)) for k in range(count)]):
        for _ in range(3):
            found = f(items)
        assert all(np.all(found[k]["twice"] == 2.0 * items[k]) for k in range(count))
        flat = cr.compile(lambda items: [2.0 * item for item in items])
        for _ in range(3):
            flat(items)
        assert type(flat._latest) is type(len), "no detour through Python"
