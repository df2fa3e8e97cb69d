"""Where results are written: never over what they were made from."""

from __future__ import annotations

from pathlib import Path

from chainrule.errors import ArgumentError
from chainrule.train import check_writable


def checked_output(operation: str, out: Path, *inputs: str | Path) -> Path:
    """Return the path if a file can be written there, and would replace none of the inputs.

    Raises
    ------
    ArgumentError
        If not.
    """
    check_writable(out)
    for path in map(Path, inputs):
        if out.exists() and path.exists() and out.samefile(path):
            raise ArgumentError(
                operation,
                "the output would replace a file that it is made from",
                str(out),
                "write another path after --out",
            )
    return out
