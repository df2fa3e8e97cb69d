"""Plain NumPy functions become graphs: stand-ins for arrays, names, captured programs."""

from chainrule.tracing import functions as _functions
from chainrule.tracing.captured import Captured, Origin, capture
from chainrule.tracing.traced import Traced, as_node, named, node_of, wrap

__all__ = ["Captured", "Origin", "Traced", "as_node", "capture", "named", "node_of", "wrap"]

del _functions
