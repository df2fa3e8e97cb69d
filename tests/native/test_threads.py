"""Threads that enter native code together, where there are more of them than processors."""

from __future__ import annotations

import subprocess
import sys

from tests.project.imports import REPOSITORY

SHORT_CALLS = """
import os
import numpy as np, chainrule as cr
from chainrule.native.threads import set_threads

if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
f = cr.compile(lambda x: x * 2.0)
x = np.linspace(0, 1, 40_000)
for threads in (2, 3, 2) * 300:
    set_threads(threads)
    last = f(x)
print(np.array_equal(last, x * 2.0))
"""


def test_a_thread_that_is_late_to_leave_a_call_does_not_miss_the_next() -> None:
    """It is always late on one processor: there it runs only when another one waits."""
    done = subprocess.run(
        [sys.executable, "-c", SHORT_CALLS],
        capture_output=True, text=True, cwd=REPOSITORY, check=False,
        timeout=120,  # of one that would never end; it takes a second
    )  # fmt: skip
    assert done.stdout == "True\n", done.stderr
