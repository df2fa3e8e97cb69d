"""Nanoseconds an element of the native elementwise functions, beside NumPy's.

    python benchmarks/native_functions.py [--only NAME ...] [--level avx2] [--json FILE]

Arrays of 4,096 elements that stay in the cache, arguments from a normal distribution (positive
where the function asks for it), results written to an array of their own. Native loops and NumPy
have their turns alternately; the table gives the medians of the rounds. Both run on one thread.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.native.code.builder import Function
from chainrule.native.code.functions import EMITTERS
from chainrule.native.code.ir import Module, vector
from chainrule.native.run.machine import NativeModule, compile_text
from chainrule.native.target import LEVELS, Target, host, level
from chainrule.primitives.elementwise import ROWS

SIZE, ROUNDS, TURNS = 4096, 15, 20
KINDS = {"float32": "float", "float64": "double"}
NAMES = [
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "tanh", "sigmoid", "sin", "cos",
    "tan", "sinh", "cosh", "arctan", "arcsin", "arccos", "arcsinh", "arctanh", "cbrt", "sqrt",
    "power", "logaddexp", "arctan2", "hypot",
]  # fmt: skip
POSITIVE = {"log", "log2", "log10", "log1p", "power", "sqrt"}
INSIDE_ONE = {"arcsin", "arccos", "arctanh"}


def loop(name: str, dtype: str, target: Target) -> tuple[NativeModule, Callable[..., None]]:
    """A native function (out, inputs, count); the module keeps its code loaded."""
    kind, width = KINDS[dtype], target.lanes(dtype)
    inputs = [("ptr", f"x{k}") for k in range(len(ROWS[name].derivatives))]
    f = Function(Module(target), "run", [("ptr noalias", "out"), *inputs, ("i64", "n")])
    out, *pointers, n = f.arguments
    with f.loop(0, n, width) as i:
        values = [f.load(f.at(pointer, i, kind), vector(kind, width)) for pointer in pointers]
        f.store(EMITTERS[name](f, *values), f.at(out, i, kind))
    f.ret()
    module = compile_text(str(f.module), ["run"], target)
    types = [*[ctypes.c_void_p] * (len(inputs) + 1), ctypes.c_int64]
    return module, ctypes.CFUNCTYPE(None, *types)(module.address("run"))


def arrays(name: str, dtype: str) -> list[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(0)
    found = [rng.normal(size=SIZE) * 2 for _ in ROWS[name].derivatives]
    if name in POSITIVE:
        found[0] = np.abs(found[0]) + 1e-3
    if name in INSIDE_ONE:
        found = [np.tanh(item) for item in found]
    return [item.astype(dtype) for item in found]


def seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    for _ in range(TURNS):
        run()
    return (time.perf_counter() - start) / TURNS


def measure(name: str, dtype: str, target: Target) -> dict[str, Any]:
    _module, native = loop(name, dtype, target)
    inputs, out = arrays(name, dtype), np.empty(SIZE, dtype)
    addresses = [item.ctypes.data for item in inputs]
    value, place = ROWS[name].value, out.ctypes.data
    contestants: dict[str, Callable[[], Any]] = {
        "native": lambda: native(place, *addresses, SIZE),
        "numpy": (lambda: value(*inputs, out=out)) if isinstance(value, np.ufunc)
        else (lambda: value(*inputs)),
    }  # fmt: skip
    times: dict[str, list[float]] = {key: [] for key in contestants}
    for _ in range(ROUNDS):
        for key, run in contestants.items():
            run()
            times[key].append(seconds(run) / SIZE * 1e9)
    medians = {key: statistics.median(found) for key, found in times.items()}
    return {"name": name, "dtype": dtype, **medians}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=NAMES)
    parser.add_argument("--level", choices=list(LEVELS), help="another processor than the host")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    target = level(options.level) if options.level else host()
    print(f"{target.cpu}, {target.vector_bytes}-byte vectors, NumPy {np.__version__},"
          f" Python {platform.python_version()}; nanoseconds an element")  # fmt: skip
    print(f"{'function':<12}" + "".join(f"{head:>10}" for dtype in KINDS for head in
                                        (dtype, "NumPy", "ratio")))  # fmt: skip
    rows = []
    for name in options.only:
        line = f"{name:<12}"
        for dtype in KINDS:
            row = measure(name, dtype, target)
            rows.append(row)
            ratio = row["numpy"] / row["native"]
            line += f"{row['native']:>10.2f}{row['numpy']:>10.2f}{ratio:>10.1f}"
        print(line, flush=True)
    if options.json:
        about = {"cpu": target.cpu, "numpy": np.__version__, "rows": rows}
        options.json.write_text(json.dumps(about, indent=1), "utf-8")


if __name__ == "__main__":
    main()
