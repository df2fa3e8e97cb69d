"""Text to machine code: loading, symbols, threads, memory, and the cache of object files."""

import ctypes
import gc
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg.cython_blas as blas

from chainrule.native.run import cache as caching
from chainrule.native.run import machine
from chainrule.native.run.machine import CompilationError, compile_text
from chainrule.native.target import Target, host

UNARY = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)


def times(factor, name="run"):
    """The text of a function that multiplies by a number."""
    return (
        f"define double @{name}(double %x) {{\n  %y = fmul double %x, {float(factor)!r}\n"
        "  ret double %y\n}\n"
    )


def call(module, x=2.0, name="run"):
    return UNARY(module.address(name))(x)


def test_text_becomes_a_function():
    module = compile_text(times(3) + times(5, "other"), ["run", "other"])
    assert (call(module), call(module, name="other")) == (6.0, 10.0)


def test_a_name_that_was_not_exported_is_refused():
    with pytest.raises(CompilationError, match="no such function was exported; got elsewhere"):
        compile_text(times(3), ["run"]).address("elsewhere")


@pytest.mark.parametrize(
    "text",
    [
        "define double @run(",
        "define void @run() {\n  %x = add i64 1, 2.5\n  ret void\n}",
        "nonsense",
    ],
)
def test_text_that_is_no_code_is_refused_with_llvms_words(text):
    with pytest.raises(CompilationError, match=r"compile: LLVM refuses the code; got .*error"):
        compile_text(text, ["run"])


def test_a_missing_symbol_is_named():
    text = "declare double @absent(double)\n" + times(2).replace("fmul", "fadd").replace(
        "ret", "%z = call double @absent(double %y)\n  ret"
    )
    with pytest.raises(CompilationError, match=r"symbols without an address; got absent$"):
        compile_text(text, ["run"])


def test_memory_can_be_copied_and_filled():
    text = """
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
define void @run(ptr %to, ptr %from, i64 %size) {
  call void @llvm.memset.p0.i64(ptr %to, i8 1, i64 %size, i1 false)
  %half = lshr i64 %size, 1
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %half, i1 false)
  ret void
}
"""
    native_module = compile_text(text, ["run"])
    kinds = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    run = ctypes.CFUNCTYPE(None, *kinds)(native_module.address("run"))
    to, source = np.zeros(8, np.uint8), np.arange(8, dtype=np.uint8)
    run(to.ctypes.data, source.ctypes.data, 8)
    assert to.tolist() == [0, 1, 2, 3, 1, 1, 1, 1]


# -- symbols --------------------------------------------------------------------------------------


def capsule_address(module, name):
    """The function in one of Cython's capsules."""
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype, api.PyCapsule_GetName.argtypes = (
        ctypes.c_char_p,
        [ctypes.py_object],
    )
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    capsule = module.__pyx_capi__[name]
    return api.PyCapsule_GetPointer(capsule, api.PyCapsule_GetName(capsule))


DOT = """
declare double @ddot(ptr, ptr, ptr, ptr, ptr)
define double @run(ptr %n, ptr %x, ptr %y, ptr %one) {
  %r = call double @ddot(ptr %n, ptr %x, ptr %one, ptr %y, ptr %one)
  ret double %r
}
"""


def test_scipys_blas_is_called_by_name():
    module = compile_text(DOT, ["run"], symbols={"ddot": capsule_address(blas, "ddot")})
    run = ctypes.CFUNCTYPE(ctypes.c_double, *[ctypes.c_void_p] * 4)(module.address("run"))
    x, y = np.arange(4.0), np.arange(4.0) + 1
    n, one = np.array([4], np.int32), np.array([1], np.int32)
    assert run(*(a.ctypes.data for a in (n, x, y, one))) == x @ y


def test_the_same_code_is_linked_to_the_symbols_of_each_call(cache):
    text = "declare double @f(double)\n" + times(1).replace(
        "ret double %y", "%z = call double @f(double %y)\n  ret double %z"
    )
    doubled, tripled = UNARY(lambda x: 2 * x), UNARY(lambda x: 3 * x)
    found = []
    for function in (doubled, tripled):
        address = ctypes.cast(function, ctypes.c_void_p).value
        found.append(call(compile_text(text, ["run"], symbols={"f": address})))
    assert found == [4.0, 6.0]
    assert len(list(cache.glob("*.o"))) == 1


# -- the cache ------------------------------------------------------------------------------------


@pytest.fixture
def compilations(monkeypatch):
    """Counts how often LLVM is asked for machine code."""
    count = []
    original = machine.object_code

    def counted(text, target):
        count.append(text)
        return original(text, target)

    monkeypatch.setattr(machine, "object_code", counted)
    return count


def test_code_is_made_once_in_memory_and_on_disk(cache, compilations):
    for _ in range(2):
        assert call(compile_text(times(7), ["run"])) == 14.0
    machine.OBJECTS.forget()
    assert call(compile_text(times(7), ["run"])) == 14.0
    assert len(compilations) == 1


def test_off_leaves_no_files(tmp_path, monkeypatch, compilations):
    monkeypatch.setenv("CHAINRULE_CACHE", "off")
    monkeypatch.chdir(tmp_path)
    machine.OBJECTS.forget()
    assert call(compile_text(times(8), ["run"])) == 16.0
    assert list(tmp_path.iterdir()) == []
    assert caching.folder() is None


def test_the_usual_folder_is_used_unless_another_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("CHAINRULE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = caching.folder()
    assert folder is not None
    assert folder.name == "chainrule"
    assert tmp_path in folder.parents


@pytest.mark.parametrize("byte", [0, 5, 25, 60, 200, -1])
def test_a_flipped_bit_is_seen_and_the_code_made_again(cache, compilations, byte):
    compile_text(times(9), ["run"])
    (path,) = cache.glob("*.o")
    content = bytearray(path.read_bytes())
    whole = bytes(content)
    content[byte] ^= 1
    path.write_bytes(content)
    machine.OBJECTS.forget()
    assert call(compile_text(times(9), ["run"])) == 18.0
    assert len(compilations) == 2
    assert path.read_bytes() == whole


@pytest.mark.parametrize("size", [0, 10, 40, 100, -1])
def test_a_truncated_file_is_made_again(cache, compilations, size):
    compile_text(times(10), ["run"])
    (path,) = cache.glob("*.o")
    path.write_bytes(path.read_bytes()[:size])
    machine.OBJECTS.forget()
    assert call(compile_text(times(10), ["run"])) == 20.0
    assert len(compilations) == 2


def test_a_sound_file_under_a_foreign_name_is_not_loaded(cache, compilations):
    compile_text(times(11), ["run"])
    (path,) = cache.glob("*.o")
    compile_text(times(12), ["run"])
    (other,) = set(cache.glob("*.o")) - {path}
    other.write_bytes(path.read_bytes())
    machine.OBJECTS.forget()
    assert call(compile_text(times(12), ["run"])) == 24.0


def test_a_folder_that_cannot_be_used_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        monkeypatch.setenv("CHAINRULE_CACHE", str(place))
        machine.OBJECTS.forget()
        assert call(compile_text(times(13), ["run"])) == 26.0


def test_a_directory_in_the_place_of_a_file_is_no_error(cache, compilations):
    compile_text(times(14), ["run"])
    (path,) = cache.glob("*.o")
    path.unlink()
    path.mkdir()
    machine.OBJECTS.forget()
    assert call(compile_text(times(14), ["run"])) == 28.0
    assert [item.name for item in cache.iterdir()] == [path.name]


def test_the_key_depends_on_all_that_the_code_depends_on():
    here = Target("x86_64-unknown-linux-gnu", "x86-64", "+fma")
    others = [Target("x86_64-unknown-linux-gnu", "x86-64-v3", "+fma"),
              Target("x86_64-unknown-linux-gnu", "x86-64", "-fma"),
              Target("aarch64-unknown-linux-gnu", "x86-64", "+fma")]  # fmt: skip
    keys = {caching.key("text", target) for target in [here, *others]}
    assert len(keys | {caching.key("another text", here)}) == 5


def test_old_files_go_when_there_are_too_many_bytes(tmp_path):
    for age in range(6):
        path = tmp_path / f"{age}.o"
        path.write_bytes(b"x" * 100)
        os.utime(path, (1e9 - age, 1e9 - age))
    (tmp_path / "theirs.txt").write_text("not ours")
    caching.clean(tmp_path, 250)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["0.o", "1.o", "theirs.txt"]


def test_memory_holds_no_more_than_its_limit(monkeypatch):
    monkeypatch.setenv("CHAINRULE_CACHE", "off")
    objects = caching.ObjectCache(memory_limit=1000)
    for name in "abcdef":
        objects.put(name, bytes(300))
        assert objects.get("a") == (bytes(300) if name in "abcdef" else None)
    assert [name for name in "abcdef" if objects.get(name)] == ["a", "e", "f"]
    objects.put("huge", bytes(2000))
    assert objects.get("huge") is None


# -- threads, processes, memory -------------------------------------------------------------------


def test_many_threads_compile_at_once(cache):
    start = threading.Barrier(8)

    def work(seed):
        start.wait()
        return [call(compile_text(times(k % 20 + 1), ["run"])) for k in range(seed, seed + 30)]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(8)))
    assert found == [[2.0 * (k % 20 + 1) for k in range(seed, seed + 30)] for seed in range(8)]


WRITER = """
import ctypes, sys
from tests.native.test_native import call, times
from chainrule.native.run.machine import compile_text
for k in range(1, 21):
    assert call(compile_text(times(k), ["run"])) == 2.0 * k
"""


def test_processes_share_a_folder(cache):
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    runs = [subprocess.Popen([sys.executable, "-c", WRITER], env=environment) for _ in range(2)]
    assert [run.wait() for run in runs] == [0, 0]
    assert len(list(cache.glob("*.o"))) == 20
    assert not list(cache.glob(".new-*"))


def resident():
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's account of memory")
def test_two_hundred_modules_leave_no_memory_behind(monkeypatch):
    monkeypatch.setenv("CHAINRULE_CACHE", "off")
    for k in range(50):  # LLVM's own tables, made once
        call(compile_text(times(1000 + k), ["run"]))
    gc.collect()
    before = resident()
    for k in range(200):
        assert call(compile_text(times(2000 + k), ["run"])) == 2.0 * (2000 + k)
    gc.collect()
    # Each object file of about 1 kB stays in the cache; a module that stayed would be 50 kB.
    assert resident() - before < 200 * 15_000


def test_code_lives_as_long_as_its_module():
    modules = [compile_text(times(k), ["run"]) for k in range(1, 30)]
    del modules[::2]
    gc.collect()
    assert [call(module) for module in modules] == [2.0 * k for k in range(2, 30, 2)]


def test_the_host_is_known():
    assert host().cpu
    assert host() is host()
