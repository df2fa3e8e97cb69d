"""Files that appear complete or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from chainrule.errors import ArgumentError


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file in one go: until all of it is on the disk, what was there before stays.

    Parameters
    ----------
    path : str or path
        A link is kept, and the file that it leads to replaced.
    content : bytes

    Returns
    -------
    None

    Raises
    ------
    ArgumentError
        If the path cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(f"{folder}/table.csv", b"a,b")
    ...     Path(folder, "table.csv").read_text()
    'a,b'
    """
    target = _target(path)
    temporary = _beside(target)
    try:
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(target, error.strerror or str(error)) from None


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise `ArgumentError` now if a file could not be written to the path; leave nothing there.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    None

    Raises
    ------
    ArgumentError
        If the folder does not exist or cannot be written to, or the path is a folder, a device or
        a file that is write-protected.

    Examples
    --------
    >>> check_writable("model.safetensors")
    """
    target = _target(path)
    temporary = _beside(target)
    try:
        temporary.touch(exist_ok=False)
        temporary.unlink()
    except OSError as error:
        raise _unwritable(target, error.strerror or str(error)) from None


def _target(path: str | os.PathLike[str]) -> Path:
    """The file that the path leads to; replacing must not put a file in a device's place."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise _unwritable(target, "Is a directory")
    if target.exists() and not target.is_file():
        raise _unwritable(target, "Not a regular file")
    if target.exists() and not os.access(target, os.W_OK):
        raise _unwritable(target, "Write-protected")
    return target


def _beside(target: Path) -> Path:
    return target.with_name(f".{secrets.token_hex(6)}.part")


def _unwritable(target: Path, reason: str) -> ArgumentError:
    return ArgumentError(
        "write",
        "the file cannot be written",
        f"{target}: {reason}",
        "write a path in a folder that exists and may be written to",
    )
