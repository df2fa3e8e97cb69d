"""Ctrl-C at any moment of a command: status 130 and one line."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.project.imports import REPOSITORY

PRESS = """
import signal, sys
sys.argv, sys.orig_argv = ["-m", *{arguments}], [sys.executable, "-m", "chainrule", *{arguments}]
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Finder())
import chainrule
from chainrule.__main__ import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are other things there")
@pytest.mark.parametrize(
    "module",
    [
        "chainrule.graph",
        "chainrule.cli",
        "typer",
        "chainrule.train.loop",
        "chainrule.cli.shown",
        "sklearn.datasets",
        "sklearn.preprocessing",
    ],
)
def test_ctrl_c_during_imports_is_one_line(module, tmp_path):
    code = PRESS.format(module=module, arguments=["train", "digits"])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY)},
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Error: interrupted\n")
    assert not list(tmp_path.iterdir())


IMPORTED = """
import _signal, sys
sys.path.insert(0, {folder!r})
sys.argv, sys.orig_argv = ["-m"], [sys.executable, "-m", "chainrule"]
class Finder:
    def find_spec(self, name, path=None, target=None):
        if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
            print(name)
sys.meta_path.insert(0, Finder())
import {modules}
"""


def imported_before_the_answer(modules: str) -> set[str]:
    """What an import looks for, in a bare Python, while Ctrl-C is still a traceback."""
    code = IMPORTED.format(modules=modules, folder=str(REPOSITORY))
    done = subprocess.run([sys.executable, "-IS", "-c", code], capture_output=True, text=True)
    return set(done.stdout.split())


def test_nothing_is_imported_before_ctrl_c_has_its_answer():
    """But what the answer itself is made of: all else is time in which Ctrl-C is a traceback."""
    answer = imported_before_the_answer("os, signal")
    before = imported_before_the_answer("chainrule")
    assert "chainrule.starting" in before
    assert before <= {"chainrule", "chainrule.starting"} | answer


@pytest.mark.parametrize("place", ["read_table", "prepare", "run_training"])
def test_ctrl_c_in_any_part_of_a_command_is_one_line(chainrule, folder, monkeypatch, place):
    def press(*args, **options):
        signal.raise_signal(signal.SIGINT)

    (folder / "t.csv").write_text("a,b\n" + "".join(f"{i},{i * i}\n" for i in range(20)))
    monkeypatch.setattr(sys.modules["chainrule.cli.app"], place, press)
    done = chainrule("train", "t.csv", "--target", "b")
    assert (done.status, done.out) == (130, "")
    assert done.error == "interrupted"


def test_importing_the_library_leaves_ctrl_c_alone():
    code = "import signal, chainrule; print(signal.getsignal(2) is signal.default_int_handler)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
