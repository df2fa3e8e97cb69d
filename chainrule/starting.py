"""The first thing that the command line imports: Ctrl-C during all other imports is one line.

Nothing else stands among its imports: while they last, Ctrl-C is still a traceback.
"""

import os
import signal
import sys

INTERRUPTED = 130
"""The exit status of a shell for what Ctrl-C has ended."""


def is_command() -> bool:
    """Whether this process is the command ``chainrule``, or ``python -m chainrule``."""
    name = os.path.basename(sys.argv[0]) if sys.argv else ""
    given = sys.orig_argv[: len(sys.orig_argv) - len(sys.argv) + 1]  # what is Python's own
    as_module = name == "-m" and given[-2:] == ["-m", "chainrule"]
    return as_module or name in ("chainrule", "chainrule.exe", "chainrule-script.py")


def stop(*_: object) -> None:
    """End the process at once, with the sentence and the status of an interrupted command."""
    os.write(2, b"Error: interrupted\n")
    os._exit(INTERRUPTED)


if is_command() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, stop)
