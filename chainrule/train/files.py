"""Files that appear complete or not at all."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from chainrule.arguments import shown
from chainrule.errors import ArgumentError, ArgumentTypeError

try:
    import fcntl as _fcntl
except ImportError:  # Windows, where nobody can remove a file that another one has open
    fcntl: Any = None
else:
    fcntl = _fcntl

PART = re.compile(r"\.[0-9a-f]{12}\.part")
"""Names of files that are still being written."""


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
    try:
        with _part_of(target) as (temporary, file):
            with open(file, "wb", closefd=False) as stream:
                stream.write(content)
                stream.flush()
                os.fsync(file)
            if fcntl is None:
                os.close(file)
            os.replace(temporary, target)
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
    try:
        with _part_of(target):
            pass
    except OSError as error:
        raise _unwritable(target, error.strerror or str(error)) from None


def path_of(path: Any, operation: str) -> Path:
    """The argument as a path.

    Raises
    ------
    ArgumentTypeError
        If it is no path.
    ArgumentError
        If no file can have such a name.
    """
    try:
        text = os.fsdecode(path)
        os.fsencode(text)
    except (TypeError, ValueError):  # half a character is no name on this system
        text = None
    if text is None or not isinstance(path, (str, os.PathLike)):
        raise ArgumentTypeError(
            operation, "the path must be text or a pathlib.Path", shown(path),
            'write a path such as "model.safetensors"',
        )  # fmt: skip
    if not text or "\0" in text:
        raise ArgumentError(
            operation, "no file can have such a name", shown(text),
            'write a path such as "model.safetensors"',
        )  # fmt: skip
    return Path(text)


def _target(path: str | os.PathLike[str]) -> Path:
    """The file that the path leads to; replacing must not put a file in a device's place."""
    target = Path(os.path.realpath(path_of(path, "write")))
    try:
        os.stat(target)
    except FileNotFoundError:
        pass
    except OSError as error:  # a name that is too long, or a folder that may not be looked into
        raise _unwritable(target, error.strerror or str(error)) from None
    if target.is_dir():
        raise _unwritable(target, "Is a directory")
    if target.exists() and not target.is_file():
        raise _unwritable(target, "Not a regular file")
    if target.exists() and not os.access(target, os.W_OK):
        raise _unwritable(target, "Write-protected")
    return target


@contextmanager
def _part_of(target: Path) -> Iterator[tuple[Path, int]]:
    """A new file beside the target, open and locked, and gone afterwards unless it was moved.

    The lock says that its writer lives. A process that is killed loses the lock and leaves the
    file, and the next one that writes to the folder removes it.
    """
    _remove_left_behind(target.parent)
    temporary, file = _locked(target)
    try:
        yield temporary, file
    finally:
        with suppress(OSError):  # closed already
            os.close(file)
        temporary.unlink(missing_ok=True)


def _locked(target: Path) -> tuple[Path, int]:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        temporary = target.with_name(f".{secrets.token_hex(6)}.part")
        file = os.open(temporary, flags, 0o666)
        if not _lock(file) or os.fstat(file).st_nlink:
            return temporary, file
        os.close(file)  # another one found it before it was locked, and removed it


def _lock(file: int) -> bool:
    """Whether the file is ours alone; False too where there are no locks."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove_left_behind(folder: Path) -> None:
    """Remove what killed writers have left; what is locked has a writer that lives."""
    with suppress(OSError):
        for entry in os.scandir(folder):
            if not PART.fullmatch(entry.name) or not entry.is_file(follow_symlinks=False):
                continue
            with suppress(OSError):
                file = os.open(entry.path, os.O_RDWR)
                try:
                    if _lock(file):
                        os.unlink(entry.path)
                finally:
                    os.close(file)


def _unwritable(target: Path, reason: str) -> ArgumentError:
    return ArgumentError(
        "write",
        "the file cannot be written",
        f"{target}: {reason}",
        "write a path in a folder that exists and may be written to",
    )
