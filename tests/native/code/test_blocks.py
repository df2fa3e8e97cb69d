"""Instructions that are known already are not written again, where they have surely run."""

import ctypes

import numpy as np
import pytest

from chainrule.native.code.builder import Function
from chainrule.native.code.functions import EMITTERS
from chainrule.native.code.ir import Module
from chainrule.native.run.machine import compile_text
from chainrule.native.target import host
from tests.native.calling import compiled, written


def test_equal_instructions_are_written_once():
    f = Function(Module(host()), "run", [("double", "x"), ("double", "y")], "double")
    x, y = f.arguments
    once = f.mul(f.add(x, y), f.sqrt(x))
    assert f.mul(f.add(x, y), f.sqrt(x)) == once
    assert f.add(y, x) != f.add(x, y)  # not the same instruction
    f.ret(once)
    assert str(f).count("fmul") == 1
    assert str(f).count("call") == 1


def test_memory_is_read_again():
    f = Function(Module(host()), "run", [("ptr", "a")], "double")
    first = f.load(f.arguments[0], "double")
    f.store(f.add(first, 1.0), f.arguments[0])
    f.ret(f.sub(f.load(f.arguments[0], "double"), first))
    module = compile_text(str(f.module), ["run"])
    number = ctypes.c_double(3.0)
    run = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p)(module.address("run"))
    assert run(ctypes.addressof(number)) == 1.0


@pytest.mark.parametrize("x", [2.0, -2.0])
def test_what_may_not_have_run_is_computed_again(x):
    f = Function(Module(host()), "run", [("double", "x")], "double")
    (value,) = f.arguments
    before = f.mul(value, 2.0)
    with f.branch(f.compare("gt", value, 0.0), [before]) as inner:
        inside = f.mul(value, 3.0)
        assert f.mul(value, 2.0) == before
        inner.carry(f.add(inside, 1.0))
    after = f.mul(value, 3.0)
    assert after != inside
    with f.accumulate(0, 3, initial=[after]) as loop:
        turn = f.mul(value, 5.0)
        loop.carry(f.add(loop.values[0], turn))
    assert f.mul(value, 5.0) != turn
    positive = f.compare("gt", value, 0.0)
    (seven,) = f.either(positive, lambda: [f.mul(value, 7.0)], lambda: [f.mul(value, 7.0)])
    total = f.add(f.add(inner.results[0], loop.results[0]), f.add(seven, f.mul(value, 7.0)))
    f.ret(total)
    module = compile_text(str(f.module), ["run"])
    run = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(module.address("run"))
    assert run(x) == (3 * x + 1 if x > 0 else 2 * x) + 3 * x + 3 * 5 * x + 14 * x


def test_sine_and_cosine_share_their_reduction():
    def both(f, x):
        return f.add(EMITTERS["sin"](f, x), EMITTERS["cos"](f, x))

    alone, together = (written(emit, ["float64"], lanes=4) for emit in (EMITTERS["sin"], both))
    assert together.count("call void @chainrule_reduce_angles") == 1
    assert len(together) < 1.2 * len(alone)
    x = np.linspace(-20, 20, 100)
    np.testing.assert_allclose(
        compiled(both, ["float64"])(x), np.sin(x) + np.cos(x), rtol=0, atol=2**-51
    )  # ours and NumPy's: a unit of two numbers below 1, and half a unit of one below 2
