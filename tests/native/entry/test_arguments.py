"""Arguments and uses of compiled functions that are out of the ordinary: right results always."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ArgumentError, DtypeError
from tests.native.entry.test_entry import Layer


def f(x, y=1.0):
    return np.tanh(x) * y + x.sum(), x


def assert_same(found, expected):
    """Values, shapes and dtypes; and the caller's own arrays, which share nothing."""
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype.newbyteorder("=")
        assert one.shape == other.shape
        # tanh within 2 units in the last place, and a sum in another order
        tolerance = 1e-14 if one.dtype == np.float64 else 1e-6
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
        if one.ndim:
            assert one.flags.writeable
            assert one.flags.owndata
            assert one.dtype.isnative
    assert not np.may_share_memory(*found)


BASE = np.linspace(-1, 1, 24).reshape(4, 6)
READ_ONLY = BASE.copy()
READ_ONLY.flags.writeable = False
MISALIGNED = np.frombuffer(b"x" + BASE.tobytes(), np.uint8)[1:].view(float).reshape(4, 6)
LAYOUTS = {
    "plain": BASE, "transposed": BASE.T, "Fortran's": np.asfortranarray(BASE),
    "backwards": BASE[::-1, ::-1], "every other": BASE[::2, ::3], "read-only": READ_ONLY,
    "byte-swapped": BASE.astype(">f8"), "little": BASE.astype("<f8"), "misaligned": MISALIGNED,
    "repeated": np.broadcast_to(BASE[0], (4, 6)), "no rows": BASE[:0], "no columns": BASE[:, :0],
    "one": BASE[:1, :1], "0-d": np.array(0.5), "number": np.float64(0.5), "single": np.float32(0.5),
    "float32": BASE.astype(np.float32), "swapped float32": BASE.astype(">f4"),
    "sliced off": BASE[1:3], "new axis": BASE[:, None], "subclass": BASE.view(np.recarray),
    "whole": BASE.astype(np.int64), "small": BASE.astype(np.int8), "truths": BASE > 0,
    "unsigned": np.arange(3, dtype=np.uint8), "swapped whole": np.arange(3, dtype=">i4"),
    "long long": np.arange(3, dtype=np.longlong),
}  # fmt: skip


@pytest.mark.parametrize("x", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_arrays_of_every_layout(x):
    compiled = cr.compile(f)
    before = x.copy()
    for _ in range(3):
        assert_same(compiled(x), tuple(map(np.asarray, f(x))))
    assert np.array_equal(x, before)
    assert compiled.report().count("made in") == 1


def test_one_function_for_all_of_them_in_turn():
    compiled = cr.compile(f)
    for _ in range(2):
        for x in LAYOUTS.values():
            assert_same(compiled(x), tuple(map(np.asarray, f(x))))
    report = compiled.report()
    heads = [line.split(", made")[0] for line in report.splitlines() if line.startswith("for ")]
    assert len(heads) == len(set(heads)), "each kind is said once"


def test_floats_and_whole_numbers():
    compiled = cr.compile(lambda x, y: x * y)
    x = np.arange(3, dtype=np.float32)
    for y in (2.5, 2, True, np.float32(2.5), np.float64(2.5), np.int64(2), np.True_, np.array(2.5)):
        for _ in range(2):
            found, expected = compiled(x, y), x * y
            assert found.dtype == expected.dtype, y
            assert np.array_equal(found, expected)


def test_equal_numbers_of_other_types_are_other_arguments():
    compiled = cr.compile(lambda x, n: x * n)
    truths = np.array([True, False])
    for _ in range(2):
        for n in (1, True, 0, False):
            found, expected = compiled(truths, n), truths * n
            assert found.dtype == expected.dtype
            assert np.array_equal(found, expected)
    sided = cr.compile(lambda x, *, zero: np.copysign(x, zero))
    for _ in range(2):
        for zero in (0.0, -0.0):
            assert sided(np.ones(1), zero=zero) == np.copysign(1, zero)


def test_lists_are_containers():
    compiled = cr.compile(lambda items: [2 * item for item in items])
    for _ in range(2):
        assert compiled([1.0, 2.5]) == [2, 5]
        assert compiled([np.ones(2), 3])[0].tolist() == [2, 2]


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_matrices_and_masked_arrays_are_refused():
    compiled = cr.compile(lambda x: x * x)
    compiled(np.eye(2))
    for x in (np.matrix(np.eye(2)), np.ma.masked_array(np.eye(2), np.eye(2) > 0)):
        with pytest.raises(DtypeError, match=r"^compile: matrices and masked arrays follow rules"):
            compiled(x)


def test_a_static_list_is_named():
    compiled = cr.compile(lambda x, options: x * len(options))
    with pytest.raises(ArgumentError, match=r"must be hashable, .*got \{1, 2\}"):
        compiled(np.ones(2), {1, 2})


def test_the_same_array_twice_and_parts_of_one():
    compiled = cr.compile(lambda a, b: (a * b, a + b.sum(), b))
    x = np.arange(8.0)
    for _ in range(3):
        for a, b in ((x, x), (x[:4], x[4:]), (x[1:7], x[2:8]), (x[::2], x[::2])):
            found, expected = compiled(a, b), (a * b, a + b.sum(), b)
            for one, other in zip(found, expected, strict=True):
                assert np.array_equal(one, other)
                assert not np.may_share_memory(one, x)
    assert np.array_equal(x, np.arange(8.0))


def test_results_of_later_calls_leave_earlier_ones_alone():
    compiled = cr.compile(lambda x: (x * 2, x.sum(), np.arange(3.0)))
    kept = [compiled(np.full(3, float(k))) for k in range(5)]
    for k, (double, total, constant) in enumerate(kept):
        assert double.tolist() == [2.0 * k] * 3
        assert total == 3.0 * k
        constant += 1
    assert compiled(np.ones(3))[2].tolist() == [0, 1, 2]


# -- threads, recursion ---------------------------------------------------------------------------


def test_threads_with_arguments_of_many_kinds():
    compiled = cr.compile(lambda x: (np.exp(-x), x.sum()))
    inputs = [np.linspace(0, 1, n) for n in (1, 2, 3, 5, 8, 13, 21, 34)]
    wrong = []

    def work(seed):
        rng = np.random.default_rng(seed)
        for k in rng.integers(len(inputs), size=300):
            values, total = compiled(inputs[k])
            if not np.allclose(values, np.exp(-inputs[k])) or not np.isclose(
                total, inputs[k].sum()
            ):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_function_may_call_its_compiled_self():
    def power(x, n):
        return x if n == 1 else x * compiled(x, n - 1)

    compiled = cr.compile(power)
    for _ in range(2):
        assert compiled(np.array([2.0, 3.0]), 4).tolist() == [16, 81]
    assert compiled.report().count("made in") == 1, "the inner calls are parts of the outer one"

    table = cr.compile(lambda n: np.ones(2) * n if n == 0 else table(n - 1) + 1)
    assert table(3).tolist() == [3, 3]


def test_inside_traces_of_others():
    inner = cr.compile(lambda x, scale=1.0: np.sum(np.sin(x) * scale))
    x = np.linspace(0, 1, 5)
    inner(x)
    assert np.allclose(cr.grad(inner)(x), np.cos(x))
    assert np.allclose(cr.compile(cr.grad(lambda x: inner(x) ** 2))(x), 2 * np.cos(x) * inner(x))
    assert np.allclose(cr.grad(lambda s: inner(x, scale=s))(2.0), np.sin(x).sum())
    assert np.allclose(cr.vmap(inner)(np.stack([x, x])), [inner(x)] * 2)


# -- methods, copies, pickles ---------------------------------------------------------------------


class Model:
    def __init__(self, factor):
        self.factor = factor

    @cr.compile
    def apply(self, x):
        """What it does."""
        return x * self.factor


@cr.compile
def decorated(x):
    return x * 2


def plain(x):
    return x * 3


def test_methods():
    one, other = Model(2.0), Model(5.0)
    x = np.arange(3.0)
    for _ in range(2):
        assert one.apply(x).tolist() == [0, 2, 4]
        assert other.apply(x).tolist() == [0, 5, 10]
    assert Model.apply(one, x).tolist() == [0, 2, 4]
    assert Model.apply.__doc__ == "What it does."

    class Linear(Layer):
        @cr.compile
        def apply(self, x):
            return self.A * x + self.b

    for k in range(3):  # the arrays of a dataclass are arguments
        assert Linear(np.full(2, k), np.ones(2)).apply(np.ones(2)).tolist() == [k + 1, k + 1]
    assert Linear.apply.report().count("made in") == 1


def test_copies_and_pickles():
    x = np.ones(2)
    for original in (cr.compile(plain), cr.compile(plain, when="auto")):
        original(x)
        for other in (
            copy.copy(original), copy.deepcopy(original), pickle.loads(pickle.dumps(original)),
        ):  # fmt: skip
            assert other is not original
            assert other(x).tolist() == [3, 3]
            assert other._when == original._when
    assert copy.deepcopy(decorated) is decorated
    assert pickle.loads(pickle.dumps(decorated)) is decorated
    assert pickle.loads(pickle.dumps(Model.apply)) is Model.apply
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(cr.compile(lambda x: x))


def test_a_dropped_function_is_gone():
    compiled = cr.compile(lambda x: x * 2)
    compiled(np.ones(2))
    there = weakref.ref(compiled)
    del compiled
    gc.collect()
    assert there() is None
