"""The text that the builder prints, compiled and run."""

import ctypes

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.native.code import ir
from chainrule.native.code.builder import Function
from chainrule.native.code.ir import Module, Value, constant, vector
from chainrule.native.run.machine import assembly, compile_text
from chainrule.native.target import LEVELS, Target, host, level, runs_here
from tests.native.calling import compiled, written

KINDS = {"i64": ctypes.c_int64, "double": ctypes.c_double, "ptr": ctypes.c_void_p, "void": None}


def function(arguments, returns, body):
    """A Python function from one that writes the body with a builder."""
    module = Module(host())
    f = Function(module, "run", arguments, returns)
    body(f, *f.arguments)
    native = compile_text(str(module), ["run"])
    kinds = [KINDS[kind.split()[0]] for kind, _ in arguments]
    call = ctypes.CFUNCTYPE(KINDS[returns], *kinds)(native.address("run"))
    return lambda *given: (call(*given), native)[0]


def test_types_and_constants_print_as_llvm_writes_them():
    assert vector("float", 8) == "<8 x float>"
    assert vector("i64", 1) == "i64"
    assert ir.lanes("<8 x float>") == 8
    assert ir.element("<8 x float>") == "float"
    assert ir.integer("<4 x double>") == "<4 x i64>"
    assert ir.mangled("<8 x float>") == "v8f32"
    assert str(constant("double", 1.5)) == "double 0x3FF8000000000000"
    assert str(constant("<2 x i1>", True)) == "<2 x i1> splat (i1 true)"


@given(st.floats(width=64))
def test_a_constant_is_the_number_to_the_last_bit(number):
    f = function(
        [("ptr", "out")], "void", lambda f, out: (f.store(constant("double", number), out), f.ret())
    )
    out = np.empty(1)
    f(out.ctypes.data)
    assert out.tobytes() == np.array([number]).tobytes() or (np.isnan(out[0]) and np.isnan(number))


@pytest.mark.parametrize("count", [-3, 0, 1, 2, 7])
@pytest.mark.parametrize("step", [1, 3])
def test_a_loop_carries_values_from_turn_to_turn(count, step):
    def body(f, n):
        with f.accumulate(0, n, step, [constant("i64", 0), constant("i64", 1)]) as a:
            total, product = a.values
            a.carry(f.add(total, a.index), f.mul(product, 3))
        f.ret(f.add(f.mul(a.results[0], 1000), a.results[1]))

    turns = range(0, count, step)
    assert function([("i64", "n")], "i64", body)(count) == sum(turns) * 1000 + 3 ** len(turns)


def test_loops_nest_and_branches_inside_them_replace_values():
    def body(f, n):
        with f.accumulate(0, n, 1, [constant("i64", 0)]) as outer:
            with f.accumulate(0, outer.index, 1, outer.values) as inner:
                odd = f.compare("eq", f.bit_and(inner.index, 1), 1)
                with f.branch(odd, inner.values) as replaced:
                    replaced.carry(f.add(replaced.values[0], inner.index))
                inner.carry(*replaced.results)
            outer.carry(*inner.results)
        f.ret(outer.results[0])

    wanted = sum(j for i in range(9) for j in range(i) if j % 2)
    assert function([("i64", "n")], "i64", body)(9) == wanted


def test_either_computes_one_of_two():
    def body(f, x):
        positive = f.compare("gt", x, 0.0)
        (y,) = f.either(positive, lambda: [f.mul(x, 2.0)], lambda: [f.sub(x, 1.0)])
        f.ret(y)

    f = function([("double", "x")], "double", body)
    assert (f(3.0), f(-3.0)) == (6.0, -4.0)


def test_if_runs_its_block_or_not():
    def body(f, out, n):
        with f.if_(f.compare("gt", n, 5)):
            f.store(n, out)
        f.ret()

    f = function([("ptr", "out"), ("i64", "n")], "void", body)
    out = np.zeros(1, np.int64)
    f(out.ctypes.data, 5)
    assert out[0] == 0
    f(out.ctypes.data, 6)
    assert out[0] == 6


@pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16])
def test_masked_tails_touch_nothing_else(lanes):
    def body(f, x, n):
        mask = f.first_lanes(n, lanes)
        type_ = vector("double", lanes)
        if lanes == 1:
            with f.if_(mask):
                f.store(f.add(f.load(x, type_), 1.0), x)
        else:
            f.store_masked(f.add(f.load_masked(x, type_, mask), 1.0), x, mask)
        f.ret()

    f = function([("ptr", "x"), ("i64", "n")], "void", body)
    for count in range(lanes + 1):
        x = np.zeros(lanes)
        f(x.ctypes.data, count)
        assert x.tolist() == [1.0] * count + [0.0] * (lanes - count)


def test_strides_may_be_negative():
    def body(f, x, n, stride):
        with f.accumulate(0, n, 1, [constant("double", 0.0)]) as a:
            item = f.load(f.strided(x, a.index, stride), "double")
            a.carry(f.fma(2.0, a.values[0], item))
        f.ret(a.results[0])

    f = function([("ptr", "x"), ("i64", "n"), ("i64", "stride")], "double", body)
    x = np.arange(1.0, 7.0)[::-2]
    assert f(x.ctypes.data, x.size, x.strides[0]) == 6 * 4 + 4 * 2 + 2


def test_lanes_are_combined_in_one_order():
    x = np.array([1e16, 1.0, -1e16, 1.0])
    sums = compiled(lambda f, v: f.splat(f.fold(v, f.add), 4), ["float64"])(x)
    assert sums.tolist() == [(1e16 - 1e16) + (1.0 + 1.0)] * 4


def test_scratch_memory_and_constant_bytes():
    def body(f, k):
        table = f.module.bytes("squares", np.arange(8, dtype=np.int64).__pow__(2).tobytes())
        room = f.scratch("i64", 2)
        f.store(f.load(f.at(table, k, "i64"), "i64"), f.at(room, 1, "i64"))
        f.ret(f.load(f.at(room, 1, "i64"), "i64"))

    assert function([("i64", "k")], "i64", body)(5) == 25


def test_a_wrong_type_is_refused_where_it_is_written():
    f = Function(Module(host()), "run", [("double", "x"), ("float", "y")])
    with pytest.raises(AssertionError, match="where double is expected"):
        f.add(*f.arguments)


@pytest.mark.parametrize("name", LEVELS)
def test_every_kind_of_processor_assembles(name):
    target = level(name)
    text = written(lambda f, x, y: f.maximum(f.fma(x, y, 1.0), f.sqrt(x)),
                   ["float32", "float32"], "float32", target.lanes("float32"), target)  # fmt: skip
    code = assembly(text, target)
    fused = ("vfmadd", "fmla", "fmadd")
    assert any(item in code for item in fused) == target.has_fma
    if target.is_x86:
        register = {16: "xmm", 32: "ymm", 64: "zmm"}[target.vector_bytes]
        assert register in code


def test_lanes_follow_from_the_register():
    assert [level(name).lanes("float32") for name in LEVELS] == [4, 4, 8, 16, 4]
    assert host().lanes(np.float64) * 2 == host().lanes(np.float32)
    assert runs_here(host())
    assert not runs_here(Target("riscv64-unknown-linux-gnu", "generic"))


def test_operands_may_be_numbers():
    f = Function(Module(host()), "run", [("<4 x i32>", "x")])
    value = f.add(f.arguments[0], 3)
    assert value == Value("%t0", "<4 x i32>")
