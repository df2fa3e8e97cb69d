"""NumPy's functions on traced values, by topic. Importing this package registers them all."""

from chainrule.tracing.functions import choosing, linear, reducing, shaping

__all__ = ["choosing", "linear", "reducing", "shaping"]
