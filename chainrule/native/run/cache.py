"""Machine code that was made before: in memory, and in a folder that other processes share.

A file is loaded only if its checksum is right. Whatever else may be wrong with the folder or a file
in it, the code is simply made again.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import threading
from collections import OrderedDict
from pathlib import Path

from chainrule import forks
from chainrule.native.target import Target
from chainrule.version import __version__

MAGIC = b"chainrule object 1\n"
MEMORY_LIMIT = 16 << 20
DISK_LIMIT = 256 << 20
"""Bytes; when there are more, those that were not used for the longest time go."""

_CLEAN_EVERY = 64  # writes


def key(text: str, target: Target) -> str:
    """Everything that the machine code depends on, as one hexadecimal number."""
    import llvmlite

    version = f"{__version__}|{llvmlite.__version__}|{llvmlite.binding.llvm_version_info}"
    whole = "\0".join([version, target.triple, target.cpu, target.features, text])
    return hashlib.sha256(whole.encode()).hexdigest()


def folder() -> Path | None:
    """Where files are kept: ``CHAINRULE_CACHE``, or the system's usual place; None when off."""
    wanted = os.environ.get("CHAINRULE_CACHE", "")
    if wanted:
        return None if wanted.lower() == "off" else Path(wanted)
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "chainrule"


class ObjectCache:
    """Object files by key. Safe for threads, and for processes that share the folder.

    Parameters
    ----------
    memory_limit, disk_limit : int
        The most bytes to keep.
    """

    def __init__(self, memory_limit: int = MEMORY_LIMIT, disk_limit: int = DISK_LIMIT) -> None:
        self.memory_limit, self.disk_limit = memory_limit, disk_limit
        self._memory: OrderedDict[str, bytes] = OrderedDict()
        self._held = 0
        self._writes = 0
        self._lock = threading.Lock()
        forks.follow(self)

    def begin_anew(self) -> None:
        """In the child of a fork: another thread may have been counting."""
        self._lock = threading.Lock()
        self._held = sum(map(len, self._memory.values()))

    def get(self, name: str) -> bytes | None:
        """The object file of a key, or None."""
        with self._lock:
            if name in self._memory:
                self._memory.move_to_end(name)
                return self._memory[name]
        data = _read(name)
        if data is not None:
            self._remember(name, data)
        return data

    def put(self, name: str, data: bytes) -> None:
        """Keep an object file in memory and, where that is possible, on disk."""
        self._remember(name, data)
        place = folder()
        if place is None:
            return
        _write(place, name, data)
        self._writes += 1
        if self._writes % _CLEAN_EVERY == 1:
            clean(place, self.disk_limit)

    def _remember(self, name: str, data: bytes) -> None:
        with self._lock:
            self._held += len(data) - len(self._memory.pop(name, b""))
            self._memory[name] = data
            while self._held > self.memory_limit and self._memory:
                self._held -= len(self._memory.popitem(last=False)[1])

    def forget(self) -> None:
        """Drop what is held in memory."""
        with self._lock:
            self._memory.clear()
            self._held = 0


def _read(name: str) -> bytes | None:
    place = folder()
    if place is None:
        return None
    path = place / f"{name}.o"
    try:
        content = path.read_bytes()
    except OSError:
        return None
    head = len(MAGIC)
    checksum, data = content[head : head + 32], content[head + 32 :]
    if content[:head] != MAGIC or checksum != _checksum(name, data):
        return None
    _touch(path)
    return data


def _checksum(name: str, data: bytes) -> bytes:
    """Of the key and the code, so that a file under another's name is not taken for it."""
    return hashlib.sha256(name.encode() + data).digest()


def _touch(path: Path) -> None:
    try:
        os.utime(path)
    except OSError:
        return


def _write(place: Path, name: str, data: bytes) -> None:
    """Through a temporary file that takes the name only when it is complete."""
    temporary = None
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=place, prefix=".new-")
        with os.fdopen(handle, "wb") as file:
            file.write(MAGIC + _checksum(name, data) + data)
        os.replace(temporary, place / f"{name}.o")
    except OSError:
        if temporary is not None:
            _remove(Path(temporary))


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError:
        return


def clean(place: Path, limit: int) -> None:
    """Remove the files that were not used for the longest time, until they fit into a limit."""
    try:
        entries = [(item.stat(), item) for item in place.iterdir() if _is_ours(item)]
    except OSError:
        return
    entries.sort(key=lambda entry: entry[0].st_mtime, reverse=True)
    total = 0
    for status, path in entries:
        total += status.st_size
        if total > limit:
            _remove(path)


def _is_ours(path: Path) -> bool:
    return path.suffix == ".o" or path.name.startswith(".new-")
