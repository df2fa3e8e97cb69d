"""What an optimiser is: a pair of pure functions."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Optimiser(Protocol):
    """What `fit` asks of an optimiser."""

    def init(self, params: Any) -> Any:
        """Return the state before the first step: arrays, or containers of arrays, or nothing."""

    def update(self, params: Any, gradient: Any, state: Any) -> tuple[Any, Any]:
        """Return the parameters and the state after one step, of the same shapes and dtypes."""
