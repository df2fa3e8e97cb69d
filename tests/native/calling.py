"""Calling native functions from tests."""

from __future__ import annotations

import ctypes

import numpy as np

from chainrule.native.code.builder import Function
from chainrule.native.code.ir import Module, vector
from chainrule.native.run.machine import compile_text
from chainrule.native.target import host

KINDS = {"float32": "float", "float64": "double", "int32": "i32", "int64": "i64"}


def written(emit, inputs, output="float64", lanes=4, target=None):
    """The text of a loop `run(out, *inputs, n)` over whole vectors."""
    module = Module(target or host())
    names = [("ptr noalias", "out"), *(("ptr", f"x{k}") for k in range(len(inputs)))]
    f = Function(module, "run", [*names, ("i64", "n")])
    out, *pointers, n = f.arguments
    with f.loop(0, n, lanes) as i:
        values = [
            f.load(f.at(pointer, i, KINDS[kind]), vector(KINDS[kind], lanes))
            for pointer, kind in zip(pointers, inputs, strict=True)
        ]
        result = emit(f, *values)
        if output == "bool":
            result = f.cast("zext", result, "i8")
        f.store(result, f.at(out, i, KINDS.get(output, "i8")))
    f.ret()
    return str(module)


def compiled(emit, inputs, output="float64", lanes=4, target=None):
    """A Python function of arrays of any length that runs `emit` on vectors of `lanes`."""
    module = compile_text(written(emit, inputs, output, lanes, target), ["run"], target)
    kinds = [*[ctypes.c_void_p] * (len(inputs) + 1), ctypes.c_int64]
    run = ctypes.CFUNCTYPE(None, *kinds)(module.address("run"))

    def call(*arrays):
        size = arrays[0].size
        padded = [np.resize(np.asarray(a, k), -(-size // lanes) * lanes or lanes)
                  for a, k in zip(arrays, inputs, strict=True)]  # fmt: skip
        out = np.empty(padded[0].size, output)
        run(out.ctypes.data, *(a.ctypes.data for a in padded), out.size)
        return out[:size]

    call.module = module
    return call


def address_of_function(module, name, arguments):
    """A Python function of addresses that runs a function of native code."""
    run = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * arguments)(module.address(name))
    run.code = module
    return run
