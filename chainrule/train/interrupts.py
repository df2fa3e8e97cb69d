"""Ctrl-C at any moment of training: it waits until it can be answered with a result."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Interrupts:
    """While this is entered, Ctrl-C is remembered, and raised only where it is allowed.

    Only Python's own way of answering Ctrl-C is replaced, in the main thread, where it arrives;
    somebody else's stays as it is.
    """

    def __init__(self) -> None:
        self.pending = False
        self._allowed = False
        self._before: Any = None

    def __enter__(self) -> Interrupts:
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self._arrived)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Raise `KeyboardInterrupt` in the block when one comes, or has come before."""
        try:
            self._allowed = True
            self.check()
            yield
            self.check()
        except KeyboardInterrupt:
            self.pending = False  # answered
            raise
        finally:
            self._allowed = False

    def check(self) -> None:
        """Raise what has come and was not seen: Python drops errors while it clears memory."""
        if self.pending:
            raise KeyboardInterrupt

    def _arrived(self, *_: object) -> None:
        self.pending = True
        if self._allowed:
            self._allowed = False  # once: what follows it is not interrupted
            raise KeyboardInterrupt
