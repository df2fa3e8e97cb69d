"""A process may fork at any moment: the child never waits for a thread that it does not have."""

from __future__ import annotations

import ast
import os
import subprocess
import sys

import pytest

from tests.project.imports import PACKAGE, REPOSITORY

forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks on this system")

OWN = {"Lock", "RLock", "Condition", "Event", "Semaphore", "BoundedSemaphore", "Barrier", "Thread",
       "Timer", "local", "SimpleQueue", "Queue", "ThreadPoolExecutor", "ProcessPoolExecutor",
       "allocate_lock"}  # fmt: skip
KNOWN = {
    "forks.py": {"Condition"},  # of `still`, which is a new one in every child
    "native/run/cache.py": {"Lock"},  # begins anew
    "native/entry/compiled.py": {
        "RLock",
        "Thread",
    },  # begins anew; what the thread made, a call makes
    "native/run/machine.py": {"RLock"},  # llvmlite's, where it was held
    "native/run/threads.py": {
        "Lock",
        "SimpleQueue",
        "Thread",
    },  # all in one team; a child has its own
    "tracing/exact_types.py": {"Lock"},  # begins anew
}
"""Where locks, queues and threads are made, and what becomes of them in a child."""


@forking
@pytest.mark.parametrize("program", ["storm", "instant", "locked", "waiting"])
def test_every_child_ends(program, tmp_path):
    environment = os.environ | {"CHAINRULE_CACHE": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "tests.native.forking", program]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=300
    )
    assert not done.stdout, done.stdout
    assert done.returncode == 0, done.stderr


def test_locks_and_threads_are_made_where_a_fork_is_thought_of():
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in OWN:
                    found.setdefault(path.relative_to(PACKAGE).as_posix(), set()).add(name)
    assert found == KNOWN


def test_properties_that_are_computed_once_have_no_lock():
    """Those of Python 3.11 have one, which all objects of a class share."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name != "properties.py":
            text = path.read_text("utf-8")
            assert "functools.cached_property" not in text
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.ImportFrom) and node.module == "functools":
                    assert all(item.name != "cached_property" for item in node.names), path
