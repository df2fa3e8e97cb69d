"""NumPy's functions on traced values, by topic. Importing this package registers them all."""

from chainrule.tracing.functions import (
    choosing,
    creating,
    joining,
    linear,
    linear_algebra,
    reducing,
    shaping,
)

__all__ = [
    "choosing",
    "creating",
    "joining",
    "linear",
    "linear_algebra",
    "reducing",
    "shaping",
]
